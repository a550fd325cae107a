/* base/histogram: buckets that cover all values without a gap, and percentiles beside exact ones.
 */
#include "workshop.h"

#include "base/histogram.h"

#include <math.h>

#define N 20000

static void assert_close(double value, double expected, double share) {
    if (!(fabs(value - expected) <= share * expected + 1e-9))
        fail_msg("%.9g is not within %g of %.9g", value, share, expected);
}

/* Each bucket begins where the one before ends, and holds both of its ends. */
static void test_buckets(void **state) {
    static struct histogram all;
    int64_t before = -1;

    (void)state;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        int64_t upper = histogram_upper_bound(i);

        assert_true(upper > before);
        histogram_record(&all, before + 1);
        histogram_record(&all, upper);
        assert_int_equal(all.counts[i], 2);
        assert_true((double)(upper - before - 1) <= (double)(before + 1) / HISTOGRAM_PARTS);
        before = upper;
    }
    assert_true(before == INT64_MAX);
}

static void test_small_values_are_exact(void **state) {
    struct histogram histogram = {.n = 0};

    (void)state;
    for (int64_t i = 1; i <= 100; i++)
        histogram_record(&histogram, i);
    for (int i = 1; i <= 100; i++)
        assert_close(histogram_percentile(&histogram, i / 100.0), i, 0);
    assert_close(histogram_mean(&histogram), 50.5, 0);
    assert_int_equal(histogram.min, 1);
    assert_int_equal(histogram.max, 100);
    assert_int_equal(histogram.n, 100);
}

static void test_nothing_and_below(void **state) {
    struct histogram histogram = {.n = 0};

    (void)state;
    assert_true(isnan(histogram_percentile(&histogram, 0.5)));
    assert_true(isnan(histogram_mean(&histogram)));
    histogram_record(&histogram, -5);
    assert_close(histogram_percentile(&histogram, 1), 0, 0);
    assert_int_equal(histogram.counts[0], 1);
    histogram_record(&histogram, INT64_MAX);
    assert_true(histogram.max == INT64_MAX);
    assert_close(histogram_percentile(&histogram, 1), (double)INT64_MAX, 0.01);
}

/* One value alone, far above the exact ones: its percentiles are itself, not its bucket's ends. */
static void test_single_value(void **state) {
    struct histogram histogram = {.n = 0};

    (void)state;
    histogram_record(&histogram, 123456789);
    assert_close(histogram_percentile(&histogram, 0.01), 123456789, 0);
    assert_close(histogram_percentile(&histogram, 0.999), 123456789, 0);
}

static int compare(const void *a, const void *b) {
    const int64_t *one = a, *two = b;

    return (*one > *two) - (*one < *two);
}

/* Values over six decades, beside the sorted ones: nowhere more than 0.8 % away. */
static void test_percentiles(void **state) {
    CLEANUP_FREE struct histogram *histogram = memory_new(1, sizeof(*histogram));
    CLEANUP_FREE int64_t *values = memory_new(N, sizeof(*values));
    uint64_t random = 2022;

    (void)state;
    for (size_t i = 0; i < N; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        values[i] = (int64_t)pow(10, 3 + 6.0 * (double)(random >> 11) / 9007199254740992.0);
        histogram_record(histogram, values[i]);
    }
    qsort(values, N, sizeof(*values), compare);
    for (int i = 1; i <= 1000; i++) {
        size_t rank = (size_t)ceil(i / 1000.0 * N);

        assert_close(histogram_percentile(histogram, i / 1000.0), (double)values[rank - 1], 0.008);
    }
}

/* Two halves put together are the whole. */
static void test_add(void **state) {
    CLEANUP_FREE struct histogram *parts = memory_new(3, sizeof(*parts));

    (void)state;
    histogram_add(&parts[0], &parts[1]); /* nothing to nothing */
    assert_int_equal(parts[0].n, 0);
    for (int64_t i = 0; i < 1000; i++) {
        histogram_record(&parts[i % 2], 1000 * i + 500);
        histogram_record(&parts[2], 1000 * i + 500);
    }
    histogram_add(&parts[0], &parts[1]);
    assert_memory_equal(&parts[0], &parts[2], sizeof(parts[0]));
}

static void test_support(void **state) {
    (void)state;
    assert_false(histogram_supports(999, 0.999));
    assert_true(histogram_supports(1000, 0.999));
    assert_false(histogram_supports(99, 0.99));
    assert_true(histogram_supports(100, 0.99));
    assert_false(histogram_supports(0, 0.5));
    assert_true(histogram_supports(2, 0.5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets),           cmocka_unit_test(test_small_values_are_exact),
        cmocka_unit_test(test_nothing_and_below), cmocka_unit_test(test_single_value),
        cmocka_unit_test(test_percentiles),       cmocka_unit_test(test_add),
        cmocka_unit_test(test_support),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
