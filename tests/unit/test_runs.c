/* runs and markup: what is set side by side, what is said of the rest, and texts that stay whole
 * whatever the names in them are. */
#include "analysis/markup.h"
#include "analysis/runs.h"
#include "analysis/table.h"

#include "run_folder.h"

#include <math.h>

#define TRIAL_OF(ids, channel, probe, value)                                                       \
    ids ",1," channel "," probe ",,2026-11-22T08:30:00Z,,," value ",ok,,,,\n"
#define TRIALS                                                                                     \
    TRIALS_HEADER TRIAL("1,1,1", "plain", "90", "ok", "")                                          \
        TRIAL("2,1,1", "mutual-tls", "45", "ok", "") TRIAL("3,1,2", "plain", "92", "ok", "")       \
            TRIAL("4,1,2", "mutual-tls", "47", "ok", "")
#define SLOWER_TRIALS                                                                              \
    TRIALS_HEADER TRIAL("1,1,1", "plain", "9", "ok", "")                                           \
        TRIAL("2,1,1", "mutual-tls", "3", "ok", "") TRIAL("3,1,2", "plain", "10", "ok", "")        \
            TRIAL("4,1,2", "mutual-tls", "4", "ok", "")

static void assert_has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("no '%s' in:\n%s", part, text);
}

static void assert_has_not(const char *text, const char *part) {
    if (strstr(text, part))
        fail_msg("'%s' in:\n%s", part, text);
}

/* Runs that were read from folders which are gone, but for their names. */
struct desk {
    struct analysis *list[4];
    char *folders[4];
    size_t n;
};

static void desk_add(struct desk *desk, const char *scenario, const char *definitions,
                     const char *trials, const char *metrics) {
    char *folder = run_make(scenario, definitions, trials, metrics);
    struct error error = {""};

    if (analysis_new(&desk->list[desk->n], folder, &error) < 0)
        fail_msg("%s", error.text);
    desk->folders[desk->n++] = folder;
}

static void desk_clear(struct desk *desk) {
    for (size_t i = 0; i < desk->n; i++) {
        analysis_free(desk->list[i]);
        run_remove(desk->folders[i]);
    }
}

static bool has_text(char *const *texts, size_t n, const char *part) {
    for (size_t i = 0; i < n; i++)
        if (strstr(texts[i], part))
            return true;
    return false;
}

static void assert_note(const struct runs *runs, const char *part) {
    if (!has_text(runs->notes, runs->n_notes, part))
        fail_msg("no note '%s'", part);
}

static void assert_difference(const struct runs *runs, const char *line) {
    for (size_t i = 0; i < runs->n_differences; i++)
        if (text_equal(runs->differences[i], line))
            return;
    fail_msg("no difference '%s'", line);
}

/* The same in both, down to the ratio, which is that of the run's own comparison. */
static void test_common(void **state) {
    CLEANUP(desk_clear) struct desk desk = {.n = 0};
    CLEANUP(runs_freep) struct runs *runs = NULL;
    const struct runs_rung *rung;

    (void)state;
    desk_add(&desk, SCENARIO, DEFINITIONS, TRIALS, METRICS_HEADER);
    desk_add(&desk, SCENARIO, DEFINITIONS, SLOWER_TRIALS, METRICS_HEADER);
    runs = runs_new(desk.list, desk.n);
    assert_int_equal(runs->n_rungs, 1);
    rung = &runs->rungs[0];
    assert_int_equal(rung->n_channels, 2);
    assert_string_equal(rung->channels[0].name, "plain");
    assert_string_equal(rung->channels[1].name, "mutual-tls");
    assert_int_equal(rung->n_rows, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(rung->rows[i].run, i % 2);
        assert_int_equal(rung->rows[i].is_baseline, i < 2);
        assert_string_equal(runs_baseline(runs, &rung->rows[i]), "plain");
        assert_string_equal(runs_verdict(&rung->rows[i]), i < 2 ? "baseline" : "undecided");
    }
    assert_float_equal(rung->rows[0].summary->statistics.mean, 91, 1e-9);
    assert_float_equal(rung->rows[1].summary->statistics.mean, 9.5, 1e-9);
    assert_float_equal(rung->rows[2].comparison->paired.ratio, sqrt(45. / 90 * 47 / 92), 1e-9);
    assert_float_equal(rung->rows[3].comparison->paired.ratio, sqrt(3. / 9 * 4 / 10), 1e-9);
    assert_null(rung->rows[0].comparison);
    assert_note(runs, "undecided: fewer than 6 complete blocks (A, B).");
    assert_note(runs, "ratio: to the run's own baseline (plain), ");
    assert_int_equal(runs->n_differences, 0);
    assert_false(has_text(runs->notes, runs->n_notes, "Only in"));
    assert_false(has_text(runs->notes, runs->n_notes, "same trials"));
}

/* Runs of which each means something else by throughput are not the same measurement. */
static void test_other_definition(void **state) {
    CLEANUP(desk_clear) struct desk desk = {.n = 0};
    CLEANUP(runs_freep) struct runs *runs = NULL;

    (void)state;
    desk_add(&desk, SCENARIO, DEFINITIONS_HEADER "path,throughput,Mbit/s,higher,yes,raw TCP\n",
             TRIALS, METRICS_HEADER);
    desk_add(&desk, SCENARIO,
             DEFINITIONS_HEADER "path,throughput,Mbit/s,higher,yes,\"raw TCP, arrivals\"\n", TRIALS,
             METRICS_HEADER);
    runs = runs_new(desk.list, desk.n);
    assert_difference(runs, "what throughput of path is: raw TCP in A; raw TCP, arrivals in B");
}

/* What two of three share is shown of those two. */
static void test_not_common(void **state) {
    static const char other[] = "[scenario]\nchannels = psk mutual-tls\nprobes = path delivery\n"
                                "baseline = psk\n";
    CLEANUP(desk_clear) struct desk desk = {.n = 0};
    CLEANUP(runs_freep) struct runs *runs = NULL;

    (void)state;
    desk_add(&desk, SCENARIO, DEFINITIONS, TRIALS, METRICS_HEADER);
    desk_add(&desk, SCENARIO, DEFINITIONS, TRIALS, METRICS_HEADER);
    desk_add(&desk, other, DEFINITIONS "delivery,throughput,Mbit/s,higher,yes,through the broker\n",
             TRIALS_HEADER TRIAL("1,1,1", "psk", "80", "ok", "")
                 TRIAL("2,1,1", "mutual-tls", "40", "ok", "")
                     TRIAL_OF("3,1,1", "psk", "delivery", "8")
                         TRIAL_OF("4,1,1", "mutual-tls", "delivery", "4"),
             METRICS_HEADER);
    runs = runs_new(desk.list, desk.n);
    assert_int_equal(runs->n_rungs, 1);
    assert_int_equal(runs->rungs[0].n_channels, 2);
    assert_int_equal(runs->rungs[0].channels[0].n, 2);
    assert_int_equal(runs->rungs[0].channels[1].n, 3);
    assert_note(runs, "Only in C: probe delivery, channel psk.");
    assert_note(runs, "A and B hold the same trials");
    assert_note(runs, "plain in A, plain in B, psk in C");
    assert_false(has_text(runs->notes, runs->n_notes, "Only in A"));
}

static void test_nothing_common(void **state) {
    CLEANUP(desk_clear) struct desk desk = {.n = 0};
    CLEANUP(runs_freep) struct runs *runs = NULL;
    CLEANUP_FREE char *text = NULL;

    (void)state;
    desk_add(&desk, SCENARIO, DEFINITIONS, TRIALS, METRICS_HEADER);
    desk_add(&desk, "[scenario]\nchannels = psk\nprobes = path\n", DEFINITIONS,
             TRIALS_HEADER TRIAL("1,1,1", "psk", "80", "ok", ""), METRICS_HEADER);
    runs = runs_new(desk.list, desk.n);
    assert_int_equal(runs->n_rungs, 0);
    assert_note(runs, "no probe and channel in common");
    assert_note(runs, "Only in A: channel plain, channel mutual-tls.");
    text = runs_terminal(runs);
    assert_has_not(text, "  run  trials");
}

/* A probe that is measured otherwise is not the same. */
static void test_units(void **state) {
    CLEANUP(desk_clear) struct desk desk = {.n = 0};
    CLEANUP(runs_freep) struct runs *runs = NULL;
    static const char kbit[] = DEFINITIONS_HEADER "path,throughput,kbit/s,higher,yes,raw TCP\n";

    (void)state;
    desk_add(&desk, SCENARIO, DEFINITIONS, TRIALS, METRICS_HEADER);
    desk_add(&desk, SCENARIO, kbit, TRIALS, METRICS_HEADER);
    desk_add(&desk, SCENARIO, kbit, SLOWER_TRIALS, METRICS_HEADER);
    runs = runs_new(desk.list, desk.n);
    assert_int_equal(runs->n_rungs, 1);
    assert_string_equal(runs->rungs[0].unit, "kbit/s");
    assert_int_equal(runs->rungs[0].channels[0].n, 2);
    assert_note(runs, "throughput (Mbit/s) in A, throughput (kbit/s) in B, throughput (kbit/s) in "
                      "C");
}

static void test_settings(void **state) {
    CLEANUP(desk_clear) struct desk desk = {.n = 0};
    CLEANUP(runs_freep) struct runs *runs = NULL;

    (void)state;
    desk_add(&desk,
             SCENARIO "seed = 1\n[probe.path]\nduration = 10s\nnew = 1\n[probe.connect]\nx = 1\n"
                      "[channel.mutual-tls]\ndescription = a\ntls.ciphers = \n",
             DEFINITIONS, TRIALS, METRICS_HEADER);
    desk_add(&desk,
             SCENARIO "seed = 2\n[probe.path]\nduration = 2s\n[probe.connect]\nx = 2\n"
                      "[channel.mutual-tls]\ndescription = b\ntls.ciphers = AES\n",
             DEFINITIONS, SLOWER_TRIALS, METRICS_HEADER);
    desk_add(&desk, SCENARIO "[probe.path]\nduration = 10s\n", DEFINITIONS, SLOWER_TRIALS,
             METRICS_HEADER);
    run_put(desk.folders[0], "environment.json",
            "{\"hosts\":[{\"parties\":\"broker client1 client2\",\"kernel\":\"6.1\","
            "\"processors\":4,\"versions\":{\"openssl\":\"3.0\"}}]}");
    run_put(desk.folders[1], "environment.json",
            "{\"hosts\":[{\"parties\":\"broker client1\",\"kernel\":\"6.1\",\"processors\":2,"
            "\"versions\":{\"openssl\":\"3.5\"}},"
            "{\"parties\":\"client2\",\"kernel\":\"6.1\",\"processors\":4,"
            "\"versions\":{\"openssl\":\"3.5\"}}]}");
    run_put(desk.folders[2], "environment.json", "{\"hosts\": [1, {}]");
    runs = runs_new(desk.list, desk.n);
    assert_difference(runs, "probe.path.duration: 10s in A, C; 2s in B");
    assert_difference(runs, "probe.path.new: 1 in A; not set in B, C");
    assert_difference(runs, "channel.mutual-tls.tls.ciphers: (empty) in A; AES in B");
    assert_difference(runs, "hosts, versions.openssl: 3.0 in A; 3.5 in B");
    assert_difference(runs, "broker's host, processors: 4 in A; 2 in B");
    assert_int_equal(runs->n_differences, 5);
    assert_note(runs, "Nothing is known of the hosts of C");
    for (size_t i = 0; i < 3; i++) {
        CLEANUP_FREE char *path = text_format("%s/environment.json", desk.folders[i]);

        assert_int_equal(unlink(path), 0);
    }
}

/* ---- texts ---- */

/* Every brace of a LaTeX text has its partner, and every row as many cells as the first. */
static void assert_latex(const char *text) {
    size_t cells = 0;
    int depth = 0;
    const char *row = strstr(text, "\\toprule\n");

    for (const char *c = text; *c; c++) {
        if (*c == '\\' && strchr("{}&%\\", c[1])) {
            c++;
            continue;
        }
        depth += (*c == '{') - (*c == '}');
        assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
    assert_non_null(row);
    for (row += 9; !strstr(row, "\\bottomrule") || row < strstr(row, "\\bottomrule");) {
        size_t n = 1;
        bool is_rule = strncmp(row, "\\midrule", 8) == 0 || strncmp(row, "\\multi", 6) == 0;

        for (; *row && *row != '\n'; row++)
            n += *row == '&' && row[-1] != '\\';
        row += *row == '\n';
        cells = cells ? cells : n;
        if (!is_rule)
            assert_int_equal(n, cells);
        if (strncmp(row, "\\bottomrule", 11) == 0)
            return;
    }
    fail_msg("no end in:\n%s", text);
}

/* As many cells in each line of a table as in the line before it. */
static void assert_markdown(const char *text) {
    size_t before = 0;

    for (const char *line = text; *line;) {
        size_t n = 0;
        bool is_row = *line == '|';

        for (; *line && *line != '\n'; line++)
            n += *line == '|' && (line == text || line[-1] != '\\');
        line += *line == '\n';
        if (is_row && before)
            assert_int_equal(n, before);
        before = is_row ? n : 0;
    }
}

static void test_odd_names(void **state) {
    static const char scenario[] =
        "[scenario]\nname = a_b%&{\nchannels = [x]_50% тақырып_1 \\end{table}\nprobes = path\n"
        "baseline = [x]_50%\n";
    static const char trials[] = TRIALS_HEADER TRIAL("1,1,1", "[x]_50%", "90", "ok", "")
        TRIAL("2,1,1", "тақырып_1", "", "void", "\"} & | \\\\ % -- `x` \xff\"")
            TRIAL("3,1,1", "\\end{table}", "", "failed", "");
    CLEANUP(desk_clear) struct desk desk = {.n = 0};
    CLEANUP(runs_freep) struct runs *runs = NULL;
    CLEANUP_FREE char *latex = NULL, *markdown = NULL, *terminal = NULL;

    (void)state;
    desk_add(&desk, scenario, DEFINITIONS, trials, METRICS_HEADER);
    desk_add(&desk, scenario, DEFINITIONS, trials, METRICS_HEADER);
    runs = runs_new(desk.list, desk.n);
    latex = runs_latex(runs);
    markdown = runs_markdown(runs);
    terminal = runs_terminal(runs);
    assert_latex(latex);
    assert_markdown(markdown);
    assert_has(latex, "\n{[}x]\\_50\\% & A & 1 & 90.00 & - & - & - & baseline \\\\\n");
    assert_has(latex, "\n\\textcyrillic{тақырып}\\_1 & A & 0 & - & - & - & - & undecided \\\\\n");
    assert_has(latex, "1 void (\\} \\& \\textbar{} ");
    assert_has(latex, "[T2A,T1]{fontenc}");
    assert_has(markdown, "| \\[x\\]\\_50% | A | 1 | 90.00 | - | - | - | baseline |\n");
    assert_has(terminal,
               "    A         0      -              -      -              -  undecided\n");
    assert_has(terminal, "1 failed\n");
    for (size_t i = 0; i < 3; i++) {
        const char *const texts[] = {latex, markdown, terminal};

        assert_has_not(texts[i], "nan");
        assert_has_not(texts[i], "inf");
        if (i < 2)
            assert_has_not(texts[i], "\xff");
    }
}

/* The tables of a single run as well. */
static void test_odd_names_of_one(void **state) {
    CLEANUP(desk_clear) struct desk desk = {.n = 0};
    CLEANUP(table_freep) struct table *table = NULL;
    CLEANUP_FREE char *latex = NULL, *markdown = NULL;

    (void)state;
    desk_add(&desk,
             "[scenario]\nname = \xff}%\nchannels = a&b {c тақырып\nprobes = path\nbaseline = a&b\n"
             "[channel.a&b]\ndescription = 50 % | of {it\n",
             DEFINITIONS,
             TRIALS_HEADER TRIAL("1,1,1", "a&b", "90", "ok", "")
                 TRIAL("2,1,1", "{c", "80", "ok", "") TRIAL("3,1,1", "тақырып", "", "failed", "}"),
             METRICS_HEADER);
    table = table_new(desk.list[0]);
    latex = table_latex(table);
    markdown = table_markdown(table);
    assert_latex(latex);
    assert_markdown(markdown);
    assert_has(latex, "\n\\{c & 1 & 80");
    assert_has(latex, "\n\\textcyrillic{тақырып} & 0 & ");
    assert_has_not(latex, "\xff");
}

static void test_markup(void **state) {
    static const struct {
        const char *text, *latex, *markdown;
    } cases[] = {
        {"a-b--c", "a-b-{}-{}c", "a-b--c"},
        {"\"q\"", "''q''", "\"q\""},
        {"5 \xc2\xb5s \xe2\x89\xa5 4", "5 \xc2\xb5s \\ensuremath{\\geq} 4",
         "5 \xc2\xb5s \xe2\x89\xa5 4"},
        {"a\nb\tc", "a b c", "a b c"},
        {"\xc0\x80\xe2\x82", "????", "????"},
        {"\\~^<>|`[]*&%$#_{}",
         "\\textbackslash{}\\textasciitilde{}\\textasciicircum{}\\textless{}\\textgreater{}"
         "\\textbar{}\\textasciigrave{}{[}]{*}\\&\\%\\$\\#\\_\\{\\}",
         "\\\\\\~^\\<\\>\\|\\`\\[\\]\\*\\&%$\\#\\_{}"},
        {"Ж", "\\textcyrillic{Ж}", "Ж"},
        {"Жж1ұ", "\\textcyrillic{Жж}1\\textcyrillic{ұ}", "Жж1ұ"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *latex = NULL, *markdown = NULL;
        size_t length;
        FILE *out = open_memstream(&latex, &length);

        markup_latex(out, cases[i].text);
        (void)fclose(out);
        assert_string_equal(latex, cases[i].latex);
        out = open_memstream(&markdown, &length);
        markup_markdown(out, cases[i].text);
        (void)fclose(out);
        assert_string_equal(markdown, cases[i].markdown);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_common),
        cmocka_unit_test(test_other_definition),
        cmocka_unit_test(test_not_common),
        cmocka_unit_test(test_nothing_common),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_odd_names),
        cmocka_unit_test(test_markup),
        cmocka_unit_test(test_odd_names_of_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
