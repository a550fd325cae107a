#include "analysis/sign_flip.h"

#include "analysis/draws.h"
#include "base/memory.h"

#include <math.h>

#define TOLERANCE 1e-10 /* of the sum of all sizes: far above rounding */

/* The differences in groups of eight, and for each group the sums under all 256 assignments of
 * signs: the sum under any assignment is then one addition a group. */
struct table {
    size_t n_groups;
    double (*sums)[256];
    double threshold; /* the size of the sum as it is, less the tolerance */
};

static void fill_group(double sums[256], const double *differences, size_t n) {
    for (unsigned signs = 0; signs < 256; signs++) {
        sums[signs] = 0;
        for (size_t i = 0; i < n; i++)
            sums[signs] += signs >> i & 1 ? -differences[i] : differences[i];
    }
}

static void table_fill(struct table *table, const double *differences, size_t n) {
    double sum = 0, size = 0;

    table->n_groups = (n + 7) / 8;
    table->sums = memory_new(table->n_groups, sizeof(*table->sums));
    for (size_t i = 0; i < table->n_groups; i++) {
        size_t rest = n - 8 * i;

        fill_group(table->sums[i], differences + 8 * i, rest < 8 ? rest : 8);
        sum += table->sums[i][0];
    }
    for (size_t i = 0; i < n; i++)
        size += fabs(differences[i]);
    table->threshold = fabs(sum) - TOLERANCE * size;
}

/* All assignments, but for those that only turn all signs round: the last sign stays. */
static double exact(const struct table *table, size_t n) {
    uint32_t all = 1U << (n - 1), count = 0;

    for (uint32_t signs = 0; signs < all; signs++) {
        double sum = table->sums[0][signs & 255];

        if (table->n_groups > 1)
            sum += table->sums[1][signs >> 8];
        count += fabs(sum) >= table->threshold;
    }
    return (double)count / all;
}

static double sum_of_random_signs(const struct table *table, struct draws *draws) {
    double sum = 0;

    for (size_t group = 0; group < table->n_groups;) {
        uint64_t signs = draws_word(draws);

        for (unsigned i = 0; i < 8 && group < table->n_groups; i++, signs >>= 8)
            sum += table->sums[group++][signs & 255];
    }
    return sum;
}

static double random_share(const struct table *table, uint64_t seed) {
    struct draws draws = {seed};
    uint32_t count = 0;

    for (uint32_t i = 0; i < SIGN_FLIPS; i++)
        count += fabs(sum_of_random_signs(table, &draws)) >= table->threshold;
    return (count + 1.0) / (SIGN_FLIPS + 1.0);
}

/* Under random signs the sum has mean 0 and the sum of squares as its variance. */
static double normal_limit(const double *differences, size_t n) {
    double sum = 0, squares = 0;

    for (size_t i = 0; i < n; i++) {
        sum += differences[i];
        squares += differences[i] * differences[i];
    }
    return squares > 0 ? erfc(fabs(sum) / sqrt(2 * squares)) : 1;
}

double sign_flip_p_value(const double *differences, size_t n, uint64_t seed) {
    struct table table;
    double p_value;

    if (n == 0)
        return NAN;
    if (n > SIGN_FLIP_RANDOM_PAIRS)
        return normal_limit(differences, n);
    table_fill(&table, differences, n);
    p_value = n <= SIGN_FLIP_EXACT_PAIRS ? exact(&table, n) : random_share(&table, seed);
    free(table.sums);
    return p_value;
}

double sign_flip_least_p_value(size_t n) {
    if (n > SIGN_FLIP_RANDOM_PAIRS)
        return 0;
    return n <= SIGN_FLIP_EXACT_PAIRS ? ldexp(1, n ? 1 - (int)n : 0) : 1.0 / (SIGN_FLIPS + 1.0);
}
