/* table and report: the words and digits people see, and files that change together or not. */
#include "analysis/report.h"
#include "analysis/table.h"

#include "run_folder.h"

#include <errno.h>
#include <sys/stat.h>

#define TRIALS                                                                                     \
    TRIALS_HEADER TRIAL("1,1,1", "plain", "9400", "ok", "")                                        \
        TRIAL("2,1,1", "mutual-tls", "4700", "ok", "") TRIAL("3,1,2", "plain", "9300", "ok", "")   \
            TRIAL("4,1,2", "mutual-tls", "", "void", "\"TLS 1.2 | not 1.3\"")

static const char *const outputs[] = {"table.txt", "table.md", "table.tex", "summary.csv"};

static void assert_has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("no '%s' in:\n%s", part, text);
}

static void assert_has_not(const char *text, const char *part) {
    if (strstr(text, part))
        fail_msg("'%s' in:\n%s", part, text);
}

/* Writes the report of a run; its table belongs to the caller. */
static char *report(const char *run) {
    struct report_result result = {NULL, NULL, NULL};
    struct error error = {""};

    if (report_write(run, &result, &error) < 0)
        fail_msg("%s", error.text);
    analysis_free(result.analysis);
    free(result.warnings);
    return result.table;
}

static char *report_of(const char *scenario, const char *definitions, const char *trials,
                       const char *metrics) {
    CLEANUP(run_removep) char *run = run_make(scenario, definitions, trials, metrics);

    return report(run);
}

/* R: t.test(c(9300, 9400))$conf.int is 8714.69 to 9985.31. */
static void test_terminal(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(SCENARIO REFERENCE, DEFINITIONS, TRIALS, METRICS_HEADER);
    CLEANUP_FREE char *text = report(run), *file = run_get(run, "table.txt"), *expected = NULL;

    (void)state;
    expected = text_format(
        "Throughput, Mbit/s: mean of the trials that are ok with 95 %% interval\n"
        "run %s, scenario small\n\n"
        "  channel     trials  mean  95 %% interval  median  published  ratio    verdict\n\n"
        "path - raw TCP, beside\n"
        "  plain            2  9350   8715 .. 9985    9350       13.4  1.000\n"
        "  mutual-tls       1  4700              -    4700       8.48  0.500  undecided\n"
        "    1 void (TLS 1.2 | not 1.3)\n\n"
        "A single trial has no spread, hence no interval.\n"
        "Too few blocks for any verdict: equivalent takes 6 complete ones, slower and\n"
        "faster 6 (1 comparison of a probe).\n"
        "Not all trials are ok: of 4, 1 void; the table gives the first reason of each.\n"
        "No A/A control: nothing shows whether this set-up finds the same channel equal\n"
        "to itself.\n"
        "published: table 1, to compare with path only: a stream beside the channel that\n"
        "never passed through it.\n"
        "95 %% interval: of the mean, by Student's t over blocks.\n"
        "ratio: to plain, within blocks. equivalent: its 90 %% interval is within 2 %% of\n"
        "1; slower, faster: p < 0.05 after Holm; undecided: neither is shown, or the A/A\n"
        "control shows that this set-up cannot see it. equivalent is wrong in up to 5 %%\n"
        "of runs, for each channel: it is not corrected for their number.\n",
        strrchr(run, '/') + 1);
    assert_string_equal(file, expected);
    assert_string_equal(text, file);
}

/* A number of trials that all rows have stands in the title; 79 columns are left for the rest. */
static void test_terminal_of_equal_numbers(void **state) {
    CLEANUP_FREE char *text = report_of(SCENARIO REFERENCE, DEFINITIONS,
                                        TRIALS_HEADER TRIAL("1,1,1", "plain", "9400", "ok", "")
                                            TRIAL("2,1,1", "mutual-tls", "4700", "ok", ""),
                                        METRICS_HEADER);

    (void)state;
    assert_has(text, "mean of 1 trial with 95 % interval");
    assert_has(text, "\n  channel     mean  95 % interval  median  published  ratio    verdict\n");
    assert_has(text, "\n  plain       9400              -    9400       13.4  1.000\n");
}

static void test_markdown_and_latex(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(SCENARIO REFERENCE "[channel.plain]\ndescription = 50 % of a_b\n",
                         DEFINITIONS, TRIALS, METRICS_HEADER);
    CLEANUP_FREE char *text = report(run), *markdown = run_get(run, "table.md");
    CLEANUP_FREE char *latex = run_get(run, "table.tex");

    (void)state;
    assert_non_null(text);
    assert_has(markdown, "\n**path** - raw TCP, beside\n");
    assert_has(markdown,
               "| plain | 2 | 9350 | 8715 .. 9985 | 9350 | 71 | 13.4 | 1.000 |  |  |  |\n");
    assert_has(markdown, "| mutual-tls | 1 | 4700 | - | 4700 | - | 8.48 | 0.500 | - | undecided "
                         "| 1 void (TLS 1.2 \\| not 1.3) |\n");
    assert_has(markdown, "|:--|--:|--:|--:|--:|--:|--:|--:|--:|--:|:--|\n");
    assert_has(markdown, "- plain: 50 % of a\\_b\n");
    assert_has(latex, "\\toprule\nchannel & trials & mean & 95 \\% interval & ");
    assert_has(latex, "\nplain & 2 & 9350 & 8715 .. 9985 & 9350 & 71 & 13.4 & 1.000 &  &  \\\\\n");
    assert_has(latex, "\\textbf{path} -- raw TCP, beside");
    assert_has(latex, "1 void (TLS 1.2 \\textbar{} not 1.3)");
    assert_has(latex, "plain: 50 \\% of a\\_b\\par");
}

/* Without published values there is no column of them, without baseline no ratio. */
static void test_columns_that_are_left_out(void **state) {
    CLEANUP_FREE char *text = report_of("[scenario]\nchannels = plain mutual-tls\nprobes = path\n",
                                        DEFINITIONS, TRIALS, METRICS_HEADER);

    (void)state;
    assert_has_not(text, "published");
    assert_has_not(text, "ratio");
    assert_has_not(text, "Unfinished");
}

static void test_digits(void **state) {
    static const struct {
        const char *first, *second, *shown;
    } cases[] = {
        {"60000", "61000", "  60500  "},
        {"13.4", "13.5", "  13.450  "},
        {"0.4", "0.41", "  0.4050  "},
        {"13.4001", "13.4002", "  13.4002  "},
        {"0", "0", "  0  "},
        {"1e-9", "1e-9", "  0.000000001000  "},
        {"123456.7", "123456.7", "  123457  "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *trials =
            text_format(TRIALS_HEADER TRIAL("1,1,1", "plain", "%s", "ok", "")
                            TRIAL("2,1,2", "plain", "%s", "ok", ""),
                        cases[i].first, cases[i].second);
        CLEANUP_FREE char *text = report_of("[scenario]\nchannels = plain\nprobes = path\n",
                                            DEFINITIONS, trials, METRICS_HEADER);

        assert_has(text, cases[i].shown);
        assert_has_not(text, "nan");
    }
}

/* Whose squares are too large for a number: shown, without a spread. */
static void test_infinite_spread(void **state) {
    CLEANUP_FREE char *text = report_of(SCENARIO, DEFINITIONS,
                                        TRIALS_HEADER TRIAL("1,1,1", "plain", "1e300", "ok", "")
                                            TRIAL("2,1,2", "plain", "3e300", "ok", "")
                                                TRIAL("3,1,1", "mutual-tls", "5", "ok", ""),
                                        METRICS_HEADER);

    (void)state;
    assert_has(text, " 5");
    assert_has_not(text, "inf");
    assert_has_not(text, "nan");
}

static void test_nothing_measured(void **state) {
    CLEANUP_FREE char *none =
        report_of(SCENARIO REFERENCE, DEFINITIONS, TRIALS_HEADER, METRICS_HEADER);
    CLEANUP_FREE char *all_void = report_of(
        SCENARIO, DEFINITIONS,
        TRIALS_HEADER TRIAL("1,1,1", "plain", "", "void", "broken")
            TRIAL("2,1,1", "mutual-tls", "", "skipped", "") TRIAL("3,1,2", "plain", "", "void", "")
                TRIAL("4,1,2", "mutual-tls", "", "failed", "gone"),
        METRICS_HEADER);

    (void)state;
    assert_has(none, "\n  plain            0     -");
    assert_has(none, "\n    not measured\n");
    assert_has(none, "No trial of this run is ok: nothing was measured.\n");
    assert_has(none, "Unfinished: 0 of 4 trials are there.\n");
    assert_has_not(none, "nan");
    assert_has(all_void, "\n    2 void (broken)\n");
    assert_has(all_void, "\n    1 failed (gone), 1 skipped\n");
    assert_has(all_void, "No trial of this run is ok: nothing was measured.\n");
    assert_has_not(all_void, "Unfinished");
    assert_has_not(all_void, "nan");
}

/* Rungs with different units name them, and which direction is better. */
static void test_units(void **state) {
    CLEANUP_FREE char *text =
        report_of("[scenario]\nchannels = plain\nprobes = path connect\n",
                  DEFINITIONS "connect,connect_ms,ms,lower,yes,from SYN to CONNACK\n",
                  TRIALS_HEADER TRIAL("1,1,1", "plain", "9400", "ok",
                                      "") "2,1,1,1,plain,connect,,,,,,ok,,,,\n",
                  METRICS_HEADER "2,1,client2,connector,connect_ms,ms,27.25\n");

    (void)state;
    assert_has(text, "Mean of 1 trial with 95 % interval\n");
    assert_has(text, "\npath (throughput, Mbit/s; higher is better) - raw TCP, beside\n");
    assert_has(text, "\nconnect (connect ms, ms; lower is better) - from SYN to CONNACK\n");
    assert_has(text, "  27.25  ");
}

/* What all rungs share stands in the title, with a direction that nobody expects. */
static void test_lower_is_better(void **state) {
    CLEANUP_FREE char *text = report_of("[scenario]\nchannels = plain\nprobes = connect\n",
                                        DEFINITIONS_HEADER "connect,connect_ms,ms,lower,yes,SYN\n",
                                        TRIALS_HEADER "2,1,1,1,plain,connect,,,,,,ok,,,,\n",
                                        METRICS_HEADER "2,1,client2,client,connect_ms,ms,27.25\n");

    (void)state;
    assert_has(text, "Connect ms, ms, lower is better: mean of 1 trial with 95 % interval\n");
}

static void test_repeated_block(void **state) {
    CLEANUP_FREE char *text = report_of(SCENARIO, DEFINITIONS,
                                        TRIALS_HEADER TRIAL("1,1,1", "plain", "1", "ok", "")
                                            TRIAL("2,1,1", "mutual-tls", "", "failed", "gone")
                                                TRIAL("1,2,1", "plain", "2", "ok", "")
                                                    TRIAL("2,2,1", "mutual-tls", "3", "ok", ""),
                                        METRICS_HEADER);

    (void)state;
    assert_has(text, "\n  mutual-tls  3.000              -   3.000  1.500  undecided\n"
                     "    1 failed before its block was measured again (gone)\n");
    assert_has(text, "2 further trials are not counted: the block was measured again.\n");
    assert_has(text, "Unfinished: 2 of 4 trials are there.\n");
}

static void test_lines_are_not_too_wide(void **state) {
    CLEANUP_FREE char *text = report_of(
        "[scenario]\nchannels = plain mutual-tls-password\nprobes = path\nbaseline = plain\n"
        "[reference]\npath.plain = 13.4\n",
        DEFINITIONS_HEADER "path,throughput,Mbit/s,higher,yes,"
                           "қазақ қазақ қазақ қазақ қазақ қазақ "
                           "қазақ қазақ қазақ қазақ қазақ қазақ "
                           "қазақ қазақ қазақ қазақ қазақ қазақ\n",
        TRIALS_HEADER TRIAL("1,1,1", "plain", "9412.31", "ok", "")
            TRIAL("2,1,1", "mutual-tls-password", "60312.25", "ok", "")
                TRIAL("3,1,2", "plain", "9212.31", "ok", "")
                    TRIAL("4,1,2", "mutual-tls-password", "60112.25", "ok", ""),
        METRICS_HEADER);
    size_t width = 0, widest = 0;

    (void)state;
    for (const char *c = text; *c; c++) {
        width = *c == '\n' ? 0 : width + ((*c & 0xc0) != 0x80);
        widest = width > widest ? width : widest;
    }
    assert_in_range(widest, 70, 90);
}

/* A caution that names very many cells is in the table to its end. */
static void test_long_notes_are_whole(void **state) {
    CLEANUP_FREE char *trials = NULL, *text = NULL, *joined = NULL;
    size_t length;
    FILE *out = open_memstream(&trials, &length);

    (void)state;
    (void)fputs(TRIALS_HEADER, out);
    for (int i = 0; i < 800; i++) /* ten blocks of 80 variants, each slower from block to block */
        fprintf(out, "%d,1,%d,1,plain,path,variant-%d,2026-11-22T%02d:%02d:00Z,,,%d,ok,,,,\n",
                i + 1, i / 80 + 1, i % 80, i / 60, i % 60, 100 - i / 80);
    (void)fclose(out);
    text = report_of(SCENARIO, DEFINITIONS, trials, METRICS_HEADER);
    joined = text_copy(text);
    for (char *c = joined; *c; c++)
        *c = *c == '\n' ? ' ' : *c;
    assert_has(joined, "path, variant-79 of plain by -");
    assert_has(joined, "but not what only some have.");
}

/* When the report fails, every file is as it was, and none is left over. */
static void test_nothing_is_overwritten_on_failure(void **state) {
    CLEANUP(run_removep) char *run = run_make(SCENARIO, DEFINITIONS, TRIALS, METRICS_HEADER);
    CLEANUP_FREE char *blocked = text_format("%s/table.tex.draft", run);
    struct report_result result = {NULL, NULL, NULL};
    struct error error = {""};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(outputs); i++)
        run_put(run, outputs[i], "old");
    assert_int_equal(mkdir(blocked, 0700), 0); /* the last draft cannot be written */
    assert_int_equal(report_write(run, &result, &error), -EISDIR);
    assert_has(error.text, "table.tex.draft: Is a directory");
    assert_int_equal(rmdir(blocked), 0);
    run_put(run, "trials.csv", TRIALS "5,1\n");
    assert_int_equal(report_write(run, &result, &error), -EBADMSG);
    assert_null(result.table);
    for (size_t i = 0; i < ARRAY_SIZE(outputs); i++) {
        CLEANUP_FREE char *text = run_get(run, outputs[i]);

        assert_string_equal(text, "old");
    }
}

static void test_gnuplot_is_missing(void **state) {
    CLEANUP_FREE char *path = text_copy(getenv("PATH"));
    struct error error = {""};
    char *words = NULL;

    (void)state;
    assert_int_equal(setenv("PATH", "/nowhere", 1), 0);
    assert_int_equal(
        report_figures(&(struct analysis){.run_dir = NULL}, "/tmp", "/tmp", &words, &error),
        -ENOENT);
    assert_int_equal(setenv("PATH", path, 1), 0);
    assert_null(words);
    assert_string_equal(error.text, "gnuplot is not installed: apt-get install gnuplot-nox");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terminal),
        cmocka_unit_test(test_terminal_of_equal_numbers),
        cmocka_unit_test(test_markdown_and_latex),
        cmocka_unit_test(test_columns_that_are_left_out),
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_infinite_spread),
        cmocka_unit_test(test_nothing_measured),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_lower_is_better),
        cmocka_unit_test(test_repeated_block),
        cmocka_unit_test(test_lines_are_not_too_wide),
        cmocka_unit_test(test_long_notes_are_whole),
        cmocka_unit_test(test_nothing_is_overwritten_on_failure),
        cmocka_unit_test(test_gnuplot_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
