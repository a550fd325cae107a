/* page: what it says when little or nothing is there, and that nothing in a file breaks it. */
#include "analysis/number.h"
#include "analysis/page.h"

#include "run_folder.h"

#include <errno.h>
#include <math.h>
#include <sys/stat.h>

#define TLS_TRIAL(ids, channel, value)                                                             \
    ids ",1," channel ",path,,2026-11-22T08:30:00Z,,," value ",ok,,TLSv1.3,AES,x25519\n"
#define TRIALS                                                                                     \
    TRIALS_HEADER TRIAL("1,1,1", "plain", "9400", "ok", "")                                        \
        TLS_TRIAL("2,1,1", "mutual-tls", "4700.5") TRIAL("3,1,2", "plain", "9300", "ok", "")       \
            TRIAL("4,1,2", "mutual-tls", "", "failed", "\"a <b> & \"\"c\"\" \xff\"")

static void assert_has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("no '%s' in:\n%s", part, text);
}

static void assert_has_not(const char *text, const char *part) {
    if (strcasestr(text, part))
        fail_msg("'%s' in:\n%s", part, strcasestr(text, part));
}

/* The page of a run, which belongs to the caller; "plots" of the run has the figures, or none. */
static char *page_of(const char *run) {
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    CLEANUP_FREE char *path = text_format("%s/report.html", run);
    CLEANUP_FREE char *plots = text_format("%s/plots", run);
    struct error error = {""};
    char *page;

    if (analysis_new(&analysis, run, &error) < 0 || page_write(analysis, plots, path, &error) < 0)
        fail_msg("%s", error.text);
    page = run_get(run, "report.html");
    assert_non_null(page);
    assert_has(page, "</html>"); /* all of it was read */
    return page;
}

static void test_numbers(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(SCENARIO REFERENCE, DEFINITIONS, TRIALS, METRICS_HEADER);
    CLEANUP_FREE char *page = page_of(run);

    (void)state;
    assert_has(page, "<tr data-file=\"summary.csv\" data-probe=\"path\" data-channel=\"plain\" "
                     "data-variant=\"\" data-metric=\"throughput\"><th scope=\"row\">plain</th>");
    assert_has(page, "<td data-column=\"mean\"><data value=\"9350\">9350</data></td>");
    assert_has(page, "<td data-column=\"mean\"><data value=\"4700.5\">");
    assert_has(page, "<td data-column=\"sd\">-</td>"); /* of a single trial */
    assert_has(page, "<td data-column=\"reference\"><data value=\"13.4\">13.4</data></td>");
    assert_has(page, "1 failed (a &lt;b&gt; &amp; &quot;c&quot; \xef\xbf\xbd)");
    assert_has(page, "4 in 2 blocks: 3 ok, 1 failed");
    assert_has(page, "TLSv1.3, AES, x25519");
}

static void test_zero_has_no_sign(void **state) {
    CLEANUP_FREE char *zero = number_text(-0.0004, 3), *not_zero = number_text(-0.0006, 3);
    CLEANUP_FREE char *percent = number_percent(-3e-6), *range = number_range(-0.001, 0.01, 2);

    (void)state;
    assert_string_equal(zero, "0.000");
    assert_string_equal(not_zero, "-0.001");
    assert_string_equal(percent, "0.000 %");
    assert_string_equal(range, "0.00 .. 0.01");
}

/* A mean of fewer trials than there are. */
static void test_silent_meter(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(SCENARIO, DEFINITIONS, TRIALS,
                         METRICS_HEADER "1,1,meter,all,energy,J,25\n1,1,meter,all,power,W,2.5\n");
    CLEANUP_FREE char *page = page_of(run);

    (void)state;
    assert_has(page, "mean power, W");
    assert_has(page, "<td class=\"words\">path <span class=\"aside\">1 of 2 trials</span></td>");
}

/* As many digits of an interval as of the ratio in it, however small or large they are. */
static void test_ratios(void **state) {
    CLEANUP_FREE char *ratio = number_ratio(0.0293), *none = number_ratio_range(0.5, NAN),
                      *small = number_ratio_range(0.0286612, 0.0303),
                      *wide = number_ratio_range(0.000012, 20963.999),
                      *usual = number_ratio_range(0.981, 1.0194);

    (void)state;
    assert_string_equal(ratio, "0.0293");
    assert_string_equal(small, "0.0287 .. 0.0303");
    assert_string_equal(wide, "1.2e-05 .. 2.096e+04");
    assert_string_equal(usual, "0.981 .. 1.019");
    assert_string_equal(none, "-");
}

static void test_what_is_missing_is_said(void **state) {
    CLEANUP(run_removep) char *run = run_make(SCENARIO, DEFINITIONS, TRIALS, METRICS_HEADER);
    CLEANUP_FREE char *page = page_of(run);

    (void)state;
    assert_has(page, "No figure was drawn for this run.");
    assert_has(page, "The run holds no proof");
    assert_has(page, "environment.json is missing");
    assert_has(page, "There is no ladder");
    assert_has(page, "The commit of the program is not known.");
    assert_has_not(page, "published</th>");
    assert_has_not(page, "git checkout");
}

/* A block that was measured again is not as clean as its second attempt. */
static void test_failed_at_first(void **state) {
    CLEANUP(run_removep)
    char *run = run_make(SCENARIO, DEFINITIONS,
                         TRIALS_HEADER TRIAL("1,1,1", "plain", "1", "ok", "")
                             TRIAL("2,1,1", "mutual-tls", "", "failed", "gone")
                                 TRIAL("1,2,1", "plain", "2", "ok", "")
                                     TRIAL("2,2,1", "mutual-tls", "3", "ok", ""),
                         METRICS_HEADER);
    CLEANUP_FREE char *page = page_of(run);

    (void)state;
    assert_has(page,
               "<dt>Trials</dt><dd>2 in 1 block: 2 ok; before, measured again: 1 failed</dd>");
}

static void test_no_trial(void **state) {
    static const char *const trials[] = {
        TRIALS_HEADER,
        TRIALS_HEADER TRIAL("1,1,1", "plain", "", "failed", "x")
            TRIAL("2,1,1", "mutual-tls", "", "skipped", "y"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(trials); i++) {
        CLEANUP(run_removep)
        char *run = run_make(SCENARIO, DEFINITIONS, trials[i], METRICS_HEADER);
        CLEANUP_FREE char *page = page_of(run);

        assert_has(page, "No trial of this run is ok: nothing was measured");
        assert_has_not(page, ">nan");
        assert_has_not(page, ">inf");
        assert_has_not(page, "value=\"\"");
        assert_has_not(page, "<ul class=\"findings\">\n</ul>");
    }
}

/* Two blocks are too few to conclude: the page must not say that nothing speaks against it. */
static void test_nothing_unsteady_is_praised(void **state) {
    CLEANUP(run_removep)
    char *run = run_make("[scenario]\nname = s\nchannels = plain mutual-tls\nprobes = path\n"
                         "baseline = plain\n[channel.mutual-tls]\ncontrol = same\n",
                         DEFINITIONS,
                         TRIALS_HEADER TRIAL("1,1,1", "plain", "9400", "ok", "")
                             TRIAL("2,1,1", "mutual-tls", "9400", "ok", ""),
                         METRICS_HEADER);
    CLEANUP_FREE char *page = page_of(run);

    (void)state;
    assert_has(page, "<p class=\"limit\" role=\"note\">Too few blocks for any verdict");
    assert_has_not(page, "class=\"alert\""); /* no control failed */
    assert_has_not(page, "verdict failed");
    assert_has(page, "Nothing further was found");
    assert_has_not(page, "Nothing was found that speaks against");
}

static void test_one_channel(void **state) {
    CLEANUP(run_removep)
    char *run =
        run_make("[scenario]\nname = one\nchannels = plain\nprobes = path\n"
                 "repetitions = 1\nbaseline = plain\n",
                 DEFINITIONS, TRIALS_HEADER TRIAL("1,1,1", "plain", "0", "ok", ""), METRICS_HEADER);
    CLEANUP_FREE char *page = page_of(run);

    (void)state;
    assert_has(page, "The run has a single channel: there is none to compare it with.");
    assert_has_not(page, "verdict</th>");
    assert_has_not(page, ">nan");
    assert_has_not(page, ">-nan");
}

static void test_environment(void **state) {
    CLEANUP(run_removep) char *run = run_make(SCENARIO, DEFINITIONS, TRIALS, METRICS_HEADER);
    CLEANUP_FREE char *page = NULL;

    (void)state;
    run_put(run, "environment.json",
            "{\"commit\": \"0123456789abcdef-dirty\", \"hosts\": ["
            "{\"spec\": \"<i>a\", \"aes_instructions\": false, \"network\": {\"mtu\": 1500, "
            "\"speed_mbit_s\": 94},"
            " \"programs\": {\"ip\": null}, \"colour\": \"gr\\u00fcn\"},"
            "{\"spec\": \"ssh://b\", \"aes_instructions\": true, \"model\": \"Pi\"}]}");
    page = page_of(run);
    assert_has(page, "link speed, Mbit/s");
    assert_has(page, "git checkout 0123456789abcdef\n");
    assert_has(page, "The program had changes that were in no commit");
    assert_has(page, "<th scope=\"col\" class=\"words\">&lt;i&gt;a</th>");
    assert_has(page, "data-fact=\"aes_instructions\">no</td>");
    assert_has(page, "data-fact=\"aes_instructions\">yes</td>");
    assert_has(page, "data-host=\"0\" data-fact=\"network.mtu\">1500</td>");
    assert_has(page, "data-host=\"1\" data-fact=\"network.mtu\"><span class=\"aside\">not told");
    assert_has(page, "<th scope=\"row\">colour</th>"); /* of a newer program */
    assert_has_not(page, "programs</th>");
    free(page);
    page = NULL;
    run_put(run, "environment.json", "{\"commit\": \"$(reboot) 1\", \"hosts\": 7}");
    page = page_of(run);
    assert_has_not(page, "git checkout");
    assert_has(page, "environment.json is missing or names no host");
}

static void test_proofs(void **state) {
    CLEANUP(run_removep) char *run = run_make(SCENARIO, DEFINITIONS, TRIALS, METRICS_HEADER);
    CLEANUP_FREE char *page = NULL;

    (void)state;
    run_put(run, "proofs.csv",
            "block,attempt,channel,proof,expected,observed,cause,verdict\n"
            "1,1,mutual-tls,p1,refused: alert 45,refused,alert 45,held\n"
            "2,1,mutual-tls,p1,refused: alert 45,accepted,<connack 0>,broken\n");
    page = page_of(run);
    assert_has(page, "1 of 2 attempts did not come out as they must");
    assert_has(page, "<td class=\"words\">&lt;connack 0&gt;</td><td data-count=\"held\">"
                     "<data value=\"1\">1</data></td><td data-count=\"broken\">"
                     "<data value=\"1\">1</data></td>");
}

static void put_plot(const char *run, const char *name, const char *text) {
    CLEANUP_FREE char *path = text_format("plots/%s", name);

    run_put(run, path, text);
}

static void remove_plots(const char *run, const char *const *names, size_t n) {
    CLEANUP_FREE char *plots = text_format("%s/plots", run);

    for (size_t i = 0; i < n; i++) {
        CLEANUP_FREE char *path = text_format("%s/%s", plots, names[i]);

        (void)unlink(path);
    }
    assert_int_equal(rmdir(plots), 0);
}

static void test_figures(void **state) {
    static const char *const names[] = {"throughput.svg", "throughput.png", "my own.svg",
                                        "ladder.svg"};
    CLEANUP(run_removep) char *run = run_make(SCENARIO, DEFINITIONS, TRIALS, METRICS_HEADER);
    CLEANUP_FREE char *plots = text_format("%s/plots", run), *page = NULL;

    (void)state;
    assert_int_equal(mkdir(plots, 0700), 0);
    put_plot(run, "throughput.svg", "<svg><g id=\"a\"/></svg>");
    put_plot(run, "throughput.png", "png");
    put_plot(run, "my own.svg", "<svg><g id=\"a\"/></svg>");
    put_plot(run, "ladder.svg", "<svg><g>");
    page = page_of(run);
    remove_plots(run, names, ARRAY_SIZE(names));
    assert_has(page, "<g id=\"figure-throughput-a\"/>");
    assert_has(page, "<a href=\"plots/throughput.png\">png</a>");
    assert_has_not(page, "throughput.pdf");
    assert_has(page, "aria-label=\"my own: ");
    assert_has(page, "<a href=\"plots/my%20own.svg\">svg</a>");
    assert_has(page, "ladder.svg is no SVG that can stand in a page: it does not end");
    assert_has_not(page, "No figure was drawn");
}

static void test_data(void **state) {
    CLEANUP(run_removep) char *run = run_make(SCENARIO, DEFINITIONS, TRIALS, METRICS_HEADER);
    CLEANUP_FREE char *page = NULL, *large = memory_new(300 * 1024, 1);

    (void)state;
    memset(large, '\n', 300 * 1024 - 1);
    memcpy(large, "a,b\n", 4);
    run_put(run, "summary.csv", "a\n\"b\nc\"\nd\n"); /* two rows, one of two lines */
    run_put(run, "table.txt", "no data");
    run_put(run, "ladder.csv", large);
    page = page_of(run);
    assert_has(page, "<a download=\"summary.csv\" href=\"data:text/csv;base64,YQoiYgpjIgpkCg==\">"
                     "summary.csv</a></th><td data-count=\"rows\"><data value=\"2\">2</data></td>");
    assert_has(page, "<a title=\"ladder.csv\" href=\"ladder.csv\">ladder.csv</a>");
    assert_has(page, "beside this page");
    assert_has_not(page, "download=\"table.txt\"");
}

static void test_an_old_page_stays_on_failure(void **state) {
    CLEANUP(run_removep) char *run = run_make(SCENARIO, DEFINITIONS, TRIALS, METRICS_HEADER);
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    CLEANUP_FREE char *path = text_format("%s/report.html", run);
    CLEANUP_FREE char *blocked = text_format("%s/report.html.draft", run), *page = NULL;
    struct error error = {""};

    (void)state;
    run_put(run, "report.html", "the old one");
    assert_int_equal(mkdir(blocked, 0700), 0);
    assert_int_equal(analysis_new(&analysis, run, &error), 0);
    assert_int_equal(page_write(analysis, NULL, path, &error), -EISDIR);
    assert_has(error.text, "report.html");
    assert_int_equal(rmdir(blocked), 0);
    page = run_get(run, "report.html");
    assert_string_equal(page, "the old one");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_zero_has_no_sign),
        cmocka_unit_test(test_ratios),
        cmocka_unit_test(test_silent_meter),
        cmocka_unit_test(test_what_is_missing_is_said),
        cmocka_unit_test(test_failed_at_first),
        cmocka_unit_test(test_no_trial),
        cmocka_unit_test(test_nothing_unsteady_is_praised),
        cmocka_unit_test(test_one_channel),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_proofs),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_an_old_page_stays_on_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
