/* security/seal_window: which counters count as opened, at the edges and in any order. */
#include "workshop.h"

#include "security/seal_window.h"

static void test_window(void **state) {
    static const struct {
        uint64_t counter;
        bool had;
    } steps[] = {
        {0, false},
        {0, true},
        {3, false},
        {1, false},
        {2, false},
        {3, true},
        {SEAL_WINDOW + 3, false}, /* 4 is the oldest in the window now */
        {3, true},                /* was opened */
        {4, false},
        {4, true},
        {SEAL_WINDOW + 2, false},
        {SEAL_WINDOW + 4, false},
        {5, false},
        {4, true},
        {3 * SEAL_WINDOW + 4, false}, /* farther than the window: all is forgotten */
        {SEAL_WINDOW + 5, true},      /* never opened, but too late */
        {2 * SEAL_WINDOW + 4, true},
        {2 * SEAL_WINDOW + 5, false},
        {3 * SEAL_WINDOW + 3, false},
        {UINT64_MAX - 1, false},
        {UINT64_MAX - 1, true},
        {0, true},
        {UINT64_MAX - SEAL_WINDOW, false},
        {UINT64_MAX - SEAL_WINDOW - 1, true},
    };
    struct seal_window window = {.next = 0};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        if (seal_window_has(&window, steps[i].counter) != steps[i].had)
            fail_msg("step %zu", i);
        if (!steps[i].had)
            seal_window_add(&window, steps[i].counter);
    }
}

/* Against a list of all that was opened, in an order that jumps to and fro. */
static void test_window_against_a_list(void **state) {
    enum { LIMIT = 16 * SEAL_WINDOW };
    static bool opened[LIMIT];
    struct seal_window window = {.next = 0};
    uint64_t random = 2022, highest = 0;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint64_t counter;
        bool had;

        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        counter = highest + (random >> 33) % 1200;
        counter = counter < 1150 ? 0 : counter - 1150;
        if (counter >= LIMIT)
            break;
        had = opened[counter] || counter + SEAL_WINDOW <= highest;
        assert_int_equal(seal_window_has(&window, counter), had);
        if (had)
            continue;
        seal_window_add(&window, counter);
        opened[counter] = true;
        highest = counter > highest ? counter : highest;
    }
    assert_true(highest > LIMIT / 2);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_window_against_a_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
