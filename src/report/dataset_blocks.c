#include "report/dataset_source.h"

#include "model/throttling.h"

#include <math.h>

#define MAX_BITS ((double)UINT32_MAX)

/* ---- blocks.csv: what the hosts suffered ---- */

static int take_bits(const struct source *source, int name, unsigned unknown, unsigned *ret) {
    double value;
    int r = source_real(source, name, &value);

    if (r < 0)
        return r;
    if (!isnan(value) && (value < 0 || value > MAX_BITS || value != floor(value)))
        return source_reject(source, name, "is no set of bits");
    *ret = isnan(value) ? unknown : (unsigned)value;
    return 0;
}

enum { B_BLOCK, B_ATTEMPT, B_HOST, B_METRIC, B_BEFORE, B_AFTER };

static int take_throttling(struct dataset *dataset, const struct source *source, long block) {
    unsigned before, after, bits;
    /* Without a reading before, nothing of what has been can be said to be new. */
    int r = take_bits(source, B_BEFORE, ~THROTTLING_BITS, &before);

    if (r == 0)
        r = take_bits(source, B_AFTER, 0, &after);
    if (r < 0)
        return r;
    bits = throttling_between(before, after);
    if (!bits)
        return 0;
    dataset->throttlings =
        memory_room(dataset->throttlings, dataset->n_throttlings, sizeof(*dataset->throttlings));
    dataset->throttlings[dataset->n_throttlings++] =
        (struct dataset_throttling){block, text_copy(source_text(source, B_HOST)), bits};
    return 0;
}

static int compare_blocks(const void *a, const void *b) {
    const struct dataset_throttling *x = a, *y = b;

    return (x->block > y->block) - (x->block < y->block);
}

int dataset_read_blocks(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {"block",  "attempt", "host", "metric",
                                        "before", "after",   NULL};
    CLEANUP(source_close) struct source source = {.error = error};
    int r = source_open(&source, dataset, run_dir, "blocks.csv", names);

    if (r < 0)
        return r;
    while (r >= 0 && (r = source_next(&source)) > 0) {
        bool used;
        long block;

        r = source_attempt(&source, &block, &used);
        if (r == 0 && used && text_equal(source_text(&source, B_METRIC), "throttled"))
            r = take_throttling(dataset, &source, block);
    }
    if (dataset->n_throttlings)
        qsort(dataset->throttlings, dataset->n_throttlings, sizeof(*dataset->throttlings),
              compare_blocks);
    return r;
}
