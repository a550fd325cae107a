#include "report/dataset_source.h"

#include "model/throttling.h"

#include <math.h>
#include <unistd.h>

#define MAX_BITS ((double)UINT32_MAX)

static bool has_file(const char *run_dir, const char *name) {
    CLEANUP_FREE char *path = text_format("%s/%s", run_dir, name);

    return access(path, F_OK) == 0;
}

/* The attempt that was asked for last: neighbouring rows are mostly of the same. */
struct attempt {
    long block, attempt;
    bool counts, known;
};

static bool counts(const struct dataset *dataset, struct attempt *last, long block, long attempt) {
    if (last->known && last->block == block && last->attempt == attempt)
        return last->counts;
    *last = (struct attempt){block, attempt, false, true};
    for (size_t i = 0; i < dataset->n_trials && !last->counts; i++)
        last->counts = dataset->trials[i].used && dataset->trials[i].block == block &&
                       dataset->trials[i].attempt == attempt;
    return last->counts;
}

/* Whether a row, whose first two columns say so, is of an attempt that counts: in *ret. */
static int take_attempt(const struct dataset *dataset, const struct source *source, size_t row,
                        struct attempt *last, long *ret_block, bool *ret) {
    long block, attempt;
    int r = source_integer(source, row, 0, &block);

    if (r == 0)
        r = source_integer(source, row, 1, &attempt);
    if (r < 0)
        return r;
    *ret_block = block;
    *ret = counts(dataset, last, block, attempt);
    return 0;
}

/* ---- blocks.csv ---- */

static int take_bits(const struct source *source, size_t row, int name, unsigned unknown,
                     unsigned *ret) {
    double value;
    int r = source_real(source, row, name, &value);

    if (r < 0)
        return r;
    if (!isnan(value) && (value < 0 || value > MAX_BITS || value != floor(value)))
        return source_reject(source, row, name, "is no set of bits");
    *ret = isnan(value) ? unknown : (unsigned)value;
    return 0;
}

enum { B_BLOCK, B_ATTEMPT, B_HOST, B_METRIC, B_BEFORE, B_AFTER };

static int take_throttling(struct dataset *dataset, const struct source *source, size_t row,
                           long block) {
    unsigned before, after, bits;
    /* Without a reading before, nothing of what has been can be said to be new. */
    int r = take_bits(source, row, B_BEFORE, ~THROTTLING_BITS, &before);

    if (r == 0)
        r = take_bits(source, row, B_AFTER, 0, &after);
    if (r < 0)
        return r;
    bits = throttling_between(before, after);
    if (bits)
        dataset->throttlings[dataset->n_throttlings++] =
            (struct dataset_throttling){block, text_copy(source_text(source, row, B_HOST)), bits};
    return 0;
}

static int compare_blocks(const void *a, const void *b) {
    const struct dataset_throttling *x = a, *y = b;

    return (x->block > y->block) - (x->block < y->block);
}

static int read_blocks(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {"block",  "attempt", "host", "metric",
                                        "before", "after",   NULL};
    CLEANUP(source_close) struct source source = {.error = error};
    struct attempt last = {.known = false};
    int r = source_open(&source, dataset, run_dir, "blocks.csv", names);

    if (r < 0)
        return r;
    dataset->throttlings = memory_new(source.table->rows, sizeof(*dataset->throttlings));
    for (size_t row = 0; r == 0 && row < source.table->rows; row++) {
        bool used;
        long block;

        r = take_attempt(dataset, &source, row, &last, &block, &used);
        if (r == 0 && used && text_equal(source_text(&source, row, B_METRIC), "throttled"))
            r = take_throttling(dataset, &source, row, block);
    }
    qsort(dataset->throttlings, dataset->n_throttlings, sizeof(*dataset->throttlings),
          compare_blocks);
    return r;
}

/* ---- telemetry.csv ---- */

enum { T_BLOCK, T_ATTEMPT, T_LATENCY, T_BOUND };

static int take_latency(struct dataset_one_way *one_way, const struct source *source, size_t row) {
    double latency, bound;
    int r = source_real(source, row, T_LATENCY, &latency);

    if (r == 0)
        r = source_real(source, row, T_BOUND, &bound);
    if (r < 0 || isnan(latency) || isnan(bound))
        return r;
    one_way->n++;
    if (latency < bound) {
        one_way->n_below++;
        one_way->bound_ms = fmax(one_way->bound_ms, bound);
    }
    return 0;
}

static int read_telemetry(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {"block", "attempt", "latency_ms", NULL};
    CLEANUP(source_close) struct source source = {.error = error};
    struct attempt last = {.known = false};
    int r = source_open(&source, dataset, run_dir, "telemetry.csv", names);

    if (r < 0 || !source_has(&source, T_BOUND, "latency_bound_ms"))
        return r;
    for (size_t row = 0; r == 0 && row < source.table->rows; row++) {
        bool used;
        long block;

        r = take_attempt(dataset, &source, row, &last, &block, &used);
        if (r == 0 && used)
            r = take_latency(&dataset->one_way, &source, row);
    }
    return r;
}

int dataset_read_conditions(struct dataset *dataset, const char *run_dir, struct error *error) {
    int r = has_file(run_dir, "blocks.csv") ? read_blocks(dataset, run_dir, error) : 0;

    if (r == 0 && has_file(run_dir, "telemetry.csv"))
        r = read_telemetry(dataset, run_dir, error);
    return r;
}
