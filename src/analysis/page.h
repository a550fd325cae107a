/*
 * page - report.html: what a run found, on one page that needs nothing beside itself. No request
 * leaves it: style, figures and the smaller files of the run are in it. It is read in this order:
 * what may be concluded, the table, comparisons, figures, ladder, proofs, validity, environment,
 * how to reproduce, data.
 *
 * What is missing (figures, environment.json, trials) is said in its place. Sentences of the
 * findings and verdicts are shown as they are. A number is
 *
 *     <data value="EXACT">SHOWN</data>     EXACT as the CSV file has it, SHOWN rounded
 *
 * and each that is from a CSV file stands in an element with data-column="COLUMN..." (one name for
 * each number in it) below one with data-file and the columns that identify the row (data-probe,
 * data-channel, ...). The markup is HTML and well-formed XML.
 */
#ifndef BENCH_ANALYSIS_PAGE_H
#define BENCH_ANALYSIS_PAGE_H

#include "analysis/analysis.h"

/* Writes the page to `path`: under a temporary name, synced, renamed. plot_dir: where the figures
 * (NAME.svg) lie, or NULL. summary.csv and what else is computed must be written before: the page
 * holds them. */
int page_write(const struct analysis *analysis, const char *plot_dir, const char *path,
               struct error *error);

#endif
