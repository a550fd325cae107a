/* Whether the values of a trial agree with each other: what one row of metrics.csv has to be,
 * because of other rows, of trials.csv, or of distributions.csv. */
#include "analysis/dataset_source.h"

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

/* ---- series and their rows ---- */

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

/* The row of a series for a trial, the last if there are several, is wrong like that. */
static int reject_row(const struct dataset *dataset, const char *run_dir,
                      const struct dataset_series *series, const struct dataset_trial *trial,
                      struct error *error, const char *column, const char *why) {
    enum { TRIAL, ATTEMPT, PARTY, PROCESS, METRIC };
    static const char *const names[] = {"trial", "attempt", "party", "process", "metric", NULL};
    CLEANUP(source_close) struct source source = {.error = error};
    size_t line = 0;
    int r =
        source_open(&source, (struct dataset *)(uintptr_t)dataset, run_dir, "metrics.csv", names);

    while (r >= 0 && (r = csv_reader_next(source.reader, error)) > 0) {
        CLEANUP_FREE char *name =
            text_format("%s.%s.%s", source_text(&source, PARTY), source_text(&source, PROCESS),
                        source_text(&source, METRIC));
        struct dataset_trial key;

        if (source_integer(&source, TRIAL, &key.trial) == 0 &&
            source_integer(&source, ATTEMPT, &key.attempt) == 0 &&
            dataset_compare_ids(&key, trial) == 0 && text_equal(name, series->name))
            line = source.reader->line;
    }
    if (r < 0)
        return r;
    return error_set(error, -EBADMSG, "%s/metrics.csv:%zu: %s: %s", run_dir, line, column, why);
}

static int reject_value(const struct dataset *dataset, const char *run_dir,
                        const struct dataset_value *value, struct error *error, const char *but) {
    const struct dataset_series *series = &dataset->series[value->series];
    const struct dataset_trial *trial = &dataset->trials[value->trial];
    CLEANUP_FREE char *why =
        text_format("%s of trial %ld, attempt %ld is %.9g, but %s", strrchr(series->name, '.') + 1,
                    trial->trial, trial->attempt, value->value, but);

    return reject_row(dataset, run_dir, series, trial, error, "value", why);
}

/* ---- metrics.csv ---- */

static int check_once(const struct dataset *dataset, const char *run_dir,
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
static int check_pair(const struct dataset *dataset, const char *run_dir, size_t low, size_t high,
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
static int check_order(const struct dataset *dataset, const char *run_dir, size_t low,
                       const char *const *order, struct error *error) {
    int r = 0;

    for (order++; *order && r == 0; order++) {
        long high = find_sibling(dataset, &dataset->series[low], *order);

        if (high >= 0)
            r = check_pair(dataset, run_dir, low, (size_t)high, error);
    }
    return r;
}

static int check_making(const struct dataset *dataset, const char *run_dir, size_t whole,
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

static int check_series(const struct dataset *dataset, const char *run_dir, size_t place,
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

int dataset_check_metrics(const struct dataset *dataset, const char *run_dir, struct error *error) {
    int r = 0;

    for (size_t i = 0; i < dataset->n_series && r == 0; i++)
        r = check_series(dataset, run_dir, i, error);
    return r;
}

/* ---- distributions.csv ---- */

double dataset_counted_by(const struct dataset *dataset, const char *distribution, size_t trial,
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
