/*
 * connect_rate KIND SECONDS PORT FOLDER GROUPS - how often a second a client gets in over mutual
 * TLS 1.3 at a broker on 127.0.0.1; FOLDER has ca.crt, client.crt and client.key. libmosquitto
 * offers the groups of OPENSSL_CONF. KIND:
 *
 *   bench      the loop of the probe connect
 *   raw        the least that OpenSSL needs: connect, handshake, CONNECT, CONNACK, close
 *   polite     the same with DISCONNECT, and until the broker has closed
 *   library    libmosquitto
 *
 * Prints connections a second, and this client's processor time for one, in microseconds.
 */
#include "base/clock.h"
#include "probes/connect.h"
#include "security/tls_context.h"

#include <arpa/inet.h>
#include <errno.h>
#include <mosquitto.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct task {
    struct client_config *client;
    int64_t until_ns;
};

static void fail(const char *what) {
    fprintf(stderr, "connect_rate: %s\n", what);
    exit(1);
}

static SSL_CTX *context_of(const struct task *task) {
    SSL_CTX *context;
    struct error error;

    if (tls_context_client(&context, task->client, &error) < 0)
        fail(error.text);
    return context;
}

/* ---- bench ---- */

static int64_t run_bench(const struct task *task) {
    static const _Atomic bool measuring = true;
    static _Atomic bool stop = false;
    static struct connect_loop loop;
    struct stream stream = {.run = connect_loop_run, .stop = &stop, .context = &loop};
    SSL_CTX *context = context_of(task);

    if (connect_loop_open(&loop, task->client, context, false, &measuring, &stream.error) < 0)
        fail(stream.error.text);
    if (pthread_create(&stream.thread, NULL, stream_run, &stream) != 0)
        fail("no thread");
    clock_sleep_until(task->until_ns);
    atomic_store(&stop, true);
    (void)pthread_join(stream.thread, NULL);
    if (stream.code < 0)
        fail(stream.error.text);
    connect_loop_close(&loop);
    SSL_CTX_free(context);
    return loop.made;
}

/* ---- raw OpenSSL ---- */

static void connect_raw(SSL_CTX *context, int64_t port, bool polite) {
    static const char packet[] = "\x10\x0f\0\4MQTT\4\2\0\x3c\0\3raw";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    SSL *ssl = SSL_new(context);
    char answer[1024];

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        fail(strerror(errno));
    if (SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1 ||
        SSL_write(ssl, packet, sizeof(packet) - 1) != sizeof(packet) - 1 ||
        SSL_read(ssl, answer, 4) != 4 || answer[3] != 0)
        fail(openssl_reason());
    if (polite) {
        (void)SSL_write(ssl, "\xe0\0", 2);
        while (recv(fd, answer, sizeof(answer), 0) > 0)
            ;
    }
    SSL_free(ssl);
    (void)close(fd);
}

static int64_t loop_raw(const struct task *task, bool polite) {
    SSL_CTX *context = context_of(task);
    int64_t made = 0;

    for (; clock_monotonic_ns() < task->until_ns; made++)
        connect_raw(context, task->client->port, polite);
    SSL_CTX_free(context);
    return made;
}

static int64_t run_raw(const struct task *task) {
    return loop_raw(task, false);
}

static int64_t run_polite(const struct task *task) {
    return loop_raw(task, true);
}

/* ---- libmosquitto ---- */

static void on_connect(struct mosquitto *client, void *context, int code) {
    (void)client;
    *(int *)context = code;
}

static int64_t run_library(const struct task *task) {
    const struct tls_config *tls = &task->client->tls;
    int64_t made = 0;
    int code;
    struct mosquitto *client;

    (void)mosquitto_lib_init();
    client = mosquitto_new("library", true, &code);
    (void)mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    (void)mosquitto_tls_set(client, tls->ca_file, NULL, tls->cert_file, tls->key_file, NULL);
    mosquitto_connect_callback_set(client, on_connect);
    for (; clock_monotonic_ns() < task->until_ns; made++) {
        code = -1;
        if (mosquitto_connect(client, "127.0.0.1", (int)task->client->port, 60) != 0)
            fail("libmosquitto does not connect");
        while (code < 0)
            if (mosquitto_loop(client, 1000, 1) != 0)
                fail("libmosquitto is not let in");
        (void)mosquitto_disconnect(client);
    }
    mosquitto_destroy(client);
    (void)mosquitto_lib_cleanup();
    return made;
}

static double cpu_us(void) {
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static const struct {
    const char *name;
    int64_t (*run)(const struct task *task);
} kinds[] = {
    {"bench", run_bench},
    {"raw", run_raw},
    {"polite", run_polite},
    {"library", run_library},
};

static struct client_config *client_of(const char *port, const char *folder, const char *groups) {
    struct client_config *client = setting_block_new(&client_config_group);

    text_replace(&client->address, "127.0.0.1");
    text_replace(&client->expected_host, "localhost");
    text_replace(&client->client_id, "bench");
    client->port = strtol(port, NULL, 10);
    client->tls.enabled = 1;
    client->tls.min_version = client->tls.max_version = TLS_1_3;
    client->tls.tickets = 1;
    text_replace(&client->tls.groups, groups);
    client->tls.ca_file = text_format("%s/ca.crt", folder);
    client->tls.cert_file = text_format("%s/client.crt", folder);
    client->tls.key_file = text_format("%s/client.key", folder);
    return client;
}

int main(int argc, char *argv[]) {
    struct task task;

    if (argc != 6)
        fail("usage: connect_rate KIND SECONDS PORT FOLDER GROUPS");
    (void)signal(SIGPIPE, SIG_IGN);
    task.client = client_of(argv[3], argv[4], argv[5]);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (text_equal(kinds[i].name, argv[1])) {
            int64_t start_ns = clock_monotonic_ns(), made;

            task.until_ns = start_ns + (int64_t)(strtod(argv[2], NULL) * 1e9);
            made = kinds[i].run(&task);
            printf("%.1f %.1f\n", (double)made * 1e9 / (double)(clock_monotonic_ns() - start_ns),
                   cpu_us() / (double)made);
            client_config_free(task.client);
            return 0;
        }
    fail("no such kind");
}
