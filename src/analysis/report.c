#include "analysis/report.h"

#include "base/csv.h"

#include <errno.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* A row of any of the files; each fills what its columns name. */
struct row {
    const char *probe, *variant, *channel, *metric, *unit, *baseline, *limit, *status;
    const char *verdict, *reason, *comparable, *comparable_ratio, *kind, *severity, *text;
    const char *process, *per, *algorithm;
    int64_t trials, failed, void_, blocks, trial, attempt, block;
    struct statistics statistics;
    struct paired paired;
    struct ladder_step step;
    double p_holm, reference, reference_ratio, started_s, value, share;
    double measured, predicted, algorithm_share;
};

/* One of the files while it is written. */
struct output {
    struct csv_writer *writer;
};

static void put(const struct output *output, const struct row *row) {
    csv_row(output->writer, row);
}

/* What a row is about, and the headline metric of its probe. */
static struct row row_of(const struct dataset *dataset, size_t probe, size_t variant,
                         size_t channel) {
    return (struct row){.probe = dataset->probes[probe].name,
                        .variant = dataset_variant(dataset, variant),
                        .channel = dataset->channels[channel].name,
                        .metric = dataset->probes[probe].metric,
                        .unit = dataset->probes[probe].unit};
}

#define TEXT(member)    CSV_COLUMN(CSV_TEXT, struct row, member)
#define INTEGER(member) CSV_COLUMN(CSV_INTEGER, struct row, member)
#define REAL(name, member)                                                                         \
    { name, CSV_REAL, offsetof(struct row, member) }
#define STATISTIC(member) REAL(#member, statistics.member)

/* ---- summary.csv ---- */

static const struct csv_column summary_columns[] = {
    TEXT(probe),
    TEXT(channel),
    TEXT(variant),
    TEXT(metric),
    TEXT(unit),
    INTEGER(trials),
    INTEGER(failed),
    {"void", CSV_INTEGER, offsetof(struct row, void_)},
    STATISTIC(mean),
    STATISTIC(ci_low),
    STATISTIC(ci_high),
    STATISTIC(median),
    STATISTIC(q1),
    STATISTIC(q3),
    STATISTIC(sd),
    STATISTIC(autocorrelation),
    STATISTIC(n_effective),
    REAL("drift_per_hour", statistics.drift.per_hour),
    REAL("drift_low", statistics.drift.low),
    REAL("drift_high", statistics.drift.high),
    REAL("reference", reference)};

static struct row row_of_summary(const struct dataset *dataset, const struct summary_row *one) {
    struct row row = row_of(dataset, one->probe, one->variant, one->channel);

    row.metric = one->metric;
    row.unit = one->unit;
    row.trials = (int64_t)one->statistics.n;
    row.failed = (int64_t)one->counts[TRIAL_FAILED];
    row.void_ = (int64_t)one->counts[TRIAL_VOID];
    row.statistics = one->statistics;
    row.reference = one->reference;
    return row;
}

static void put_summary(const struct analysis *analysis, const struct output *output) {
    for (size_t i = 0; i < analysis->summary->n_rows; i++) {
        struct row row = row_of_summary(analysis->dataset, &analysis->summary->rows[i]);

        put(output, &row);
    }
}

/* ---- comparisons.csv ---- */

static const struct csv_column comparison_columns[] = {TEXT(probe),
                                                       TEXT(variant),
                                                       TEXT(metric),
                                                       TEXT(channel),
                                                       TEXT(baseline),
                                                       INTEGER(blocks),
                                                       REAL("ratio", paired.ratio),
                                                       REAL("ci_low", paired.ci_low),
                                                       REAL("ci_high", paired.ci_high),
                                                       REAL("p_value", paired.p_value),
                                                       REAL("p_holm", p_holm),
                                                       REAL("shift", paired.shift),
                                                       REAL("cliff_delta", paired.cliff_delta),
                                                       TEXT(verdict),
                                                       TEXT(reason),
                                                       REAL("reference_ratio", reference_ratio)};

static void put_comparisons(const struct analysis *analysis, const struct output *output) {
    for (size_t i = 0; i < analysis->comparisons->n; i++) {
        const struct comparison *one = &analysis->comparisons->list[i];
        struct row row = row_of(analysis->dataset, one->probe, one->variant, one->channel);

        row.baseline = analysis->dataset->channels[one->baseline].name;
        row.blocks = (int64_t)one->paired.n;
        row.paired = one->paired;
        row.p_holm = one->p_holm;
        row.verdict = comparison_word(analysis->dataset, one);
        row.reason = one->reason;
        row.reference_ratio = dataset_reference(analysis->dataset, one->probe, DATASET_HEADLINE,
                                                one->channel, (int)one->baseline);
        put(output, &row);
    }
}

/* ---- ladder.csv ---- */

#define MEAN(name, member)                                                                         \
    REAL(name, step.member.mean), REAL(name "_low", step.member.low),                              \
        REAL(name "_high", step.member.high)
#define PROCESS(name, process)                                                                     \
    MEAN(name "_s_per_gb", cpu[process]), REAL(name "_core", step.share[process].mean)

static const struct csv_column ladder_columns[] = {TEXT(channel),
                                                   TEXT(variant),
                                                   TEXT(probe),
                                                   INTEGER(blocks),
                                                   MEAN("mbit_s", throughput),
                                                   MEAN("of_path", of_path),
                                                   MEAN("lost", lost),
                                                   PROCESS("sender", LADDER_SENDER),
                                                   PROCESS("receiver", LADDER_RECEIVER),
                                                   PROCESS("broker", LADDER_BROKER),
                                                   MEAN("wire", wire),
                                                   REAL("wire_theory", step.wire_theory),
                                                   TEXT(limit)};

static void put_ladder(const struct analysis *analysis, const struct output *output) {
    for (size_t i = 0; i < analysis->ladder->n; i++) {
        const struct ladder_step *step = &analysis->ladder->list[i];
        struct row row = row_of(analysis->dataset, step->probe, step->variant, step->channel);

        row.blocks = (int64_t)step->throughput.n;
        row.step = *step;
        row.limit = step->limit;
        put(output, &row);
    }
}

/* ---- prediction.csv ---- */

static const struct csv_column prediction_columns[] = {TEXT(channel),
                                                       TEXT(variant),
                                                       TEXT(probe),
                                                       TEXT(process),
                                                       TEXT(per),
                                                       TEXT(unit),
                                                       REAL("measured", measured),
                                                       REAL("predicted", predicted),
                                                       REAL("share", share),
                                                       TEXT(algorithm),
                                                       REAL("algorithm_share", algorithm_share)};

static void put_prediction(const struct analysis *analysis, const struct output *output) {
    for (size_t i = 0; i < analysis->prediction->n; i++) {
        const struct prediction_row *one = &analysis->prediction->list[i];
        struct row row = row_of(analysis->dataset, one->probe, one->variant, one->channel);

        row.process = one->process;
        row.per = one->per;
        row.unit = one->unit;
        row.measured = one->measured;
        row.predicted = one->predicted;
        row.share = one->predicted / one->measured;
        row.algorithm = one->algorithm;
        row.algorithm_share = one->largest / one->measured;
        put(output, &row);
    }
}

/* ---- table.csv ---- */

static const struct csv_column table_columns[] = {TEXT(probe),
                                                  TEXT(variant),
                                                  TEXT(channel),
                                                  TEXT(metric),
                                                  TEXT(unit),
                                                  INTEGER(trials),
                                                  STATISTIC(mean),
                                                  STATISTIC(ci_low),
                                                  STATISTIC(ci_high),
                                                  STATISTIC(median),
                                                  STATISTIC(sd),
                                                  REAL("ratio", paired.ratio),
                                                  REAL("ratio_low", paired.ci_low),
                                                  REAL("ratio_high", paired.ci_high),
                                                  TEXT(verdict),
                                                  REAL("reference", reference),
                                                  TEXT(comparable),
                                                  REAL("reference_ratio", reference_ratio),
                                                  TEXT(comparable_ratio)};

static void judge_published(struct row *row) {
    row->comparable = published_comparable(row->statistics.mean, row->reference);
    row->comparable_ratio = published_comparable(row->paired.ratio, row->reference_ratio);
}

static void put_table(const struct analysis *analysis, const struct output *output) {
    int baseline = dataset_find_channel(analysis->dataset, analysis->dataset->baseline);

    for (size_t i = 0; i < analysis->summary->n_rows; i++) {
        const struct summary_row *one = &analysis->summary->rows[i];
        const struct comparison *comparison =
            comparisons_find(analysis->comparisons, one->probe, one->variant, one->channel);
        struct row row = row_of_summary(analysis->dataset, one);
        bool is_baseline = (int)one->channel == baseline;

        if (!one->headline)
            continue;
        row.reference_ratio = baseline < 0
                                  ? NAN
                                  : dataset_reference(analysis->dataset, one->probe,
                                                      DATASET_HEADLINE, one->channel, baseline);
        if (comparison) {
            row.paired = comparison->paired;
            row.verdict = comparison_outcome(analysis->dataset, comparison);
        } else {
            row.paired.ratio = is_baseline && row.trials ? 1 : NAN;
            row.paired.ci_low = row.paired.ci_high = NAN;
        }
        judge_published(&row);
        put(output, &row);
    }
}

/* ---- references.csv ---- */

static const struct csv_column reference_columns[] = {TEXT(probe),
                                                      TEXT(variant),
                                                      TEXT(channel),
                                                      TEXT(metric),
                                                      TEXT(unit),
                                                      TEXT(baseline),
                                                      INTEGER(trials),
                                                      STATISTIC(mean),
                                                      STATISTIC(ci_low),
                                                      STATISTIC(ci_high),
                                                      STATISTIC(median),
                                                      STATISTIC(sd),
                                                      INTEGER(blocks),
                                                      REAL("ratio", paired.ratio),
                                                      REAL("ratio_low", paired.ci_low),
                                                      REAL("ratio_high", paired.ci_high),
                                                      REAL("reference", reference),
                                                      TEXT(comparable),
                                                      REAL("reference_ratio", reference_ratio),
                                                      TEXT(comparable_ratio)};

static void put_references(const struct analysis *analysis, const struct output *output) {
    const struct dataset *dataset = analysis->dataset;

    for (size_t i = 0; i < analysis->published->n; i++) {
        const struct published_row *one = &analysis->published->list[i];
        struct row row = row_of(dataset, one->probe, one->variant, one->channel);

        if (one->in_table)
            continue;
        row.metric = one->metric;
        row.unit = one->unit;
        row.baseline = one->baseline < 0 ? "" : dataset->channels[one->baseline].name;
        row.trials = (int64_t)one->statistics.n;
        row.statistics = one->statistics;
        row.blocks = (int64_t)one->blocks;
        row.paired.ratio = one->ratio;
        row.paired.ci_low = one->ratio_low;
        row.paired.ci_high = one->ratio_high;
        row.reference = one->reference;
        row.reference_ratio = one->reference_ratio;
        judge_published(&row);
        put(output, &row);
    }
}

/* ---- findings.csv ---- */

static const struct csv_column finding_columns[] = {TEXT(kind),    TEXT(severity), TEXT(probe),
                                                    TEXT(variant), TEXT(channel),  TEXT(verdict),
                                                    TEXT(text)};

static void put_findings(const struct analysis *analysis, const struct output *output) {
    static const char *const severities[] = {"info", "warning", "error"};

    for (size_t i = 0; i < analysis->findings->n; i++) {
        const struct finding *finding = &analysis->findings->list[i];
        struct row row = {.kind = finding_word(finding->kind),
                          .severity = severities[finding->severity],
                          .probe = finding->probe,
                          .variant = finding->variant,
                          .channel = finding->channel,
                          .verdict = finding->verdict,
                          .text = finding->text};

        put(output, &row);
    }
}

/* ---- values.csv ---- */

static const struct csv_column value_columns[] = {TEXT(probe),
                                                  TEXT(variant),
                                                  TEXT(channel),
                                                  INTEGER(trial),
                                                  INTEGER(attempt),
                                                  INTEGER(block),
                                                  REAL("started_s", started_s),
                                                  TEXT(status),
                                                  REAL("value", value)};

/* When the first trial that counts began; 0: no time is known. */
static int64_t first_ms(const struct dataset *dataset) {
    int64_t first = 0;

    for (size_t i = 0; i < dataset->n_trials; i++) {
        int64_t ms = dataset->trials[i].used ? dataset->trials[i].started_ms : 0;

        first = ms && (!first || ms < first) ? ms : first;
    }
    return first;
}

static void put_values(const struct analysis *analysis, const struct output *output) {
    const struct cell *end = analysis->cells->list + analysis->cells->n;
    int64_t first = first_ms(analysis->dataset);

    for (const struct cell *cell = analysis->cells->list; cell < end; cell++)
        for (size_t i = 0; i < cell->n; i++) {
            const struct dataset_trial *trial = &analysis->dataset->trials[cell->trials[i]];
            struct row row = row_of(analysis->dataset, cell->probe, cell->variant, cell->channel);

            row.trial = trial->trial;
            row.attempt = trial->attempt;
            row.block = trial->block;
            row.started_s = trial->started_ms ? (double)(trial->started_ms - first) / 1000 : NAN;
            row.status = trial_status_word(trial->status);
            row.value = trial->value;
            put(output, &row);
        }
}

/* ---- cumulative.csv ---- */

#define FEW    300   /* points of a series that are all kept */
#define POINTS 200.0 /* of a series below its last percent */
#define TAIL   25.0  /* ... and from there on, for each power of ten by which values are rarer */

static const struct csv_column cumulative_columns[] = {
    TEXT(probe), TEXT(variant),        TEXT(channel),       TEXT(metric),
    TEXT(unit),  REAL("value", value), REAL("share", share)};

/* In which part of the series a share lies; of each part one point is kept. */
static double part_of(double share) {
    return share < 0.99 ? floor(share * POINTS)
                        : POINTS + floor(-log10(fmax(1 - share, 1e-12)) * TAIL);
}

/* `buckets` rise; `total` values there are in all, those that never arrived included. */
static void put_series(const struct output *output, struct row row,
                       const struct dataset_bucket *buckets, size_t n, double total) {
    double part = -1;
    int64_t below = 0;

    for (size_t i = 0; i < n; i++) {
        below += buckets[i].count;
        row.value = buckets[i].upper_bound;
        row.share = (double)below / total;
        if (n > FEW && i > 0 && i + 1 < n && part_of(row.share) == part)
            continue;
        part = part_of(row.share);
        put(output, &row);
    }
}

static void put_telemetry(const struct dataset *dataset, size_t channel,
                          const struct output *output) {
    const struct dataset_channel *one = &dataset->channels[channel];
    CLEANUP_FREE double *values = memory_new(dataset->n_latencies, sizeof(*values));
    CLEANUP_FREE struct dataset_bucket *buckets =
        memory_new(dataset->n_latencies, sizeof(*buckets));
    struct row row = {
        .probe = "telemetry", .channel = one->name, .metric = "latency", .unit = "ms"};
    size_t n = 0;

    for (size_t i = 0; i < dataset->n_latencies; i++)
        if (dataset->latencies[i].channel == channel)
            values[n++] = dataset->latencies[i].ms;
    gsl_sort(values, 1, n);
    for (size_t i = 0; i < n; i++)
        buckets[i] = (struct dataset_bucket){values[i], 1};
    put_series(output, row, buckets, n, fmax((double)n, (double)(one->messages - one->duplicates)));
}

static void put_cumulative(const struct analysis *analysis, const struct output *output) {
    const struct dataset *dataset = analysis->dataset;

    for (size_t channel = 0; channel < dataset->n_channels; channel++)
        put_telemetry(dataset, channel, output);
    for (size_t i = 0; i < dataset->n_distributions; i++) {
        const struct dataset_distribution *one = &dataset->distributions[i];
        struct row row = row_of(dataset, one->probe, one->variant, one->channel);

        row.metric = one->metric;
        row.unit = one->unit;
        put_series(output, row, one->buckets, one->n, (double)one->total);
    }
}

/* ---- files that replace others together ---- */

#define COLUMNS(columns) columns, ARRAY_SIZE(columns)

static const struct {
    const char *name;
    const struct csv_column *columns;
    size_t n_columns;
    void (*put)(const struct analysis *analysis, const struct output *output);
} files[] = {
    {"summary.csv", COLUMNS(summary_columns), put_summary},
    {"comparisons.csv", COLUMNS(comparison_columns), put_comparisons},
    {"ladder.csv", COLUMNS(ladder_columns), put_ladder},
    {"prediction.csv", COLUMNS(prediction_columns), put_prediction},
    {"table.csv", COLUMNS(table_columns), put_table},
    {"references.csv", COLUMNS(reference_columns), put_references},
    {"findings.csv", COLUMNS(finding_columns), put_findings},
    {"values.csv", COLUMNS(value_columns), put_values},
    {"cumulative.csv", COLUMNS(cumulative_columns), put_cumulative},
};

/* The files beside their places, until all are written. */
struct drafts {
    char *paths[ARRAY_SIZE(files)];
};

static void drafts_clear(struct drafts *drafts) {
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        (void)unlink(drafts->paths[i]); /* gone already when it took its place */
        free(drafts->paths[i]);
    }
}

static int write_draft(const struct analysis *analysis, size_t file, const char *folder,
                       const char *path, struct error *error) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = NULL;
    int r;

    (void)unlink(path); /* of a process that died */
    r = csv_writer_open(&writer, path, files[file].columns, files[file].n_columns, error);
    if (r == -EACCES || r == -EROFS || r == -EPERM)
        return error_set(error, r,
                         "%s: a report is written into the run's folder, which may not be written "
                         "to: report a copy, cp -r --no-preserve=mode %s COPY",
                         folder, folder);
    if (r < 0)
        return r;
    files[file].put(analysis, &(struct output){writer});
    return csv_flush(writer, true, error);
}

int report_write_files(const struct analysis *analysis, const char *folder, struct error *error) {
    CLEANUP(drafts_clear) struct drafts drafts;

    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        drafts.paths[i] = text_format("%s/%s.draft", folder, files[i].name);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        int r = write_draft(analysis, i, folder, drafts.paths[i], error);

        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        CLEANUP_FREE char *place = text_format("%s/%s", folder, files[i].name);

        if (rename(drafts.paths[i], place) < 0)
            return error_errno(error, -errno, "%s", place);
    }
    return 0;
}

int report_write(const char *run_dir, struct error *error) {
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    int r = analysis_new(&analysis, run_dir, error);

    return r < 0 ? r : report_write_files(analysis, run_dir, error);
}
