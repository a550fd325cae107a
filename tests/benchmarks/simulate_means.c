/*
 * simulate-means - how often the 95 % interval of a mean covers it: prints a table, exits 1 when a
 * figure is out of its bounds. Seeded: the same figures every time. simulate has the ratios.
 */
#include "simulate.h"

#include "analysis/statistics.h"
#include "base/memory.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#define EXPERIMENTS 20000 /* each takes next to no time */
#define MAX_TRIALS  50

enum noise { NOISE_NORMAL, NOISE_LOG_NORMAL, NOISE_AUTOCORRELATED };

static const char *const noise_names[] = {
    [NOISE_NORMAL] = "normal, 2 %",
    [NOISE_LOG_NORMAL] = "log-normal, sigma 0.3",
    [NOISE_AUTOCORRELATED] = "AR(1) 0.5, 2 %",
};

/* The trials of one channel, in the order of time. */
static void draw(gsl_rng *generator, enum noise noise, double *ret_values, size_t n) {
    double last = gsl_ran_gaussian(generator, 0.02);

    for (size_t i = 0; i < n; i++) {
        double fresh = gsl_ran_gaussian(generator, noise == NOISE_LOG_NORMAL ? 0.3 : 0.02);

        last = 0.5 * last + sqrt(1 - 0.5 * 0.5) * fresh; /* all of it scatters as what is new */
        ret_values[i] = noise == NOISE_LOG_NORMAL       ? exp(fresh)
                        : noise == NOISE_AUTOCORRELATED ? 1 + last
                                                        : 1 + fresh;
    }
}

/* The interval of summary.csv and ladder.csv: of n trials of one channel. Where these depend on
 * each other it is too narrow, and the report says so of a cell whose n_effective shows it:
 * silent_high bounds what is missed without that word. */
static int simulate_mean(enum noise noise, size_t n, double low, double high, double silent_high) {
    gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
    double truth = noise == NOISE_LOG_NORMAL ? exp(0.3 * 0.3 / 2) : 1, values[MAX_TRIALS];
    double covered = 0, silent = 0;
    char what[60];

    for (size_t i = 0; i < EXPERIMENTS; i++) {
        struct statistics statistics;
        double n_effective, autocorrelation;
        bool covers_it;

        draw(generator, noise, values, n);
        statistics = statistics_describe(values, n);
        n_effective = statistics_effective(values, n, &autocorrelation);
        covers_it = covers(statistics.ci_low, statistics.ci_high, truth);
        covered += covers_it;
        silent += !covers_it && !statistics_depends(n, n_effective);
    }
    gsl_rng_free(generator);
    (void)snprintf(what, sizeof(what), "interval of the mean of %zu: covers", n);
    return print_share_of(EXPERIMENTS, what, noise_names[noise], covered / EXPERIMENTS, low, high) +
           print_share_of(EXPERIMENTS, "  misses, and no caution says why", noise_names[noise],
                          silent / EXPERIMENTS, NAN, silent_high);
}

int main(void) {
    static const size_t counts[] = {2, 3, 5, 8, 10, 20, MAX_TRIALS};
    int missed = 0;

    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        missed += simulate_mean(NOISE_NORMAL, counts[i], 0.935, 0.965, 0.06);
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        missed += simulate_mean(NOISE_LOG_NORMAL, counts[i], 0.925, 0.965, 0.075);
    missed += simulate_mean(NOISE_AUTOCORRELATED, 8, 0.74, 0.8, 0.25);
    missed += simulate_mean(NOISE_AUTOCORRELATED, 20, 0.71, 0.77, 0.18);
    missed += simulate_mean(NOISE_AUTOCORRELATED, 50, 0.71, 0.77, 0.1);
    return say_missed(missed);
}
