/* hosts/busy: what /proc/stat and the control groups of either version tell, in a folder that
 * stands for the root; and the real ones, whose counters move with what is done. */
#include "hosts/busy.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "workshop.h"

#include <math.h>

static double number(const json_t *facts, const char *name) {
    const json_t *value = json_object_get(facts, name);

    if (!value)
        fail_msg("no %s", name);
    return json_number_value(value);
}

static void test_ticks(void **state) {
    char *root = workshop_make();
    json_auto_t *facts = NULL;

    (void)state;
    workshop_put(root, "/proc/stat",
                 "cpu  100 20 30 4000 500 6 7 8 90 9\ncpu0 1 1 1 1 1 1 1 1 0 0\n");
    facts = busy_collect(root);
    assert_true(number(facts, "all") == 4671);
    assert_true(number(facts, "busy") == 171); /* neither idle nor waiting for a disk */
    assert_null(json_object_get(facts, "quota"));
    assert_true(number(facts, "cores") == (double)sysconf(_SC_NPROCESSORS_ONLN));
    workshop_remove(root);
}

static const char stat_1[] = "nr_periods 50\nnr_throttled 40\nthrottled_time 2500000000\n";
static const char stat_2[] =
    "usage_usec 7\nnr_periods 50\nnr_throttled 40\nthrottled_usec 2500000\n";

static void test_quotas(void **state) {
    static const struct {
        const char *groups, *quota, *text, *period, *stat, *stat_text;
    } cases[] = {
        {"4:cpu,cpuacct:/x/y\n", "/sys/fs/cgroup/cpu,cpuacct/x/y/cpu.cfs_quota_us", "20000\n",
         "/sys/fs/cgroup/cpu,cpuacct/x/y/cpu.cfs_period_us",
         "/sys/fs/cgroup/cpu,cpuacct/x/y/cpu.stat", stat_1},
        {"2:cpuacct:/\n1:cpu:/x/y\n0::/\n", "/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "20000\n",
         "/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "/sys/fs/cgroup/cpu/x/cpu.stat", stat_1},
        {"0::/user.slice/a\n", "/sys/fs/cgroup/user.slice/cpu.max", "20000 100000\n", NULL,
         "/sys/fs/cgroup/user.slice/cpu.stat", stat_2},
        {"0::/../gone\n", "/sys/fs/cgroup/cpu.max", "20000 100000\n", NULL,
         "/sys/fs/cgroup/cpu.stat", stat_2},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *root = workshop_make();
        json_auto_t *facts = NULL;

        workshop_put(root, "/proc/self/cgroup", cases[i].groups);
        workshop_put(root, cases[i].quota, cases[i].text);
        if (cases[i].period)
            workshop_put(root, cases[i].period, "100000\n");
        workshop_put(root, cases[i].stat, cases[i].stat_text);
        if (i < 2) /* the group below limits nothing */
            workshop_put(root, i == 1 ? "/sys/fs/cgroup/cpu/x/y/cpu.cfs_quota_us" : "/unused",
                         "-1\n");
        facts = busy_collect(root);
        if (fabs(number(facts, "quota") - 0.2) > 1e-9)
            fail_msg("case %zu: %g", i, number(facts, "quota"));
        assert_true(number(facts, "periods") == 50);
        assert_true(number(facts, "throttled_periods") == 40);
        assert_true(fabs(number(facts, "throttled_s") - 2.5) < 1e-9);
        workshop_remove(root);
    }
}

/* Where nothing is limited, all cores may be used. */
static void test_no_quota(void **state) {
    static const char *const texts[] = {"max 100000\n", "100000000 100000\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        char *root = workshop_make();
        json_auto_t *facts = NULL;

        workshop_put(root, "/proc/self/cgroup", "0::/a\n");
        workshop_put(root, "/sys/fs/cgroup/a/cpu.max", texts[i]);
        facts = busy_collect(root);
        assert_true(number(facts, "quota") == number(facts, "cores"));
        assert_null(json_object_get(facts, "throttled_s"));
        workshop_remove(root);
    }
}

/* The real one: this thread's own time is among what is busy. */
static void test_here(void **state) {
    json_auto_t *before = busy_collect(""), *after = NULL;
    int64_t end = clock_monotonic_ns() + 300 * NS_PER_MS;

    (void)state;
    while (clock_monotonic_ns() < end)
        ;
    after = busy_collect("");
    assert_true(number(after, "busy") > number(before, "busy"));
    assert_true(number(after, "all") - number(before, "all") >=
                number(after, "busy") - number(before, "busy"));
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_quotas),
        cmocka_unit_test(test_no_quota),
        cmocka_unit_test(test_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
