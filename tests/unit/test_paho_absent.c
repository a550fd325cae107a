/* mqtt/client and what asks for Paho C, as in a program that was built without it: refused before
 * anything starts, in words that help. */
#include "workshop.h"

#include "mqtt/client.h"
#include "probes/delivery.h"
#include "probes/telemetry.h"

/* Linked in the place of the library's. */
#include "mqtt/paho_absent.c"

static void test_setting(void **state) {
    const struct setting_group *const groups[] = {&telemetry_group, probe_delivery.group};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        const struct setting *row = setting_find(groups[i], "library");
        void *block = setting_block_new(groups[i]);
        CLEANUP_FREE char *word = NULL;
        struct error error = {""};

        assert_non_null(row);
        assert_int_equal(setting_assign(row, block, "libmosquitto", &error), 0);
        assert_int_equal(setting_assign(row, block, "paho", &error), -EOPNOTSUPP);
        assert_has(error.text, "built without Paho C; apt-get install libpaho-mqtt-dev");
        word = setting_format(row, block);
        assert_string_equal(word, "libmosquitto");
        setting_block_free(groups[i], block);
    }
}

static void test_connect(void **state) {
    CLEANUP(client_config_freep)
    struct client_config *config = setting_block_new(&client_config_group);
    struct mqtt_client *client = NULL;
    struct error error = {""};

    (void)state;
    config->library = LIBRARY_PAHO;
    assert_int_equal(mqtt_client_connect(&client, config, NULL, NULL, &error), -EOPNOTSUPP);
    assert_null(client);
    assert_has(error.text, "start ./bench again");
}

static void test_version(void **state) {
    CLEANUP_FREE char *other = mqtt_client_library_version(LIBRARY_MOSQUITTO);

    (void)state;
    assert_null(mqtt_client_library_version(LIBRARY_PAHO));
    assert_non_null(other);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_setting),
        cmocka_unit_test(test_connect),
        cmocka_unit_test(test_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
