/* mqtt/client_group: many clients of one thread, at a real Mosquitto: let in, turned away, cut, and
 * back again. */
#include "deadline.h"
#include "emulator.h"
#include "peer.h"
#include "real_broker.h"

#include "base/jsonline.h"
#include "mqtt/client_group.h"

#include <sys/resource.h>
#include <sys/wait.h>

#define MAX 400
/* Of each test of TLS but one: an emulated processor takes a second for a handshake. */
#define TLS_CLIENTS 8

/* What each config is made of, and what was called back. */
struct world {
    char *folder;
    struct real_broker broker;
    struct test_ca ca;
    struct client_group *group;
    void (*alter)(struct world *world, size_t client, struct client_config *config);
    int64_t mqtt;
    size_t n;
    bool listens; /* client 0 subscribes */
    int64_t ups, downs, messages, completed, last_granted;
    char last_reason[128], last_payload[64];
    int seen[MAX]; /* messages by the number in them */
};

static int make_config(void *context, size_t client, struct client_config **ret,
                       struct error *error) {
    struct world *world = context;
    struct client_config *config = setting_block_new(&client_config_group);
    CLEANUP_FREE char *id = text_format("member-%zu", client);

    (void)error;
    text_replace(&config->address, "127.0.0.1");
    text_replace(&config->client_id, id);
    config->port = world->broker.port;
    config->mqtt = world->mqtt;
    config->answer_ns = DEADLINE_NS;
    if (world->alter)
        world->alter(world, client, config);
    *ret = config;
    return 0;
}

static void on_up(void *context, size_t client, int64_t at_ns) {
    struct world *world = context;
    struct error error;

    assert_true(at_ns <= clock_monotonic_ns());
    assert_int_equal(client_group_up_ns(world->group, client), at_ns);
    world->ups++;
    if (world->listens && client == 0 &&
        client_group_subscribe(world->group, 0, "group/#", 2, &error) < 0)
        fail_msg("%s", error.text);
}

static void on_down(void *context, size_t client, const char *reason) {
    struct world *world = context;

    (void)client;
    world->downs++;
    (void)snprintf(world->last_reason, sizeof(world->last_reason), "%s", reason);
}

static void on_message(void *context, size_t client, const char *topic, const void *payload,
                       size_t length) {
    struct world *world = context;

    assert_int_equal(client, 0);
    assert_int_equal(strncmp(topic, "group/", 6), 0);
    assert_true(length < sizeof(world->last_payload));
    memcpy(world->last_payload, payload, length);
    world->last_payload[length] = '\0';
    world->seen[atoi(topic + 6)]++;
    world->messages++;
}

static void on_completed(void *context, size_t client) {
    struct world *world = context;

    (void)client;
    world->completed++;
}

static void on_subscribed(void *context, size_t client, int granted) {
    struct world *world = context;

    assert_int_equal(client, 0);
    world->last_granted = granted;
    client_group_stop(world->group);
}

static struct client_group_options options_of(struct world *world, size_t n) {
    world->n = n;
    world->last_granted = -1;
    return (struct client_group_options){.n = n,
                                         .keepalive_s = 60,
                                         .config = make_config,
                                         .up = on_up,
                                         .down = on_down,
                                         .message = on_message,
                                         .completed = on_completed,
                                         .subscribed = on_subscribed,
                                         .context = world};
}

static void open_group(struct world *world, const struct client_group_options *options) {
    struct error error;

    if (client_group_open(&world->group, options, &error) < 0)
        fail_msg("%s", error.text);
}

static void close_group(struct world *world) {
    client_group_free(world->group);
    world->group = NULL;
}

static struct client_group_counts counts_of(const struct world *world) {
    struct client_group_counts counts;

    client_group_count(world->group, &counts);
    return counts;
}

static void run_for(struct world *world, int64_t ns) {
    struct error error;

    if (client_group_run(world->group, clock_monotonic_ns() + ns, -1, &error) < 0)
        fail_msg("%s", error.text);
}

/* Runs until *count has reached it; says whether it has. */
static bool run_until(struct world *world, const int64_t *count, int64_t target) {
    int64_t deadline = deadline_from_now();

    while (*count < target && clock_monotonic_ns() < deadline)
        run_for(world, NS_PER_MS);
    return *count >= target;
}

static void connect_all(struct world *world) {
    int64_t target = world->ups + (int64_t)world->n;

    client_group_connect(world->group, 0, world->n);
    if (!run_until(world, &world->ups, target)) {
        CLEANUP_FREE char *log = real_broker_log(&world->broker);

        fail_msg("%lld up, last: %s; %s", (long long)world->ups, world->last_reason, log);
    }
}

static void publish(struct world *world, size_t client, int qos) {
    CLEANUP_FREE char *topic = text_format("group/%zu", client);
    struct error error;

    if (client_group_publish(world->group, client, topic, "hello", 5, qos, &error) < 0)
        fail_msg("%s", error.text);
}

/* That client 0 gets what each publishes, once. */
static void exchange(struct world *world, int qos) {
    int64_t messages = world->messages, completed = world->completed;

    memset(world->seen, 0, sizeof(world->seen));
    for (size_t i = 0; i < world->n; i++)
        publish(world, i, qos);
    assert_true(run_until(world, &world->messages, messages + (int64_t)world->n));
    assert_true(run_until(world, &world->completed, completed + (int64_t)world->n));
    assert_string_equal(world->last_payload, "hello");
    for (size_t i = 0; i < world->n; i++)
        assert_int_equal(world->seen[i], 1);
}

static int set_up(void **state) {
    struct world *world = memory_new(1, sizeof(*world));

    world->folder = workshop_make();
    world->broker = (struct real_broker){.process = PROCESS_NONE};
    *state = world;
    return 0;
}

static int tear_down(void **state) {
    struct world *world = *state;

    if (world->group)
        close_group(world);
    real_broker_kill(&world->broker);
    if (world->ca.folder)
        pki_authority_clear(&world->ca.authority);
    workshop_remove(world->folder);
    free(world);
    return 0;
}

/* ---- let in ---- */

static void let_in(struct world *world, int64_t mqtt) {
    struct client_group_options options = options_of(world, 50);

    world->mqtt = mqtt;
    world->listens = true;
    open_group(world, &options);
    assert_int_equal(client_group_state(world->group, 0), CLIENT_IDLE);
    connect_all(world);
    assert_true(run_until(world, &world->last_granted, 2));
    for (int qos = 0; qos <= 2; qos++)
        exchange(world, qos);
    assert_int_equal(counts_of(world).up, 50);
    assert_int_equal(counts_of(world).attempts, 50);
    assert_int_equal(counts_of(world).accepted, 50);
    assert_int_equal(counts_of(world).connecting + counts_of(world).waiting, 0);
    assert_int_equal(world->downs, 0);
    assert_string_equal(client_group_session(world->group)->version, "");
    close_group(world);
}

static void test_plain(void **state) {
    struct world *world = *state;

    real_broker_start(&world->broker, world->folder, "allow_anonymous true");
    let_in(world, MQTT_3_1_1);
    let_in(world, MQTT_5);
}

static void use_certificates(struct world *world, size_t client, struct client_config *config) {
    CLEANUP_FREE char *cert = text_format("%s/m%zu.crt", world->folder, client),
                      *key = text_format("%s/m%zu.key", world->folder, client),
                      *ca = text_format("%s/ca.crt", world->folder);

    config->tls.enabled = 1;
    text_replace(&config->tls.ca_file, ca);
    text_replace(&config->tls.cert_file, cert);
    text_replace(&config->tls.key_file, key);
    text_replace(&config->expected_host, "127.0.0.1");
}

static void make_certificates(struct world *world, size_t n) {
    test_ca_make(&world->ca, world->folder);
    for (size_t i = 0; i < n; i++) {
        CLEANUP_FREE char *name = text_format("m%zu", i);

        test_ca_certify(&world->ca.authority, world->folder, name, PKI_CLIENT, NULL);
    }
}

static void start_tls_broker(struct world *world, size_t n_certificates, const char *more) {
    CLEANUP_FREE char *lines = text_format("cafile %s/ca.crt\ncertfile %s/broker.crt\n"
                                           "keyfile %s/broker.key\n%s",
                                           world->folder, world->folder, world->folder, more);

    make_certificates(world, n_certificates);
    real_broker_start(&world->broker, world->folder, lines);
}

/* The broker knows each by the name in its certificate. */
static void test_own_certificates(void **state) {
    struct world *world = *state;
    struct client_group_options options =
        options_of(world, under_emulator("300 clients") ? 30 : 300);
    CLEANUP_FREE char *log = NULL;

    start_tls_broker(world, options.n, "require_certificate true\nuse_identity_as_username true");
    world->alter = use_certificates;
    world->listens = true;
    open_group(world, &options);
    connect_all(world);
    assert_true(run_until(world, &world->last_granted, 2));
    exchange(world, 0);
    exchange(world, 1);
    assert_string_equal(client_group_session(world->group)->version, "TLSv1.3");
    assert_int_equal(counts_of(world).other_tls, 0);
    assert_int_equal(counts_of(world).resumed, 0);
    log = real_broker_log(&world->broker);
    for (size_t i = 0; i < options.n; i++) {
        CLEANUP_FREE char *words = text_format("as member-%zu (p2, c1, k60, u'm%zu')", i, i);

        assert_has(log, words);
    }
}

/* ---- identities beside certificates ---- */

/* A row with the name's number of the broker's log: each has a key that no other has. */
static void use_shared_key(struct world *world, size_t client, struct client_config *config) {
    CLEANUP_FREE char *identity = text_format("device-%zu", client),
                      *key = text_format("00112233445566778899aabbccdd%04zx", client);

    (void)world;
    config->tls.enabled = 1;
    config->tls.max_version = TLS_1_2;
    text_replace(&config->tls.ciphers, "ECDHE-PSK-CHACHA20-POLY1305");
    text_replace(&config->tls.psk_identity, identity);
    text_replace(&config->tls.psk_key, key);
}

static void test_shared_keys(void **state) {
    struct world *world = *state;
    struct client_group_options options = options_of(world, TLS_CLIENTS);
    CLEANUP_FREE char *keys = text_copy(""), *lines = NULL, *log = NULL;

    for (size_t i = 0; i < options.n; i++) {
        CLEANUP_FREE char *line = text_format("device-%zu:00112233445566778899aabbccdd%04zx", i, i);

        text_append(&keys, "\n", line);
    }
    workshop_put(world->folder, "keys", keys);
    lines =
        text_format("psk_file %s/keys\npsk_hint x\nuse_identity_as_username true", world->folder);
    real_broker_start(&world->broker, world->folder, lines);
    world->alter = use_shared_key;
    open_group(world, &options);
    connect_all(world);
    assert_string_equal(client_group_session(world->group)->version, "TLSv1.2");
    log = real_broker_log(&world->broker);
    for (size_t i = 0; i < options.n; i++) {
        CLEANUP_FREE char *words = text_format("as member-%zu (p2, c1, k60, u'device-%zu')", i, i);

        assert_has(log, words);
    }
}

/* Some in clear and some under TLS, of two versions: a context for each. */
static void use_either(struct world *world, size_t client, struct client_config *config) {
    if (client % 3 == 0)
        return;
    use_certificates(world, client, config);
    config->port++;
    config->tls.max_version = client % 3 == 1 ? TLS_1_2 : TLS_1_3;
}

static void test_different_contexts(void **state) {
    struct world *world = *state;
    struct client_group_options options = options_of(world, 12);
    CLEANUP_FREE char *lines = NULL;
    struct client_group_counts counts;

    real_broker_choose_port(&world->broker);
    lines = text_format("allow_anonymous true\nlistener %d 127.0.0.1\ncafile %s/ca.crt\n"
                        "certfile %s/broker.crt\nkeyfile %s/broker.key\nrequire_certificate true",
                        world->broker.port + 1, world->folder, world->folder, world->folder);
    make_certificates(world, options.n);
    real_broker_start(&world->broker, world->folder, lines);
    world->alter = use_either;
    world->listens = true;
    open_group(world, &options);
    connect_all(world);
    assert_true(run_until(world, &world->last_granted, 2));
    exchange(world, 1);
    counts = counts_of(world);
    assert_int_equal(counts.up, 12);
    assert_int_equal(counts.other_tls, 4);
}

/* ---- the product's channels: passwords, tokens, sealed payloads ---- */

struct channel_world {
    struct client_config *right[2]; /* of client1 and client2 */
    struct client_group *group;
    int64_t messages, ups, subscribed;
    char payload[64];
};

static int config_of_channel(void *context, size_t client, struct client_config **ret,
                             struct error *error) {
    struct channel_world *world = context;
    CLEANUP_FREE char *id = NULL;

    (void)error;
    *ret = setting_block_copy(&client_config_group, world->right[client ? 1 : 0]);
    id = text_format("%s-m%zu", (*ret)->client_id, client);
    text_replace(&(*ret)->client_id, id);
    (*ret)->answer_ns = DEADLINE_NS;
    return 0;
}

static void count_up(void *context, size_t client, int64_t at_ns) {
    struct channel_world *world = context;
    struct error error;

    (void)at_ns;
    world->ups++;
    if (client == 0 && client_group_subscribe(world->group, 0, "bench/#", 1, &error) < 0)
        fail_msg("%s", error.text);
}

static void count_subscribed(void *context, size_t client, int granted) {
    struct channel_world *world = context;

    (void)client;
    world->subscribed += granted == 1;
}

static void keep_payload(void *context, size_t client, const char *topic, const void *payload,
                         size_t length) {
    struct channel_world *world = context;

    (void)client;
    assert_string_equal(topic, "bench/1-1/data");
    world->messages++;
    (void)snprintf(world->payload, sizeof(world->payload), "%.*s", (int)length,
                   (const char *)payload);
}

static void await_channel(struct channel_world *world, const int64_t *count, int64_t target) {
    int64_t deadline = deadline_from_now();
    struct error error;

    while (*count < target && clock_monotonic_ns() < deadline)
        if (client_group_run(world->group, clock_monotonic_ns() + NS_PER_MS, -1, &error) < 0)
            fail_msg("%s", error.text);
    if (*count < target) {
        json_auto_t *reasons = client_group_reasons(world->group);
        CLEANUP_FREE char *words = json_dumps(reasons, JSON_COMPACT);

        fail_msg("%lld of %lld: %s", (long long)*count, (long long)target, words);
    }
}

/* Twice: a token is good for one connection, and a sealing session as well. */
static void speak_over(const char *use, const char *mqtt) {
    struct channel channel = workshop_channel("c", use);
    json_auto_t *secrets = json_pack("{s:{s:s},s:{s:s},s:{s:s}}", "password", "c", "s3cret",
                                     "token", "c", "a key of tokens that is long enough", "payload",
                                     "c", "a secret of payloads that is long enough");
    struct bringup bringup = {.channel = &channel, .certs = peer_certs, .secrets = secrets};
    const struct broker_settings settings = {.max_inflight = 100, .connection_messages = 1};
    struct channel_world world = {.messages = 0};
    const struct client_group_options options = {.n = 10,
                                                 .keepalive_s = 60,
                                                 .config = config_of_channel,
                                                 .up = count_up,
                                                 .message = keep_payload,
                                                 .subscribed = count_subscribed,
                                                 .context = &world};
    CLEANUP(broker_stopp) struct broker *broker = NULL;
    struct client_group_counts counts;
    struct error error;

    assert_int_equal(channel_assign(&channel, "mqtt", mqtt, &error), 0);
    if (broker_start(&broker, &bringup, "127.0.0.1", &settings, &error) < 0)
        fail_msg("%s: %s", use, error.text);
    for (int i = 0; i < 2; i++)
        world.right[i] = mechanism_client_config(&bringup, i ? PARTY_CLIENT2 : PARTY_CLIENT1,
                                                 "127.0.0.1", broker_port(broker));
    if (client_group_open(&world.group, &options, &error) < 0)
        fail_msg("%s", error.text);
    for (int64_t time = 1; time <= 2; time++) {
        client_group_connect(world.group, 0, options.n);
        await_channel(&world, &world.ups, time * 10);
        await_channel(&world, &world.subscribed, time);
        for (size_t i = 1; i < options.n; i++)
            if (client_group_publish(world.group, i, "bench/1-1/data", "sealed or not", 13, 1,
                                     &error) < 0)
                fail_msg("%s", error.text);
        await_channel(&world, &world.messages, time * 9);
        assert_string_equal(world.payload, "sealed or not");
        client_group_leave(world.group);
    }
    client_group_count(world.group, &counts);
    assert_int_equal(counts.rejected + counts.refused + counts.lost + counts.up, 0);
    assert_int_equal(counts.attempts, 20);
    client_group_free(world.group);
    client_config_free(world.right[0]);
    client_config_free(world.right[1]);
    channel_clear(&channel);
}

static void test_channels(void **state) {
    (void)state;
    speak_over("password", "3.1.1");
    speak_over("password tls", "5");
    speak_over("payload password", "3.1.1");
    if (under_emulator("a broker of this machine has no use for foreign plugins"))
        return;
    speak_over("token tls", "3.1.1");
    speak_over("token payload tls certificate", "5");
}

/* ---- turned away ---- */

static int64_t count_of(const struct world *world, const char *reason) {
    json_auto_t *reasons = client_group_reasons(world->group);
    const char *words;
    json_t *count;
    int64_t sum = 0;

    json_object_foreach(reasons, words, count) {
        if (strncmp(words, reason, strlen(reason)) == 0)
            sum += json_integer_value(count);
    }
    return sum;
}

/* All are refused for that reason, and say so. */
static void be_refused(struct world *world, size_t n, const char *reason) {
    struct client_group_options options = options_of(world, n);
    int64_t downs = world->downs;

    open_group(world, &options);
    client_group_connect(world->group, 0, n);
    assert_true(run_until(world, &world->downs, downs + (int64_t)n));
    if (count_of(world, reason) != (int64_t)n) {
        json_auto_t *reasons = client_group_reasons(world->group);
        CLEANUP_FREE char *words = json_dumps(reasons, JSON_COMPACT);

        fail_msg("%s, not '%s'", words, reason);
    }
    assert_int_equal(strncmp(world->last_reason, reason, strlen(reason)), 0);
    assert_int_equal(counts_of(world).refused, n);
    assert_int_equal(counts_of(world).failed, n);
    assert_int_equal(counts_of(world).up + counts_of(world).lost, 0);
    assert_int_equal(client_group_state(world->group, 0), CLIENT_FAILED);
    close_group(world);
}

static void use_wrong_password(struct world *world, size_t client, struct client_config *config) {
    (void)world;
    (void)client;
    client_config_log_in(config, "nobody", "knows");
}

static void test_refused_by_password(void **state) {
    struct world *world = *state;

    workshop_put(world->folder, "passwords", "");
    {
        CLEANUP_FREE char *lines = text_format("password_file %s/passwords", world->folder);

        real_broker_start(&world->broker, world->folder, lines);
    }
    world->alter = use_wrong_password;
    be_refused(world, 20, "connack 5 ");
    assert_has(world->last_reason, "not authorised");
    world->mqtt = MQTT_5;
    be_refused(world, 20, "connack 135 ");
    assert_has(world->last_reason, "Not authorized");
}

/* All show a certificate of a CA that the broker does not know; or know another CA than its own. */
static void use_stranger(struct world *world, size_t client, struct client_config *config) {
    CLEANUP_FREE char *cert = text_format("%s/stranger.crt", world->folder),
                      *key = text_format("%s/stranger.key", world->folder);

    use_certificates(world, client, config);
    text_replace(&config->tls.cert_file, cert);
    text_replace(&config->tls.key_file, key);
}

static void use_stranger_of_1_2(struct world *world, size_t client, struct client_config *config) {
    use_stranger(world, client, config);
    config->tls.max_version = TLS_1_2;
}

static void trust_stranger(struct world *world, size_t client, struct client_config *config) {
    CLEANUP_FREE char *ca = text_format("%s/other-ca.crt", world->folder);

    use_certificates(world, 0, config);
    (void)client;
    text_replace(&config->tls.ca_file, ca);
}

static void expect_other_host(struct world *world, size_t client, struct client_config *config) {
    use_certificates(world, 0, config);
    (void)client;
    text_replace(&config->expected_host, "192.0.2.1");
}

static void test_refused_by_certificate(void **state) {
    struct world *world = *state;
    struct pki_authority other;

    start_tls_broker(world, 1, "require_certificate true");
    test_ca_certify(NULL, world->folder, "other-ca", PKI_CA, &other);
    test_ca_certify(&other, world->folder, "stranger", PKI_CLIENT, NULL);
    pki_authority_clear(&other);
    world->alter = use_stranger;
    be_refused(world, TLS_CLIENTS, "alert 48 unknown CA");
    world->alter = use_stranger_of_1_2;
    be_refused(world, TLS_CLIENTS, "alert 48 unknown CA");
    world->alter = trust_stranger;
    be_refused(world, TLS_CLIENTS, "verify 19 self-signed certificate in certificate chain");
    world->alter = expect_other_host;
    be_refused(world, TLS_CLIENTS, "verify 64 IP address mismatch");
}

static void test_refused_by_nobody(void **state) {
    struct world *world = *state;

    world->broker.port = peer_free_port();
    be_refused(world, 20, "tcp 111 Connection refused");
    make_certificates(world, TLS_CLIENTS);
    world->alter = use_certificates;
    be_refused(world, TLS_CLIENTS, "tcp 111 Connection refused");
}

/* A listener that lets in and says nothing, and one that closes at once. */
static void stay_silent(struct transport *transport, struct peer *peer) {
    while (peer_hear(transport, peer) > 0)
        ;
}

static void close_at_once(struct transport *transport, struct peer *peer) {
    (void)peer_hear(transport, peer);
}

static void meet(struct world *world, void (*act)(struct transport *, struct peer *),
                 int64_t answer_ns, const char *reason) {
    struct peer peer = {.act = act};
    struct client_group_options options = options_of(world, 1);
    int64_t downs = world->downs;

    peer_start(&peer);
    world->broker.port = peer.port;
    options.answer_ns = answer_ns;
    open_group(world, &options);
    client_group_connect(world->group, 0, 1);
    assert_true(run_until(world, &world->downs, downs + 1));
    assert_string_equal(world->last_reason, reason);
    close_group(world);
    peer_stop(&peer);
}

static void test_no_answer(void **state) {
    struct world *world = *state;

    meet(world, stay_silent, 300 * NS_PER_MS, "no CONNACK within 0.3 s");
    meet(world, close_at_once, DEADLINE_NS, "closed");
    make_certificates(world, 1);
    world->alter = use_certificates;
    meet(world, stay_silent, 300 * NS_PER_MS, "no CONNACK within 0.3 s");
    meet(world, close_at_once, DEADLINE_NS, "closed");
}

/* Lets in, and never answers a ping. */
static void let_in_and_forget(struct transport *transport, struct peer *peer) {
    (void)peer_hear(transport, peer);
    (void)transport->ops->send(transport, "\x20\2\0\0", 4);
    stay_silent(transport, peer);
}

static void test_no_ping(void **state) {
    struct world *world = *state;
    struct peer peer = {.act = let_in_and_forget};
    struct client_group_options options = options_of(world, 1);

    peer_start(&peer);
    world->broker.port = peer.port;
    options.keepalive_s = 5;
    open_group(world, &options);
    connect_all(world);
    assert_true(run_until(world, &world->downs, 1));
    assert_string_equal(world->last_reason, "no answer to a ping");
    assert_int_equal(counts_of(world).lost, 1);
    close_group(world);
    peer_stop(&peer);
}

/* MQTT 5, 3.14: the broker says why it ends a connection. */
static void let_in_and_send_away(struct transport *transport, struct peer *peer) {
    (void)peer_hear(transport, peer);
    (void)transport->ops->send(transport, "\x20\3\0\0\0\xe0\1\x8e", 8);
    stay_silent(transport, peer);
}

static void test_sent_away(void **state) {
    struct world *world = *state;

    world->mqtt = MQTT_5;
    meet(world, let_in_and_send_away, DEADLINE_NS, "disconnect 142 Session taken over");
    assert_int_equal(world->ups, 1);
}

/* ---- lost, and back again ---- */

static void check_sums(const struct world *world) {
    struct client_group_counts counts = counts_of(world);

    assert_int_equal(counts.attempts, counts.accepted + counts.refused + counts.connecting);
    assert_int_equal(world->ups, counts.accepted);
    assert_int_equal(world->downs, counts.refused + counts.lost);
    assert_int_equal(count_of(world, ""), counts.refused + counts.lost);
}

/* With the broker all are lost; they try again, in vain, and are back when it is. Of what they had
 * been given by TLS nothing is of use then. */
static void be_lost(struct world *world, struct client_group_options *options) {
    const int64_t n = (int64_t)options->n;
    int64_t deadline = deadline_from_now();

    options->retry_ns = 50 * NS_PER_MS;
    open_group(world, options);
    connect_all(world);
    real_broker_kill(&world->broker);
    /* The first may try again before the last is lost. */
    while (counts_of(world).lost < n && clock_monotonic_ns() < deadline)
        run_for(world, NS_PER_MS);
    assert_int_equal(counts_of(world).lost, n);
    assert_int_equal(counts_of(world).up, 0);
    while (count_of(world, "tcp 111 Connection refused") < n && clock_monotonic_ns() < deadline)
        run_for(world, NS_PER_MS);
    assert_true(count_of(world, "tcp 111 Connection refused") >= n);
    check_sums(world);
    real_broker_begin(&world->broker);
    assert_true(run_until(world, &world->ups, 2 * n));
    check_sums(world);
    assert_int_equal(counts_of(world).up, options->n);
    assert_int_equal(counts_of(world).resumed, 0);
    world->ups = world->downs = 0;
    close_group(world);
}

static void use_tickets(struct world *world, size_t client, struct client_config *config) {
    use_certificates(world, client, config);
    config->tls.tickets = 1;
}

static void test_lost(void **state) {
    struct world *world = *state;
    struct client_group_options options = options_of(world, TLS_CLIENTS);

    start_tls_broker(world, options.n, "require_certificate true\nallow_anonymous true");
    world->alter = use_certificates;
    be_lost(world, &options);
    world->alter = use_tickets;
    be_lost(world, &options);
}

static bool said_goodbye(const char *log, size_t n) {
    bool all = true;

    for (size_t i = 0; i < n; i++) {
        CLEANUP_FREE char *words = text_format("Received DISCONNECT from member-%zu\n", i);

        all = all && strstr(log, words);
    }
    return all;
}

/* A cut link: the broker hears no farewell, and tickets are good for the next connection. */
static void test_dropped(void **state) {
    struct world *world = *state;
    struct client_group_options options = options_of(world, TLS_CLIENTS);
    CLEANUP_FREE char *log = NULL;
    int64_t deadline;

    start_tls_broker(world, options.n, "require_certificate true\nallow_anonymous true");
    world->alter = use_tickets;
    open_group(world, &options);
    connect_all(world);
    client_group_drop(world->group);
    connect_all(world);
    assert_int_equal(counts_of(world).resumed, options.n);
    client_group_drop(world->group);
    client_group_connect(world->group, 0, options.n); /* and amid their handshakes */
    run_for(world, 0);
    client_group_drop(world->group);
    assert_int_equal(counts_of(world).connecting + counts_of(world).waiting, 0);
    connect_all(world);
    run_for(world, 100 * NS_PER_MS);
    log = real_broker_log(&world->broker);
    assert_has_not(log, "Received DISCONNECT");
    assert_int_equal(counts_of(world).lost + counts_of(world).refused, 0);
    client_group_leave(world->group);
    deadline = deadline_from_now();
    while (!said_goodbye(log, options.n) && clock_monotonic_ns() < deadline) {
        run_for(world, 20 * NS_PER_MS);
        free(log);
        log = real_broker_log(&world->broker);
    }
    assert_true(said_goodbye(log, options.n));
}

/* ---- the order of connecting ---- */

/* The n-th begins n/rate after the first; a busy machine may be late with the last alone. */
static void test_rate(void **state) {
    struct world *world = *state;
    struct client_group_options options = options_of(world, 51);
    int64_t start_ns = clock_monotonic_ns();

    real_broker_start(&world->broker, world->folder, "allow_anonymous true");
    options.connect_rate = 100;
    open_group(world, &options);
    start_ns = clock_monotonic_ns();
    connect_all(world);
    for (size_t i = 0; i < 51; i++) {
        int64_t after_ns = client_group_up_ns(world->group, i) - start_ns;

        assert_true(after_ns >= (int64_t)i * 10 * NS_PER_MS);
    }
    assert_true(client_group_up_ns(world->group, 50) - start_ns < 30 * NS_PER_S);
}

/* Not more are under way at the same time. */
static void test_at_once(void **state) {
    struct world *world = *state;
    struct client_group_options options = options_of(world, 9);
    struct peer peer = {.act = stay_silent};
    struct error error;

    peer_start(&peer);
    world->broker.port = peer.port;
    options.at_once = 4;
    options.answer_ns = 200 * NS_PER_MS;
    open_group(world, &options);
    client_group_connect(world->group, 0, 9);
    while (world->downs < 9) {
        struct client_group_counts counts = counts_of(world);

        assert_true(counts.connecting <= 4);
        assert_int_equal(counts.connecting + counts.waiting + counts.failed, 9);
        assert_int_equal(client_group_run(world->group, clock_monotonic_ns(), -1, &error), 0);
    }
    close_group(world);
    peer_stop(&peer);
}

static void test_addresses(void **state) {
    struct world *world = *state;
    static const char *const addresses[] = {"127.0.0.2", "127.0.0.3"};
    struct client_group_options options = options_of(world, 10);
    CLEANUP_FREE char *log = NULL;

    real_broker_start(&world->broker, world->folder, "allow_anonymous true");
    options.addresses = addresses;
    options.n_addresses = 2;
    open_group(world, &options);
    connect_all(world);
    client_group_drop(world->group);
    connect_all(world);
    log = real_broker_log(&world->broker);
    for (int i = 0; i < 10; i++) {
        CLEANUP_FREE char *as = text_format(" as member-%d (", i);
        const char *line = log;
        int n = 0;

        for (; (line = strstr(line, as)); line++, n++) {
            const char *from = line;

            while (strncmp(from, "127.0.0.", 8) != 0)
                from--;
            assert_int_equal(from[8], i % 2 ? '3' : '2');
        }
        assert_int_equal(n, 2);
    }
    assert_has(log, "New client connected from 127.0.0.2:");
    assert_has(log, "New client connected from 127.0.0.3:");
    assert_has_not(log, "New client connected from 127.0.0.1:");
}

/* ---- held ---- */

/* A broker that hears nothing for one and a half times the keep-alive ends a connection. */
static void test_held(void **state) {
    struct world *world = *state;
    struct client_group_options options = options_of(world, 100);
    struct client_group_wire before, after;
    int64_t since_ns, most;

    if (under_emulator("qemu-user hands on no TCP_INFO"))
        skip();
    real_broker_start(&world->broker, world->folder, "allow_anonymous true");
    options.keepalive_s = 5;
    open_group(world, &options);
    connect_all(world);
    client_group_wire(world->group, &before);
    since_ns = clock_monotonic_ns();
    run_for(world, 12 * NS_PER_S);
    client_group_wire(world->group, &after);
    most = (clock_monotonic_ns() - since_ns) / (5 * NS_PER_S) + 1;
    assert_int_equal(counts_of(world).up, 100);
    assert_int_equal(world->downs, 0);
    /* PINGREQ and PINGRESP have two bytes each. */
    assert_true(after.sent_bytes - before.sent_bytes >= 100 * 2 * 2);
    assert_true(after.sent_bytes - before.sent_bytes <= 100 * most * 2);
    assert_true(after.received_bytes - before.received_bytes >= 100 * 2);
}

/* CONNECT, CONNACK and PUBLISH, to the byte; a connection that has ended stays in the sum. */
static void test_wire(void **state) {
    struct world *world = *state;
    struct client_group_options options = options_of(world, 10);
    const int64_t connect = 2 + 10 + 2 + 8, publish_bytes = 2 + 2 + 7 + 5;
    struct client_group_wire wire;

    if (under_emulator("qemu-user hands on no TCP_INFO"))
        skip();
    real_broker_start(&world->broker, world->folder, "allow_anonymous true");
    open_group(world, &options);
    connect_all(world);
    for (size_t i = 0; i < 10; i++)
        publish(world, i, 0);
    run_for(world, 50 * NS_PER_MS);
    client_group_wire(world->group, &wire);
    assert_int_equal(wire.sent_bytes, 10 * (connect + publish_bytes));
    assert_int_equal(wire.received_bytes, 10 * 4);
    assert_true(wire.sent_segments >= 10 * 3 && wire.received_segments >= 10 * 2);
    client_group_drop(world->group);
    client_group_wire(world->group, &wire);
    assert_int_equal(wire.sent_bytes, 10 * (connect + publish_bytes));
    connect_all(world);
    client_group_wire(world->group, &wire);
    assert_int_equal(wire.sent_bytes, 10 * (2 * connect + publish_bytes));
}

/* A message larger than the socket takes at once waits, and all of it comes. */
static void test_blocked(void **state) {
    struct world *world = *state;
    struct client_group_options options = options_of(world, 2);
    CLEANUP_FREE char *payload = memory_new(8 << 20, 1);
    bool blocked = false;
    struct error error;

    real_broker_start(&world->broker, world->folder, "allow_anonymous true");
    open_group(world, &options);
    connect_all(world);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(
            client_group_publish(world->group, 1, "big/1", payload, 8 << 20, 0, &error), 0);
        blocked = blocked || client_group_is_blocked(world->group, 1);
    }
    assert_true(blocked);
    assert_true(run_until(world, &world->completed, 4));
    assert_false(client_group_is_blocked(world->group, 1));
}

/* ---- the caller's ---- */

static void test_wake(void **state) {
    struct world *world = *state;
    struct client_group_options options = options_of(world, 1);
    int64_t start_ns = clock_monotonic_ns();
    struct error error;
    int pair[2];

    assert_int_equal(pipe(pair), 0);
    world->broker.port = peer_free_port();
    open_group(world, &options);
    assert_int_equal(client_group_run(world->group, start_ns + 20 * NS_PER_MS, pair[0], &error), 0);
    assert_true(clock_monotonic_ns() >= start_ns + 20 * NS_PER_MS);
    assert_int_equal(write(pair[1], "x", 1), 1);
    assert_int_equal(client_group_run(world->group, start_ns + DEADLINE_NS, pair[0], &error), 0);
    assert_int_equal(client_group_publish(world->group, 0, "t", "x", 1, 0, &error), -ENOTCONN);
    assert_has(error.text, "client 0 is not connected");
    assert_int_equal(client_group_run(world->group, clock_monotonic_ns(), -1, &error), 0);
    (void)close(pair[0]);
    (void)close(pair[1]);
    assert_true(clock_monotonic_ns() - start_ns < DEADLINE_NS);
}

/* In a process of its own: a hard limit is not raised again. */
static int open_under_limit(struct world *world) {
    struct client_group_options options = options_of(world, 200);
    struct rlimit low = {.rlim_cur = 100, .rlim_max = 200};
    struct error error = {""};

    if (setrlimit(RLIMIT_NOFILE, &low) < 0 ||
        client_group_open(&world->group, &options, &error) != -EMFILE ||
        !strstr(error.text,
                "200 clients take 264 descriptors of one process, which may have 200: 136 clients "
                "are possible; raise the hard limit"))
        return 1;
    options.n = 130;
    if (client_group_open(&world->group, &options, &error) < 0 ||
        getrlimit(RLIMIT_NOFILE, &low) < 0)
        return 2;
    client_group_free(world->group);
    return low.rlim_cur == 194 ? 0 : 3;
}

static void test_limit(void **state) {
    struct world *world = *state;
    int status = -1;
    pid_t child;

    world->broker.port = peer_free_port();
    child = fork();
    if (child == 0)
        _exit(open_under_limit(world));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_keepalive(void **state) {
    struct world *world = *state;
    struct client_group_options options = options_of(world, 1);
    struct error error = {""};

    options.keepalive_s = 4;
    assert_int_equal(client_group_open(&world->group, &options, &error), -EINVAL);
    assert_has(error.text, "keep-alive of 4 s: libmosquitto has 5 to 65535 s, or 0 for none");
}

static void test_bad_files(void **state) {
    struct world *world = *state;
    struct client_group_options options = options_of(world, 3);
    struct error error = {""};

    make_certificates(world, 2); /* the third has none */
    world->alter = use_certificates;
    assert_int_equal(client_group_open(&world->group, &options, &error), -EINVAL);
    assert_has(error.text, "m2.crt");
    assert_null(world->group);
}

int main(void) {
#define GROUP_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        GROUP_TEST(test_plain),
        GROUP_TEST(test_own_certificates),
        GROUP_TEST(test_shared_keys),
        GROUP_TEST(test_different_contexts),
        GROUP_TEST(test_channels),
        GROUP_TEST(test_refused_by_password),
        GROUP_TEST(test_refused_by_certificate),
        GROUP_TEST(test_refused_by_nobody),
        GROUP_TEST(test_no_answer),
        GROUP_TEST(test_no_ping),
        GROUP_TEST(test_sent_away),
        GROUP_TEST(test_lost),
        GROUP_TEST(test_dropped),
        GROUP_TEST(test_rate),
        GROUP_TEST(test_at_once),
        GROUP_TEST(test_addresses),
        GROUP_TEST(test_held),
        GROUP_TEST(test_wire),
        GROUP_TEST(test_blocked),
        GROUP_TEST(test_wake),
        GROUP_TEST(test_limit),
        GROUP_TEST(test_keepalive),
        GROUP_TEST(test_bad_files),
    };

    return cmocka_run_group_tests(tests, peer_set_up, peer_tear_down);
}
