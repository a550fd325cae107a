/* mqtt/client_group: many clients of one thread, at a real Mosquitto: let in, turned away, cut, and
 * back again. */
#include "emulator.h"
#include "peer.h"
#include "real_broker.h"

#include "base/jsonline.h"
#include "mqtt/client_group.h"

#include <sys/resource.h>

#define LIMIT_NS (60 * NS_PER_S)
#define MAX      400

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
    int64_t deadline = clock_monotonic_ns() + LIMIT_NS;

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

static void start_tls_broker(struct world *world, size_t n_certificates, const char *more) {
    CLEANUP_FREE char *lines = text_format("cafile %s/ca.crt\ncertfile %s/broker.crt\n"
                                           "keyfile %s/broker.key\n%s",
                                           world->folder, world->folder, world->folder, more);

    test_ca_make(&world->ca, world->folder);
    for (size_t i = 0; i < n_certificates; i++) {
        CLEANUP_FREE char *name = text_format("m%zu", i);

        test_ca_certify(&world->ca.authority, world->folder, name, PKI_CLIENT, NULL);
    }
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

int main(void) {
#define GROUP_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    static const struct CMUnitTest tests[] = {
        GROUP_TEST(test_plain),
        GROUP_TEST(test_own_certificates),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as every worker does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
