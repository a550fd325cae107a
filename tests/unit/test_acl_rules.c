/* security/acl_rules: what is a rule, which filters cover which, what a table permits. */
#include "workshop.h"

#include "security/acl_rules.h"

/* ---- one rule ---- */

static void test_rules(void **state) {
    static const struct {
        const char *text;
        unsigned operations, qos;
        const char *topic;
    } cases[] = {
        {"publish:a", ACL_PUBLISH, 7, "a"},
        {"subscribe:a/#", ACL_SUBSCRIBE, 7, "a/#"},
        {"both:+/b/+", ACL_BOTH, 7, "+/b/+"},
        {"publish@0:a", ACL_PUBLISH, 1, "a"},
        {"publish@2,0:a", ACL_PUBLISH, 5, "a"},
        {"both@0,1,2:#", ACL_BOTH, 7, "#"},
        {"publish:with blanks/and:colons@", ACL_PUBLISH, 7, "with blanks/and:colons@"},
        {"subscribe:/", ACL_SUBSCRIBE, 7, "/"},
        {"subscribe:+", ACL_SUBSCRIBE, 7, "+"},
        {"publish:%t", ACL_PUBLISH, 7, "%t"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct acl_rule rule = {.user = NULL};
        const char *wrong = acl_rule_read(cases[i].text, &rule);

        if (wrong)
            fail_msg("%s: %s", cases[i].text, wrong);
        assert_int_equal(rule.operations, cases[i].operations);
        assert_int_equal(rule.qos, cases[i].qos);
        assert_string_equal(rule.topic, cases[i].topic);
    }
}

static void test_no_rules(void **state) {
    static const struct {
        const char *text, *wrong; /* how the sentence begins */
    } cases[] = {
        {"", "it begins with neither"},          {"publish", "it begins with neither"},
        {"publis:a", "it begins with neither"},  {"publisher:a", "it begins with neither"},
        {"Publish:a", "it begins with neither"}, {":a", "it begins with neither"},
        {"publish@:a", "behind @ come"},         {"publish@3:a", "behind @ come"},
        {"publish@0,:a", "behind @ come"},       {"publish@,0:a", "behind @ come"},
        {"publish@0", "a : is missing"},         {"publish@01:a", "a : is missing"},
        {"publish:", "there is no topic"},       {"publish:a#", "a # must be"},
        {"publish:a/#/b", "a # must be"},        {"publish:#/", "a # must be"},
        {"publish:a+", "a + must be"},           {"publish:a/b+/c", "a + must be"},
        {"publish:++", "a + must be"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct acl_rule rule = {.topic = "untouched"};
        const char *wrong = acl_rule_read(cases[i].text, &rule);

        if (!wrong || strncmp(wrong, cases[i].wrong, strlen(cases[i].wrong)) != 0)
            fail_msg("%s: %s", cases[i].text, wrong ? wrong : "is a rule");
        assert_string_equal(rule.topic, "untouched");
    }
}

/* ---- wildcards (MQTT 3.1.1, section 4.7) ---- */

static void test_covers(void **state) {
    static const struct {
        const char *pattern, *filter;
        bool covers;
    } cases[] = {
        {"a/b", "a/b", true},
        {"a/b", "a/bc", false},
        {"a/bc", "a/b", false},
        {"a/b", "a", false},
        {"a", "a/b", false},
        {"a", "/a", false},
        {"a/", "a", false},
        {"a", "a/", false},
        {"/a", "/a", true},
        {"A", "a", false},
        /* + is exactly one level, which may be empty */
        {"+", "a", true},
        {"+", "a/b", false},
        {"+", "/a", false},
        {"+/+", "/a", true},
        {"a/+", "a", false},
        {"a/+", "a/", true},
        {"a/+/c", "a/b/c", true},
        {"a/+/c", "a/b/d", false},
        {"a/+/c", "a/b/b/c", false},
        {"+", "+", true},
        {"a/+", "a/+", true},
        {"a/b", "a/+", false},
        {"a/+", "a/#", false},
        /* # is any number of levels, none included */
        {"#", "a", true},
        {"#", "/", true},
        {"#", "#", true},
        {"#", "+/+", true},
        {"a/#", "a", true},
        {"a/#", "a/", true},
        {"a/#", "a/b/c", true},
        {"a/#", "a/+", true},
        {"a/#", "a/b/#", true},
        {"a/#", "ab", false},
        {"a/#", "b/a", false},
        {"a/#", "#", false},
        {"a/b/#", "a/#", false},
        {"a", "#", false},
        {"+/#", "a/b", true},
        {"+/#", "a", true},
        {"+/#", "#", false},
        {"+/b/#", "a/b", true},
        {"+/b/#", "a/c", false},
        /* what begins with $ is in no wildcard at the first level */
        {"#", "$SYS/broker", false},
        {"+/broker", "$SYS/broker", false},
        {"$SYS/#", "$SYS/broker", true},
        {"$SYS/+", "$SYS/broker", true},
        {"#", "$share/group/a", false},
        {"a/#", "a/$b", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct acl_rule rule = {"one", ACL_BOTH, ACL_EVERY_QOS, cases[i].pattern};
        const struct acl_rule *by_user = &rule;
        const struct acl_table table = {.rules = &rule, .n_rules = 1, .by_user = &by_user};

        if (acl_permits(&table, "one", ACL_SUBSCRIBE, 0, cases[i].filter) != cases[i].covers)
            fail_msg("%s %s %s", cases[i].pattern, cases[i].covers ? "must cover" : "covers",
                     cases[i].filter);
    }
}

/* ---- tables ---- */

static void test_table(void **state) {
    struct acl_table table;
    size_t line;

    (void)state;
    assert_null(acl_table_read("user one\npublish@0,1:a/#\n\nsubscribe@0:b\nuser two words\n"
                               "both:a/+\nuser idle",
                               &table, &line));
    assert_int_equal(table.n_rules, 3);
    assert_true(acl_permits(&table, "one", ACL_PUBLISH, 0, "a/x"));
    assert_true(acl_permits(&table, "one", ACL_PUBLISH, 1, "a/x/y"));
    assert_false(acl_permits(&table, "one", ACL_PUBLISH, 2, "a/x"));
    assert_true(acl_permits(&table, "one", ACL_PUBLISH, ACL_ANY_QOS, "a/x"));
    assert_false(acl_permits(&table, "one", ACL_SUBSCRIBE, ACL_ANY_QOS, "a/x"));
    assert_true(acl_permits(&table, "one", ACL_SUBSCRIBE, 0, "b"));
    assert_false(acl_permits(&table, "one", ACL_SUBSCRIBE, 1, "b"));
    assert_true(acl_permits(&table, "two words", ACL_SUBSCRIBE, 2, "a/+"));
    assert_true(acl_permits(&table, "two words", ACL_PUBLISH, 2, "a/x"));
    assert_false(acl_permits(&table, "two words", ACL_SUBSCRIBE, 2, "a/#"));
    assert_false(acl_permits(&table, "two", ACL_PUBLISH, 0, "a/x"));
    assert_false(acl_permits(&table, "idle", ACL_PUBLISH, 0, "a/x"));
    assert_false(acl_permits(&table, "", ACL_PUBLISH, 0, "a/x"));
    acl_table_clear(&table);
    acl_table_clear(&table);
}

static void test_no_tables(void **state) {
    static const struct {
        const char *text, *wrong;
        size_t line;
    } cases[] = {
        {"publish:a\n", "a rule stands in front of", 1},
        {"user one\npublish:a\nsubscribe\n", "it begins with neither", 3},
        {"\nuser \n", "there is no name", 2},
        {"user one\nuser\n", "it begins with neither", 2},
    };
    struct acl_table table;
    size_t line;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *wrong = acl_table_read(cases[i].text, &table, &line);

        if (!wrong || strncmp(wrong, cases[i].wrong, strlen(cases[i].wrong)) != 0)
            fail_msg("%s: %s", cases[i].text, wrong ? wrong : "is a table");
        assert_int_equal(line, cases[i].line);
        acl_table_clear(&table);
    }
    assert_null(acl_table_read("", &table, &line));
    assert_int_equal(table.n_rules, 0);
    acl_table_clear(&table);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),     cmocka_unit_test(test_no_rules),
        cmocka_unit_test(test_covers),    cmocka_unit_test(test_table),
        cmocka_unit_test(test_no_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
