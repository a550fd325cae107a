/* mqtt/client under libmosquitto meets a broker that says arbitrary bytes: connecting, subscribing,
 * publishing and receiving end, with 0 or with words. The first byte says of which QoS; what the
 * broker says each time that it has heard something stands between lines of "%%%". Left out: Paho
 * C, which has threads of its own, and MQTT 5, where an assertion in libmosquitto (log__printf)
 * ends the process at any property that it does not know; in a run a worker is lost there, and its
 * trial has failed. */
#include "fuzz.h"

#include "mqtt/client.h"
#include "transport/transport.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

struct said {
    int listener;
    struct fuzz_part rest;
};

/* Says the next part when something was heard, or nothing for a moment: half a packet has no
 * answer. */
static void *be_broker(void *context) {
    struct said *said = context;
    int fd = accept4(said->listener, NULL, NULL, SOCK_CLOEXEC);
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    char heard[4096];

    FUZZ_CHECK(fd >= 0, "accept");
    while (said->rest.text) {
        struct fuzz_part part = fuzz_next(&said->rest);

        if (poll(&poller, 1, 5) > 0)
            (void)!recv(fd, heard, sizeof(heard), MSG_DONTWAIT);
        (void)!send(fd, part.text, part.length, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    (void)shutdown(fd, SHUT_WR);
    while (recv(fd, heard, sizeof(heard), 0) > 0)
        ;
    (void)close(fd);
    return NULL;
}

static void take(void *user, const char *topic, const void *payload, size_t length) {
    size_t *sum = user;

    *sum += strlen(topic);
    for (size_t i = 0; i < length; i++)
        *sum += ((const unsigned char *)payload)[i];
}

static int use_client(struct mqtt_client *client, int qos, struct error *error) {
    int r = mqtt_client_subscribe(client, "bench/fuzz", qos, error);

    for (int i = 0; i < 4 && r == 0; i++) {
        r = mqtt_client_publish(client, "bench/fuzz", "payload", 7, qos, error);
        if (r == 0)
            r = mqtt_client_turn(client, 10, error);
    }
    if (r == 0)
        r = mqtt_client_check_qos(client, error);
    return r;
}

static void check_client(const struct client_config *config, int listener, int qos,
                         struct fuzz_part rest) {
    CLEANUP(mqtt_client_freep) struct mqtt_client *client = NULL;
    struct said said = {listener, rest};
    struct error error = {""};
    pthread_t broker;
    size_t sum = 0;
    int r;

    FUZZ_CHECK(pthread_create(&broker, NULL, be_broker, &said) == 0, "a thread");
    r = mqtt_client_connect(&client, config, take, &sum, &error);
    if (r == 0)
        r = use_client(client, qos, &error);
    FUZZ_CHECK(r == 0 || (r < 0 && *error.text), "%d", r);
    FUZZ_CHECK(r != -ETIMEDOUT, "%s", error.text);
    if (client)
        mqtt_client_free(client);
    client = NULL;
    (void)pthread_join(broker, NULL);
}

static int listen_here(int64_t *ret_port) {
    const struct transport_options options = {.timeout_ns = 0};
    struct error error;
    int fd, port;

    FUZZ_CHECK(tcp_listen(&fd, "127.0.0.1", &options, &port, &error) == 0, "%s", error.text);
    *ret_port = port;
    return fd;
}

static struct client_config *config_of(int64_t port) {
    struct client_config *config = setting_block_new(&client_config_group);

    text_replace(&config->client_id, "client1");
    text_replace(&config->address, "127.0.0.1");
    config->port = port;
    config->mqtt = MQTT_3_1_1;
    config->library = LIBRARY_MOSQUITTO;
    return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int listener = -1;
    static int64_t port;
    CLEANUP(client_config_freep) struct client_config *config = NULL;

    if (!size || size > 32768)
        return 0;
    if (listener < 0)
        listener = listen_here(&port);
    config = config_of(port);
    check_client(config, listener, data[0] % 3,
                 (struct fuzz_part){(const char *)data + 1, size - 1});
    return 0;
}
