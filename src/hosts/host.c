#include "hosts/host.h"

#include "base/clock.h"
#include "base/place.h"
#include "hosts/kind.h"
#include "hosts/protocol.h"
#include "hosts/wire.h"

#include <errno.h>
#include <string.h>

/* A launcher on the other machine may have something to look after before the agent greets. What
 * it speaks of may take long: a small board builds for minutes. */
#define GREETING_NS  (60 * NS_PER_S)
#define LAUNCHING_NS (20 * 60 * NS_PER_S)
/* What a shell may print on stdout before that. */
#define MAX_BANNER_LINES 100000
#define MAX_BANNER_WORDS 200
/* Of events that nobody has taken yet, as they came; in memory JSON may take forty times that. */
#define MAX_EVENT_BYTES (8 * 1024 * 1024)
#define CLOCK_LOOKS     16

/* How long an order may take. One that starts a broker may take 10 s. */
#define ORDER_NS (20 * NS_PER_S)
static const struct {
    const char *order;
    int64_t limit_ns;
} slow_orders[] = {
    {"certificate-request", 120 * NS_PER_S}, /* a small board looks for an RSA key */
    {"speed", 120 * NS_PER_S},               /* the same */
    {"round-trip", 60 * NS_PER_S},           /* several, of a lab's delay at most */
    {"train", 60 * NS_PER_S},                /* the same, and its rate */
};

struct host {
    char *spec;
    const struct host_kind *kind;
    struct host_options options;
    struct wire wire;
    json_t *greeting;
    json_t *events;     /* came while an answer was waited for */
    size_t event_bytes; /* of all of them */
    int64_t last_id;
};

/* ---- opening ---- */

static int start_agent(struct host *host, const struct host *mate, struct error *error) {
    const struct launch launch = {.spec = host->spec,
                                  .certs = host->options.certs,
                                  .folder = host->options.folder,
                                  .mate = mate && mate->kind == host->kind ? host_pid(mate) : 0};
    CLEANUP(words_clear) struct words words = {NULL, 0};
    CLEANUP_FREE char *program = NULL;
    struct process_options options = {.environment = host->kind->environment,
                                      .in = PROCESS_PIPE,
                                      .out = PROCESS_PIPE,
                                      .err = PROCESS_PIPE};
    int r = host->kind->command(&launch, &words, error);

    if (r == 0)
        r = process_find(&program, words.list[0], error);
    if (r < 0)
        return error_prefix(error, r, "host %s", host->spec);
    options.program = program;
    options.argv = (const char *const *)words.list;
    r = process_start(&host->wire.agent, &options, error);
    if (r == 0)
        jsonline_init(&host->wire.lines, host->wire.agent.out_fd);
    return r;
}

/* The beginning of the line that comes next on stdout; the caller's. */
static char *next_words(const struct wire *wire) {
    size_t length = 0;

    while (length < wire->lines.length && length < MAX_BANNER_WORDS &&
           wire->lines.buffer[length] != '\n')
        length++;
    return text_format("%.*s", (int)length, length ? wire->lines.buffer : "");
}

/* No agent has greeted: says why, as far as it can be known. going: it was given up, alive. */
static int explain(struct host *host, bool going, struct error *error) {
    const struct launch launch = {.spec = host->spec, .folder = host->options.folder};
    CLEANUP_FREE char *advice = NULL, *how = NULL, *rest = next_words(&host->wire);
    int status = wire_reap(&host->wire, &how);

    wire_keep_words(&host->wire, rest);
    if (host->kind->advise)
        advice = host->kind->advise(&launch, going ? -1 : status, host->wire.last_words);
    if (advice && !going)
        return error_set(error, -EPIPE, "host %s: %s", host->spec, advice);
    return error_set(error, -EPIPE, "%s before it greeted (%s)%s%s", host->wire.lost, how,
                     advice ? ": " : "", advice ? advice : "");
}

static int check_greeting(const struct host *host, struct error *error) {
    static const char *const keys[] = {"protocol", "version", "sources"};
    json_auto_t *ours = agent_greeting();
    const json_t *theirs = host->greeting;
    bool same = true;

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        same = same && json_equal(json_object_get(theirs, keys[i]), json_object_get(ours, keys[i]));
    if (same)
        return 0;
    return error_set(error, -EPROTO,
                     "host %s: there is version %s (protocol %d, sources %s) in %s, here is %s "
                     "(protocol %d, sources %s); bring the same to both, as `%s deploy` does",
                     host->spec, jsonline_text(theirs, "version", "?"),
                     (int)jsonline_integer(theirs, "protocol", 0),
                     jsonline_text(theirs, "sources", "?"), host->options.folder,
                     jsonline_text(ours, "version", "?"),
                     (int)jsonline_integer(ours, "protocol", 0),
                     jsonline_text(ours, "sources", "?"), place_call());
}

static int64_t greeting_limit(const struct wire *wire) {
    return wire->last_words && strstr(wire->last_words, "bench: ") ? LAUNCHING_NS : GREETING_NS;
}

/* A shell may have had its say on stdout before; only an agent speaks of a protocol. */
static int greet(struct host *host, struct error *error) {
    int64_t begin = clock_monotonic_ns();
    struct wire_wait wait = {.obeying = true};
    struct wire *wire = &host->wire;
    int banner = 0;

    while (!host->greeting) {
        CLEANUP_FREE char *words = next_words(wire);
        int64_t limit = greeting_limit(wire);
        json_auto_t *line = NULL;
        int r = jsonline_next(&wire->lines, &line, NULL);
        bool going;

        wait.deadline_ns = begin + limit;
        if (r > 0 && json_object_get(line, "protocol"))
            host->greeting = jsonline_visible(line);
        else if (r != 0)
            wire_keep_words(wire, words);
        else if (!wire->lost)
            r = wire_attend(&wire, 1, &wait, error);
        if (r == -EINTR)
            return r;
        going = !wire->lost;
        if (r == -ETIMEDOUT)
            wire_lose(wire, "no agent spoke within %d s", (int)(limit / NS_PER_S));
        else if (r != 0 && !host->greeting && ++banner > MAX_BANNER_LINES)
            wire_lose(wire, "it prints without end");
        if (wire->lost && !host->greeting && r <= 0)
            return explain(host, going, error);
    }
    return check_greeting(host, error);
}

int host_open(struct host **ret, const char *spec, const struct host_options *options,
              const struct host *mate, struct error *error) {
    CLEANUP(host_closep) struct host *host = memory_new(1, sizeof(*host));
    int r;

    host->spec = text_copy(spec);
    host->options = *options;
    host->events = json_array();
    host->wire = (struct wire){.spec = host->spec,
                               .cancel_fd = options->cancel_fd,
                               .relay = options->relay,
                               .context = options->context,
                               .agent = PROCESS_NONE};
    host->kind = host_kind_find(spec, error);
    if (!host->kind)
        return -EINVAL;
    r = start_agent(host, mate, error);
    if (r == 0)
        r = greet(host, error);
    if (r < 0)
        return r;
    *ret = host;
    host = NULL;
    return 0;
}

void host_close(struct host *host) {
    wire_clear(&host->wire);
    json_decref(host->events);
    json_decref(host->greeting);
    free(host->spec);
    free(host);
}

const char *host_spec(const struct host *host) {
    return host->spec;
}

const char *host_machine(const struct host *host) {
    return jsonline_text(host->greeting, "boot", host->spec);
}

const json_t *host_greeting(const struct host *host) {
    return host->greeting;
}

pid_t host_pid(const struct host *host) {
    return host->wire.agent.pid;
}

const char *host_lost(const struct host *host) {
    return host->wire.lost;
}

void host_watch(struct host *host) {
    host->wire.watched = true;
    host->wire.heard_ns = clock_monotonic_ns();
}

void host_beat(struct host *host) {
    wire_beat(&host->wire);
}

/* ---- orders ---- */

static int give(struct host *host, const char *order, json_t *args, int64_t id,
                struct error *error) {
    json_t *line = args ? args : json_object();

    (void)json_object_set_new(line, "order", json_string(order));
    if (id)
        (void)json_object_set_new(line, "id", json_integer(id));
    return wire_send(&host->wire, line, error);
}

int host_notify(struct host *host, const char *order, json_t *args, struct error *error) {
    return give(host, order, args, 0, error);
}

static int64_t limit_of(const char *order) {
    for (size_t i = 0; i < ARRAY_SIZE(slow_orders); i++)
        if (text_equal(slow_orders[i].order, order))
            return slow_orders[i].limit_ns;
    return ORDER_NS;
}

/* An answer that nobody waits for: it may be late, to an order that was given up. */
static void take_late_answer(struct host *host, const json_t *line) {
    int64_t answered = jsonline_integer(line, "id", 0);

    if (answered < 1 || answered > host->last_id)
        wire_lose(&host->wire, "its agent speaks nonsense: an answer to no question");
}

/* A line that came while the answer to an order is waited for. */
static void sort_line(struct host *host, json_t *line, int64_t id, json_t **ret_answer) {
    if (!json_object_get(line, "id")) {
        (void)json_array_append(host->events, line);
        host->event_bytes += host->wire.lines.taken;
    } else if (jsonline_integer(line, "id", 0) == id) {
        *ret_answer = json_incref(line);
    } else {
        take_late_answer(host, line);
    }
    if (host->event_bytes > MAX_EVENT_BYTES) {
        wire_lose(&host->wire, "its agent tells more than anybody asked for");
        (void)json_array_clear(host->events);
    }
}

static int await_answer(struct host *host, const char *order, int64_t id, json_t **ret,
                        struct error *error) {
    int64_t limit = limit_of(order);
    struct wire_wait wait = {.deadline_ns = clock_monotonic_ns() + limit, .obeying = true};
    struct wire *wire = &host->wire;

    for (;;) {
        json_auto_t *line = NULL;
        int r = wire_take_line(wire, &line);

        if (r > 0)
            sort_line(host, line, id, ret);
        if (*ret)
            return 0;
        if (r == 0)
            r = wire_attend(&wire, 1, &wait, error);
        if (r == -EINTR)
            return r;
        if (r == -ETIMEDOUT)
            wire_lose(wire, "no answer to `%s` within %d s", order, (int)(limit / NS_PER_S));
        if (r < 0)
            return wire_is_lost(wire, error);
    }
}

int host_order(struct host *host, const char *order, json_t *args, json_t **ret,
               struct error *error) {
    json_auto_t *answer = NULL;
    int64_t id = ++host->last_id;
    int r = give(host, order, args, id, error);

    if (r == 0)
        r = await_answer(host, order, id, &answer, error);
    if (r < 0)
        return r;
    if (json_object_get(answer, "error")) {
        int code = (int)jsonline_integer(answer, "code", -EIO);

        /* Of its own affairs: here these two are said of the host and of the driver. */
        return error_set(error, code == -EPIPE || code == -EINTR || code >= 0 ? -EIO : code, "%s",
                         jsonline_text(answer, "error", "?"));
    }
    if (ret)
        *ret = json_incref(json_object_get(answer, "ok"));
    return 0;
}

/* ---- events ---- */

/* An event that is there already. */
static int take_event(struct host *host, json_t **ret) {
    json_t *line;
    int r;

    if (json_array_size(host->events)) {
        *ret = json_incref(json_array_get(host->events, 0));
        (void)json_array_remove(host->events, 0);
        if (!json_array_size(host->events))
            host->event_bytes = 0;
        return 1;
    }
    while ((r = wire_take_line(&host->wire, &line)) > 0) {
        if (!json_object_get(line, "id")) {
            *ret = line;
            return 1;
        }
        take_late_answer(host, line);
        json_decref(line);
    }
    return host->wire.lost ? -EPIPE : r;
}

int host_next_event(struct host *const *hosts, size_t n_hosts, int64_t deadline_ns, json_t **ret,
                    size_t *ret_host, struct error *error) {
    struct wire_wait wait = {.deadline_ns = deadline_ns};
    struct wire *wires[WIRES_MAX];
    int r;

    for (;;) {
        for (size_t i = 0; i < n_hosts; i++) {
            r = take_event(hosts[i], ret);
            *ret_host = i;
            if (r != 0)
                return r > 0 ? 0 : wire_is_lost(&hosts[i]->wire, error);
            wires[i] = &hosts[i]->wire;
        }
        r = wire_attend(wires, n_hosts, &wait, error);
        if (r < 0)
            return r;
    }
}

/* ---- clocks ---- */

/* One kernel has one clock. */
static bool is_here(const struct host *host) {
    CLEANUP_FREE char *boot = protocol_boot();

    return boot && text_equal(jsonline_text(host->greeting, "boot", NULL), boot);
}

int host_compare_clocks(struct host *host, struct host_clock *ret, struct error *error) {
    struct host_clock best = {.bound_ns = INT64_MAX};

    if (is_here(host)) {
        *ret = (struct host_clock){0};
        return 0;
    }
    for (int i = 0; i < CLOCK_LOOKS; i++) {
        int64_t before = clock_monotonic_ns(), after, middle, wall;
        json_auto_t *there = NULL;
        int r = host_order(host, "clock", NULL, &there, error);

        if (r < 0)
            return r;
        wall = clock_realtime_ns(); /* first: what passes until `after` is within the bound */
        after = clock_monotonic_ns();
        middle = before + (after - before) / 2;
        if ((after - before) / 2 < best.bound_ns)
            best =
                (struct host_clock){.ahead_ns = jsonline_integer(there, "monotonic_ns", 0) - middle,
                                    .bound_ns = (after - before) / 2,
                                    .realtime_ahead_ns = jsonline_integer(there, "realtime_ns", 0) -
                                                         (wall - (after - middle))};
    }
    *ret = best;
    return 0;
}
