/* intervals.csv: whether the steps of a trial agree with each other and with trials.csv, and for
 * how long nothing arrived. */
#include "analysis/dataset_source.h"

#include <errno.h>
#include <math.h>

enum { TRIAL, ATTEMPT, START, END, BYTES };

/* The steps of a trial, as far as they are read. */
struct steps {
    double start_s, end_s; /* of the first, of the last */
    double bytes;
    double empty_s, longest_s; /* of steps without a byte: the last ones; the longest time */
    size_t line;               /* of the last; 0: there is none yet */
};

struct intervals {
    struct source source;
    struct steps *steps; /* by trial */
};

static void intervals_clear(struct intervals *intervals) {
    source_close(&intervals->source);
    free(intervals->steps);
}

/* A step may begin where the one before ends, and does. */
static int take_step(struct intervals *intervals, struct steps *steps) {
    const struct source *source = &intervals->source;
    double start_s, end_s, bytes;
    int r = source_real(source, START, &start_s);

    if (r == 0)
        r = source_real(source, END, &end_s);
    if (r == 0)
        r = source_count(source, BYTES, &bytes);
    if (r < 0)
        return r;
    if (!(start_s >= 0))
        return source_reject(source, START, "is before the beginning");
    if (!(end_s > start_s))
        return source_reject(source, END, "is not behind start_s");
    if (steps->line && start_s < steps->end_s) {
        CLEANUP_FREE char *why =
            text_format("lies in the step before, which ends at %.9g", steps->end_s);

        return source_reject(source, START, why);
    }
    if (!steps->line)
        steps->start_s = start_s;
    steps->end_s = end_s;
    steps->empty_s = bytes > 0 ? 0 : steps->empty_s + end_s - start_s;
    steps->longest_s = fmax(steps->longest_s, steps->empty_s);
    steps->bytes += isnan(bytes) ? 0 : bytes;
    steps->line = source->reader->line;
    return 0;
}

static int take_row(struct intervals *intervals) {
    const struct dataset *dataset = intervals->source.dataset;
    const struct dataset_trial *trial;
    int r = source_trial(&intervals->source, &trial);

    if (r < 0 || !trial || trial->status != DATASET_OK)
        return r;
    return take_step(intervals, &intervals->steps[trial - dataset->trials]);
}

/* All steps of a trial against its row of trials.csv: they are its window, cut up. */
static int check_trial(const struct dataset_trial *trial, const struct steps *steps,
                       const char *path, struct error *error) {
    double span_s = steps->end_s - steps->start_s;
    double slack_s = csv_real_error(steps->start_s) + csv_real_error(steps->end_s) +
                     csv_real_error(trial->duration_s);

    if (!isnan(trial->bytes) && steps->bytes != trial->bytes)
        return error_set(error, -EBADMSG,
                         "%s:%zu: bytes: the steps of trial %ld, attempt %ld make %.0f, but "
                         "trials.csv has %.0f",
                         path, steps->line, trial->trial, trial->attempt, steps->bytes,
                         trial->bytes);
    /* A little more, for what the arithmetic here rounds. */
    if (fabs(span_s - trial->duration_s) > 1.001 * slack_s)
        return error_set(error, -EBADMSG,
                         "%s:%zu: end_s: the steps of trial %ld, attempt %ld last %.9g s, but "
                         "trials.csv has %.9g",
                         path, steps->line, trial->trial, trial->attempt, span_s,
                         trial->duration_s);
    return 0;
}

int dataset_read_intervals(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {"trial", "attempt", "start_s", "end_s", "bytes", NULL};
    CLEANUP(intervals_clear) struct intervals intervals = {.source.error = error};
    int r = source_open(&intervals.source, dataset, run_dir, "intervals.csv", names);

    intervals.steps = memory_new(dataset->n_trials, sizeof(*intervals.steps));
    while (r >= 0 && (r = source_next(&intervals.source)) > 0)
        r = take_row(&intervals);
    for (size_t i = 0; r == 0 && i < dataset->n_trials; i++)
        if (intervals.steps[i].line) {
            dataset->trials[i].silence_s = intervals.steps[i].longest_s;
            r = check_trial(&dataset->trials[i], &intervals.steps[i], intervals.source.reader->path,
                            error);
        }
    return r;
}
