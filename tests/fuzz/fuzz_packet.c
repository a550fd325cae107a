/* transport/packet and attempt: a client that we make by hand meets a broker that answers with any
 * bytes, over a real connection: it is let in, turned away or left, with a cause, and never waits
 * for what cannot come. The first byte of the input: bit 0 MQTT 5; bit 1 the client publishes;
 * bit 2 the answer comes in single bytes. */
#include "fuzz.h"

#include "../registry.h"
#include "security/mechanism.h"
#include "transport/attempt.h"
#include "transport/packet.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

struct broker {
    int listener, port;
    const uint8_t *answer;
    size_t length;
    bool single;
};

static void serve(const struct broker *broker, int fd) {
    size_t piece = broker->single ? 1 : broker->length;
    char heard[4096];

    (void)!recv(fd, heard, sizeof(heard), 0);
    for (size_t sent = 0; sent < broker->length; sent += piece)
        if (send(fd, broker->answer + sent, piece, MSG_NOSIGNAL) < 0)
            return;
    (void)shutdown(fd, SHUT_WR);
    while (recv(fd, heard, sizeof(heard), 0) > 0)
        continue;
}

/* One connection. */
static void *live(void *argument) {
    const struct broker *broker = argument;
    struct pollfd poller = {.fd = broker->listener, .events = POLLIN};
    CLEANUP_FD int fd = poll(&poller, 1, 10000) > 0 ? accept(broker->listener, NULL, NULL) : -1;

    if (fd >= 0)
        serve(broker, fd);
    return NULL;
}

static void open_broker(struct broker *broker) {
    struct transport_options options = {.timeout_ns = INT64_C(10000000000)};
    struct error error;

    (void)signal(SIGPIPE, SIG_IGN); /* as the program does */
    FUZZ_CHECK(tcp_listen(&broker->listener, "127.0.0.1", &options, &broker->port, &error) == 0,
               "%s", error.text);
}

static struct client_config *make_client(const struct broker *broker) {
    static struct scenario *scenario;
    struct bringup bringup = {.certs = "/nowhere", .folder = "/nowhere"};
    struct error error;

    if (!scenario)
        FUZZ_CHECK(scenario_load(&scenario, workshop_registry(), FUZZ_SCENARIOS, "quick", NULL, 0,
                                 &error) == 0,
                   "%s", error.text);
    bringup.channel = &scenario->channels[0];
    return mechanism_client_config(&bringup, PARTY_CLIENT2, "127.0.0.1", broker->port);
}

/* What is taken for a CONNACK is one of a length that fits. */
static void check_reading(const uint8_t *bytes, size_t size, enum mqtt_version mqtt) {
    size_t length = size < PACKET_CONNACK_BYTES ? 0 : packet_connack_length(bytes, (int64_t)mqtt);
    struct packet_connack connack = {.code = -1};

    FUZZ_CHECK(length <= PACKET_MAX_BYTES, "%zu", length);
    if (!length || length > size || !packet_read_connack(bytes, length, &connack))
        return;
    FUZZ_CHECK(connack.length == length, "%zu, not %zu", connack.length, length);
    FUZZ_CHECK(connack.code >= 0 && connack.code <= 255, "%d", connack.code);
    FUZZ_CHECK(packet_connack_meaning(connack.code), "%d means nothing", connack.code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct broker broker;
    const struct attempt_message message = {"topic", "payload"};
    CLEANUP(client_config_freep) struct client_config *client = NULL;
    struct attempt attempt = {.accepted = false};
    struct error error = {""};
    pthread_t thread;
    int r;

    if (size < 2)
        return 0;
    if (!broker.port)
        open_broker(&broker);
    client = make_client(&broker);
    client->mqtt = data[0] & 1 ? MQTT_5 : MQTT_3_1_1;
    broker.answer = data + 1;
    broker.length = size - 1;
    broker.single = data[0] & 4;
    check_reading(broker.answer, broker.length, (enum mqtt_version)client->mqtt);
    FUZZ_CHECK(pthread_create(&thread, NULL, live, &broker) == 0, "no thread");
    r = attempt_make(client, data[0] & 2 ? &message : NULL, &attempt, &error);
    (void)pthread_join(thread, NULL);
    FUZZ_CHECK(r == 0 || *error.text, "%d and no reason", r);
    FUZZ_CHECK(r < 0 || *attempt.cause, "no cause");
    FUZZ_CHECK(r < 0 || !attempt.accepted || strcmp(attempt.cause, "connack 0") == 0, "%s",
               attempt.cause);
    return 0;
}
