#include "analysis/findings.h"

#include "analysis/answer.h"
#include "analysis/number.h"
#include "analysis/validity.h"

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
    [FINDING_CAUTION] = {"caution", SEVERITY_WARNING},
    [FINDING_TRIALS] = {"trials", SEVERITY_WARNING},
    [FINDING_PROOF] = {"proof", SEVERITY_INFO},
    [FINDING_CHANNEL] = {"channel", SEVERITY_INFO},
    [FINDING_TLS] = {"tls", SEVERITY_INFO},
    [FINDING_LEGEND] = {"legend", SEVERITY_INFO},
    [FINDING_LOOKED] = {"looked", SEVERITY_INFO},
    [FINDING_WARNING] = {"warning", SEVERITY_WARNING},
};

const char *finding_word(enum finding_kind kind) {
    return kinds[kind].word;
}

/* Takes the text over. What is handed out is good until the next is added. */
static struct finding *add(struct findings *findings, enum finding_kind kind, char *text) {
    findings->list = memory_room(findings->list, findings->n, sizeof(*findings->list));
    findings->list[findings->n] =
        (struct finding){.kind = kind, .text = text, .severity = kinds[kind].severity};
    return &findings->list[findings->n++];
}

/* The same of a comparison. */
static struct finding *add_compared(struct findings *findings, enum finding_kind kind,
                                    const struct dataset *dataset,
                                    const struct comparison *comparison, char *text) {
    struct finding *finding = add(findings, kind, text);

    finding->probe = dataset->probes[comparison->probe].name;
    finding->variant = dataset_variant(dataset, comparison->variant);
    finding->channel = dataset->channels[comparison->channel].name;
    return finding;
}

static const struct dataset *dataset_of(const struct comparisons *comparisons) {
    return comparisons->cells->dataset;
}

static enum dataset_control control_of(const struct comparisons *comparisons,
                                       const struct comparison *comparison) {
    return dataset_demand(dataset_of(comparisons), comparison->probe, comparison->channel);
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

    (void)add_compared(
        findings, FINDING_CONTROL, dataset, comparison,
        text_format("No control on %s: %s takes time away from senders of bulk data; this probe "
                    "has none, so no difference is expected here.",
                    probe, dataset->channels[comparison->channel].name));
}

static const char *state_of_control(const struct comparisons *comparisons,
                                    const struct comparison *comparison) {
    return comparison->failed                  ? "failed"
           : came_out(comparisons, comparison) ? "passed"
                                               : "inconclusive";
}

/* ": differences below about 25 % cannot be detected here"; "" of what shows no resolution. */
static char *describe_limit(const struct comparisons *comparisons,
                            const struct comparison *comparison) {
    struct resolution resolution =
        comparisons_resolution(comparisons, comparison->probe, comparison->variant);
    CLEANUP_FREE char *limit = NULL;

    if (control_of(comparisons, comparison) != DATASET_SAME || !resolution.known)
        return text_copy("");
    limit = number_about(resolution_limit(&resolution));
    return text_format(": differences below about %s cannot be detected here", limit);
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
    struct finding *finding;

    finding = add_compared(findings, FINDING_CONTROL, dataset, comparison,
                           text_format("Control %s, %s: %s, which is %s, %s%s.",
                                       state_of_control(comparisons, comparison), probe,
                                       channel->name, what, words, limit));
    finding->severity = comparison->failed                  ? SEVERITY_ERROR
                        : came_out(comparisons, comparison) ? SEVERITY_INFO
                                                            : SEVERITY_WARNING;
    finding->verdict = state_of_control(comparisons, comparison);
}

/* What no comparison has blocks enough for, with the numbers that it takes; NULL when some has. */
static char *describe_few(const struct comparisons *comparisons) {
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
        return NULL;
    if (blocks < VERDICT_EQUIVALENT_BLOCKS)
        return text_format("Too few blocks for any verdict: equivalent needs %d complete ones, "
                           "slower and faster %lld (%zu comparison%s of a probe).",
                           VERDICT_EQUIVALENT_BLOCKS, differ, family, family == 1 ? "" : "s");
    return text_format("Too few blocks to show a difference: slower and faster need %lld complete "
                       "ones (%zu comparison%s of a probe), equivalent needs %d.",
                       differ, family, family == 1 ? "" : "s", VERDICT_EQUIVALENT_BLOCKS);
}

static void add_unsteady(struct findings *findings, const struct comparisons *comparisons) {
    CLEANUP_FREE char *probes = comparisons_unsteady(comparisons);

    if (*probes)
        (void)add(
            findings, FINDING_UNSTEADY,
            text_format("The set-up is too unsteady to conclude (%s): a control failed, so the "
                        "other verdicts cannot be relied on either.",
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
        (void)add(findings, FINDING_LIMIT, few);
    else if (*limits)
        (void)add(
            findings, FINDING_LIMIT,
            text_format("Differences below about %s cannot be detected here: the A/A control shows "
                        "that equal channels come out that far apart.",
                        limits));
}

/* ---- verdicts and cautions ---- */

static void add_verdicts(struct findings *findings, const struct comparisons *comparisons) {
    const struct dataset *dataset = dataset_of(comparisons);

    for (size_t i = 0; i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];
        CLEANUP_FREE char *probe = NULL, *words = NULL;

        if (control_of(comparisons, comparison) != DATASET_SUBJECT)
            continue;
        probe = dataset_rung(dataset, comparison->probe, comparison->variant);
        words = describe(dataset, comparison);
        add_compared(
            findings, FINDING_VERDICT, dataset, comparison,
            text_format("%s: %s %s.", probe, dataset->channels[comparison->channel].name, words))
            ->verdict = comparison_outcome(comparison);
    }
}

static void add_controls(struct findings *findings, const struct comparisons *comparisons) {
    for (size_t i = 0; i < comparisons->n_declared; i++) {
        enum dataset_control control = control_of(comparisons, &comparisons->list[i]);

        if (control == DATASET_UNCONCERNED)
            add_unconcerned(findings, comparisons, &comparisons->list[i]);
        else if (control != DATASET_SUBJECT)
            add_control(findings, comparisons, &comparisons->list[i]);
    }
}

/* Bytes on the path never see the channel: what differs there is no price of it. */
static void add_path_caution(struct findings *findings, const struct comparisons *comparisons) {
    const struct dataset *dataset = dataset_of(comparisons);

    for (size_t i = 0; i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];

        if (dataset->probes[comparison->probe].rung != DATASET_BESIDE ||
            control_of(comparisons, comparison) != DATASET_SUBJECT ||
            (comparison->verdict != VERDICT_SLOWER && comparison->verdict != VERDICT_FASTER))
            continue;
        (void)add(
            findings, FINDING_CAUTION,
            text_format(
                "A difference on %s is not caused by a channel: its bytes never pass through one.",
                dataset->probes[comparison->probe].name));
        return;
    }
}

/* A control that shows nothing is as good as none, where there are verdicts. */
static void add_mute_controls(struct findings *findings, const struct comparisons *comparisons) {
    bool verdicts = comparisons_most(comparisons) >= VERDICT_EQUIVALENT_BLOCKS;

    for (size_t i = 0; verdicts && i < comparisons->n_declared; i++) {
        const struct comparison *comparison = &comparisons->list[i];
        CLEANUP_FREE char *rung = NULL;

        if (control_of(comparisons, comparison) != DATASET_SAME || comparison->skipped ||
            isfinite(comparison->paired.ci_low))
            continue;
        rung = dataset_rung(dataset_of(comparisons), comparison->probe, comparison->variant);
        (void)add(
            findings, FINDING_CAUTION,
            text_format("%s: the A/A control has fewer than two values, so the smallest difference "
                        "that this set-up can detect is not known.",
                        rung));
    }
}

static void add_caution(void *context, const char *sentence) {
    (void)add(context, FINDING_CAUTION, text_copy(sentence));
}

/* ---- what is said beside the conclusions ---- */

static void add_answer(struct findings *findings, const struct comparisons *comparisons) {
    char *lines[ANSWER_LINES];
    size_t n = answer_lines(comparisons, lines);

    for (size_t i = 0; i < n; i++)
        (void)add(findings, FINDING_ANSWER, lines[i]);
}

/* What the numbers of trials do not allow to be said. */
static void add_numbers(struct findings *findings, const struct summary *summary) {
    bool any = false, single = false;

    for (size_t i = 0; i < summary->n_rows; i++) {
        any = any || (summary->rows[i].headline && summary->rows[i].statistics.n > 0);
        single = single || (summary->rows[i].headline && summary->rows[i].statistics.n == 1);
    }
    if (!any)
        (void)add(findings, FINDING_LIMIT,
                  text_copy("No trial of this run is ok: nothing was measured."));
    if (single)
        (void)add(findings, FINDING_LIMIT,
                  text_copy("A single trial has no spread, hence no interval."));
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

/* Appends "70 ok, 2 failed": from the first-th status on. */
static void append_counts(char **text, const size_t *counts, int first) {
    const char *separator = " ";

    for (int i = first; i < TRIAL_N_STATUSES; i++) {
        CLEANUP_FREE char *piece = NULL;

        if (!counts[i])
            continue;
        piece = text_format("%zu %s", counts[i], trial_status_word((enum trial_status)i));
        text_append(text, separator, piece);
        separator = ", ";
    }
}

/* "72 in 8 blocks: 70 ok, 2 failed; before, measured again: 3 failed" */
static char *describe_run(const struct dataset *dataset) {
    size_t counts[2][TRIAL_N_STATUSES] = {{0}},
           used = 0; /* those measured again; those that count */
    char *text;

    for (size_t i = 0; i < dataset->n_trials; i++) {
        used += dataset->trials[i].used;
        counts[dataset->trials[i].used][dataset->trials[i].status]++;
    }
    if (!used)
        return text_copy("none");
    text = text_format("%zu in %zu block%s:", used, dataset->n_counted,
                       dataset->n_counted == 1 ? "" : "s");
    append_counts(&text, counts[true], TRIAL_OK);
    if (counts[false][TRIAL_FAILED] + counts[false][TRIAL_VOID]) {
        text_append(&text, "; ", "before, measured again:");
        append_counts(&text, counts[false], TRIAL_FAILED);
    }
    return text;
}

static void add_trials(struct findings *findings, const struct summary *summary,
                       const struct cells *cells) {
    const struct dataset *dataset = cells->dataset;

    add(findings, FINDING_TRIALS, describe_run(dataset))->severity = SEVERITY_INFO;
    for (size_t i = 0; i < summary->n_rows; i++) {
        const struct summary_row *row = &summary->rows[i];
        struct finding *finding;
        char *note;

        if (!row->headline)
            continue;
        note = describe_trials(row, &cells->list[row->cell]);
        if (!*note) {
            free(note);
            continue;
        }
        finding = add(findings, FINDING_TRIALS, note);
        finding->probe = dataset->probes[row->probe].name;
        finding->variant = dataset_variant(dataset, row->variant);
        finding->channel = dataset->channels[row->channel].name;
    }
}

/* "wrong password: expected refused, observed refused (not authorized); held 10 times" */
static char *describe_proof(const struct dataset_proof *proof) {
    CLEANUP_FREE char *broken = proof->broken ? text_format(", broken %zu", proof->broken) : NULL;
    const char *tolerated = proof->remarks ? " An external broker may do otherwise." : "";

    return text_format("%s: expected %s, observed %s%s%s%s; held %zu%s of %zu times.%s",
                       proof->name, proof->expected, proof->observed, *proof->cause ? " (" : "",
                       proof->cause, *proof->cause ? ")" : "", proof->held, broken ? broken : "",
                       proof->held + proof->broken + proof->remarks, tolerated);
}

static void add_proofs(struct findings *findings, const struct dataset *dataset) {
    for (size_t i = 0; i < dataset->n_proofs; i++) {
        const struct dataset_proof *proof = &dataset->proofs[i];
        struct finding *finding = add(findings, FINDING_PROOF, describe_proof(proof));

        finding->channel = dataset->channels[proof->channel].name;
        finding->verdict = proof->broken ? "broken" : proof->remarks ? "remark" : "held";
        finding->severity = proof->broken    ? SEVERITY_ERROR
                            : proof->remarks ? SEVERITY_WARNING
                                             : SEVERITY_INFO;
    }
}

static void add_of_channel(struct findings *findings, enum finding_kind kind,
                           const struct dataset_channel *channel, const char *text) {
    struct finding *finding = add(findings, kind, text_copy(text));

    finding->channel = channel->name;
    finding->variant = channel->variant;
}

static void add_channels(struct findings *findings, const struct dataset *dataset) {
    const struct dataset_channel *end = dataset->channels + dataset->n_channels;

    for (const struct dataset_channel *channel = dataset->channels; channel < end; channel++)
        add_of_channel(findings, FINDING_CHANNEL, channel, channel->description);
    for (const struct dataset_channel *channel = dataset->channels; channel < end; channel++)
        add_of_channel(findings, FINDING_TLS, channel, *channel->tls ? channel->tls : "none");
}

/* Whose figures the published ones are. Those taken beside the channel were not taken in it. */
static void add_references(struct findings *findings, const struct dataset *dataset) {
    const char *source = *dataset->reference_source ? dataset->reference_source : "no source named";

    for (size_t i = 0; i < dataset->n_probes; i++) {
        const struct dataset_probe *probe = &dataset->probes[i];

        if (probe->has_reference)
            add(findings, FINDING_LEGEND,
                text_format("published: %s; comparable with %s only%s.", source, probe->name,
                            probe->rung == DATASET_BESIDE
                                ? ", a stream beside the channel that never passed through it"
                                : ""))
                ->probe = probe->name;
    }
}

static void add_legend(struct findings *findings, const struct dataset *dataset) {
    CLEANUP_FREE char *margin = number_margin(dataset->margin);

    add_references(findings, dataset);
    (void)add(findings, FINDING_LEGEND,
              text_copy("95 % interval: of the mean, by Student's t over blocks."));
    if (dataset_find_channel(dataset, dataset->baseline) >= 0 && dataset->n_channels > 1)
        (void)add(
            findings, FINDING_LEGEND,
            text_format(
                "ratio: to %s, within blocks. equivalent: its 90 %% interval is within %s of 1; "
                "slower, faster: p < 0.05 after Holm; undecided: neither is shown, or the A/A "
                "control shows that this set-up cannot detect it. Each equivalent is wrong in up "
                "to 5 %% of runs: it is not corrected for the number of channels.",
                dataset->baseline, margin));
    (void)add(findings, FINDING_LOOKED,
              text_format("Checked for: %s. What a host does not report cannot be found.",
                          validity_looked_for()));
}

/* A line each, without the folder in which the file lies. */
static void add_warnings(struct findings *findings, const struct dataset *dataset) {
    for (const char *line = dataset->warnings; *line; line += strcspn(line, "\n") + 1) {
        size_t length = strcspn(line, "\n");
        const char *end = line + length, *file = strstr(line, ": ");

        file = file && file < end ? file : line;
        while (file > line && file[-1] != '/')
            file--;
        (void)add(findings, FINDING_WARNING, text_format("%.*s", (int)(end - file), file));
    }
}

/* ---- all ---- */

struct findings *findings_new(const struct summary *summary,
                              const struct comparisons *comparisons) {
    struct findings *findings = memory_new(1, sizeof(*findings));
    const struct dataset *dataset = dataset_of(comparisons);

    add_answer(findings, comparisons);
    add_unsteady(findings, comparisons);
    add_numbers(findings, summary);
    add_limits(findings, comparisons);
    add_verdicts(findings, comparisons);
    add_controls(findings, comparisons);
    add_path_caution(findings, comparisons);
    add_mute_controls(findings, comparisons);
    validity_describe(comparisons->cells, summary, add_caution, findings);
    add_trials(findings, summary, comparisons->cells);
    add_proofs(findings, dataset);
    add_channels(findings, dataset);
    add_legend(findings, dataset);
    add_warnings(findings, dataset);
    return findings;
}

void findings_free(struct findings *findings) {
    for (size_t i = 0; i < findings->n; i++)
        free(findings->list[i].text);
    free(findings->list);
    free(findings);
}
