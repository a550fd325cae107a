/*
 * table - the headline metric of every channel on every rung of the ladder, with the published
 * values beside it, as text for a terminal, as Markdown and as LaTeX (booktabs). Under the name
 * of each rung stands what it measures, so that none is taken for another.
 */
#ifndef BENCH_ANALYSIS_TABLE_H
#define BENCH_ANALYSIS_TABLE_H

#include "analysis/analysis.h"

#define TABLE_WIDTH 79

enum table_column {
    TABLE_CHANNEL,
    TABLE_TRIALS,
    TABLE_MEAN,
    TABLE_INTERVAL,
    TABLE_MEDIAN,
    TABLE_SD,
    TABLE_PUBLISHED,
    TABLE_RATIO,
    TABLE_RATIO_INTERVAL,
    TABLE_VERDICT,
    TABLE_N_COLUMNS,
};

struct table_row {
    char *cells[TABLE_N_COLUMNS]; /* numbers as they are shown; "-": not known; "": none */
    char *note;                   /* what went wrong, in words; "" when nothing did */
};

struct table_rung {
    char *name; /* probe and, where there is one, its variant; metric and unit if they differ */
    char *help; /* what it measures; "" from the second variant on */
    struct table_row *rows;
    size_t n_rows;
};

struct table {
    char *title, *subtitle;
    char *headers[TABLE_N_COLUMNS]; /* NULL: the column is not shown; a terminal shows fewer */
    struct table_rung *rungs;
    size_t n_rungs;
    char **notes; /* sentences below the table */
    size_t n_notes;
};

/* The table belongs to the caller and points to nothing else. */
struct table *table_new(const struct analysis *analysis);
void table_free(struct table *table);
DEFINE_CLEANUP(struct table *, table_free)

/* Each form of it, a text that belongs to the caller (table_format.c, table_latex.c). What is more
 * than a page in LaTeX is several tables. */
char *table_terminal(const struct table *table);
char *table_markdown(const struct table *table);
char *table_latex(const struct table *table);

#endif
