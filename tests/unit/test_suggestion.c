/* What is suggested for a word that is none of those known. */
#include "base/memory.h"
#include "base/suggestion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_distance(void **state) {
    static const struct {
        const char *a, *b;
        size_t distance;
    } rows[] = {
        {"", "", 0},           {"plain", "plain", 0},    {"", "ab", 2},
        {"plian", "plain", 1}, {"plan", "plain", 1},     {"plaiin", "plain", 1},
        {"plaim", "plain", 1}, {"ab", "ba", 1},          {"ca", "abc", 3},
        {"abcd", "badc", 2},   {"kitten", "sitting", 3}, {"PLAIN", "plain", 0},
        {"Plian", "pLain", 1},
    };
    char huge[200];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(suggestion_distance(rows[i].a, rows[i].b), rows[i].distance);
        assert_int_equal(suggestion_distance(rows[i].b, rows[i].a), rows[i].distance);
    }
    memset(huge, 'a', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    assert_true(suggestion_distance(huge, huge) == SIZE_MAX);
}

static void expect(const char *word, const char *known, const char *expected) {
    CLEANUP_FREE char *got = suggestion(word, known);

    assert_string_equal(got, expected);
}

static void test_suggestion(void **state) {
    (void)state;
    expect("paht", "path, transport, delivery", " (did you mean path?)");
    expect("delvery", "path transport delivery", " (did you mean delivery?)");
    expect("dlvery", "path transport delivery", " (did you mean delivery?)");
    expect("telepathy", "path transport delivery", "");
    /* The nearest, wherever it stands; of those equally near the first. */
    expect("plain-agan", "plain-amen plain-again", " (did you mean plain-again?)");
    expect("bat", "cat hat rat", " (did you mean cat?)");
    /* Of a short word half may be wrong. */
    expect("a", "b c", "");
    expect("xy", "no", "");
    expect("n", "no crl", " (did you mean no?)");
    expect("no", "nn no", "");
    /* Letter case costs nothing; who has it right is known. */
    expect("X25519mlkem768", "X25519 X25519MLKEM768", " (did you mean X25519MLKEM768?)");
    expect("kib", "B KiB MiB", " (did you mean KiB?)");
    expect("S", "ms s", " (did you mean s?)");
    expect("S", "s S", "");
    expect("anything", "", "");
    expect("", "no", "");
}

static void test_list(void **state) {
    CLEANUP_FREE char *got = suggestion_of_list("P-256:X2519, what", "X25519 P-256");
    CLEANUP_FREE char *none = suggestion_of_list("P-256:X25519", "X25519, P-256");

    (void)state;
    assert_string_equal(got, " (did you mean X25519?)");
    assert_string_equal(none, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_suggestion),
        cmocka_unit_test(test_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
