#include "analysis/dataset_source.h"

#include "model/throttling.h"

#include <jansson.h>
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

static void add_throttling(struct dataset *dataset, const struct source *source,
                           struct dataset_throttling throttling) {
    throttling.host = text_copy(source_text(source, B_HOST));
    dataset->throttlings =
        memory_room(dataset->throttlings, dataset->n_throttlings, sizeof(*dataset->throttlings));
    dataset->throttlings[dataset->n_throttlings++] = throttling;
}

static int take_throttling(struct dataset *dataset, const struct source *source, long block) {
    unsigned before, after, bits;
    /* Without a reading before, nothing of what has been can be said to be new. */
    int r = take_bits(source, B_BEFORE, ~THROTTLING_BITS, &before);

    if (r == 0)
        r = take_bits(source, B_AFTER, 0, &after);
    if (r < 0)
        return r;
    bits = throttling_between(before, after);
    if (bits)
        add_throttling(dataset, source, (struct dataset_throttling){.block = block, .bits = bits});
    return 0;
}

/* How many a host has, by environment.json; infinitely many where that does not say. */
static double processors_of(const json_t *environment, const char *host) {
    const json_t *hosts = json_object_get(environment, "hosts"), *one;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)hosts, i, one) {
        const char *spec = json_string_value(json_object_get(one, "spec"));
        double processors = json_number_value(json_object_get(one, "processors"));

        if (spec && text_equal(spec, host) && processors >= 1)
            return processors;
    }
    return INFINITY;
}

static int take_load(struct dataset *dataset, const struct source *source, long block,
                     const json_t *environment) {
    double processors = processors_of(environment, source_text(source, B_HOST)), before, after;
    int r = source_real(source, B_BEFORE, &before);

    if (r == 0)
        r = source_real(source, B_AFTER, &after);
    if (r == 0 && fmax(before, after) > processors)
        add_throttling(dataset, source,
                       (struct dataset_throttling){
                           .block = block, .load = fmax(before, after), .processors = processors});
    return r;
}

/* The rows of the attempts that count, by what they say. */
static int take_reading(struct dataset *dataset, const struct source *source, long block,
                        const json_t *environment) {
    const char *metric = source_text(source, B_METRIC);

    if (text_equal(metric, "throttled"))
        return take_throttling(dataset, source, block);
    return text_equal(metric, "load") ? take_load(dataset, source, block, environment) : 0;
}

static int compare_blocks(const void *a, const void *b) {
    const struct dataset_throttling *x = a, *y = b;

    return (x->block > y->block) - (x->block < y->block);
}

int dataset_read_blocks(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {"block",  "attempt", "host", "metric",
                                        "before", "after",   NULL};
    CLEANUP(source_close) struct source source = {.error = error};
    CLEANUP_FREE char *path = text_format("%s/environment.json", run_dir);
    json_auto_t *environment = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    int r = source_open(&source, dataset, run_dir, "blocks.csv", names);

    if (r < 0)
        return r;
    while (r >= 0 && (r = source_next(&source)) > 0) {
        bool used;
        long block;

        r = source_attempt(&source, &block, &used);
        if (r == 0 && used)
            r = take_reading(dataset, &source, block, environment);
    }
    if (dataset->n_throttlings)
        qsort(dataset->throttlings, dataset->n_throttlings, sizeof(*dataset->throttlings),
              compare_blocks);
    return r;
}
