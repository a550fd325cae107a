#include "analysis/analysis.h"
#include "analysis/reading.h"

struct analysis *analysis_of(struct dataset *dataset) {
    struct analysis *analysis = memory_new(1, sizeof(*analysis));

    analysis->dataset = dataset;
    analysis->cells = cells_new(dataset);
    analysis->summary = summary_new(analysis->cells);
    analysis->comparisons = comparisons_new(analysis->cells);
    analysis->ladder = ladder_new(analysis->cells);
    analysis->published = published_new(analysis->cells, analysis->summary);
    analysis->prediction = prediction_new(analysis->cells);
    analysis->findings =
        findings_new(analysis->summary, analysis->comparisons, analysis->published);
    prediction_say(analysis->prediction, analysis->findings);
    return analysis;
}

int analysis_new(struct analysis **ret, const char *run_dir, struct error *error) {
    struct dataset *dataset;
    int r = dataset_read(&dataset, run_dir, error);

    if (r == 0)
        *ret = analysis_of(dataset);
    return r;
}

void analysis_free(struct analysis *analysis) {
    findings_free(analysis->findings);
    published_free(analysis->published);
    prediction_free(analysis->prediction);
    ladder_free(analysis->ladder);
    comparisons_free(analysis->comparisons);
    summary_free(analysis->summary);
    cells_free(analysis->cells);
    dataset_free(analysis->dataset);
    free(analysis);
}

int analysis_precision(const char *run_dir, double *ret_widest, size_t *ret_fewest,
                       struct error *error) {
    CLEANUP(dataset_freep) struct dataset *dataset = NULL;
    CLEANUP(cells_freep) struct cells *cells = NULL;
    CLEANUP(comparisons_freep) struct comparisons *comparisons = NULL;
    int r = dataset_read(&dataset, run_dir, error);

    if (r < 0)
        return r;
    cells = cells_new(dataset);
    comparisons = comparisons_new(cells);
    *ret_widest = comparisons_widest(comparisons);
    *ret_fewest = comparisons_fewest(comparisons);
    return 0;
}
