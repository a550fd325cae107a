#include "analysis/table.h"

#include "analysis/number.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* ---- rows ---- */

/* "8 failed before its block was measured again (gone)"; NULL for none. */
static char *describe_before(const struct cell *cell) {
    const struct dataset_trial *first = cell->before;

    return first ? text_format("%zu %s before %s block%s measured again%s%s%s", cell->n_before,
                               dataset_status_word(first->status),
                               cell->n_before == 1 ? "its" : "their",
                               cell->n_before == 1 ? " was" : "s were", *first->reason ? " (" : "",
                               first->reason, *first->reason ? ")" : "")
                 : NULL;
}

/* "1 failed (the broker is gone), 2 void": "" when all trials are ok. */
static char *describe_counts(const struct summary_row *row, const struct cell *cell) {
    CLEANUP_FREE char *before = describe_before(cell);
    char *note = text_copy("");
    size_t any = 0;

    for (int i = 0; i < DATASET_N_STATUSES; i++) {
        const char *reason = row->reasons[i];
        char *longer;

        any += row->counts[i];
        if (i == DATASET_OK || !row->counts[i])
            continue;
        longer = text_format("%s%s%zu %s%s%s%s", note, *note ? ", " : "", row->counts[i],
                             dataset_status_word((enum dataset_status)i), reason ? " (" : "",
                             reason ? reason : "", reason ? ")" : "");
        free(note);
        note = longer;
    }
    if (!any)
        text_replace(&note, "not measured");
    if (before)
        text_append(&note, ", ", before);
    return note;
}

/* The ratio to the baseline; that of the baseline itself is 1, and no verdict. */
static void fill_ratio(struct table_row *ret, const struct analysis *analysis,
                       const struct summary_row *row) {
    const struct comparison *comparison =
        comparisons_find(analysis->comparisons, row->probe, row->variant, row->channel);
    const struct paired *paired = comparison ? &comparison->paired : NULL;

    ret->cells[TABLE_RATIO] = number_ratio(paired ? paired->ratio : row->statistics.n ? 1 : NAN);
    ret->cells[TABLE_RATIO_INTERVAL] =
        paired ? number_ratio_range(paired->ci_low, paired->ci_high) : text_copy("");
    ret->cells[TABLE_VERDICT] =
        text_copy(!comparison           ? ""
                  : comparison->skipped ? "skipped"
                                        : verdict_word(comparison->verdict));
}

static void fill_row(struct table_row *ret, const struct analysis *analysis,
                     const struct summary_row *row, int decimals) {
    const struct statistics *statistics = &row->statistics;

    ret->cells[TABLE_CHANNEL] = text_copy(analysis->dataset->channels[row->channel].name);
    ret->cells[TABLE_TRIALS] = text_format("%zu", statistics->n);
    ret->cells[TABLE_MEAN] = number_text(statistics->mean, decimals);
    ret->cells[TABLE_INTERVAL] = number_range(statistics->ci_low, statistics->ci_high, decimals);
    ret->cells[TABLE_MEDIAN] = number_text(statistics->median, decimals);
    ret->cells[TABLE_SD] = number_text(statistics->sd, decimals);
    ret->cells[TABLE_PUBLISHED] =
        isfinite(row->reference) ? text_format("%.6g", row->reference) : text_copy("");
    fill_ratio(ret, analysis, row);
    ret->note = describe_counts(row, &analysis->cells->list[row->cell]);
}

/* Whether metric and unit are the same on all rungs, so that the title can name them. */
static bool same_unit(const struct dataset *dataset) {
    for (size_t i = 1; i < dataset->n_probes; i++)
        if (!text_equal(dataset->probes[i].metric, dataset->probes[0].metric) ||
            !text_equal(dataset->probes[i].unit, dataset->probes[0].unit))
            return false;
    return true;
}

static char *name_rung(const struct dataset *dataset, const struct summary_row *row) {
    const struct dataset_probe *probe = &dataset->probes[row->probe];
    CLEANUP_FREE char *rung = dataset_rung(dataset, row->probe, row->variant), *metric = NULL;
    CLEANUP_FREE char *words = dataset_words(probe->metric);

    if (!same_unit(dataset))
        metric = text_format(" (%s, %s%s%s%s)", words, probe->unit,
                             text_equal(probe->better, "none") ? "" : "; ",
                             text_equal(probe->better, "none") ? "" : probe->better,
                             text_equal(probe->better, "none") ? "" : " is better");
    return text_format("%s%s", rung, metric ? metric : "");
}

/* Adds the rung of one probe and variant, whose headline row of the first channel is `first`. */
static void add_rung(struct table *table, const struct analysis *analysis,
                     const struct summary_row *first) {
    const struct summary *summary = analysis->summary;
    const struct dataset *dataset = analysis->dataset;
    const struct dataset_probe *probe = &dataset->probes[first->probe];
    CLEANUP_FREE const struct summary_row **rows = memory_new(dataset->n_channels, sizeof(*rows));
    bool again = false;
    int decimals;
    struct table_rung *rung;

    for (const struct summary_row *row = summary->rows; row < first; row++)
        again = again || row->probe == first->probe;
    table->rungs = memory_resize(table->rungs, table->n_rungs + 1, sizeof(*table->rungs));
    rung = &table->rungs[table->n_rungs++];
    rung->name = name_rung(dataset, first);
    rung->help = text_copy(again ? "" : probe->help);
    rung->n_rows = dataset->n_channels;
    rung->rows = memory_new(rung->n_rows, sizeof(*rung->rows));
    for (size_t i = 0; i < rung->n_rows; i++)
        rows[i] = summary_find(summary, first->probe, i, first->variant);
    decimals = summary_decimals(rows, rung->n_rows);
    for (size_t i = 0; i < rung->n_rows; i++)
        fill_row(&rung->rows[i], analysis, rows[i], decimals);
}

/* ---- what stands around the rows ---- */

static bool has_references(const struct dataset *dataset) {
    for (size_t i = 0; i < dataset->n_probes; i++)
        if (dataset->probes[i].has_reference)
            return true;
    return false;
}

static void set_headers(struct table *table, const struct dataset *dataset) {
    static const char *const always[TABLE_N_COLUMNS] = {
        [TABLE_CHANNEL] = "channel",        [TABLE_TRIALS] = "trials", [TABLE_MEAN] = "mean",
        [TABLE_INTERVAL] = "95 % interval", [TABLE_MEDIAN] = "median", [TABLE_SD] = "sd",
    };

    for (size_t i = 0; i < TABLE_N_COLUMNS; i++)
        table->headers[i] = text_copy(always[i]);
    if (has_references(dataset))
        table->headers[TABLE_PUBLISHED] = text_copy("published");
    if (dataset_find_channel(dataset, dataset->baseline) < 0 || dataset->n_channels < 2)
        return;
    table->headers[TABLE_RATIO] = text_copy("ratio");
    table->headers[TABLE_RATIO_INTERVAL] = text_copy("its 95 % interval");
    table->headers[TABLE_VERDICT] = text_copy("verdict");
}

/* "mean of 3 trials", or "mean of the trials that are ok" when their number differs. */
static void set_title(struct table *table, const struct summary *summary) {
    const struct dataset *dataset = summary->dataset;
    CLEANUP_FREE char *trials = NULL, *metric = NULL,
                      *words = dataset_words(dataset->probes[0].metric);
    size_t n = summary->rows[0].statistics.n;

    for (size_t i = 0; i < summary->n_rows; i++)
        if (summary->rows[i].headline && summary->rows[i].statistics.n != n)
            n = 0;
    trials =
        n ? text_format("%zu trial%s", n, n == 1 ? "" : "s") : text_copy("the trials that are ok");
    metric =
        same_unit(dataset)
            ? text_format("%s, %s%s: m", words, dataset->probes[0].unit,
                          text_equal(dataset->probes[0].better, "lower") ? ", lower is better" : "")
            : text_copy("M");
    metric[0] = (char)toupper((unsigned char)metric[0]);
    table->title = text_format("%sean of %s with 95 %% interval", metric, trials);
    table->subtitle =
        text_format("run %s%s%s%s%s", dataset->run_name, *dataset->scenario ? ", scenario " : "",
                    dataset->scenario, *dataset->hosts ? "; hosts: " : "", dataset->hosts);
}

static void add_note(struct table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_note(struct table *table, const char *format, ...) {
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        abort();
    va_end(arguments);
    table->notes = memory_resize(table->notes, table->n_notes + 1, sizeof(*table->notes));
    table->notes[table->n_notes++] = text;
}

/* Whose figures the published ones are. Those of path were taken beside the channel, not in it. */
static void add_reference_note(struct table *table, const struct dataset *dataset) {
    const char *source = *dataset->reference_source ? dataset->reference_source : "no source named";

    for (size_t i = 0; i < dataset->n_probes; i++) {
        const struct dataset_probe *probe = &dataset->probes[i];

        if (probe->has_reference)
            add_note(table, "published: %s, to compare with %s only%s.", source, probe->name,
                     text_equal(probe->name, "path")
                         ? ": a stream beside the channel that never passed through it"
                         : "");
    }
}

/* What the numbers of trials do not allow to be said. */
static void add_interval_notes(struct table *table, const struct summary *summary) {
    bool any = false, single = false;

    for (size_t i = 0; i < summary->n_rows; i++) {
        any = any || (summary->rows[i].headline && summary->rows[i].statistics.n > 0);
        single = single || (summary->rows[i].headline && summary->rows[i].statistics.n == 1);
    }
    if (!any)
        add_note(table, "No trial of this run is ok: nothing was measured.");
    if (single)
        add_note(table, "A single trial has no spread, hence no interval.");
}

/* What a table must not be shown without. */
static void add_findings(struct table *table, const struct findings *findings) {
    for (size_t i = 0; i < findings->n; i++)
        if (findings->list[i].kind <= FINDING_LIMIT || findings->list[i].kind == FINDING_CAUTION)
            add_note(table, "%s", findings->list[i].text);
}

static void add_explanations(struct table *table, const struct dataset *dataset) {
    CLEANUP_FREE char *margin = number_margin(dataset->margin);

    add_note(table, "95 %% interval: of the mean, by Student's t over blocks.");
    if (table->headers[TABLE_RATIO])
        add_note(table,
                 "ratio: to %s, within blocks. equivalent: its 90 %% interval is within %s of 1; "
                 "slower, faster: p < 0.05 after Holm; undecided: neither is shown, or the A/A "
                 "control shows that this set-up cannot see it. equivalent is wrong in up to 5 %% "
                 "of runs, for each channel: it is not corrected for their number.",
                 dataset->baseline, margin);
}

/* Whether the channel is another variant of the one before. */
static bool is_further_variant(const struct dataset *dataset, size_t channel) {
    return channel &&
           text_equal(dataset->channels[channel].base, dataset->channels[channel - 1].base);
}

static void add_notes(struct table *table, const struct analysis *analysis) {
    const struct dataset *dataset = analysis->dataset;

    if (*dataset->warnings)
        add_note(table, "Some rows of the run could not be used; bench report says which.");
    add_interval_notes(table, analysis->summary);
    add_findings(table, analysis->findings);
    add_reference_note(table, dataset);
    add_explanations(table, dataset);
    for (size_t i = 0; i < dataset->n_channels; i++)
        if (*dataset->channels[i].description && !is_further_variant(dataset, i))
            add_note(table, "%s: %s", dataset->channels[i].base, dataset->channels[i].description);
}

struct table *table_new(const struct analysis *analysis) {
    const struct summary *summary = analysis->summary;
    struct table *table = memory_new(1, sizeof(*table));

    set_title(table, summary);
    set_headers(table, summary->dataset);
    for (size_t i = 0; i < summary->n_rows; i++)
        if (summary->rows[i].headline && summary->rows[i].channel == 0)
            add_rung(table, analysis, &summary->rows[i]);
    add_notes(table, analysis);
    return table;
}

static void free_rung(struct table_rung *rung) {
    for (size_t i = 0; i < rung->n_rows; i++) {
        for (size_t k = 0; k < TABLE_N_COLUMNS; k++)
            free(rung->rows[i].cells[k]);
        free(rung->rows[i].note);
    }
    free(rung->rows);
    free(rung->name);
    free(rung->help);
}

void table_free(struct table *table) {
    for (size_t i = 0; i < table->n_rungs; i++)
        free_rung(&table->rungs[i]);
    for (size_t i = 0; i < table->n_notes; i++)
        free(table->notes[i]);
    for (size_t i = 0; i < TABLE_N_COLUMNS; i++)
        free(table->headers[i]);
    free(table->rungs);
    free(table->notes);
    free(table->title);
    free(table->subtitle);
    free(table);
}
