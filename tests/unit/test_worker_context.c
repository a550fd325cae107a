/* probes/worker_context: the window that it measures, of streams whose every arrival the test
 * knows. */
#include "tested_role.h"

#include <errno.h>
#include <math.h>
#include <time.h>
#include <unistd.h>

#define MAX      2000
#define EVERY_NS (5 * NS_PER_MS)
#define REST_NS  (1500 * NS_PER_MS)
#define LARGE    INT64_C(1000000000)

/* ---- a stream that the test makes up ---- */

/* Its arrival number i brings i + 1 bytes, so that the sum of some in a row tells which they are;
 * of a second stream each brings LARGE bytes. */
struct made_up {
    struct worker_context *worker;
    bool is_second;
    int64_t every_ns;
    int64_t ends_after;   /* so many; 0: when it is told to */
    int64_t silent_after; /* so many; 0: never */
    bool rests;           /* once, behind the arrival that opens the window */
    int code;             /* with which it ends */
    _Atomic int64_t n;
    /* Each was counted between the two, by the clock and in processor time; whether the worker said
     * that it was measuring. */
    int64_t before_ns[MAX], after_ns[MAX];
    double before_cpu_s[MAX], after_cpu_s[MAX];
    bool measuring[MAX];
};

static double cpu_seconds(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Works all the time, in the kernel, too. */
static int arrive(struct stream *stream) {
    struct made_up *made_up = stream->context;
    int64_t bytes = 0, i;

    for (i = 0; i < MAX && !atomic_load(stream->stop); i++) {
        int64_t due = clock_monotonic_ns() + made_up->every_ns;

        if (made_up->ends_after && i == made_up->ends_after)
            break;
        while (clock_monotonic_ns() < due ||
               (i && i == made_up->silent_after && !atomic_load(stream->stop)))
            (void)getppid();
        bytes += made_up->is_second ? LARGE : i + 1;
        made_up->measuring[i] = atomic_load(&made_up->worker->measuring);
        made_up->before_cpu_s[i] = cpu_seconds();
        made_up->before_ns[i] = clock_monotonic_ns();
        stream_count(stream, bytes, i + 1);
        made_up->after_ns[i] = clock_monotonic_ns();
        made_up->after_cpu_s[i] = cpu_seconds();
        atomic_store(&made_up->n, i + 1);
        /* Longer than three times any gap that a worker on a busy machine can have seen before. */
        if (made_up->rests && atomic_load(&stream->arrival->state) == ARRIVAL_NOTED) {
            int64_t now = clock_monotonic_ns(), before = now - made_up->before_ns[0];

            clock_sleep_until(now + (4 * before > REST_NS ? 4 * before : REST_NS));
            made_up->rests = false;
        }
    }
    if (made_up->code < 0)
        return error_set(&stream->error, made_up->code, "as the test wants it");
    return 0;
}

/* ---- a role around it ---- */

static struct case_of_window {
    struct worker_window window;
    bool receives;
    size_t n_streams;
    int64_t every_ns;                 /* 0: EVERY_NS */
    int64_t ends_after, silent_after; /* the last stream */
    bool rests;                       /* the last stream */
    int code;
    struct stream streams[2];
    struct made_up made_up[2];
    _Atomic bool stop;
    _Atomic bool over; /* the role has ended */
} this;

static int run(struct worker_context *worker, struct error *error) {
    struct error late;
    int r, end;

    atomic_store(&this.stop, false);
    for (size_t i = 0; i < this.n_streams; i++) {
        bool last = i + 1 == this.n_streams;

        this.streams[i] =
            (struct stream){.run = arrive, .context = &this.made_up[i], .stop = &this.stop};
        this.made_up[i].worker = worker;
        this.made_up[i].is_second = i == 1;
        this.made_up[i].every_ns = this.every_ns ? this.every_ns : EVERY_NS;
        this.made_up[i].ends_after = last ? this.ends_after : 0;
        this.made_up[i].silent_after = last ? this.silent_after : 0;
        this.made_up[i].rests = last && this.rests;
        this.made_up[i].code = last ? this.code : 0;
    }
    r = worker_measure(worker, &this.window, this.streams, this.n_streams, this.receives, error);
    atomic_store(&this.stop, true);
    end = worker_finish(this.streams, this.n_streams, &late);
    assert_int_equal(end, this.code);
    if (end < 0)
        assert_string_equal(late.text, "as the test wants it");
    if (r == 0)
        r = worker_report(worker, error);
    atomic_store(&this.over, true);
    return r;
}

static const struct role role = {.name = "made-up", .party = PARTY_CLIENT1, .run = run};

static void begin(struct tested_role *tested) {
    CLEANUP(client_config_freep)
    struct client_config *client = setting_block_new(&client_config_group);
    json_t *params =
        json_pack("{s:o}", "client", setting_block_to_json(&client_config_group, client));

    tested_begin(tested, &role, params, "{\"do\": \"go\"}\n");
}

/* The result of a trial in which all went well; the caller's. */
static json_t *measure(void) {
    struct tested_role tested;
    json_t *result;

    begin(&tested);
    json_decref(tested_hear(&tested, "begin"));
    json_decref(tested_hear(&tested, "done"));
    result = tested_hear(&tested, "result");
    tested_end(&tested);
    assert_int_equal(tested.code, 0);
    return result;
}

static int64_t number(const json_t *result, const char *key) {
    return jsonline_integer(result, key, -1);
}

static double metric(const json_t *result, const char *name) {
    const json_t *value = json_object_get(json_object_get(result, "metrics"), name);

    if (!value)
        fail_msg("no %s", name);
    return json_number_value(value);
}

/* ---- a receiver ---- */

/* The arrival from which k arrivals of so many bytes in all are counted. */
static int64_t opened_by(int64_t bytes, int64_t k) {
    /* The sum of i + 2 ... i + k + 1. */
    int64_t i = k > 0 ? (bytes - k * (k + 3) / 2) / k : -1;

    assert_true(k > 0);
    assert_int_equal(i * k + k * (k + 3) / 2, bytes);
    return i;
}

/* Steps follow one another from the window's begin to its end, and have all of its bytes. */
static void assert_steps(const json_t *result) {
    const json_t *steps = json_object_get(result, "steps"), *row;
    const json_t *rows = json_object_get(steps, "end_ns"), *moved = json_object_get(steps, "bytes");
    int64_t at = 0, bytes = 0;
    size_t i;

    assert_true(json_array_size(rows) > 0);
    assert_int_equal(json_array_size(moved), json_array_size(rows));
    assert_true((int64_t)json_array_size(rows) <=
                number(result, "elapsed_ns") / WORKER_STEP_NS + 1);
    json_array_foreach(rows, i, row) {
        int64_t end = json_integer_value(row);

        assert_true(end > at);
        if (i + 1 == json_array_size(rows))
            assert_true(end - at >= WORKER_STEP_NS / 2);
        bytes += json_integer_value(json_array_get(moved, i));
        at = end;
    }
    assert_int_equal(at, number(result, "elapsed_ns"));
    assert_int_equal(bytes, number(result, "bytes"));
}

/* By so much the kernel's two accounts of processor time may differ: a few ticks. */
#define CPU_S 0.03

static void test_window_of_a_receiver(void **state) {
    static const struct worker_window windows[] = {
        {0, 100 * NS_PER_MS}, {200 * NS_PER_MS, 310 * NS_PER_MS}, {30 * NS_PER_MS, NS_PER_S}};
    const struct made_up *made_up = this.made_up;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
        json_auto_t *result = NULL;
        int64_t elapsed, first, last, k;
        double cpu_s;

        this = (struct case_of_window){.window = windows[i], .receives = true, .n_streams = 1};
        result = measure();
        elapsed = number(result, "elapsed_ns");
        k = number(result, "units");
        assert_int_equal(number(result, "arrivals"), k);
        first = opened_by(number(result, "bytes"), k);
        last = first + k;
        assert_true(first >= 1 && last < atomic_load(&made_up->n));
        /* From arrival to arrival. */
        assert_true(elapsed >= made_up->before_ns[last] - made_up->after_ns[first]);
        assert_true(elapsed <= made_up->after_ns[last] - made_up->before_ns[first]);
        /* The first one after the warm-up, and the first one after the duration. */
        assert_true(made_up->after_ns[first] - made_up->before_ns[0] >= windows[i].warmup_ns);
        assert_true(elapsed >= windows[i].duration_ns);
        assert_steps(result);
        cpu_s = metric(result, "cpu_s");
        assert_true(cpu_s >= made_up->before_cpu_s[last] - made_up->after_cpu_s[first] - CPU_S);
        assert_true(cpu_s <= made_up->after_cpu_s[last] - made_up->before_cpu_s[first] + CPU_S);
        assert_true(fabs(metric(result, "cpu_share") - cpu_s * 100e9 / (double)elapsed) < 1e-6);
    }
}

/* Of two streams all is counted, from the first arrival of either. */
static void test_two_streams(void **state) {
    json_auto_t *result = NULL;
    int64_t bytes, units, first;

    (void)state;
    this = (struct case_of_window){
        .window = {50 * NS_PER_MS, 500 * NS_PER_MS}, .receives = true, .n_streams = 2};
    result = measure();
    bytes = number(result, "bytes");
    units = number(result, "units");
    assert_true(bytes / LARGE > 0 && bytes / LARGE < atomic_load(&this.made_up[1].n));
    first = opened_by(bytes % LARGE, units - bytes / LARGE);
    assert_true(first >= -1 && first + units - bytes / LARGE < atomic_load(&this.made_up[0].n));
    assert_steps(result);
}

/* Arrivals that are farther apart than the window is long are waited for. */
static void test_rare_arrivals(void **state) {
    json_auto_t *result = NULL;

    (void)state;
    this = (struct case_of_window){.window = {650 * NS_PER_MS, 100 * NS_PER_MS},
                                   .receives = true,
                                   .n_streams = 1,
                                   .every_ns = 250 * NS_PER_MS};
    result = measure();
    assert_true(number(result, "elapsed_ns") >= 100 * NS_PER_MS);
    (void)opened_by(number(result, "bytes"), number(result, "units"));
    assert_steps(result);
}

/* After the warm-up nothing comes any more: that is no rate, and it is said since when. */
static void test_silence(void **state) {
    const struct made_up *made_up = this.made_up;
    struct tested_role tested;
    double silent_s, most_s;

    (void)state;
    this = (struct case_of_window){.window = {1500 * NS_PER_MS, 200 * NS_PER_MS},
                                   .receives = true,
                                   .n_streams = 1,
                                   .silent_after = 10};
    begin(&tested);
    while (!atomic_load(&this.over))
        clock_sleep_until(clock_monotonic_ns() + NS_PER_MS);
    most_s = (double)(clock_monotonic_ns() - made_up->before_ns[9]) / 1e9;
    tested_end(&tested);
    assert_int_equal(tested.code, -ENODATA);
    assert_int_equal(sscanf(tested.error.text, "nothing has arrived for %lf s", &silent_s), 1);
    assert_true(silent_s >= 0.2 - 0.05 && silent_s <= most_s + 0.05);
}

/* All of the window passes without an arrival: that one came at last makes no rate of it. But where
 * arrivals are that rare anyway, it is one. */
static void test_standstill(void **state) {
    static const struct {
        int64_t every_ns;
        bool rests;
        int code;
    } cases[] = {{EVERY_NS, true, -ENODATA}, {1200 * NS_PER_MS, false, 0}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct tested_role tested;
        double silent_s;

        this = (struct case_of_window){.window = {300 * NS_PER_MS, 1000 * NS_PER_MS},
                                       .receives = true,
                                       .n_streams = 1,
                                       .every_ns = cases[i].every_ns,
                                       .rests = cases[i].rests};
        begin(&tested);
        while (!atomic_load(&this.over))
            clock_sleep_until(clock_monotonic_ns() + NS_PER_MS);
        tested_end(&tested);
        assert_int_equal(tested.code, cases[i].code);
        if (cases[i].code < 0) {
            assert_int_equal(sscanf(tested.error.text, "nothing has arrived for %lf s", &silent_s),
                             1);
            assert_true(silent_s >= 1.4);
        }
    }
}

/* ---- who is no receiver ---- */

static void test_window_of_a_sender(void **state) {
    const struct made_up *made_up = this.made_up;
    json_auto_t *result = NULL;
    int64_t n = 0, changes = 0;

    (void)state;
    this = (struct case_of_window){.window = {NS_PER_S, NS_PER_S}, .n_streams = 1};
    result = measure();
    assert_true(number(result, "elapsed_ns") >= NS_PER_S);
    /* Its bytes and units are read one after the other: a unit may be counted between. */
    assert_true(number(result, "units") > 0);
    assert_true(number(result, "bytes") > 0);
    assert_null(json_object_get(result, "steps"));
    assert_null(json_object_get(result, "arrivals"));
    /* While it is measured, and then only, the worker says so. */
    for (int64_t i = 0; i < atomic_load(&made_up->n); i++) {
        n += made_up->measuring[i];
        changes += i > 0 && made_up->measuring[i] != made_up->measuring[i - 1];
    }
    assert_false(made_up->measuring[0]);
    assert_true(n > 0 && changes <= 2);
}

/* ---- what ends it early ---- */

static void test_stream_ends(void **state) {
    static const struct {
        struct case_of_window start;
        int code;
        const char *words;
    } cases[] = {
        {{.window = {0, 10 * NS_PER_S}, .receives = true, .ends_after = 20},
         -ECONNRESET,
         "the stream ended before its time"},
        {{.window = {10 * NS_PER_S, NS_PER_S}, .receives = true, .ends_after = 20},
         -ECONNRESET,
         "the stream ended before its time"},
        {{.window = {0, 10 * NS_PER_S}, .ends_after = 20, .code = -EPIPE},
         -EPIPE,
         "as the test wants it"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct tested_role tested;

        this = cases[i].start;
        this.n_streams = 1 + i % 2;
        begin(&tested);
        while (!atomic_load(&this.over))
            clock_sleep_until(clock_monotonic_ns() + NS_PER_MS);
        tested_end(&tested);
        assert_int_equal(tested.code, cases[i].code);
        assert_string_equal(tested.error.text, cases[i].words);
    }
}

/* When the driver has gone, or says what nobody expects, nothing is measured to the end. */
static void test_driver_breaks_off(void **state) {
    static const struct case_of_window starts[] = {
        {.window = {0, 100 * NS_PER_S}, .receives = true},
        {.window = {100 * NS_PER_S, NS_PER_S}, .receives = true},
        {.window = {0, 100 * NS_PER_S}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
        struct tested_role tested;

        this = starts[i];
        this.n_streams = 2;
        begin(&tested);
        clock_sleep_until(clock_monotonic_ns() + 100 * NS_PER_MS);
        tested_end(&tested);
        assert_int_equal(tested.code, -EPIPE);
        assert_string_equal(tested.error.text, "the driver broke off");
    }
}

/* The first arrival may take as long as the window, or 3 s; begin and end three times that. */
static void test_longest(void **state) {
    (void)state;
    assert_int_equal(worker_longest_ns(NS_PER_S), 22 * NS_PER_S);
    assert_int_equal(worker_longest_ns(10 * NS_PER_S), 80 * NS_PER_S);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window_of_a_receiver),
        cmocka_unit_test(test_two_streams),
        cmocka_unit_test(test_rare_arrivals),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_standstill),
        cmocka_unit_test(test_window_of_a_sender),
        cmocka_unit_test(test_stream_ends),
        cmocka_unit_test(test_driver_breaks_off),
        cmocka_unit_test(test_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
