/* probes/fleet_message: what a member's message carries, and the account of what has arrived. */
#include "workshop.h"

#include "probes/fleet_message.h"
#include "probes/sequence.h"

static void account_end(struct fleet_account *account) {
    fleet_account_close(account);
}

static void test_message(void **state) {
    unsigned char payload[FLEET_MESSAGE_BYTES + 6] = {0};
    struct fleet_message message = {.tagged = (INT64_C(77) << SEQUENCE_BITS) | 123456789,
                                    .member = 999999,
                                    .step = 3,
                                    .due_ns = INT64_C(98765432101234)};
    struct fleet_message read = {0};

    (void)state;
    memset(payload + FLEET_MESSAGE_BYTES, 'x', 6);
    fleet_message_write(&message, payload);
    fleet_message_read(payload, &read);
    assert_memory_equal(&read, &message, sizeof(message));
    assert_memory_equal(payload + FLEET_MESSAGE_BYTES, "xxxxxx", 6);
}

static void assert_books(const struct fleet_account *account, int64_t arrived, int64_t duplicated,
                         int64_t reordered) {
    assert_int_equal(account->arrived, arrived);
    assert_int_equal(account->duplicated, duplicated);
    assert_int_equal(account->reordered, reordered);
}

/* Members do not know of each other. */
static void test_members(void **state) {
    CLEANUP(account_end) struct fleet_account account;

    (void)state;
    fleet_account_open(&account, 3);
    for (int64_t i = 0; i < 1000; i++)
        for (uint32_t member = 0; member < 3; member++)
            assert_true(fleet_account_take(&account, member, i));
    assert_books(&account, 3000, 0, 0);
    assert_false(fleet_account_take(&account, 1, 999));
    assert_false(fleet_account_take(&account, 1, 936)); /* the oldest that is known */
    assert_books(&account, 3000, 2, 0);
}

/* One that is missing is not hidden by one that came twice. */
static void test_late(void **state) {
    CLEANUP(account_end) struct fleet_account account;

    (void)state;
    fleet_account_open(&account, 1);
    assert_true(fleet_account_take(&account, 0, 5)); /* the first five are late, or lost */
    for (int64_t i = 0; i < 5; i += 2)
        assert_true(fleet_account_take(&account, 0, i));
    assert_books(&account, 4, 0, 3);
    for (int64_t i = 0; i < 5; i += 2)
        assert_false(fleet_account_take(&account, 0, i));
    assert_true(fleet_account_take(&account, 0, 3));
    assert_books(&account, 5, 3, 4);
}

/* So far behind nobody knows any more: it counts as one that was there. */
static void test_gap(void **state) {
    CLEANUP(account_end) struct fleet_account account;

    (void)state;
    fleet_account_open(&account, 1);
    assert_true(fleet_account_take(&account, 0, 0));
    assert_true(fleet_account_take(&account, 0, 63)); /* by one less than the window */
    assert_false(fleet_account_take(&account, 0, 0));
    assert_true(fleet_account_take(&account, 0, 64));
    assert_false(fleet_account_take(&account, 0, 0)); /* out of the window */
    assert_true(fleet_account_take(&account, 0, 1));
    assert_true(fleet_account_take(&account, 0, INT64_C(1) << 39));
    assert_true(fleet_account_take(&account, 0, (INT64_C(1) << 39) - 63));
    assert_false(fleet_account_take(&account, 0, (INT64_C(1) << 39) - 64));
    assert_books(&account, 6, 3, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
