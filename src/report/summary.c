#include "report/summary.h"

#include "base/csv.h"
#include "report/number.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static bool in_cell(const struct dataset_trial *trial, const struct summary_row *cell) {
    return trial->used && trial->probe == cell->probe && trial->channel == cell->channel &&
           trial->variant == cell->variant;
}

static void add_row(struct summary *summary, const struct summary_row *row) {
    summary->rows = memory_resize(summary->rows, summary->n_rows + 1, sizeof(*summary->rows));
    summary->rows[summary->n_rows++] = *row;
}

/* Counts the trials of the cell and adds the row of its headline metric. */
static void add_headline(struct summary *summary, struct summary_row *cell) {
    const struct dataset *dataset = summary->dataset;
    CLEANUP_FREE double *values = memory_new(dataset->n_trials, sizeof(*values));
    const char *first[DATASET_N_STATUSES] = {NULL};
    size_t lines[DATASET_N_STATUSES] = {0}, n = 0;

    for (size_t i = 0; i < dataset->n_trials; i++) {
        const struct dataset_trial *trial = &dataset->trials[i];

        if (!in_cell(trial, cell))
            continue;
        cell->counts[trial->status]++;
        if (trial->status == DATASET_OK)
            values[n++] = trial->value;
        if (*trial->reason && (!first[trial->status] || trial->line < lines[trial->status])) {
            first[trial->status] = trial->reason;
            lines[trial->status] = trial->line;
        }
    }
    memcpy(cell->reasons, first, sizeof(first));
    cell->statistics = statistics_describe(values, n);
    add_row(summary, cell);
}

/* Adds a row for each series that has values in the cell. */
static void add_metrics(struct summary *summary, const struct summary_row *cell) {
    const struct dataset *dataset = summary->dataset;
    CLEANUP_FREE double *values = memory_new(dataset->n_values, sizeof(*values));

    for (size_t series = 0; series < dataset->n_series; series++) {
        struct summary_row row = *cell;
        size_t n = 0;

        for (size_t i = 0; i < dataset->n_values; i++)
            if (dataset->values[i].series == series &&
                in_cell(&dataset->trials[dataset->values[i].trial], cell))
                values[n++] = dataset->values[i].value;
        if (!n)
            continue;
        row.headline = false;
        row.metric = dataset->series[series].name;
        row.unit = dataset->series[series].unit;
        row.statistics = statistics_describe(values, n);
        row.reference = NAN;
        add_row(summary, &row);
    }
}

/* Whether a probe was measured (or tried) with this variant. */
static bool has_variant(const struct dataset *dataset, size_t probe, size_t variant) {
    for (size_t i = 0; i < dataset->n_trials; i++)
        if (dataset->trials[i].used && dataset->trials[i].probe == probe &&
            dataset->trials[i].variant == variant)
            return true;
    return false;
}

static void add_cells(struct summary *summary, size_t probe, size_t variant) {
    const struct dataset *dataset = summary->dataset;

    for (size_t channel = 0; channel < dataset->n_channels; channel++) {
        struct summary_row cell = {
            .probe = probe,
            .channel = channel,
            .variant = variant,
            .headline = true,
            .metric = dataset->probes[probe].metric,
            .unit = dataset->probes[probe].unit,
            .reference = dataset_reference(dataset, probe, channel),
        };

        add_headline(summary, &cell);
        add_metrics(summary, &cell);
    }
}

struct summary *summary_new(const struct dataset *dataset) {
    struct summary *summary = memory_new(1, sizeof(*summary));

    summary->dataset = dataset;
    for (size_t probe = 0; probe < dataset->n_probes; probe++) {
        bool any = false;

        for (size_t variant = 0; variant < dataset->n_variants; variant++) {
            if (!has_variant(dataset, probe, variant))
                continue;
            add_cells(summary, probe, variant);
            any = true;
        }
        if (!any) /* not measured at all: rows that say so, of no variant */
            add_cells(summary, probe, dataset->n_variants);
    }
    return summary;
}

void summary_free(struct summary *summary) {
    free(summary->rows);
    free(summary);
}

const char *summary_variant(const struct summary *summary, const struct summary_row *row) {
    const struct dataset *dataset = summary->dataset;

    return row->variant < dataset->n_variants ? dataset->variants[row->variant] : "";
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
    "autocorrelation,n_effective,drift_per_hour,reference";

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
    csv_empty(writer); /* autocorrelation */
    csv_empty(writer); /* n_effective */
    csv_empty(writer); /* drift_per_hour */
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
