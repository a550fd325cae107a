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
    {"memory_per_connection_low", "memory_per_connection", "memory_per_connection_high"},
    {"time_50", "time_99", "time_100"},
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

enum { TRIAL, ATTEMPT, PARTY, PROCESS, METRIC, UNIT, VALUE, HOST };

/* Whether the trial was measured again after this attempt. */
static bool has_later_attempt(const struct dataset *dataset, long trial, long attempt) {
    for (size_t i = dataset->n_trials; i-- > 0 && dataset->trials[i].trial >= trial;)
        if (dataset->trials[i].trial == trial && dataset->trials[i].attempt > attempt)
            return true;
    return false;
}

/* Whether that is "party.process.metric" of the row. */
static bool is_called(const char *name, const struct source *source) {
    static const int parts[] = {PARTY, PROCESS, METRIC};

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        const char *part = source_text(source, parts[i]);
        size_t length = strlen(part);

        if (strncmp(name, part, length) != 0 || name[length] != (parts[i] == METRIC ? '\0' : '.'))
            return false;
        name += length + 1;
    }
    return true;
}

/* The place of the row's series among the dataset's: it has a name and a unit. */
static uint32_t find_series(const struct source *source) {
    struct dataset *dataset = source->dataset;
    const char *unit = source_text(source, UNIT);

    for (size_t i = 0; i < dataset->n_series; i++)
        if (is_called(dataset->series[i].name, source) && text_equal(dataset->series[i].unit, unit))
            return (uint32_t)i;
    dataset->series = memory_room(dataset->series, dataset->n_series, sizeof(*dataset->series));
    dataset->series[dataset->n_series] = (struct dataset_series){
        .name = dataset_keep(dataset, text_format("%s.%s.%s", source_text(source, PARTY),
                                                  source_text(source, PROCESS),
                                                  source_text(source, METRIC))),
        .unit = source_keep(source, UNIT)};
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

static void take_row(struct source *source, void *context) {
    struct dataset *dataset = source->dataset;
    struct dataset_trial *trial = source_trial(source);
    double value = source_real(source, VALUE);
    size_t *orphans = context;

    if (source->r < 0)
        return;
    if (!trial)
        *orphans += !has_later_attempt(dataset, source_integer(source, TRIAL),
                                       source_integer(source, ATTEMPT));
    /* What one host of several has of it is no value of the trial's. */
    if (!trial || !trial->used || trial->status != TRIAL_OK || isnan(value) ||
        *source_text(source, HOST))
        return;
    if (text_equal(source_text(source, METRIC), dataset->probes[trial->probe].metric))
        take_headline(source, trial, value);
    dataset->values = memory_room(dataset->values, dataset->n_values, sizeof(*dataset->values));
    dataset->values[dataset->n_values++] = (struct dataset_value){
        (uint32_t)(trial - dataset->trials), find_series(source), value, source->reader->line};
}

static int compare_values(const void *a, const void *b) {
    const struct dataset_value *x = a, *y = b;

    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    if (x->trial != y->trial)
        return x->trial < y->trial ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
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

static int reject_value(const struct source *source, const struct dataset_value *value,
                        const char *but) {
    const struct dataset_trial *trial = &source->dataset->trials[value->trial];
    const char *name = source->dataset->series[value->series].name;

    return error_set(source->error, -EBADMSG,
                     "%s/metrics.csv:%zu: value: %s of trial %ld, attempt %ld is %.9g, but %s",
                     source->run_dir, value->line, strrchr(name, '.') + 1, trial->trial,
                     trial->attempt, value->value, but);
}

static int check_once(const struct source *source, const struct dataset_series *series) {
    const struct dataset_value *values = source->dataset->values + series->first;

    for (size_t i = 1; i < series->n; i++) {
        const struct dataset_trial *trial = &source->dataset->trials[values[i].trial];

        if (values[i].trial != values[i - 1].trial ||
            (i + 1 < series->n && values[i + 1].trial == values[i].trial))
            continue;
        return error_set(source->error, -EBADMSG,
                         "%s/metrics.csv:%zu: metric: trial %ld, attempt %ld has %s already",
                         source->run_dir, values[i].line, trial->trial, trial->attempt,
                         series->name);
    }
    return 0;
}

/* What a series has for a trial is at most what another one has. */
static int check_pair(const struct source *source, const struct dataset_series *series,
                      size_t high) {
    const struct dataset *dataset = source->dataset;

    for (size_t i = series->first; i < series->first + series->n; i++) {
        const struct dataset_value *value = &dataset->values[i];
        double bound = dataset_value(dataset, high, value->trial);
        CLEANUP_FREE char *but = NULL;

        if (!(value->value - csv_real_error(value->value) > bound + csv_real_error(bound)))
            continue;
        but = text_format("%s is %.9g", strrchr(dataset->series[high].name, '.') + 1, bound);
        return reject_value(source, value, but);
    }
    return 0;
}

/* From the metric at `at` of an order to each behind it: a trial may lack some. */
static int check_order(const struct source *source, const struct dataset_series *series,
                       const char *const *at) {
    while (*++at) {
        long high = find_sibling(source->dataset, series, *at);
        int r = high < 0 ? 0 : check_pair(source, series, (size_t)high);

        if (r < 0)
            return r;
    }
    return 0;
}

static int check_making(const struct source *source, const struct dataset_series *series,
                        const char *const parts[2]) {
    const struct dataset *dataset = source->dataset;
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
        return reject_value(source, value, but);
    }
    return 0;
}

static int check_series(const struct source *source, const struct dataset_series *series) {
    int r = check_once(source, series);

    for (size_t i = 0; i < ARRAY_SIZE(orders) && r == 0; i++)
        for (size_t k = 0; orders[i][k] && r == 0; k++)
            if (has_metric(series, orders[i][k]))
                r = check_order(source, series, &orders[i][k]);
    for (size_t i = 0; i < ARRAY_SIZE(makings) && r == 0; i++)
        if (has_metric(series, makings[i].whole))
            r = check_making(source, series, makings[i].parts);
    return r;
}

/* ---- all of it ---- */

int metrics_read(struct source *source) {
    static const char *const names[] = {"trial", "attempt", "party", "process", "metric",
                                        "unit",  "value",   "?host", NULL};
    struct dataset *dataset = source->dataset;
    size_t orphans = 0; /* rows of no committed trial */
    int r = source_read(source, "metrics.csv", names, take_row, &orphans);

    if (r < 0)
        return r;
    if (orphans)
        source_warn(source,
                    "%s: %zu rows belong to trials that were never finished; they are not used",
                    source->reader->path, orphans);
    sort_values(dataset);
    for (size_t i = 0; i < dataset->n_trials; i++) {
        const struct dataset_trial *trial = &dataset->trials[i];

        if (trial->used && trial->status == TRIAL_OK && isnan(trial->value))
            return error_set(source->error, -EBADMSG,
                             "%s/trials.csv:%zu: trial %ld is ok but has no %s", source->run_dir,
                             trial->line, trial->trial, dataset->probes[trial->probe].metric);
    }
    for (size_t i = 0; i < dataset->n_series; i++) {
        r = check_series(source, &dataset->series[i]);
        if (r < 0)
            return r;
    }
    return 0;
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
