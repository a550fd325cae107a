#include "report/dataset_source.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

/* ---- trials.csv ---- */

static const char *const status_words[DATASET_N_STATUSES] = {
    [DATASET_OK] = "ok",
    [DATASET_FAILED] = "failed",
    [DATASET_VOID] = "void",
    [DATASET_SKIPPED] = "skipped",
};

const char *dataset_status_word(enum dataset_status status) {
    return status_words[status];
}

static size_t find_variant(struct dataset *dataset, const char *name) {
    for (size_t i = 0; i < dataset->n_variants; i++)
        if (text_equal(dataset->variants[i], name))
            return i;
    dataset->variants =
        memory_resize(dataset->variants, dataset->n_variants + 1, sizeof(*dataset->variants));
    dataset->variants[dataset->n_variants] = text_copy(name);
    return dataset->n_variants++;
}

enum {
    TRIAL,
    ATTEMPT,
    BLOCK,
    CHANNEL,
    PROBE,
    VARIANT,
    STARTED,
    BYTES,
    THROUGHPUT,
    STATUS,
    REASON,
    TLS_VERSION,
    TLS_CIPHER,
    TLS_GROUP,
};

static int take_status(const struct source *source, size_t row, struct dataset_trial *trial) {
    for (int i = 0; i < DATASET_N_STATUSES; i++) {
        if (!text_equal(status_words[i], source_text(source, row, STATUS)))
            continue;
        trial->status = (enum dataset_status)i;
        return 0;
    }
    return source_reject(source, row, STATUS, "is none of ok, failed, void, skipped");
}

/* "2026-11-22T08:30:00.123Z", the fraction left out or not; empty: not known. */
static int take_time(const struct source *source, size_t row, int64_t *ret_ms) {
    const char *field = source_text(source, row, STARTED), *rest;
    struct tm parts = {.tm_isdst = 0};
    double fraction = 0;

    *ret_ms = 0;
    if (!*field)
        return 0;
    rest = strptime(field, "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest && *rest == '.')
        fraction = strtod(rest, (char **)(uintptr_t)&rest);
    if (!rest || !text_equal(rest, "Z"))
        return source_reject(source, row, STARTED, "is no time like 2026-11-22T08:30:00.123Z");
    *ret_ms = (int64_t)timegm(&parts) * 1000 + (int64_t)(fraction * 1000 + 0.5);
    return 0;
}

/* What the channel's first trial inside it negotiated. */
static void take_session(const struct source *source, size_t row, struct dataset_channel *channel) {
    const char *version = source_text(source, row, TLS_VERSION);

    if (!*version || *channel->tls)
        return;
    free(channel->tls);
    channel->tls = text_format("%s, %s, %s", version, source_text(source, row, TLS_CIPHER),
                               source_text(source, row, TLS_GROUP));
}

static int take_trial(struct dataset *dataset, const struct source *source, size_t row) {
    struct dataset_trial *trial = &dataset->trials[dataset->n_trials];
    int r, channel = dataset_find_channel(dataset, source_text(source, row, CHANNEL));
    int probe = dataset_find_probe(dataset, source_text(source, row, PROBE));
    double value;

    if (channel < 0)
        return source_reject(source, row, CHANNEL, "is no channel of scenario.ini");
    if (probe < 0)
        return source_reject(source, row, PROBE, "is no probe of scenario.ini");
    *trial = (struct dataset_trial){.line = source->table->lines[row + 1],
                                    .channel = (size_t)channel,
                                    .probe = (size_t)probe,
                                    .value = NAN};
    r = source_integer(source, row, TRIAL, &trial->trial);
    if (r == 0)
        r = source_integer(source, row, ATTEMPT, &trial->attempt);
    if (r == 0)
        r = source_integer(source, row, BLOCK, &trial->block);
    if (r == 0)
        r = take_status(source, row, trial);
    if (r == 0)
        r = take_time(source, row, &trial->started_ms);
    if (r == 0)
        r = source_real(source, row, BYTES, &trial->bytes);
    if (r == 0)
        r = source_real(source, row, THROUGHPUT, &value);
    if (r < 0)
        return r;
    if (value < 0)
        return source_reject(source, row, THROUGHPUT, "is below zero");
    if (trial->status == DATASET_OK && dataset->probes[probe].in_trials)
        trial->value = value;
    if (trial->status == DATASET_OK)
        take_session(source, row, &dataset->channels[channel]);
    trial->variant = find_variant(dataset, source_text(source, row, VARIANT));
    trial->reason = text_copy(source_text(source, row, REASON));
    dataset->n_trials++;
    return 0;
}

static int read_trials(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {
        "trial",   "attempt",     "block",      "channel",           "probe",
        "variant", "started_utc", "bytes",      "throughput_mbit_s", "status",
        "reason",  "tls_version", "tls_cipher", "tls_group",         NULL};
    CLEANUP(source_close) struct source source = {.error = error};
    int r = source_open(&source, dataset, run_dir, "trials.csv", names);

    if (r < 0)
        return r;
    dataset->trials = memory_new(source.table->rows, sizeof(*dataset->trials));
    for (size_t row = 0; r == 0 && row < source.table->rows; row++)
        r = take_trial(dataset, &source, row);
    return r;
}

static int compare_longs(long a, long b) {
    return (a > b) - (a < b);
}

/* By trial, attempt, line: the order in which metrics.csv is looked up. */
static int compare_ids(const void *a, const void *b) {
    const struct dataset_trial *x = a, *y = b;
    int order = compare_longs(x->trial, y->trial);

    return order ? order : compare_longs(x->attempt, y->attempt);
}

static int check_ids(struct dataset *dataset, const char *run_dir, struct error *error) {
    qsort(dataset->trials, dataset->n_trials, sizeof(*dataset->trials), compare_ids);
    for (size_t i = 1; i < dataset->n_trials; i++) {
        const struct dataset_trial *a = &dataset->trials[i - 1], *b = &dataset->trials[i];
        size_t first = a->line < b->line ? a->line : b->line;

        if (compare_ids(a, b) == 0)
            return error_set(error, -EBADMSG,
                             "%s/trials.csv:%zu: trial %ld, attempt %ld stands in line %zu already",
                             run_dir, a->line + b->line - first, b->trial, b->attempt, first);
    }
    return 0;
}

/* ---- which attempt of a block counts ---- */

static int compare_attempts(const void *a, const void *b) {
    const struct dataset_trial *x = *(struct dataset_trial *const *)a;
    const struct dataset_trial *y = *(struct dataset_trial *const *)b;
    int order = compare_longs(x->block, y->block);

    return order ? order : compare_longs(x->attempt, y->attempt);
}

/* Marks what `trials` cover: probe x channel x variant, and probe x channel behind that. */
static void cover(const struct dataset *dataset, struct dataset_trial *const *trials, size_t n,
                  bool *ret) {
    size_t pairs = dataset->n_probes * dataset->n_channels;

    for (size_t i = 0; i < n; i++) {
        size_t pair = trials[i]->probe * dataset->n_channels + trials[i]->channel;

        ret[pair] = true;
        ret[pairs + pair * dataset->n_variants + trials[i]->variant] = true;
    }
}

/* The trials of one block, sorted by attempt: marks those of the attempt that counts. */
static long choose_attempt(const struct dataset *dataset, struct dataset_trial *const *trials,
                           size_t n) {
    size_t pairs = dataset->n_probes * dataset->n_channels;
    size_t size = pairs * (1 + dataset->n_variants), chosen = 0, end;
    CLEANUP_FREE bool *whole = memory_new(size, sizeof(bool));
    bool found = false;

    memset(whole, true, pairs * sizeof(bool));
    cover(dataset, trials, n, whole);
    for (size_t start = 0; start < n; start = end) {
        CLEANUP_FREE bool *covered = memory_new(size, sizeof(bool));
        bool complete;

        for (end = start; end < n && trials[end]->attempt == trials[start]->attempt;)
            end++;
        cover(dataset, trials + start, end - start, covered);
        complete = memcmp(covered, whole, size * sizeof(bool)) == 0;
        if (complete || !found)
            chosen = start;
        found = found || complete;
    }
    for (size_t i = 0; i < n; i++)
        trials[i]->used = trials[i]->attempt == trials[chosen]->attempt;
    return trials[chosen]->attempt;
}

static void choose_attempts(struct dataset *dataset) {
    CLEANUP_FREE struct dataset_trial **sorted = memory_new(dataset->n_trials, sizeof(*sorted));
    size_t end;

    for (size_t i = 0; i < dataset->n_trials; i++)
        sorted[i] = &dataset->trials[i];
    qsort(sorted, dataset->n_trials, sizeof(*sorted), compare_attempts);
    dataset->counted = memory_new(dataset->n_trials, sizeof(*dataset->counted));
    for (size_t start = 0; start < dataset->n_trials; start = end) {
        for (end = start; end < dataset->n_trials && sorted[end]->block == sorted[start]->block;)
            end++;
        dataset->counted[dataset->n_counted++] = (struct dataset_attempt){
            sorted[start]->block, choose_attempt(dataset, sorted + start, end - start)};
    }
}

/* ---- metrics.csv ---- */

static size_t find_series(struct dataset *dataset, const char *name, const char *unit) {
    for (size_t i = 0; i < dataset->n_series; i++)
        if (text_equal(dataset->series[i].name, name) && text_equal(dataset->series[i].unit, unit))
            return i;
    dataset->series =
        memory_resize(dataset->series, dataset->n_series + 1, sizeof(*dataset->series));
    dataset->series[dataset->n_series] =
        (struct dataset_series){.name = text_copy(name), .unit = text_copy(unit)};
    return dataset->n_series++;
}

/* One row that belongs to a committed trial; it counts when the trial is ok and used. */
static int take_metric(struct dataset *dataset, const struct source *source, size_t row,
                       struct dataset_trial *trial, double value) {
    enum { M_TRIAL, M_ATTEMPT, M_PARTY, M_PROCESS, M_METRIC, M_UNIT, M_VALUE };
    const struct dataset_probe *probe = &dataset->probes[trial->probe];
    const char *metric = source_text(source, row, M_METRIC);
    CLEANUP_FREE char *name = text_format("%s.%s.%s", source_text(source, row, M_PARTY),
                                          source_text(source, row, M_PROCESS), metric);

    if (!trial->used || trial->status != DATASET_OK || isnan(value))
        return 0;
    if (!probe->in_trials && text_equal(metric, probe->metric)) {
        if (!isnan(trial->value))
            return source_reject(source, row, M_METRIC,
                                 "is a headline metric and has a value for this trial already");
        if (value < 0)
            return source_reject(source, row, M_VALUE, "is below zero");
        trial->value = value;
    }
    dataset->values[dataset->n_values++] = (struct dataset_value){
        .trial = (uint32_t)(trial - dataset->trials),
        .series = (uint32_t)find_series(dataset, name, source_text(source, row, M_UNIT)),
        .value = value,
    };
    return 0;
}

/* Whether the trial was measured again after this attempt. */
static bool has_later_attempt(const struct dataset *dataset, const struct dataset_trial *key) {
    size_t low = 0, high = dataset->n_trials;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_ids(&dataset->trials[middle], key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < dataset->n_trials && dataset->trials[low].trial == key->trial;
}

static int compare_values(const void *a, const void *b) {
    const struct dataset_value *x = a, *y = b;
    int order = (x->series > y->series) - (x->series < y->series);

    return order ? order : (x->trial > y->trial) - (x->trial < y->trial);
}

static void sort_values(struct dataset *dataset) {
    if (!dataset->n_values) /* nor a list that qsort() would take */
        return;
    qsort(dataset->values, dataset->n_values, sizeof(*dataset->values), compare_values);
    for (size_t i = dataset->n_values; i-- > 0;) {
        struct dataset_series *series = &dataset->series[dataset->values[i].series];

        series->first = i;
        series->n++;
    }
}

static int read_metrics(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {"trial",  "attempt", "party", "process",
                                        "metric", "unit",    "value", NULL};
    CLEANUP(source_close) struct source source = {.error = error};
    int r = source_open(&source, dataset, run_dir, "metrics.csv", names);
    size_t orphans = 0;

    if (r < 0)
        return r;
    dataset->values = memory_new(source.table->rows, sizeof(*dataset->values));
    for (size_t row = 0; r == 0 && row < source.table->rows; row++) {
        struct dataset_trial key, *trial;
        double value;

        if ((r = source_integer(&source, row, 0, &key.trial)) < 0 ||
            (r = source_integer(&source, row, 1, &key.attempt)) < 0 ||
            (r = source_real(&source, row, 6, &value)) < 0)
            return r;
        trial = bsearch(&key, dataset->trials, dataset->n_trials, sizeof(key), compare_ids);
        orphans += !trial && !has_later_attempt(dataset, &key);
        if (trial)
            r = take_metric(dataset, &source, row, trial, value);
    }
    if (orphans) {
        CLEANUP_FREE char *line =
            text_format("%s: %zu rows belong to trials that were never finished; they are not used",
                        source.table->path, orphans);

        dataset_warn(dataset, line);
    }
    return r;
}

static int check_values(const struct dataset *dataset, const char *run_dir, struct error *error) {
    for (size_t i = 0; i < dataset->n_trials; i++) {
        const struct dataset_trial *trial = &dataset->trials[i];
        const struct dataset_probe *probe = &dataset->probes[trial->probe];

        if (trial->used && trial->status == DATASET_OK && isnan(trial->value))
            return error_set(error, -EBADMSG, "%s/trials.csv:%zu: trial %ld is ok but has no %s%s",
                             run_dir, trial->line, trial->trial, probe->metric,
                             probe->in_trials ? "" : " in metrics.csv");
    }
    return 0;
}

int dataset_read_rows(struct dataset *dataset, const char *run_dir, struct error *error) {
    int r = read_trials(dataset, run_dir, error);

    if (r == 0)
        r = check_ids(dataset, run_dir, error);
    if (r < 0)
        return r;
    choose_attempts(dataset);
    r = read_metrics(dataset, run_dir, error);
    sort_values(dataset);
    return r < 0 ? r : check_values(dataset, run_dir, error);
}
