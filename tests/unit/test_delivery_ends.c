/* probes/delivery: both ends with a real broker between them, what the publisher
 * says of its hop, and messages that cannot be opened. */
#include "emulator.h"
#include "peer.h"
#include "tested_role.h"

#include "base/process.h"
#include "broker/mosquitto.h"
#include "probes/delivery.h"
#include "security/payload.h"

#include <math.h>

#define PAYLOAD 1000

/* ---- the fixture: a broker, and what its clients need ---- */

struct site {
    struct channel channel;
    struct bringup bringup;
    json_t *secrets;
    struct broker *broker;
};

static void assign(struct channel *channel, const char *key, const char *value) {
    struct error error;

    if (channel_assign(channel, key, value, &error) < 0)
        fail_msg("%s", error.text);
}

/* A broker of a channel with these mechanisms; of TLS with one version, and ciphers unless "". */
static struct site *site_open(const char *use, const char *version, const char *ciphers) {
    const struct broker_settings settings = {.max_inflight = 20};
    struct site *site = memory_new(1, sizeof(*site));
    struct issuer issuer = {.secrets = json_object(), .validity_ns = 2, .renew_before_ns = 1};
    struct error error = {""};

    site->channel = workshop_channel("mine", use);
    site->secrets = issuer.secrets;
    assign(&site->channel, "tls.min_version", version);
    assign(&site->channel, "tls.max_version", version);
    if (*ciphers)
        assign(&site->channel, "tls.ciphers", ciphers);
    site->bringup =
        (struct bringup){.channel = &site->channel, .certs = peer_certs, .secrets = site->secrets};
    if ((text_has_word(use, "payload") && mechanism_issue(&site->channel, &issuer, &error) < 0) ||
        broker_start(&site->broker, &site->bringup, "127.0.0.1", &settings, &error) < 0)
        fail_msg("%s", error.text);
    return site;
}

static void site_close(struct site *site) {
    broker_stop(site->broker);
    channel_clear(&site->channel);
    json_decref(site->secrets);
    free(site);
}
DEFINE_CLEANUP(struct site *, site_close)

static struct client_config *client(const struct site *site, enum party party) {
    return mechanism_client_config(&site->bringup, party, "127.0.0.1",
                                   (int)broker_port(site->broker));
}

static void require_broker(void) {
    CLEANUP_FREE char *program = NULL;

    if (under_emulator("a broker of this machine has no use for foreign plugins") ||
        process_find(&program, "mosquitto", NULL) < 0)
        skip();
}

/* ---- one end, in a thread of its own ---- */

struct end {
    struct delivery_settings settings;
    struct courier courier;
};

static struct end *end_open(const struct site *site, bool sends, int qos, int64_t loss_ppm) {
    CLEANUP(client_config_freep)
    struct client_config *config = client(site, sends ? PARTY_CLIENT2 : PARTY_CLIENT1);
    struct end *end = memory_new(1, sizeof(*end));
    struct error error;

    config->loss_ppm = loss_ppm;
    end->settings = (struct delivery_settings){.window.duration_ns = 400 * NS_PER_MS,
                                               .payload_bytes = PAYLOAD,
                                               .qos = qos,
                                               .window_bytes = 64 * (PAYLOAD + 64)};
    courier_open(&end->courier, "t", &end->settings);
    if (courier_connect(&end->courier, config, sends, &error) < 0)
        fail_msg("%s", error.text);
    return end;
}

static void end_begin(struct end *end) {
    assert_int_equal(
        pthread_create(&end->courier.stream.thread, NULL, stream_run, &end->courier.stream), 0);
}

/* What its thread ends with. */
static int end_join(struct end *end, struct error *error) {
    assert_int_equal(pthread_join(end->courier.stream.thread, NULL), 0);
    assert_true(atomic_load(&end->courier.stream.ended));
    *error = end->courier.stream.error;
    return end->courier.stream.code;
}

static void end_close(struct end *end) {
    courier_close(&end->courier);
    free(end);
}

static int64_t units(const struct end *end) {
    return atomic_load(&end->courier.stream.counter.units);
}

static int64_t rests(struct end *end) {
    int64_t round;

    (void)pthread_mutex_lock(&end->courier.pauses.lock);
    round = end->courier.pauses.round;
    (void)pthread_mutex_unlock(&end->courier.pauses.lock);
    return round;
}

/* ---- both ends ---- */

/* Publishes until so many have arrived and so many rests were made; what either has counted. */
static void deliver(const struct site *site, int qos, int64_t loss_ppm, int64_t messages,
                    int64_t n_rests) {
    struct end *subscriber = end_open(site, false, qos, loss_ppm);
    struct end *publisher = end_open(site, true, qos, loss_ppm);
    int64_t until = deadline_from_now();
    struct error error = {""};

    end_begin(subscriber);
    end_begin(publisher);
    while ((units(subscriber) < messages || rests(publisher) < n_rests) &&
           clock_monotonic_ns() < until && !atomic_load(&publisher->courier.stream.ended))
        clock_sleep_until(clock_monotonic_ns() + NS_PER_MS);
    atomic_store(&publisher->courier.stop, true);
    if (end_join(publisher, &error) < 0)
        fail_msg("%s", error.text);
    atomic_store(&subscriber->courier.expected, publisher->courier.moved);
    if (end_join(subscriber, &error) < 0)
        fail_msg("%s", error.text);
    assert_true(subscriber->courier.moved >= messages);
    assert_int_equal(subscriber->courier.moved, publisher->courier.moved);
    assert_int_equal(units(publisher), publisher->courier.moved);
    assert_int_equal(atomic_load(&subscriber->courier.stream.counter.bytes),
                     subscriber->courier.moved * PAYLOAD);
    assert_int_equal(subscriber->courier.wrong, 0);
    assert_int_equal(
        sequence_check(&subscriber->courier.sequence, publisher->courier.moved, qos, true, NULL),
        0);
    /* More was published than may be on its way without credit. */
    assert_true(publisher->courier.moved <= publisher->courier.credited + 64);
    assert_true(publisher->courier.credited <= publisher->courier.moved);
    if (n_rests)
        assert_true(publisher->courier.pauses.silent_ns > 0);
    else
        assert_int_equal(publisher->courier.pauses.round, 0);
    end_close(publisher);
    end_close(subscriber);
}

static void test_all_arrives(void **state) {
    CLEANUP(site_closep) struct site *site = NULL;

    (void)state;
    require_broker();
    site = site_open("", "1.3", "");
    for (int qos = 0; qos <= 2; qos++)
        deliver(site, qos, 0, 1000, 0);
}

/* With an imposed loss the publisher rests, and goes on. */
static void test_imposed_loss(void **state) {
    CLEANUP(site_closep) struct site *site = NULL;

    (void)state;
    require_broker();
    site = site_open("", "1.3", "");
    for (int qos = 0; qos <= 2; qos += 2)
        deliver(site, qos, 100000, 100, 2);
}

/* A subscriber that gives credit, and answers nothing. */
struct silent {
    struct mqtt_client *client;
    int64_t moved;
};

static void give_credit(void *context, const char *topic, const void *payload, size_t length) {
    struct silent *silent = context;

    (void)topic;
    (void)payload;
    (void)length;
    silent->moved++;
    (void)mqtt_client_publish_raw(silent->client, "t/credit", &silent->moved, sizeof(int64_t), 0,
                                  NULL);
}

/* It rests only when the burst's last message is answered: any other credit is no answer. */
static void test_no_rest_without_answer(void **state) {
    CLEANUP(site_closep) struct site *site = NULL;
    CLEANUP(client_config_freep) struct client_config *config = NULL;
    struct silent silent = {NULL, 0};
    struct end *publisher;
    struct error error = {""};
    int64_t until;

    (void)state;
    require_broker();
    site = site_open("", "1.3", "");
    config = client(site, PARTY_CLIENT1);
    assert_int_equal(mqtt_client_connect(&silent.client, config, give_credit, &silent, &error), 0);
    assert_int_equal(mqtt_client_subscribe(silent.client, "t/data", 0, &error), 0);
    publisher = end_open(site, true, 0, 100000);
    end_begin(publisher);
    until = clock_monotonic_ns() + NS_PER_S; /* two bursts and rests, and more */
    while (clock_monotonic_ns() < until)
        assert_int_equal(mqtt_client_turn(silent.client, 10, &error), 0);
    assert_int_equal(rests(publisher), 0);
    atomic_store(&publisher->courier.stop, true);
    assert_int_equal(end_join(publisher, &error), 0);
    assert_true(publisher->courier.moved > 64);
    mqtt_client_free(silent.client);
    end_close(publisher);
}

/* ---- messages that cannot be opened ---- */

/* On a channel whose payloads are sealed somebody publishes what is not: either end stops, and says
 * why. */
static void test_unopened(void **state) {
    static const struct {
        bool sends;
        const char *topic;
        size_t length;
        int64_t loss_ppm;
    } cases[] = {{true, "t/credit", sizeof(int64_t), 0},
                 {true, "t/credit", sizeof(int64_t), 100000},
                 {false, "t/data", PAYLOAD, 0}};
    static const unsigned char payload[PAYLOAD];
    CLEANUP(site_closep) struct site *site = NULL;

    (void)state;
    require_broker();
    site = site_open("payload", "1.3", "");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(client_config_freep) struct client_config *stranger = client(site, PARTY_CLIENT2);
        struct end *end = end_open(site, cases[i].sends, 0, cases[i].loss_ppm);
        CLEANUP(mqtt_client_freep) struct mqtt_client *sender = NULL;
        int64_t until = deadline_from_now();
        struct error error = {""};

        text_replace(&stranger->client_id, "stranger");
        end_begin(end);
        while (cases[i].sends && units(end) < 64 && clock_monotonic_ns() < until)
            clock_sleep_until(clock_monotonic_ns() + NS_PER_MS);
        clock_sleep_until(clock_monotonic_ns() + 250 * NS_PER_MS); /* in which it could go on */
        assert_int_equal(mqtt_client_connect(&sender, stranger, NULL, NULL, &error), 0);
        assert_int_equal(
            mqtt_client_publish_raw(sender, cases[i].topic, payload, cases[i].length, 0, &error),
            0);
        while (!atomic_load(&end->courier.stream.ended) && clock_monotonic_ns() < until)
            assert_int_equal(mqtt_client_turn(sender, 10, &error), 0);
        atomic_store(&end->courier.stop, true);
        atomic_store(&end->courier.expected, 0);
        assert_int_equal(end_join(end, &error), -EBADMSG);
        assert_has(error.text, "1 ");
        /* Without credit a publisher fills its window, and no more. */
        assert_int_equal(end->courier.moved, cases[i].sends ? 64 : 0);
        end_close(end);
    }
}

/* ---- the publisher as a role ---- */

static const struct role *role(const char *name) {
    for (size_t i = 0; i < probe_delivery.n_roles; i++)
        if (text_equal(probe_delivery.roles[i].name, name))
            return &probe_delivery.roles[i];
    fail_msg("no %s", name);
    return NULL;
}

static json_t *role_params(const struct client_config *config, const char *payload,
                           const char *window) {
    const char *const values[][2] = {
        {"duration", "100ms"}, {"warmup", "0s"}, {"payload", payload}, {"window", window}};
    void *settings = setting_block_new(probe_delivery.group);
    struct error error = {""};
    json_t *params;

    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        if (setting_assign(setting_find(probe_delivery.group, values[i][0]), settings, values[i][1],
                           &error) < 0)
            fail_msg("%s", error.text);
    params = tested_params(probe_delivery.group, settings, config);
    (void)json_object_set_new(params, "topic", json_string("t"));
    setting_block_free(probe_delivery.group, settings);
    return params;
}

/* A figure of a result; negative when there is none. */
static double figure(const json_t *result, const char *name) {
    const json_t *value = json_object_get(json_object_get(result, "metrics"), name);

    return value ? json_number_value(value) : -1;
}

/* Leads a publisher through its trial, but for its leave, which tested_end() gives; its result is
 * the caller's. */
static json_t *publish(struct tested_role *tested, json_t *params,
                       void (*before_stop)(void *context), void *context) {
    tested_begin(tested, role("delivery-publisher"), params, "{\"do\": \"go\"}\n");
    json_decref(tested_hear(tested, "ready"));
    json_decref(tested_hear(tested, "begin"));
    json_decref(tested_hear(tested, "done"));
    tested_tell(tested, "{\"do\": \"stop\", \"sent\": 0}\n");
    if (before_stop)
        before_stop(context);
    return tested_hear(tested, "result");
}

/* What the hop has cost on the wire is what the formulas say; of ciphers that pad there is none. */
static void test_wire(void **state) {
    static const char *const of_tcp[] = {"retransmits",    "segments_out", "segments_in",
                                         "tcp_bytes_sent", "rtt",          "rtt_min"};
    static const struct {
        const char *use, *version, *ciphers, *session;
        bool theory;
    } cases[] = {
        {"", "1.3", "", "", true},
        {"tls", "1.3", "", "TLSv1.3", true},
        {"tls", "1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2", true},
        {"tls", "1.2", "ECDHE-ECDSA-AES128-SHA", "TLSv1.2", false},
    };

    (void)state;
    require_broker();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(site_closep)
        struct site *site = site_open(cases[i].use, cases[i].version, cases[i].ciphers);
        CLEANUP(client_config_freep) struct client_config *config = client(site, PARTY_CLIENT2);
        struct end *subscriber = end_open(site, false, 0, 0);
        struct error error = {""};
        struct tested_role tested;
        json_t *result;

        end_begin(subscriber);
        result = publish(&tested, role_params(config, "1000B", "64000B"), NULL, NULL);
        atomic_store(&subscriber->courier.expected, jsonline_integer(result, "sent", 0));
        assert_int_equal(end_join(subscriber, &error), 0);
        tested_end(&tested);
        assert_int_equal(tested.code, 0);
        assert_true(subscriber->courier.moved > 0);
        assert_int_equal(jsonline_integer(result, "sent", 0), subscriber->courier.moved);
        assert_true(figure(result, "tcp_per_payload") > 1);
        if (cases[i].theory)
            assert_true(fabs(figure(result, "tcp_per_payload_theory") -
                             figure(result, "tcp_per_payload")) < 1e-9);
        else
            assert_true(figure(result, "tcp_per_payload_theory") < 0);
        for (size_t j = 0; j < ARRAY_SIZE(of_tcp); j++)
            assert_true(figure(result, of_tcp[j]) >= 0);
        assert_true(figure(result, "segments_out") > 0);
        assert_true(figure(result, "tcp_bytes_sent") > PAYLOAD);
        assert_string_equal(jsonline_text(json_object_get(result, "tls"), "version", "?"),
                            cases[i].session);
        json_decref(result);
        end_close(subscriber);
    }
}

/* ---- what is still on its way ---- */

/* Lets one client in and subscribe, and reads on only when it may. */
struct lazy {
    int listener, port;
    _Atomic bool may_read;
    pthread_t thread;
};

static void *serve(void *argument) {
    struct lazy *broker = argument;
    unsigned char packet[130], connack[] = {0x20, 2, 0, 0}, suback[] = {0x90, 3, 0, 0, 0};
    static unsigned char rest[65536];
    int fd = accept(broker->listener, NULL, NULL);

    for (int i = 0; i < 2; i++) { /* CONNECT, SUBSCRIBE */
        if (recv(fd, packet, 2, MSG_WAITALL) != 2 || packet[1] >= 128 ||
            recv(fd, packet + 2, packet[1], MSG_WAITALL) != packet[1])
            break;
        memcpy(suback + 2, packet + 2, 2);
        (void)!send(fd, i ? suback : connack, i ? sizeof(suback) : sizeof(connack), MSG_NOSIGNAL);
    }
    while (!atomic_load(&broker->may_read))
        clock_sleep_until(clock_monotonic_ns() + NS_PER_MS);
    while (recv(fd, rest, sizeof(rest), 0) > 0)
        ;
    (void)close(fd);
    return NULL;
}

static void read_on(void *context) {
    struct lazy *broker = context;

    clock_sleep_until(clock_monotonic_ns() + 300 * NS_PER_MS);
    atomic_store(&broker->may_read, true);
}

/* What the kernel has not sent yet has no segments: they are counted when all has arrived. */
static void test_settles(void **state) {
    const struct transport_options options = {.receive_buffer_bytes = 65536};
    struct client_config *config = setting_block_new(&client_config_group);
    struct lazy broker = {.may_read = false};
    double headers, of_formula;
    struct tested_role tested;
    json_t *result;

    (void)state;
    if (under_emulator("qemu-user hands on no TCP_INFO"))
        skip();
    assert_int_equal(tcp_listen(&broker.listener, "127.0.0.1", &options, &broker.port, NULL), 0);
    assert_int_equal(pthread_create(&broker.thread, NULL, serve, &broker), 0);
    text_replace(&config->address, "127.0.0.1");
    text_replace(&config->client_id, "client2");
    config->port = broker.port;
    result = publish(&tested, role_params(config, "8KiB", "2MiB"), read_on, &broker);
    headers = figure(result, "wire_per_payload") - figure(result, "tcp_per_payload");
    of_formula =
        figure(result, "wire_per_payload_theory") - figure(result, "tcp_per_payload_theory");
    assert_true(of_formula > 0);
    assert_true(headers >= 0.9 * of_formula);
    json_decref(result);
    tested_end(&tested);
    assert_int_equal(tested.code, 0);
    assert_int_equal(pthread_join(broker.thread, NULL), 0);
    (void)close(broker.listener);
    client_config_free(config);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_arrives),
        cmocka_unit_test(test_imposed_loss),
        cmocka_unit_test(test_no_rest_without_answer),
        cmocka_unit_test(test_unopened),
        cmocka_unit_test(test_wire),
        cmocka_unit_test(test_settles),
    };

    return cmocka_run_group_tests(tests, peer_set_up, peer_tear_down);
}
