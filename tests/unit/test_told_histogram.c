/* probes/told_histogram: the whole histogram arrives, and what several tell is added up. */
#include "workshop.h"

#include "probes/told_histogram.h"

static void fill(struct histogram *histogram, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++)
        histogram_record(histogram, i * i * 1000);
}

static void test_sum(void **state) {
    struct histogram *one = memory_new(1, sizeof(*one)), *two = memory_new(1, sizeof(*two));
    struct histogram *all = memory_new(1, sizeof(*all)), *told = memory_new(1, sizeof(*told));
    json_t *first, *second;

    (void)state;
    fill(one, 0, 300);
    fill(two, 300, 500);
    fill(all, 0, 500);
    first = histogram_to_json(one);
    second = histogram_to_json(two);
    histogram_add_json(told, second);
    histogram_add_json(told, first);
    assert_memory_equal(told->counts, all->counts, sizeof(all->counts));
    assert_int_equal(told->n, 500);
    assert_int_equal(told->min, all->min);
    assert_int_equal(told->max, all->max);
    assert_float_equal(told->sum, all->sum, all->sum * 1e-12);
    json_decref(first);
    json_decref(second);
    free(one);
    free(two);
    free(all);
    free(told);
}

/* A worker that has nothing, or talks nonsense, adds nothing. */
static void test_nothing(void **state) {
    struct histogram *told = memory_new(1, sizeof(*told)), *empty = memory_new(1, sizeof(*empty));
    json_t *nonsense = json_pack("{s:[i,i,s],s:[i,i],s:i}", "buckets", -1, HISTOGRAM_BUCKETS, "x",
                                 "counts", 1, 1, "min", -5);
    json_t *nothing = histogram_to_json(empty);

    (void)state;
    histogram_record(told, 42);
    histogram_add_json(told, NULL);
    histogram_add_json(told, nothing);
    histogram_add_json(told, nonsense);
    assert_int_equal(told->n, 1);
    assert_int_equal(told->min, 42);
    assert_int_equal(told->max, 42);
    json_decref(nonsense);
    json_decref(nothing);
    free(told);
    free(empty);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sum),
        cmocka_unit_test(test_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
