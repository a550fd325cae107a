/* In the figure of all trials: those that gave no value, and which belong to the same block. */
#include "analysis/figure_trials.h"

#include <math.h>

#define MAX_BANDS 150 /* blocks that can be told apart in a picture */

void figure_trials_marks(struct figure_trials *trials) {
    const struct dataset *dataset = trials->sources->dataset;

    for (size_t i = 0; i < dataset->n_trials; i++) {
        const struct dataset_trial *trial = &dataset->trials[i];
        bool failed = trial->status == DATASET_FAILED, is_void = trial->status == DATASET_VOID;

        if (!failed && !is_void)
            continue;
        for (size_t p = 0; p < trials->figure->n_panels; p++) {
            const struct figure_panel *panel = &trials->figure->panels[p];

            if (panel->probe != trial->probe || panel->variant != trial->variant)
                continue;
            figure_put_integer(&trials->marks, (int64_t)p + 1);
            figure_put_integer(&trials->marks, (int64_t)trial->channel + 1);
            figure_put_real(&trials->marks, figure_trials_place(trials, i));
            figure_put_text(&trials->marks, dataset_status_word(trial->status));
            figure_end_row(&trials->marks);
            trials->failed += failed;
            trials->void_ += is_void;
        }
    }
}

struct band {
    long block;
    double from, to;
};

/* From the first to the last trial of each block, in the order of the blocks' beginnings. */
static struct band *find_bands(const struct figure_trials *trials, size_t *ret_n) {
    const struct dataset *dataset = trials->sources->dataset;
    struct band *bands = memory_new(dataset->n_counted, sizeof(*bands));
    size_t n = 0;

    for (size_t i = 0; i < dataset->n_trials; i++) {
        const struct dataset_trial *trial = &dataset->trials[i];
        double x = trial->used && figure_trials_tried(trial) ? figure_trials_place(trials, i) : NAN;
        size_t k = n;

        if (isnan(x))
            continue;
        while (k && bands[k - 1].block != trial->block) /* nearly always the last */
            k--;
        if (!k && n < dataset->n_counted)
            bands[n++] = (struct band){trial->block, x, x};
        else if (k)
            bands[k - 1] =
                (struct band){trial->block, fmin(bands[k - 1].from, x), fmax(bands[k - 1].to, x)};
    }
    *ret_n = n;
    return bands;
}

static int compare_bands(const void *a, const void *b) {
    const struct band *x = a, *y = b;

    return (x->from > y->from) - (x->from < y->from);
}

/* Each band goes on to the next. */
const char *figure_trials_bands(struct figure_trials *trials) {
    CLEANUP_FREE struct band *bands = NULL;
    size_t n;

    if (trials->sources->dataset->n_counted > MAX_BANDS)
        return "Blocks are too many to be shown.";
    bands = find_bands(trials, &n);
    qsort(bands, n, sizeof(*bands), compare_bands);
    for (size_t i = 0; i + 1 < n; i++)
        if (bands[i].to > bands[i + 1].from)
            return "Blocks overlap in time and are not shown.";
    for (size_t i = 0; n > 1 && i < n; i++) {
        if (i % 2)
            continue;
        figure_put_real(&trials->bands, bands[i].from);
        figure_put_real(&trials->bands, i + 1 < n ? bands[i + 1].from : trials->end * 1.01);
        figure_end_row(&trials->bands);
    }
    return n > 1 ? "Bands are blocks." : "";
}
