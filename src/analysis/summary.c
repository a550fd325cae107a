#include "analysis/summary.h"

#include "analysis/number.h"
#include "base/csv.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define MS_PER_HOUR  3.6e6
#define DRIFT_TRIALS 10 /* the slope of fewer is mostly chance */

/* A value of a cell, and where its trial stands in the cells' order: by cell, then by time. */
struct placed {
    uint32_t place;
    double value;
};

/* What all rows are made with. */
struct maker {
    struct summary *summary;
    const struct cells *cells;
    uint32_t *cell_of, *place_of; /* of each trial of the dataset that is used */
    size_t *ends;                 /* of each cell's values among those of a series */
    struct placed *placed;        /* room for the largest series, and for all trials */
    double *values, *hours;       /* the same */
};

static struct maker maker_new(struct summary *summary, const struct cells *cells) {
    const struct dataset *dataset = cells->dataset;
    size_t room = dataset->n_trials;
    struct maker maker = {.summary = summary, .cells = cells};

    for (size_t i = 0; i < dataset->n_series; i++)
        room = dataset->series[i].n > room ? dataset->series[i].n : room;
    maker.cell_of = memory_new(dataset->n_trials, sizeof(*maker.cell_of));
    maker.place_of = memory_new(dataset->n_trials, sizeof(*maker.place_of));
    maker.ends = memory_new(cells->n, sizeof(*maker.ends));
    maker.placed = memory_new(room, sizeof(*maker.placed));
    maker.values = memory_new(room, sizeof(*maker.values));
    maker.hours = memory_new(room, sizeof(*maker.hours));
    for (size_t i = 0; i < cells->n; i++)
        for (size_t k = 0; k < cells->list[i].n; k++) {
            maker.cell_of[cells->list[i].trials[k]] = (uint32_t)i;
            maker.place_of[cells->list[i].trials[k]] =
                (uint32_t)(cells->list[i].trials + k - cells->order);
        }
    return maker;
}

static void maker_clear(struct maker *maker) {
    void *arrays[] = {maker->cell_of, maker->place_of, maker->ends,
                      maker->placed,  maker->values,   maker->hours};

    for (size_t i = 0; i < ARRAY_SIZE(arrays); i++)
        free(arrays[i]);
}

/* ---- the values of one row ---- */

/* Of values that stand in the order of time. Each is a block's, as no block has two of a cell. */
static struct statistics describe(const struct maker *maker, const struct placed *placed,
                                  size_t n) {
    const struct cells *cells = maker->cells;
    double *values = maker->values, *hours = maker->hours;
    struct statistics result;
    int64_t first_ms = 0;
    bool known = true;

    for (size_t i = 0; i < n; i++) {
        int64_t started_ms = cells->dataset->trials[cells->order[placed[i].place]].started_ms;

        first_ms = i ? first_ms : started_ms;
        values[i] = placed[i].value;
        hours[i] = (double)(started_ms - first_ms) / MS_PER_HOUR;
        known = known && started_ms;
    }
    result = statistics_describe(values, n);
    result.autocorrelation = timeline_autocorrelation(values, n);
    result.n_effective = timeline_effective(values, n);
    if (known && n >= DRIFT_TRIALS)
        result.drift = timeline_drift(hours, values, n);
    return result;
}

static void add_row(struct summary *summary, const struct summary_row *row) {
    summary->rows = memory_room(summary->rows, summary->n_rows, sizeof(*summary->rows));
    summary->rows[summary->n_rows++] = *row;
}

/* ---- headline metrics ---- */

/* How many trials of the cell are ok, failed, ..., and the first reason of each that was given. */
static void count_trials(const struct maker *maker, const struct cell *cell,
                         struct summary_row *row) {
    size_t lines[DATASET_N_STATUSES] = {0};

    for (size_t i = 0; i < cell->n; i++) {
        const struct dataset_trial *trial = &maker->cells->dataset->trials[cell->trials[i]];
        const char **first = &row->reasons[trial->status];

        row->counts[trial->status]++;
        if (*trial->reason && (!*first || trial->line < lines[trial->status])) {
            *first = trial->reason;
            lines[trial->status] = trial->line;
        }
    }
}

static void add_headline(const struct maker *maker, size_t place) {
    const struct dataset *dataset = maker->cells->dataset;
    const struct cell *cell = &maker->cells->list[place];
    struct summary_row row = {
        .cell = place,
        .probe = cell->probe,
        .channel = cell->channel,
        .variant = cell->variant,
        .headline = true,
        .metric = dataset->probes[cell->probe].metric,
        .unit = dataset->probes[cell->probe].unit,
        .reference = dataset_reference(dataset, cell->probe, cell->channel),
    };
    size_t n = 0;

    count_trials(maker, cell, &row);
    for (size_t i = 0; i < cell->n; i++) {
        const struct dataset_trial *trial = &dataset->trials[cell->trials[i]];

        if (trial->status == DATASET_OK)
            maker->placed[n++] = (struct placed){maker->place_of[cell->trials[i]], trial->value};
    }
    row.statistics = describe(maker, maker->placed, n);
    add_row(maker->summary, &row);
}

/* ---- metrics of metrics.csv ---- */

static int compare_places(const void *a, const void *b) {
    const struct placed *x = a, *y = b;

    return (x->place > y->place) - (x->place < y->place);
}

static void sort_placed(struct placed *placed, size_t n) {
    bool sorted = true;

    for (size_t i = 1; i < n && sorted; i++)
        sorted = placed[i - 1].place <= placed[i].place;
    if (!sorted)
        qsort(placed, n, sizeof(*placed), compare_places);
}

/* Numbers of elements become the places where each group of them starts. */
static void start_from_counts(size_t *counts, size_t n) {
    size_t start = 0;

    for (size_t i = 0; i < n; i++) {
        size_t count = counts[i];

        counts[i] = start;
        start += count;
    }
}

/* Puts the values of a series cell by cell; those of cell i end at ends[i] then. */
static void place_values(const struct maker *maker, const struct dataset_series *series) {
    const struct dataset_value *values = maker->cells->dataset->values + series->first;
    size_t *ends = maker->ends, n_cells = maker->cells->n;

    memset(ends, 0, n_cells * sizeof(*ends));
    for (size_t i = 0; i < series->n; i++)
        ends[maker->cell_of[values[i].trial]]++;
    start_from_counts(ends, n_cells);
    for (size_t i = 0; i < series->n; i++)
        maker->placed[ends[maker->cell_of[values[i].trial]]++] =
            (struct placed){maker->place_of[values[i].trial], values[i].value};
}

/* Adds a row for each cell that has values of the series; `rows` are the cells' headline rows. */
static void add_series(const struct maker *maker, const struct dataset_series *series) {
    size_t start = 0;

    place_values(maker, series);
    for (size_t i = 0; i < maker->cells->n; i++) {
        size_t n = maker->ends[i] - start;
        struct summary_row row = maker->summary->rows[i]; /* the cell's headline */

        if (n) {
            sort_placed(maker->placed + start, n);
            row.headline = false;
            row.metric = series->name;
            row.unit = series->unit;
            row.reference = NAN;
            row.statistics = describe(maker, maker->placed + start, n);
            add_row(maker->summary, &row);
        }
        start = maker->ends[i];
    }
}

/* ---- all rows ---- */

/* Rows are made metric by metric; now they stand cell by cell, otherwise in the same order. */
static void sort_rows(const struct maker *maker) {
    struct summary *summary = maker->summary;
    struct summary_row *sorted = memory_new(summary->n_rows, sizeof(*sorted));
    size_t *ends = maker->ends;

    memset(ends, 0, maker->cells->n * sizeof(*ends));
    for (size_t i = 0; i < summary->n_rows; i++)
        ends[summary->rows[i].cell]++;
    start_from_counts(ends, maker->cells->n);
    for (size_t i = 0; i < summary->n_rows; i++)
        sorted[ends[summary->rows[i].cell]++] = summary->rows[i];
    free(summary->rows);
    summary->rows = sorted;
}

struct summary *summary_new(const struct cells *cells) {
    struct summary *summary = memory_new(1, sizeof(*summary));
    CLEANUP(maker_clear) struct maker maker = maker_new(summary, cells);

    summary->dataset = cells->dataset;
    for (size_t i = 0; i < cells->n; i++)
        add_headline(&maker, i);
    for (size_t i = 0; i < cells->dataset->n_series; i++)
        add_series(&maker, &cells->dataset->series[i]);
    sort_rows(&maker);
    return summary;
}

void summary_free(struct summary *summary) {
    free(summary->rows);
    free(summary);
}

const char *summary_variant(const struct summary *summary, const struct summary_row *row) {
    return dataset_variant(summary->dataset, row->variant);
}

const struct summary_row *summary_find(const struct summary *summary, size_t probe, size_t channel,
                                       size_t variant) {
    for (size_t i = 0; i < summary->n_rows; i++) {
        const struct summary_row *row = &summary->rows[i];

        if (row->headline && row->probe == probe && row->channel == channel &&
            row->variant == variant)
            return row;
    }
    return NULL;
}

int summary_decimals(const struct summary_row *const *rows, size_t n) {
    CLEANUP_FREE double *means = memory_new(n, sizeof(*means));
    CLEANUP_FREE double *spreads = memory_new(n, sizeof(*spreads));

    for (size_t i = 0; i < n; i++) {
        means[i] = rows[i]->statistics.mean;
        spreads[i] = rows[i]->statistics.sd;
    }
    return number_decimals(means, spreads, n);
}

static const char header[] =
    "probe,channel,variant,metric,unit,trials,failed,void,mean,ci_low,ci_high,median,q1,q3,sd,"
    "autocorrelation,n_effective,drift_per_hour,drift_low,drift_high,reference";

static void write_row(struct csv_writer *writer, const struct summary *summary,
                      const struct summary_row *row) {
    const struct statistics *statistics = &row->statistics;

    csv_text(writer, summary->dataset->probes[row->probe].name);
    csv_text(writer, summary->dataset->channels[row->channel].name);
    csv_text(writer, summary_variant(summary, row));
    csv_text(writer, row->metric);
    csv_text(writer, row->unit);
    csv_integer(writer, (int64_t)statistics->n);
    csv_integer(writer, (int64_t)row->counts[DATASET_FAILED]);
    csv_integer(writer, (int64_t)row->counts[DATASET_VOID]);
    csv_real(writer, statistics->mean);
    csv_real(writer, statistics->ci_low);
    csv_real(writer, statistics->ci_high);
    csv_real(writer, statistics->median);
    csv_real(writer, statistics->q1);
    csv_real(writer, statistics->q3);
    csv_real(writer, statistics->sd);
    csv_real(writer, statistics->autocorrelation);
    csv_real(writer, statistics->n_effective);
    csv_real(writer, statistics->drift.per_hour);
    csv_real(writer, statistics->drift.low);
    csv_real(writer, statistics->drift.high);
    csv_real(writer, row->reference);
    csv_end_row(writer);
}

static int write_rows(const struct summary *summary, const char *path, struct error *error) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = NULL;
    int r = csv_writer_open(&writer, path, header, error);

    if (r < 0)
        return r;
    for (size_t i = 0; i < summary->n_rows; i++)
        write_row(writer, summary, &summary->rows[i]);
    return csv_flush(writer, true, error);
}

int summary_write(const struct summary *summary, const char *path, struct error *error) {
    CLEANUP_FREE char *draft = text_format("%s.%ld", path, (long)getpid());
    int r;

    (void)unlink(draft); /* of a process that died with our number */
    r = write_rows(summary, draft, error);
    if (r == 0 && rename(draft, path) < 0)
        r = error_errno(error, -errno, "%s", path);
    if (r < 0)
        (void)unlink(draft);
    return r;
}
