/* analysis/dataset: any run folder is read or refused; of what was read, all can be computed.
 * Parts of the input: scenario.ini, definitions.csv, trials.csv, metrics.csv and, if there are
 * more, blocks.csv, telemetry.csv, proofs.csv, factors.csv, distributions.csv, intervals.csv,
 * speed.csv, operations.csv. */
#include "fuzz.h"

#include "analysis/analysis.h"
#include "analysis/reading.h"

static const char *const names[] = {"scenario.ini",  "definitions.csv", "trials.csv",
                                    "metrics.csv",   "blocks.csv",      "telemetry.csv",
                                    "proofs.csv",    "factors.csv",     "distributions.csv",
                                    "intervals.csv", "speed.csv",       "operations.csv"};
static struct fuzz_folder run;

static void remove_run(void) {
    fuzz_folder_remove(&run);
}

static void check_trials(const struct dataset *dataset) {
    for (size_t i = 0; i < dataset->n_trials; i++) {
        const struct dataset_trial *trial = &dataset->trials[i];

        FUZZ_CHECK(trial->probe < dataset->n_probes && trial->channel < dataset->n_channels &&
                       trial->variant < dataset->n_variants,
                   "line %zu", trial->line);
        FUZZ_CHECK(!trial->used || trial->status != TRIAL_OK || trial->value >= 0, "line %zu",
                   trial->line);
    }
    for (size_t i = 0; i < dataset->n_values; i++)
        FUZZ_CHECK(dataset->values[i].trial < dataset->n_trials &&
                       dataset->values[i].series < dataset->n_series,
                   "value %zu", i);
}

/* Takes the dataset. */
static void analyse(struct dataset *dataset) {
    CLEANUP(analysis_freep) struct analysis *analysis = analysis_of(dataset);

    FUZZ_CHECK(analysis->findings->n > 0 && *analysis->findings->list[0].text, "no answer");
    for (size_t i = 0; i < analysis->summary->n_rows; i++)
        FUZZ_CHECK(analysis->summary->rows[i].variant <= analysis->dataset->n_variants, "row %zu",
                   i);
    for (size_t i = 0; i < analysis->prediction->n; i++) {
        const struct prediction_row *row = &analysis->prediction->list[i];

        FUZZ_CHECK(row->unknown || (row->predicted >= row->largest && row->largest >= 0),
                   "row %zu: %g of %g", i, row->largest, row->predicted);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct dataset *dataset = NULL;
    struct fuzz_part rest = {(const char *)data, size};
    struct error error = {""};
    int r;

    if (!*run.path) {
        fuzz_folder_make(&run, names, ARRAY_SIZE(names));
        (void)atexit(remove_run);
    }
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct fuzz_part part = fuzz_next(&rest);

        fuzz_folder_put(&run, i, part.text, part.length);
    }
    r = dataset_read(&dataset, run.path, &error);
    FUZZ_CHECK((r == 0) == (dataset != NULL), "%d", r);
    FUZZ_CHECK((r == 0) == !*error.text, "%d: '%s'", r, error.text);
    if (dataset) {
        check_trials(dataset);
        analyse(dataset);
    }
    return 0;
}
