/*
 * report - everything that is made of a run's files alone: summary.csv, the tables, the figures.
 */
#ifndef BENCH_ANALYSIS_REPORT_H
#define BENCH_ANALYSIS_REPORT_H

#include "analysis/analysis.h"

/* All of it belongs to the caller; see report_result_clear(). */
struct report_result {
    struct analysis *analysis;
    char *table;    /* for the terminal */
    char *warnings; /* lines for stderr; "" when there are none */
};

void report_result_clear(struct report_result *result);

/* Writes summary.csv, comparisons.csv, ladder.csv, table.csv, findings.csv, values.csv,
 * cumulative.csv and the tables into the run folder. All of them
 * are written out before the first replaces its predecessor; on failure what was there stays. */
int report_write(const char *run_dir, struct report_result *ret, struct error *error);

/* Draws all figures into plot_dir (made when it is missing), each from CSV files alone: those of
 * the run and what figure_data_write() makes of it, by scripts_dir/figures. What that has to say is
 * in *ret_words ("" when nothing; the caller's); -ENOENT when gnuplot is missing. */
int report_figures(const struct analysis *analysis, const char *plot_dir, const char *scripts_dir,
                   char **ret_words, struct error *error);

/* Writes report.html into the run folder, with the figures that are in plot_dir. */
int report_page(const struct analysis *analysis, const char *plot_dir, struct error *error);

#endif
