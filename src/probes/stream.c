#include "probes/stream.h"

#include "base/clock.h"
#include "probes/wire_bytes.h"
#include "security/tls_context.h"
#include "transport/overhead.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>

/* What the kernel may hold unsent: enough to keep a fast link busy, little enough that what the
 * sender has written is soon at the receiver. */
#define NOT_SENT_BYTES (256 * 1024)
/* Of larger sends a sender gains nothing more that can be seen. */
#define GATHER_BYTES  (256 * 1024)
#define RECEIVE_BYTES (128 * 1024)
/* How long a stream may take to come: before the first the other role has to start. Should it
 * fail, the driver knows. */
#define COME_NS (60 * NS_PER_S)
/* How often a slowed sender looks whether its burst shall end. */
#define LOOK_NS (5 * NS_PER_MS)

enum direction { UP, DOWN }; /* up: from client2 to the broker's host */
enum write { GATHERED, PER_UNIT };

struct stream_settings {
    struct worker_window window;
    int64_t direction, streams, write_size_bytes, write;
    int64_t send_buffer_bytes, receive_buffer_bytes;
};

/* ---- the loops ---- */

static int ended(struct stream *stream, int code, const char *what) {
    return code < 0 ? error_errno(&stream->error, code, "%s", what) : 0;
}

/* Receives for a sender. The other side may be slow, as long as what we sent moves. */
static ssize_t hear(const struct stream_loop *loop, void *data, size_t size) {
    int on_its_way = INT_MAX, before;

    for (;;) {
        ssize_t n = loop->transport->ops->receive(loop->transport, data, size);

        before = on_its_way;
        if (n != -ETIMEDOUT || ioctl(loop->transport->fd, SIOCOUTQ, &on_its_way) < 0 ||
            on_its_way >= before)
            return n;
    }
}

/* Until the receiver has finished too: to close on what it has said, be it a session ticket, would
 * reset the connection under what is still on its way. */
static int end_sender(struct stream *stream, int code) {
    const struct stream_loop *loop = stream->context;
    ssize_t n;

    loop->transport->ops->finish(loop->transport);
    if (code < 0)
        return ended(stream, code, "sending");
    do
        n = hear(loop, loop->buffer, loop->size);
    while (n > 0);
    /* Of any other end the receiver knows: it counts what it has, and will say. */
    return ended(stream, n == -ETIMEDOUT ? -ETIMEDOUT : 0, "sending");
}

static int send_loop(struct stream *stream) {
    struct stream_loop *loop = stream->context;
    struct transport *transport = loop->transport;
    int64_t bytes = 0;
    int r = 0;

    while (r == 0 && !atomic_load_explicit(stream->stop, memory_order_relaxed)) {
        r = transport->ops->send(transport, loop->buffer, loop->size);
        if (r == 0)
            bytes += (int64_t)loop->size;
        stream_count(stream, bytes, 0);
    }
    return end_sender(stream, r);
}

static int receive_loop(struct stream *stream) {
    struct stream_loop *loop = stream->context;
    struct transport *transport = loop->transport;
    int64_t bytes = 0, arrivals = 0;
    ssize_t n;

    while ((n = transport->ops->receive(transport, loop->buffer, loop->size)) > 0) {
        bytes += n;
        stream_count(stream, bytes, ++arrivals);
    }
    transport->ops->finish(transport);
    return ended(stream, (int)n, "receiving");
}

/* ---- with an imposed loss ---- */

static int await_answer(const struct stream_loop *loop) {
    char answer;
    ssize_t n;

    loop->transport->ops->flush(loop->transport);
    n = hear(loop, &answer, 1);
    return n > 0 ? 0 : n < 0 ? (int)n : -ECONNRESET;
}

/* Whether the next unit is the last of a burst of which so many bytes were sent. It looks only now
 * and then: to ask the kernel for every unit would slow the sender. */
static bool is_last(struct stream_loop *loop, int64_t sent) {
    int64_t now = clock_monotonic_ns();
    int on_its_way = 0;

    if (now < loop->look_ns)
        return false;
    loop->look_ns = now + LOOK_NS;
    (void)ioctl(loop->transport->fd, SIOCOUTQ, &on_its_way);
    return pauses_due(loop->pauses, sent, on_its_way);
}

static int send_slowed(struct stream *stream) {
    struct stream_loop *loop = stream->context;
    int64_t bytes = 0, begun = 0;
    int r = 0;

    pauses_begin(loop->pauses);
    while (r == 0 && !atomic_load_explicit(stream->stop, memory_order_relaxed)) {
        bool last = is_last(loop, bytes - begun);

        loop->buffer[0] = last;
        r = loop->transport->ops->send(loop->transport, loop->buffer, loop->size);
        if (r == 0)
            bytes += (int64_t)loop->size;
        stream_count(stream, bytes, 0);
        if (last && r == 0)
            r = await_answer(loop);
        if (last && r == 0) {
            pauses_take(loop->pauses, stream->stop);
            begun = bytes;
        }
    }
    pauses_leave(loop->pauses);
    return end_sender(stream, r);
}

/* Where the unit ends that is the last of a burst, if it begins in these n bytes at position. */
static int64_t find_last(const struct stream_loop *loop, int64_t position, int64_t n) {
    int64_t unit = loop->unit_bytes, begin = (position + unit - 1) / unit * unit;

    for (; begin < position + n; begin += unit)
        if (loop->buffer[begin - position])
            return begin + unit;
    return -1;
}

static int receive_slowed(struct stream *stream) {
    struct stream_loop *loop = stream->context;
    struct transport *transport = loop->transport;
    int64_t bytes = 0, arrivals = 0, answer_at = -1;
    ssize_t n;

    while ((n = transport->ops->receive(transport, loop->buffer, loop->size)) > 0) {
        if (answer_at < 0)
            answer_at = find_last(loop, bytes, n);
        bytes += n;
        stream_count(stream, bytes, ++arrivals);
        if (answer_at < 0 || bytes < answer_at)
            continue;
        answer_at = -1;
        /* When the sender has gone, the next that is received says how. */
        if (transport->ops->send(transport, "", 1) == 0)
            transport->ops->flush(transport);
    }
    transport->ops->finish(transport);
    return ended(stream, (int)n, "receiving");
}

stream_loop_fn *stream_loop_of(bool sends, bool slowed) {
    static stream_loop_fn *const loops[2][2] = {{receive_loop, receive_slowed},
                                                {send_loop, send_slowed}};

    return loops[sends][slowed];
}

/* ---- the streams of a worker ---- */

/* All streams of one worker. */
struct bundle {
    const struct stream_kind *kind;
    const struct stream_settings *settings;
    bool sends;
    struct stream *streams;
    struct stream_loop *loops; /* one a stream */
    size_t n;
    _Atomic bool stop;
    bool slowed; /* on a channel with an imposed loss */
    struct pauses pauses;
    SSL_CTX *context;
};

static void bundle_open(struct bundle *bundle, const struct stream_settings *settings, bool sends,
                        int64_t loss_ppm) {
    *bundle = (struct bundle){.settings = settings,
                              .sends = sends,
                              .n = (size_t)settings->streams,
                              .slowed = loss_ppm > 0};
    pauses_init(&bundle->pauses, loss_ppm, settings->window.duration_ns, bundle->n);
    bundle->streams = stream_new(bundle->n, stream_loop_of(sends, bundle->slowed), &bundle->stop);
    bundle->loops = memory_new(bundle->n, sizeof(*bundle->loops));
    for (size_t i = 0; i < bundle->n; i++) {
        struct stream_loop *loop = &bundle->loops[i];

        loop->size = sends ? (size_t)settings->write_size_bytes : RECEIVE_BYTES;
        loop->buffer = memory_new(loop->size, 1);
        loop->unit_bytes = settings->write_size_bytes;
        loop->pauses = &bundle->pauses;
        if (sends)
            (void)!getrandom(loop->buffer, loop->size, 0);
        bundle->streams[i].context = loop;
    }
}

static void bundle_close(struct bundle *bundle) {
    for (size_t i = 0; i < bundle->n; i++) {
        if (bundle->loops[i].transport)
            transport_free(bundle->loops[i].transport);
        free(bundle->loops[i].buffer);
    }
    SSL_CTX_free(bundle->context);
    free(bundle->streams);
    free(bundle->loops);
}

/* From `go` to `result`, with all streams connected. */
static int perform(struct worker_context *worker, struct bundle *bundle, struct error *error) {
    CLEANUP_FREE int *fds = memory_new(bundle->n, sizeof(*fds));
    json_auto_t *facts = NULL;
    struct tls_session session;
    struct wire_bytes wire;
    int64_t total = 0, bytes, sent;
    int r;

    for (size_t i = 0; i < bundle->n; i++)
        fds[i] = bundle->loops[i].transport->fd;
    wire_bytes_begin(&wire, fds, bundle->n);
    /* When it fails the process ends, and its threads with it. */
    r = worker_measure(worker, &bundle->settings->window, bundle->streams, bundle->n,
                       !bundle->sends, error);
    if (r < 0)
        return r;
    bytes = jsonline_integer(worker->result, "bytes", 0);
    /* Of the sender's units, those that have arrived in the measured time. */
    (void)json_object_set_new(worker->result, "units",
                              json_integer(bytes / bundle->settings->write_size_bytes));
    wire_bytes_put_tcp(worker, fds, bundle->n);
    r = worker_await(worker, "stop", &facts, error);
    if (r < 0)
        return r;
    atomic_store(&bundle->stop, true);
    r = worker_finish(bundle->streams, bundle->n, error);
    if (r < 0)
        return r;
    for (size_t i = 0; i < bundle->n; i++)
        total += atomic_load(&bundle->streams[i].counter.bytes);
    sent = jsonline_integer(facts, "sent", total);
    if (!bundle->sends && sent != total)
        return error_set(error, -EIO, "%lld bytes were sent, %lld received", (long long)sent,
                         (long long)total);
    (void)json_object_set_new(worker->result, bundle->sends ? "sent" : "received",
                              json_integer(total));
    transport_session(bundle->loops[0].transport, &session);
    worker_put_tls(worker, &session);
    if (bundle->kind->beside && !bundle->sends)
        worker_metric(worker, "load_throughput",
                      (double)bytes * 8e3 /
                          (double)jsonline_integer(worker->result, "elapsed_ns", 0));
    if (bundle->sends) { /* what all streams have cost on the wire, beside what they must cost */
        int64_t unit = bundle->settings->write_size_bytes, theory = -1,
                record = overhead_record(session.version, session.cipher);

        if (record >= 0)
            theory = total / unit * overhead_written(unit, record) +
                     (int64_t)bundle->n * overhead_farewell(record);
        wire_bytes_put(&wire, worker, total, theory);
    }
    return worker_report(worker, error);
}

/* Takes the connections as they come, unless the driver breaks off. Its `go` may be here before
 * them: a client is connected as soon as it is answered, and the last packet of that handshake may
 * be slower, through a tunnel say, than the driver. So its words may wait; only its end counts. */
static int serve(struct worker_context *worker, struct bundle *bundle,
                 const struct client_config *client, const struct transport_options *options,
                 struct error *error) {
    struct pollfd pollers[2] = {{.events = POLLIN}, {.fd = worker_fd(worker), .events = 0}};
    CLEANUP_FD int listener = -1;
    int port, r = tcp_listen(&listener, client->address, options, &port, error);

    if (r < 0)
        return r;
    r = worker_say(worker, "ready", json_pack("{s:i,s:b}", "port", port, "sends", bundle->sends),
                   error);
    pollers[0].fd = listener;
    for (size_t i = 0; i < bundle->n && r == 0; i++) {
        if (poll(pollers, 2, (int)(COME_NS / NS_PER_MS)) <= 0)
            return error_set(error, -ETIMEDOUT, "stream %zu never came", i + 1);
        if (!pollers[0].revents)
            return error_set(error, -EPIPE, "the driver broke off");
        r = transport_accept(&bundle->loops[i].transport, listener, bundle->context, options,
                             error);
    }
    return r;
}

static int reach(struct worker_context *worker, struct bundle *bundle,
                 const struct client_config *client, const struct transport_options *options,
                 struct error *error) {
    for (size_t i = 0; i < bundle->n; i++) {
        int r =
            transport_connect(&bundle->loops[i].transport, client, bundle->context, options, error);

        if (r < 0)
            return r;
    }
    return worker_say(worker, "ready", json_pack("{s:b}", "sends", bundle->sends), error);
}

/* The `ready` of the one role before: where the server listens. */
static int64_t port_of_peer(const struct worker_context *worker) {
    json_t *peers = json_object_get(worker->params, "peers"), *facts;
    const char *name;
    int64_t port = 0;

    json_object_foreach(peers, name, facts) {
        port = jsonline_integer(facts, "port", port);
    }
    return port;
}

/* TLS exactly as the MQTT session negotiated it. */
static void pin_tls(struct tls_config *tls, const json_t *pin) {
    const char *version = jsonline_text(pin, "version", "");
    const char *cipher = jsonline_text(pin, "cipher", "");
    const char *group_name = jsonline_text(pin, "group", "");
    bool newest = text_equal(version, "TLSv1.3");
    char *asked = tls->ciphers;

    if (!*version)
        return;
    tls->min_version = tls->max_version = newest ? TLS_1_3 : TLS_1_2;
    if (newest) {
        text_replace(&tls->suites, cipher);
    } else {
        /* The cipher alone, at the security level that the list it came from asks for. */
        const char *level = strstr(asked, "@SECLEVEL=");

        tls->ciphers = text_format("%s%s%s", cipher, level ? ":" : "", level ? level : "");
        free(asked);
    }
    if (!*group_name) /* an exchange without one */
        return;
    free(tls->groups);
    /* In TLS 1.2 the groups also say which curves a certificate may be of: ours are of P-256. */
    tls->groups = newest || text_has_word("secp256r1 prime256v1 P-256", group_name)
                      ? text_copy(group_name)
                      : text_format("%s:P-256", group_name);
}

/* The load's: its own defaults, but for the time, which is that of the probe beside it. */
static int load_settings(const struct worker_context *worker, const struct setting_group *group,
                         void *block, struct error *error) {
    static const char *const shared[] = {"duration", "warmup"};
    const json_t *beside = json_object_get(worker->params, "settings");

    for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
        int r = setting_assign(setting_find(group, shared[i]), block,
                               jsonline_text(beside, shared[i], ""), error);

        if (r < 0)
            return error_prefix(error, r, "%s.%s", group->name, shared[i]);
    }
    return 0;
}

int stream_end(struct worker_context *worker, struct error *error) {
    bool server = worker->role->party == PARTY_BROKER;
    const struct stream_kind *kind = worker->role->context;
    struct client_config *client = worker->client;
    struct transport_options options;
    static struct bundle bundle; /* after a failure threads may still use it: a worker has one */
    void *own = kind->beside ? setting_block_new(kind->probe.group) : NULL;
    struct stream_settings *settings = own ? own : worker->settings;
    int r = own ? load_settings(worker, kind->probe.group, own, error) : 0;

    if (r < 0) {
        setting_block_free(kind->probe.group, own);
        return r;
    }
    if (kind->per_unit)
        settings->write = PER_UNIT;
    bundle_open(&bundle, settings, server == (settings->direction == DOWN),
                kind->beside ? 0 : client->loss_ppm);
    bundle.kind = kind;
    if (kind->probe.in_channel)
        pin_tls(&client->tls, json_object_get(worker->params, "pin"));
    else
        text_replace(&client->address, client->outer_address);
    if (kind->probe.in_channel && client->tls.enabled)
        r = server ? tls_context_server(&bundle.context, client, error)
                   : tls_context_client(&bundle.context, client, error);
    if (r < 0)
        return r;
    options = (struct transport_options){
        .send_buffer_bytes = settings->send_buffer_bytes,
        .receive_buffer_bytes = settings->receive_buffer_bytes,
        .not_sent_bytes = NOT_SENT_BYTES,
        .timeout_ns = STREAM_STALL_NS,
        .gather_bytes = settings->write == GATHERED ? GATHER_BYTES : 0,
    };
    if (!server)
        client->port = port_of_peer(worker);
    r = server ? serve(worker, &bundle, client, &options, error)
               : reach(worker, &bundle, client, &options, error);
    if (r < 0)
        return r;
    r = perform(worker, &bundle, error);
    if (r < 0)
        return r;
    bundle_close(&bundle);
    if (own)
        setting_block_free(kind->probe.group, own);
    return 0;
}

/* ---- the kinds ---- */

#define AT(member) .offset = offsetof(struct stream_settings, member)
static const struct setting rows[] = {
    {"duration", SETTING_DURATION, "10s", "100ms", "1h", .help = "measured time of a trial",
     AT(window.duration_ns)},
    {"warmup", SETTING_DURATION, "1s", "0s", "10min",
     .help = "time before that, which does not count", AT(window.warmup_ns)},
    {"direction", SETTING_CHOICE, "up", .choices = "up down",
     .help = "up: client2 to the broker's host; down: the other way", AT(direction)},
    {"streams", SETTING_COUNT, "1", "1", "64", .help = "connections side by side, a thread each",
     AT(streams)},
    {"write_size", SETTING_BYTES, "64KiB", "1B", "4MiB",
     .help = "the unit: bytes handed over at once", AT(write_size_bytes)},
    {"send_buffer", SETTING_BYTES, "0B", "0B", "1GiB", .help = "SO_SNDBUF; 0B: the kernel's own",
     AT(send_buffer_bytes)},
    {"receive_buffer", SETTING_BYTES, "0B", "0B", "1GiB", .help = "SO_RCVBUF; 0B: the kernel's own",
     AT(receive_buffer_bytes)},
    {"write", SETTING_CHOICE, "gathered", .choices = "gathered per-unit",
     .help = "gathered: TLS records leave in large sends; per-unit: a send for each record",
     AT(write)},
};
#define ALL_ROWS    ARRAY_SIZE(rows)
#define COMMON_ROWS (ALL_ROWS - 1) /* without `write` */

/* clang-format off */
#define GROUP(full_name, group_scope, n)                                                           \
    {.name = (full_name), .scope = (group_scope), .rows = rows, .n_rows = (n),                     \
     .size = sizeof(struct stream_settings)}
static const struct setting_group groups[] = {
    [STREAM_PATH] = GROUP("probe.path", SETTING_PROBE, COMMON_ROWS),
    [STREAM_TRANSPORT] = GROUP("probe.transport", SETTING_PROBE, ALL_ROWS),
    [STREAM_PER_UNIT] = GROUP("probe.transport-per-unit", SETTING_PROBE, COMMON_ROWS),
    [STREAM_LOAD] = GROUP("load", SETTING_INTERNAL, COMMON_ROWS),
};
#define METRICS(throughput)                                                                        \
    (const struct metric[]){{"throughput", "Mbit/s", METRIC_HIGHER, true, throughput},             \
                            METRICS_OF_PROCESS, METRICS_OF_TCP, METRICS_OF_WIRE}
#define ROLE(kind, role_name, role_party, role_process)                                            \
    {.name = (role_name), .party = (role_party), .process = (role_process),                        \
     .settings = &groups[kind], .run = stream_end, .context = &stream_kinds[kind], .direct = true}
/* The rest are members of struct probe. */
#define PROBE(kind, own_name, throughput, ...)                                                     \
    {.group = &groups[kind],                                                                       \
     .metrics = METRICS(throughput), .n_metrics = ARRAY_SIZE(METRICS("")),                         \
     .roles =                                                                                      \
         (const struct role[]){ROLE(kind, own_name "-server", PARTY_BROKER, "receiver"),           \
                               ROLE(kind, own_name "-client", PARTY_CLIENT2, "sender")},           \
     .n_roles = 2, .planned_ns = probe_window_ns, __VA_ARGS__}

const struct stream_kind stream_kinds[] = {
    [STREAM_PATH] = {.probe = PROBE(STREAM_PATH, "path",
        "raw TCP beside the live channel, as the paper measured: what the link gives, counted from "
        "arrival to arrival. It enters no channel, so no difference here is a price of its "
        "security.",
        .help = "raw TCP beside the live channel: what the link gives",
        .rung = 1)},
    [STREAM_TRANSPORT] = {.probe = PROBE(STREAM_TRANSPORT, "transport",
        "through the channel's own transport: TCP, or TLS with the certificates, version and "
        "cipher of the MQTT session, counted from arrival to arrival. One hop, no broker: what the "
        "protocol itself costs.",
        .help = "through the channel's own TCP or TLS: what the protocol itself costs",
        .rung = 2, .in_channel = true)},
    /* A probe of its own, so that both rungs of the ladder are measured in one run. */
    [STREAM_PER_UNIT] = {.probe = PROBE(STREAM_PER_UNIT, "transport-per-unit",
        "as transport, but each unit is written for itself, as an MQTT library writes a message: "
        "under TLS a send for every record of at most 16 KiB, none gathered. From arrival to "
        "arrival. One hop, no broker: what this way of writing costs on top of the protocol.",
        .help = "through the same, each unit written for itself as MQTT libraries do",
        .rung = 3, .in_channel = true), .per_unit = true},
    [STREAM_LOAD] = {.probe.group = &groups[STREAM_LOAD], .beside = true},
};
/* clang-format on */
