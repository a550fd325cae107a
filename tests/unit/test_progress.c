/* run/progress: durations and figures as people read them, and the lines that a run leaves. */
#include "run_record.h"

#include "run/picture.h"
#include "run/progress.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/ioctl.h>

static void test_durations(void **state) {
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "0 s"},
        {499 * NS_PER_MS, "0 s"},
        {500 * NS_PER_MS, "1 s"},
        {34 * NS_PER_S, "34 s"},
        {59400 * NS_PER_MS, "59 s"},
        {59500 * NS_PER_MS, "1 min 00 s"},
        {125 * NS_PER_S, "2 min 05 s"},
        {3599 * NS_PER_S, "59 min 59 s"},
        {3599500 * NS_PER_MS, "1 h 00 min"},
        {5040 * NS_PER_S, "1 h 24 min"},
        {5099 * NS_PER_S, "1 h 24 min"},
        {360000 * NS_PER_S, "100 h 00 min"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *text = progress_duration(cases[i].ns);

        assert_string_equal(text, cases[i].text);
    }
}

struct figure {
    double value;
    const char *text;
};

static void assert_figures(const struct figure *figures, size_t n) {
    for (size_t i = 0; i < n; i++) {
        CLEANUP_FREE char *text = picture_figure(figures[i].value);

        assert_string_equal(text, figures[i].text);
    }
}

static void test_figures(void **state) {
    static const struct figure figures[] = {
        {25310, "25310"},   {25310.6, "25311"},  {9412.4, "9412"},      {941.24, "941.2"},
        {94.1234, "94.12"}, {13.4, "13.40"},     {1, "1.000"},          {10, "10.00"},
        {0.431, "0.4310"},  {0.0431, "0.04310"}, {0.00001, "0.000010"}, {0, "0"},
        {NAN, "-"},         {INFINITY, "-"},     {-INFINITY, "-"},
    };

    (void)state;
    assert_figures(figures, ARRAY_SIZE(figures));
}

/* Rounding up to the next power of ten makes no fifth digit. */
static void test_figures_that_round_up(void **state) {
    static const struct figure figures[] = {
        {9.99996, "10.00"}, {99.996, "100.0"}, {999.96, "1000"}, {0.99996, "1.000"}};

    (void)state;
    assert_figures(figures, ARRAY_SIZE(figures));
}

/* ---- what is said, where stdout is a file ---- */

/* Has `talk` speak through a progress of this verbosity; what stdout got belongs to the caller. */
static char *said(struct record *record, enum verbosity verbosity,
                  void talk(struct progress *progress, struct record *record)) {
    CLEANUP_FREE char *path = text_format("%s/out", record->folder);
    struct progress *progress;
    int saved = dup(STDOUT_FILENO);

    assert_true(saved >= 0 && fflush(stdout) == 0);
    assert_non_null(freopen(path, "we", stdout));
    progress = progress_new(record->scenario, 4, verbosity);
    talk(progress, record);
    progress_free(progress);
    assert_int_equal(fflush(stdout), 0);
    assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
    assert_int_equal(close(saved), 0);
    return workshop_get(record->folder, "out");
}

static void talk(struct progress *progress, struct record *record) {
    struct trial_result good = {.status = TRIAL_OK, .duration_s = 10, .bytes = 117655000};
    struct trial_result bad = {.status = TRIAL_VOID, .reason = (char *)(uintptr_t) "TLS 1.2"};

    progress_note(progress, "a %s", "note");
    progress_detail(progress, STYLE_PLAIN, "a %s", "detail");
    progress_doing(progress, &record->id, "proofs");
    progress_trial(progress, &record->id, &good);
    progress_trial(progress, &record->id, &bad);
    good.reason = (char *)(uintptr_t) "few arrivals";
    progress_trial(progress, &record->id, &good);
    progress_tick(progress);
}

#define GOOD     "1/8  0 s left  plain path, block 2: 94.12 Mbit/s\n"
#define BAD      "2/8  0 s left  plain path, block 2: void: TLS 1.2\n"
#define REMARKED "3/8  0 s left  plain path, block 2: 94.12 Mbit/s: few arrivals\n"

static void test_lines(void **state) {
    struct record *record = *state;
    CLEANUP_FREE char *normal = said(record, NORMAL, talk);
    CLEANUP_FREE char *verbose = said(record, VERBOSE, talk);
    CLEANUP_FREE char *quiet = said(record, QUIET, talk);

    assert_string_equal(normal, "a note\n" GOOD BAD REMARKED);
    assert_string_equal(verbose, "a note\na detail\n" GOOD BAD REMARKED);
    assert_string_equal(quiet, BAD);
}

/* Without a fixed number of blocks it is not known whether all of them are needed. */
static void test_lines_of_an_open_end(void **state) {
    struct record *record = *state;
    struct scenario_settings *own = settings_edit(&record->scenario->settings, &scenario_group);
    CLEANUP_FREE char *normal = NULL;

    text_replace(&own->repetitions, "until 1%");
    normal = said(record, NORMAL, talk);
    assert_has(normal, "1/8  at most 0 s left  plain path, block 2: 94.12 Mbit/s\n");
}

/* ---- the picture on a terminal ---- */

static void talk_of_less(struct progress *progress, struct record *record) {
    struct trial_result good = {.status = TRIAL_OK, .duration_s = 10, .bytes = 117655000};

    progress_trial(progress, &record->id, &good);
    progress_expect(progress, 1);
    progress_doing(progress, &record->id, "proofs");
    progress_expect(progress, 4);
    progress_doing(progress, &record->id, "path");
    for (int i = 0; i < 8; i++)
        progress_trial(progress, &record->id, &good);
}

/* What is to come counts from what is there. */
static void test_picture(void **state) {
    struct record *record = *state;
    const struct winsize size = {.ws_row = 30, .ws_col = 100};
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), saved = dup(STDOUT_FILENO), slave;
    struct progress *progress;
    char text[16384] = "";
    size_t length = 0;
    ssize_t n;

    assert_true(terminal >= 0 && saved >= 0 && fflush(stdout) == 0);
    assert_int_equal(grantpt(terminal) + unlockpt(terminal), 0);
    slave = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(slave >= 0);
    assert_int_equal(ioctl(terminal, TIOCSWINSZ, &size), 0);
    assert_int_equal(setenv("TERM", "xterm", 1), 0);
    assert_int_equal(dup2(slave, STDOUT_FILENO), STDOUT_FILENO);
    progress = progress_new(record->scenario, 4, NORMAL);
    talk_of_less(progress, record);
    progress_free(progress);
    assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
    assert_int_equal(close(saved) + close(slave), 0);
    while (length < sizeof(text) - 1 &&
           (n = read(terminal, text + length, sizeof(text) - 1 - length)) > 0)
        length += (size_t)n;
    assert_int_equal(close(terminal), 0);
    assert_has(text, "[########----------------] 1/3  block 2 of 2  plain: proofs");
    assert_has(text, "[##----------------------] 1/9  block 2 of 2  plain: path");
    assert_has(text, "  took 0 s  [########################] 9/9  finished");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_figures_that_round_up),
        RECORD_TEST(test_lines),
        RECORD_TEST(test_lines_of_an_open_end),
        RECORD_TEST(test_picture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
