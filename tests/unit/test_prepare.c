/* run/prepare: the CPU time of what was prepared on two hosts, which are not asked at one time. */
#include "run_record.h"

#include "run/prepare.h"

static json_t *look(double broker_s, int64_t broker_ns, double client_s, int64_t client_ns) {
    return json_pack("{s:{s:I,s:{s:f}},s:{s:I,s:{s:f}}}", "broker", "at_ns", (json_int_t)broker_ns,
                     "cpu_s", "tunnel", broker_s, "client2", "at_ns", (json_int_t)client_ns,
                     "cpu_s", "tunnel", client_s);
}

/* Half a core on one host, a quarter on the other, in a window of 2 s; by clocks of their own, and
 * on a slow link, the one was looked at for 2.5 s and the other for 1.6 s. */
static void test_each_by_its_own_clock(void **state) {
    struct record *record = *state;
    struct run run = {.journal = record->journal, .workers = {.n_hosts = 2}};
    json_auto_t *before = look(1.0, 0, 2.0, 7000000000);
    json_auto_t *after = look(2.25, 2500000000, 2.4, 8600000000);
    CLEANUP_FREE char *rows = NULL;

    prepare_write(&run, &record->id, before, after, 2.0);
    record_flush(record);
    rows = record_rows(record, "metrics.csv");
    assert_has(rows, "broker,tunnel,cpu_s,s,1\n");
    assert_has(rows, "client2,tunnel,cpu_s,s,0.5\n");
}

/* What has no row at one end of the window has none at all. */
static void test_nothing_known(void **state) {
    struct record *record = *state;
    struct run run = {.journal = record->journal, .workers = {.n_hosts = 2}};
    json_auto_t *none = json_object(), *after = look(1, 1, 1, 1);
    CLEANUP_FREE char *rows = NULL;

    prepare_write(&run, &record->id, none, none, 2.0);
    prepare_write(&run, &record->id, after, after, 2.0);
    record_flush(record);
    rows = record_rows(record, "metrics.csv");
    assert_string_equal(rows, "");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        RECORD_TEST(test_each_by_its_own_clock),
        RECORD_TEST(test_nothing_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
