#include "analysis/prediction.h"

#include <math.h>
#include <string.h>

/* ---- how long an operation takes ---- */

static bool is_speed(const struct dataset_speed *speed, const char *host, const char *algorithm,
                     const char *operation) {
    return text_equal(speed->host, host) && text_equal(speed->algorithm, algorithm) &&
           text_equal(speed->operation, operation);
}

double prediction_time_s(const struct dataset *dataset, const char *host, const char *algorithm,
                         const char *operation, double bytes) {
    const struct dataset_speed *below = NULL, *above = NULL;

    for (size_t i = 0; i < dataset->n_speeds; i++) {
        const struct dataset_speed *one = &dataset->speeds[i];

        if (!is_speed(one, host, algorithm, operation))
            continue;
        if (one->bytes <= bytes && (!below || one->bytes > below->bytes))
            below = one;
        if (one->bytes >= bytes && (!above || one->bytes < above->bytes))
            above = one;
    }
    if (!below && !above)
        return NAN;
    if (!below)
        return 1 / above->per_s;
    if (!above)
        return bytes / below->bytes / below->per_s;
    if (above->bytes == below->bytes)
        return 1 / above->per_s;
    return 1 / below->per_s + (1 / above->per_s - 1 / below->per_s) * (bytes - below->bytes) /
                                  (above->bytes - below->bytes);
}

/* ---- a process of a cell ---- */

/* The units that times are shown in, and how many make a second; how many of a trial's terms, from
 * the first on, must be known. */
static const struct {
    const char *per, *unit, *metric;
    double per_s, by; /* by: see ladder_metric() */
    size_t n_terms;
} measures[] = {
    {"byte", "ns", "cpu_share", 1e9, BY_GIGABYTES, 1}, /* seconds for 10^9 bytes: ns for one */
    {"connection", "us", "cpu_per_connection", 1e6, 1, 3},
};

/* An operation, and how long its process takes for it; by probe and variant, as they were read. */
struct priced {
    const struct dataset_operation *operation;
    double seconds;
};

static int compare_place(const struct dataset_operation *a, size_t probe, const char *variant) {
    return a->probe != probe ? (a->probe > probe) - (a->probe < probe)
                             : strcmp(a->variant, variant);
}

static int compare_priced(const void *a, const void *b) {
    const struct dataset_operation *x = ((const struct priced *)a)->operation,
                                   *y = ((const struct priced *)b)->operation;
    int order = compare_place(x, y->probe, y->variant);

    return order ? order : (x > y) - (x < y);
}

static struct priced *price(const struct dataset *dataset) {
    struct priced *list = memory_new(dataset->n_operations, sizeof(*list));

    for (size_t i = 0; i < dataset->n_operations; i++) {
        const struct dataset_operation *one = &dataset->operations[i];

        list[i].operation = one;
        list[i].seconds = one->count * prediction_time_s(dataset, one->host, one->algorithm,
                                                         one->operation, one->bytes);
    }
    if (dataset->n_operations)
        qsort(list, dataset->n_operations, sizeof(*list), compare_priced);
    return list;
}

/* The first of n that are not before the probe and variant. */
static size_t find_place(const struct priced *list, size_t n, size_t probe, const char *variant) {
    size_t low = 0;

    while (low < n) {
        size_t middle = low + (n - low) / 2;

        if (compare_place(list[middle].operation, probe, variant) < 0)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

/* What the cell's trials negotiated, but for those that came to nothing; "" for nothing. */
static const char *terms_of(const struct cells *cells, const struct cell *cell) {
    for (size_t i = 0; i < cell->n; i++) {
        const struct dataset_trial *trial = &cells->dataset->trials[cell->trials[i]];

        if (trial->status == TRIAL_OK && trial->terms)
            return trial->terms;
    }
    return "";
}

#define MOST_PARTS 16 /* a connection has a cipher's hash, a key agreement, two signatures */

/* What one algorithm takes. */
struct parts {
    struct {
        const char *algorithm;
        double seconds;
    } list[MOST_PARTS];
    size_t n;
};

static bool add_part(struct parts *parts, const char *algorithm, double seconds) {
    size_t i = 0;

    while (i < parts->n && !text_equal(parts->list[i].algorithm, algorithm))
        i++;
    if (i == MOST_PARTS || !isfinite(seconds))
        return false;
    if (i == parts->n)
        parts->list[parts->n++].algorithm = algorithm;
    parts->list[i].seconds += seconds;
    return true;
}

/* Adds what the process, whose n operations are given, does because of one of the terms: whether
 * all of it is known. */
static bool add_term(const struct cells *cells, const struct cell *cell, const struct priced *list,
                     size_t n, const char *term, size_t length, struct parts *parts) {
    bool known = false;

    for (size_t i = 0; i < n; i++) {
        const struct dataset_operation *one = list[i].operation;

        if (one->channel != cells->dataset->n_channels && one->channel != cell->channel)
            continue;
        if (strncmp(one->when, term, length) != 0 || one->when[length])
            continue;
        if (!add_part(parts, one->algorithm, list[i].seconds))
            return false;
        known = true;
    }
    return known;
}

static void predict(const struct cells *cells, const struct cell *cell, const struct priced *list,
                    size_t n, size_t n_needed, struct prediction_row *row) {
    struct parts parts = {.n = 0};
    const char *cursor = terms_of(cells, cell), *term;
    size_t length;

    for (size_t i = 0; (term = text_next_word(&cursor, &length)); i++)
        if (!add_term(cells, cell, list, n, term, length, &parts) && i < n_needed) {
            row->predicted = row->largest = NAN;
            row->unknown = term;
            row->unknown_length = (int)length;
            return;
        }
    for (size_t i = 0; i < parts.n; i++) {
        row->predicted += parts.list[i].seconds;
        if (parts.list[i].seconds > row->largest) {
            row->largest = parts.list[i].seconds;
            row->algorithm = parts.list[i].algorithm;
        }
    }
}

/* The process of these n operations. */
static void add_row(struct prediction *prediction, const struct cell *cell,
                    const struct priced *list, size_t n) {
    const struct dataset_operation *first = list->operation;
    struct prediction_row row = {.probe = cell->probe,
                                 .variant = cell->variant,
                                 .channel = cell->channel,
                                 .process = first->process,
                                 .per = first->per,
                                 .algorithm = ""};
    size_t i = 0;

    while (i < ARRAY_SIZE(measures) && !text_equal(measures[i].per, first->per))
        i++;
    if (i == ARRAY_SIZE(measures))
        return;
    row.unit = measures[i].unit;
    row.measured =
        ladder_metric(prediction->cells, cell, first->process, measures[i].metric, measures[i].by)
            .mean;
    if (!(row.measured > 0))
        return;
    predict(prediction->cells, cell, list, n, measures[i].n_terms, &row);
    row.predicted *= measures[i].per_s;
    row.largest *= measures[i].per_s;
    prediction->list = memory_room(prediction->list, prediction->n, sizeof(row));
    prediction->list[prediction->n++] = row;
}

/* The rows of one process stand together. */
static void add_cell(struct prediction *prediction, const struct cell *cell,
                     const struct priced *list, size_t n) {
    const char *variant = dataset_variant(prediction->cells->dataset, cell->variant);
    size_t start = find_place(list, n, cell->probe, variant), end;

    for (; start < n && compare_place(list[start].operation, cell->probe, variant) == 0;
         start = end) {
        for (end = start + 1;
             end < n && compare_place(list[end].operation, cell->probe, variant) == 0 &&
             text_equal(list[end].operation->process, list[start].operation->process);)
            end++;
        add_row(prediction, cell, list + start, end - start);
    }
}

struct prediction *prediction_new(const struct cells *cells) {
    struct prediction *prediction = memory_new(1, sizeof(*prediction));
    CLEANUP_FREE struct priced *list = price(cells->dataset);

    prediction->cells = cells;
    for (size_t i = 0; i < cells->n; i++)
        if (*terms_of(cells, &cells->list[i]))
            add_cell(prediction, &cells->list[i], list, cells->dataset->n_operations);
    return prediction;
}

void prediction_free(struct prediction *prediction) {
    free(prediction->list);
    free(prediction);
}

/* ---- in words ---- */

/* Whether that is a cipher of the host, in the largest pieces that any has. */
static bool is_cipher(const struct dataset_speed *one, const char *host, double most) {
    return text_equal(one->host, host) && text_equal(one->operation, "encrypt") &&
           one->bytes == most;
}

static double largest_piece(const struct dataset *dataset) {
    double most = 0;

    for (size_t i = 0; i < dataset->n_speeds; i++)
        if (text_equal(dataset->speeds[i].operation, "encrypt"))
            most = fmax(most, dataset->speeds[i].bytes);
    return most;
}

static const struct dataset_speed *fastest_of(const struct dataset *dataset, const char *host,
                                              double most) {
    const struct dataset_speed *fastest = NULL;

    for (size_t i = 0; i < dataset->n_speeds; i++) {
        const struct dataset_speed *one = &dataset->speeds[i];

        if (is_cipher(one, host, most) && (!fastest || one->per_s > fastest->per_s))
            fastest = one;
    }
    return fastest;
}

static void say_ciphers(const struct dataset *dataset, const char *host, double most,
                        struct findings *findings) {
    const struct dataset_speed *fastest = fastest_of(dataset, host, most);
    CLEANUP_FREE char *others = text_copy("");

    if (!fastest)
        return;
    for (size_t i = 0; i < dataset->n_speeds; i++) {
        const struct dataset_speed *one = &dataset->speeds[i];
        CLEANUP_FREE char *share = number_about(one->per_s / fastest->per_s),
                          *text = text_format("%s %.0f MB/s (%s)", one->algorithm,
                                              one->per_s * one->bytes / 1e6, share);

        if (one != fastest && is_cipher(one, host, most))
            text_append(&others, ", ", text);
    }
    (void)findings_say(findings, FINDING_SPEED,
                       "On %s %s is the fastest cipher, in records of %.0f bytes: %.0f MB/s%s%s.",
                       host, fastest->algorithm, fastest->bytes,
                       fastest->per_s * fastest->bytes / 1e6, *others ? "; " : "", others);
}

static struct finding *say_unknown(const struct prediction_row *row, const char *cell,
                                   struct findings *findings) {
    return findings_say(findings, FINDING_SPEED,
                        "%s: what %s takes for a %s is not predicted: what %.*s takes there is not "
                        "known.",
                        cell, row->process, row->per, row->unknown_length, row->unknown);
}

static struct finding *say_share(const struct prediction_row *row, const char *cell,
                                 struct findings *findings) {
    CLEANUP_FREE char *share = number_about(row->predicted / row->measured),
                      *largest = number_about(row->largest / row->measured),
                      *part = row->largest < row->predicted
                                  ? text_format("cryptography (%s %s)", row->algorithm, largest)
                                  : text_copy(row->algorithm);

    return findings_say(
        findings, FINDING_SPEED, "%s: %s takes %.*f %s of CPU time for a %s; %s of it is %s.", cell,
        row->process, row->measured < 10 ? 2 : 0, row->measured, row->unit, row->per, share, part);
}

static void say_row(const struct dataset *dataset, const struct prediction_row *row,
                    struct findings *findings) {
    CLEANUP_FREE char *rung = dataset_rung(dataset, row->probe, row->variant),
                      *cell = text_format("%s, %s", rung, dataset->channels[row->channel].name);
    struct finding *finding = (row->unknown ? say_unknown : say_share)(row, cell, findings);

    finding->probe = dataset->probes[row->probe].name;
    finding->variant = dataset_variant(dataset, row->variant);
    finding->channel = dataset->channels[row->channel].name;
}

void prediction_say(const struct prediction *prediction, struct findings *findings) {
    const struct dataset *dataset = prediction->cells->dataset;
    const char *host = NULL;
    double most = largest_piece(dataset);

    for (size_t i = 0; i < dataset->n_speeds; i++)
        if (!text_equal(dataset->speeds[i].host, host)) {
            host = dataset->speeds[i].host;
            say_ciphers(dataset, host, most, findings);
        }
    for (size_t i = 0; i < prediction->n; i++)
        say_row(dataset, &prediction->list[i], findings);
}
