#include "analysis/runs.h"

#include <string.h>

/* ---- what is not common ---- */

static const struct runs_rung *find_rung(const struct runs *runs, const struct dataset_probe *probe,
                                         const char *variant) {
    for (size_t i = 0; i < runs->n_rungs; i++) {
        const struct runs_rung *rung = &runs->rungs[i];

        if (text_equal(rung->probe, probe->name) && text_equal(rung->metric, probe->metric) &&
            text_equal(rung->unit, probe->unit) && (!variant || text_equal(rung->variant, variant)))
            return rung;
    }
    return NULL;
}

static bool has_channel(const struct runs *runs, const char *name) {
    for (size_t i = 0; i < runs->n_rungs; i++)
        for (size_t k = 0; k < runs->rungs[i].n_channels; k++)
            if (text_equal(runs->rungs[i].channels[k].name, name))
                return true;
    return false;
}

/* Whether another run has a probe of this name, however it measures. */
static bool is_elsewhere(const struct runs *runs, size_t run, const char *probe) {
    for (size_t i = 0; i < runs->n; i++)
        if (i != run && dataset_find_probe(runs->list[i]->dataset, probe) >= 0)
            return true;
    return false;
}

static void list(char **text, const char *what, const char *name) {
    CLEANUP_FREE char *item = text_format("%s%s", what, name);

    text_append(text, ", ", item);
}

/* Variants of shared probes that no other run has. */
static void list_variants(const struct runs *runs, size_t run, char **text) {
    const struct summary *summary = runs->list[run]->summary;

    for (size_t i = 0; i < summary->n_rows; i++) {
        const struct summary_row *row = &summary->rows[i];
        const struct dataset_probe *probe = &summary->dataset->probes[row->probe];
        const char *variant = summary_variant(summary, row);
        CLEANUP_FREE char *name = text_format("%s of %s", *variant ? variant : "none", probe->name);

        if (row->headline && row->channel == 0 && row->variant < summary->dataset->n_variants &&
            find_rung(runs, probe, NULL) && !find_rung(runs, probe, variant))
            list(text, "variant ", name);
    }
}

static void note_only(struct runs *runs, size_t run) {
    const struct dataset *dataset = runs->list[run]->dataset;
    CLEANUP_FREE char *text = text_copy("");

    for (size_t i = 0; i < dataset->n_probes; i++)
        if (!is_elsewhere(runs, run, dataset->probes[i].name))
            list(&text, "probe ", dataset->probes[i].name);
    list_variants(runs, run, &text);
    for (size_t i = 0; i < dataset->n_channels; i++)
        if (!has_channel(runs, dataset->channels[i].name))
            list(&text, "channel ", dataset->channels[i].name);
    if (*text)
        runs_note(runs, text_format("Only in %s: %s.", runs->labels[run], text));
}

/* The first probe of this name in any run. */
static const struct dataset_probe *first_probe(const struct runs *runs, const char *name) {
    for (size_t i = 0; i < runs->n; i++) {
        int place = dataset_find_probe(runs->list[i]->dataset, name);

        if (place >= 0)
            return &runs->list[i]->dataset->probes[place];
    }
    return NULL;
}

/* "path: throughput (Mbit/s) in A B, rate (1/s) in C: not compared with each other". */
static void note_units(struct runs *runs, const char *probe) {
    const struct dataset_probe *first = first_probe(runs, probe);
    CLEANUP_FREE char *text = text_copy("");
    bool differ = false;

    for (size_t i = 0; i < runs->n; i++) {
        const struct dataset *dataset = runs->list[i]->dataset;
        int place = dataset_find_probe(dataset, probe);
        CLEANUP_FREE char *piece = NULL;

        if (place < 0)
            continue;
        differ = differ || !text_equal(dataset->probes[place].metric, first->metric) ||
                 !text_equal(dataset->probes[place].unit, first->unit);
        piece = text_format("%s (%s) in %s", dataset->probes[place].metric,
                            dataset->probes[place].unit, runs->labels[i]);
        text_append(&text, ", ", piece);
    }
    if (differ)
        runs_note(runs,
                  text_format("%s is not the same measure everywhere, and what differs is not "
                              "compared: %s.",
                              probe, text));
}

static void note_all_units(struct runs *runs) {
    for (size_t i = 0; i < runs->n; i++)
        for (size_t k = 0; k < runs->list[i]->dataset->n_probes; k++) {
            const struct dataset_probe *probe = &runs->list[i]->dataset->probes[k];

            if (probe == first_probe(runs, probe->name))
                note_units(runs, probe->name);
        }
}

/* ---- how it is to be read ---- */

/* A run and its copy would agree perfectly, and show nothing. */
static bool same_trials(const struct dataset *a, const struct dataset *b) {
    if (a->n_trials != b->n_trials || !a->n_trials)
        return false;
    for (size_t i = 0; i < a->n_trials; i++) {
        const struct dataset_trial *x = &a->trials[i], *y = &b->trials[i];

        if (x->trial != y->trial || x->started_ms != y->started_ms || x->status != y->status ||
            (x->status == DATASET_OK && x->value != y->value))
            return false;
    }
    return true;
}

static void note_copies(struct runs *runs) {
    for (size_t i = 0; i < runs->n; i++)
        for (size_t k = i + 1; k < runs->n; k++)
            if (same_trials(runs->list[i]->dataset, runs->list[k]->dataset))
                runs_note(runs, text_format("%s and %s hold the same trials: one is a copy of the "
                                            "other, and that they agree shows nothing.",
                                            runs->labels[i], runs->labels[k]));
}

static bool has_reason(const struct runs *runs, size_t run, const char *reason) {
    for (size_t i = 0; i < runs->n_rungs; i++)
        for (size_t k = 0; k < runs->rungs[i].n_rows; k++) {
            const struct runs_row *row = &runs->rungs[i].rows[k];

            if (row->run == run && row->comparison && text_equal(row->comparison->reason, reason))
                return true;
        }
    return false;
}

/* "undecided: fewer than 6 complete blocks (A, B)." */
static void note_reason(struct runs *runs, const char *reason) {
    CLEANUP_FREE char *who = text_copy(""), *text = NULL;

    for (size_t i = 0; i < runs->n; i++)
        if (has_reason(runs, i, reason))
            text_append(&who, ", ", runs->labels[i]);
    text = text_format("undecided: %s (%s).", reason, who);
    for (size_t i = 0; i < runs->n_notes; i++)
        if (text_equal(runs->notes[i], text))
            return;
    runs_note(runs, text);
    text = NULL;
}

static void note_reasons(struct runs *runs) {
    for (size_t i = 0; i < runs->n_rungs; i++)
        for (size_t k = 0; k < runs->rungs[i].n_rows; k++) {
            const struct comparison *comparison = runs->rungs[i].rows[k].comparison;

            if (comparison && *comparison->reason)
                note_reason(runs, comparison->reason);
        }
}

static void note_findings(struct runs *runs) {
    for (size_t i = 0; i < runs->n; i++)
        for (size_t k = 0; k < runs->list[i]->findings->n; k++)
            if (runs->list[i]->findings->list[k].kind <= FINDING_LIMIT)
                runs_note(runs, text_format("%s: %s", runs->labels[i],
                                            runs->list[i]->findings->list[k].text));
}

static void note_baselines(struct runs *runs) {
    CLEANUP_FREE char *text = text_copy("");
    const char *first = NULL;
    bool differ = false;

    for (size_t i = 0; i < runs->n; i++) {
        const struct dataset *dataset = runs->list[i]->dataset;
        bool has = dataset_find_channel(dataset, dataset->baseline) >= 0;
        const char *name = has ? dataset->baseline : "none";
        CLEANUP_FREE char *piece = text_format("%s in %s", name, runs->labels[i]);

        differ = differ || (first && !text_equal(first, name));
        first = first ? first : name;
        text_append(&text, ", ", piece);
    }
    runs_note(runs,
              text_format("ratio: to the run's own baseline (%s), within its own blocks, with "
                          "its 95 %% interval; the verdict is that of the run's own report.",
                          differ ? text : first));
}

void runs_add_notes(struct runs *runs) {
    note_findings(runs);
    if (!runs->n_rungs)
        runs_note(runs, text_copy("These runs have no probe and channel in common: nothing can be "
                                  "set side by side."));
    note_copies(runs);
    for (size_t i = 0; i < runs->n; i++)
        note_only(runs, i);
    note_all_units(runs);
    note_reasons(runs);
    if (!runs->n_rungs)
        return;
    note_baselines(runs);
    runs_note(runs, text_copy("Means of different runs are not tested against each other: they are "
                              "of other days and other states of the machines. Ratios are within "
                              "each run, and may be compared."));
}
