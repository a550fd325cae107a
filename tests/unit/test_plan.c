/* model/plan: the order of all trials. A run that is resumed depends on it, so it must stay as it
 * is: the golden orders were computed by a second implementation of MT19937 and Fisher-Yates. */
#include "workshop.h"

#include "model/plan.h"

/* A scenario of so many channels and measurements; only what a plan looks at is in it. */
static struct scenario *scenario_of(size_t n_channels, size_t n_measurements, int64_t repetitions,
                                    enum scenario_order order, int64_t seed) {
    struct scenario *scenario = memory_new(1, sizeof(*scenario));
    struct scenario_settings *own;

    settings_init(&scenario->settings, workshop_registry(), 1u << SETTING_SCENARIO);
    own = settings_edit(&scenario->settings, &scenario_group);
    free(own->repetitions);
    own->repetitions = text_format("%lld", (long long)repetitions);
    own->order = order;
    own->seed = seed;
    scenario->channels = memory_new(n_channels, sizeof(*scenario->channels));
    for (size_t i = 0; i < n_channels; i++)
        channel_init(&scenario->channels[i], "c", workshop_registry());
    scenario->n_channels = n_channels;
    scenario->measurements = memory_new(n_measurements, sizeof(*scenario->measurements));
    for (size_t i = 0; i < n_measurements; i++)
        scenario->measurements[i] = (struct measurement){
            .group = &scenario_group, .settings = setting_block_new(&scenario_group)};
    scenario->n_measurements = n_measurements;
    return scenario;
}

static struct plan *plan_of(size_t channels, size_t n_measurements, int64_t repetitions,
                            enum scenario_order order, int64_t seed) {
    CLEANUP(scenario_freep)
    struct scenario *scenario = scenario_of(channels, n_measurements, repetitions, order, seed);

    return plan_new(scenario);
}

static struct plan *shuffled(size_t channels, int64_t repetitions, int64_t seed) {
    return plan_of(channels, 3, repetitions, ORDER_SHUFFLED, seed);
}

static void assert_order(const struct plan *plan, const char *expected) {
    CLEANUP_FREE char *order = memory_new(plan->n_deployments + 1, 1);

    for (size_t i = 0; i < plan->n_deployments; i++)
        order[i] = (char)('0' + plan->deployments[i].channel);
    assert_string_equal(order, expected);
}

static void test_golden_orders(void **state) {
    CLEANUP(plan_freep) struct plan *paper = shuffled(3, 12, 2022);
    CLEANUP(plan_freep) struct plan *five = shuffled(5, 3, 1);
    CLEANUP(plan_freep) struct plan *largest = shuffled(3, 4, 4294967295);

    (void)state;
    assert_order(paper, "210201012120210021201210120120210210");
    assert_order(five, "014324132013204");
    assert_order(largest, "120120120120");
}

static void assert_same(const struct plan *a, const struct plan *b) {
    assert_int_equal(a->n_deployments, b->n_deployments);
    assert_int_equal(a->n_measurements, b->n_measurements);
    for (size_t i = 0; i < a->n_deployments; i++) {
        assert_int_equal(a->deployments[i].block, b->deployments[i].block);
        assert_int_equal(a->deployments[i].position, b->deployments[i].position);
        assert_int_equal(a->deployments[i].channel, b->deployments[i].channel);
        assert_int_equal(a->deployments[i].trial, b->deployments[i].trial);
    }
}

static void test_seed_decides(void **state) {
    CLEANUP(plan_freep) struct plan *first = shuffled(4, 50, 7), *again = shuffled(4, 50, 7);
    CLEANUP(plan_freep) struct plan *other = shuffled(4, 50, 8);
    size_t different = 0;

    (void)state;
    assert_same(first, again);
    for (size_t i = 0; i < first->n_deployments; i++)
        different += first->deployments[i].channel != other->deployments[i].channel;
    assert_in_range(different, 50, 200);
}

/* A longer run begins like a shorter one: more repetitions change nothing that was measured. */
static void test_longer_plan_begins_alike(void **state) {
    CLEANUP(plan_freep) struct plan *few = shuffled(3, 5, 2022), *many = shuffled(3, 50, 2022);

    (void)state;
    many->n_deployments = few->n_deployments;
    assert_same(few, many);
}

static void test_every_block_has_every_channel(void **state) {
    static const size_t n_channels = 7;
    CLEANUP(plan_freep) struct plan *plan = shuffled(n_channels, 200, 2022);

    (void)state;
    assert_int_equal(plan->n_deployments, 200 * n_channels);
    for (size_t i = 0; i < plan->n_deployments; i += n_channels) {
        unsigned seen = 0;

        for (size_t j = 0; j < n_channels; j++) {
            const struct planned_deployment *deployment = &plan->deployments[i + j];

            assert_int_equal(deployment->block, i / n_channels + 1);
            assert_int_equal(deployment->position, j + 1);
            seen |= 1u << deployment->channel;
        }
        assert_int_equal(seen, (1u << n_channels) - 1);
    }
}

static void assert_consecutive(const struct plan *plan) {
    for (size_t i = 0; i < plan->n_deployments; i++)
        assert_int_equal(plan->deployments[i].trial, 1 + i * plan->n_measurements);
}

static void test_trial_numbers(void **state) {
    CLEANUP(plan_freep) struct plan *one = plan_of(3, 1, 4, ORDER_SHUFFLED, 1);
    CLEANUP(plan_freep) struct plan *three = plan_of(3, 3, 4, ORDER_SHUFFLED, 1);
    CLEANUP(plan_freep) struct plan *sequential = plan_of(2, 3, 4, ORDER_SEQUENTIAL, 1);

    (void)state;
    assert_consecutive(one);
    assert_consecutive(three);
    assert_consecutive(sequential);
    assert_int_equal(one->deployments[one->n_deployments - 1].trial, 12);
    assert_int_equal(three->deployments[three->n_deployments - 1].trial, 34);
}

/* The paper's own: all repetitions of one channel, then all of the next; the seed says nothing. */
static void test_sequential(void **state) {
    CLEANUP(plan_freep) struct plan *plan = plan_of(3, 2, 4, ORDER_SEQUENTIAL, 2022);
    CLEANUP(plan_freep) struct plan *other = plan_of(3, 2, 4, ORDER_SEQUENTIAL, 1);

    (void)state;
    assert_order(plan, "000011112222");
    assert_same(plan, other);
    for (size_t i = 0; i < plan->n_deployments; i++) {
        assert_int_equal(plan->deployments[i].block, i % 4 + 1);
        assert_int_equal(plan->deployments[i].position, i / 4 + 1);
    }
}

static void test_smallest(void **state) {
    CLEANUP(plan_freep) struct plan *plan = shuffled(1, 1, 0);
    CLEANUP(plan_freep) struct plan *many = shuffled(1, 1000, 0);

    (void)state;
    assert_int_equal(plan->n_deployments, 1);
    assert_int_equal(plan->deployments[0].block, 1);
    assert_int_equal(plan->deployments[0].position, 1);
    assert_int_equal(plan->deployments[0].trial, 1);
    assert_int_equal(many->n_deployments, 1000);
}

/* The chi-square distance of counts from all being equal. */
static double distance(const size_t *counts, size_t n) {
    double total = 0, sum = 0, expected;

    for (size_t i = 0; i < n; i++)
        total += (double)counts[i];
    expected = total / (double)n;
    for (size_t i = 0; i < n; i++)
        sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    return sum;
}

/* All orders of three channels are as likely: chi-square with 5 degrees of freedom, p = 0.0001. */
static void test_orders_are_uniform(void **state) {
    static const int64_t seeds[] = {2022, 1, 0, 4294967295};

    (void)state;
    for (size_t s = 0; s < ARRAY_SIZE(seeds); s++) {
        CLEANUP(plan_freep) struct plan *plan = shuffled(3, 6000, seeds[s]);
        size_t counts[6] = {0};

        for (size_t i = 0; i < plan->n_deployments; i += 3) {
            size_t first = plan->deployments[i].channel, second = plan->deployments[i + 1].channel;

            counts[2 * first + (second > 3 - first - second)]++;
        }
        assert_true(distance(counts, ARRAY_SIZE(counts)) < 25.74);
    }
}

/* Nor does the order of a block depend on that of the one before: 35 degrees of freedom. */
static void test_blocks_are_independent(void **state) {
    CLEANUP(plan_freep) struct plan *plan = shuffled(6, 7200, 2022);
    size_t first_places[36] = {0}, positions[36] = {0};

    (void)state;
    for (size_t i = 6; i < plan->n_deployments; i += 6)
        first_places[plan->deployments[i - 6].channel * 6 + plan->deployments[i].channel]++;
    for (size_t i = 0; i < plan->n_deployments; i++)
        positions[plan->deployments[i].channel * 6 + (size_t)plan->deployments[i].position - 1]++;
    assert_true(distance(first_places, 36) < 76.2);
    assert_true(distance(positions, 36) < 63.6); /* 25 degrees are free */
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_orders),
        cmocka_unit_test(test_seed_decides),
        cmocka_unit_test(test_longer_plan_begins_alike),
        cmocka_unit_test(test_every_block_has_every_channel),
        cmocka_unit_test(test_trial_numbers),
        cmocka_unit_test(test_sequential),
        cmocka_unit_test(test_smallest),
        cmocka_unit_test(test_orders_are_uniform),
        cmocka_unit_test(test_blocks_are_independent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
