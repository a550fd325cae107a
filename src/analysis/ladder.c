#include "analysis/ladder.h"

#include "analysis/statistics.h"

#include <math.h>
#include <string.h>

/* What is full when they are. */
static const char *const processors[LADDER_N_PROCESSES] = {
    [LADDER_SENDER] = "sender's processor",
    [LADDER_RECEIVER] = "receiver's processor",
    [LADDER_BROKER] = "broker's processor",
};

/* The hosts, as which process they are in metrics.csv. */
static const struct {
    const char *process, *quota, *cores;
} hosts[LADDER_N_HOSTS] = {
    [LADDER_BROKER_HOST] = {"broker.host", "CPU quota of the broker's host",
                            "all cores of the broker's host"},
    [LADDER_PUBLISHER_HOST] = {"client2.host", "CPU quota of the publisher's host",
                               "all cores of the publisher's host"},
};

/* ---- means ---- */

static struct ladder_mean mean_of(const double *values, size_t n) {
    struct statistics statistics = statistics_describe(values, n);

    return (struct ladder_mean){n, statistics.mean, statistics.ci_low, statistics.ci_high};
}

/* As which process its rows are in metrics.csv: "client2.sender". */
static const char *process_of(const struct dataset_probe *probe, enum ladder_process process) {
    return process == LADDER_SENDER     ? probe->sender
           : process == LADDER_RECEIVER ? probe->receiver
                                        : "broker.mosquitto";
}

struct ladder_mean ladder_metric(const struct cells *cells, const struct cell *cell,
                                 const char *process, const char *metric, double by) {
    const struct dataset *dataset = cells->dataset;
    CLEANUP_FREE char *name = text_format("%s.%s", process, metric);
    CLEANUP_FREE double *values = memory_new(cell->n, sizeof(*values));
    int series = dataset_find_series(dataset, name);
    size_t n = 0;

    for (size_t i = 0; i < cell->n && series >= 0; i++) {
        const struct dataset_trial *trial = &dataset->trials[cell->trials[i]];
        double gigabytes = trial->bytes > 0 ? 100 * trial->value / 8e3 : NAN;
        double value =
            dataset_value(dataset, (size_t)series, cell->trials[i]) / (by > 0 ? by : gigabytes);

        if (isfinite(value))
            values[n++] = value;
    }
    return mean_of(values, n);
}

static void take_costs(struct ladder_step *step, const struct cells *cells,
                       const struct cell *cell) {
    const struct dataset_probe *probe = &cells->dataset->probes[cell->probe];

    for (enum ladder_process i = 0; i < LADDER_N_PROCESSES; i++) {
        const char *process = process_of(probe, i);

        step->cpu[i] = ladder_metric(cells, cell, process, "cpu_share", BY_GIGABYTES);
        step->share[i] = ladder_metric(cells, cell, process, "cpu_share", 100);
    }
    step->wire = ladder_metric(cells, cell, probe->sender, "wire_per_payload", 1);
    step->wire_theory =
        ladder_metric(cells, cell, probe->sender, "wire_per_payload_theory", 1).mean;
    for (size_t i = 0; i < LADDER_N_HOSTS; i++) {
        step->busy[i] = ladder_metric(cells, cell, hosts[i].process, "busy_share", 100);
        step->throttled[i] = ladder_metric(cells, cell, hosts[i].process, "throttled_share", 100);
    }
}

/* ---- what holds a step back ---- */

static void note_full(struct ladder_step *step, bool full, const char *what) {
    size_t length = strlen(step->limit);

    if (full)
        (void)snprintf(step->limit + length, sizeof(step->limit) - length, "%s%s",
                       length ? ", " : "", what);
}

static void judge(struct ladder_step *step) {
    bool known = !isnan(step->busy[LADDER_BROKER_HOST].mean), told = false;

    if (!step->throughput.n)
        return;
    for (size_t i = 0; i < LADDER_N_PROCESSES; i++) {
        told = told || !isnan(step->share[i].mean);
        note_full(step, step->share[i].mean >= LADDER_BUSY, processors[i]);
    }
    for (size_t i = 0; i < LADDER_N_HOSTS; i++) {
        note_full(step, step->throttled[i].mean >= LADDER_THROTTLED, hosts[i].quota);
        note_full(step, step->busy[i].mean >= LADDER_BUSY, hosts[i].cores);
    }
    if (!*step->limit)
        note_full(step, true, known && told ? "not a processor" : "not known");
}

/* ---- throughput, block by block ---- */

/* Of (a - b) / path, or a / path without b. */
static struct ladder_mean mean_of_shares(const struct cells *cells, const double *a,
                                         const double *b, const double *path) {
    CLEANUP_FREE double *shares = memory_new(cells->dataset->n_counted, sizeof(*shares));
    size_t n = 0;

    for (size_t i = 0; i < cells->dataset->n_counted; i++) {
        double share = (a[i] - (b ? b[i] : 0)) / path[i];

        if (isfinite(share))
            shares[n++] = share;
    }
    return mean_of(shares, n);
}

static struct ladder_mean mean_throughput(const struct cells *cells, const struct cell *cell) {
    CLEANUP_FREE double *values = memory_new(cell->n, sizeof(*values));

    return mean_of(values, cells_values(cells, cell, values));
}

/* ---- steps ---- */

static const struct cell *find_rung(const struct cells *cells, size_t rung, size_t variant,
                                    size_t channel) {
    for (size_t i = 0; i < cells->n; i++) {
        const struct cell *cell = &cells->list[i];

        if (cell->variant == variant && cell->channel == channel &&
            cells->dataset->probes[cell->probe].rung == rung)
            return cell;
    }
    return NULL;
}

/* The same, and where that rung has no such variant, as one of whose settings none is varied, the
 * rung as it is: what stands below those that are. */
static const struct cell *find_below(const struct cells *cells, size_t rung, size_t variant,
                                     size_t channel) {
    const struct cell *cell = find_rung(cells, rung, variant, channel);

    for (size_t i = 0; i < cells->dataset->n_variants && !cell; i++)
        if (!*dataset_variant(cells->dataset, i))
            cell = find_rung(cells, rung, i, channel);
    return cell;
}

static void add_step(struct ladder *ladder, const struct cell *cell, const double *values,
                     const double *before, const double *path) {
    const struct cells *cells = ladder->cells;
    struct ladder_step *step;

    ladder->list = memory_resize(ladder->list, ladder->n + 1, sizeof(*ladder->list));
    step = &ladder->list[ladder->n++];
    *step = (struct ladder_step){
        .probe = cell->probe, .variant = cell->variant, .channel = cell->channel};
    step->throughput = mean_throughput(cells, cell);
    step->of_path = mean_of_shares(cells, values, NULL, path);
    step->lost = before ? mean_of_shares(cells, before, values, path)
                        : (struct ladder_mean){0, NAN, NAN, NAN};
    if (!before)
        step->of_path.low = step->of_path.high = NAN;
    take_costs(step, cells, cell);
    judge(step);
}

static void add_channel(struct ladder *ladder, size_t top, size_t variant, size_t channel) {
    const struct cells *cells = ladder->cells;
    const struct cell *path = find_below(cells, 1, variant, channel);
    CLEANUP_FREE double *of_path = NULL, *before = NULL;

    if (!path)
        return;
    of_path = cells_by_block(cells, path, DATASET_HEADLINE);
    for (size_t rung = 1; rung <= top; rung++) {
        const struct cell *cell = find_below(cells, rung, variant, channel);
        double *values;

        if (!cell)
            continue;
        values = cells_by_block(cells, cell, DATASET_HEADLINE);
        if (cell->variant == variant)
            add_step(ladder, cell, values, before, of_path);
        free(before);
        before = values;
    }
}

struct ladder *ladder_new(const struct cells *cells) {
    struct ladder *ladder = memory_new(1, sizeof(*ladder));
    const struct dataset *dataset = cells->dataset;
    size_t top = dataset_top_rung(dataset);

    ladder->cells = cells;
    if (top < 2) /* a path alone is no ladder */
        return ladder;
    for (size_t variant = 0; variant < dataset->n_variants; variant++)
        for (size_t channel = 0; channel < dataset->n_channels; channel++)
            add_channel(ladder, top, variant, channel);
    return ladder;
}

void ladder_free(struct ladder *ladder) {
    free(ladder->list);
    free(ladder);
}
