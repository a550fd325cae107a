#include "analysis/findings.h"

#include "analysis/number.h"
#include "analysis/validity.h"

#include <math.h>
#include <string.h>

static void add(struct findings *findings, enum finding_kind kind,
                const struct comparison *comparison, char *text) {
    findings->list = memory_resize(findings->list, findings->n + 1, sizeof(*findings->list));
    findings->list[findings->n++] = (struct finding){kind, comparison, text};
}

static const struct dataset *dataset_of(const struct comparisons *comparisons) {
    return comparisons->cells->dataset;
}

static enum dataset_control control_of(const struct comparisons *comparisons,
                                       const struct comparison *comparison) {
    return dataset_demand(dataset_of(comparisons), comparison->probe, comparison->channel);
}

/* ---- words for one comparison; all belong to the caller ---- */

/* "ratio 0.951, 95 % interval 0.949 .. 0.953, 50 blocks" */
static char *describe_ratio(const struct comparison *comparison, bool narrow) {
    const struct paired *paired = &comparison->paired;
    CLEANUP_FREE char *ratio = number_ratio(paired->ratio);
    CLEANUP_FREE char *interval = narrow
                                      ? number_ratio_range(paired->narrow_low, paired->narrow_high)
                                      : number_ratio_range(paired->ci_low, paired->ci_high);
    CLEANUP_FREE char *p =
        isfinite(comparison->p_holm) && !narrow
            ? text_format(", p %s %.2g after Holm", comparison->p_holm < 1e-4 ? "<" : "=",
                          fmax(comparison->p_holm, 1e-4))
            : text_copy("");

    return text_format("ratio %s, %d %% interval %s%s, %zu block%s", ratio, narrow ? 90 : 95,
                       interval, p, paired->n, paired->n == 1 ? "" : "s");
}

static char *describe_equivalence(const struct dataset *dataset,
                                  const struct comparison *comparison) {
    CLEANUP_FREE char *margin = number_margin(dataset->margin);
    CLEANUP_FREE char *ratio = describe_ratio(comparison, true);

    return text_format("is equivalent to %s within %s (%s)",
                       dataset->channels[comparison->baseline].name, margin, ratio);
}

static char *describe_difference(const struct dataset *dataset,
                                 const struct comparison *comparison) {
    CLEANUP_FREE char *by = number_percent(fabs(1 - comparison->paired.ratio));
    CLEANUP_FREE char *ratio = describe_ratio(comparison, false);
    CLEANUP_FREE char *metric = dataset_words(dataset->probes[comparison->probe].metric);

    return text_format("is %s than %s: %s %s %s (%s)", verdict_word(comparison->verdict),
                       dataset->channels[comparison->baseline].name, metric, by,
                       comparison->paired.ratio < 1 ? "lower" : "higher", ratio);
}

static char *describe_doubt(const struct dataset *dataset, const struct comparison *comparison) {
    CLEANUP_FREE char *ratio = comparison->paired.n && isfinite(comparison->paired.ratio)
                                   ? describe_ratio(comparison, false)
                                   : NULL;

    if (comparison->skipped)
        return text_format("against %s is undecided: %s",
                           dataset->channels[comparison->baseline].name, comparison->reason);
    return text_format("against %s is undecided, which does not mean equal: %s%s%s%s",
                       dataset->channels[comparison->baseline].name, comparison->reason,
                       ratio ? " (" : "", ratio ? ratio : "", ratio ? ")" : "");
}

static char *describe(const struct dataset *dataset, const struct comparison *comparison) {
    static char *(*const words[])(const struct dataset *, const struct comparison *) = {
        [VERDICT_EQUIVALENT] = describe_equivalence,
        [VERDICT_SLOWER] = describe_difference,
        [VERDICT_FASTER] = describe_difference,
        [VERDICT_UNDECIDED] = describe_doubt,
    };

    return words[comparison->verdict](dataset, comparison);
}

/* ---- controls ---- */

/* Whether a control shows what it is there to show. */
static bool came_out(const struct comparisons *comparisons, const struct comparison *comparison) {
    return comparison->verdict == (control_of(comparisons, comparison) == DATASET_SAME
                                       ? VERDICT_EQUIVALENT
                                       : VERDICT_SLOWER);
}

/* What a slowed channel is to a probe that it does not slow. */
static void add_unconcerned(struct findings *findings, const struct comparisons *comparisons,
                            const struct comparison *comparison) {
    const struct dataset *dataset = dataset_of(comparisons);
    CLEANUP_FREE char *probe = dataset_rung(dataset, comparison->probe, comparison->variant);

    add(findings, FINDING_CONTROL, comparison,
        text_format("No control of %s: %s takes time away from senders of bulk data, and this "
                    "probe has none, so no difference is demanded here.",
                    probe, dataset->channels[comparison->channel].name));
}

static const char *state_of_control(const struct comparisons *comparisons,
                                    const struct comparison *comparison) {
    return comparison->failed                  ? "failed"
           : came_out(comparisons, comparison) ? "as it must be"
                                               : "inconclusive";
}

/* ": differences below about 25 % cannot be seen here"; "" of what shows no resolution. */
static char *describe_limit(const struct comparisons *comparisons,
                            const struct comparison *comparison) {
    struct resolution resolution =
        comparisons_resolution(comparisons, comparison->probe, comparison->variant);
    CLEANUP_FREE char *limit = NULL;

    if (control_of(comparisons, comparison) != DATASET_SAME || !resolution.known)
        return text_copy("");
    limit = number_about(resolution_limit(&resolution));
    return text_format(": differences below about %s cannot be seen here", limit);
}

static void add_control(struct findings *findings, const struct comparisons *comparisons,
                        const struct comparison *comparison) {
    const struct dataset *dataset = dataset_of(comparisons);
    const struct dataset_channel *channel = &dataset->channels[comparison->channel];
    CLEANUP_FREE char *probe = dataset_rung(dataset, comparison->probe, comparison->variant);
    CLEANUP_FREE char *words = describe(dataset, comparison);
    CLEANUP_FREE char *loss = number_margin(channel->loss);
    CLEANUP_FREE char *limit = describe_limit(comparisons, comparison);
    CLEANUP_FREE char *what =
        channel->control == DATASET_SAME
            ? text_format("%s once more", dataset->channels[comparison->baseline].name)
            : text_format("%s with %s of its sender's time taken away",
                          dataset->channels[comparison->baseline].name, loss);

    add(findings, FINDING_CONTROL, comparison,
        text_format("Control %s, %s: %s, which is %s, %s%s.",
                    state_of_control(comparisons, comparison), probe, channel->name, what, words,
                    limit));
}

static size_t most_blocks(const struct comparisons *comparisons) {
    size_t most = 0;

    for (size_t i = 0; i < comparisons->n_declared; i++)
        most = comparisons->list[i].paired.n > most ? comparisons->list[i].paired.n : most;
    return most;
}

/* What no comparison has blocks enough for, with the numbers that it takes; NULL when some has. */
static char *describe_few(const struct comparisons *comparisons) {
    size_t blocks = most_blocks(comparisons), family = 1;
    long long differ;
    bool can_differ = false;

    for (size_t i = 0; i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];

        family = comparison->family > family ? comparison->family : family;
        can_differ = can_differ || comparison->can_differ;
    }
    differ = verdict_differ_blocks(family);
    if (!comparisons->n_declared || can_differ)
        return NULL;
    if (blocks < VERDICT_EQUIVALENT_BLOCKS)
        return text_format("Too few blocks for any verdict: equivalent takes %d complete ones, "
                           "slower and faster %lld (%zu comparison%s of a probe).",
                           VERDICT_EQUIVALENT_BLOCKS, differ, family, family == 1 ? "" : "s");
    return text_format("Too few blocks to show a difference: slower and faster take %lld complete "
                       "ones (%zu comparison%s of a probe), equivalent takes %d.",
                       differ, family, family == 1 ? "" : "s", VERDICT_EQUIVALENT_BLOCKS);
}

/* The probes on which a control failed, ", " between them; "" for none. */
static char *list_unsteady(const struct comparisons *comparisons) {
    char *list = text_copy("");
    size_t last = SIZE_MAX;

    for (size_t i = 0; i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];

        if (!comparison->failed || comparison->probe == last)
            continue;
        last = comparison->probe;
        text_append(&list, ", ", dataset_of(comparisons)->probes[last].name);
    }
    return list;
}

static void add_unsteady(struct findings *findings, const struct comparisons *comparisons) {
    CLEANUP_FREE char *probes = list_unsteady(comparisons);

    if (*probes)
        add(findings, FINDING_UNSTEADY, NULL,
            text_format("The set-up is too unsteady to conclude (%s): a control failed, so the "
                        "other verdicts cannot be relied on, either.",
                        probes));
}

/* "16 % on path; 3.1 % on delivery": where the A/A control is not equivalent; "" for nowhere. */
static char *list_limits(const struct comparisons *comparisons) {
    const struct comparison *last = NULL;
    char *list = text_copy("");

    for (size_t i = 0; i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];
        struct resolution resolution =
            comparisons_resolution(comparisons, comparison->probe, comparison->variant);
        CLEANUP_FREE char *limit = NULL, *rung = NULL, *one = NULL;

        if (!resolution.known || resolution.equivalent ||
            (last && last->probe == comparison->probe && last->variant == comparison->variant))
            continue;
        last = comparison;
        limit = number_about(resolution_limit(&resolution));
        rung = dataset_rung(dataset_of(comparisons), comparison->probe, comparison->variant);
        one = text_format("%s on %s", limit, rung);
        text_append(&list, "; ", one);
    }
    return list;
}

/* What all that follows has to be read with. */
static void add_limits(struct findings *findings, const struct comparisons *comparisons) {
    CLEANUP_FREE char *limits = list_limits(comparisons);
    char *few = describe_few(comparisons);

    if (few)
        add(findings, FINDING_LIMIT, NULL, few);
    else if (*limits)
        add(findings, FINDING_LIMIT, NULL,
            text_format("Differences below about %s cannot be seen here: equal channels come out "
                        "as far apart, as the A/A control shows.",
                        limits));
}

/* ---- all ---- */

static void add_verdicts(struct findings *findings, const struct comparisons *comparisons) {
    const struct dataset *dataset = dataset_of(comparisons);

    for (size_t i = 0; i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];
        CLEANUP_FREE char *probe = NULL, *words = NULL;

        if (control_of(comparisons, comparison) != DATASET_SUBJECT)
            continue;
        probe = dataset_rung(dataset, comparison->probe, comparison->variant);
        words = describe(dataset, comparison);
        add(findings, FINDING_VERDICT, comparison,
            text_format("%s: %s %s.", probe, dataset->channels[comparison->channel].name, words));
    }
}

/* Bytes on the path never see the channel: what differs there is no price of it. */
static void add_path_caution(struct findings *findings, const struct comparisons *comparisons) {
    for (size_t i = 0; i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];

        if (!text_equal(dataset_of(comparisons)->probes[comparison->probe].name, "path") ||
            control_of(comparisons, comparison) != DATASET_SUBJECT ||
            (comparison->verdict != VERDICT_SLOWER && comparison->verdict != VERDICT_FASTER))
            continue;
        add(findings, FINDING_CAUTION, NULL,
            text_copy("A difference on path is none of a channel's making: those bytes never pass "
                      "through it."));
        return;
    }
}

/* A control that shows nothing is as good as none, where there are verdicts. */
static void add_mute_controls(struct findings *findings, const struct comparisons *comparisons) {
    bool verdicts = most_blocks(comparisons) >= VERDICT_EQUIVALENT_BLOCKS;

    for (size_t i = 0; verdicts && i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];
        CLEANUP_FREE char *rung = NULL;

        if (control_of(comparisons, comparison) != DATASET_SAME || comparison->skipped ||
            isfinite(comparison->paired.ci_low))
            continue;
        rung = dataset_rung(dataset_of(comparisons), comparison->probe, comparison->variant);
        add(findings, FINDING_CAUTION, NULL,
            text_format("%s: the A/A control has fewer than two values: nothing shows what this "
                        "set-up can see.",
                        rung));
    }
}

static void add_caution(void *context, const char *sentence) {
    add(context, FINDING_CAUTION, NULL, text_copy(sentence));
}

struct findings *findings_new(const struct summary *summary,
                              const struct comparisons *comparisons) {
    struct findings *findings = memory_new(1, sizeof(*findings));

    add_unsteady(findings, comparisons);
    add_limits(findings, comparisons);
    add_verdicts(findings, comparisons);
    for (size_t i = 0; i < comparisons->n_declared; i++) {
        enum dataset_control control = control_of(comparisons, &comparisons->list[i]);

        if (control == DATASET_UNCONCERNED)
            add_unconcerned(findings, comparisons, &comparisons->list[i]);
        else if (control != DATASET_SUBJECT)
            add_control(findings, comparisons, &comparisons->list[i]);
    }
    add_path_caution(findings, comparisons);
    add_mute_controls(findings, comparisons);
    validity_describe(comparisons->cells, summary, add_caution, findings);
    return findings;
}

void findings_free(struct findings *findings) {
    for (size_t i = 0; i < findings->n; i++)
        free(findings->list[i].text);
    free(findings->list);
    free(findings);
}
