#include "analysis/comparison.h"

#include <math.h>
#include <string.h>

const char *comparison_word(const struct dataset *dataset, const struct comparison *comparison) {
    static const char *const words[][2] = {
        [VERDICT_EQUIVALENT] = {"equivalent", "equivalent"},
        [VERDICT_SLOWER] = {"slower", "more"},
        [VERDICT_FASTER] = {"faster", "less"},
        [VERDICT_UNDECIDED] = {"undecided", "undecided"},
    };
    const struct dataset_probe *probe = &dataset->probes[comparison->probe];

    return words[comparison->verdict][dataset_is_amount(probe->metric, probe->unit, probe->better)];
}

const char *comparison_outcome(const struct dataset *dataset, const struct comparison *comparison) {
    return comparison->skipped ? "skipped" : comparison_word(dataset, comparison);
}

/* ---- what a set-up can see ---- */

void resolution_add(struct resolution *resolution, const struct paired *control, bool equivalent) {
    if (!isfinite(control->ci_low) || !isfinite(control->ci_high))
        return;
    resolution->known = true;
    resolution->low = fmin(resolution->low, control->ci_low);
    resolution->high = fmax(resolution->high, control->ci_high);
    resolution->equivalent = resolution->equivalent && equivalent;
}

bool resolution_hides(const struct resolution *resolution, const struct paired *paired) {
    return resolution->known && paired->ci_low <= resolution->high &&
           paired->ci_high >= resolution->low;
}

double resolution_limit(const struct resolution *resolution) {
    return fmax(1 - resolution->low, resolution->high - 1);
}

bool resolution_refutes_loss(const struct paired *paired, double loss) {
    return paired->ci_low > 1 - loss / 2;
}

/* ---- the rule ---- */

static bool is_equivalent(const struct dataset *dataset, const struct paired *paired) {
    return paired->narrow_low >= 1 - dataset->margin && paired->narrow_high <= 1 + dataset->margin;
}

/* Whether so few blocks, beside the others of the family as they are, could show a difference at
 * all: that of list[i], in the family list[start..end-1]. */
static bool can_differ(const struct comparison *list, size_t start, size_t end, size_t i) {
    CLEANUP_FREE double *p = memory_new(end - start, sizeof(*p));
    CLEANUP_FREE double *adjusted = memory_new(end - start, sizeof(*p));

    for (size_t k = start; k < end; k++)
        p[k - start] = list[k].paired.p_value;
    p[i - start] = paired_least_p_value(list[i].paired.n);
    paired_holm(p, end - start, adjusted);
    return adjusted[i - start] < VERDICT_ALPHA;
}

static const char *why_undecided(const struct comparison *comparison) {
    if (comparison->skipped)
        return "one of the two was skipped on these hosts";
    if (!comparison->paired.n)
        return "no block has both";
    if (isnan(comparison->paired.ratio))
        return "a value is zero: there is no ratio";
    if (comparison->paired.n < VERDICT_EQUIVALENT_BLOCKS)
        return "fewer than 6 complete blocks";
    if (!comparison->declared)
        return "no equivalence; only the comparisons with the baseline were declared";
    if (!comparison->can_differ)
        return "no equivalence, and too few blocks to show a difference of any size";
    return "neither a difference nor equivalence is shown";
}

static void judge(const struct dataset *dataset, struct comparison *comparison) {
    const struct paired *paired = &comparison->paired;
    bool enough = paired->n >= VERDICT_EQUIVALENT_BLOCKS && !isnan(paired->ratio);
    bool lower_is_better = text_equal(dataset->probes[comparison->probe].better, "lower");

    comparison->reason = "";
    if (enough && is_equivalent(dataset, paired)) {
        comparison->verdict = VERDICT_EQUIVALENT;
    } else if (enough && comparison->p_holm < VERDICT_ALPHA) {
        comparison->verdict =
            (paired->ratio < 1) == lower_is_better ? VERDICT_FASTER : VERDICT_SLOWER;
    } else {
        comparison->verdict = VERDICT_UNDECIDED;
        comparison->reason = why_undecided(comparison);
    }
}

/* Whether a control was shown not to be what it is. One that is undecided was not. */
static bool has_failed(const struct dataset *dataset, const struct comparison *comparison) {
    const struct dataset_channel *channel = &dataset->channels[comparison->channel];
    enum dataset_control demand = dataset_demand(dataset, comparison->probe, comparison->channel);
    bool slower = comparison->verdict == VERDICT_SLOWER;
    bool faster = comparison->verdict == VERDICT_FASTER;

    if (!comparison->declared)
        return false;
    return demand == DATASET_SAME
               ? slower || faster
               : demand == DATASET_SLOWED &&
                     (faster ||
                      (!slower && resolution_refutes_loss(&comparison->paired, channel->loss)));
}

static bool is_same_control(const struct dataset *dataset, const struct comparison *comparison) {
    return comparison->declared &&
           dataset_demand(dataset, comparison->probe, comparison->channel) == DATASET_SAME;
}

struct resolution comparisons_resolution(const struct comparisons *comparisons, size_t probe,
                                         size_t variant) {
    struct resolution resolution = RESOLUTION_UNKNOWN;

    for (size_t i = 0; i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];

        if (comparison->probe == probe && comparison->variant == variant &&
            is_same_control(comparisons->cells->dataset, comparison))
            resolution_add(&resolution, &comparison->paired,
                           comparison->verdict == VERDICT_EQUIVALENT);
    }
    return resolution;
}

/* Takes a verdict back that is finer than what equal channels show here. */
static void judge_beside_control(const struct comparisons *comparisons,
                                 struct comparison *comparison) {
    struct resolution resolution;
    bool hidden;

    if (comparison->verdict == VERDICT_UNDECIDED ||
        is_same_control(comparisons->cells->dataset, comparison))
        return;
    resolution = comparisons_resolution(comparisons, comparison->probe, comparison->variant);
    hidden = comparison->verdict == VERDICT_EQUIVALENT
                 ? resolution.known && !resolution.equivalent
                 : resolution_hides(&resolution, &comparison->paired);
    if (!hidden)
        return;
    comparison->verdict = VERDICT_UNDECIDED;
    comparison->reason = "below this set-up's resolution";
}

/* ---- the list ---- */

/* Whether a channel could not be had on the run's hosts. */
static bool is_skipped(const struct dataset *dataset, const struct cell *cell) {
    for (size_t i = 0; i < cell->n; i++)
        if (dataset->trials[cell->trials[i]].status != TRIAL_SKIPPED)
            return false;
    return cell->n > 0;
}

static void add(struct comparisons *comparisons, const struct cell *cell,
                const struct cell *baseline, bool declared) {
    size_t room = cell->n < baseline->n ? cell->n : baseline->n;
    CLEANUP_FREE double *values = memory_new(room, sizeof(*values));
    CLEANUP_FREE double *others = memory_new(room, sizeof(*others));
    size_t n = cells_pairs(comparisons->cells, cell, baseline, DATASET_HEADLINE, values, others);

    comparisons->list =
        memory_resize(comparisons->list, comparisons->n + 1, sizeof(*comparisons->list));
    comparisons->list[comparisons->n++] = (struct comparison){
        .probe = cell->probe,
        .variant = cell->variant,
        .channel = cell->channel,
        .baseline = baseline->channel,
        .declared = declared,
        .skipped = is_skipped(comparisons->cells->dataset, cell) ||
                   is_skipped(comparisons->cells->dataset, baseline),
        .paired = paired_compare(values, others, n, comparisons->cells->dataset->seed),
        .p_holm = NAN,
    };
}

/* All channels of a probe and variant, whose first cell is `row`, against the baseline. */
static void add_declared(struct comparisons *comparisons, const struct cell *row, int baseline) {
    for (size_t channel = 0; channel < comparisons->cells->dataset->n_channels; channel++)
        if ((int)channel != baseline)
            add(comparisons, row + channel, row + baseline, true);
}

/* Each pair once, the later channel of the scenario against the earlier. */
static void add_pairs(struct comparisons *comparisons, const struct cell *row, int baseline) {
    for (size_t later = 0; later < comparisons->cells->dataset->n_channels; later++)
        for (size_t earlier = 0; earlier < later; earlier++)
            if ((int)later != baseline && (int)earlier != baseline)
                add(comparisons, row + later, row + earlier, false);
}

/* The declared comparisons of each probe are a family, over all of its variants. */
static void adjust(struct comparisons *comparisons) {
    CLEANUP_FREE double *p = memory_new(comparisons->n_declared, sizeof(*p));
    CLEANUP_FREE double *adjusted = memory_new(comparisons->n_declared, sizeof(*p));
    struct comparison *list = comparisons->list;
    size_t end, family;

    for (size_t start = 0; start < comparisons->n_declared; start = end) {
        family = 0;
        for (end = start; end < comparisons->n_declared && list[end].probe == list[start].probe;
             end++) {
            p[end] = list[end].paired.p_value;
            family += !isnan(p[end]);
        }
        paired_holm(p + start, end - start, adjusted + start);
        for (size_t i = start; i < end; i++) {
            list[i].can_differ = can_differ(list, start, end, i);
            list[i].family = family;
        }
    }
    for (size_t i = 0; i < comparisons->n_declared; i++)
        list[i].p_holm = adjusted[i];
}

struct comparisons *comparisons_new(const struct cells *cells) {
    struct comparisons *comparisons = memory_new(1, sizeof(*comparisons));
    const struct dataset *dataset = cells->dataset;
    int baseline = dataset_find_channel(dataset, dataset->baseline);

    comparisons->cells = cells;
    for (size_t i = 0; baseline >= 0 && i < cells->n; i += dataset->n_channels)
        add_declared(comparisons, &cells->list[i], baseline);
    comparisons->n_declared = comparisons->n;
    adjust(comparisons);
    for (size_t i = 0; i < cells->n; i += dataset->n_channels)
        add_pairs(comparisons, &cells->list[i], baseline);
    for (size_t i = 0; i < comparisons->n; i++) {
        judge(dataset, &comparisons->list[i]);
        comparisons->list[i].failed = has_failed(dataset, &comparisons->list[i]);
    }
    for (size_t i = 0; i < comparisons->n; i++)
        judge_beside_control(comparisons, &comparisons->list[i]);
    return comparisons;
}

void comparisons_free(struct comparisons *comparisons) {
    free(comparisons->list);
    free(comparisons);
}

const struct comparison *comparisons_find(const struct comparisons *comparisons, size_t probe,
                                          size_t variant, size_t channel) {
    for (size_t i = 0; i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];

        if (comparison->probe == probe && comparison->variant == variant &&
            comparison->channel == channel)
            return comparison;
    }
    return NULL;
}

double comparisons_widest(const struct comparisons *comparisons) {
    double widest = comparisons_fewest(comparisons) ? 0 : NAN;

    for (size_t i = 0; i < comparisons->n_declared; i++) {
        const struct paired *paired = &comparisons->list[i].paired;
        double width = (paired->ci_high - paired->ci_low) / paired->ratio;

        if (comparisons->list[i].skipped)
            continue;
        if (!isfinite(width))
            return NAN;
        widest = fmax(widest, width);
    }
    return widest;
}

size_t comparisons_fewest(const struct comparisons *comparisons) {
    size_t fewest = SIZE_MAX;

    for (size_t i = 0; i < comparisons->n_declared; i++)
        if (!comparisons->list[i].skipped && comparisons->list[i].paired.n < fewest)
            fewest = comparisons->list[i].paired.n;
    return fewest < SIZE_MAX ? fewest : 0;
}

size_t comparisons_most(const struct comparisons *comparisons) {
    size_t most = 0;

    for (size_t i = 0; i < comparisons->n_declared; i++)
        most = comparisons->list[i].paired.n > most ? comparisons->list[i].paired.n : most;
    return most;
}

char *comparisons_unsteady(const struct comparisons *comparisons) {
    char *list = text_copy("");
    size_t last = SIZE_MAX;

    for (size_t i = 0; i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];

        if (!comparison->failed || comparison->probe == last)
            continue;
        last = comparison->probe;
        text_append(&list, ", ", comparisons->cells->dataset->probes[last].name);
    }
    return list;
}
