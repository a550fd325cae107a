#include "analysis/prediction.h"

#include <math.h>

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

/* The units that times are shown in, and how many make a second. */
static const struct {
    const char *per, *unit, *metric;
    double per_s, by; /* by: see estimate_metric() */
} measures[] = {
    {"byte", "ns", "cpu_share", 1e9, BY_GIGABYTES}, /* seconds for 10^9 bytes are ns for one */
    {"connection", "us", "cpu_per_connection", 1e6, 1},
};

/* What the cell's trials negotiated, but for those that came to nothing; "" for nothing. */
static const char *terms_of(const struct cells *cells, const struct cell *cell) {
    for (size_t i = 0; i < cell->n; i++) {
        const struct dataset_trial *trial = &cells->dataset->trials[cell->trials[i]];

        if (trial->status == TRIAL_OK && trial->terms)
            return trial->terms;
    }
    return "";
}

static bool applies(const struct cells *cells, const struct cell *cell,
                    const struct dataset_operation *one) {
    const struct dataset *dataset = cells->dataset;

    return one->probe == cell->probe &&
           (one->channel == dataset->n_channels || one->channel == cell->channel) &&
           text_equal(one->variant, dataset_variant(dataset, cell->variant)) &&
           text_has_word(terms_of(cells, cell), one->when);
}

/* The sum of what the process does by one algorithm, or by all (NULL), in seconds. */
static double sum_of(const struct cells *cells, const struct cell *cell, const char *process,
                     const char *algorithm) {
    const struct dataset *dataset = cells->dataset;
    double sum = 0;

    for (size_t i = 0; i < dataset->n_operations; i++) {
        const struct dataset_operation *one = &dataset->operations[i];

        if (text_equal(one->process, process) && applies(cells, cell, one) &&
            (!algorithm || text_equal(one->algorithm, algorithm)))
            sum += one->count * prediction_time_s(dataset, one->host, one->algorithm,
                                                  one->operation, one->bytes);
    }
    return sum;
}

/* The process of `first`, whose operations are looked at one after the other. */
static void add_row(struct prediction *prediction, const struct cell *cell,
                    const struct dataset_operation *first) {
    const struct cells *cells = prediction->cells;
    const struct dataset *dataset = cells->dataset;
    struct prediction_row row = {.probe = cell->probe,
                                 .variant = cell->variant,
                                 .channel = cell->channel,
                                 .process = first->process,
                                 .per = first->per};
    size_t i = 0;

    while (i < ARRAY_SIZE(measures) && !text_equal(measures[i].per, first->per))
        i++;
    if (i == ARRAY_SIZE(measures))
        return;
    row.unit = measures[i].unit;
    row.measured =
        estimate_metric(cells, cell, first->process, measures[i].metric, measures[i].by).mean;
    row.predicted = sum_of(cells, cell, first->process, NULL) * measures[i].per_s;
    if (!(row.measured > 0) || !isfinite(row.predicted))
        return;
    for (size_t k = 0; k < dataset->n_operations; k++) {
        const struct dataset_operation *one = &dataset->operations[k];
        double part = text_equal(one->process, first->process) && applies(cells, cell, one)
                          ? sum_of(cells, cell, first->process, one->algorithm) * measures[i].per_s
                          : 0;

        if (part > row.largest) {
            row.largest = part;
            row.algorithm = one->algorithm;
        }
    }
    prediction->list = memory_room(prediction->list, prediction->n, sizeof(row));
    prediction->list[prediction->n++] = row;
}

static void add_cell(struct prediction *prediction, const struct cell *cell) {
    const struct dataset *dataset = prediction->cells->dataset;
    const char *process = NULL; /* the rows of one stand together */

    for (size_t i = 0; i < dataset->n_operations; i++) {
        const struct dataset_operation *one = &dataset->operations[i];

        if (!applies(prediction->cells, cell, one) || text_equal(process, one->process))
            continue;
        process = one->process;
        add_row(prediction, cell, one);
    }
}

struct prediction *prediction_new(const struct cells *cells) {
    struct prediction *prediction = memory_new(1, sizeof(*prediction));

    prediction->cells = cells;
    for (size_t i = 0; i < cells->n; i++)
        if (*terms_of(cells, &cells->list[i]))
            add_cell(prediction, &cells->list[i]);
    return prediction;
}

void prediction_free(struct prediction *prediction) {
    free(prediction->list);
    free(prediction);
}

/* ---- in words ---- */

/* What is encrypted in the largest pieces, of one host: its ciphers. */
static bool is_cipher(const struct dataset *dataset, const char *host,
                      const struct dataset_speed *one) {
    double most = 0;

    for (size_t i = 0; i < dataset->n_speeds; i++)
        if (text_equal(dataset->speeds[i].operation, "encrypt"))
            most = fmax(most, dataset->speeds[i].bytes);
    return text_equal(one->host, host) && text_equal(one->operation, "encrypt") &&
           one->bytes == most;
}

static const struct dataset_speed *fastest_of(const struct dataset *dataset, const char *host) {
    const struct dataset_speed *fastest = NULL;

    for (size_t i = 0; i < dataset->n_speeds; i++) {
        const struct dataset_speed *one = &dataset->speeds[i];

        if (is_cipher(dataset, host, one) && (!fastest || one->per_s > fastest->per_s))
            fastest = one;
    }
    return fastest;
}

static void say_ciphers(const struct dataset *dataset, const char *host,
                        struct findings *findings) {
    const struct dataset_speed *fastest = fastest_of(dataset, host);
    CLEANUP_FREE char *others = text_copy("");

    if (!fastest)
        return;
    for (size_t i = 0; i < dataset->n_speeds; i++) {
        const struct dataset_speed *one = &dataset->speeds[i];
        CLEANUP_FREE char *share = number_about(one->per_s / fastest->per_s),
                          *text = text_format("%s %s", one->algorithm, share);

        if (one != fastest && is_cipher(dataset, host, one))
            text_append(&others, ", ", text);
    }
    (void)findings_say(findings, FINDING_SPEED,
                       "On %s %s is the fastest cipher: %.0f MB/s in records of %.0f bytes%s%s.",
                       host, fastest->algorithm, fastest->per_s * fastest->bytes / 1e6,
                       fastest->bytes, *others ? "; of that have " : "", others);
}

static void say_row(const struct dataset *dataset, const struct prediction_row *row,
                    struct findings *findings) {
    CLEANUP_FREE char *share = number_about(row->predicted / row->measured),
                      *largest = number_about(row->largest / row->measured),
                      *rung = dataset_rung(dataset, row->probe, row->variant),
                      *part = row->largest < row->predicted
                                  ? text_format("cryptography (%s %s)", row->algorithm, largest)
                                  : text_copy(row->algorithm);
    struct finding *finding = findings_say(
        findings, FINDING_SPEED, "%s, %s: %s takes %.*f %s of CPU time for a %s; %s of it is %s.",
        rung, dataset->channels[row->channel].name, row->process, row->measured < 10 ? 2 : 0,
        row->measured, row->unit, row->per, share, part);

    finding->probe = dataset->probes[row->probe].name;
    finding->variant = dataset_variant(dataset, row->variant);
    finding->channel = dataset->channels[row->channel].name;
}

void prediction_say(const struct prediction *prediction, struct findings *findings) {
    const struct dataset *dataset = prediction->cells->dataset;
    const char *host = NULL;

    for (size_t i = 0; i < dataset->n_speeds; i++)
        if (!text_equal(dataset->speeds[i].host, host)) {
            host = dataset->speeds[i].host;
            say_ciphers(dataset, host, findings);
        }
    for (size_t i = 0; i < prediction->n; i++)
        say_row(dataset, &prediction->list[i], findings);
}
