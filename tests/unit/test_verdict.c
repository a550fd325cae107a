/* model/verdict: how many blocks a verdict takes, beside the test and the correction themselves. */
#include "workshop.h"

#include "analysis/paired.h"
#include "model/verdict.h"

/* By hand: 3 x 2^-6 = 0.047, 4 x 2^-7 = 0.031, 7 x 2^-7 = 0.055, 19 x 2^-9 = 0.037. */
static void test_numbers(void **state) {
    static const struct {
        size_t comparisons;
        int64_t blocks;
    } rows[] = {{1, 6}, {2, 7}, {3, 7}, {4, 8}, {6, 8}, {7, 9}, {12, 9}, {13, 10}, {19, 10}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(verdict_differ_blocks(rows[i].comparisons), rows[i].blocks);
}

/* Whether the clearest of differences, one of m comparisons, is found in n blocks. */
static bool is_found(size_t m, size_t n) {
    CLEANUP_FREE double *p_values = memory_new(m, sizeof(*p_values));
    CLEANUP_FREE double *adjusted = memory_new(m, sizeof(*adjusted));
    double differences[64];

    for (size_t i = 0; i < n; i++)
        differences[i] = 1;
    for (size_t i = 0; i < m; i++)
        p_values[i] = i ? 1 : paired_p_value(differences, n, 2022);
    paired_holm(p_values, m, adjusted);
    return adjusted[0] < VERDICT_ALPHA;
}

static void test_as_tested(void **state) {
    (void)state;
    for (size_t m = 1; m <= 1600; m = m < 64 ? m + 1 : m * 2) {
        int64_t blocks = verdict_differ_blocks(m);

        assert_true(is_found(m, (size_t)blocks));
        assert_false(is_found(m, (size_t)blocks - 1));
    }
}

/* Of a scenario with these lines. */
static void assert_outlook(const char *lines, size_t comparisons, const char *expected) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    CLEANUP_FREE char *text = text_format("[scenario]\nprobes = path delivery\n%s", lines);
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    CLEANUP_FREE char *outlook = NULL;
    struct error error = {""};

    workshop_put(folder, "channels/plain.ini", "[channel]\nuse =\n");
    workshop_put(folder, "channels/again.ini", "[channel]\ninherits = plain\ncontrol = same\n");
    workshop_put(folder, "channels/mutual.ini", "[channel]\nuse = tls certificate\n");
    workshop_put(folder, "main.ini", text);
    if (scenario_load(&scenario, workshop_registry(), folder, "main", NULL, 0, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(verdict_comparisons(scenario), comparisons);
    outlook = verdict_outlook(scenario);
    if (!outlook || !expected)
        assert_true(!outlook && !expected);
    else
        assert_string_equal(outlook, expected);
}

#define VARIED "[vary]\nprobe.delivery.payload = 30B 1KiB 64KiB\n"

static void test_outlook(void **state) {
    (void)state;
    assert_outlook("channels = plain\n", 0, NULL);
    assert_outlook("channels = plain mutual\nrepetitions = 6\n", 1,
                   "equivalent takes 6 complete blocks, slower and faster 6 (1 comparison of a "
                   "probe with plain)");
    assert_outlook("channels = plain mutual again\nrepetitions = 6\n", 2,
                   "equivalent takes 6 complete blocks, slower and faster 7 (2 comparisons of a "
                   "probe with plain): 6 are too few for slower and faster");
    assert_outlook("channels = plain mutual\nrepetitions = 1\n", 1,
                   "equivalent takes 6 complete blocks, slower and faster 6 (1 comparison of a "
                   "probe with plain): 1 is too few for any verdict");
    assert_outlook("channels = plain mutual again\nrepetitions = 3\n" VARIED, 6,
                   "equivalent takes 6 complete blocks, slower and faster 8 (6 comparisons of a "
                   "probe with plain): 3 are too few for any verdict");
    assert_outlook("channels = plain mutual again\nrepetitions = until 1%\n"
                   "repetitions_min = 6\nrepetitions_max = 7\n",
                   2,
                   "equivalent takes 6 complete blocks, slower and faster 7 (2 comparisons of a "
                   "probe with plain)");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_as_tested),
        cmocka_unit_test(test_outlook),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
