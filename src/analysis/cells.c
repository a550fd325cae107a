#include "analysis/cells.h"

#include <math.h>
#include <string.h>

static size_t cell_number(const struct dataset *dataset, const struct dataset_trial *trial) {
    return (trial->probe * dataset->n_variants + trial->variant) * dataset->n_channels +
           trial->channel;
}

/* What the order is made by: where a trial belongs, and when it was. */
struct place {
    size_t cell;
    int64_t started_ms;
    uint32_t trial;
};

static int compare_places(const void *a, const void *b) {
    const struct place *x = a, *y = b;

    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    if (x->started_ms != y->started_ms)
        return x->started_ms < y->started_ms ? -1 : 1;
    return (x->trial > y->trial) - (x->trial < y->trial);
}

/* The used trials, sorted; *ret_n: how many. */
static struct place *sort_trials(const struct dataset *dataset, size_t *ret_n) {
    struct place *places = memory_new(dataset->n_trials, sizeof(*places));
    size_t n = 0;

    for (size_t i = 0; i < dataset->n_trials; i++)
        if (dataset->trials[i].used)
            places[n++] = (struct place){cell_number(dataset, &dataset->trials[i]),
                                         dataset->trials[i].started_ms, (uint32_t)i};
    qsort(places, n, sizeof(*places), compare_places);
    *ret_n = n;
    return places;
}

/* What belongs to a cell, as long as it is counted. */
struct tally {
    size_t n, n_before;
    const struct dataset_trial *before;
};

/* The cells of one probe and variant, whose trials `tallies` count; NULL: there are none. */
static void add_row(struct cells *cells, size_t probe, size_t variant, const struct tally *tallies,
                    size_t *offset) {
    for (size_t channel = 0; channel < cells->dataset->n_channels; channel++) {
        struct tally tally = tallies ? tallies[channel] : (struct tally){0, 0, NULL};

        cells->list[cells->n++] = (struct cell){
            probe, variant, channel, cells->order + *offset, tally.n, tally.n_before, tally.before};
        *offset += tally.n;
    }
}

static void add_cells(struct cells *cells, const struct tally *tallies) {
    const struct dataset *dataset = cells->dataset;
    size_t offset = 0;

    cells->list = memory_new(dataset->n_probes * (dataset->n_variants + 1) * dataset->n_channels,
                             sizeof(*cells->list));
    for (size_t probe = 0; probe < dataset->n_probes; probe++) {
        size_t before = cells->n;

        for (size_t variant = 0; variant < dataset->n_variants; variant++) {
            const struct tally *row =
                tallies + (probe * dataset->n_variants + variant) * dataset->n_channels;
            size_t total = 0;

            for (size_t channel = 0; channel < dataset->n_channels; channel++)
                total += row[channel].n;
            if (total)
                add_row(cells, probe, variant, row, &offset);
        }
        if (cells->n == before)
            add_row(cells, probe, dataset->n_variants, NULL, &offset);
    }
}

static void count_before(const struct dataset *dataset, struct tally *tallies) {
    for (size_t i = 0; i < dataset->n_trials; i++) {
        const struct dataset_trial *trial = &dataset->trials[i];
        struct tally *tally = &tallies[cell_number(dataset, trial)];

        if (trial->used || (trial->status != TRIAL_FAILED && trial->status != TRIAL_VOID))
            continue;
        tally->before = tally->n_before++ ? tally->before : trial;
    }
}

struct cells *cells_new(const struct dataset *dataset) {
    struct cells *cells = memory_new(1, sizeof(*cells));
    CLEANUP_FREE struct tally *tallies = memory_new(
        dataset->n_probes * dataset->n_variants * dataset->n_channels + 1, sizeof(*tallies));
    CLEANUP_FREE struct place *places = NULL;
    size_t n;

    cells->dataset = dataset;
    places = sort_trials(dataset, &n);
    cells->order = memory_new(n, sizeof(*cells->order));
    for (size_t i = 0; i < n; i++) {
        cells->order[i] = places[i].trial;
        tallies[places[i].cell].n++;
    }
    count_before(dataset, tallies);
    add_cells(cells, tallies);
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

double *cells_by_block(const struct cells *cells, const struct cell *cell) {
    const struct dataset *dataset = cells->dataset;
    double *values = memory_new(dataset->n_counted, sizeof(*values));

    for (size_t i = 0; i < dataset->n_counted; i++)
        values[i] = NAN;
    for (size_t i = 0; i < cell->n; i++) {
        const struct dataset_trial *trial = &dataset->trials[cell->trials[i]];

        if (trial->status == TRIAL_OK)
            values[dataset_find_block(dataset, trial->block) - dataset->counted] = trial->value;
    }
    return values;
}

size_t cells_pairs(const struct cells *cells, const struct cell *a, const struct cell *b,
                   double *ret_a, double *ret_b) {
    CLEANUP_FREE double *of_a = cells_by_block(cells, a), *of_b = cells_by_block(cells, b);
    size_t n = 0;

    for (size_t i = 0; i < cells->dataset->n_counted; i++)
        if (!isnan(of_a[i]) && !isnan(of_b[i])) {
            ret_a[n] = of_a[i];
            ret_b[n++] = of_b[i];
        }
    return n;
}
