/* client_group PORT CLIENTS MESSAGES RATE FOLDER - what many clients cost the process that has
 * them: so many connect to the broker on that port of 127.0.0.1 and publish so many messages of 30
 * bytes, in turn, RATE of them a second (0: as fast as it goes). With a FOLDER they show the
 * certificates there, of which each has one (ca.crt, m0.crt, m0.key ...); "-": in clear. Prints
 * "MEMORY CONNECT MESSAGE": bytes a client when all are connected, and microseconds of the
 * processor for a connection and a message.
 *
 * client_group peers PORT MESSAGES RATE FOLDER - the same messages at the same rate by eight
 * mosquitto_pub -l: "MESSAGE".
 *
 * client_group make CLIENTS FOLDER - makes these certificates, and broker.crt, broker.key.
 * See client-group, which calls it. */
#include "mqtt/client_group.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/process.h"
#include "security/pki_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD  "thirty bytes of payload, these"
#define LENGTH   30
#define TOPIC    "bench/group"
#define PEERS    8
#define LIMIT_NS (300 * NS_PER_S)

struct clients {
    const char *folder; /* "-": in clear */
    int64_t port;
};

static _Noreturn void fail(const char *words) {
    fprintf(stderr, "client_group: %s\n", words);
    exit(1);
}

static int64_t cpu_ns(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* What is the process's own: neither files nor what it shares. */
static double memory_bytes(void) {
    CLEANUP(fclosep) FILE *file = fopen("/proc/self/smaps_rollup", "re");
    char line[256];
    double kib = -1;

    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "Anonymous: %lf kB", &kib) == 1)
            return kib * 1024;
    fail("no smaps_rollup");
}

/* ---- certificates ---- */

static void put(const char *folder, const char *name, const char *suffix, const char *text) {
    CLEANUP_FREE char *path = text_format("%s/%s.%s", folder, name, suffix);
    FILE *file = fopen(path, "we");

    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        fail(path);
}

static void certify(const struct pki_authority *issuer, const char *folder, const char *name,
                    enum pki_role role, struct pki_authority *ret) {
    CLEANUP(GENERAL_NAMES_freep) GENERAL_NAMES *addresses = NULL;
    CLEANUP_FREE char *key = NULL, *certificate = NULL;
    int64_t now_s = clock_realtime_ns() / NS_PER_S;
    struct pki_profile profile = {.common_name = name,
                                  .role = role,
                                  .not_before_s = now_s - 86400,
                                  .not_after_s = now_s + 86400};
    struct error error;

    if (role == PKI_SERVER && pki_addresses_parse("127.0.0.1", &addresses, &error) < 0)
        fail(error.text);
    profile.addresses = addresses;
    if (pki_make_key(PKI_DEFAULT_KEY_TYPE, NULL, &ret->key, &key, &error) < 0 ||
        pki_certify(issuer ? issuer : ret, &profile, ret->key, &ret->certificate, &error) < 0 ||
        pki_certificate_pem(ret->certificate, &certificate, &error) < 0)
        fail(error.text);
    put(folder, name, "key", key);
    put(folder, name, "crt", certificate);
}

static void make_certificates(size_t n, const char *folder) {
    struct pki_authority ca = {NULL, NULL}, made = {NULL, NULL};

    certify(NULL, folder, "ca", PKI_CA, &ca);
    certify(&ca, folder, "broker", PKI_SERVER, &made);
    pki_authority_clear(&made);
    for (size_t i = 0; i < n; i++) {
        CLEANUP_FREE char *name = text_format("m%zu", i);

        made = (struct pki_authority){NULL, NULL};
        certify(&ca, folder, name, PKI_CLIENT, &made);
        pki_authority_clear(&made);
    }
    pki_authority_clear(&ca);
}

/* ---- clients ---- */

static int make_config(void *context, size_t client, struct client_config **ret,
                       struct error *error) {
    const struct clients *clients = context;
    struct client_config *config = setting_block_new(&client_config_group);
    CLEANUP_FREE char *id = text_format("m%zu", client),
                      *ca = text_format("%s/ca.crt", clients->folder),
                      *cert = text_format("%s/%s.crt", clients->folder, id),
                      *key = text_format("%s/%s.key", clients->folder, id);

    (void)error;
    *ret = config;
    text_replace(&config->address, "127.0.0.1");
    text_replace(&config->client_id, id);
    config->port = clients->port;
    if (text_equal(clients->folder, "-"))
        return 0;
    config->tls.enabled = 1;
    config->tls.min_version = TLS_1_3;
    text_replace(&config->expected_host, "127.0.0.1");
    text_replace(&config->tls.ca_file, ca);
    text_replace(&config->tls.cert_file, cert);
    text_replace(&config->tls.key_file, key);
    return 0;
}

static void run(struct client_group *group, int64_t ns) {
    struct error error;

    if (client_group_run(group, clock_monotonic_ns() + ns, -1, &error) < 0)
        fail(error.text);
}

static void connect_all(struct client_group *group, size_t n) {
    int64_t deadline = clock_monotonic_ns() + LIMIT_NS;
    struct client_group_counts counts = {0};

    client_group_connect(group, 0, n);
    while (counts.up < (int64_t)n) {
        run(group, 10 * NS_PER_MS);
        client_group_count(group, &counts);
        if (counts.failed || clock_monotonic_ns() > deadline) {
            json_t *reasons = client_group_reasons(group);

            fail(json_dumps(reasons, JSON_COMPACT));
        }
    }
}

static int64_t due_ns(int64_t start_ns, size_t nth, double rate) {
    return start_ns + (int64_t)((double)nth * 1e9 / rate);
}

static void publish(struct client_group *group, size_t n, size_t messages, double rate) {
    int64_t start_ns = clock_monotonic_ns();
    struct error error;

    for (size_t i = 0; i < messages; i++) {
        int64_t due = rate > 0 ? due_ns(start_ns, i, rate) : 0;

        if (due > clock_monotonic_ns() && client_group_run(group, due, -1, &error) < 0)
            fail(error.text);
        if (rate <= 0 && i % n == 0)
            run(group, 0);
        while (rate <= 0 && client_group_is_blocked(group, i % n))
            run(group, NS_PER_MS);
        if (client_group_publish(group, i % n, TOPIC, PAYLOAD, LENGTH, 0, &error) < 0)
            fail(error.text);
    }
}

static void measure(const struct clients *clients, size_t n, size_t messages, double rate) {
    const struct client_group_options options = {
        .n = n, .keepalive_s = 60, .config = make_config, .context = (void *)(uintptr_t)clients};
    struct client_group *group = NULL;
    double before = memory_bytes(), after;
    int64_t start_ns, connect_ns;
    struct error error;

    if (client_group_open(&group, &options, &error) < 0)
        fail(error.text);
    start_ns = cpu_ns();
    connect_all(group, n);
    connect_ns = cpu_ns() - start_ns;
    after = memory_bytes();
    start_ns = cpu_ns();
    publish(group, n, messages, rate);
    printf("%.0f %.2f %.3f\n", (after - before) / (double)n, (double)connect_ns / 1e3 / (double)n,
           (double)(cpu_ns() - start_ns) / 1e3 / (double)messages);
    client_group_free(group);
}

/* ---- its peers ---- */

static void start_peer(struct process *ret, const struct clients *clients) {
    CLEANUP_FREE char *program = NULL, *port = text_format("%d", (int)clients->port),
                      *ca = text_format("%s/ca.crt", clients->folder),
                      *cert = text_format("%s/m0.crt", clients->folder),
                      *key = text_format("%s/m0.key", clients->folder);
    bool plain = text_equal(clients->folder, "-");
    const char *const argv[] = {
        "mosquitto_pub",           "-h", "127.0.0.1", "-p", port,    "-q", "0", "-t", TOPIC, "-l",
        plain ? NULL : "--cafile", ca,   "--cert",    cert, "--key", key,  NULL};
    struct process_options options = {
        .argv = argv, .in = PROCESS_PIPE, .out = PROCESS_KEEP, .err = PROCESS_KEEP};
    struct error error;

    if (process_find(&program, argv[0], &error) < 0)
        fail(error.text);
    options.program = program;
    if (process_start(ret, &options, &error) < 0)
        fail(error.text);
}

static void measure_peers(const struct clients *clients, size_t messages, double rate) {
    struct process peers[PEERS];
    int64_t start_ns;
    double cpu_s = 0;

    for (int i = 0; i < PEERS; i++)
        start_peer(&peers[i], clients);
    start_ns = clock_monotonic_ns();
    for (size_t i = 0; i < messages; i++) {
        clock_sleep_until(due_ns(start_ns, i, rate));
        if (write(peers[i % PEERS].in_fd, PAYLOAD "\n", LENGTH + 1) != LENGTH + 1)
            fail("mosquitto_pub has gone");
    }
    for (int i = 0; i < PEERS; i++) {
        struct process_end end = {.cpu_s = 0};

        (void)close(peers[i].in_fd);
        peers[i].in_fd = -1;
        while (!process_reap(&peers[i], &end))
            clock_sleep_until(clock_monotonic_ns() + 10 * NS_PER_MS);
        if (end.status)
            fail("mosquitto_pub has failed");
        cpu_s += end.cpu_s;
    }
    printf("%.3f\n", cpu_s * 1e6 / (double)messages);
}

int main(int argc, char **argv) {
    bool peers = argc == 6 && text_equal(argv[1], "peers");
    struct clients clients;

    (void)signal(SIGPIPE, SIG_IGN);
    if (argc == 4 && text_equal(argv[1], "make")) {
        make_certificates(strtoul(argv[2], NULL, 10), argv[3]);
        return 0;
    }
    if (argc != 6)
        return 2;
    clients = (struct clients){.folder = argv[5], .port = strtoll(argv[1 + peers], NULL, 10)};
    if (peers)
        measure_peers(&clients, strtoul(argv[3], NULL, 10), strtod(argv[4], NULL));
    else
        measure(&clients, strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10),
                strtod(argv[4], NULL));
    return 0;
}
