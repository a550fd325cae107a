#include "analysis/findings.h"

#include <math.h>
#include <stdlib.h>

#define MOST_NAMED 3 /* channels in one sentence */

/* What the channels of one probe and variant came out as. */
enum outcome { DIFFERENT, EQUIVALENT, UNDECIDED, SKIPPED, N_OUTCOMES };

static enum outcome outcome_of(const struct comparison *comparison) {
    return comparison->skipped                         ? SKIPPED
           : comparison->verdict == VERDICT_EQUIVALENT ? EQUIVALENT
           : comparison->verdict == VERDICT_UNDECIDED  ? UNDECIDED
                                                       : DIFFERENT;
}

/* How far a ratio is from 1, the same for a half and for twice as much. */
static double size_of(const struct comparison *comparison) {
    return fabs(log(comparison->paired.ratio));
}

/* The largest difference first; those that are as large as they were declared. */
static int compare_sizes(const void *left, const void *right) {
    const struct comparison *a = *(const struct comparison *const *)left,
                            *b = *(const struct comparison *const *)right;
    double sizes = size_of(b) - size_of(a);

    return sizes > 0 ? 1 : sizes < 0 ? -1 : a < b ? -1 : a > b;
}

/* The channels that came out so, those that differ most first; the list is the caller's. */
static const struct comparison **find_outcome(const struct comparisons *comparisons,
                                              const struct comparison *first, enum outcome outcome,
                                              size_t *ret_n) {
    const struct comparison **list = memory_new(comparisons->n_declared, sizeof(*list));
    size_t n = 0;

    for (size_t i = 0; i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];

        if (comparison->probe == first->probe && comparison->variant == first->variant &&
            outcome_of(comparison) == outcome &&
            comparisons->cells->dataset->channels[comparison->channel].control == DATASET_SUBJECT)
            list[n++] = comparison;
    }
    if (outcome == DIFFERENT)
        qsort(list, n, sizeof(*list), compare_sizes);
    *ret_n = n;
    return list;
}

/* ---- words; all belong to the caller ---- */

/* As many decimals as an interval of this width and a number of this size need. */
static int decimals_of(double width, double size) {
    int of_width = width >= 2 ? 0 : width >= 0.2 ? 1 : 2;
    int of_size = size >= 10 ? 0 : size >= 1 ? 1 : size >= 0.1 ? 2 : 3;

    return of_width > of_size ? of_width : of_size;
}

/* A ratio above 2 is read more easily as so many times. */
static bool is_times(const struct paired *paired) {
    return paired->ratio > 2;
}

/* "23 %", "3.1 times" */
static char *ratio_words(const struct paired *paired) {
    double factor = is_times(paired) ? 1 : 100;
    int decimals = decimals_of(factor * (paired->ci_high - paired->ci_low), factor * paired->ratio);

    return text_format(is_times(paired) ? "%.*f times" : "%.*f %%", decimals,
                       factor * paired->ratio);
}

/* "21 to 25 %", "2.9 to 3.3" */
static char *interval_words(const struct paired *paired) {
    double factor = is_times(paired) ? 1 : 100;
    int decimals = decimals_of(factor * (paired->ci_high - paired->ci_low), factor * paired->ratio);

    return text_format(is_times(paired) ? "%.*f to %.*f" : "%.*f to %.*f %%", decimals,
                       factor * paired->ci_low, decimals, factor * paired->ci_high);
}

static const char *name_of(const struct dataset *dataset, const struct comparison *comparison) {
    return dataset->channels[comparison->channel].name;
}

/* "mutual-tls delivers 23 % of plain's throughput (95 % CI 21 to 25 %)", those behind the first:
 * "psk 45 % (43 to 47 %)" */
static char *describe_difference(const struct dataset *dataset, const struct comparison *comparison,
                                 bool first) {
    const struct dataset_probe *probe = &dataset->probes[comparison->probe];
    const char *verb = text_equal(probe->better, "higher")  ? "delivers"
                       : text_equal(probe->better, "lower") ? "takes"
                                                            : "has";
    CLEANUP_FREE char *ratio = ratio_words(&comparison->paired),
                      *interval = interval_words(&comparison->paired),
                      *metric = dataset_words(probe->metric);

    return first ? text_format("%s %s %s %s%s's %s (95 %% CI %s)", name_of(dataset, comparison),
                               verb, ratio, is_times(&comparison->paired) ? "" : "of ",
                               dataset->channels[comparison->baseline].name, metric, interval)
                 : text_format("%s %s (%s)", name_of(dataset, comparison), ratio, interval);
}

/* "psk (95 % CI 97 to 104 % of plain's throughput)", those behind the first: "psk (97 to 104 %)" */
static char *describe_doubt(const struct dataset *dataset, const struct comparison *comparison,
                            bool first) {
    CLEANUP_FREE char *interval = interval_words(&comparison->paired),
                      *metric = dataset_words(dataset->probes[comparison->probe].metric);

    if (!isfinite(comparison->paired.ci_low))
        return text_copy(name_of(dataset, comparison));
    return first ? text_format("%s (95 %% CI %s %s%s's %s)", name_of(dataset, comparison), interval,
                               is_times(&comparison->paired) ? "times " : "of ",
                               dataset->channels[comparison->baseline].name, metric)
                 : text_format("%s (%s)", name_of(dataset, comparison), interval);
}

static char *describe_name(const struct dataset *dataset, const struct comparison *comparison,
                           bool first) {
    (void)first;
    return text_copy(name_of(dataset, comparison));
}

typedef char *describe_fn(const struct dataset *, const struct comparison *, bool first);

/* "a", "a and b", "a, b, c and 3 others" */
static char *list_words(const struct dataset *dataset, const struct comparison *const *list,
                        size_t n, describe_fn *describe) {
    size_t named = n < MOST_NAMED ? n : MOST_NAMED;
    bool first = true; /* with an interval */
    char *words = text_copy("");

    for (size_t i = 0; i < named; i++) {
        CLEANUP_FREE char *one = describe(dataset, list[i], first);

        first = first && isnan(list[i]->paired.ci_low);
        text_append(&words, i + 1 == n ? " and " : ", ", one);
    }
    if (named < n) {
        CLEANUP_FREE char *rest = text_format("%zu other%s", n - named, n - named == 1 ? "" : "s");

        text_append(&words, " and ", rest);
    }
    return words;
}

/* Of many the largest and the smallest difference, and between what the others are; `list` has the
 * largest first. */
static char *describe_extremes(const struct dataset *dataset, const struct comparison *const *list,
                               size_t n) {
    CLEANUP_FREE char *largest = describe_difference(dataset, list[0], true),
                      *smallest = describe_difference(dataset, list[n - 1], false), *from = NULL,
                      *to = NULL;
    const struct paired *low = &list[1]->paired, *high = low;

    for (size_t i = 2; i < n - 1; i++) {
        const struct paired *paired = &list[i]->paired;

        low = paired->ratio < low->ratio ? paired : low;
        high = paired->ratio > high->ratio ? paired : high;
    }
    from = ratio_words(low);
    to = ratio_words(high);
    return text_format("%s, %s, %zu others between %s and %s", largest, smallest, n - 2, from, to);
}

/* One clause for all channels that came out alike; NULL when there is none. */
static char *describe_outcome(const struct comparisons *comparisons, const struct comparison *first,
                              enum outcome outcome) {
    static describe_fn *const describe[] = {describe_difference, describe_name, describe_doubt,
                                            describe_name};
    const struct dataset *dataset = comparisons->cells->dataset;
    size_t n;
    CLEANUP_FREE const struct comparison **all = find_outcome(comparisons, first, outcome, &n);
    bool many = n > MOST_NAMED;
    CLEANUP_FREE char *list = NULL, *margin = NULL;

    if (!n)
        return NULL;
    if (many && outcome == DIFFERENT)
        return describe_extremes(dataset, all, n);
    list = list_words(dataset, all, n, many ? describe_name : describe[outcome]);
    switch (outcome) {
    case DIFFERENT:
        return text_copy(list);
    case EQUIVALENT:
        margin = number_margin(dataset->margin);
        return text_format("%s make%s no difference above %s", list, n == 1 ? "s" : "", margin);
    case UNDECIDED:
        return text_format("undecided, which does not mean equal: %s", list);
    default:
        return text_format("skipped on these hosts: %s", list);
    }
}

/* ---- lines ---- */

/* A sentence for each outcome. */
static void add_sentences(struct findings *findings, const struct comparison *first) {
    for (enum outcome outcome = 0; outcome < N_OUTCOMES; outcome++) {
        CLEANUP_FREE char *clause = describe_outcome(findings->comparisons, first, outcome);

        if (!clause)
            continue;
        if (outcome >= UNDECIDED)
            *clause -= 'a' - 'A';
        (void)findings_say(findings, FINDING_ANSWER, "%s.", clause);
    }
}

/* All outcomes of a probe and variant in one sentence, behind its name. */
static void add_sentence(struct findings *findings, const struct comparison *first) {
    CLEANUP_FREE char *words = text_copy("");
    CLEANUP_FREE char *rung = dataset_rung(findings->dataset, first->probe, first->variant);

    for (enum outcome outcome = 0; outcome < N_OUTCOMES; outcome++) {
        CLEANUP_FREE char *clause = describe_outcome(findings->comparisons, first, outcome);

        if (clause)
            text_append(&words, "; ", clause);
    }
    (void)findings_say(findings, FINDING_ANSWER, "%s: %s.", rung, words);
}

/* Says why nothing can be concluded; false when something can. */
static bool add_none(struct findings *findings) {
    const struct dataset *dataset = findings->dataset;
    CLEANUP_FREE char *unsteady = comparisons_unsteady(findings->comparisons);
    size_t ok = 0;

    for (size_t i = 0; i < dataset->n_trials; i++)
        ok += dataset->trials[i].used && dataset->trials[i].status == TRIAL_OK;
    if (!ok)
        (void)findings_say(findings, FINDING_ANSWER,
                           "No trial of this run is ok: nothing was measured, so there is nothing "
                           "to conclude.");
    else if (*unsteady)
        (void)findings_say(findings, FINDING_ANSWER,
                           "No conclusion: the set-up is too unsteady, a control failed on %s.",
                           unsteady);
    else if (dataset->n_channels < 2)
        (void)findings_say(findings, FINDING_ANSWER,
                           "The run has a single channel: there is none to compare it with.");
    else if (dataset_find_channel(dataset, dataset->baseline) < 0)
        (void)findings_say(
            findings, FINDING_ANSWER,
            "The scenario names no baseline: no comparison was declared beforehand.");
    return findings->n > 0;
}

/* The first comparison of each probe and variant that the answer is about; the caller's. */
static const struct comparison **find_firsts(const struct comparisons *comparisons, size_t *ret_n) {
    const struct dataset *dataset = comparisons->cells->dataset;
    const struct comparison **firsts = memory_new(comparisons->n_declared, sizeof(*firsts));
    size_t top = dataset_top_rung(dataset), n = 0;

    for (size_t i = 0; i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];
        size_t rung = dataset->probes[comparison->probe].rung;

        if ((rung && rung < top) ||
            dataset->channels[comparison->channel].control != DATASET_SUBJECT ||
            (n && firsts[n - 1]->probe == comparison->probe &&
             firsts[n - 1]->variant == comparison->variant))
            continue;
        firsts[n++] = comparison;
    }
    *ret_n = n;
    return firsts;
}

void answer_add(struct findings *findings) {
    const struct comparisons *comparisons = findings->comparisons;
    CLEANUP_FREE const struct comparison **firsts = NULL;
    size_t n, blocks = comparisons_most(comparisons), named, room;

    if (add_none(findings))
        return;
    firsts = find_firsts(comparisons, &n);
    if (!n)
        (void)findings_say(findings, FINDING_ANSWER,
                           "No channel could be compared with the baseline.");
    if (n && blocks < VERDICT_EQUIVALENT_BLOCKS)
        (void)findings_say(findings, FINDING_ANSWER, "No verdict: %zu complete block%s too few.",
                           blocks, blocks == 1 ? " is" : "s are");
    room = ANSWER_LINES - findings->n;
    named = n <= room ? n : room - 1;
    for (size_t i = 0; i < named; i++) {
        if (n == 1)
            add_sentences(findings, firsts[i]);
        else
            add_sentence(findings, firsts[i]);
    }
    if (named < n)
        (void)findings_say(findings, FINDING_ANSWER,
                           "%zu more probes and variants stand in the table.", n - named);
}
