#include "analysis/markup.h"
#include "analysis/table.h"

#include <string.h>

/* ---- terminal ---- */

#define INDENT   2  /* of the rows below their rung */
#define MAX_NAME 28 /* of a channel, before its numbers go into the next line */

/* Whether all rows have the same number of trials, and some: then the title says it. */
static bool is_alike(const struct table *table, size_t column) {
    const char *first = table->n_rungs ? table->rungs[0].rows[0].cells[column] : "0";

    if (text_equal(first, "0"))
        return false;
    for (size_t i = 0; i < table->n_rungs; i++)
        for (size_t k = 0; k < table->rungs[i].n_rows; k++)
            if (!text_equal(table->rungs[i].rows[k].cells[column], first))
                return false;
    return true;
}

/* What a document has room for and a terminal has not. */
static bool is_on_terminal(const struct table *table, size_t column) {
    if (column == TABLE_TRIALS)
        return !is_alike(table, column);
    return table->headers[column] && column != TABLE_SD && column != TABLE_RATIO_INTERVAL;
}

/* A column that is not on the terminal is 0 wide. */
static void measure(const struct table *table, size_t widths[TABLE_N_COLUMNS]) {
    for (size_t column = 0; column < TABLE_N_COLUMNS; column++) {
        if (!is_on_terminal(table, column))
            continue;
        widths[column] = markup_width(table->headers[column]);
        for (size_t i = 0; i < table->n_rungs; i++)
            for (size_t k = 0; k < table->rungs[i].n_rows; k++) {
                size_t width = markup_width(table->rungs[i].rows[k].cells[column]);

                if (width > widths[column] && (column != TABLE_CHANNEL || width <= MAX_NAME))
                    widths[column] = width;
            }
    }
}

static void put_long_name(FILE *out, const char *name) {
    markup_blanks(out, INDENT);
    (void)fputs(name, out);
    (void)fputc('\n', out);
}

/* The first column to the left, the numbers to the right, no blanks at the end. */
static void put_cells(FILE *out, char *const *cells, const size_t widths[TABLE_N_COLUMNS]) {
    size_t due = INDENT;

    for (size_t column = 0; column < TABLE_N_COLUMNS; column++) {
        size_t pad;

        if (!widths[column])
            continue;
        if (markup_width(cells[column]) > widths[column]) {
            put_long_name(out, cells[column]);
            due = INDENT + widths[column];
            continue;
        }
        pad = widths[column] - markup_width(cells[column]);
        if (column != TABLE_CHANNEL)
            due += 2 + pad;
        if (*cells[column]) {
            markup_blanks(out, due);
            due = 0;
        }
        (void)fputs(cells[column], out);
        if (column == TABLE_CHANNEL)
            due += pad;
    }
    (void)fputc('\n', out);
}

char *table_terminal(const struct table *table) {
    size_t widths[TABLE_N_COLUMNS] = {0}, length;
    char *text = NULL;
    FILE *out = open_memstream(&text, &length);

    measure(table, widths);
    markup_wrapped(out, TABLE_WIDTH, 0, table->title);
    markup_wrapped(out, TABLE_WIDTH, 0, table->subtitle);
    (void)fputc('\n', out);
    put_cells(out, table->headers, widths);
    for (size_t i = 0; i < table->n_rungs; i++) {
        const struct table_rung *rung = &table->rungs[i];
        CLEANUP_FREE char *heading =
            text_format("%s%s%s", rung->name, *rung->help ? " - " : "", rung->help);

        (void)fputc('\n', out);
        markup_wrapped(out, TABLE_WIDTH, 0, heading);
        for (size_t k = 0; k < rung->n_rows; k++) {
            put_cells(out, rung->rows[k].cells, widths);
            if (*rung->rows[k].note)
                markup_wrapped(out, TABLE_WIDTH, 2 * INDENT, rung->rows[k].note);
        }
    }
    (void)fputc('\n', out);
    for (size_t i = 0; i < table->n_notes; i++)
        markup_wrapped(out, TABLE_WIDTH, 0, table->notes[i]);
    (void)fclose(out);
    return text;
}

/* ---- Markdown ---- */

static void put_markdown_row(FILE *out, const struct table *table, char *const *cells,
                             const char *note) {
    for (size_t column = 0; column < TABLE_N_COLUMNS; column++) {
        if (!table->headers[column])
            continue;
        (void)fputs("| ", out);
        markup_markdown(out, cells[column]);
        (void)fputc(' ', out);
    }
    if (note) {
        (void)fputs("| ", out);
        markup_markdown(out, note);
        (void)fputc(' ', out);
    }
    (void)fputs("|\n", out);
}

static void put_markdown_rung(FILE *out, const struct table *table, const struct table_rung *rung) {
    bool notes = false;

    for (size_t i = 0; i < rung->n_rows; i++)
        notes = notes || *rung->rows[i].note;
    (void)fputs("\n**", out);
    markup_markdown(out, rung->name);
    (void)fputs(*rung->help ? "** - " : "**", out);
    markup_markdown(out, rung->help);
    (void)fputs("\n\n", out);
    put_markdown_row(out, table, table->headers, notes ? "note" : NULL);
    for (size_t column = 0; column < TABLE_N_COLUMNS; column++)
        if (table->headers[column])
            (void)fputs(column == TABLE_CHANNEL ? "|:--" : "|--:", out);
    (void)fputs(notes ? "|:--|\n" : "|\n", out);
    for (size_t i = 0; i < rung->n_rows; i++)
        put_markdown_row(out, table, rung->rows[i].cells, notes ? rung->rows[i].note : NULL);
}

char *table_markdown(const struct table *table) {
    size_t length;
    char *text = NULL;
    FILE *out = open_memstream(&text, &length);

    (void)fputs("### ", out);
    markup_markdown(out, table->title);
    (void)fputs("\n\n", out);
    markup_markdown(out, table->subtitle);
    (void)fputc('\n', out);
    for (size_t i = 0; i < table->n_rungs; i++)
        put_markdown_rung(out, table, &table->rungs[i]);
    (void)fputc('\n', out);
    for (size_t i = 0; i < table->n_notes; i++) {
        (void)fputs("- ", out);
        markup_markdown(out, table->notes[i]);
        (void)fputc('\n', out);
    }
    (void)fclose(out);
    return text;
}
