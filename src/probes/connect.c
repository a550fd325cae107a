/* connect - connecting to the broker again and again: how often a second, and what each costs. */
#include "probes/connect.h"

#include "probes/connect_loop.h"
#include "security/tls_context.h"

#include <errno.h>
#include <string.h>

enum connect_session { SESSION_FULL, SESSION_RESUMED };

struct connect_settings {
    struct worker_window window;
    int64_t parallel, session;
};

static const struct setting rows[] = {
    {"duration", SETTING_DURATION, "10s", "100ms", "1h", .help = "measured time of a trial",
     .offset = offsetof(struct connect_settings, window.duration_ns)},
    {"warmup", SETTING_DURATION, "1s", "0s", "10min",
     .help = "time before that, which does not count",
     .offset = offsetof(struct connect_settings, window.warmup_ns)},
    {"parallel", SETTING_COUNT, "1", "1", "64",
     .help = "connections on their way at once, a thread each",
     .offset = offsetof(struct connect_settings, parallel)},
    {"session", SETTING_CHOICE, "full", .choices = "full resumed",
     .help = "full: a whole TLS handshake each time; resumed: by a ticket of the one before "
             "(without TLS both are the same)",
     .offset = offsetof(struct connect_settings, session)},
};
static const struct setting_group group =
    SETTING_GROUP("probe.connect", SETTING_PROBE, rows, struct connect_settings);

/* One client a thread. */
struct connect_clients {
    size_t n;
    struct stream *streams;
    struct connect_loop *loops;
    struct client_config **configs;
    SSL_CTX *context;
    _Atomic bool stop;
};

/* A session of its own for each, as the broker ends the older of two of the same name. */
static struct client_config *name_client(const struct client_config *client, size_t i) {
    CLEANUP_FREE char *session = i ? text_format("connect-%zu", i + 1) : text_copy("connect");
    struct client_config *own = setting_block_copy(&client_config_group, client);

    client_config_name_session(own, session);
    return own;
}

static int clients_open(struct connect_clients *clients, const struct worker_context *worker,
                        const struct connect_settings *settings, const struct client_config *client,
                        struct error *error) {
    int r;

    clients->n = (size_t)settings->parallel;
    clients->streams = aligned_alloc(_Alignof(struct stream), clients->n * sizeof(struct stream));
    if (!clients->streams)
        abort();
    memset(clients->streams, 0, clients->n * sizeof(struct stream));
    clients->loops = memory_new(clients->n, sizeof(*clients->loops));
    clients->configs = memory_new(clients->n, sizeof(*clients->configs));
    if (client->tls.enabled) {
        r = tls_context_client(&clients->context, client, error);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < clients->n; i++) {
        clients->configs[i] = name_client(client, i);
        clients->streams[i].context = &clients->loops[i];
        clients->streams[i].stop = &clients->stop;
        r = connect_loop_open(&clients->loops[i], clients->configs[i], clients->context,
                              settings->session == SESSION_RESUMED, &worker->measuring, error);
        if (r < 0)
            return r;
    }
    return 0;
}

static void clients_close(struct connect_clients *clients) {
    for (size_t i = 0; i < clients->n; i++) {
        connect_loop_close(&clients->loops[i]);
        client_config_free(clients->configs[i]);
    }
    SSL_CTX_free(clients->context);
    free(clients->configs);
    free(clients->loops);
    free(clients->streams);
}

/* ---- the books ---- */

static void put_times(struct worker_context *worker, const struct connect_loop *all) {
    const struct {
        const char *name;
        int64_t ns;
    } steps[] = {
        {"tcp_time", all->sums.tcp_ns},
        {"tls_time", all->sums.tls_ns},
        {"mqtt_time", all->sums.mqtt_ns},
    };
    static const struct {
        const char *name;
        double share;
    } percentiles[] = {
        {"connect_time_median", 0.5},
        {"connect_time_p95", 0.95},
        {"connect_time_p99", 0.99},
    };

    worker_metric(worker, "connect_time", histogram_mean(&all->total) / 1e6);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        worker_metric(worker, steps[i].name, (double)steps[i].ns / (double)all->total.n / 1e6);
    for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++)
        if (histogram_supports(all->total.n, percentiles[i].share))
            worker_metric(worker, percentiles[i].name,
                          histogram_percentile(&all->total, percentiles[i].share) / 1e6);
    worker_distribution(worker, "connect_time", "ms", &all->total, 1e6);
}

static void put_bytes(struct worker_context *worker, const struct connect_loop *all) {
    const struct connect_sums *sums = &all->sums;
    double n = (double)all->total.n;

    worker_metric(worker, "bytes_sent", (double)sums->sent_bytes / n);
    worker_metric(worker, "bytes_received", (double)sums->received_bytes / n);
    worker_metric(worker, "tls_bytes_sent", (double)sums->tls_sent_bytes / n);
    if (all->record_overhead >= 0)
        worker_metric(worker, "tls_bytes_received", (double)sums->tls_received_bytes / n);
}

static int put_books(struct worker_context *worker, const struct connect_clients *clients,
                     struct error *error) {
    CLEANUP_FREE struct connect_loop *all = memory_new(1, sizeof(*all));
    double elapsed_s = (double)jsonline_integer(worker->result, "elapsed_ns", 0) / 1e9;

    all->record_overhead = clients->loops[0].record_overhead;
    for (size_t i = 0; i < clients->n; i++)
        connect_loop_add(all, &clients->loops[i]);
    if (!all->total.n)
        return error_set(error, -ETIMEDOUT, "no connection was made in the measured time");
    worker_metric(worker, "connections_per_s", (double)all->total.n / elapsed_s);
    worker_metric(worker, "connections", (double)all->total.n);
    worker_metric(worker, "connections_made", (double)all->made);
    put_times(worker, all);
    put_bytes(worker, all);
    worker_share(worker, "connection", all->total.n);
    /* No bulk data. */
    (void)json_object_del(worker->result, "bytes");
    worker_put_tls(worker, &clients->loops[0].session);
    return 0;
}

/* ---- the role ---- */

static int perform(struct worker_context *worker, struct connect_clients *clients,
                   const struct connect_settings *settings, struct error *error) {
    int r = worker_measure_client(worker, &settings->window, clients->streams, clients->n,
                                  connect_loop_run, error);

    if (r < 0)
        return r; /* the process ends, and its threads with it */
    r = put_books(worker, clients, error);
    return r < 0 ? r : worker_report(worker, error);
}

static int run(struct worker_context *worker, struct error *error) {
    CLEANUP(client_config_freep) struct client_config *client = NULL;
    static struct connect_clients clients; /* after a failure threads may still use it */
    void *settings = NULL;
    int r = role_settings(worker, &group, &settings, error);

    if (r == 0)
        r = role_client(worker, &client, error);
    if (r == 0)
        r = clients_open(&clients, worker, settings, client, error);
    if (r == 0)
        r = perform(worker, &clients, settings, error);
    if (r == 0)
        clients_close(&clients);
    setting_block_free(&group, settings);
    return r;
}

static const struct metric metrics[] = {
    {"connections_per_s", "1/s", METRIC_HIGHER, true,
     "connections to the broker itself, one after the other: TCP, TLS if the channel has it, "
     "CONNECT, CONNACK, DISCONNECT; the broker closes one while the next begins. What a device "
     "pays that connects for each message."},
    {"connect_time", "ms", METRIC_LOWER, false, "mean, from the first call to the CONNACK"},
    {"connect_time_median", "ms", METRIC_LOWER, false, "half of all connections take at most that"},
    {"connect_time_p95", "ms", METRIC_LOWER, false, "95 % of all connections take at most that"},
    {"connect_time_p99", "ms", METRIC_LOWER, false, "99 % of all connections take at most that"},
    {"tcp_time", "ms", METRIC_LOWER, false, "mean, of it TCP's handshake"},
    {"tls_time", "ms", METRIC_LOWER, false, "mean, of it TLS's handshake, as the client sees it"},
    {"mqtt_time", "ms", METRIC_LOWER, false,
     "mean, of it CONNECT to CONNACK; with TLS 1.3 the broker checks a client's certificate then"},
    {"bytes_sent", "B", METRIC_LOWER, false, "TCP payload of a connection, up to the CONNACK"},
    {"bytes_received", "B", METRIC_LOWER, false, "TCP payload of a connection, with the CONNACK"},
    {"tls_bytes_sent", "B", METRIC_LOWER, false, "of them TLS's, without the CONNECT's record"},
    {"tls_bytes_received", "B", METRIC_LOWER, false,
     "of them TLS's, session tickets included, without the CONNACK's record"},
    {"cpu_per_connection", "us", METRIC_LOWER, false,
     "CPU time of client or broker for a connection, closing included"},
    {"connections", "connections", METRIC_NONE, false, "that were made in the measured time"},
    {"connections_made", "connections", METRIC_NONE, false, "the same, and those around it"},
    METRICS_OF_PROCESS,
};
static const struct role roles[] = {
    {.name = "connect-client", .party = PARTY_CLIENT2, .process = "client", .run = run},
};

const struct probe probe_connect = {
    .group = &group,
    .help = "connect, log in, leave: how often a second, and what each step costs",
    .metrics = metrics,
    .n_metrics = ARRAY_SIZE(metrics),
    .roles = roles,
    .n_roles = ARRAY_SIZE(roles),
    .in_channel = true,
    .planned_ns = probe_window_ns,
};
