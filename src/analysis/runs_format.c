#include "analysis/markup.h"
#include "analysis/number.h"
#include "analysis/runs.h"

#include <math.h>
#include <string.h>

#define WIDTH  79
#define INDENT 2

enum { CHANNEL, RUN, TRIALS, MEAN, INTERVAL, RATIO, RATIO_INTERVAL, VERDICT, N_COLUMNS };

static const char *const headers[N_COLUMNS] = {
    [CHANNEL] = "channel",
    [RUN] = "run",
    [TRIALS] = "trials",
    [MEAN] = "mean",
    [INTERVAL] = "95 % interval",
    [RATIO] = "ratio",
    [RATIO_INTERVAL] = "95 % interval",
    [VERDICT] = "verdict",
};

/* ---- what all forms say ---- */

static char *title_of(const struct runs *runs) {
    return text_format("%zu runs side by side: means with 95 %% interval, ratios to each run's own "
                       "baseline",
                       runs->n);
}

static char *legend_of(const struct runs *runs, size_t run) {
    const struct dataset *dataset = runs->list[run]->dataset;

    return text_format("%s%s%s%s%s", runs_name(runs, run), *dataset->scenario ? ", scenario " : "",
                       dataset->scenario, *dataset->hosts ? "; hosts: " : "", dataset->hosts);
}

/* "path, payload=1KiB: throughput, Mbit/s; higher is better" */
static char *name_of(const struct runs_rung *rung) {
    CLEANUP_FREE char *metric = dataset_words(rung->metric);
    bool better = !text_equal(rung->better, "none");

    return text_format("%s%s%s: %s, %s%s%s%s", rung->probe, *rung->variant ? ", " : "",
                       rung->variant, metric, rung->unit, better ? "; " : "",
                       better ? rung->better : "", better ? " is better" : "");
}

/* "2 failed, 1 void (TLS 1.2)": "" when all trials of the row are ok. */
static char *trouble_of(const struct runs_row *row) {
    char *text = text_copy("");
    size_t any = 0;

    for (int i = 0; i < DATASET_N_STATUSES; i++) {
        const char *reason = row->summary->reasons[i];
        CLEANUP_FREE char *piece = NULL;

        any += row->summary->counts[i];
        if (i == DATASET_OK || !row->summary->counts[i])
            continue;
        piece = text_format("%zu %s%s%s%s", row->summary->counts[i],
                            dataset_status_word((enum dataset_status)i), reason ? " (" : "",
                            reason ? reason : "", reason ? ")" : "");
        text_append(&text, ", ", piece);
    }
    if (!any)
        text_replace(&text, "not measured");
    return text;
}

/* The cells of a row, each the caller's. */
static void fill(char *cells[N_COLUMNS], const struct runs *runs, const struct runs_row *row,
                 const char *channel, int decimals) {
    const struct statistics *statistics = &row->summary->statistics;
    const struct paired *paired = row->comparison ? &row->comparison->paired : NULL;

    cells[CHANNEL] = text_copy(channel);
    cells[RUN] = text_copy(runs->labels[row->run]);
    cells[TRIALS] = text_format("%zu", statistics->n);
    cells[MEAN] = number_text(statistics->mean, decimals);
    cells[INTERVAL] = number_range(statistics->ci_low, statistics->ci_high, decimals);
    cells[RATIO] = number_ratio(paired ? paired->ratio : NAN);
    cells[RATIO_INTERVAL] =
        number_ratio_range(paired ? paired->ci_low : NAN, paired ? paired->ci_high : NAN);
    cells[VERDICT] = text_copy(runs_verdict(row));
}

/* Of one run's numbers on a rung: those of another can be of another magnitude. */
static int decimals_of(const struct runs_rung *rung, size_t run) {
    CLEANUP_FREE const struct summary_row **rows = memory_new(rung->n_rows, sizeof(*rows));
    size_t n = 0;

    for (size_t i = 0; i < rung->n_rows; i++)
        if (rung->rows[i].run == run)
            rows[n++] = rung->rows[i].summary;
    return summary_decimals(rows, n);
}

/* Calls `put` for each row of a rung; the first row of a channel has its name. */
static void each_row(const struct runs *runs, const struct runs_rung *rung,
                     void put(void *context, char *const *cells, const struct runs_row *row),
                     void *context) {
    for (size_t i = 0; i < rung->n_channels; i++)
        for (size_t k = 0; k < rung->channels[i].n; k++) {
            const struct runs_row *row = &rung->rows[rung->channels[i].first + k];
            char *cells[N_COLUMNS];

            fill(cells, runs, row, k ? "" : rung->channels[i].name, decimals_of(rung, row->run));
            put(context, cells, row);
            for (size_t column = 0; column < N_COLUMNS; column++)
                free(cells[column]);
        }
}

/* ---- terminal: the channel in a line of its own ---- */

struct terminal {
    FILE *out;
    size_t widths[N_COLUMNS];
};

static void widen(void *context, char *const *cells, const struct runs_row *row) {
    struct terminal *terminal = context;

    (void)row;
    for (size_t column = RUN; column < N_COLUMNS; column++) {
        size_t width = markup_width(cells[column]);

        if (width > terminal->widths[column])
            terminal->widths[column] = width;
    }
}

static void put_cells(const struct terminal *terminal, const char *const *cells) {
    size_t due = 2 * INDENT;

    for (size_t column = RUN; column < N_COLUMNS; column++) {
        size_t pad = terminal->widths[column] - markup_width(cells[column]);
        bool left = column == RUN || column == VERDICT;

        due += column == RUN ? 0 : 2;
        due += left ? 0 : pad;
        if (*cells[column]) {
            markup_blanks(terminal->out, due);
            due = 0;
        }
        (void)fputs(cells[column], terminal->out);
        due += left ? pad : 0;
    }
    (void)fputc('\n', terminal->out);
}

static void put_terminal_row(void *context, char *const *cells, const struct runs_row *row) {
    const struct terminal *terminal = context;
    CLEANUP_FREE char *trouble = trouble_of(row);

    if (*cells[CHANNEL])
        markup_wrapped(terminal->out, WIDTH, INDENT, cells[CHANNEL]);
    put_cells(terminal, (const char *const *)cells);
    if (*trouble)
        markup_wrapped(terminal->out, WIDTH, 3 * INDENT, trouble);
}

static void put_terminal_rungs(struct terminal *terminal, const struct runs *runs) {
    widen(terminal, (char *const *)headers, NULL);
    for (size_t i = 0; i < runs->n_rungs; i++)
        each_row(runs, &runs->rungs[i], widen, terminal);
    if (runs->n_rungs)
        put_cells(terminal, headers);
    for (size_t i = 0; i < runs->n_rungs; i++) {
        CLEANUP_FREE char *name = name_of(&runs->rungs[i]);

        (void)fputc('\n', terminal->out);
        markup_wrapped(terminal->out, WIDTH, 0, name);
        each_row(runs, &runs->rungs[i], put_terminal_row, terminal);
    }
    if (runs->n_rungs)
        (void)fputc('\n', terminal->out);
}

char *runs_terminal(const struct runs *runs) {
    CLEANUP_FREE char *title = title_of(runs);
    char *text = NULL;
    size_t length;
    struct terminal terminal = {.out = open_memstream(&text, &length)};

    markup_wrapped(terminal.out, WIDTH, 0, title);
    for (size_t i = 0; i < runs->n; i++) {
        CLEANUP_FREE char *legend = legend_of(runs, i);
        CLEANUP_FREE char *line = text_format("%s: %s", runs->labels[i], legend);

        markup_wrapped(terminal.out, WIDTH, INDENT, line);
    }
    (void)fputc('\n', terminal.out);
    put_terminal_rungs(&terminal, runs);
    if (runs->n_differences) {
        (void)fputs("What differs:\n", terminal.out);
        for (size_t i = 0; i < runs->n_differences; i++)
            markup_wrapped(terminal.out, WIDTH, INDENT, runs->differences[i]);
        (void)fputc('\n', terminal.out);
    }
    for (size_t i = 0; i < runs->n_notes; i++)
        markup_wrapped(terminal.out, WIDTH, 0, runs->notes[i]);
    (void)fclose(terminal.out);
    return text;
}

/* ---- Markdown ---- */

static void put_markdown_row(void *context, char *const *cells, const struct runs_row *row) {
    FILE *out = context;
    CLEANUP_FREE char *trouble = row ? trouble_of(row) : text_copy("");

    for (size_t column = 0; column < N_COLUMNS; column++) {
        (void)fputs("| ", out);
        markup_markdown(out, cells[column]);
        if (column == VERDICT && *trouble) {
            (void)fputs(*cells[column] ? "; " : "", out);
            markup_markdown(out, trouble);
        }
        (void)fputc(' ', out);
    }
    (void)fputs("|\n", out);
}

static void put_markdown_list(FILE *out, const char *heading, char *const *lines, size_t n) {
    if (n)
        fprintf(out, "\n%s%s", heading, *heading ? "\n\n" : "");
    for (size_t i = 0; i < n; i++) {
        (void)fputs("- ", out);
        markup_markdown(out, lines[i]);
        (void)fputc('\n', out);
    }
}

char *runs_markdown(const struct runs *runs) {
    CLEANUP_FREE char *title = title_of(runs);
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    (void)fputs("### ", out);
    markup_markdown(out, title);
    (void)fputs("\n\n", out);
    for (size_t i = 0; i < runs->n; i++) {
        CLEANUP_FREE char *legend = legend_of(runs, i);

        fprintf(out, "- **%s**: ", runs->labels[i]);
        markup_markdown(out, legend);
        (void)fputc('\n', out);
    }
    for (size_t i = 0; i < runs->n_rungs; i++) {
        CLEANUP_FREE char *name = name_of(&runs->rungs[i]);

        (void)fputs("\n**", out);
        markup_markdown(out, name);
        (void)fputs("**\n\n", out);
        put_markdown_row(out, (char *const *)headers, NULL);
        (void)fputs("|:--|:--|--:|--:|--:|--:|--:|:--|\n", out);
        each_row(runs, &runs->rungs[i], put_markdown_row, out);
    }
    put_markdown_list(out, "What differs:", runs->differences, runs->n_differences);
    put_markdown_list(out, "", runs->notes, runs->n_notes);
    (void)fclose(out);
    return text;
}

/* ---- LaTeX ---- */

static void put_latex_row(void *context, char *const *cells, const struct runs_row *row) {
    FILE *out = context;
    CLEANUP_FREE char *trouble = row ? trouble_of(row) : text_copy("");

    for (size_t column = 0; column < N_COLUMNS; column++) {
        (void)fputs(column ? " & " : "", out);
        markup_latex(out, cells[column]);
    }
    (void)fputs(" \\\\\n", out);
    if (*trouble) {
        fprintf(out, "\\multicolumn{%d}{@{}l@{}}{\\quad ", N_COLUMNS);
        markup_latex(out, trouble);
        (void)fputs("} \\\\\n", out);
    }
}

static void put_latex_line(FILE *out, const char *label, const char *text) {
    if (label)
        fprintf(out, "\\textbf{%s}: ", label);
    markup_latex(out, text);
    (void)fputs("\\par\n", out);
}

static void put_latex_rung(FILE *out, const struct runs *runs, const struct runs_rung *rung) {
    CLEANUP_FREE char *name = name_of(rung), *title = title_of(runs);

    (void)fputs("\\begin{table}\n\\centering\n\\caption{", out);
    markup_latex(out, title);
    (void)fputs(". ", out);
    markup_latex(out, name);
    (void)fputs("}\n", out);
    markup_latex_begin(out, rung->n_rows);
    (void)fputs("\\begin{tabular}{@{}llrrrrrl@{}}\n\\toprule\n", out);
    put_latex_row(out, (char *const *)headers, NULL);
    (void)fputs("\\midrule\n", out);
    each_row(runs, rung, put_latex_row, out);
    (void)fputs("\\bottomrule\n\\end{tabular}}\n\\end{table}\n\n", out);
}

/* A table a rung, which has room on a page; what is to be said of all, as text behind them. */
static void put_latex_tables(FILE *out, const void *what) {
    const struct runs *runs = what;
    for (size_t i = 0; i < runs->n_rungs; i++)
        put_latex_rung(out, runs, &runs->rungs[i]);
    (void)fputs("{\\footnotesize\\setlength{\\parindent}{0pt}\n", out);
    for (size_t i = 0; i < runs->n; i++) {
        CLEANUP_FREE char *legend = legend_of(runs, i);

        put_latex_line(out, runs->labels[i], legend);
    }
    for (size_t i = 0; i < runs->n_differences; i++)
        put_latex_line(out, NULL, runs->differences[i]);
    for (size_t i = 0; i < runs->n_notes; i++)
        put_latex_line(out, NULL, runs->notes[i]);
    (void)fputs("}\n", out);
}

char *runs_latex(const struct runs *runs) {
    return markup_latex_file(put_latex_tables, runs);
}
