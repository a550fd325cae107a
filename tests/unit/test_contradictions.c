/* dataset: files that contradict themselves or each other are refused, with file, row, column and
 * what contradicts what; rows that differ by no more than the digits of which they are made are
 * not. */
#include "analysis/reading.h"

#include "run_folder.h"

#include <errno.h>

#define N_FILES 5

/* 3.00016003 s, 4573792 bytes: 12.1961281 Mbit/s, as a real trial has them. */
#define LATENCY_METRICS                                                                            \
    "2,1,client2,client,latency_p50,ms,0.5\n2,1,client2,client,latency_p99,ms,2\n"                 \
    "2,1,client2,client,latency_max,ms,2.5\n2,1,client2,client,latency_mean,ms,0.75\n"             \
    "2,1,client2,client,latency_min,ms,0.25\n"                                                     \
    "2,1,client2,client,messages_sent,messages,10\n"                                               \
    "2,1,client2,client,messages_received,messages,9\n"                                            \
    "2,1,client2,client,messages_lost,messages,1\n"

struct files {
    const char *names[N_FILES], *texts[N_FILES];
};

static const struct files good = {
    {"trials.csv", "metrics.csv", "intervals.csv", "distributions.csv", "telemetry.csv"},
    {TRIALS_HEADER "1,1,1,1,plain,path,,2026-11-22T08:30:00Z,3.00016003,4573792,12.1961281,ok,,,,\n"
                   "2,1,1,1,plain,wait,,2026-11-22T08:30:03Z,3,,,ok,,,,\n"
                   "3,1,1,2,mutual-tls,path,,2026-11-22T08:30:06Z,,,,failed,gone,,,\n"
                   "4,1,1,2,mutual-tls,wait,,2026-11-22T08:30:09Z,,,,void,broken,,,\n"
                   "3,2,1,2,mutual-tls,path,,2026-11-22T08:30:12Z,3,4500000,12,ok,,,,\n",
     METRICS_HEADER LATENCY_METRICS "1,1,meter,all,energy,J,6.00032006\n"
                                    "1,1,meter,all,power,W,2\n",
     "trial,attempt,party,start_s,end_s,bytes\n"
     "1,1,broker,0,0.100161779,2000000\n1,1,broker,0.100161779,2.9,0\n"
     "1,1,broker,2.9,3.00016003,2573792\n3,1,broker,0,0.1,1\n3,2,broker,0,3,4500000\n",
     "trial,attempt,metric,unit,upper_bound,count\n"
     "2,1,latency,ms,0.5,5\n2,1,latency,ms,2.6,4\n2,1,send_delay,ms,1,10\n",
     "block,attempt,channel,sequence,due_utc,latency_ms,status\n"
     "1,1,plain,1,2026-11-22T08:30:00Z,1.5,delivered\n"
     "1,1,plain,1,2026-11-22T08:30:00Z,,duplicate\n"
     "1,1,plain,2,2026-11-22T08:30:01Z,,lost\n"}};

static char *run_of(const struct files *files) {
    char *run = run_make("[scenario]\nname = small\nchannels = plain mutual-tls\n"
                         "probes = path wait\nbaseline = plain\n",
                         DEFINITIONS "wait,latency_p50,ms,lower,yes,median\n", files->texts[0],
                         files->texts[1]);

    for (size_t i = 2; i < N_FILES; i++)
        run_put(run, files->names[i], files->texts[i]);
    return run;
}

/* The text with its one `old` replaced; the caller's. */
static char *edited(const char *text, const char *old, const char *new) {
    const char *place = strstr(text, old);

    assert_non_null(place);
    assert_null(strstr(place + 1, old));
    return text_format("%.*s%s%s", (int)(place - text), text, new, place + strlen(old));
}

struct edit {
    const char *file, *old, *new, *message; /* NULL: it is read */
};

static void check_edit(const struct edit *edit) {
    CLEANUP_FREE char *text = NULL, *expected = NULL;
    CLEANUP(run_removep) char *run = NULL;
    CLEANUP(dataset_freep) struct dataset *dataset = NULL;
    struct files files = good;
    struct error error = {""};
    int r;

    for (size_t i = 0; i < N_FILES; i++)
        if (text_equal(files.names[i], edit->file))
            files.texts[i] = text = edited(files.texts[i], edit->old, edit->new);
    assert_non_null(text);
    run = run_of(&files);
    r = dataset_read(&dataset, run, &error);
    expected = edit->message ? text_format("%s/%s", run, edit->message) : text_copy("");
    assert_string_equal(error.text, expected);
    assert_int_equal(r, edit->message ? -EBADMSG : 0);
}

static void test_agrees(void **state) {
    CLEANUP(run_removep) char *run = run_of(&good);
    CLEANUP(dataset_freep) struct dataset *dataset = NULL;
    struct error error = {""};

    (void)state;
    assert_int_equal(dataset_read(&dataset, run, &error), 0);
    assert_string_equal(error.text, "");
}

static void test_trials(void **state) {
    static const struct edit edits[] = {
        {"trials.csv", "3.00016003", "3.00016002", NULL}, /* the last of nine digits */
        {"trials.csv", "12.1961281", "12.196128",
         "trials.csv:2: throughput_mbit_s: '12.196128' contradicts bytes and duration_s, which "
         "make 12.1961281"},
        {"trials.csv", "12.1961281", "12.2",
         "trials.csv:2: throughput_mbit_s: '12.2' contradicts bytes and duration_s, which make "
         "12.1961281"},
        {"trials.csv", "4573792", "4573793",
         "trials.csv:2: throughput_mbit_s: '12.1961281' contradicts bytes and duration_s, which "
         "make 12.1961308"},
        {"trials.csv", "3.00016003", "3.0001",
         "trials.csv:2: throughput_mbit_s: '12.1961281' contradicts bytes and duration_s, which "
         "make 12.1963721"},
        {"trials.csv", "4500000,12,", "4500000.5,12,",
         "trials.csv:6: bytes: '4500000.5' is no number of bytes"},
        {"trials.csv", "4500000,12,", "-4500000,12,",
         "trials.csv:6: bytes: '-4500000' is no number of bytes"},
        {"trials.csv", "3.00016003", "0", "trials.csv:2: duration_s: '0' is no duration"},
        {"trials.csv", ",,,failed", ",,12,failed",
         "trials.csv:4: throughput_mbit_s: '12' contradicts status failed, which has none"},
        {"trials.csv", ",,,failed", ",7,,failed",
         "trials.csv:4: bytes: '7' contradicts status failed, which has none"},
        {"trials.csv", ",,,void", "3,,,void",
         "trials.csv:5: duration_s: '3' contradicts status void, which has none"},
        {"trials.csv", "3,2,1,2,mutual-tls", "3,2,1,2,plain",
         "trials.csv:6: channel: trial 3 is another in line 4: block, channel, probe and variant "
         "of all its attempts must be the same"},
        {"trials.csv", "3,2,1,2,", "3,2,2,2,",
         "trials.csv:6: block: trial 3 is another in line 4: block, channel, probe and variant "
         "of all its attempts must be the same"},
        {"trials.csv", "4,1,1,2,mutual-tls,wait", "4,1,1,2,mutual-tls,path",
         "trials.csv:5: trial 4 measures in block 1, attempt 1 what trial 3 does in line 4"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(edits); i++)
        check_edit(&edits[i]);
}

static void test_metrics(void **state) {
    static const struct edit edits[] = {
        {"metrics.csv", "messages_lost,messages,1", "messages_lost,messages,0",
         "metrics.csv:7: value: messages_sent of trial 2, attempt 1 is 10, but messages_received "
         "and messages_lost make 9"},
        {"metrics.csv", "latency_p50,ms,0.5", "latency_p50,ms,2.25",
         "metrics.csv:2: value: latency_p50 of trial 2, attempt 1 is 2.25, but latency_p99 is 2"},
        {"metrics.csv", "latency_mean,ms,0.75", "latency_mean,ms,75",
         "metrics.csv:5: value: latency_mean of trial 2, attempt 1 is 75, but latency_max is 2.5"},
        {"metrics.csv", "latency_min,ms,0.25", "latency_min,ms,0.6",
         "metrics.csv:6: value: latency_min of trial 2, attempt 1 is 0.6, but latency_p50 is 0.5"},
        {"metrics.csv", "energy,J,6.00032006", "energy,J,6",
         "metrics.csv:10: value: energy of trial 1, attempt 1 is 6, but power and duration_s make "
         "6.00032006"},
        {"metrics.csv", "1,1,meter,all,power,W,2\n",
         "1,1,meter,all,power,W,2\n1,1,meter,all,power,W,2\n",
         "metrics.csv:12: metric: trial 1, attempt 1 has meter.all.power already"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(edits); i++)
        check_edit(&edits[i]);
}

static void test_intervals(void **state) {
    static const struct edit edits[] = {
        {"intervals.csv", "2573792", "2573791",
         "intervals.csv:4: bytes: the steps of trial 1, attempt 1 make 4573791, but trials.csv has "
         "4573792"},
        {"intervals.csv", "2573792", "2573793",
         "intervals.csv:4: bytes: the steps of trial 1, attempt 1 make 4573793, but trials.csv has "
         "4573792"},
        {"intervals.csv", "2573792", "-2573792",
         "intervals.csv:4: bytes: '-2573792' is no number of bytes"},
        {"intervals.csv", "2.9,3.00016003", "2.9,3.0001",
         "intervals.csv:4: end_s: the steps of trial 1, attempt 1 last 3.0001 s, but trials.csv "
         "has "
         "3.00016003"},
        {"intervals.csv", "2.9,3.00016003", "2.9,3.00016004", NULL}, /* the last of nine digits */
        {"intervals.csv", "2.9,3.00016003", "2.9,3.00016005",
         "intervals.csv:4: end_s: the steps of trial 1, attempt 1 last 3.00016005 s, but "
         "trials.csv has 3.00016003"},
        {"intervals.csv", "0.100161779,2.9,", "0.1,2.9,",
         "intervals.csv:3: start_s: '0.1' lies in the step before, which ends at 0.100161779"},
        {"intervals.csv", "0.100161779,2.9,", "0.100161779,0.1,",
         "intervals.csv:3: end_s: '0.1' is not behind start_s"},
        {"intervals.csv", "3,1,broker,0,0.1,1\n", "", NULL}, /* of a trial that failed */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(edits); i++)
        check_edit(&edits[i]);
}

static void test_distributions(void **state) {
    static const struct edit edits[] = {
        {"distributions.csv", "2.6,4", "2.6,3",
         "distributions.csv:3: count: latency of trial 2, attempt 1 has 8 in all, but "
         "messages_received is 9"},
        {"distributions.csv", "send_delay,ms,1,10", "send_delay,ms,1,11",
         "distributions.csv:4: count: send_delay of trial 2, attempt 1 has 11 in all, but "
         "messages_sent is 10"},
        {"metrics.csv", "2,1,client2,client,messages_received,messages,9\n", "", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(edits); i++)
        check_edit(&edits[i]);
}

static void test_telemetry(void **state) {
    static const struct edit edits[] = {
        {"telemetry.csv", ",1.5,delivered", ",,delivered",
         "telemetry.csv:2: latency_ms: '' contradicts status delivered"},
        {"telemetry.csv", ",,lost", ",2,lost",
         "telemetry.csv:4: latency_ms: '2' contradicts status lost"},
        {"telemetry.csv", ",,duplicate", ",2,duplicate",
         "telemetry.csv:3: latency_ms: '2' contradicts status duplicate"},
        {"telemetry.csv", ",,lost", ",,gone",
         "telemetry.csv:4: status: 'gone' is none of delivered, lost, duplicate"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(edits); i++)
        check_edit(&edits[i]);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees),    cmocka_unit_test(test_trials),
        cmocka_unit_test(test_metrics),   cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_telemetry), cmocka_unit_test(test_distributions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
