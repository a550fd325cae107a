/* probes/delivery: what its subscriber makes of a publisher that has published nothing. */
#include "acting.h"
#include "tiny_broker.h"

#include "probes/delivery.h"

static const struct role *subscriber(void) {
    for (size_t i = 0; i < probe_delivery.n_roles; i++)
        if (text_equal(probe_delivery.roles[i].name, "delivery-subscriber"))
            return &probe_delivery.roles[i];
    fail_msg("no subscriber");
    return NULL;
}

static json_t *make_params(int port) {
    struct client_config *client = setting_block_new(&client_config_group);
    void *settings = setting_block_new(probe_delivery.group);
    struct error error = {""};
    json_t *params;

    if (setting_assign(setting_find(probe_delivery.group, "duration"), settings, "100ms", &error) ||
        setting_assign(setting_find(probe_delivery.group, "warmup"), settings, "0s", &error))
        fail_msg("%s", error.text);
    text_replace(&client->address, "127.0.0.1");
    text_replace(&client->client_id, "client1");
    client->port = port;
    params = acting_params(probe_delivery.group, settings, client);
    (void)json_object_set_new(params, "trial", json_integer(1));
    setting_block_free(probe_delivery.group, settings);
    client_config_free(client);
    return params;
}

/* That is no channel through which nothing passes. */
static void test_nothing_was_published(void **state) {
    struct tiny_broker broker;
    struct acting acting;

    (void)state;
    tiny_broker_open(&broker, 0);
    acting_begin(&acting, subscriber(), make_params(broker.port), "{\"do\": \"go\"}\n");
    json_decref(acting_hear(&acting, "ready"));
    json_decref(acting_hear(&acting, "begin"));
    json_decref(acting_hear(&acting, "done"));
    acting_tell(&acting, "{\"do\": \"stop\", \"sent\": 0}\n");
    acting_end(&acting);
    tiny_broker_close(&broker);
    assert_true(acting.code < 0);
    assert_non_null(strstr(acting.error.text, "published no message"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_was_published),
    };

    return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
