/* run/telemetry_log: what became of each message, whatever the order in which both ends tell. */
#include "run_record.h"

#include "run/telemetry_log.h"

#include <math.h>

#define DUE_UTC_NS INT64_C(1795336200250000000) /* 2026-11-22T08:30:00.250Z */
#define DUE_TEXT   "2026-11-22T08:30:00.250Z"

static void hear(struct telemetry_log *log, const char *word, json_t *line) {
    assert_non_null(line);
    telemetry_log_hear(log, word, line);
    json_decref(line);
}

static void published(struct telemetry_log *log, int64_t sequence, int64_t due_ns) {
    hear(log, "published",
         json_pack("{s:I,s:I,s:I}", "sequence", (json_int_t)sequence, "due_ns", (json_int_t)due_ns,
                   "due_utc_ns", (json_int_t)DUE_UTC_NS));
}

static void arrived(struct telemetry_log *log, int64_t sequence, int64_t at_ns) {
    hear(log, "arrived",
         json_pack("{s:I,s:I,s:i}", "sequence", (json_int_t)sequence, "at_ns", (json_int_t)at_ns,
                   "bytes", 30));
}

/* Writes the log and compares the rows, without "2,1,plain,", which all begin with. */
static void assert_rows(struct record *record, struct telemetry_log *log, const char *expected) {
    CLEANUP_FREE char *rows = NULL;

    telemetry_log_write(log, record->journal, &record->id, true);
    assert_null(log->messages);
    assert_int_equal(log->count, 0);
    record_flush(record);
    rows = record_rows(record, "telemetry.csv");
    assert_string_equal(rows, expected);
}

static void test_nothing(void **state) {
    struct telemetry_log log = {.bound_ns = -1};

    assert_true(isnan(telemetry_log_latency_ms(&log, 1)));
    assert_rows(*state, &log, "");
}

static void test_delivered_and_lost(void **state) {
    struct telemetry_log log = {.bound_ns = -1};

    published(&log, 1, 1000000000);
    arrived(&log, 1, 1001500000);
    published(&log, 2, 4000000000);
    published(&log, 3, 7000000000);
    arrived(&log, 3, 7000250000);
    assert_true(telemetry_log_latency_ms(&log, 1) == 1.5);
    assert_true(isnan(telemetry_log_latency_ms(&log, 2)));
    assert_true(telemetry_log_latency_ms(&log, 3) == 0.25);
    assert_true(isnan(telemetry_log_latency_ms(&log, 0)));
    assert_true(isnan(telemetry_log_latency_ms(&log, -1)));
    assert_true(isnan(telemetry_log_latency_ms(&log, 4)));
    assert_rows(*state, &log,
                "2,1,plain,1," DUE_TEXT ",1.5,delivered,,\n"
                "2,1,plain,2," DUE_TEXT ",,lost,,\n"
                "2,1,plain,3," DUE_TEXT ",0.25,delivered,,\n");
}

/* Copies do not change the first arrival, and do not hide that it was one. */
static void test_duplicates(void **state) {
    struct telemetry_log log = {.bound_ns = -1};

    published(&log, 1, 1000000000);
    arrived(&log, 1, 1002000000);
    arrived(&log, 1, 1009000000);
    arrived(&log, 1, 1001000000);
    assert_true(telemetry_log_latency_ms(&log, 1) == 2);
    assert_rows(*state, &log,
                "2,1,plain,1," DUE_TEXT ",2,delivered,,\n"
                "2,1,plain,1," DUE_TEXT ",,duplicate,,\n"
                "2,1,plain,1," DUE_TEXT ",,duplicate,,\n");
}

/* Two hosts tell: an arrival may be heard of before the publication, and later ones before. */
static void test_out_of_order(void **state) {
    struct telemetry_log log = {.bound_ns = -1};

    arrived(&log, 2, 4000500000);
    assert_true(isnan(telemetry_log_latency_ms(&log, 2)));
    published(&log, 2, 4000000000);
    arrived(&log, 1, 1000500000);
    published(&log, 1, 1000000000);
    assert_true(telemetry_log_latency_ms(&log, 1) == 0.5);
    assert_rows(*state, &log,
                "2,1,plain,1," DUE_TEXT ",0.5,delivered,,\n"
                "2,1,plain,2," DUE_TEXT ",0.5,delivered,,\n");
}

/* Clocks of two hosts differ: a negative latency is told as it was measured. */
static void test_negative_latency(void **state) {
    struct telemetry_log log = {.bound_ns = -1};

    published(&log, 1, 1000000000);
    arrived(&log, 1, 999000000);
    assert_rows(*state, &log, "2,1,plain,1," DUE_TEXT ",-1,delivered,,\n");
}

static void test_absurd_sequences(void **state) {
    static const int64_t absurd[] = {0, -1, INT64_MIN, INT64_MAX, 1000001, 9999999999};
    struct telemetry_log log = {.bound_ns = -1};

    for (size_t i = 0; i < ARRAY_SIZE(absurd); i++) {
        arrived(&log, absurd[i], 1);
        published(&log, absurd[i], 1);
        assert_true(isnan(telemetry_log_latency_ms(&log, absurd[i])));
    }
    hear(&log, "arrived", json_pack("{s:s,s:i}", "sequence", "1", "at_ns", 1));
    hear(&log, "arrived", json_pack("{s:f,s:i}", "sequence", 1.0, "at_ns", 1));
    hear(&log, "arrived", json_object());
    assert_int_equal(log.count, 0);
    assert_rows(*state, &log, "");
}

static void test_other_words(void **state) {
    struct telemetry_log log = {.bound_ns = -1};

    published(&log, 1, 1000000000);
    hear(&log, "ready", json_pack("{s:i,s:i}", "sequence", 1, "at_ns", 5));
    assert_rows(*state, &log, "2,1,plain,1," DUE_TEXT ",,lost,,\n");
}

/* Only what was published can be lost: a gap is no message of 1970. */
static void test_gaps_are_not_lost_messages(void **state) {
    struct telemetry_log log = {.bound_ns = -1};
    struct record *record = *state;
    CLEANUP_FREE char *rows = NULL;

    published(&log, 3, 1000000000);
    arrived(&log, 3, 1001000000);
    arrived(&log, 6, 1001000000); /* a stranger's, on our topic */
    telemetry_log_write(&log, record->journal, &record->id, true);
    record_flush(record);
    rows = record_rows(record, "telemetry.csv");
    assert_has(rows, "2,1,plain,3," DUE_TEXT ",1,delivered,,\n");
    assert_has_not(rows, "1970-01-01");
    assert_has_not(rows, "lost");
}

/* Of a bring-up that broke off nothing is called lost: it may have been under way. */
static void test_broken_off(void **state) {
    struct telemetry_log log = {.bound_ns = -1};
    struct record *record = *state;

    published(&log, 1, 1000000000);
    arrived(&log, 1, 1001000000);
    published(&log, 2, 4000000000);
    telemetry_log_write(&log, record->journal, &record->id, false);
    assert_null(log.messages);
    assert_rows(record, &log, "2,1,plain,1," DUE_TEXT ",1,delivered,,\n");
}

/* The next bring-up starts with 1 again. */
/* The numbers go on, so that a second bring-up in one deployment does not repeat the first's. */
static void test_written_and_forgotten(void **state) {
    struct telemetry_log log = {.bound_ns = -1};
    struct record *record = *state;

    published(&log, 1, 1000000000);
    telemetry_log_write(&log, record->journal, &record->id, true);
    assert_true(isnan(telemetry_log_latency_ms(&log, 1)));
    record->deployment.block = 3;
    record->id.channel = "login";
    published(&log, 1, 2000000000);
    assert_rows(record, &log,
                "2,1,plain,1," DUE_TEXT ",,lost,,\n3,1,login,2," DUE_TEXT ",,lost,,\n");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        RECORD_TEST(test_nothing),          RECORD_TEST(test_delivered_and_lost),
        RECORD_TEST(test_duplicates),       RECORD_TEST(test_out_of_order),
        RECORD_TEST(test_negative_latency), RECORD_TEST(test_absurd_sequences),
        RECORD_TEST(test_other_words),      RECORD_TEST(test_gaps_are_not_lost_messages),
        RECORD_TEST(test_broken_off),       RECORD_TEST(test_written_and_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
