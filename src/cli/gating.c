#include "cli/parts.h"

#include "analysis/findings.h"
#include "analysis/gate_runs.h"
#include "base/jsonline.h"
#include "base/place.h"
#include "base/terminal.h"
#include "model/setting.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define MOST_NAMED 3  /* rows in one sentence */
#define LABEL      10 /* columns of what stands in front of a line */

/* ---- as text ---- */

enum column { PROBE, CHANNEL, UNIT, NOW, BEFORE, CHANGE, INTERVAL, P, VERDICT, N_COLUMNS };

static const char *const headers[N_COLUMNS] = {"probe",  "channel", "unit",     "now",    "before",
                                               "change", "90 % CI", "p (Holm)", "verdict"};
/* Left out, one after the other, where a terminal is too narrow for all. */
static const enum column dispensable[] = {P, BEFORE, NOW};

/* What stands in a line of the table; the caller's. */
struct line {
    char *cells[N_COLUMNS];
};

static void line_clear(struct line *line) {
    for (size_t i = 0; i < N_COLUMNS; i++)
        free(line->cells[i]);
}

/* Of a line: what a terminal has room for. A file, or another program, gets whole lines. */
static int line_columns(void) {
    return isatty(STDOUT_FILENO) ? terminal_size(stdout).columns - 1 : INT_MAX;
}

/* One line; where a terminal breaks it between words, what goes on is indented. */
static void print_wrapped(enum style style, int indent, const char *line) {
    CLEANUP_FREE char *wrapped = terminal_wrap(line, line_columns(), indent);

    terminal_print(stdout, style, "%s", wrapped);
    (void)putchar('\n');
}

/* "-10.2 %", "+0.3 %"; "-" when it is not known. */
static char *change_words(double ratio) {
    CLEANUP_FREE char *percent = number_percent(ratio - 1);

    return text_format("%s%s", ratio >= 1 ? "+" : "", percent);
}

/* "-12.1 to -8.3 %" */
static char *interval_words(const struct gate_judgement *one) {
    CLEANUP_FREE char *low = change_words(one->ci_low), *high = change_words(one->ci_high);

    return isnan(one->ci_low) ? text_copy("-")
                              : text_format("%.*s to %s", (int)strcspn(low, " "), low, high);
}

static char *p_words(double p) {
    return isnan(p)   ? text_copy("-")
           : p < 1e-4 ? text_copy("<0.0001")
                      : text_format(p < 0.001 ? "%.4f" : "%.3f", p);
}

/* "delivery", "delivery.client2.sender.cpu_s", "path, payload=30B" */
static char *rung_words(const struct gate_row *row) {
    return text_format("%s%s%s%s%s", row->probe, row->headline ? "" : ".",
                       row->headline ? "" : row->metric, *row->variant ? ", " : "", row->variant);
}

static struct line line_of(const struct gate_row *row) {
    const struct gate_judgement *one = &row->judgement;
    double p = one->verdict == GATE_FASTER ? one->p_faster_holm : one->p_slower_holm;
    bool is_ratio = row->kind == GATE_RATIO;

    return (struct line){{
        [PROBE] = rung_words(row),
        [CHANNEL] = text_copy(row->channel),
        [UNIT] = text_copy(is_ratio ? "ratio" : row->unit),
        [NOW] = is_ratio ? number_ratio(one->now) : number_value(one->now),
        [BEFORE] = is_ratio ? number_ratio(one->before) : number_value(one->before),
        [CHANGE] = change_words(one->ratio),
        [INTERVAL] = interval_words(one),
        [P] = p_words(p),
        [VERDICT] = text_copy(gate_verdict_word(one->verdict, row->is_amount)),
    }};
}

/* A column that is 0 wide is left out. */
static void print_line(const char *const *cells, const size_t *widths) {
    CLEANUP_FREE char *words = text_copy("");

    for (size_t i = 0; i < VERDICT; i++) {
        bool right = i >= NOW;
        CLEANUP_FREE char *cell =
            text_format("%*s", right ? (int)widths[i] : -(int)widths[i], cells[i]);

        if (widths[i])
            text_append(&words, "  ", cell);
    }
    text_print(stdout, "%s  ", words);
    terminal_print(stdout, terminal_style_of(cells[VERDICT]), "%s", cells[VERDICT]);
    (void)putchar('\n');
}

static void fit(size_t *widths) {
    size_t total = 0;

    for (size_t k = 0; k < N_COLUMNS; k++)
        total += widths[k] + 2;
    for (size_t i = 0; i < ARRAY_SIZE(dispensable) && total - 2 > (size_t)line_columns(); i++) {
        total -= widths[dispensable[i]] + 2;
        widths[dispensable[i]] = 0;
    }
}

static void print_table(const struct gate_answer *answer) {
    CLEANUP_FREE struct line *lines = memory_new(answer->n_rows, sizeof(*lines));
    size_t widths[N_COLUMNS];

    for (size_t i = 0; i < answer->n_rows; i++)
        lines[i] = line_of(&answer->rows[i]);
    for (size_t k = 0; k < N_COLUMNS; k++) {
        widths[k] = strlen(headers[k]);
        for (size_t i = 0; i < answer->n_rows; i++)
            widths[k] =
                strlen(lines[i].cells[k]) > widths[k] ? strlen(lines[i].cells[k]) : widths[k];
    }
    fit(widths);
    print_line(headers, widths);
    for (size_t i = 0; i < answer->n_rows; i++) {
        print_line((const char *const *)lines[i].cells, widths);
        line_clear(&lines[i]);
    }
}

/* Each line of `lines` behind a label. */
static void print_lines(const char *label, const char *lines) {
    for (char *line; (line = text_next_line(&lines)); label = "") {
        CLEANUP_FREE char *labelled = text_format("%-*s%s", LABEL, label, line);

        print_wrapped(STYLE_PLAIN, LABEL, labelled);
        free(line);
    }
}

static const char *plural(size_t n) {
    return n == 1 ? "" : "s";
}

static void print_runs(const struct gate_answer *answer, bool ratios_only) {
    CLEANUP_FREE char *ratios = text_format("to %s", answer->baseline);

    for (size_t i = 0; i < answer->n_members; i++) {
        const struct gate_member *member = &answer->members[i];
        CLEANUP_FREE char *line =
            text_format("%s, %zu block%s", member->folder, member->blocks, plural(member->blocks));

        print_lines(i == 0 ? "run" : i == 1 ? "against" : "", line);
    }
    print_lines("differs", answer->differences);
    print_lines("machines", answer->machines);
    if (answer->rows[0].kind == GATE_RATIO)
        print_lines("ratios", ratios);
    if (!answer->absolute)
        print_lines(
            "judged",
            ratios_only
                ? "by ratios alone"
                : "by ratios alone: absolute values need three baselines of these machines");
    printf("\n");
}

/* ---- the answer ---- */

/* "delivery of mutual-tls relative to plain (-10.2 %, 90 % CI -12.1 to -8.3 %)" */
static char *row_words(const struct gate_answer *answer, const struct gate_row *row) {
    CLEANUP_FREE char *rung = rung_words(row), *change = change_words(row->judgement.ratio);
    CLEANUP_FREE char *interval = interval_words(&row->judgement);
    bool is_ratio = row->kind == GATE_RATIO;

    return text_format("%s of %s%s%s (%s, 90 %% CI %s)", rung, row->channel,
                       is_ratio ? " relative to " : "", is_ratio ? answer->baseline : "", change,
                       interval);
}

/* "a; b; c; and 2 more" of the rows with this verdict, amounts or others; NULL: none. */
static char *list_words(const struct gate_answer *answer, enum gate_verdict verdict,
                        bool is_amount) {
    char *words = NULL;
    size_t n = 0;

    for (size_t i = 0; i < answer->n_rows; i++) {
        const struct gate_row *row = &answer->rows[i];
        CLEANUP_FREE char *one = NULL;

        if (row->judgement.verdict != verdict || row->is_amount != is_amount || n++ >= MOST_NAMED)
            continue;
        one = row_words(answer, row);
        words = words ? words : text_copy("");
        text_append(&words, "; ", one);
    }
    if (n > MOST_NAMED) {
        CLEANUP_FREE char *others = text_format("and %zu more", n - MOST_NAMED);

        text_append(&words, "; ", others);
    }
    return words;
}

/* What is undecided, together. */
struct doubt {
    size_t n, incomparable;                   /* rows; others, without a ratio */
    size_t blocks_missing, baselines_missing; /* the most */
    size_t blocks_needed, baselines_needed;   /* the most; 0: not even that many decide one */
    bool blocks_in_vain, baselines_in_vain;   /* for one of them at least */
    size_t blocks, baselines;                 /* that are there: the fewest */
};

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static struct doubt doubt_of(const struct gate_answer *answer) {
    struct doubt doubt = {.blocks = SIZE_MAX, .baselines = SIZE_MAX};

    for (size_t i = 0; i < answer->n_rows; i++) {
        const struct gate_row *row = &answer->rows[i];
        const struct gate_judgement *one = &row->judgement;

        if (one->verdict != GATE_UNDECIDED)
            continue;
        if (*row->remark) {
            doubt.incomparable++;
            continue;
        }
        doubt.n++;
        doubt.blocks = row->blocks < doubt.blocks ? row->blocks : doubt.blocks;
        doubt.baselines = row->baselines < doubt.baselines ? row->baselines : doubt.baselines;
        doubt.blocks_missing = larger(doubt.blocks_missing, one->blocks_missing);
        doubt.baselines_missing = larger(doubt.baselines_missing, one->baselines_missing);
        doubt.blocks_needed = larger(doubt.blocks_needed, one->blocks_needed);
        doubt.baselines_needed = larger(doubt.baselines_needed, one->baselines_needed);
        doubt.blocks_in_vain = doubt.blocks_in_vain || !one->blocks_needed;
        doubt.baselines_in_vain = doubt.baselines_in_vain || !one->baselines_needed;
    }
    return doubt;
}

/* What is missing, or would decide what is undecided; the caller's. */
static char *advice_words(const struct doubt *doubt) {
    CLEANUP_FREE char *words = NULL;

    if (doubt->baselines_missing)
        return text_format("%zu baseline run%s of %d complete blocks or more %s missing (%zu of "
                           "%d)",
                           doubt->baselines_missing, plural(doubt->baselines_missing), GATE_BLOCKS,
                           doubt->baselines_missing == 1 ? "is" : "are",
                           GATE_BASELINES - doubt->baselines_missing, GATE_BASELINES);
    if (doubt->blocks_missing)
        return text_format("%zu complete block%s of the run %s missing (%zu of %d)",
                           doubt->blocks_missing, plural(doubt->blocks_missing),
                           doubt->blocks_missing == 1 ? "is" : "are", doubt->blocks, GATE_BLOCKS);
    if (doubt->blocks_in_vain && doubt->baselines_in_vain)
        return text_format("neither a run of %d blocks nor %d baseline runs would decide all of "
                           "them: they scatter too much for this margin",
                           GATE_MOST_BLOCKS, GATE_MOST_BASELINES);
    if (doubt->blocks_in_vain)
        return text_format("it takes about %zu baseline runs in place of %zu",
                           doubt->baselines_needed, doubt->baselines);
    words = text_format("it takes a run of about %zu blocks in place of %zu", doubt->blocks_needed,
                        doubt->blocks);
    if (doubt->baselines_in_vain)
        return text_copy(words);
    return text_format("%s, or about %zu baseline runs in place of %zu", words,
                       doubt->baselines_needed, doubt->baselines);
}

/* One more line; the sentence is freed. */
static void add_sentence(char **words, char *sentence) {
    text_append(words, "\n", sentence);
    free(sentence);
}

/* "Slower than before: ..." of the rows with this verdict, and "More than before: ..." of amounts.
 */
static void add_changes(char **words, const struct gate_answer *answer, enum gate_verdict verdict) {
    static const char *const headings[][2] = {
        [GATE_SLOWER] = {"Slower", "More"}, [GATE_FASTER] = {"Faster", "Less"}};

    for (int is_amount = 1; is_amount >= 0; is_amount--) {
        CLEANUP_FREE char *rows = list_words(answer, verdict, is_amount);

        if (rows)
            add_sentence(words,
                         text_format("%s than before: %s.", headings[verdict][is_amount], rows));
    }
}

/* The sentences of the answer, one a line, the verdict's own last; the caller's. */
static char *answer_words(const struct gate_answer *answer) {
    CLEANUP_FREE char *margin = number_margin(answer->margin);
    struct doubt doubt = doubt_of(answer);
    bool slower = answer->verdict == GATE_SLOWER;
    char *words = text_copy("");

    add_changes(&words, answer, GATE_FASTER);
    if (doubt.incomparable)
        add_sentence(&words, text_format("Not judged: %zu of %zu comparisons; a value is 0, so "
                                         "there is no ratio.",
                                         doubt.incomparable, answer->n_rows));
    if (doubt.n) {
        CLEANUP_FREE char *advice = advice_words(&doubt);

        add_sentence(&words, text_format("%s: %zu of %zu comparisons; %s.",
                                         slower ? "Also undecided" : "Undecided", doubt.n,
                                         answer->n_rows, advice));
    }
    add_changes(&words, answer, GATE_SLOWER);
    if (answer->verdict == GATE_NO_CHANGE)
        add_sentence(&words, text_format("No change, or better: %zu of %zu comparisons show no "
                                         "loss of %s or more.",
                                         answer->n_rows, answer->n_rows, margin));
    return words;
}

static void print_text(const struct gate_answer *answer, bool ratios_only) {
    CLEANUP_FREE char *words = answer_words(answer);
    const char *rest = words;

    print_runs(answer, ratios_only);
    print_table(answer);
    (void)putchar('\n');
    for (char *line; (line = text_next_line(&rest)); free(line)) /* the last: the verdict of all */
        print_wrapped(*rest ? STYLE_PLAIN
                            : terminal_style_of(gate_verdict_word(answer->verdict, false)),
                      0, line);
}

/* ---- as JSON ---- */

/* A number as CSV has it; null when there is none. */
static json_t *json_number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

/* null: not that many would do. */
static json_t *json_needed(size_t n) {
    return n ? json_integer((json_int_t)n) : json_null();
}

static json_t *json_of_row(const struct gate_row *row) {
    const struct gate_judgement *one = &row->judgement;
    const struct {
        const char *name;
        json_t *value;
    } fields[] = {
        {"probe", jsonline_words(row->probe)},
        {"variant", jsonline_words(row->variant)},
        {"channel", jsonline_words(row->channel)},
        {"metric", jsonline_words(row->metric)},
        {"unit", jsonline_words(row->kind == GATE_RATIO ? "" : row->unit)},
        {"better", json_string(row->better)},
        {"by", json_string(row->kind == GATE_RATIO ? "ratio" : "absolute")},
        {"blocks", json_integer((json_int_t)row->blocks)},
        {"baselines", json_integer((json_int_t)row->baselines)},
        {"now", json_number(one->now)},
        {"before", json_number(one->before)},
        {"ratio", json_number(one->ratio)},
        {"ci_low", json_number(one->ci_low)},
        {"ci_high", json_number(one->ci_high)},
        {"between_sd", json_number(one->between_sd)},
        {"within_sd", json_number(one->within_sd)},
        {"freedom", json_number(one->freedom)},
        {"p_slower", json_number(one->p_slower)},
        {"p_slower_holm", json_number(one->p_slower_holm)},
        {"p_faster", json_number(one->p_faster)},
        {"p_faster_holm", json_number(one->p_faster_holm)},
        {"verdict", json_string(gate_verdict_word(one->verdict, row->is_amount))},
        {"remark", json_string(row->remark)},
        {"blocks_missing", json_integer((json_int_t)one->blocks_missing)},
        {"baselines_missing", json_integer((json_int_t)one->baselines_missing)},
        {"blocks_needed", json_needed(one->blocks_needed)},
        {"baselines_needed", json_needed(one->baselines_needed)},
    };
    json_t *object = json_object();

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        (void)json_object_set_new(object, fields[i].name, fields[i].value);
    return object;
}

/* An array of lines. */
static json_t *json_of_lines(const char *lines) {
    json_t *array = json_array();

    for (char *line; (line = text_next_line(&lines));) {
        (void)json_array_append_new(array, jsonline_words(line));
        free(line);
    }
    return array;
}

static json_t *json_of_member(const struct gate_member *member) {
    return json_pack("{so sI sb}", "folder", jsonline_words(member->folder), "blocks",
                     (json_int_t)member->blocks, "same_machines", member->same_machines);
}

static int print_json(const struct gate_answer *answer, int status) {
    CLEANUP_FREE char *words = answer_words(answer);
    json_auto_t *document =
        json_pack("{si ss si sf so sb so so so}", "format", 1, "verdict",
                  gate_verdict_word(answer->verdict, false), "exit_status", status, "margin",
                  answer->margin, "baseline", jsonline_words(answer->baseline), "absolute",
                  answer->absolute, "answer", json_of_lines(words), "differences",
                  json_of_lines(answer->differences), "machines", json_of_lines(answer->machines));
    json_t *runs = json_array(), *rows = json_array();

    for (size_t i = 1; i < answer->n_members; i++)
        (void)json_array_append_new(runs, json_of_member(&answer->members[i]));
    for (size_t i = 0; i < answer->n_rows; i++)
        (void)json_array_append_new(rows, json_of_row(&answer->rows[i]));
    (void)json_object_set_new(document, "run", json_of_member(&answer->members[0]));
    (void)json_object_set_new(document, "against", runs);
    (void)json_object_set_new(document, "comparisons", rows);
    if (json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) < 0)
        return EXIT_SETUP;
    printf("\n");
    return status;
}

/* ---- the command ---- */

static int refuse(const char *words) {
    struct error error;

    (void)error_set(&error, -EINVAL, "gate: %s %s gate RUN --against BASELINE...", words,
                    place_call());
    return complain(EXIT_USAGE, &error);
}

#define SEPARATORS " ,"

/* Several names in one word, as other programs take them. `again`: what stands in front of each but
 * the first here. */
static int check_single(const char *option, const char *again, const char *word,
                        struct error *error) {
    CLEANUP_FREE char *right = text_copy(option);
    CLEANUP_FREE char *separator = NULL;
    const char *rest = word;

    if (!word[strcspn(word, SEPARATORS)] || access(word, F_OK) == 0)
        return 0;
    for (size_t length; rest += strspn(rest, SEPARATORS), *rest; rest += length) {
        CLEANUP_FREE char *name = strndup(rest, length = strcspn(rest, SEPARATORS));

        text_append(&right, separator ? separator : " ", name);
        separator = separator ? separator : text_format(" %s", again);
    }
    return error_set(error, -EINVAL, "%s %s: several in one word; write %s", option, word, right);
}

static int check_words(const struct gate_question *question, struct error *error) {
    int r = 0;

    for (size_t i = 0; r == 0 && i < question->n_metrics; i++)
        r = check_single("--metric", "--metric ", question->metrics[i], error);
    for (size_t i = 0; r == 0 && i < question->n_baselines; i++)
        r = check_single("--against", "", question->baselines[i], error);
    return r;
}

static const struct setting margin_row = {"margin",    SETTING_PERCENT,
                                          GATE_MARGIN, "0.0001%",
                                          "99.9999%",  .help = "the change that does not matter"};

static int status_of(enum gate_verdict verdict) {
    return verdict == GATE_SLOWER      ? EXIT_SLOWER
           : verdict == GATE_UNDECIDED ? EXIT_UNDECIDED
                                       : EXIT_OK;
}

int command_gate(struct context *context) {
    const struct arguments *arguments = &context->arguments;
    CLEANUP(gate_answer_freep) struct gate_answer *answer = NULL;
    struct gate_question question = {.run = arguments->n_words ? arguments->words[0] : NULL,
                                     .baselines = arguments->against,
                                     .n_baselines = arguments->n_against,
                                     .metrics = arguments->metrics,
                                     .n_metrics = arguments->n_metrics,
                                     .ratios_only = arguments->ratios_only};
    struct error error;
    int64_t margin_ppm;
    int status, r;

    if (!question.run)
        return refuse("which run?");
    if (!question.n_baselines)
        return refuse("against which runs?");
    r = check_words(&question, &error);
    if (r < 0)
        return complain(EXIT_USAGE, &error);
    r = setting_assign(&margin_row, &margin_ppm,
                       arguments->margin ? arguments->margin : margin_row.fallback, &error);
    if (r < 0) {
        (void)error_prefix(&error, r, "--margin");
        return complain(EXIT_USAGE, &error);
    }
    question.margin = (double)margin_ppm / 1e6;
    r = gate_answer_new(&answer, &question, &error);
    if (r < 0)
        return cli_complain_of_files(r, &error);
    if (*answer->warnings)
        text_print(stderr, "bench: %s\n", answer->warnings);
    status = status_of(answer->verdict);
    if (arguments->json)
        return print_json(answer, status);
    print_text(answer, arguments->ratios_only);
    return status;
}
