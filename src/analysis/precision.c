#include "analysis/precision.h"

#include "analysis/comparison.h"
#include "analysis/reading.h"

int report_precision(const char *run_dir, double *ret_widest, size_t *ret_fewest,
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
