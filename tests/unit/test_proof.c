/* probes/proof: what the examiner makes of a broker that is as it should be, of one whose words of
 * refusal get lost on the way, and of brokers that are broken on purpose. */
#include "emulator.h"
#include "peer.h"

#include "base/clock.h"
#include "base/process.h"
#include "broker/mosquitto.h"
#include "probes/proof.h"
#include "security/mechanism.h"
#include "transport/transport.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#define SECRET "s3cret-of-the-test"
#define ID     "client2-proof"

/* A broker with one password, in clear. Whom it turns away it tells why only every so many times;
 * the other times it closes, as when the words were lost and a reset followed them. */
struct fake_broker {
    int listener, port;
    int tells_each;   /* 0: it never tells */
    int leaves_after; /* so many connections; 0: it stays */
    bool takes_all;   /* also without the password */
    bool takes_none;
    bool babbles; /* to whom it does not let in */
    int refusals;
    int others; /* connections under another client id than the examiner's */
    pthread_t thread;
};

static void converse(struct fake_broker *broker, int fd) {
    unsigned char packet[300], connack[] = {0x20, 2, 0, 0}, pong[] = {0xd0, 0};
    bool let_in = false;

    while (recv(fd, packet, 2, MSG_WAITALL) == 2 && packet[1] < 128 &&
           (!packet[1] || recv(fd, packet + 2, packet[1], MSG_WAITALL) == packet[1])) {
        if (packet[0] >> 4 == 1) {
            /* Behind the length of its text: so nothing is in front of it. */
            let_in = broker->takes_all ||
                     (!broker->takes_none &&
                      memmem(packet, 2U + packet[1], "\0\022" SECRET, 2 + strlen(SECRET)));
            broker->others += !memmem(packet, 2U + packet[1], "\0\015" ID, 2 + strlen(ID));
            connack[0] = let_in || !broker->babbles ? 0x20 : 'H';
            connack[3] = let_in ? 0 : 5;
            if (!let_in && (!broker->tells_each || ++broker->refusals % broker->tells_each))
                return;
            (void)!send(fd, connack, sizeof(connack), MSG_NOSIGNAL);
        }
        if (packet[0] >> 4 == 12)
            (void)!send(fd, pong, sizeof(pong), MSG_NOSIGNAL);
        if (!let_in)
            return;
    }
}

static void *serve(void *argument) {
    struct fake_broker *broker = argument;
    int fd, n = 0;

    while ((fd = accept(broker->listener, NULL, NULL)) >= 0) {
        if (++n == broker->leaves_after)
            (void)shutdown(broker->listener, SHUT_RDWR);
        converse(broker, fd);
        (void)close(fd);
    }
    return NULL;
}

static void fake_open(struct fake_broker *broker) {
    const struct transport_options options = {.timeout_ns = 0};

    assert_int_equal(tcp_listen(&broker->listener, "127.0.0.1", &options, &broker->port, NULL), 0);
    assert_int_equal(pthread_create(&broker->thread, NULL, serve, broker), 0);
}

static void fake_close(struct fake_broker *broker) {
    (void)shutdown(broker->listener, SHUT_RDWR);
    (void)pthread_join(broker->thread, NULL);
    (void)close(broker->listener);
}

static json_t *make_params(const struct bringup *bringup, int port) {
    struct client_config *client =
        mechanism_client_config(bringup, PARTY_CLIENT2, "127.0.0.1", port);
    json_t *params;

    text_replace(&client->outer_address, "127.0.0.1");
    params = json_pack("{s:o,s:o,s:O,s:s}", "channel", channel_to_json(bringup->channel), "client",
                       setting_block_to_json(&client_config_group, client), "secrets",
                       bringup->secrets, "certs", bringup->certs);
    if (bringup->fleet)
        (void)json_object_set_new(params, "fleet",
                                  setting_block_to_json(&fleet_group, bringup->fleet));
    client_config_free(client);
    return params;
}

/* Examines the channel on the broker of this port: what the role returns, and its result; the
 * caller's. */
static int examine_channel(const struct bringup *bringup, int port, json_t **ret_result,
                           struct error *error) {
    json_t *params = make_params(bringup, port);
    struct jsonline_reader orders;
    struct worker_context worker;
    int said[2], r;

    assert_int_equal(pipe(said), 0);
    jsonline_init(&orders, -1);
    worker_open(&worker, &role_proof, &orders, said[1], params, workshop_registry());
    r = role_run(&worker, error);
    *ret_result = json_deep_copy(worker.result);
    worker_close(&worker);
    json_decref(params);
    (void)close(said[0]);
    (void)close(said[1]);
    return r;
}

/* The same of a channel `password`, and its rows of proofs; the caller's. */
static int examine_as(const char *mqtt, int port, json_t **ret_rows, struct error *error) {
    struct channel channel = workshop_channel("mine", "password");
    json_auto_t *secrets = json_pack("{s:{s:s}}", "password", channel.name, SECRET);
    const struct bringup bringup = {.channel = &channel, .certs = "", .secrets = secrets};
    json_auto_t *result = NULL;
    int r;

    assert_int_equal(channel_assign(&channel, "mqtt", mqtt, error), 0);
    r = examine_channel(&bringup, port, &result, error);
    *ret_rows = json_deep_copy(json_object_get(result, "proofs"));
    channel_clear(&channel);
    return r;
}

static int examine(int port, json_t **ret_rows, struct error *error) {
    return examine_as("3.1.1", port, ret_rows, error);
}

static const char *cell(const json_t *rows, const char *proof, const char *key) {
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        if (text_equal(jsonline_text(row, "proof", ""), proof))
            return jsonline_text(row, key, "?");
    }
    return "?";
}

static void assert_proof(int tells_each, const char *cause, const char *verdict) {
    static const char *const names[] = {"anonymous-refused", "wrong-password-refused"};
    struct fake_broker broker = {.tells_each = tells_each};
    json_auto_t *rows = NULL;
    struct error error = {""};

    fake_open(&broker);
    if (examine(broker.port, &rows, &error) < 0)
        fail_msg("%s", error.text);
    fake_close(&broker);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_string_equal(cell(rows, names[i], "observed"), "refused");
        assert_string_equal(cell(rows, names[i], "cause"), cause);
        assert_string_equal(cell(rows, names[i], "verdict"), verdict);
    }
    assert_string_equal(cell(rows, "accepted-after", "verdict"), "held");
    assert_string_equal(cell(rows, "wiretap-password", "verdict"), "held");
    assert_int_equal(broker.others, 0);
}

static void test_words_arrive(void **state) {
    (void)state;
    assert_proof(1, "connack 5", "held");
}

static void test_words_are_lost(void **state) {
    (void)state;
    assert_proof(2, "connack 5", "held");
    assert_proof(3, "connack 5", "held");
}

/* It is asked three times. */
static void test_words_come_too_late(void **state) {
    struct fake_broker broker = {.tells_each = 4};
    json_auto_t *rows = NULL;
    struct error error = {""};

    (void)state;
    fake_open(&broker);
    if (examine(broker.port, &rows, &error) < 0)
        fail_msg("%s", error.text);
    fake_close(&broker);
    assert_string_equal(cell(rows, "anonymous-refused", "cause"), "closed");
    assert_string_equal(cell(rows, "anonymous-refused", "verdict"), "broken");
}

/* Who never tells may have any other reason. */
static void test_no_words(void **state) {
    (void)state;
    assert_proof(0, "closed", "broken");
}

/* Where nobody answers nothing is proved, least of all that somebody was refused: from the start...
 */
static void test_no_broker(void **state) {
    int port = peer_free_port();
    CLEANUP_FREE char *message = text_format(
        "accepted-before: cannot connect to 127.0.0.1 port %d: Connection refused", port);
    json_auto_t *rows = NULL;
    struct error error = {""};

    (void)state;
    assert_int_equal(examine(port, &rows, &error), -ECONNREFUSED);
    assert_string_equal(error.text, message);
    assert_int_equal(json_array_size(rows), 0);
}

/* ... or from some proof on: whatever was seen of it is no proof of the channel's. */
static void test_broker_leaves(void **state) {
    (void)state;
    for (int n = 1; n <= 3; n++) {
        struct fake_broker broker = {.tells_each = 1, .leaves_after = n};
        json_auto_t *rows = NULL;
        struct error error = {""};

        fake_open(&broker);
        assert_int_equal(examine(broker.port, &rows, &error), -ECONNREFUSED);
        fake_close(&broker);
        assert_has(error.text, "accepted-after: cannot connect to 127.0.0.1 port ");
        assert_string_equal(cell(rows, "accepted-after", "observed"), "?");
        assert_string_equal(cell(rows, "wrong-password-refused", "verdict"),
                            n < 3 ? "broken" : "held");
        assert_string_equal(cell(rows, "wiretap-payload", "observed"), "no answer");
        assert_string_equal(cell(rows, "wiretap-payload", "verdict"), "broken");
        assert_string_equal(cell(rows, "wiretap-password", "verdict"), "?");
    }
}

static void assert_row(const json_t *rows, const char *proof, const char *expected,
                       const char *observed, const char *verdict) {
    assert_string_equal(cell(rows, proof, "expected"), expected);
    assert_string_equal(cell(rows, proof, "observed"), observed);
    assert_string_equal(cell(rows, proof, "verdict"), verdict);
}

/* Brokers that are broken, and the rows that say so. */
static void test_broken_brokers(void **state) {
    static const struct {
        struct fake_broker broker;
        const char *mqtt, *proof, *expected, *observed;
    } cases[] = {
        {{.takes_none = true, .tells_each = 1}, "3.1.1", "accepted-before", "accepted", "refused"},
        {{.takes_all = true},
         "3.1.1",
         "anonymous-refused",
         "refused: connack 5|connack 4",
         "accepted"},
        {{.babbles = true, .tells_each = 1},
         "3.1.1",
         "wrong-password-refused",
         "refused: connack 5|connack 4",
         "no answer"},
        {{.tells_each = 1}, "5", "mqtt-as-asked", "MQTT 5", "MQTT 3.1.1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fake_broker broker = cases[i].broker;
        json_auto_t *rows = NULL;
        struct error error = {""};

        fake_open(&broker);
        if (examine_as(cases[i].mqtt, broker.port, &rows, &error) < 0)
            fail_msg("%s", error.text);
        fake_close(&broker);
        assert_row(rows, cases[i].proof, cases[i].expected, cases[i].observed, "broken");
        assert_row(rows, "accepted-after", "accepted", broker.takes_none ? "refused" : "accepted",
                   broker.takes_none ? "broken" : "held");
    }
}

/* ---- a real broker ---- */

/* The proofs, those that broke with their verdict; the caller's. */
static char *names_of(const json_t *rows) {
    char *text = text_copy("");
    const json_t *row;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
        const char *verdict = jsonline_text(row, "verdict", "?");

        text_append(&text, " ", jsonline_text(row, "proof", "?"));
        if (!text_equal(verdict, "held"))
            text_append(&text, "=", verdict);
    }
    return text;
}

static const struct {
    const char *use, *min_version, *max_version, *suites, *mqtt;
    const char *payload; /* what is seen of it */
    const char *asked, *negotiated, *proofs;
} channels[] = {
    {"password", "1.3", "1.3", "", "3.1.1", "visible", "?", "?",
     "accepted-before anonymous-refused wrong-password-refused wiretap-payload wiretap-password "
     "accepted-after"},
    {"tls", "1.2", "1.2", "", "3.1.1", "absent", "TLSv1.2 to TLSv1.2", "TLSv1.2 ECDHE-ECDSA-AES",
     "accepted-before negotiated-as-asked plaintext-refused older-version-refused "
     "newer-version-refused other-ca-distrusted other-host-distrusted ticket-resumes "
     "wiretap-payload accepted-after"},
    {"tls password", "1.2", "1.3", "TLS_AES_128_GCM_SHA256", "5", "absent",
     "TLSv1.2 to TLSv1.3 TLS_AES_128_GCM_SHA256", "TLSv1.3 TLS_AES_128_GCM_SHA256",
     "accepted-before mqtt-as-asked negotiated-as-asked plaintext-refused older-version-refused "
     "other-suite-refused other-ca-distrusted other-host-distrusted ticket-resumes "
     "anonymous-refused wrong-password-refused wiretap-payload wiretap-password accepted-after"},
};

static void assign(struct channel *channel, const char *key, const char *value) {
    struct error error;

    if (channel_assign(channel, key, value, &error) < 0)
        fail_msg("%s", error.text);
}

static void test_real_broker(void **state) {
    const struct broker_settings settings = {.max_inflight = 20};
    CLEANUP_FREE char *program = NULL;
    struct error error = {""};

    (void)state;
    if (under_emulator("a broker of this machine has no use for foreign plugins") ||
        process_find(&program, "mosquitto", &error) < 0)
        skip();
    for (size_t i = 0; i < ARRAY_SIZE(channels); i++) {
        struct channel channel = workshop_channel("mine", channels[i].use);
        json_auto_t *secrets = json_pack("{s:{s:s}}", "password", "mine", SECRET);
        struct bringup bringup = {.channel = &channel, .certs = peer_certs, .secrets = secrets};
        CLEANUP(broker_stopp) struct broker *broker = NULL;
        CLEANUP_FREE char *names = NULL;
        json_auto_t *result = NULL;
        const json_t *rows, *tls;

        assign(&channel, "tls.min_version", channels[i].min_version);
        assign(&channel, "tls.max_version", channels[i].max_version);
        if (*channels[i].suites)
            assign(&channel, "tls.suites", channels[i].suites);
        assign(&channel, "mqtt", channels[i].mqtt);
        if (broker_start(&broker, &bringup, "127.0.0.1", &settings, &error) < 0 ||
            examine_channel(&bringup, (int)broker_port(broker), &result, &error) < 0)
            fail_msg("%s", error.text);
        rows = json_object_get(result, "proofs");
        tls = json_object_get(result, "tls");
        names = names_of(rows);
        assert_string_equal(names, channels[i].proofs);
        assert_string_equal(cell(rows, "wiretap-payload", "expected"), channels[i].payload);
        assert_string_equal(cell(rows, "wiretap-payload", "observed"), channels[i].payload);
        assert_string_equal(cell(rows, "negotiated-as-asked", "expected"), channels[i].asked);
        assert_has(cell(rows, "negotiated-as-asked", "observed"), channels[i].negotiated);
        assert_int_equal(json_object_size(tls), 5);
        assert_has(channels[i].negotiated + (*channels[i].negotiated == '?'),
                   jsonline_text(tls, "version", "?"));
        channel_clear(&channel);
    }
}

/* Where members connect, those who are told apart are shown to be. */
static void test_fleet(void **state) {
    static const struct {
        const char *use, *cause;
    } cases[] = {{"password", "connack 5"}, {"psk", "alert 115"}, {"client-id", "connack 5"}};
    const struct broker_settings settings = {.max_inflight = 20};
    CLEANUP_FREE struct fleet_plan *fleet = setting_block_new(&fleet_group);
    CLEANUP_FREE char *program = NULL;
    struct error error = {""};

    (void)state;
    if (under_emulator("a broker of this machine has no use for foreign plugins") ||
        process_find(&program, "mosquitto", &error) < 0)
        skip();
    fleet->clients = 30;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
        struct channel channel = workshop_channel("mine", cases[i / 2].use);
        struct issuer issuer = {.validity_ns = 2, .renew_before_ns = 1, .secrets = json_object()};
        struct bringup bringup = {.channel = &channel,
                                  .certs = peer_certs,
                                  .secrets = issuer.secrets,
                                  .fleet = i % 2 ? fleet : NULL};
        CLEANUP(broker_stopp) struct broker *broker = NULL;
        json_auto_t *result = NULL;
        const json_t *rows;

        if (mechanism_issue(&channel, &issuer, &error) < 0 ||
            broker_start(&broker, &bringup, "127.0.0.1", &settings, &error) < 0 ||
            examine_channel(&bringup, (int)broker_port(broker), &result, &error) < 0)
            fail_msg("%s", error.text);
        rows = json_object_get(result, "proofs");
        assert_string_equal(cell(rows, "unknown-member-refused", "verdict"), i % 2 ? "held" : "?");
        if (i % 2)
            assert_has(cell(rows, "unknown-member-refused", "cause"), cases[i / 2].cause);
        json_decref(issuer.secrets);
        channel_clear(&channel);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_arrive),
        cmocka_unit_test(test_words_are_lost),
        cmocka_unit_test(test_words_come_too_late),
        cmocka_unit_test(test_no_words),
        cmocka_unit_test(test_no_broker),
        cmocka_unit_test(test_broker_leaves),
        cmocka_unit_test(test_broken_brokers),
        cmocka_unit_test(test_real_broker),
        cmocka_unit_test(test_fleet),
    };

    return cmocka_run_group_tests(tests, peer_set_up, peer_tear_down);
}
