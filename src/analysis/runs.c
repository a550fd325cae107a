#include "analysis/runs.h"

#include <string.h>

const char *runs_name(const struct runs *runs, size_t run) {
    const char *name = runs->list[run]->dataset->run_name;

    for (size_t i = 0; i < runs->n; i++)
        if (i != run && text_equal(runs->list[i]->dataset->run_name, name))
            return runs->list[run]->run_dir;
    return name;
}

const char *runs_baseline(const struct runs *runs, const struct runs_row *row) {
    const struct dataset *dataset = runs->list[row->run]->dataset;

    return dataset_find_channel(dataset, dataset->baseline) < 0 ? "" : dataset->baseline;
}

const char *runs_verdict(const struct runs_row *row) {
    return row->is_baseline  ? "baseline"
           : row->comparison ? verdict_word(row->comparison->verdict)
                             : "";
}

/* ---- rungs ---- */

/* The headline row of a channel on a rung in one run, or NULL when that run has not tried it. */
static const struct summary_row *find_row(const struct analysis *run, const struct runs_rung *rung,
                                          const char *channel) {
    const struct summary *summary = run->summary;
    int probe = dataset_find_probe(run->dataset, rung->probe);
    int place = dataset_find_channel(run->dataset, channel);

    if (probe < 0 || place < 0 || !text_equal(run->dataset->probes[probe].metric, rung->metric) ||
        !text_equal(run->dataset->probes[probe].unit, rung->unit))
        return NULL;
    for (size_t i = 0; i < summary->n_rows; i++) {
        const struct summary_row *row = &summary->rows[i];

        if (row->headline && (int)row->probe == probe && (int)row->channel == place &&
            row->variant < run->dataset->n_variants &&
            text_equal(summary_variant(summary, row), rung->variant))
            return row;
    }
    return NULL;
}

static void add_row(struct runs_rung *rung, size_t place, const struct analysis *run,
                    const struct summary_row *row) {
    const struct dataset *dataset = run->dataset;

    rung->rows = memory_resize(rung->rows, rung->n_rows + 1, sizeof(*rung->rows));
    rung->rows[rung->n_rows++] = (struct runs_row){
        .run = place,
        .summary = row,
        .comparison = comparisons_find(run->comparisons, row->probe, row->variant, row->channel),
        .is_baseline = (int)row->channel == dataset_find_channel(dataset, dataset->baseline),
    };
}

/* The channel's rows, if at least two runs have one. */
static void add_channel(const struct runs *runs, struct runs_rung *rung, const char *name) {
    size_t first = rung->n_rows;

    for (size_t i = 0; i < rung->n_channels; i++)
        if (text_equal(rung->channels[i].name, name))
            return;
    for (size_t i = 0; i < runs->n; i++) {
        const struct summary_row *row = find_row(runs->list[i], rung, name);

        if (row)
            add_row(rung, i, runs->list[i], row);
    }
    if (rung->n_rows - first < 2) {
        rung->n_rows = first;
        return;
    }
    rung->channels = memory_resize(rung->channels, rung->n_channels + 1, sizeof(*rung->channels));
    rung->channels[rung->n_channels++] = (struct runs_channel){name, first, rung->n_rows - first};
}

static bool has_rung(const struct runs *runs, const struct runs_rung *rung) {
    for (size_t i = 0; i < runs->n_rungs; i++) {
        const struct runs_rung *other = &runs->rungs[i];

        if (text_equal(other->probe, rung->probe) && text_equal(other->variant, rung->variant) &&
            text_equal(other->metric, rung->metric) && text_equal(other->unit, rung->unit))
            return true;
    }
    return false;
}

/* The rung that a run's row is on, unless it is there or no other run has it. */
static void add_rung(struct runs *runs, const struct analysis *run, const struct summary_row *row) {
    const struct dataset_probe *probe = &run->dataset->probes[row->probe];
    struct runs_rung rung = {
        .probe = probe->name,
        .variant = summary_variant(run->summary, row),
        .metric = probe->metric,
        .unit = probe->unit,
        .better = probe->better,
        .help = probe->help,
    };

    if (has_rung(runs, &rung))
        return;
    for (size_t i = 0; i < runs->n; i++)
        for (size_t k = 0; k < runs->list[i]->dataset->n_channels; k++)
            add_channel(runs, &rung, runs->list[i]->dataset->channels[k].name);
    if (!rung.n_channels) {
        free(rung.rows);
        return;
    }
    runs->rungs = memory_resize(runs->rungs, runs->n_rungs + 1, sizeof(*runs->rungs));
    runs->rungs[runs->n_rungs++] = rung;
}

/* ---- the whole ---- */

/* "A" .. "Z", then "A2" ... */
static char *label(size_t place) {
    char letter = (char)('A' + place % 26);

    return place < 26 ? text_format("%c", letter) : text_format("%c%zu", letter, place / 26 + 1);
}

void runs_note(struct runs *runs, char *text) {
    runs->notes = memory_resize(runs->notes, runs->n_notes + 1, sizeof(*runs->notes));
    runs->notes[runs->n_notes++] = text;
}

struct runs *runs_new(struct analysis **list, size_t n) {
    struct runs *runs = memory_new(1, sizeof(*runs));

    runs->list = list;
    runs->n = n;
    runs->labels = memory_new(n, sizeof(*runs->labels));
    for (size_t i = 0; i < n; i++)
        runs->labels[i] = label(i);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < list[i]->summary->n_rows; k++) {
            const struct summary_row *row = &list[i]->summary->rows[k];

            if (row->headline && row->channel == 0)
                add_rung(runs, list[i], row);
        }
    runs_add_notes(runs);
    runs_add_differences(runs);
    return runs;
}

static void free_texts(char **texts, size_t n) {
    for (size_t i = 0; i < n; i++)
        free(texts[i]);
    free(texts);
}

void runs_free(struct runs *runs) {
    for (size_t i = 0; i < runs->n_rungs; i++) {
        free(runs->rungs[i].channels);
        free(runs->rungs[i].rows);
    }
    free(runs->rungs);
    free_texts(runs->labels, runs->n);
    free_texts(runs->differences, runs->n_differences);
    free_texts(runs->notes, runs->n_notes);
    free(runs);
}
