/*
 * figure - what the modules that lay out one figure each have in common. A figure is made in two
 * steps: its module (figure_kind.make) puts what is to be drawn into CSV files below
 * PLOT_DIR/data/ and says which panels there are; then scripts/NAME.gp draws from these files.
 *
 * Panels are numbered from 1 in the order of the cells (probe, then variant), channels from 1 by
 * their place in the scenario, which also chooses their colour and marker.
 */
#ifndef BENCH_ANALYSIS_FIGURE_H
#define BENCH_ANALYSIS_FIGURE_H

#include "analysis/analysis.h"
#include "analysis/figure_axis.h"
#include "analysis/figure_file.h"

#define FIGURE_POINTS 2000 /* about as many in a panel as can be told apart */
#define FIGURE_MANY   8    /* more channels than that are drawn closer together (style.gp, too) */

struct figure_sources {
    const struct dataset *dataset;
    const struct cells *cells;
    const struct summary *summary;
    const struct comparisons *comparisons;
    const struct ladder *ladder;
    const char *folder; /* PLOT_DIR/data */
};

#define FIGURE_UNASKED "-" /* why: it is of a probe that the run has not; nobody need be told */

#define FIGURE_NO_PROBE SIZE_MAX /* of a panel that is of none: it has no title */

struct figure_panel {
    size_t probe, variant; /* places in the dataset's lists */
    char *label;           /* of the axis of values, with its unit */
    struct figure_axis axis;
};

/* What stands beside a symbol in the legend. */
struct figure_entry {
    size_t symbol; /* from 1: which channel, or whatever the figure has */
    char *text;
};

struct figure {
    char *why;           /* why there is no such figure; NULL: there is; FIGURE_UNASKED */
    char *note;          /* a line below the title; NULL: none */
    size_t lines, width; /* of the largest label of a row or bar: lines, characters */
    size_t gutter;       /* characters of the widest text at the right of the panels */
    struct figure_panel *panels;
    struct figure_entry *entries;
    size_t n_panels, n_entries;
};

struct figure_kind {
    const char *name; /* of its .gp */
    int (*make)(struct figure *figure, const struct figure_sources *sources, struct error *error);
};

extern const struct figure_kind figure_throughput, figure_ladder, figure_trials,
    figure_distribution, figure_ratios, figure_latency, figure_latency_probe, figure_cpu,
    figure_connect;

/* Adds a panel; its place, so its number less one. The figure owns what it points to. */
struct figure_panel *figure_add_panel(struct figure *figure, size_t probe, size_t variant,
                                      char *label, struct figure_axis axis);
/* The figure owns the text. */
void figure_add_entry(struct figure *figure, size_t symbol, char *text);
/* An entry for each channel, under its name. */
void figure_add_channels(struct figure *figure, const struct dataset *dataset);

/* "path", or "path, payload=30B"; the caller's. */
char *figure_panel_name(const struct dataset *dataset, size_t probe, size_t variant);
/* "Throughput (Mbit/s)"; the caller's. */
char *figure_metric_label(const struct dataset_probe *probe);

/* Makes room in the figure for a text in the gutter, or for a label. */
void figure_fit_gutter(struct figure *figure, const char *text);
void figure_fit_label(struct figure *figure, const char *label);

#endif
