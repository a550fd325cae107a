#include "broker/mosquitto.h"

#include "base/clock.h"
#include "base/folder.h"
#include "base/jsonline.h"
#include "base/process.h"
#include "broker/guests.h"
#include "security/key_token.h"
#include "security/tls_context.h"
#include "transport/congestion.h"
#include "transport/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define START_NS      (10 * NS_PER_S)
#define PORT_ATTEMPTS 8
#define MAX_LOG       (256 * 1024)
#define LOG_PART      4096
#define MAX_VARIABLES 3
/* The probes have 64 connections at most, telemetry and proofs a few, beside those of a fleet and
 * of its subscribers: what is beyond is not ours. */
#define MAX_CONNECTIONS 256
/* A fleet that connects at once must not wait until its connections have been read about. */
#define FLEET_LOG_PIPE (1 << 20)

static const struct setting rows[] = {
    {"port", SETTING_COUNT, "0", "0", "65535", .help = "where it listens; 0: a free port",
     .offset = offsetof(struct broker_settings, port)},
    {"max_inflight", SETTING_COUNT, "100", "1", "65535",
     .help = "messages of QoS 1 and 2 on their way at once, to a client or from one",
     .offset = offsetof(struct broker_settings, max_inflight)},
    {"connection_messages", SETTING_CHOICE, "yes", .choices = "no yes",
     .help =
         "whether it logs who comes and goes, as Mosquitto does by itself; in clear that is "
         "about a quarter of its work for a connection; without, nobody hears of uninvited clients",
     .offset = offsetof(struct broker_settings, connection_messages)},
};
const struct setting_group broker_group =
    SETTING_GROUP("broker", SETTING_SCENARIO, rows, struct broker_settings);

struct broker {
    struct process process;
    struct folder folder;
    char *program, *address;
    int64_t port;
    bool many; /* it is to have a fleet's connections */
    /* What it is started with, each time: in its folder; what its environment needs besides. */
    char *configuration, *variables[MAX_VARIABLES];
    size_t launched; /* where in the log that begins which its last start has to say */
    char version[32];
    char *log;
    size_t log_length;
    struct guests guests;
};

/* ---- configuration ---- */

/* OpenSSL's configuration for the broker, when it speaks TLS. */
static int write_openssl(const struct broker *broker, const struct bringup *bringup,
                         char **ret_path, struct error *error) {
    CLEANUP(client_config_freep)
    struct client_config *config = mechanism_client_config(bringup, PARTY_BROKER, "", 0);
    CLEANUP_FREE char *path = text_format("%s/openssl.cnf", broker->folder.path);
    FILE *file;

    if (!config->tls.enabled)
        return 0;
    file = fopen(path, "we");
    if (!file)
        return error_errno(error, -errno, "%s", path);
    fprintf(file, "openssl_conf = modules\n[modules]\nssl_conf = ssl\n"
                  "[ssl]\nsystem_default = system\n[system]\n");
    tls_broker_openssl(&config->tls, file);
    if (fclose(file) != 0)
        return error_errno(error, -errno, "%s", path);
    *ret_path = path;
    path = NULL;
    return 0;
}

/* What a stranger makes the broker keep must not take the machine's memory: half of it, in bytes.
 */
static long memory_limit(void) {
    int64_t half = (int64_t)sysconf(_SC_PHYS_PAGES) / 2 * sysconf(_SC_PAGESIZE);

    return half > LONG_MAX ? LONG_MAX : (long)half;
}

static int64_t max_connections(const struct bringup *bringup) {
    return MAX_CONNECTIONS + (bringup->fleet ? bringup->fleet->clients + FLEET_MAX_SUBSCRIBERS : 0);
}

static void write_general(FILE *file, const struct broker *broker, const struct bringup *bringup,
                          const char *address, const struct broker_settings *settings) {
    /* As another user it could not read private keys, would outlive us, and would not start at all
     * in a user namespace. It listens on the measured address only. */
    if (geteuid() == 0)
        fprintf(file, "user root\n");
    fprintf(file,
            "persistence false\n"
            "log_dest stderr\n"
            "log_type error\nlog_type warning\nlog_type notice\nlog_type information\n"
            "log_timestamp_format %%Y-%%m-%%dT%%H:%%M:%%S\n"
            "connection_messages %s\n"
            "set_tcp_nodelay true\n"
            "max_inflight_messages %d\n"
            /* No silent loss: the probes bound what is on its way. Not 0 messages for `no limit`:
             * with that, Debian's Mosquitto ends the connection of whoever publishes what is
             * denied, and nothing could be told from what came behind. */
            "max_inflight_bytes 0\nmax_queued_messages 2000000000\nmax_queued_bytes 0\n"
            "memory_limit %ld\n",
            settings->connection_messages ? "true" : "false", (int)settings->max_inflight,
            memory_limit());
    /* A limit of a listener: before the first it would open another one. */
    fprintf(file, "listener %d %s\nmax_connections %d\n", (int)broker->port, address,
            (int)max_connections(bringup));
}

static int write_configuration(const struct broker *broker, const struct bringup *bringup,
                               const char *address, const struct broker_settings *settings,
                               char **ret_path, struct error *error) {
    CLEANUP(client_config_freep)
    struct client_config *config = mechanism_client_config(bringup, PARTY_BROKER, "", 0);
    CLEANUP_FREE char *path = text_format("%s/mosquitto.conf", broker->folder.path);
    const struct mechanism *mechanism;
    FILE *file = fopen(path, "we");
    bool anonymous = true;
    size_t cursor = 0;
    int r = 0;

    if (!file)
        return error_errno(error, -errno, "%s", path);
    write_general(file, broker, bringup, address, settings);
    while (r == 0 && (mechanism = mechanism_next(bringup->channel, &cursor))) {
        anonymous = anonymous && !mechanism->no_anonymous;
        if (mechanism->broker)
            r = mechanism->broker(bringup, file, error);
    }
    if (config->tls.enabled)
        tls_broker_lines(&config->tls, file);
    fprintf(file, "allow_anonymous %s\n", anonymous ? "true" : "false");
    if (fclose(file) != 0 && r == 0)
        r = error_errno(error, -errno, "%s", path);
    if (r < 0)
        return r;
    *ret_path = path;
    path = NULL;
    return 0;
}

/* ---- the child ---- */

static void take_version(struct broker *broker) {
    const char *found = strstr(broker->log, "mosquitto version ");

    if (!*broker->version && found)
        (void)sscanf(found, "mosquitto version %31s", broker->version);
}

int broker_read_log(struct broker *broker, struct error *error) {
    char part[LOG_PART];
    ssize_t n = read(broker->process.err_fd, part, sizeof(part));
    struct process_end end;
    CLEANUP_FREE char *how = NULL;

    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : error_errno(error, -errno, "broker's log");
    if (n > 0) {
        size_t room = MAX_LOG - broker->log_length, length = (size_t)n < room ? (size_t)n : room;

        guests_read(&broker->guests, part, (size_t)n);
        memcpy(broker->log + broker->log_length, part, length);
        broker->log_length += length;
        broker->log[broker->log_length] = '\0';
        take_version(broker);
        return 0;
    }
    how = process_reap_soon(&broker->process, &end) ? process_end_text(end.status)
                                                    : text_copy("closed its log");
    return error_set(error, -ECHILD, "the broker ended (%s)", how);
}

/* The first line of the log that says "Error", without its time stamp: what follows are details
 * only make sense behind it ("Error found at ..."). */
static const char *first_complaint(const char *log) {
    const char *found = strstr(log, "Error");

    return found ? found : log;
}

static const struct transport_options plainly = {.timeout_ns = START_NS};

/* This connection is in its log, too. */
static void note_own(struct broker *broker, int fd) {
    struct sockaddr_storage local;
    socklen_t size = sizeof(local);
    char text[NI_MAXHOST];

    if (getsockname(fd, (struct sockaddr *)&local, &size) < 0 ||
        getnameinfo((struct sockaddr *)&local, size, text, sizeof(text), NULL, 0, NI_NUMERICHOST))
        return;
    text[strcspn(text, "%")] = '\0'; /* the log has no interface of a link-local one */
    guests_own(&broker->guests, text);
}

/* It says that it runs when it listens. */
static int await_running(struct broker *broker, struct error *error) {
    int64_t deadline = clock_monotonic_ns() + START_NS;

    while (!strstr(broker->log + broker->launched, " running\n")) {
        struct pollfd poller = {.fd = broker->process.err_fd, .events = POLLIN};
        struct error ended;

        if (poll(&poller, 1, clock_poll_ms(deadline)) == 0)
            return error_set(error, -ETIMEDOUT, "the broker does not accept connections after %d s",
                             (int)(START_NS / NS_PER_S));
        if (broker_read_log(broker, &ended) < 0) {
            const char *log = broker->log + broker->launched, *why = first_complaint(log);
            int length = (int)strcspn(why, "\n");

            return error_set(error, strstr(log, "in use") ? -EADDRINUSE : -ECHILD, "%s: %.*s",
                             ended.text, length, why);
        }
    }
    (void)congestion_impose_on_child(broker->process.pid);
    return 0;
}

/* Whoever starts it connects to it once; in its log there is nothing else to wait for. */
static int await_accepting(struct broker *broker, struct error *error) {
    CLEANUP_FD int fd = -1;
    int r = tcp_connect(&fd, broker->address, broker->port, &plainly, error);

    if (r < 0)
        return error_prefix(error, r, "the broker says that it runs");
    note_own(broker, fd);
    return 0;
}

/* A port of the address that is free now; somebody may take it before the broker does. */
static int free_port(const char *address, int64_t *ret, struct error *error) {
    CLEANUP_FD int fd = -1;
    int port, r = tcp_listen(&fd, address, &plainly, &port, error);

    if (r < 0)
        return error_prefix(error, r, "hosts.address");
    *ret = port;
    return 0;
}

/* Who will come: what was said of others before is forgotten. */
static void expect_guests(struct broker *broker, const struct bringup *bringup,
                          const char *address) {
    CLEANUP(client_config_freep)
    struct client_config *one =
        mechanism_client_config(bringup, PARTY_CLIENT1, address, broker->port);
    CLEANUP(client_config_freep)
    struct client_config *two =
        mechanism_client_config(bringup, PARTY_CLIENT2, address, broker->port);

    guests_close(&broker->guests);
    guests_open(&broker->guests, one->client_id, two->client_id);
}

static int launch(struct broker *broker, struct error *error) {
    const char *argv[] = {broker->program, "-c", broker->configuration, NULL};
    const char *environment[MAX_VARIABLES + 1] = {NULL};
    const struct process_options options = {.argv = argv,
                                            .environment = environment,
                                            .in = PROCESS_NULL,
                                            .out = PROCESS_NULL,
                                            .err = PROCESS_PIPE,
                                            .many_files = broker->many};
    size_t n = 0;
    int r;

    for (size_t i = 0; i < MAX_VARIABLES; i++)
        if (broker->variables[i])
            environment[n++] = broker->variables[i];
    broker->launched = broker->log_length;
    r = process_start(&broker->process, &options, error);
    if (r < 0)
        return r;
    if (broker->many)
        (void)fcntl(broker->process.err_fd, F_SETPIPE_SZ, FLEET_LOG_PIPE);
    return await_running(broker, error);
}

static void forget_files(struct broker *broker) {
    free(broker->configuration);
    broker->configuration = NULL;
    for (size_t i = 0; i < MAX_VARIABLES; i++) {
        free(broker->variables[i]);
        broker->variables[i] = NULL;
    }
}

/* What it is to read when it starts. */
static int write_files(struct broker *broker, const struct bringup *bringup,
                       const struct broker_settings *settings, struct error *error) {
    CLEANUP(client_config_freep)
    struct client_config *config = mechanism_client_config(bringup, PARTY_BROKER, "", 0);
    CLEANUP_FREE char *openssl = NULL;
    int r;

    forget_files(broker);
    r = write_configuration(broker, bringup, broker->address, settings, &broker->configuration,
                            error);
    if (r == 0)
        r = write_openssl(broker, bringup, &openssl, error);
    if (r < 0)
        return r;
    broker->variables[0] = text_format("OPENSSL_CONF=%s", openssl ? openssl : "");
    broker->variables[1] = key_token_engine_module(config->tls.key_file);
    broker->variables[2] = key_token_engine_softhsm(config->tls.key_file);
    return 0;
}

static int start_once(struct broker *broker, const struct bringup *bringup,
                      const struct broker_settings *settings, struct error *error) {
    int r = write_files(broker, bringup, settings, error);

    if (r == 0)
        r = launch(broker, error);
    return r < 0 ? r : await_accepting(broker, error);
}

int broker_start(struct broker **ret, struct bringup *bringup, const char *address,
                 const struct broker_settings *settings, struct error *error) {
    CLEANUP(broker_stopp) struct broker *broker = memory_new(1, sizeof(*broker));
    int r;

    broker->process = PROCESS_NONE;
    broker->folder = FOLDER_NONE;
    broker->log = memory_new(MAX_LOG + 1, 1);
    broker->address = text_copy(address);
    broker->many = bringup->fleet;
    r = process_find(&broker->program, "mosquitto", error);
    if (r < 0)
        return r;
    r = folder_make(&broker->folder, "bench-broker-", error);
    if (r < 0)
        return r;
    bringup->folder = broker->folder.path;
    r = -EADDRINUSE;
    for (int i = 0; i < PORT_ATTEMPTS && r == -EADDRINUSE; i++) {
        broker->port = settings->port;
        process_stop(&broker->process);
        *broker->log = '\0';
        broker->log_length = 0;
        expect_guests(broker, bringup, address);
        r = broker->port ? 0 : free_port(address, &broker->port, error);
        if (r == 0)
            r = start_once(broker, bringup, settings, error);
        if (r == -EADDRINUSE && settings->port)
            return error_set(error, r,
                             "broker.port: %d is taken on %s; choose another, or 0 for a free one",
                             (int)settings->port, address);
    }
    if (r < 0)
        return r;
    *ret = broker;
    broker = NULL;
    return 0;
}

/* A log that is full would have no room for what it says next. */
static void shorten_log(struct broker *broker) {
    size_t kept = MAX_LOG / 2;

    if (broker->log_length <= kept)
        return;
    while (kept && broker->log[kept - 1] != '\n')
        kept--;
    broker->log_length = kept;
    broker->log[kept] = '\0';
}

int broker_restart(struct broker *broker, int64_t *ret_down_ns, int64_t *ret_up_ns,
                   struct error *error) {
    int64_t down_ns = clock_monotonic_ns();
    int r;

    broker_end(broker);
    process_stop(&broker->process);
    shorten_log(broker);
    r = launch(broker, error);
    if (r < 0)
        return r;
    *ret_down_ns = down_ns;
    *ret_up_ns = clock_monotonic_ns();
    return 0;
}

void broker_stop(struct broker *broker) {
    process_stop(&broker->process);
    folder_remove(&broker->folder);
    guests_close(&broker->guests);
    forget_files(broker);
    free(broker->program);
    free(broker->address);
    free(broker->log);
    free(broker);
}

void broker_end(struct broker *broker) {
    struct error ended;

    if (broker->process.pid > 0)
        (void)kill(broker->process.pid, SIGKILL);
    while (broker->process.pid > 0 && broker_read_log(broker, &ended) == 0)
        ;
}

pid_t broker_pid(const struct broker *broker) {
    return broker->process.pid;
}

int64_t broker_port(const struct broker *broker) {
    return broker->port;
}

const char *broker_log(const struct broker *broker) {
    return broker->log;
}

int broker_fd(const struct broker *broker) {
    return broker->process.err_fd;
}

/* ---- as a kind of broker ---- */

static int start(struct broker **ret, struct bringup *bringup, const char *address,
                 const json_t *settings, json_t **ret_told, struct error *error) {
    void *own;
    int r = setting_block_from_json(&broker_group, settings, &own, error);

    if (r < 0)
        return r;
    r = broker_start(ret, bringup, address, own, error);
    setting_block_free(&broker_group, own);
    if (r < 0)
        return r;
    *ret_told = json_pack("{s:I,s:I,s:s}", "port", (json_int_t)(*ret)->port, "pid",
                          (json_int_t)(*ret)->process.pid, "version", (*ret)->version);
    return 0;
}

/* Who has come and is none of ours, by all of the log until now (guests.h); the caller's. NULL:
 * nobody. */
static char *find_uninvited(struct broker *broker) {
    struct error ignored; /* an end is told where the log is waited for */
    int pending = 0;

    if (ioctl(broker->process.err_fd, FIONREAD, &pending) < 0)
        pending = 0;
    for (; pending > 0; pending -= LOG_PART)
        (void)broker_read_log(broker, &ignored);
    return guests_uninvited(&broker->guests);
}

static int usage(const struct channel *channel, struct broker *broker, json_t **ret,
                 struct error *error) {
    CLEANUP_FREE char *congestion = NULL, *uninvited = NULL;
    int64_t memory_bytes;
    size_t connections;
    struct timespec used;
    clockid_t clock;

    (void)channel;
    if (!broker || broker->process.pid <= 0 ||
        clock_getcpuclockid(broker->process.pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
        return error_set(error, -ESRCH, "no broker is up");
    congestion = congestion_list(broker->port, &connections);
    uninvited = find_uninvited(broker);
    memory_bytes = process_own_memory(broker->process.pid);
    *ret = json_pack(
        "{s:f,s:I,s:I,s:I,s:s,s:I}", "cpu_s", (double)used.tv_sec + (double)used.tv_nsec / 1e9,
        "peak_memory", (json_int_t)process_peak_memory(broker->process.pid), "at_ns",
        (json_int_t)clock_monotonic_ns(), "agent_peak_memory", (json_int_t)process_peak_memory(0),
        "congestion", congestion, "connections", (json_int_t)connections);
    if (memory_bytes >= 0)
        (void)json_object_set_new(*ret, "memory", json_integer((json_int_t)memory_bytes));
    if (uninvited)
        (void)json_object_set_new(*ret, "uninvited", jsonline_words(uninvited));
    return 0;
}

const struct broker_kind broker_mosquitto = {
    .help = "a Mosquitto of our own, with the channel's configuration",
    .start = start,
    .usage = usage,
};
