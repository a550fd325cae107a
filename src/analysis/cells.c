#include "analysis/cells.h"

#include <math.h>
#include <string.h>

static size_t cell_number(const struct dataset *dataset, const struct dataset_trial *trial) {
    return (trial->probe * dataset->n_variants + trial->variant) * dataset->n_channels +
           trial->channel;
}

/* Of places in the list of the dataset of `context`, the cells: by cell, then by time. */
static int compare_trials(const void *a, const void *b, void *context) {
    const struct dataset *dataset = ((const struct cells *)context)->dataset;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const struct dataset_trial *of_x = &dataset->trials[x], *of_y = &dataset->trials[y];
    size_t cell_x = cell_number(dataset, of_x), cell_y = cell_number(dataset, of_y);

    if (cell_x != cell_y)
        return cell_x < cell_y ? -1 : 1;
    if (of_x->started_ms != of_y->started_ms)
        return of_x->started_ms < of_y->started_ms ? -1 : 1;
    return (x > y) - (x < y);
}

/* The cells of one probe and variant, whose trials are the next of the sorted ones. Returns whether
 * it was tried. */
static bool add_row(struct cells *cells, size_t probe, size_t variant, size_t *next, size_t n) {
    const struct dataset *dataset = cells->dataset;
    size_t first = *next;

    for (size_t channel = 0; channel < dataset->n_channels; channel++) {
        struct cell *cell = &cells->list[cells->n++];

        *cell = (struct cell){
            .probe = probe, .variant = variant, .channel = channel, .trials = cells->order + *next};
        for (; *next < n; ++*next, cell->n++) {
            const struct dataset_trial *trial = &dataset->trials[cells->order[*next]];

            if (trial->probe != probe || trial->variant != variant || trial->channel != channel)
                break;
        }
    }
    return *next > first;
}

/* What failed and was measured again, as long as its cell has trials that count. */
static void count_before(struct cells *cells) {
    for (size_t i = 0; i < cells->dataset->n_trials; i++) {
        const struct dataset_trial *trial = &cells->dataset->trials[i];

        if (trial->used || (trial->status != TRIAL_FAILED && trial->status != TRIAL_VOID))
            continue;
        for (struct cell *cell = cells->list; cell < cells->list + cells->n; cell++)
            if (cell->probe == trial->probe && cell->variant == trial->variant &&
                cell->channel == trial->channel)
                cell->before = cell->n_before++ ? cell->before : trial;
    }
}

struct cells *cells_new(const struct dataset *dataset) {
    struct cells *cells = memory_new(1, sizeof(*cells));
    size_t n = 0, next = 0;

    cells->dataset = dataset;
    cells->order = memory_new(dataset->n_trials, sizeof(*cells->order));
    for (size_t i = 0; i < dataset->n_trials; i++)
        if (dataset->trials[i].used)
            cells->order[n++] = (uint32_t)i;
    qsort_r(cells->order, n, sizeof(*cells->order), compare_trials, cells);
    cells->list = memory_new(dataset->n_probes * (dataset->n_variants + 1) * dataset->n_channels,
                             sizeof(*cells->list));
    for (size_t probe = 0; probe < dataset->n_probes; probe++) {
        size_t before = cells->n;

        for (size_t variant = 0; variant < dataset->n_variants; variant++)
            if (!add_row(cells, probe, variant, &next, n))
                cells->n -= dataset->n_channels;
        if (cells->n == before)
            (void)add_row(cells, probe, dataset->n_variants, &next, n);
    }
    count_before(cells);
    return cells;
}

void cells_free(struct cells *cells) {
    free(cells->list);
    free(cells->order);
    free(cells);
}

size_t cells_values(const struct cells *cells, const struct cell *cell, double *ret_values) {
    size_t n = 0;

    for (size_t i = 0; i < cell->n; i++) {
        const struct dataset_trial *trial = &cells->dataset->trials[cell->trials[i]];

        if (trial->status == TRIAL_OK)
            ret_values[n++] = trial->value;
    }
    return n;
}

double *cells_by_block(const struct cells *cells, const struct cell *cell, int series) {
    const struct dataset *dataset = cells->dataset;
    double *values = memory_new(dataset->n_counted, sizeof(*values));

    for (size_t i = 0; i < dataset->n_counted; i++)
        values[i] = NAN;
    for (size_t i = 0; i < cell->n; i++) {
        const struct dataset_trial *trial = &dataset->trials[cell->trials[i]];

        if (trial->status == TRIAL_OK)
            values[dataset_find_block(dataset, trial->block) - dataset->counted] =
                series == DATASET_HEADLINE
                    ? trial->value
                    : dataset_value(dataset, (size_t)series, cell->trials[i]);
    }
    return values;
}

size_t cells_pairs(const struct cells *cells, const struct cell *a, const struct cell *b,
                   int series, double *ret_a, double *ret_b) {
    CLEANUP_FREE double *of_a = cells_by_block(cells, a, series),
                        *of_b = cells_by_block(cells, b, series);
    size_t n = 0;

    for (size_t i = 0; i < cells->dataset->n_counted; i++)
        if (!isnan(of_a[i]) && !isnan(of_b[i])) {
            ret_a[n] = of_a[i];
            ret_b[n++] = of_b[i];
        }
    return n;
}
