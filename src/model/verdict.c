#include "model/verdict.h"

int64_t verdict_differ_blocks(size_t n_comparisons) {
    (void)n_comparisons;
    return 6;
}

size_t verdict_comparisons(const struct scenario *scenario) {
    (void)scenario;
    return 0;
}

char *verdict_outlook(const struct scenario *scenario) {
    (void)scenario;
    return NULL;
}
