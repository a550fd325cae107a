#include "analysis/findings.h"

#include "analysis/statistics.h"
#include "base/clock.h"
#include "model/throttling.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <string.h>

#define MS_PER_HOUR 3600000.0
/* Of segments sent again, from which on it is worth a word. */
#define RETRANSMITTED 0.01

const char *validity_looked_for(void) {
    return "failed, void and skipped trials, those measured again, remarks, missing blocks, "
           "missing controls, the order of the "
           "trials, throttled and overloaded processors, other runs on the same hosts, clocks that "
           "were set, values far from the median of their "
           "series, steps in which nothing arrived, drift, autocorrelation, segments sent again, "
           "lost telemetry, clocks compared too roughly";
}

/* ---- trials ---- */

char *validity_counts(const size_t counts[TRIAL_N_STATUSES], enum trial_status first) {
    char *list = text_copy("");

    for (enum trial_status i = first; i < TRIAL_N_STATUSES; i++) {
        CLEANUP_FREE char *one = text_format("%zu %s", counts[i], trial_status_word(i));

        if (counts[i])
            text_append(&list, ", ", one);
    }
    return list;
}

static void describe_trials(struct findings *findings) {
    const struct dataset *dataset = findings->dataset;
    size_t counts[TRIAL_N_STATUSES] = {0}, used = 0;
    CLEANUP_FREE char *list = NULL;

    for (size_t i = 0; i < dataset->n_trials; i++) {
        used += dataset->trials[i].used;
        counts[dataset->trials[i].status] += dataset->trials[i].used;
    }
    list = validity_counts(counts, TRIAL_FAILED);
    if (*list)
        (void)findings_say(
            findings, FINDING_CAUTION,
            "Not all trials are ok: of %zu, %s; the table gives the first reason of each.", used,
            list);
}

static void describe_blocks(struct findings *findings) {
    const struct dataset *dataset = findings->dataset;
    size_t variants = 0, planned, used = 0, replaced;

    for (size_t i = 0; i < dataset->n_probes; i++)
        variants += dataset->probes[i].n_variants;
    planned = (size_t)dataset->repetitions * dataset->n_channels * variants;
    for (size_t i = 0; i < dataset->n_trials; i++)
        used += dataset->trials[i].used;
    replaced = dataset->n_trials - used;
    if (dataset->repetitions > 0 && used < planned)
        (void)findings_say(findings, FINDING_CAUTION,
                           "The run is incomplete: %zu of %zu trials are there.", used, planned);
    if (replaced)
        (void)findings_say(findings, FINDING_CAUTION,
                           "%zu further trial%s not counted: the block was measured again.",
                           replaced, replaced == 1 ? " is" : "s are");
}

/* Appends "path of tls, 8 times (first: failed, gone)" to a list. */
static void append_cell(const struct findings *findings, char **list, const struct cell *cell,
                        const char *number, const char *first) {
    const struct dataset *dataset = findings->dataset;
    CLEANUP_FREE char *rung = dataset_rung(dataset, cell->probe, cell->variant);
    CLEANUP_FREE char *one = text_format("%s of %s, %s (first: %s)", rung,
                                         dataset->channels[cell->channel].name, number, first);

    text_append(list, "; ", one);
}

/* What failed and was measured again is in no figure, but not nothing. */
static void describe_before(struct findings *findings) {
    CLEANUP_FREE char *list = text_copy("");

    for (size_t i = 0; i < findings->cells->n; i++) {
        const struct cell *cell = &findings->cells->list[i];
        CLEANUP_FREE char *number = NULL, *first = NULL;

        if (!cell->before)
            continue;
        number = cell->n_before == 1 ? text_copy("once") : text_format("%zu times", cell->n_before);
        first = text_format("%s%s%s", trial_status_word(cell->before->status),
                            *cell->before->reason ? ", " : "", cell->before->reason);
        append_cell(findings, &list, cell, number, first);
    }
    if (*list)
        (void)findings_say(findings, FINDING_CAUTION,
                           "Left out, because their block was measured again: %s.", list);
}

/* What probes say of trials that are ok. */
static void describe_remarks(struct findings *findings) {
    const struct dataset_trial *trials = findings->dataset->trials;
    CLEANUP_FREE char *list = text_copy("");

    for (size_t i = 0; i < findings->cells->n; i++) {
        const struct cell *cell = &findings->cells->list[i];
        CLEANUP_FREE char *number = NULL;
        const char *first = NULL;
        size_t n = 0;

        for (size_t k = 0; k < cell->n; k++) {
            const struct dataset_trial *trial = &trials[cell->trials[k]];

            if (trial->status == TRIAL_OK && *trial->reason)
                first = n++ ? first : trial->reason;
        }
        if (!n)
            continue;
        number = text_format("%zu trial%s", n, n == 1 ? "" : "s");
        append_cell(findings, &list, cell, number, first);
    }
    if (*list)
        (void)findings_say(findings, FINDING_CAUTION, "Remarks on trials that are ok: %s.", list);
}

/* What was asked of the broker, and another than ours need not keep. */
static void describe_tolerated(struct findings *findings) {
    const struct dataset *dataset = findings->dataset;

    for (size_t i = 0; i < dataset->n_channels; i++) {
        CLEANUP_FREE char *list = text_copy("");

        for (size_t k = 0; k < dataset->n_proofs; k++)
            if (dataset->proofs[k].channel == i && dataset->proofs[k].remarks)
                text_append(&list, ", ", dataset->proofs[k].name);
        if (*list)
            (void)findings_say(findings, FINDING_CAUTION,
                               "%s: the broker is not as strict as the scenario asks: %s.",
                               dataset->channels[i].name, list);
    }
}

static void describe_design(struct findings *findings) {
    const struct dataset *dataset = findings->dataset;
    bool same = false;

    for (size_t i = 0; i < dataset->n_channels; i++)
        same = same || dataset->channels[i].control == DATASET_SAME;
    if (dataset->precision > 0) {
        CLEANUP_FREE char *precision = number_margin(dataset->precision);

        (void)findings_say(
            findings, FINDING_CAUTION,
            "The number of blocks depended on the data (until %s): in simulations, 95 %% CIs then "
            "cover at least 93 %%, and equal channels come out with an uncorrected p < 0.05 in up "
            "to 7 %% of runs with at least 20 blocks (92 %% and 9 %% with 6).",
            precision);
    }
    if (dataset->sequential)
        (void)findings_say(
            findings, FINDING_CAUTION,
            "The order was sequential: drift cannot be told apart from an effect of a channel.");
    if (!same && dataset->n_channels > 1)
        (void)findings_say(
            findings, FINDING_CAUTION,
            "No A/A control: nothing shows whether this set-up finds the same channel equal "
            "to itself.");
}

/* ---- what the hosts suffered ---- */

/* A longer list is cut: its length says enough. */
#define MAX_RANGES 12

static bool is_alike(const struct dataset_trouble *a, const struct dataset_trouble *b) {
    return a->kind == b->kind && a->bits == b->bits && text_equal(a->host, b->host);
}

/* The next of the same kind behind `one`, or NULL. */
static const struct dataset_trouble *next_alike(const struct dataset *dataset,
                                                const struct dataset_trouble *one) {
    const struct dataset_trouble *end = dataset->troubles + dataset->n_troubles;

    for (const struct dataset_trouble *next = one + 1; next < end; next++)
        if (is_alike(next, one))
            return next;
    return NULL;
}

/* "3, 5-9": the blocks of `first` and of all like it; the caller's. */
static char *list_blocks(const struct dataset *dataset, const struct dataset_trouble *first,
                         size_t *ret_n) {
    char *list = text_copy("");
    size_t n = 0, ranges = 0;

    for (const struct dataset_trouble *from = first, *to; from; from = next_alike(dataset, to)) {
        const struct dataset_trouble *next = from;
        CLEANUP_FREE char *range = NULL;

        for (to = from; next && next->block <= to->block + 1; n++) {
            to = next;
            next = next_alike(dataset, to);
        }
        if (ranges++ >= MAX_RANGES)
            continue;
        range = to->block > from->block ? text_format("%ld-%ld", from->block, to->block)
                                        : text_format("%ld", from->block);
        text_append(&list, ", ", range);
    }
    if (ranges > MAX_RANGES) {
        CLEANUP_FREE char *rest = text_format("... (%zu blocks)", n);

        text_append(&list, ", ", rest);
    }
    *ret_n = n;
    return list;
}

static bool is_first(const struct dataset *dataset, const struct dataset_trouble *one) {
    for (const struct dataset_trouble *other = dataset->troubles; other < one; other++)
        if (is_alike(other, one))
            return false;
    return true;
}

static double largest_of(const struct dataset *dataset, const struct dataset_trouble *one) {
    double largest = one->value;

    while ((one = next_alike(dataset, one)))
        largest = fabs(one->value) > fabs(largest) ? one->value : largest;
    return largest;
}

/* What is said of it and of all like it, behind the host's name; the caller's. */
static char *describe_trouble(const struct dataset *dataset, const struct dataset_trouble *one,
                              size_t n_blocks) {
    double largest = largest_of(dataset, one);
    CLEANUP_FREE char *words = NULL;

    switch (one->kind) {
    case TROUBLE_LOAD:
        return text_format("a load of up to %.3g on %.0f processor%s: some processes had to wait "
                           "for one",
                           largest, one->processors, one->processors > 1 ? "s" : "");
    case TROUBLE_OTHER_RUNS:
        return text_copy("another run measured on this host at the same time: these figures are "
                         "not this run's alone; measure again while no other does");
    case TROUBLE_CLOCK:
        return clock_set_words(largest);
    case TROUBLE_RELAY:
        return text_format(
            "the link's relay could not take up to %.0f frame%s: it, not the link "
            "that was asked for, was the limit then; choose a lower lab.rate or less delay",
            largest, largest == 1 ? "" : "s");
    default:
        words = throttling_words(one->bits);
        return text_format("%s during the block%s", words, n_blocks == 1 ? "" : "s");
    }
}

static void describe_conditions(struct findings *findings) {
    const struct dataset *dataset = findings->dataset;
    const struct dataset_one_way *one_way = &dataset->one_way;

    for (size_t i = 0; i < dataset->n_troubles; i++) {
        const struct dataset_trouble *one = &dataset->troubles[i];
        CLEANUP_FREE char *blocks = NULL, *words = NULL;
        size_t n;

        if (!is_first(dataset, one))
            continue;
        blocks = list_blocks(dataset, one, &n);
        words = describe_trouble(dataset, one, n);
        (void)findings_say(findings, FINDING_CAUTION, "block%s %s, %s: %s.", n == 1 ? "" : "s",
                           blocks, one->host, words);
    }
    if (one_way->n_below)
        (void)findings_say(
            findings, FINDING_CAUTION,
            "%zu of %zu one-way telemetry latencies are smaller than the error bound of the "
            "clocks' "
            "comparison (%.3g ms): they carry no information.",
            one_way->n_below, one_way->n, one_way->bound_ms);
}

/* ---- what lies far from the rest of its series ---- */

/* Steps are 100 ms: one of them may be empty because what arrives is large. */
#define SILENCE_FLOOR_S 0.15
/* Less than the logarithm of any other value. */
#define LOG_OF_ZERO (-1000.0)
/* A longer list is cut: its length says enough. */
#define MAX_NAMED 12

/* Of MAD, from so many values on: in 2 % of series of normal values one is farther. */
static double factor_of(size_t n) {
    static const struct {
        size_t n;
        double factor;
    } factors[] = {{100, 6}, {50, 6.2}, {30, 6.5}, {20, 7}, {15, 7.7}, {12, 8.2},
                   {10, 9},  {8, 10},   {6, 12.5}, {4, 20}, {3, 85}};
    size_t i = 0;

    while (n < factors[i].n)
        i++;
    return factors[i].factor;
}

double validity_outlier_limit(const double *values, size_t n, double floor, double *ret_median) {
    CLEANUP_FREE double *sorted = memory_new(n, sizeof(*sorted));

    *ret_median = NAN;
    if (n < 3)
        return INFINITY;
    memcpy(sorted, values, n * sizeof(*sorted));
    gsl_sort(sorted, 1, n);
    *ret_median = statistics_quantile(sorted, n, 0.5);
    for (size_t i = 0; i < n; i++)
        sorted[i] = fabs(values[i] - *ret_median);
    gsl_sort(sorted, 1, n);
    return fmax(factor_of(n) * statistics_quantile(sorted, n, 0.5), floor);
}

/* ---- a list of trials ---- */

struct named {
    char *list; /* the first MAX_NAMED, "; " between them */
    size_t n;
};

static void named_clear(struct named *named) {
    free(named->list);
}

/* "path of plain, block 7 (59201 vs. 12000 Mbit/s)" */
static void name_trial(struct named *named, const struct dataset *dataset,
                       const struct dataset_trial *trial, const char *figures) {
    CLEANUP_FREE char *rung = dataset_rung(dataset, trial->probe, trial->variant), *one = NULL;

    if (named->n++ >= MAX_NAMED)
        return;
    one = text_format("%s of %s, block %ld (%s)", rung, dataset->channels[trial->channel].name,
                      trial->block, figures);
    text_append(&named->list, "; ", one);
}

static const char *more_of(const struct named *named) {
    return named->n > MAX_NAMED ? "; ..." : "";
}

/* ---- values ---- */

static double log_of(double value) {
    return value > 0 ? log(value) : LOG_OF_ZERO;
}

/* Where most values are zero no ratio says anything. */
static void find_values(struct named *named, const struct cells *cells, const struct cell *cell) {
    const struct dataset *dataset = cells->dataset;
    CLEANUP_FREE double *logs = memory_new(cell->n, sizeof(*logs));
    size_t n = cells_values(cells, cell, logs), zeros = 0;
    double limit, median;

    for (size_t i = 0; i < n; i++) {
        zeros += !(logs[i] > 0);
        logs[i] = log_of(logs[i]);
    }
    if (2 * zeros >= n)
        return;
    limit = validity_outlier_limit(logs, n, log1p(dataset->margin), &median);
    for (size_t i = 0; i < cell->n; i++) {
        const struct dataset_trial *trial = &dataset->trials[cell->trials[i]];
        CLEANUP_FREE char *figures = NULL;

        if (trial->status != TRIAL_OK || !(fabs(log_of(trial->value) - median) > limit))
            continue;
        figures = text_format("%.5g vs. %.5g %s", trial->value, exp(median),
                              dataset->probes[trial->probe].unit);
        name_trial(named, dataset, trial, figures);
    }
}

/* ---- silence ---- */

static bool is_silent(const struct dataset_trial *trial) {
    return trial->status == TRIAL_OK && !isnan(trial->silence_s);
}

/* All channels of a probe and variant, whose first cell is `first`. */
static void find_silence(struct named *named, const struct cells *cells, const struct cell *first) {
    const struct dataset *dataset = cells->dataset;
    const struct cell *end = first + dataset->n_channels;
    CLEANUP_FREE double *all = NULL;
    double limit, median;
    size_t n = 0;

    for (const struct cell *cell = first; cell < end; cell++)
        n += cell->n;
    all = memory_new(n, sizeof(*all));
    n = 0;
    for (const struct cell *cell = first; cell < end; cell++)
        for (size_t i = 0; i < cell->n; i++)
            if (is_silent(&dataset->trials[cell->trials[i]]))
                all[n++] = dataset->trials[cell->trials[i]].silence_s;
    limit = validity_outlier_limit(all, n, SILENCE_FLOOR_S, &median);
    for (const struct cell *cell = first; cell < end; cell++)
        for (size_t i = 0; i < cell->n; i++) {
            const struct dataset_trial *trial = &dataset->trials[cell->trials[i]];
            CLEANUP_FREE char *figures = text_format("%.3g s", trial->silence_s);

            if (is_silent(trial) && trial->silence_s - median > limit)
                name_trial(named, dataset, trial, figures);
        }
}

static void describe_outliers(struct findings *findings) {
    CLEANUP(named_clear) struct named values = {text_copy(""), 0}, silences = {text_copy(""), 0};

    for (size_t i = 0; i < findings->cells->n; i++) {
        find_values(&values, findings->cells, &findings->cells->list[i]);
        if (findings->cells->list[i].channel == 0)
            find_silence(&silences, findings->cells, &findings->cells->list[i]);
    }
    if (values.n)
        (void)findings_say(
            findings, FINDING_CAUTION,
            "%zu value%s far from the median of %s series (more than 6 MAD, more in short series): "
            "%s%s. None is left out: an outlier moves the mean, hardly the median.",
            values.n, values.n == 1 ? " lies" : "s lie", values.n == 1 ? "its" : "their",
            values.list, more_of(&values));
    if (silences.n)
        (void)findings_say(
            findings, FINDING_CAUTION,
            "Stalls in %zu trial%s, with nothing arriving for longer than usual: %s%s.", silences.n,
            silences.n == 1 ? "" : "s", silences.list, more_of(&silences));
}

/* ---- each cell in the order of time ---- */

/* "path of plain", "delivery, 30B of tls" */
static char *name_cell(const struct findings *findings, const struct summary_row *row) {
    const struct dataset *dataset = findings->dataset;
    CLEANUP_FREE char *rung = dataset_rung(dataset, row->probe, row->variant);

    return text_format("%s of %s", rung, dataset->channels[row->channel].name);
}

/* From the first trial of a cell to the last. */
static double span_hours(const struct cells *cells, const struct cell *cell) {
    const struct dataset_trial *trials = cells->dataset->trials;

    return cell->n ? (double)(trials[cell->trials[cell->n - 1]].started_ms -
                              trials[cell->trials[0]].started_ms) /
                         MS_PER_HOUR
                   : 0;
}

/* "path of plain by -3.1 %" when it drifted by more than the margin; NULL else. */
static char *drift_of(const struct findings *findings, const struct summary_row *row) {
    const struct statistics_drift *drift = &row->statistics.drift;
    double share = drift->per_hour *
                   span_hours(findings->cells, &findings->cells->list[row->cell]) /
                   row->statistics.mean;
    CLEANUP_FREE char *name = NULL, *percent = NULL;

    if (!(drift->low * drift->high > 0) || !isfinite(share) ||
        fabs(share) < findings->dataset->margin)
        return NULL;
    name = name_cell(findings, row);
    percent = number_percent(share);
    return text_format("%s by %s%s", name, share > 0 ? "+" : "", percent);
}

/* "path of plain: 50 correlated trials are worth about 12 independent ones"; NULL when they do not
 * depend on each other. */
static char *dependence_of(const struct findings *findings, const struct summary_row *row) {
    const struct statistics *statistics = &row->statistics;
    CLEANUP_FREE char *name = NULL;

    if (!statistics_depends(statistics->n, statistics->n_effective))
        return NULL;
    name = name_cell(findings, row);
    return text_format("%s: %zu correlated trials are worth about %.0f independent one%s", name,
                       statistics->n, statistics->n_effective,
                       statistics->n_effective < 1.5 ? "" : "s");
}

/* All that `describe` says of the headline metrics; "" for nothing. */
static char *list_cells(const struct findings *findings, const char *separator,
                        char *(*describe)(const struct findings *, const struct summary_row *)) {
    char *list = text_copy("");

    for (size_t i = 0; i < findings->summary->n_rows; i++) {
        const struct summary_row *row = &findings->summary->rows[i];
        CLEANUP_FREE char *one = row->headline ? describe(findings, row) : NULL;

        if (one)
            text_append(&list, separator, one);
    }
    return list;
}

static void describe_course(struct findings *findings) {
    CLEANUP_FREE char *drifted = list_cells(findings, ", ", drift_of);
    CLEANUP_FREE char *dependent = list_cells(findings, "; ", dependence_of);

    if (*drifted)
        (void)findings_say(
            findings, FINDING_CAUTION,
            "Drift from the first trial to the last, as a share of the mean: %s. %s", drifted,
            findings->dataset->sequential
                ? "In a sequential order it is part of the differences."
                : "Drift shared by all channels cancels out in the within-block ratios; drift of "
                  "only some does not.");
    if (*dependent)
        (void)findings_say(
            findings, FINDING_CAUTION,
            "Trials depend on those before them. %s. The CIs of these means are too narrow; the "
            "ratios are taken within blocks.",
            dependent);
}

/* ---- network ---- */

/* The sum of a metric of the probe's sender over its trials. */
static double sum_metric(const struct dataset *dataset, size_t probe, const char *metric) {
    CLEANUP_FREE char *name = text_format("%s.%s", dataset->probes[probe].sender, metric);
    int place = dataset_find_series(dataset, name);
    const struct dataset_series *series = place < 0 ? NULL : &dataset->series[place];
    double sum = 0;

    for (size_t k = 0; series && k < series->n; k++) {
        const struct dataset_value *value = &dataset->values[series->first + k];

        if (dataset->trials[value->trial].probe == probe)
            sum += value->value;
    }
    return sum;
}

static void describe_network(struct findings *findings) {
    const struct dataset *dataset = findings->dataset;
    size_t messages = 0, lost = 0;

    for (size_t i = 0; i < dataset->n_probes; i++) {
        double again = sum_metric(dataset, i, "retransmits");
        double share = again / sum_metric(dataset, i, "segments_out");
        CLEANUP_FREE char *percent = number_percent(share);

        if (share > RETRANSMITTED)
            (void)findings_say(findings, FINDING_CAUTION,
                               "%s: %s of the segments were retransmitted.",
                               dataset->probes[i].name, percent);
    }
    for (size_t i = 0; i < dataset->n_channels; i++) {
        messages += dataset->channels[i].messages;
        lost += dataset->channels[i].lost;
    }
    if (lost)
        (void)findings_say(findings, FINDING_CAUTION, "%zu of %zu telemetry messages were lost.",
                           lost, messages);
}

void validity_add(struct findings *findings) {
    static void (*const steps[])(struct findings *) = {
        describe_trials,    describe_blocks,  describe_before,     describe_remarks,
        describe_tolerated, describe_design,  describe_conditions, describe_outliers,
        describe_course,    describe_network,
    };

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        steps[i](findings);
}
