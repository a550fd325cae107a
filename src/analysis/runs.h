/*
 * runs - several runs side by side: for each probe and variant that at least two of them share, and
 * each channel that at least two share there, the mean of each run and the ratio to that run's own
 * baseline. Scenarios need not be the same; what is not common, and what differs in settings and
 * hosts, is said below.
 *
 * Only runs that have the same metric and unit for a probe stand in one rung. No means of two runs
 * are tested against each other: they were taken on other days, or on other machines.
 */
#ifndef BENCH_ANALYSIS_RUNS_H
#define BENCH_ANALYSIS_RUNS_H

#include "analysis/analysis.h"

/* A run of a channel on a rung. */
struct runs_row {
    size_t run; /* place in the list of runs */
    const struct summary_row *summary;
    const struct comparison *comparison; /* with the run's own baseline; NULL: there is none */
    bool is_baseline;
};

/* A channel of a rung: its rows are rows[first .. first + n), in the order of the runs. */
struct runs_channel {
    const char *name;
    size_t first, n;
};

struct runs_rung {
    const char *probe, *variant, *metric, *unit, *better, *help;
    struct runs_channel *channels;
    struct runs_row *rows;
    size_t n_channels, n_rows;
};

struct runs {
    struct analysis **list; /* not ours */
    char **labels;          /* "A", "B", ...: how tables and figures call them */
    size_t n;
    struct runs_rung *rungs;
    size_t n_rungs;
    char **differences, **notes; /* lines and sentences for below the table */
    size_t n_differences, n_notes;
};

/* The runs belong to the caller and point into the analyses, which must outlive them. The files
 * scenario.ini and environment.json of each are read again; one that cannot be read is passed over,
 * which a note says. */
struct runs *runs_new(struct analysis **list, size_t n);
void runs_free(struct runs *runs);
DEFINE_CLEANUP(struct runs *, runs_free)

/* The run's name; its folder where another has the same name. */
const char *runs_name(const struct runs *runs, size_t run);
/* The channel that a run's ratios of a row are to; "" without. */
const char *runs_baseline(const struct runs *runs, const struct runs_row *row);
/* "equivalent", ...; "baseline" for that itself; "" where nothing can be compared. */
const char *runs_verdict(const struct runs_row *row);

/* runs_notes.c: adds what is to be said of runs whose rungs are there. */
void runs_add_notes(struct runs *runs);
/* runs_differences.c: adds what differs in settings, hosts and negotiated TLS. */
void runs_add_differences(struct runs *runs);
/* Adds a sentence to the notes; the text belongs to the runs from here on. */
void runs_note(struct runs *runs, char *text);

/* ---- what is made of them: runs_format.c, texts that belong to the caller ---- */

char *runs_terminal(const struct runs *runs);
char *runs_markdown(const struct runs *runs);
char *runs_latex(const struct runs *runs);

/* Writes into a folder runs.csv, runs.txt, runs.md, runs.tex, and in its data/ what the chart is
 * drawn from: runs_files.c, runs_chart.c. */
int runs_write(const struct runs *runs, const char *folder, struct error *error);
int runs_write_chart(const struct runs *runs, const char *folder, struct error *error);

/* Draws runs.{svg,png,pdf} from the data/ in the folder, by scripts_dir/side-by-side/draw.
 * *ret_words ("" when all is well, the caller's) says what is left out; -ENOENT when gnuplot is
 * missing. */
int runs_draw(const char *folder, const char *scripts_dir, char **ret_words, struct error *error);

#endif
