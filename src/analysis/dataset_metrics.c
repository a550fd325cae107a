/* metrics.csv: the values of the trials that count, by series, then by trial. */
#include "analysis/dataset_source.h"
#include "analysis/names.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { TRIAL, ATTEMPT, PARTY, PROCESS, METRIC, UNIT, VALUE };

/* The values of one series, as they come. */
struct value_list {
    struct dataset_value *values;
    size_t n;
};

struct metrics {
    struct source source;
    struct names series; /* "party.process.metric", a zero byte, unit */
    struct value_list *lists;
    size_t n_lists;
    char *name; /* of the row at hand */
    size_t name_room;
    size_t place;   /* of the last row's trial in the dataset's list */
    size_t orphans; /* rows of no committed trial */
};

static void metrics_clear(struct metrics *metrics) {
    for (size_t i = 0; i < metrics->n_lists; i++)
        free(metrics->lists[i].values);
    free(metrics->lists);
    free(metrics->name);
    names_clear(&metrics->series);
    source_close(&metrics->source);
}

/* ---- to which trial and series a row belongs ---- */

/* Rows stand trial by trial, mostly: it is that of the row before, or the next. */
static struct dataset_trial *find_trial(struct metrics *metrics, const struct dataset_trial *key) {
    const struct dataset *dataset = metrics->source.dataset;
    struct dataset_trial *found;

    for (size_t i = metrics->place; i < dataset->n_trials && i <= metrics->place + 1; i++)
        if (dataset_compare_ids(&dataset->trials[i], key) == 0)
            return &dataset->trials[metrics->place = i];
    if (!dataset->n_trials)
        return NULL;
    found = bsearch(key, dataset->trials, dataset->n_trials, sizeof(*key), dataset_compare_ids);
    if (found)
        metrics->place = (size_t)(found - dataset->trials);
    return found;
}

/* Whether the trial was measured again after this attempt. */
static bool has_later_attempt(const struct dataset *dataset, const struct dataset_trial *key) {
    size_t low = 0, high = dataset->n_trials;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (dataset_compare_ids(&dataset->trials[middle], key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < dataset->n_trials && dataset->trials[low].trial == key->trial;
}

/* Appends text and `end` to the row's name. */
static size_t put_name(struct metrics *metrics, size_t length, const char *text, char end) {
    size_t more = strlen(text), wanted = length + more + 1;

    if (wanted > metrics->name_room) {
        metrics->name_room = 2 * wanted;
        metrics->name = memory_resize(metrics->name, metrics->name_room, 1);
    }
    memcpy(metrics->name + length, text, more);
    metrics->name[wanted - 1] = end;
    return wanted;
}

static struct value_list *find_list(struct metrics *metrics, uint32_t *ret_series) {
    const struct source *source = &metrics->source;
    size_t length = put_name(metrics, 0, source_text(source, PARTY), '.'), number;

    length = put_name(metrics, length, source_text(source, PROCESS), '.');
    length = put_name(metrics, length, source_text(source, METRIC), '\0');
    length = put_name(metrics, length, source_text(source, UNIT), '\0');
    number = names_number(&metrics->series, metrics->name, length);
    if (number == metrics->n_lists) {
        metrics->lists = memory_room(metrics->lists, metrics->n_lists, sizeof(*metrics->lists));
        metrics->lists[metrics->n_lists++] = (struct value_list){NULL, 0};
    }
    *ret_series = (uint32_t)number;
    return &metrics->lists[number];
}

/* ---- rows ---- */

/* The headline metric of the trial's probe. */
static int take_headline(const struct source *source, struct dataset_trial *trial, double value) {
    if (!isnan(trial->value))
        return source_reject(source, METRIC,
                             "is a headline metric and has a value for this trial already");
    if (value < 0)
        return source_reject(source, VALUE, "is below zero");
    trial->value = value;
    return 0;
}

/* One row that belongs to a committed trial; it counts when the trial is ok and used. */
static int take_metric(struct metrics *metrics, struct dataset_trial *trial, double value) {
    const struct source *source = &metrics->source;
    const struct dataset *dataset = source->dataset;
    const struct dataset_probe *probe = &dataset->probes[trial->probe];
    struct dataset_value taken = {.trial = (uint32_t)(trial - dataset->trials), .value = value};
    struct value_list *list;

    if (!trial->used || trial->status != DATASET_OK || isnan(value))
        return 0;
    if (text_equal(source_text(source, METRIC), probe->metric)) {
        int r = take_headline(source, trial, value);

        if (r < 0)
            return r;
    }
    list = find_list(metrics, &taken.series);
    list->values = memory_room(list->values, list->n, sizeof(taken));
    list->values[list->n++] = taken;
    return 0;
}

static int take_row(struct metrics *metrics) {
    const struct source *source = &metrics->source;
    struct dataset_trial key, *trial;
    double value;
    int r = source_integer(source, TRIAL, &key.trial);

    if (r == 0)
        r = source_integer(source, ATTEMPT, &key.attempt);
    if (r == 0)
        r = source_real(source, VALUE, &value);
    if (r < 0)
        return r;
    trial = find_trial(metrics, &key);
    if (trial)
        return take_metric(metrics, trial, value);
    metrics->orphans += !has_later_attempt(source->dataset, &key);
    return 0;
}

static void warn_of_orphans(const struct metrics *metrics) {
    CLEANUP_FREE char *line = NULL;

    if (!metrics->orphans)
        return;
    line = text_format("%s: %zu rows belong to trials that were never finished; they are not used",
                       metrics->source.reader->path, metrics->orphans);
    dataset_warn(metrics->source.dataset, line);
}

/* ---- the dataset's lists ---- */

static int compare_trials(const void *a, const void *b) {
    const struct dataset_value *x = a, *y = b;

    return (x->trial > y->trial) - (x->trial < y->trial);
}

/* They come in that order, but for blocks that were measured again. */
static void sort_list(struct value_list *list) {
    bool sorted = true;

    for (size_t i = 1; i < list->n && sorted; i++)
        sorted = list->values[i - 1].trial <= list->values[i].trial;
    if (!sorted)
        qsort(list->values, list->n, sizeof(*list->values), compare_trials);
}

/* Puts all lists behind each other. Each goes as soon as it is copied: there may be millions. */
static void hand_over(struct metrics *metrics) {
    struct dataset *dataset = metrics->source.dataset;
    char **names = names_take(&metrics->series, &dataset->n_series);
    size_t total = 0;

    for (size_t i = 0; i < metrics->n_lists; i++)
        total += metrics->lists[i].n;
    dataset->values = memory_new(total, sizeof(*dataset->values));
    dataset->series = memory_new(dataset->n_series, sizeof(*dataset->series));
    for (size_t i = 0; i < metrics->n_lists; i++) {
        struct value_list *list = &metrics->lists[i];

        sort_list(list);
        dataset->series[i] =
            (struct dataset_series){.name = names[i],
                                    .unit = text_copy(names[i] + strlen(names[i]) + 1),
                                    .first = dataset->n_values,
                                    .n = list->n};
        memcpy(dataset->values + dataset->n_values, list->values, list->n * sizeof(*list->values));
        dataset->n_values += list->n;
        free(list->values);
        *list = (struct value_list){NULL, 0};
    }
    free(names);
}

static int check_values(const struct dataset *dataset, const char *run_dir, struct error *error) {
    for (size_t i = 0; i < dataset->n_trials; i++) {
        const struct dataset_trial *trial = &dataset->trials[i];
        const struct dataset_probe *probe = &dataset->probes[trial->probe];

        if (trial->used && trial->status == DATASET_OK && isnan(trial->value))
            return error_set(error, -EBADMSG, "%s/trials.csv:%zu: trial %ld is ok but has no %s",
                             run_dir, trial->line, trial->trial, probe->metric);
    }
    return 0;
}

int dataset_read_metrics(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {"trial",  "attempt", "party", "process",
                                        "metric", "unit",    "value", NULL};
    CLEANUP(metrics_clear) struct metrics metrics = {.source.error = error};
    int r = source_open(&metrics.source, dataset, run_dir, "metrics.csv", names);

    while (r >= 0 && (r = source_next(&metrics.source)) > 0)
        r = take_row(&metrics);
    if (r < 0)
        return r;
    warn_of_orphans(&metrics);
    hand_over(&metrics);
    r = check_values(dataset, run_dir, error);
    return r < 0 ? r : dataset_check_metrics(dataset, run_dir, error);
}
