/*
 * figure_data - what the figures of a run are drawn from: CSV files below PLOT_DIR/data/, with all
 * that is to be computed computed, laid out and thinned to what an eye can see, so that the scripts
 * do nothing but draw. They are of no further use, and made anew by every report.
 *
 *   run.csv       the run, and how wide names are
 *   channels.csv  a row a channel, in the scenario's order
 *   figures.csv   a row a figure: how many panels, how much room its texts need, what it has to
 *                 say below its title, and why it is left out ("": it is not)
 *   panels.csv    a row a panel of a figure: title, axis, marks
 *   legend.csv    a row an entry of a figure's legend: symbol, text, place
 *   NAME.csv, NAME-*.csv   what is drawn in figure NAME
 */
#ifndef BENCH_ANALYSIS_FIGURE_DATA_H
#define BENCH_ANALYSIS_FIGURE_DATA_H

#include "analysis/analysis.h"

/* Makes plot_dir and plot_dir/data where they are missing. */
int figure_data_write(const struct analysis *analysis, const char *plot_dir, struct error *error);

#endif
