#include "analysis/findings.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *word;
    enum severity severity;
} kinds[] = {
    [FINDING_ANSWER] = {"answer", SEVERITY_INFO},
    [FINDING_UNSTEADY] = {"unsteady", SEVERITY_ERROR},
    [FINDING_LIMIT] = {"limit", SEVERITY_WARNING},
    [FINDING_VERDICT] = {"verdict", SEVERITY_INFO},
    [FINDING_CONTROL] = {"control", SEVERITY_INFO},
    [FINDING_PUBLISHED] = {"published", SEVERITY_INFO},
    [FINDING_CAUTION] = {"caution", SEVERITY_WARNING},
    [FINDING_TRIALS] = {"trials", SEVERITY_WARNING},
    [FINDING_PROOF] = {"proof", SEVERITY_INFO},
    [FINDING_CHANNEL] = {"channel", SEVERITY_INFO},
    [FINDING_TLS] = {"tls", SEVERITY_INFO},
    [FINDING_LEGEND] = {"legend", SEVERITY_INFO},
    [FINDING_LOOKED] = {"looked", SEVERITY_INFO},
    [FINDING_WARNING] = {"warning", SEVERITY_WARNING},
    [FINDING_SPEED] = {"speed", SEVERITY_INFO},
};

const char *finding_word(enum finding_kind kind) {
    return kinds[kind].word;
}

struct finding *findings_say(struct findings *findings, enum finding_kind kind, const char *format,
                             ...) {
    struct finding finding = {.kind = kind, .severity = kinds[kind].severity};
    CLEANUP_FREE char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = text_vformat(format, arguments);
    va_end(arguments);
    finding.text = text_visible(text);
    findings->list = memory_room(findings->list, findings->n, sizeof(*findings->list));
    findings->list[findings->n] = finding;
    return &findings->list[findings->n++];
}

/* What a finding is about. */
static void set_cell(const struct findings *findings, struct finding *finding, size_t probe,
                     size_t variant, size_t channel) {
    finding->probe = findings->dataset->probes[probe].name;
    finding->variant = dataset_variant(findings->dataset, variant);
    finding->channel = findings->dataset->channels[channel].name;
}

static enum dataset_control control_of(const struct findings *findings,
                                       const struct comparison *comparison) {
    return dataset_demand(findings->dataset, comparison->probe, comparison->channel);
}

/* ---- numbers ---- */

/* What rounds to zero has no sign. */
static double without_sign_of_zero(double value, int decimals) {
    return fabs(value) < 0.5 * pow(10, -decimals) ? 0 : value;
}

char *number_ratio(double ratio) {
    return !isfinite(ratio)           ? text_copy("-")
           : ratio > 0 && ratio < 0.1 ? text_format("%.3g", ratio)
                                      : text_format(ratio < 100 ? "%.3f" : "%.4g", ratio);
}

char *number_percent(double share) {
    double percent = fabs(share * 100);
    int decimals = percent >= 10 ? 1 : percent >= 0.1 ? 2 : 3;

    return isfinite(percent)
               ? text_format("%.*f %%", decimals, without_sign_of_zero(share * 100, decimals))
               : text_copy("-");
}

char *number_about(double share) {
    double percent = fabs(share * 100);
    int decimals = percent >= 9.95 ? 0 : percent >= 0.995 ? 1 : percent >= 0.0995 ? 2 : 3;

    return isfinite(percent) ? text_format("%.*f %%", decimals, percent) : text_copy("-");
}

char *number_value(double value) {
    return !isfinite(value) ? text_copy("-")
                            : text_format(fabs(value) < 9999.5 ? "%.4g" : "%.0f", value);
}

char *number_margin(double share) {
    return text_format("%.6g %%", share * 100);
}

/* ---- words for one comparison; all belong to the caller ---- */

/* "ratio 0.951, 95 % CI 0.949 to 0.953, p < 0.0001 after Holm, 50 blocks" */
static char *describe_ratio(const struct comparison *comparison, bool narrow) {
    const struct paired *paired = &comparison->paired;
    CLEANUP_FREE char *ratio = number_ratio(paired->ratio);
    CLEANUP_FREE char *low = number_ratio(narrow ? paired->narrow_low : paired->ci_low);
    CLEANUP_FREE char *high = number_ratio(narrow ? paired->narrow_high : paired->ci_high);
    CLEANUP_FREE char *p =
        isfinite(comparison->p_holm) && !narrow
            ? text_format(", p %s %.2g after Holm", comparison->p_holm < 1e-4 ? "<" : "=",
                          fmax(comparison->p_holm, 1e-4))
            : text_copy("");

    return text_format("ratio %s, %d %% CI %s to %s%s, %zu block%s", ratio, narrow ? 90 : 95, low,
                       high, p, paired->n, paired->n == 1 ? "" : "s");
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
    const struct dataset_probe *probe = &dataset->probes[comparison->probe];
    CLEANUP_FREE char *metric = dataset_words(probe->metric);
    bool is_amount = dataset_is_amount(probe->metric, probe->unit, probe->better);

    return text_format("%s %s than %s: %s %s %s (%s)", is_amount ? "takes" : "is",
                       comparison_word(dataset, comparison),
                       dataset->channels[comparison->baseline].name, metric, by,
                       comparison->paired.ratio < 1 ? "lower" : "higher", ratio);
}

static char *describe_doubt(const struct dataset *dataset, const struct comparison *comparison) {
    CLEANUP_FREE char *ratio = comparison->paired.n && isfinite(comparison->paired.ratio)
                                   ? describe_ratio(comparison, false)
                                   : NULL;

    if (comparison->skipped)
        return text_format("is undecided against %s: %s",
                           dataset->channels[comparison->baseline].name, comparison->reason);
    return text_format("is undecided against %s, which does not mean equal: %s%s%s%s",
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

/* What a slowed channel is to a probe that it does not slow. */
static void add_unconcerned(struct findings *findings, const struct comparison *comparison) {
    const struct dataset *dataset = findings->dataset;
    CLEANUP_FREE char *probe = dataset_rung(dataset, comparison->probe, comparison->variant);
    struct finding *finding = findings_say(
        findings, FINDING_CONTROL,
        "No control on %s: %s takes time away from senders of bulk data; this probe has none, so "
        "no difference is expected here.",
        probe, dataset->channels[comparison->channel].name);

    set_cell(findings, finding, comparison->probe, comparison->variant, comparison->channel);
}

/* ": differences below about 25 % cannot be detected here"; "" of what shows no resolution. */
static char *describe_limit(const struct findings *findings, const struct comparison *comparison) {
    struct resolution resolution =
        comparisons_resolution(findings->comparisons, comparison->probe, comparison->variant);
    CLEANUP_FREE char *limit = NULL;

    if (control_of(findings, comparison) != DATASET_SAME || !resolution.known)
        return text_copy("");
    limit = number_about(resolution_limit(&resolution));
    return text_format(": differences below about %s cannot be detected here", limit);
}

static void add_control(struct findings *findings, const struct comparison *comparison) {
    const struct dataset *dataset = findings->dataset;
    const struct dataset_channel *channel = &dataset->channels[comparison->channel];
    bool same = control_of(findings, comparison) == DATASET_SAME;
    bool passed = comparison->verdict == (same ? VERDICT_EQUIVALENT : VERDICT_SLOWER);
    const char *state = comparison->failed ? "failed" : passed ? "passed" : "inconclusive";
    CLEANUP_FREE char *probe = dataset_rung(dataset, comparison->probe, comparison->variant);
    CLEANUP_FREE char *words = describe(dataset, comparison);
    CLEANUP_FREE char *loss = number_margin(channel->loss);
    CLEANUP_FREE char *limit = describe_limit(findings, comparison);
    CLEANUP_FREE char *what = same ? text_copy("once more")
                                   : text_format("with %s of its sender's time taken away", loss);
    struct finding *finding = findings_say(
        findings, FINDING_CONTROL, "Control %s, %s: %s, which is %s %s, %s%s.", state, probe,
        channel->name, dataset->channels[comparison->baseline].name, what, words, limit);

    set_cell(findings, finding, comparison->probe, comparison->variant, comparison->channel);
    finding->severity = comparison->failed ? SEVERITY_ERROR
                        : passed           ? SEVERITY_INFO
                                           : SEVERITY_WARNING;
    finding->verdict = state;
}

static void add_unsteady(struct findings *findings) {
    CLEANUP_FREE char *probes = comparisons_unsteady(findings->comparisons);

    if (*probes)
        (void)findings_say(findings, FINDING_UNSTEADY,
                           "The set-up is too unsteady to conclude (%s): a control failed, so the "
                           "other verdicts cannot be relied on either.",
                           probes);
}

/* ---- limits ---- */

/* What no comparison has blocks enough for, with the numbers that it takes. Returns whether none
 * has. */
static bool add_few(struct findings *findings) {
    const struct comparisons *comparisons = findings->comparisons;
    size_t blocks = comparisons_most(comparisons), family = 1;
    long long differ;
    bool can_differ = false;

    for (size_t i = 0; i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];

        family = comparison->family > family ? comparison->family : family;
        can_differ = can_differ || comparison->can_differ;
    }
    differ = verdict_differ_blocks(family);
    if (!comparisons->n_declared || can_differ)
        return false;
    if (blocks < VERDICT_EQUIVALENT_BLOCKS)
        (void)findings_say(findings, FINDING_LIMIT,
                           "Too few blocks for any verdict: equivalent needs %d complete ones, "
                           "slower and faster %lld (%zu comparison%s of a probe).",
                           VERDICT_EQUIVALENT_BLOCKS, differ, family, family == 1 ? "" : "s");
    else
        (void)findings_say(findings, FINDING_LIMIT,
                           "Too few blocks to show a difference: slower and faster need %lld "
                           "complete ones (%zu comparison%s of a probe), equivalent needs %d.",
                           differ, family, family == 1 ? "" : "s", VERDICT_EQUIVALENT_BLOCKS);
    return true;
}

/* "16 % on path; 3.1 % on delivery": where the A/A control is not equivalent; "" for nowhere. */
static char *list_limits(const struct findings *findings) {
    const struct comparisons *comparisons = findings->comparisons;
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
        rung = dataset_rung(findings->dataset, comparison->probe, comparison->variant);
        one = text_format("%s on %s", limit, rung);
        text_append(&list, "; ", one);
    }
    return list;
}

/* What all that follows has to be read with. */
static void add_limits(struct findings *findings) {
    CLEANUP_FREE char *limits = list_limits(findings);

    if (!add_few(findings) && *limits)
        (void)findings_say(findings, FINDING_LIMIT,
                           "Differences below about %s cannot be detected here: the A/A control "
                           "shows that equal channels come out that far apart.",
                           limits);
}

/* ---- published values ---- */

#define ROUNDING 1e-9

/* What to think of a published value beside the interval of ours, which may have no width: that of
 * bytes, but for the rounding of logarithms. */
static const char *judge_published(double reference, double measured, double low, double high) {
    return text_equal(published_comparable(measured, reference), "no")
               ? "more than ten times apart: not comparable"
           : isnan(low)                        ? "a single block has no interval to compare with"
           : reference < low * (1 - ROUNDING)  ? "the measured one is higher"
           : reference > high * (1 + ROUNDING) ? "the measured one is lower"
                                               : "the published one is within this interval";
}

/* "published ratio 1.25, measured 1.31 (95 % CI 1.29 to 1.33, 10 blocks): the measured one is
 * higher"; `unit`: "" of ratios. */
static char *describe_published(const char *what, const char *unit, double reference,
                                double measured, double low, double high, size_t blocks,
                                char *number(double)) {
    CLEANUP_FREE char *published = text_format("%.6g", reference);
    CLEANUP_FREE char *ours = number(measured), *from = number(low), *to = number(high);
    CLEANUP_FREE char *interval =
        isnan(low) ? text_copy("")
                   : text_format(" (95 %% CI %s to %s, %zu blocks)", from, to, blocks);

    if (isnan(measured))
        return text_format("published%s %s%s, not measured here", what, published, unit);
    return text_format("published%s %s%s, measured %s%s%s: %s", what, published, unit, ours, unit,
                       interval, judge_published(reference, measured, low, high));
}

static void add_published_row(struct findings *findings, const struct published_row *row) {
    const struct dataset *dataset = findings->dataset;
    CLEANUP_FREE char *probe = dataset_rung(dataset, row->probe, row->variant);
    CLEANUP_FREE char *metric = dataset_words(row->name);
    CLEANUP_FREE char *unit = text_format(" %s", row->unit);
    const char *channel = dataset->channels[row->channel].name;

    if (!isnan(row->reference) && row->series != DATASET_HEADLINE) {
        const struct statistics *ours = &row->statistics;
        CLEANUP_FREE char *words =
            describe_published("", unit, row->reference, ours->n ? ours->mean : NAN, ours->ci_low,
                               ours->ci_high, ours->n, number_value);

        set_cell(findings,
                 findings_say(findings, FINDING_PUBLISHED, "%s: %s of %s: %s.", probe, metric,
                              channel, words),
                 row->probe, row->variant, row->channel);
    }
    if (!isnan(row->reference_ratio)) {
        CLEANUP_FREE char *words =
            describe_published(" ratio", "", row->reference_ratio, row->ratio, row->ratio_low,
                               row->ratio_high, row->blocks, number_ratio);

        set_cell(findings,
                 findings_say(findings, FINDING_PUBLISHED, "%s: %s of %s to %s: %s.", probe, metric,
                              channel, dataset->channels[row->baseline].name, words),
                 row->probe, row->variant, row->channel);
    }
}

/* Values of headline metrics stand in the table, beside ours, and are drawn there. */
static void add_published(struct findings *findings) {
    size_t before = findings->n;

    for (size_t i = 0; i < findings->published->n; i++)
        add_published_row(findings, &findings->published->list[i]);
    if (findings->n > before && *findings->dataset->reference_source)
        (void)findings_say(findings, FINDING_PUBLISHED, "Published in: %s.",
                           findings->dataset->reference_source);
}

/* ---- verdicts and cautions ---- */

static void add_verdict(struct findings *findings, const struct comparison *comparison) {
    const struct dataset *dataset = findings->dataset;
    CLEANUP_FREE char *probe = dataset_rung(dataset, comparison->probe, comparison->variant);
    CLEANUP_FREE char *words = describe(dataset, comparison);
    struct finding *finding = findings_say(findings, FINDING_VERDICT, "%s: %s %s.", probe,
                                           dataset->channels[comparison->channel].name, words);

    set_cell(findings, finding, comparison->probe, comparison->variant, comparison->channel);
    finding->verdict = comparison_outcome(findings->dataset, comparison);
}

/* Subjects first, then controls. */
static void add_comparisons(struct findings *findings) {
    const struct comparison *list = findings->comparisons->list;
    size_t n = findings->comparisons->n_declared;

    for (size_t i = 0; i < n; i++)
        if (control_of(findings, &list[i]) == DATASET_SUBJECT)
            add_verdict(findings, &list[i]);
    for (size_t i = 0; i < n; i++)
        if (control_of(findings, &list[i]) == DATASET_UNCONCERNED)
            add_unconcerned(findings, &list[i]);
        else if (control_of(findings, &list[i]) != DATASET_SUBJECT)
            add_control(findings, &list[i]);
}

/* Bytes on the path never see the channel: what differs there is no price of it. */
static void add_path_caution(struct findings *findings) {
    for (size_t i = 0; i < findings->comparisons->n_declared; i++) {
        const struct comparison *comparison = &findings->comparisons->list[i];
        const struct dataset_probe *probe = &findings->dataset->probes[comparison->probe];

        if (probe->rung != DATASET_BESIDE || control_of(findings, comparison) != DATASET_SUBJECT ||
            (comparison->verdict != VERDICT_SLOWER && comparison->verdict != VERDICT_FASTER))
            continue;
        (void)findings_say(findings, FINDING_CAUTION,
                           "A difference on %s is not caused by a channel: its bytes never pass "
                           "through one.",
                           probe->name);
        return;
    }
}

/* A control that shows nothing is as good as none, where there are verdicts. */
static void add_mute_controls(struct findings *findings) {
    const struct comparisons *comparisons = findings->comparisons;
    bool verdicts = comparisons_most(comparisons) >= VERDICT_EQUIVALENT_BLOCKS;

    for (size_t i = 0; verdicts && i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];
        CLEANUP_FREE char *rung = NULL;

        if (control_of(findings, comparison) != DATASET_SAME || comparison->skipped ||
            isfinite(comparison->paired.ci_low))
            continue;
        rung = dataset_rung(findings->dataset, comparison->probe, comparison->variant);
        (void)findings_say(findings, FINDING_CAUTION,
                           "%s: the A/A control has fewer than two values, so the smallest "
                           "difference that this set-up can detect is not known.",
                           rung);
    }
}

/* ---- what is said beside the conclusions ---- */

/* What the numbers of trials do not allow to be said. */
static void add_numbers(struct findings *findings) {
    const struct summary *summary = findings->summary;
    bool any = false, single = false;

    for (size_t i = 0; i < summary->n_rows; i++) {
        any = any || (summary->rows[i].headline && summary->rows[i].statistics.n > 0);
        single = single || (summary->rows[i].headline && summary->rows[i].statistics.n == 1);
    }
    if (!any)
        (void)findings_say(findings, FINDING_LIMIT,
                           "No trial of this run is ok: nothing was measured.");
    if (single)
        (void)findings_say(findings, FINDING_LIMIT,
                           "A single trial has no spread, hence no interval.");
}

/* "8 failed before its block was measured again (gone)"; NULL for none. */
static char *describe_before(const struct cell *cell) {
    const struct dataset_trial *first = cell->before;

    return first ? text_format("%zu %s before %s block%s measured again%s%s%s", cell->n_before,
                               trial_status_word(first->status),
                               cell->n_before == 1 ? "its" : "their",
                               cell->n_before == 1 ? " was" : "s were", *first->reason ? " (" : "",
                               first->reason, *first->reason ? ")" : "")
                 : NULL;
}

/* "1 failed (the broker is gone), 2 void": "" when all trials are ok. */
static char *describe_trials(const struct summary_row *row, const struct cell *cell) {
    CLEANUP_FREE char *before = describe_before(cell);
    char *note = text_copy("");
    size_t any = 0;

    for (int i = 0; i < TRIAL_N_STATUSES; i++) {
        const char *reason = row->reasons[i];
        CLEANUP_FREE char *one = NULL;

        any += row->counts[i];
        if (i == TRIAL_OK || !row->counts[i])
            continue;
        one = text_format("%zu %s%s%s%s", row->counts[i], trial_status_word((enum trial_status)i),
                          reason ? " (" : "", reason ? reason : "", reason ? ")" : "");
        text_append(&note, ", ", one);
    }
    if (!any)
        text_replace(&note, "not measured");
    if (before)
        text_append(&note, ", ", before);
    return note;
}

/* "72 in 8 blocks: 70 ok, 2 failed; before, measured again: 3 failed" */
static char *describe_run(const struct dataset *dataset) {
    size_t counts[2][TRIAL_N_STATUSES] = {{0}}; /* of those measured again; of those that count */
    CLEANUP_FREE char *before = NULL, *now = NULL;
    size_t used = 0;

    for (size_t i = 0; i < dataset->n_trials; i++) {
        used += dataset->trials[i].used;
        counts[dataset->trials[i].used][dataset->trials[i].status]++;
    }
    if (!used)
        return text_copy("none");
    before = validity_counts(counts[false], TRIAL_FAILED);
    now = validity_counts(counts[true], TRIAL_OK);
    if (!(counts[false][TRIAL_FAILED] + counts[false][TRIAL_VOID]))
        *before = '\0';
    return text_format("%zu in %zu block%s: %s%s%s", used, dataset->n_counted,
                       dataset->n_counted == 1 ? "" : "s", now,
                       *before ? "; before, measured again: " : "", before);
}

static void add_trials(struct findings *findings) {
    CLEANUP_FREE char *run = describe_run(findings->dataset);

    findings_say(findings, FINDING_TRIALS, "%s", run)->severity = SEVERITY_INFO;
    for (size_t i = 0; i < findings->summary->n_rows; i++) {
        const struct summary_row *row = &findings->summary->rows[i];
        CLEANUP_FREE char *note = NULL;

        if (!row->headline)
            continue;
        note = describe_trials(row, &findings->cells->list[row->cell]);
        if (*note)
            set_cell(findings, findings_say(findings, FINDING_TRIALS, "%s", note), row->probe,
                     row->variant, row->channel);
    }
}

/* "wrong password: expected refused, observed refused (not authorized); held 10 of 10 times." */
static void add_proofs(struct findings *findings) {
    for (size_t i = 0; i < findings->dataset->n_proofs; i++) {
        const struct dataset_proof *proof = &findings->dataset->proofs[i];
        bool because = *proof->cause;
        CLEANUP_FREE char *broken =
            proof->broken ? text_format(", broken %zu", proof->broken) : text_copy("");
        struct finding *finding = findings_say(
            findings, FINDING_PROOF,
            "%s: expected %s, observed %s%s%s%s; held %zu%s of %zu times.%s", proof->name,
            proof->expected, proof->observed, because ? " (" : "", proof->cause, because ? ")" : "",
            proof->held, broken, proof->held + proof->broken + proof->remarks,
            proof->remarks ? " An external broker may do otherwise." : "");

        finding->channel = findings->dataset->channels[proof->channel].name;
        finding->verdict = proof->broken ? "broken" : proof->remarks ? "remark" : "held";
        finding->severity = proof->broken    ? SEVERITY_ERROR
                            : proof->remarks ? SEVERITY_WARNING
                                             : SEVERITY_INFO;
    }
}

/* What each channel is, then what its trials negotiated. */
static void add_channels(struct findings *findings) {
    for (enum finding_kind kind = FINDING_CHANNEL; kind <= FINDING_TLS; kind++)
        for (size_t i = 0; i < findings->dataset->n_channels; i++) {
            const struct dataset_channel *channel = &findings->dataset->channels[i];
            const char *text = kind == FINDING_CHANNEL ? channel->description
                               : *channel->tls         ? channel->tls
                                                       : "none";
            struct finding *finding = findings_say(findings, kind, "%s", text);

            finding->channel = channel->name;
            finding->variant = channel->variant;
        }
}

/* Whose figures the published ones are. Those taken beside the channel were not taken in it. */
static void add_references(struct findings *findings) {
    const struct dataset *dataset = findings->dataset;
    const char *source = *dataset->reference_source ? dataset->reference_source : "no source named";

    for (size_t i = 0; i < dataset->n_probes; i++) {
        const struct dataset_probe *probe = &dataset->probes[i];

        if (probe->has_reference)
            findings_say(findings, FINDING_LEGEND, "published: %s; comparable with %s only%s.",
                         source, probe->name,
                         probe->rung == DATASET_BESIDE
                             ? ", a stream beside the channel that never passed through it"
                             : "")
                ->probe = probe->name;
    }
}

static void add_legend(struct findings *findings) {
    const struct dataset *dataset = findings->dataset;
    CLEANUP_FREE char *margin = number_margin(dataset->margin);

    add_references(findings);
    (void)findings_say(findings, FINDING_LEGEND,
                       "95 %% CI: of the mean, by Student's t over blocks.");
    if (dataset_find_channel(dataset, dataset->baseline) >= 0 && dataset->n_channels > 1)
        (void)findings_say(
            findings, FINDING_LEGEND,
            "ratio: to %s, within blocks. equivalent: its 90 %% interval is within %s of 1; "
            "slower, faster: p < 0.05 after Holm; undecided: neither is shown, or the A/A "
            "control shows that this set-up cannot detect it. Each equivalent is wrong in up "
            "to 5 %% of runs: it is not corrected for the number of channels.",
            dataset->baseline, margin);
    for (size_t i = 0; i < dataset->n_probes; i++) {
        const struct dataset_probe *probe = &dataset->probes[i];

        if (dataset_is_amount(probe->metric, probe->unit, probe->better))
            findings_say(findings, FINDING_LEGEND,
                         "more, less of %s: as slower, faster; it is no matter of speed.",
                         probe->name)
                ->probe = probe->name;
    }
    (void)findings_say(findings, FINDING_LOOKED,
                       "Checked for: %s. What a host does not report cannot be found.",
                       validity_looked_for());
}

/* A line each, without the folder in which the file lies. */
static void add_warnings(struct findings *findings) {
    for (const char *line = findings->dataset->warnings; *line; line += strcspn(line, "\n") + 1) {
        const char *end = line + strcspn(line, "\n"), *file = strstr(line, ": ");

        file = file && file < end ? file : line;
        while (file > line && file[-1] != '/')
            file--;
        (void)findings_say(findings, FINDING_WARNING, "%.*s", (int)(end - file), file);
    }
}

/* ---- all ---- */

struct findings *findings_new(const struct summary *summary, const struct comparisons *comparisons,
                              const struct published *published) {
    static void (*const steps[])(struct findings *) = {
        answer_add,    add_unsteady,     add_numbers,       add_limits,   add_comparisons,
        add_published, add_path_caution, add_mute_controls, validity_add, add_trials,
        add_proofs,    add_channels,     add_legend,        add_warnings};
    struct findings *findings = memory_new(1, sizeof(*findings));

    findings->cells = comparisons->cells;
    findings->dataset = comparisons->cells->dataset;
    findings->summary = summary;
    findings->comparisons = comparisons;
    findings->published = published;
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        steps[i](findings);
    return findings;
}

void findings_free(struct findings *findings) {
    for (size_t i = 0; i < findings->n; i++)
        free(findings->list[i].text);
    free(findings->list);
    free(findings);
}
