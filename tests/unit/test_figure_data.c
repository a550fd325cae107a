/* figure_*: what is thinned out and what never is, axes, the texts that gnuplot reads, and what a
 * run leaves in plots/NAME/data. */
#include "analysis/figure_axis.h"
#include "analysis/figure_data.h"
#include "analysis/figure_file.h"
#include "analysis/figure_thin.h"
#include "run_analysis.h"

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>

/* ---- thinning ---- */

#define MANY 10000

/* A slow wave with one point far below and one far above, at places that are no round number. */
static void make_wave(double *x, double *y) {
    for (size_t i = 0; i < MANY; i++) {
        x[i] = (double)i * 0.37 + 1e6;
        y[i] = sin((double)i / 500);
    }
    y[777] = -50;
    y[7919] = 90;
}

static void test_spans_keep_extremes(void **state) {
    static double x[MANY], y[MANY];
    static bool keep[MANY];
    size_t kept;

    (void)state;
    make_wave(x, y);
    kept = figure_thin_spans(x, y, MANY, 100, keep);
    assert_in_range(kept, 100, 202);
    assert_true(keep[0] && keep[MANY - 1] && keep[777] && keep[7919]);
    for (size_t span = 0; span < 100; span++) { /* of each, its own least and greatest */
        size_t least = span * 100, greatest = least;

        for (size_t i = span * 100 + 1; i < span * 100 + 99; i++) {
            least = y[i] < y[least] ? i : least;
            greatest = y[i] > y[greatest] ? i : greatest;
        }
        if (least > span * 100 + 1 && least < span * 100 + 98)
            assert_true(keep[least]);
        if (greatest > span * 100 + 1 && greatest < span * 100 + 98)
            assert_true(keep[greatest]);
    }
}

static void test_spans_of_little(void **state) {
    const double same[] = {5, 5, 5, 5}, y[] = {2, 1, 4, 3}, two[] = {0, 1};
    bool keep[4];

    (void)state;
    assert_int_equal(figure_thin_spans(same, y, 0, 10, keep), 0);
    assert_int_equal(figure_thin_spans(same, y, 1, 10, keep), 1);
    assert_int_equal(figure_thin_spans(same, y, 4, 10, keep),
                     4); /* one span: first, last, extremes */
    assert_int_equal(figure_thin_spans(two, y, 2, 1, keep), 2);
}

static void test_every(void **state) {
    static double x[MANY], y[MANY];
    static bool keep[MANY];

    (void)state;
    make_wave(x, y);
    assert_int_equal(figure_thin_every(y, MANY, 100, keep), 100 + 3);
    assert_true(keep[0] && keep[300] && keep[777] && keep[7919] && keep[MANY - 1]);
    assert_int_equal(figure_thin_every(y, MANY, 1, keep), MANY);
    assert_int_equal(figure_thin_every(y, 0, 7, keep), 0);
}

static void test_inside(void **state) {
    static double x[MANY], y[MANY];
    const double few[] = {1, 2, 3, 50}, same[] = {0, 0, 0, 0, 0, 0.3, 0, 0};
    struct figure_range inside;

    (void)state;
    make_wave(x, y);
    inside = figure_thin_inside(y, MANY, 0);
    assert_true(inside.low > -50 && inside.low < -1 && inside.high > 1 && inside.high < 90);
    for (size_t i = 0; i < MANY; i += 50) /* so many are nothing special */
        y[i] = 90;
    assert_true(isinf(figure_thin_inside(y, MANY, 0).high));
    assert_true(isinf(figure_thin_inside(few, 4, 0).high)); /* within 6 times the quartiles */
    assert_true(isinf(figure_thin_inside(same, 8, 0.1).high));
    assert_true(figure_thin_inside(same, 8, 0.01).high < 0.3);
    assert_true(isinf(figure_thin_inside(few, 0, 0).low));
}

/* ---- axes ---- */

static struct figure_axis fit(double low, double high, double log_above) {
    struct figure_range range = FIGURE_RANGE_NONE;

    figure_range_add(&range, NAN);
    figure_range_add(&range, high);
    figure_range_add(&range, -INFINITY);
    figure_range_add(&range, low);
    return figure_axis_fit(range, log_above);
}

static void assert_axis(struct figure_axis axis, double low, double high, bool logarithmic,
                        const char *tics) {
    assert_true(axis.low < low && axis.high > high && isfinite(axis.low) && isfinite(axis.high));
    assert_int_equal(axis.logarithmic, logarithmic);
    assert_string_equal(axis.tics, tics);
    free(axis.tics);
}

static void test_axes(void **state) {
    struct figure_axis none = figure_axis_fit(FIGURE_RANGE_NONE, 3);

    (void)state;
    assert_true(none.low < none.high);
    free(none.tics);
    assert_axis(fit(1, 3, 3), 1, 3, false, "");
    assert_axis(fit(0, 3000, 3), 0, 3000, false, "");
    assert_axis(fit(-1, 3000, 3), -1, 3000, false, "");
    assert_axis(fit(7, 7, 3), 7, 7, false, "");
    assert_axis(fit(0, 0, 3), 0, 0, false, "");
    assert_axis(fit(65000, 65000.0000001, 3), 65000, 65000, false, "");
    assert_axis(fit(1, 3.1, 3), 1, 3.1, true, "1 1.2 1.5 2 2.5 3");
    assert_axis(fit(0.1, 20, 3), 0.1, 20, true, "0.1 0.2 0.5 1 2 5 10 20");
    assert_axis(fit(1e-3, 1e3, 3), 1e-3, 1e3, true, "0.001 0.01 0.1 1 10 100 1000");
    assert_axis(fit(1e-300, 1e300, 3), 1e-300, 1e300, true,
                "1e-240 1e-179 1e-118 1e-57 10000 1e+65 1e+126 1e+187 1e+248");
}

/* ---- texts ---- */

static void assert_wrap(const char *text, size_t limit, const char *wanted) {
    CLEANUP_FREE char *lines = figure_wrap(text, limit);

    assert_string_equal(lines, wanted);
}

static void test_wrap(void **state) {
    (void)state;
    assert_wrap("", 10, "");
    assert_wrap("mutual-tls-password", 30, "mutual-tls-password");
    assert_wrap("mutual-tls-password", 10, "mutual-\ntls-\npassword");
    assert_wrap("mutual-tls-password", 11, "mutual-tls-\npassword");
    assert_wrap("one two  three", 7, "one two\nthree");
    assert_wrap("abcdefghij", 4, "abcd\nefgh\nij");
    assert_wrap("қазақ қазақ", 5, "қазақ\nқазақ");
    assert_int_equal(figure_width("қазақ\nab"), 5);
    assert_int_equal(figure_lines("a\nb\n"), 3);
}

static void assert_shortened(const char *line, size_t limit, const char *wanted) {
    CLEANUP_FREE char *text = figure_shorten(line, limit);

    assert_string_equal(text, wanted);
}

static void test_shorten(void **state) {
    (void)state;
    assert_shortened("", 10, "");
    assert_shortened("0123456789", 10, "0123456789");
    assert_shortened("0123456789a", 10, "012345...a");
    assert_shortened("тақырып/тақырып", 12, "тақырып/...п");
}

static void assert_number(double value, const char *wanted) {
    CLEANUP_FREE char *text = figure_number(value);

    assert_string_equal(text, wanted);
}

static void test_numbers(void **state) {
    (void)state;
    assert_number(65684.31, "65684");
    assert_number(21.66, "21.7");
    assert_number(4.223, "4.22");
    assert_number(0.03711, "0.0371");
    assert_number(0, "0");
    assert_number(-12.34, "-12.3");
}

/* ---- files ---- */

/* A folder below /tmp; what is in it is removed with it, two levels deep. */
static char *folder_new(void) {
    char *folder = text_copy("/tmp/bench-test-XXXXXX");

    assert_non_null(mkdtemp(folder));
    return folder;
}

static void remove_all(const char *path) {
    DIR *folder = opendir(path);
    struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        CLEANUP_FREE char *inside = text_format("%s/%s", path, entry->d_name);

        if (entry->d_name[0] != '.' && unlink(inside) < 0)
            remove_all(inside);
    }
    if (folder)
        (void)closedir(folder);
    assert_int_equal(rmdir(path), 0);
}

static void folder_free(char *folder) {
    remove_all(folder);
    free(folder);
}
DEFINE_CLEANUP(char *, folder_free)

static void test_fields(void **state) {
    CLEANUP(folder_freep) char *folder = folder_new();
    CLEANUP_FREE char *text = NULL;
    struct figure_file file = {.path = NULL}, never = {.path = NULL};
    struct error error;

    (void)state;
    assert_int_equal(figure_file_open(&file, folder, "a.csv", "a,b", &error), 0);
    figure_put_text(&file, "x, \"y\"\\\n4");
    figure_put_plain(&file, "a_b^c");
    figure_put_tic(&file, "5 %");
    figure_end_row(&file);
    figure_put_text(&file, "");
    figure_put_text(&file, NULL);
    figure_put_real(&file, NAN);
    figure_put_real(&file, INFINITY);
    figure_put_real(&file, 0.1);
    figure_put_integer(&file, -7);
    figure_end_row(&file);
    assert_int_equal(figure_file_close(&file, &error), 0);
    assert_int_equal(figure_file_close(&never, &error), 0);
    text = run_get(folder, "a.csv");
    assert_string_equal(text, "a,b,end\n"
                              "\"x\\0054 \\0042y\\0042\\0134\\00124\",\"a\\0134_b\\0134^c\","
                              "\"5 %%\",.\n"
                              ",,,,0.1,-7,.\n");
}

static void test_files_that_cannot_be_written(void **state) {
    struct figure_file file = {.path = NULL};
    struct error error = {""};

    (void)state;
    assert_true(figure_file_open(&file, "/nowhere", "a.csv", "a", &error) < 0);
    assert_string_equal(error.text, "/nowhere/a.csv: No such file or directory");
    assert_int_equal(figure_file_open(&file, "/dev", "full", "a", &error), 0);
    assert_true(figure_file_close(&file, &error) < 0);
    assert_string_equal(error.text, "/dev/full: No space left on device");
}

/* ---- a run ---- */

#define TELEMETRY                                                                                  \
    "block,attempt,channel,sequence,due_utc,latency_ms,status\n"                                   \
    "1,1,plain,1,2026-11-22T08:30:00Z,4,delivered\n"                                               \
    "1,1,plain,2,2026-11-22T08:30:01Z,1,delivered\n"                                               \
    "1,1,plain,3,2026-11-22T08:30:02Z,,lost\n"                                                     \
    "1,1,plain,4,2026-11-22T08:30:03Z,2,delivered\n"

/* Writes a run's data into a folder of its own, which belongs to the caller. */
static char *write_data(const char *scenario, const char *trials, const char *telemetry) {
    CLEANUP(run_removep) char *run = run_make(scenario, DEFINITIONS, trials, METRICS_HEADER);
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    char *folder = folder_new();
    struct error error = {""};

    if (telemetry)
        run_put(run, "telemetry.csv", telemetry);
    if (analysis_new(&analysis, run, &error) < 0 || figure_data_write(analysis, folder, &error) < 0)
        fail_msg("%s", error.text);
    return folder;
}

static void assert_line(const char *folder, const char *name, const char *line) {
    CLEANUP_FREE char *path = text_format("data/%s", name), *text = run_get(folder, path);

    assert_non_null(text);
    if (!strstr(text, line))
        fail_msg("'%s' in %s:\n%s", line, name, text);
}

static void test_of_a_run(void **state) {
    CLEANUP(folder_freep)
    char *folder = write_data(SCENARIO REFERENCE,
                              TRIALS_HEADER TRIAL("1,1,1", "plain", "10", "ok", "")
                                  TRIAL("2,1,1", "mutual-tls", "5", "ok", "")
                                      TRIAL("3,1,2", "plain", "30", "ok", "")
                                          TRIAL("4,1,2", "mutual-tls", "", "failed", "lost"),
                              TELEMETRY);

    (void)state;
    assert_line(folder, "channels.csv", "\n2,\"mutual-tls\",\"mutual-tls\",,.\n");
    assert_line(folder, "trials.csv", "\n1,1,0,-50,.\n1,1,0,50,.\n1,2,0,0,.\n");
    assert_line(folder, "trials-marks.csv", "\n1,2,0,\"failed\",.\n");
    assert_line(folder, "distribution-boxes.csv",
                "\n1,1,15,20,25,\"median 20.000\\0054 n = 2\",.\n");
    assert_line(folder, "ratios.csv",
                "\n1,2,1,\"mutual-tls\",\"mutual-tls\",0.5,,,,,\"0.5\","
                "\"undecided\",.\n");
    assert_line(folder, "ratios-band.csv", "\n0.98,1.02,\"equivalent: 0.98 .. 1.02\",.\n");
    assert_line(folder, "throughput.csv", "\"13.4\",,.\n");
    assert_line(folder, "figures.csv", "\"ladder\",0,0,0,1,0,0,,0,\"that takes trials of path and");
    /* 3 of 4 messages arrived, after 1, 2 and 4 ms. */
    assert_line(folder, "latency.csv", "share,end\n1,1,0,.\n1,1,25,.\n1,2,50,.\n1,4,75,.\n");
    assert_line(folder, "legend.csv", "\"plain: 4 messages\\0054 1 lost\"");
}

static void add_distributions(const char *run) {
    run_put(run, "distributions.csv",
            "trial,attempt,metric,unit,upper_bound,count\n"
            "1,1,latency,ms,0.5,60\n1,1,latency,ms,1,30\n1,1,send_delay,ms,9,90\n"
            "2,1,latency,ms,0.5,5\n2,1,latency,ms,2,3\n2,1,latency,ms,40,1\n");
}

#define LATENCY_SCENARIO                                                                           \
    "[scenario]\nname = small\nchannels = plain tls\nprobes = latency\nbaseline = plain\n"
#define LATENCY_DEFINITIONS DEFINITIONS_HEADER "latency,latency_p50,ms,lower,yes,the median\n"

/* The distributions of a cell's trials are one; a mark for each half nine tells lines apart. */
static void test_of_latency(void **state) {
    struct draft_run draft = {NULL, NULL, 0};
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    CLEANUP(folder_freep) char *folder = folder_new();
    struct error error = {""};

    (void)state;
    for (int block = 1; block <= 2; block++) {
        draft_trial(&draft, block, "plain", "latency", "", "", "ok");
        draft_metric(&draft, "client2,receiver,latency_p50,ms", 0.4);
    }
    analysis = draft_analyse(&draft, LATENCY_SCENARIO, LATENCY_DEFINITIONS, add_distributions);
    if (figure_data_write(analysis, folder, &error) < 0)
        fail_msg("%s", error.text);
    /* 65, 95, 98 and 99 of 99, of 100. */
    assert_line(folder, "latency-probe.csv",
                "panel,channel,value,nines,end\n1,1,0.5,0,.\n1,1,0.5,0.455931956,.\n"
                "1,1,1,1.30103,.\n1,1,2,1.69897,.\n1,1,40,2,.\n");
    assert_line(folder, "latency-probe-marks.csv",
                "panel,channel,value,nines,end\n1,1,0.5,0.455931956,.\n1,1,1,1.30103,.\n"
                "1,1,2,1.69897,.\n");
    assert_line(folder, "panels.csv", "arrival (ms)\"");
    assert_line(folder, "figures.csv", "\n\"latency-probe\",1,2,");
}

static void test_of_nothing(void **state) {
    CLEANUP(folder_freep) char *folder = write_data(SCENARIO, TRIALS_HEADER, NULL);
    static const char *const names[] = {"cpu", "distribution", "ladder", "latency", "trials"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CLEANUP_FREE char *line = text_format("\n\"%s\",0,0,0,1,0,0,,0,\"", names[i]);

        assert_line(folder, "figures.csv", line);
    }
    assert_line(folder, "figures.csv", "\n\"latency-probe\",0,0,0,1,0,0,,0,\"-\"");
    assert_line(folder, "figures.csv", "\n\"throughput\",1,");
    assert_line(folder, "throughput.csv", ",\"no data\",.\n");
}

/* Messages that came before they were due arrived all the same. */
static void test_clocks_that_differ(void **state) {
    CLEANUP(folder_freep)
    char *folder = write_data(SCENARIO, TRIALS_HEADER TRIAL("1,1,1", "plain", "10", "ok", ""),
                              "block,attempt,channel,sequence,due_utc,latency_ms,status\n"
                              "1,1,plain,1,2026-11-22T08:30:00Z,-4,delivered\n");

    (void)state;
    assert_line(folder, "figures.csv", "\n\"latency\",0,0,0,1,0,0,,0,\"no latency is above 0: ");
}

/* More trials than can be told apart: no panel has many more points than FIGURE_POINTS. */
static void test_of_many_trials(void **state) {
    char *trials = memory_new(1 << 20, 1), *end = trials + sprintf(trials, "%s", TRIALS_HEADER);
    char *folder;

    (void)state;
    for (int i = 0; i < 4000; i++)
        end += sprintf(end,
                       "%d,1,%d,1,plain,path,,2026-11-22T%02d:%02d:%02dZ,,,%d,ok,,,,\n"
                       "%d,1,%d,2,mutual-tls,path,,2026-11-22T%02d:%02d:%02dZ,,,7,ok,,,,\n",
                       2 * i + 1, i + 1, i / 3600, i / 60 % 60, i % 60, i == 1234 ? 900 : 10,
                       2 * i + 2, i + 1, i / 3600, i / 60 % 60, i % 60);
    folder = write_data(SCENARIO, trials, NULL);
    free(trials);
    assert_line(folder, "figures.csv", "One trial in 4 is drawn");
    assert_line(folder, "figures.csv", "trials are drawn: one in 8");
    assert_line(folder, "figures.csv", "Blocks are too many to be shown.");
    assert_line(folder, "trials-beyond.csv", ",\"+8.9e+03 %\",.\n"); /* never thinned out */
    assert_line(folder, "distribution.csv", "\n1,1,900,");
    folder_free(folder);
}

static void test_plots_that_cannot_be_made(void **state) {
    CLEANUP(run_removep) char *run = run_make(SCENARIO, DEFINITIONS, TRIALS_HEADER, METRICS_HEADER);
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    struct error error = {""};

    (void)state;
    assert_int_equal(analysis_new(&analysis, run, &error), 0);
    assert_true(figure_data_write(analysis, "/nowhere/plots", &error) < 0);
    assert_string_equal(error.text, "/nowhere/plots: No such file or directory");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans_keep_extremes),
        cmocka_unit_test(test_spans_of_little),
        cmocka_unit_test(test_every),
        cmocka_unit_test(test_inside),
        cmocka_unit_test(test_axes),
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_shorten),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_files_that_cannot_be_written),
        cmocka_unit_test(test_of_a_run),
        cmocka_unit_test(test_of_nothing),
        cmocka_unit_test(test_of_latency),
        cmocka_unit_test(test_clocks_that_differ),
        cmocka_unit_test(test_of_many_trials),
        cmocka_unit_test(test_plots_that_cannot_be_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
