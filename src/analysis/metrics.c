#include "analysis/metrics.h"

#include "analysis/source.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* ---- what is known of metrics, whichever probe has them ---- */

/* Each at most the next one that a trial has. */
#define MOST_IN_ORDER 6
static const char *const orders[][MOST_IN_ORDER + 1] = {
    {"latency_min", "latency_p50", "latency_p90", "latency_p99", "latency_p99_9", "latency_max"},
    {"latency_min", "latency_mean", "latency_max"},
    {"send_delay_p50", "send_delay_p99", "send_delay_max"},
    {"connect_time_median", "connect_time_p95", "connect_time_p99"},
};

static const struct {
    const char *whole, *parts[2]; /* a sum; or a product with duration_s, where there is one part */
} makings[] = {
    {"messages_sent", {"messages_received", "messages_lost"}},
    {"energy", {"power"}},
};

static const struct {
    const char *distribution, *count;
} counts[] = {
    {"latency", "messages_received"},
    {"send_delay", "messages_sent"},
    {"connect_time", "connections"},
};

/* ---- rows ---- */

enum { TRIAL, ATTEMPT, PARTY, PROCESS, METRIC, UNIT, VALUE };
static const char *const names[] = {"trial",  "attempt", "party", "process",
                                    "metric", "unit",    "value", NULL};

/* Whether the trial was measured again after this attempt. */
static bool has_later_attempt(const struct dataset *dataset, long trial, long attempt) {
    for (size_t i = dataset->n_trials; i-- > 0 && dataset->trials[i].trial >= trial;)
        if (dataset->trials[i].trial == trial && dataset->trials[i].attempt > attempt)
            return true;
    return false;
}

/* The place of the row's series among the dataset's: "party.process.metric", and its unit. */
static uint32_t find_series(const struct source *source) {
    struct dataset *dataset = source->dataset;
    const char *unit = source_text(source, UNIT);
    CLEANUP_FREE char *name =
        text_format("%s.%s.%s", source_text(source, PARTY), source_text(source, PROCESS),
                    source_text(source, METRIC));

    for (size_t i = 0; i < dataset->n_series; i++)
        if (text_equal(dataset->series[i].name, name) && text_equal(dataset->series[i].unit, unit))
            return (uint32_t)i;
    dataset->series = memory_room(dataset->series, dataset->n_series, sizeof(*dataset->series));
    dataset->series[dataset->n_series] =
        (struct dataset_series){.name = name, .unit = text_copy(unit)};
    name = NULL;
    return (uint32_t)dataset->n_series++;
}

/* The headline metric of the trial's probe. */
static void take_headline(struct source *source, struct dataset_trial *trial, double value) {
    if (!isnan(trial->value))
        source_reject(source, METRIC,
                      "is a headline metric and has a value for this trial already");
    if (value < 0)
        source_reject(source, VALUE, "is below zero");
    trial->value = value;
}

/* Returns whether the row belongs to a trial, if to one that does not count. */
static bool take_row(struct source *source) {
    struct dataset *dataset = source->dataset;
    struct dataset_trial *trial = source_trial(source);
    double value = source_real(source, VALUE);

    if (source->r < 0)
        return true;
    if (!trial)
        return has_later_attempt(dataset, source_integer(source, TRIAL),
                                 source_integer(source, ATTEMPT));
    if (!trial->used || trial->status != TRIAL_OK || isnan(value))
        return true;
    if (text_equal(source_text(source, METRIC), dataset->probes[trial->probe].metric))
        take_headline(source, trial, value);
    dataset->values = memory_room(dataset->values, dataset->n_values, sizeof(*dataset->values));
    dataset->values[dataset->n_values++] =
        (struct dataset_value){(uint32_t)(trial - dataset->trials), find_series(source), value};
    return true;
}

static int compare_values(const void *a, const void *b) {
    const struct dataset_value *x = a, *y = b;

    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    return (x->trial > y->trial) - (x->trial < y->trial);
}

static void sort_values(struct dataset *dataset) {
    if (dataset->n_values)
        qsort(dataset->values, dataset->n_values, sizeof(*dataset->values), compare_values);
    for (size_t i = 0; i < dataset->n_values; i++) {
        struct dataset_series *series = &dataset->series[dataset->values[i].series];

        series->first = series->n++ ? series->first : i;
    }
}

/* ---- whether values agree with each other ---- */

/* The row of a series for a trial, the last if there are several, is wrong like that. */
static int reject_row(struct dataset *dataset, const char *run_dir,
                      const struct dataset_series *series, const struct dataset_trial *trial,
                      struct error *error, const char *column, const char *why) {
    CLEANUP(source_close) struct source source;
    size_t line = 0;

    source_open(&source, dataset, run_dir, "metrics.csv", names, error);
    while (source_next(&source)) {
        CLEANUP_FREE char *name =
            text_format("%s.%s.%s", source_text(&source, PARTY), source_text(&source, PROCESS),
                        source_text(&source, METRIC));

        if (source_trial(&source) == trial && text_equal(name, series->name))
            line = source.reader->line;
    }
    return source.r < 0 ? source.r
                        : error_set(error, -EBADMSG, "%s/metrics.csv:%zu: %s: %s", run_dir, line,
                                    column, why);
}

static bool has_metric(const struct dataset_series *series, const char *metric) {
    const char *dot = strrchr(series->name, '.');

    return dot && text_equal(dot + 1, metric);
}

/* The series of another metric of the same process, or -1. */
static long find_sibling(const struct dataset *dataset, const struct dataset_series *series,
                         const char *metric) {
    size_t length = (size_t)(strrchr(series->name, '.') - series->name);

    for (size_t i = 0; i < dataset->n_series; i++)
        if (strncmp(dataset->series[i].name, series->name, length + 1) == 0 &&
            text_equal(dataset->series[i].name + length + 1, metric))
            return (long)i;
    return -1;
}

static int reject_value(struct dataset *dataset, const char *run_dir,
                        const struct dataset_value *value, struct error *error, const char *but) {
    const struct dataset_series *series = &dataset->series[value->series];
    const struct dataset_trial *trial = &dataset->trials[value->trial];
    CLEANUP_FREE char *why =
        text_format("%s of trial %ld, attempt %ld is %.9g, but %s", strrchr(series->name, '.') + 1,
                    trial->trial, trial->attempt, value->value, but);

    return reject_row(dataset, run_dir, series, trial, error, "value", why);
}

static int check_once(struct dataset *dataset, const char *run_dir,
                      const struct dataset_series *series, struct error *error) {
    const struct dataset_value *values = dataset->values + series->first;

    for (size_t i = 1; i < series->n; i++) {
        const struct dataset_trial *trial = &dataset->trials[values[i].trial];
        CLEANUP_FREE char *why = NULL;

        if (values[i].trial != values[i - 1].trial)
            continue;
        why = text_format("trial %ld, attempt %ld has %s already", trial->trial, trial->attempt,
                          series->name);
        return reject_row(dataset, run_dir, series, trial, error, "metric", why);
    }
    return 0;
}

/* What a series has for a trial is at most what another one has. */
static int check_pair(struct dataset *dataset, const char *run_dir, size_t low, size_t high,
                      struct error *error) {
    const struct dataset_series *series = &dataset->series[low], *next = &dataset->series[high];

    for (size_t i = series->first; i < series->first + series->n; i++) {
        const struct dataset_value *value = &dataset->values[i];
        double bound = dataset_value(dataset, high, value->trial);
        CLEANUP_FREE char *but = NULL;

        if (!(value->value - csv_real_error(value->value) > bound + csv_real_error(bound)))
            continue;
        but = text_format("%s is %.9g", strrchr(next->name, '.') + 1, bound);
        return reject_value(dataset, run_dir, value, error, but);
    }
    return 0;
}

/* From the metric at `at` of an order to each behind it: a trial may lack some. */
static int check_order(struct dataset *dataset, const char *run_dir, size_t low,
                       const char *const *order, struct error *error) {
    int r = 0;

    for (order++; *order && r == 0; order++) {
        long high = find_sibling(dataset, &dataset->series[low], *order);

        if (high >= 0)
            r = check_pair(dataset, run_dir, low, (size_t)high, error);
    }
    return r;
}

static int check_making(struct dataset *dataset, const char *run_dir, size_t whole,
                        const char *const parts[2], struct error *error) {
    const struct dataset_series *series = &dataset->series[whole];
    long first = find_sibling(dataset, series, parts[0]);
    long second = parts[1] ? find_sibling(dataset, series, parts[1]) : first;

    if (first < 0 || second < 0)
        return 0;
    for (size_t i = series->first; i < series->first + series->n; i++) {
        const struct dataset_value *value = &dataset->values[i];
        double a = dataset_value(dataset, (size_t)first, value->trial);
        double b = parts[1] ? dataset_value(dataset, (size_t)second, value->trial)
                            : dataset->trials[value->trial].duration_s;
        double made = parts[1] ? a + b : a * b;
        double slack = parts[1] ? csv_real_error(a) + csv_real_error(b)
                                : csv_real_error(a) * b + csv_real_error(b) * a;
        CLEANUP_FREE char *but = NULL;

        /* Twice: what the products of two errors add is far less than either. */
        if (!(fabs(made - value->value) > 2 * (slack + csv_real_error(value->value))))
            continue;
        but =
            text_format("%s and %s make %.9g", parts[0], parts[1] ? parts[1] : "duration_s", made);
        return reject_value(dataset, run_dir, value, error, but);
    }
    return 0;
}

static int check_series(struct dataset *dataset, const char *run_dir, size_t place,
                        struct error *error) {
    const struct dataset_series *series = &dataset->series[place];
    int r = check_once(dataset, run_dir, series, error);

    for (size_t i = 0; i < ARRAY_SIZE(orders) && r == 0; i++)
        for (size_t k = 0; orders[i][k] && r == 0; k++)
            if (has_metric(series, orders[i][k]))
                r = check_order(dataset, run_dir, place, &orders[i][k], error);
    for (size_t i = 0; i < ARRAY_SIZE(makings) && r == 0; i++)
        if (has_metric(series, makings[i].whole))
            r = check_making(dataset, run_dir, place, makings[i].parts, error);
    return r;
}

/* ---- all of it ---- */

static int check_headlines(const struct dataset *dataset, const char *run_dir,
                           struct error *error) {
    for (size_t i = 0; i < dataset->n_trials; i++) {
        const struct dataset_trial *trial = &dataset->trials[i];

        if (trial->used && trial->status == TRIAL_OK && isnan(trial->value))
            return error_set(error, -EBADMSG, "%s/trials.csv:%zu: trial %ld is ok but has no %s",
                             run_dir, trial->line, trial->trial,
                             dataset->probes[trial->probe].metric);
    }
    return 0;
}

int metrics_read(struct dataset *dataset, const char *run_dir, struct error *error) {
    CLEANUP(source_close) struct source source;
    size_t orphans = 0; /* rows of no committed trial */
    int r;

    source_open(&source, dataset, run_dir, "metrics.csv", names, error);
    while (source_next(&source))
        orphans += !take_row(&source);
    if (source.r < 0)
        return source.r;
    if (orphans)
        source_warn(&source,
                    "%s: %zu rows belong to trials that were never finished; they are not used",
                    source.reader->path, orphans);
    sort_values(dataset);
    r = check_headlines(dataset, run_dir, error);
    for (size_t i = 0; i < dataset->n_series && r == 0; i++)
        r = check_series(dataset, run_dir, i, error);
    return r;
}

double metrics_count(const struct dataset *dataset, const char *distribution, size_t trial,
                     const char **ret_metric) {
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        for (size_t k = 0;
             text_equal(counts[i].distribution, distribution) && k < dataset->n_series; k++) {
            double count = has_metric(&dataset->series[k], counts[i].count)
                               ? dataset_value(dataset, k, trial)
                               : NAN;

            *ret_metric = counts[i].count;
            if (!isnan(count))
                return count;
        }
    return NAN;
}
