#include "analysis/conditions.h"

#include "model/throttling.h"

/* A longer list is cut: its length says enough. */
#define MAX_RANGES 12

static bool is_alike(const struct dataset_throttling *a, const struct dataset_throttling *b) {
    return a->bits == b->bits && text_equal(a->host, b->host);
}

/* The next of the same kind behind `one`, or NULL. */
static const struct dataset_throttling *next_alike(const struct dataset *dataset,
                                                   const struct dataset_throttling *one) {
    const struct dataset_throttling *end = dataset->throttlings + dataset->n_throttlings;

    for (const struct dataset_throttling *next = one + 1; next < end; next++)
        if (is_alike(next, one))
            return next;
    return NULL;
}

/* "3, 5-9": the blocks of `first` and of all like it; the caller's. */
static char *list_blocks(const struct dataset *dataset, const struct dataset_throttling *first,
                         size_t *ret_n) {
    char *list = text_copy("");
    size_t n = 0, ranges = 0;

    for (const struct dataset_throttling *from = first, *to; from; from = next_alike(dataset, to)) {
        const struct dataset_throttling *next = from;
        char *longer;

        for (to = from; next && next->block <= to->block + 1; n++) {
            to = next;
            next = next_alike(dataset, to);
        }
        if (ranges++ >= MAX_RANGES)
            continue;
        longer = to->block > from->block
                     ? text_format("%s%s%ld-%ld", list, *list ? ", " : "", from->block, to->block)
                     : text_format("%s%s%ld", list, *list ? ", " : "", from->block);
        free(list);
        list = longer;
    }
    if (ranges > MAX_RANGES) {
        char *longer = text_format("%s, ... (%zu blocks)", list, n);

        free(list);
        list = longer;
    }
    *ret_n = n;
    return list;
}

static bool is_first(const struct dataset *dataset, const struct dataset_throttling *one) {
    for (const struct dataset_throttling *other = dataset->throttlings; other < one; other++)
        if (is_alike(other, one))
            return false;
    return true;
}

static double largest_load(const struct dataset *dataset, const struct dataset_throttling *one) {
    double largest = one->load;

    while ((one = next_alike(dataset, one)))
        largest = one->load > largest ? one->load : largest;
    return largest;
}

static char *describe_throttling(const struct dataset *dataset,
                                 const struct dataset_throttling *first) {
    CLEANUP_FREE char *words = throttling_words(first->bits), *blocks = NULL;
    size_t n;

    blocks = list_blocks(dataset, first, &n);
    if (!first->bits)
        return text_format("block%s %s, %s: a load of up to %.3g on %.0f processor%s: not all that "
                           "wanted one had one.",
                           n == 1 ? "" : "s", blocks, first->host, largest_load(dataset, first),
                           first->processors, first->processors > 1 ? "s" : "");
    return text_format("block%s %s, %s: %s during the block%s.", n == 1 ? "" : "s", blocks,
                       first->host, words, n == 1 ? "" : "s");
}

void conditions_describe(const struct dataset *dataset,
                         void (*add)(void *context, const char *sentence), void *context) {
    const struct dataset_one_way *one_way = &dataset->one_way;

    for (size_t i = 0; i < dataset->n_throttlings; i++) {
        CLEANUP_FREE char *sentence = NULL;

        if (!is_first(dataset, &dataset->throttlings[i]))
            continue;
        sentence = describe_throttling(dataset, &dataset->throttlings[i]);
        add(context, sentence);
    }
    if (one_way->n_below) {
        CLEANUP_FREE char *sentence =
            text_format("%zu of %zu one-way telemetry latencies are smaller than the bound of the "
                        "clocks' comparison (%.3g ms): they say nothing.",
                        one_way->n_below, one_way->n, one_way->bound_ms);

        add(context, sentence);
    }
}
