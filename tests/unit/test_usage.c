/* run/usage: what two hosts have used, which are not asked at one time. */
#include "run_record.h"

#include "run/usage.h"

/* Of a mechanism that was prepared: CPU time, and when the host was asked for it. */
static json_t *prepared(double cpu_s, int64_t at_ns) {
    return json_pack("{s:I,s:{s:f}}", "at_ns", (json_int_t)at_ns, "cpu_s", "tunnel", cpu_s);
}

static json_t *broker(double cpu_s, int64_t at_ns) {
    return json_pack("{s:I,s:f}", "at_ns", (json_int_t)at_ns, "cpu_s", cpu_s);
}

/* The rows of a window of 2 s; the caller's. */
static char *rows_of(struct record *record, struct usage looks[2]) {
    struct run run = {.journal = record->journal, .workers = {.n_hosts = 2}};

    usage_write(&run, &record->id, looks, 2.0, NULL, 0);
    usage_clear(&looks[0]);
    usage_clear(&looks[1]);
    record_flush(record);
    return record_rows(record, "metrics.csv");
}

/* Half a core on one host, a quarter on the other, in a window of 2 s; by clocks of their own, and
 * on a slow link, the one was looked at for 2.5 s and the other for 1.6 s. */
static void test_each_by_its_own_clock(void **state) {
    struct usage looks[2] = {
        {.broker = broker(1, 0), .prepared = {prepared(1, 0), prepared(2, 7000000000)}},
        {.broker = broker(2, 4000000000),
         .prepared = {prepared(2.25, 2500000000), prepared(2.4, 8600000000)}},
    };
    CLEANUP_FREE char *rows = rows_of(*state, looks);

    assert_has(rows, "broker,mosquitto,,cpu_s,s,0.5\n");
    assert_has(rows, "broker,mosquitto,,cpu_share,%,25\n");
    assert_has(rows, "broker,tunnel,,cpu_s,s,1\n");
    assert_has(rows, "client2,tunnel,,cpu_s,s,0.5\n");
}

/* What has no row at one end of the window has none at all. */
static void test_nothing_known(void **state) {
    struct usage none[2] = {{.broker = NULL}};
    struct usage looks[2] = {{.broker = broker(1, 0), .prepared = {prepared(1, 1)}},
                             {.broker = broker(2, 1), .prepared = {prepared(1, 1)}}};
    CLEANUP_FREE char *rows = rows_of(*state, none), *some = NULL;

    assert_string_equal(rows, "");
    some = rows_of(*state, looks);
    assert_has(some, "broker,mosquitto,,cpu_s");
    assert_has_not(some, "tunnel");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        RECORD_TEST(test_each_by_its_own_clock),
        RECORD_TEST(test_nothing_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
