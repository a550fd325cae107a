#include "analysis/markup.h"
#include "analysis/table.h"

#include <string.h>

#define LINE_WIDTH 110 /* letters of a sentence across a table that is as wide as the page */
#define PAGE_LINES 60  /* of small print, a table's notes included */

static void put_row(FILE *out, const struct table *table, char *const *cells) {
    for (size_t column = 0; column < TABLE_N_COLUMNS; column++) {
        if (!table->headers[column])
            continue;
        if (column != TABLE_CHANNEL)
            (void)fputs(" & ", out);
        markup_latex(out, cells[column]);
    }
    (void)fputs(" \\\\\n", out);
}

/* A sentence across all columns. */
static void put_line(FILE *out, size_t columns, const char *bold, const char *text) {
    fprintf(out, "\\multicolumn{%zu}{@{}p{0.95\\linewidth}@{}}{", columns);
    if (bold) {
        (void)fputs("\\textbf{", out);
        markup_latex(out, bold);
        (void)fputs(*text ? "} -- " : "}", out);
    } else {
        (void)fputs("\\quad ", out);
    }
    markup_latex(out, text);
    (void)fputs("} \\\\\n", out);
}

/* ---- pages ---- */

static size_t count_lines(const char *text) {
    return (markup_width(text) + LINE_WIDTH - 1) / LINE_WIDTH;
}

static size_t rung_lines(const struct table_rung *rung) {
    size_t lines = count_lines(rung->name) + count_lines(rung->help) + rung->n_rows;

    for (size_t i = 0; i < rung->n_rows; i++)
        lines += count_lines(rung->rows[i].note);
    return lines;
}

static size_t note_lines(const struct table *table) {
    size_t lines = 0;

    for (size_t i = 0; i < table->n_notes; i++)
        lines += count_lines(table->notes[i]);
    return lines;
}

/* So many rungs from `first` on as a page has room for, but one at least: how many lines. */
static size_t take_page(const struct table *table, size_t first, size_t *ret_end) {
    size_t end = first + 1, lines = rung_lines(&table->rungs[first]);

    while (end < table->n_rungs && lines + rung_lines(&table->rungs[end]) <= MARKUP_LATEX_ROWS)
        lines += rung_lines(&table->rungs[end++]);
    *ret_end = end;
    return lines;
}

static size_t count_pages(const struct table *table) {
    size_t n = 0;

    for (size_t first = 0; first < table->n_rungs; n++)
        (void)take_page(table, first, &first);
    return n;
}

/* ---- the file ---- */

static void put_rung(FILE *out, const struct table *table, const struct table_rung *rung,
                     size_t columns) {
    (void)fputs("\\midrule\n", out);
    put_line(out, columns, rung->name, rung->help);
    for (size_t k = 0; k < rung->n_rows; k++) {
        put_row(out, table, rung->rows[k].cells);
        if (*rung->rows[k].note)
            put_line(out, columns, NULL, rung->rows[k].note);
    }
}

static void put_tabular(FILE *out, const struct table *table, size_t first, size_t end,
                        size_t rows) {
    size_t columns = 0;

    markup_latex_begin(out, rows);
    (void)fputs("\\begin{tabular}{@{}", out);
    for (size_t column = 0; column < TABLE_N_COLUMNS; column++)
        if (table->headers[column])
            (void)fputc(columns++ ? 'r' : 'l', out);
    (void)fputs("@{}}\n\\toprule\n", out);
    put_row(out, table, table->headers);
    for (size_t i = first; i < end; i++)
        put_rung(out, table, &table->rungs[i], columns);
    (void)fputs("\\bottomrule\n\\end{tabular}}\n", out);
}

static void put_notes(FILE *out, const struct table *table) {
    for (size_t i = 0; i < table->n_notes; i++) {
        markup_latex(out, table->notes[i]);
        (void)fputs("\\par\n", out);
    }
}

static void put_notes_inside(FILE *out, const struct table *table) {
    (void)fputs("\n\\smallskip\n\\begin{minipage}{\\linewidth}\n\\footnotesize\n", out);
    put_notes(out, table);
    (void)fputs("\\end{minipage}\n", out);
}

/* A table that is more than a page is several, and what no page has room for is text. */
static void put_tables(FILE *out, const void *what) {
    const struct table *table = what;
    size_t n = count_pages(table), page = 0, lines = 0;
    bool inside = false;

    for (size_t first = 0, end; first < table->n_rungs; first = end) {
        lines = take_page(table, first, &end);
        inside = n == 1 && lines + note_lines(table) <= PAGE_LINES;
        (void)fputs("\\begin{table}\n\\centering\n\\caption{", out);
        markup_latex(out, table->title);
        (void)fputs(" (", out);
        markup_latex(out, table->subtitle);
        if (n > 1)
            fprintf(out, "; part %zu of %zu", ++page, n);
        (void)fputs(")}\n", out);
        put_tabular(out, table, first, end, lines);
        if (inside)
            put_notes_inside(out, table);
        (void)fputs("\\end{table}\n", out);
    }
    if (inside)
        return;
    (void)fputs("\n{\\footnotesize\\setlength{\\parindent}{0pt}\nNotes (", out);
    markup_latex(out, table->subtitle);
    (void)fputs("):\\par\n", out);
    put_notes(out, table);
    (void)fputs("}\n", out);
}

char *table_latex(const struct table *table) {
    return markup_latex_file(put_tables, table);
}
