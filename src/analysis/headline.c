#include "analysis/headline.h"

#include "base/csv.h"

#include <math.h>

/* ---- table.csv ---- */

struct row {
    const char *probe, *variant, *channel, *metric, *unit;
    int64_t trials;
    double mean, ci_low, ci_high, median, sd, ratio, ratio_low, ratio_high;
    const char *verdict;
    double reference;
    const char *comparable;
};

static const struct csv_column columns[] = {
    CSV_COLUMN(CSV_TEXT, struct row, probe),      CSV_COLUMN(CSV_TEXT, struct row, variant),
    CSV_COLUMN(CSV_TEXT, struct row, channel),    CSV_COLUMN(CSV_TEXT, struct row, metric),
    CSV_COLUMN(CSV_TEXT, struct row, unit),       CSV_COLUMN(CSV_INTEGER, struct row, trials),
    CSV_COLUMN(CSV_REAL, struct row, mean),       CSV_COLUMN(CSV_REAL, struct row, ci_low),
    CSV_COLUMN(CSV_REAL, struct row, ci_high),    CSV_COLUMN(CSV_REAL, struct row, median),
    CSV_COLUMN(CSV_REAL, struct row, sd),         CSV_COLUMN(CSV_REAL, struct row, ratio),
    CSV_COLUMN(CSV_REAL, struct row, ratio_low),  CSV_COLUMN(CSV_REAL, struct row, ratio_high),
    CSV_COLUMN(CSV_TEXT, struct row, verdict),    CSV_COLUMN(CSV_REAL, struct row, reference),
    CSV_COLUMN(CSV_TEXT, struct row, comparable),
};

static const char *is_comparable(double mean, double reference) {
    double ratio = mean / reference;

    if (isnan(reference))
        return "";
    return ratio >= 1 / HEADLINE_COMPARABLE && ratio <= HEADLINE_COMPARABLE ? "yes" : "no";
}

static void fill_ratio(struct row *row, const struct dataset *dataset,
                       const struct summary_row *headline, const struct comparison *comparison) {
    bool is_baseline = text_equal(row->channel, dataset->baseline);

    row->ratio = is_baseline && headline->statistics.n ? 1 : NAN;
    row->ratio_low = row->ratio_high = NAN;
    row->verdict = "";
    if (!comparison)
        return;
    row->ratio = comparison->paired.ratio;
    row->ratio_low = comparison->paired.ci_low;
    row->ratio_high = comparison->paired.ci_high;
    row->verdict = comparison->skipped ? "skipped" : verdict_word(comparison->verdict);
}

int headline_write_table(const struct summary *summary, const struct comparisons *comparisons,
                         const char *path, struct error *error) {
    const struct dataset *dataset = summary->dataset;
    CLEANUP(csv_writer_closep) struct csv_writer *writer = NULL;
    int r = csv_table_open(&writer, path, columns, ARRAY_SIZE(columns), error);

    if (r < 0)
        return r;
    for (size_t i = 0; i < summary->n_rows; i++) {
        const struct summary_row *headline = &summary->rows[i];
        const struct statistics *statistics = &headline->statistics;
        struct row row = {
            .probe = dataset->probes[headline->probe].name,
            .variant = dataset_variant(dataset, headline->variant),
            .channel = dataset->channels[headline->channel].name,
            .metric = headline->metric,
            .unit = headline->unit,
            .trials = (int64_t)statistics->n,
            .mean = statistics->mean,
            .ci_low = statistics->ci_low,
            .ci_high = statistics->ci_high,
            .median = statistics->median,
            .sd = statistics->sd,
            .reference = headline->reference,
            .comparable = is_comparable(statistics->mean, headline->reference),
        };

        if (!headline->headline)
            continue;
        fill_ratio(
            &row, dataset, headline,
            comparisons_find(comparisons, headline->probe, headline->variant, headline->channel));
        csv_row(writer, columns, ARRAY_SIZE(columns), &row);
    }
    return csv_flush(writer, true, error);
}

/* ---- values.csv ---- */

struct value {
    const char *probe, *variant, *channel;
    int64_t trial, attempt, block;
    double started_s;
    const char *status;
    double value;
};

static const struct csv_column value_columns[] = {
    CSV_COLUMN(CSV_TEXT, struct value, probe),      CSV_COLUMN(CSV_TEXT, struct value, variant),
    CSV_COLUMN(CSV_TEXT, struct value, channel),    CSV_COLUMN(CSV_INTEGER, struct value, trial),
    CSV_COLUMN(CSV_INTEGER, struct value, attempt), CSV_COLUMN(CSV_INTEGER, struct value, block),
    CSV_COLUMN(CSV_REAL, struct value, started_s),  CSV_COLUMN(CSV_TEXT, struct value, status),
    CSV_COLUMN(CSV_REAL, struct value, value),
};

/* When the first trial that counts began; 0: no time is known. */
static int64_t first_ms(const struct dataset *dataset) {
    int64_t first = 0;

    for (size_t i = 0; i < dataset->n_trials; i++) {
        int64_t ms = dataset->trials[i].used ? dataset->trials[i].started_ms : 0;

        first = ms && (!first || ms < first) ? ms : first;
    }
    return first;
}

int headline_write_values(const struct cells *cells, const char *path, struct error *error) {
    const struct dataset *dataset = cells->dataset;
    CLEANUP(csv_writer_closep) struct csv_writer *writer = NULL;
    int r = csv_table_open(&writer, path, value_columns, ARRAY_SIZE(value_columns), error);
    int64_t first = first_ms(dataset);

    if (r < 0)
        return r;
    for (size_t i = 0; i < cells->n; i++) {
        const struct cell *cell = &cells->list[i];

        for (size_t k = 0; k < cell->n; k++) {
            const struct dataset_trial *trial = &dataset->trials[cell->trials[k]];
            struct value value = {
                .probe = dataset->probes[cell->probe].name,
                .variant = dataset_variant(dataset, cell->variant),
                .channel = dataset->channels[cell->channel].name,
                .trial = trial->trial,
                .attempt = trial->attempt,
                .block = trial->block,
                .started_s = trial->started_ms ? (double)(trial->started_ms - first) / 1000 : NAN,
                .status = trial_status_word(trial->status),
                .value = trial->value,
            };

            csv_row(writer, value_columns, ARRAY_SIZE(value_columns), &value);
        }
    }
    return csv_flush(writer, true, error);
}
