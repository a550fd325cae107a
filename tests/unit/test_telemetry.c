/* probes/telemetry: its workers hear the driver whenever it speaks. */
#include "tested_role.h"
#include "tiny_broker.h"

#include "probes/telemetry.h"

#include <errno.h>

/* A role at its own broker, to which all of this is said before it first listens. */
static void begin_at(struct tested_role *tested, struct tiny_broker *broker,
                     const struct role *role, const char *qos, int granted, int pause_ms,
                     const char *lines) {
    struct client_config *client = setting_block_new(&client_config_group);
    void *settings = setting_block_new(&telemetry_group);

    assert_int_equal(setting_assign(setting_find(&telemetry_group, "qos"), settings, qos, NULL), 0);
    tiny_broker_open(broker, granted, pause_ms);
    text_replace(&client->address, "127.0.0.1");
    text_replace(&client->client_id, "reporter");
    client->port = broker->port;
    tested_begin(tested, role, tested_params(&telemetry_group, settings, client), lines);
    setting_block_free(&telemetry_group, settings);
    client_config_free(client);
}

static void begin(struct tested_role *tested, struct tiny_broker *broker, const struct role *role,
                  int pause_ms, const char *lines) {
    begin_at(tested, broker, role, "0", 0, pause_ms, lines);
}

static void end(struct tested_role *tested, struct tiny_broker *broker) {
    tested_end(tested);
    tiny_broker_close(broker);
    assert_string_equal(tested->error.text, "");
    assert_int_equal(tested->code, 0);
}

/* A worker that was kept waiting for a processor finds both words at once. */
static void stop_with_go(const struct role *role) {
    struct tiny_broker broker;
    struct tested_role tested;

    begin(&tested, &broker, role, 0, "{\"do\": \"go\"}\n{\"do\": \"stop\", \"sent\": 0}\n");
    json_decref(tested_hear(&tested, "ready"));
    json_decref(tested_hear(&tested, "result"));
    end(&tested, &broker);
}

static void test_publisher(void **state) {
    (void)state;
    stop_with_go(&role_telemetry_publisher);
}

static void test_subscriber(void **state) {
    (void)state;
    stop_with_go(&role_telemetry_subscriber);
}

/* A link by radio may be silent for seconds, and lose nothing by that. */
static void test_late_message(void **state) {
    struct tiny_broker broker;
    struct tested_role tested;

    (void)state;
    begin(&tested, &broker, &role_telemetry_subscriber, 3000,
          "{\"do\": \"go\"}\n{\"do\": \"stop\", \"sent\": 1}\n");
    json_decref(tested_hear(&tested, "ready"));
    json_decref(tested_hear(&tested, "arrived"));
    json_decref(tested_hear(&tested, "result"));
    end(&tested, &broker);
}

/* What is measured at another quality of service than was asked for is not measured. */
static void fail_at(const char *qos, int granted, bool subscribed, const char *words) {
    struct tiny_broker broker;
    struct tested_role tested;

    begin_at(&tested, &broker, &role_telemetry_subscriber, qos, granted, 1, "{\"do\": \"go\"}\n");
    if (subscribed) {
        json_decref(tested_hear(&tested, "ready"));
        json_decref(tested_hear(&tested, "arrived"));
    }
    tested_end(&tested);
    tiny_broker_close(&broker);
    assert_int_equal(tested.code, -EPROTO);
    setting_block_free(&telemetry_group, tested.worker.settings); /* kept after a failure */
    assert_non_null(strstr(tested.error.text, words));
}

static void test_granted(void **state) {
    (void)state;
    fail_at("2", 1, false,
            "the broker grants QoS 1 to the subscription to bench/telemetry, and QoS 2");
    fail_at("1", 1, true, "a message came at QoS 0, and QoS 1 was granted");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publisher),
        cmocka_unit_test(test_subscriber),
        cmocka_unit_test(test_late_message),
        cmocka_unit_test(test_granted),
    };

    return cmocka_run_group_tests_name("telemetry", tests, NULL, NULL);
}
