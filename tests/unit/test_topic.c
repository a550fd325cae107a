/* model/topic: which texts can be published to, by MQTT 1.5.4 and 4.7. */
#include "workshop.h"

#include "model/topic.h"

static void test_topics(void **state) {
    static const char *const topics[] = {
        "bench",
        "/",
        "/bench/",
        "a//b",
        "with a blank",
        "a$b",
        "bench/$x",
        "Пәтер/қонақ_бөлме/кондиционер/күй",
        "\xf0\x9f\x8c\xa1/\xe6\xb8\xa9\xe5\xba\xa6", /* of four bytes, of three */
        "\xef\xbf\xbd",                              /* U+FFFD */
        "\xef\xb7\x8f\xef\xb7\xb0",                  /* U+FDCF, U+FDF0 */
        "\xc2\xa0",                                  /* U+00A0 */
        "\xf4\x8f\xbf\xbd",                          /* U+10FFFD */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(topics); i++) {
        struct error error = {""};

        if (topic_check(topics[i], &error) != 0)
            fail_msg("'%s': %s", topics[i], error.text);
    }
}

static void test_no_topics(void **state) {
    static const struct {
        const char *topic, *words;
    } cases[] = {
        {"", "is no topic to publish to"},
        {"bench/+/data", "a wildcard"},
        {"bench/#", "a wildcard"},
        {"a+", "a wildcard"},
        {"$SYS/broker/uptime", "the broker's own"},
        {"$share/group/a", "the broker's own"},
        {"a\tb", "a control character"},
        {"a\x7f", "a control character"},
        {"\xc2\x80", "a control character"},
        {"\xc2\x9f", "a control character"},
        {"\xef\xbf\xbe", "no character"},     /* U+FFFE */
        {"a/\xef\xbf\xbf", "no character"},   /* U+FFFF */
        {"\xef\xb7\x90", "no character"},     /* U+FDD0 */
        {"\xef\xb7\xaf", "no character"},     /* U+FDEF */
        {"\xf4\x8f\xbf\xbf", "no character"}, /* U+10FFFF */
        {"caf\xe9", "no UTF-8"},
        {"\xc0\xaf", "no UTF-8"},         /* '/' in two bytes */
        {"\xed\xa0\x80", "no UTF-8"},     /* half of a surrogate pair */
        {"\xf4\x90\x80\x80", "no UTF-8"}, /* above U+10FFFF */
        {"\xd0", "no UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error error = {""};

        assert_int_equal(topic_check(cases[i].topic, &error), -EINVAL);
        assert_has(error.text, cases[i].words);
    }
}

static void test_length(void **state) {
    CLEANUP_FREE char *topic = memory_new(TOPIC_MAX_BYTES + 2, 1);
    struct error error = {""};

    (void)state;
    memset(topic, 'a', TOPIC_MAX_BYTES);
    assert_int_equal(topic_check(topic, &error), 0);
    topic[TOPIC_MAX_BYTES] = 'a';
    assert_int_equal(topic_check(topic, &error), -EINVAL);
    assert_has(error.text, "65535");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topics),
        cmocka_unit_test(test_no_topics),
        cmocka_unit_test(test_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
