/* security/cause: the causes of proofs, in the words of either version of MQTT. */
#include "workshop.h"

#include "security/cause.h"

static void test_words(void **state) {
    static const struct {
        const char *causes, *in_5;
    } cases[] = {
        {"connack 5", "connack 135"},
        {"connack 5|connack 4", "connack 135|connack 134"},
        {"connack 1|connack 2|connack 3", "connack 132|connack 133|connack 136"},
        {"connack 5|connack 135", "connack 135"},
        {"alert 116|alert 40", "alert 116|alert 40"},
        {"closed", "closed"},
        {"connack 0", "connack 0"},
        {"connack 50", "connack 50"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *older = cause_words(cases[i].causes, MQTT_3_1_1);
        CLEANUP_FREE char *newer = cause_words(cases[i].causes, MQTT_5);

        assert_string_equal(older, cases[i].causes);
        assert_string_equal(newer, cases[i].in_5);
    }
}

static void test_among(void **state) {
    (void)state;
    assert_true(cause_among("connack 5", "connack 5"));
    assert_true(cause_among("alert 40|alert 116", "alert 116 certificate_required"));
    assert_true(cause_among("closed|alert 40", "closed"));
    assert_false(cause_among("connack 5", "connack 50"));
    assert_false(cause_among("connack 50", "connack 5"));
    assert_false(cause_among("connack 5", "connack 135"));
    assert_false(cause_among("alert 4", "alert 40 handshake_failure"));
    assert_false(cause_among("connack 5", "closed"));
    assert_false(cause_among("", "connack 5"));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_among),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
