/* model/fleet: who the members are and whose part they are; what the settings may be. */
#include "model/fleet.h"

#include "workshop.h"

static void test_names(void **state) {
    static const struct {
        const char *base, *name;
        int64_t member; /* -1: none of base's */
    } cases[] = {
        {"client2", "client2-m0", 0},
        {"client2", "client2-m17", 17},
        {"client2", "client2-m999999", 999999},
        {"client2", "client2-m999999999999999999", INT64_C(999999999999999999)},
        {"client2", "client2-m9999999999999999999", -1},
        {"client2", "client2-m", -1},
        {"client2", "client2-m07", -1},
        {"client2", "client2-m00", -1},
        {"client2", "client2-m1x", -1},
        {"client2", "client2-m-1", -1},
        {"client2", "client2-m 1", -1},
        {"client2", "client2", -1},
        {"client2", "client1-m17", -1},
        {"client2", "client22-m17", -1},
        {"a-m1", "a-m1-m2", 2},
        {"a", "a-m1-m2", -1},
        {"", "-m3", 3},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *made = fleet_member_name(cases[i].base, cases[i].member);
        int64_t member = fleet_member_of(cases[i].base, cases[i].name);

        if (member != cases[i].member || (member >= 0 && strcmp(made, cases[i].name) != 0))
            fail_msg("%s of %s: %lld", cases[i].name, cases[i].base, (long long)member);
    }
}

/* Each member is in one part, and no part has two more than another. */
static void test_parts(void **state) {
    static const int64_t sizes[] = {1, 2, 7, 8, 9, 1000, 10007, 1000000};
    static const size_t parts[] = {1, 2, 3, 7, 8, 64};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        for (size_t j = 0; j < ARRAY_SIZE(parts); j++) {
            int64_t next = 0, least = sizes[i], most = 0;

            for (size_t k = 0; k < parts[j]; k++) {
                struct fleet_part part = fleet_part(sizes[i], parts[j], k);

                assert_int_equal(part.first, next);
                assert_true(part.count >= 0);
                next += part.count;
                least = part.count < least ? part.count : least;
                most = part.count > most ? part.count : most;
            }
            assert_int_equal(next, sizes[i]);
            assert_true(most - least <= 1);
        }
}

static void test_settings(void **state) {
    static const struct {
        const char *key, *value;
        bool good;
    } cases[] = {
        {"clients", "1", true},          {"clients", "0", false},
        {"clients", "1000000", true},    {"clients", "1000001", false},
        {"clients", "-1", false},        {"certificates", "shared", true},
        {"certificates", "none", false}, {"connect_rate", "0", true},
        {"connect_rate", "500", true},   {"connect_rate", "x", false},
        {"keepalive", "5s", true},       {"keepalive", "4s", false},
        {"keepalive", "19h", false},
    };
    CLEANUP_FREE struct fleet_plan *plan = setting_block_new(&fleet_group);
    json_auto_t *told = setting_block_to_json(&fleet_group, plan);
    void *heard;

    (void)state;
    assert_int_equal(plan->clients, 1000);
    assert_int_equal(plan->certificates, FLEET_OWN);
    assert_int_equal(plan->connect_rate, 0);
    assert_int_equal(plan->keepalive_ns, INT64_C(60000000000));
    assert_int_equal(setting_block_from_json(&fleet_group, told, &heard, NULL), 0);
    assert_memory_equal(heard, plan, sizeof(*plan));
    setting_block_free(&fleet_group, heard);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct setting *row = setting_find(&fleet_group, cases[i].key);

        assert_non_null(row);
        if ((setting_assign(row, plan, cases[i].value, NULL) == 0) != cases[i].good)
            fail_msg("%s = %s", cases[i].key, cases[i].value);
    }
}

static void test_keepalive(void **state) {
    (void)state;
    assert_int_equal(fleet_keepalive_s(&(struct fleet_plan){.keepalive_ns = 5000000000}), 5);
    assert_int_equal(fleet_keepalive_s(&(struct fleet_plan){.keepalive_ns = 5000000001}), 6);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_keepalive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
