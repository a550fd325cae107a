/*
 * run_analysis - for the tests of what is computed from a run: one is written row by row into a
 * folder of its own (run_folder.h), read, analysed, and removed again.
 */
#ifndef BENCH_TESTS_RUN_ANALYSIS_H
#define BENCH_TESTS_RUN_ANALYSIS_H

#include "run_folder.h"

#include "analysis/report.h"

#include <math.h>

/* The rows of a run; started a minute apart, in the order in which they are added. */
struct draft_run {
    char *trials, *metrics;
    int n;
};

static inline void draft_text(char **text, char *more) {
    char *longer = text_format("%s%s", *text, more);

    free(*text);
    free(more);
    *text = longer;
}

/* `value`: as in trials.csv; "" for none. The trial has as many whole bytes in 10 s as make it. */
static inline void draft_trial(struct draft_run *draft, int block, const char *channel,
                               const char *probe, const char *variant, const char *value,
                               const char *status) {
    double bytes = round(strtod(value, NULL) * 1e6 / 8 * 10);
    CLEANUP_FREE char *figures =
        *value ? text_format("10,%.0f,%.9g", bytes, bytes * 8 / 1e6 / 10) : text_copy(",,");
    int minute = draft->n++;

    if (!draft->trials)
        draft->trials = text_copy(TRIALS_HEADER);
    draft_text(&draft->trials,
               text_format("%d,1,%d,1,%s,%s,%s,2026-11-22T%02d:%02d:00Z,%s,%s,%s,,,\n", draft->n,
                           block, channel, probe, variant, minute / 60, minute % 60, figures,
                           status, text_equal(status, "ok") ? "" : "a reason"));
}

static inline void draft_value(struct draft_run *draft, int block, const char *channel,
                               const char *probe, double value) {
    CLEANUP_FREE char *text = text_format("%.9g", value);

    draft_trial(draft, block, channel, probe, "", text, "ok");
}

/* A metric of the trial that was added last. */
static inline void draft_metric(struct draft_run *draft, const char *names, double value) {
    if (!draft->metrics)
        draft->metrics = text_copy(METRICS_HEADER);
    draft_text(&draft->metrics, text_format("%d,1,%s,%.9g\n", draft->n, names, value));
}

/* Analyses the rows and forgets them. `files` (may be NULL) adds to the folder. */
static inline struct analysis *draft_analyse(struct draft_run *draft, const char *scenario,
                                             const char *definitions,
                                             void (*files)(const char *run)) {
    CLEANUP(run_removep)
    char *run = run_make(scenario, definitions, draft->trials ? draft->trials : TRIALS_HEADER,
                         draft->metrics ? draft->metrics : METRICS_HEADER);
    struct analysis *analysis = NULL;
    struct error error = {""};

    if (files)
        files(run);
    if (analysis_new(&analysis, run, &error) < 0)
        fail_msg("%s", error.text);
    free(draft->trials);
    free(draft->metrics);
    *draft = (struct draft_run){NULL, NULL, 0};
    return analysis;
}

/* One of the files that are written of the run; the caller's. */
static inline char *draft_written(const struct analysis *analysis, const char *name) {
    CLEANUP(run_removep) char *run = run_make(NULL, NULL, NULL, NULL);
    struct error error = {""};

    if (report_write_files(analysis, run, &error) < 0)
        fail_msg("%s", error.text);
    return run_get(run, name);
}

/* The headline row of a cell, or NULL. */
static inline const struct summary_row *find_headline(const struct summary *summary, size_t probe,
                                                      size_t channel, size_t variant) {
    for (size_t i = 0; i < summary->n_rows; i++) {
        const struct summary_row *row = &summary->rows[i];

        if (row->headline && row->probe == probe && row->channel == channel &&
            row->variant == variant)
            return row;
    }
    return NULL;
}

/* A number from -1 to 1, the same for the same n: noise that no generator's version changes. */
static inline double draft_noise(int n) {
    return sin(n * 12.9898) * cos(n * 78.233);
}

static inline void assert_part(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("no '%s' in:\n%s", part, text);
}

static inline void assert_no_part(const char *text, const char *part) {
    if (strstr(text, part))
        fail_msg("'%s' in:\n%s", part, text);
}

#endif
