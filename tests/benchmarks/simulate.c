/*
 * simulate - how often the statistics of the report are right, by experiments whose truth is known:
 * prints a table, exits 1 when a figure is out of its bounds. Seeded: the same figures every time.
 *
 * An experiment is what a run is: randomised complete blocks, each a trial of every channel in an
 * order that is shuffled block by block. A trial yields
 *     speed of its channel * level of its block * noise,
 * where the level of a block scatters by 10 % (it cancels within the block).
 *
 * The true ratio of two channels is that of their speeds, exactly, under every noise: the interval
 * is one of E(log a) - E(log b), and since both channels have noise of the same distribution its
 * E(log) cancels. (That of normal noise of 2 % is -0.0002, not 0: it would matter only if channels
 * scattered differently, and then by the hundredth part of the noise.)
 */
#include "base/memory.h"
#include "model/verdict.h"
#include "report/paired.h"
#include "report/statistics.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdbool.h>

#define EXPERIMENTS       2000
#define UNTIL_EXPERIMENTS 10000
#define MEAN_EXPERIMENTS  20000 /* each takes next to no time */
#define BLOCKS            20
#define MAX_BLOCKS        200
#define MAX_CHANNELS      4 /* the first is the baseline */
#define NOISE             0.02
#define MARGIN            0.02

enum noise { NOISE_NORMAL, NOISE_LOG_NORMAL, NOISE_AUTOCORRELATED };

static const char *const noise_names[] = {
    [NOISE_NORMAL] = "normal noise, 2 %",
    [NOISE_LOG_NORMAL] = "log-normal noise, sigma 0.3",
    [NOISE_AUTOCORRELATED] = "AR(1) 0.5 along the trials, 2 %",
};

struct experiment {
    gsl_rng *generator;
    enum noise noise;
    double last; /* AR(1): the noise of the trial before */
    size_t n_channels, n_blocks;
    double speeds[MAX_CHANNELS];
    double values[MAX_CHANNELS][MAX_BLOCKS];
};

/* ---- drawing an experiment ---- */

static double draw_noise(struct experiment *experiment) {
    switch (experiment->noise) {
    case NOISE_LOG_NORMAL:
        return exp(gsl_ran_gaussian(experiment->generator, 0.3));
    case NOISE_AUTOCORRELATED: /* what is new scatters less, so that all of it does by 2 % */
        experiment->last = 0.5 * experiment->last +
                           gsl_ran_gaussian(experiment->generator, NOISE * sqrt(1 - 0.5 * 0.5));
        return 1 + experiment->last;
    default:
        return 1 + gsl_ran_gaussian(experiment->generator, NOISE);
    }
}

static void draw_block(struct experiment *experiment) {
    size_t order[MAX_CHANNELS] = {0, 1, 2, 3};
    double level = 100 * exp(gsl_ran_gaussian(experiment->generator, 0.1));

    gsl_ran_shuffle(experiment->generator, order, experiment->n_channels, sizeof(*order));
    for (size_t i = 0; i < experiment->n_channels; i++)
        experiment->values[order[i]][experiment->n_blocks] =
            experiment->speeds[order[i]] * level * draw_noise(experiment);
    experiment->n_blocks++;
}

static void draw(struct experiment *experiment, size_t n_blocks) {
    experiment->n_blocks = 0;
    experiment->last = gsl_ran_gaussian(experiment->generator, NOISE);
    while (experiment->n_blocks < n_blocks)
        draw_block(experiment);
}

/* Speeds beside the baseline's, up to a 0. */
static struct experiment experiment_of(uint64_t seed, enum noise noise, const double *speeds) {
    struct experiment experiment = {.generator = gsl_rng_alloc(gsl_rng_mt19937),
                                    .noise = noise,
                                    .n_channels = 1,
                                    .speeds = {1}};

    gsl_rng_set(experiment.generator, (unsigned long)seed);
    while (*speeds > 0)
        experiment.speeds[experiment.n_channels++] = *speeds++;
    return experiment;
}

static struct paired compare(const struct experiment *experiment, size_t channel) {
    return paired_compare(experiment->values[channel], experiment->values[0], experiment->n_blocks,
                          2022);
}

/* ---- the table ---- */

/* A row: a share, with its standard error as of n independent experiments (two comparisons of one
 * share their baseline). Bounds that are NaN do not exist; a row without any could not fail, and
 * counts as missed. Returns how many are missed. */
static int print_share_of(double n, const char *what, const char *how, double share, double low,
                          double high) {
    bool within = !(share < low) && !(share > high) && !(isnan(low) && isnan(high));
    char wanted[40] = "no bounds";

    if (!isnan(low) && !isnan(high))
        (void)snprintf(wanted, sizeof(wanted), "%.1f to %.1f %%", 100 * low, 100 * high);
    else if (!isnan(low))
        (void)snprintf(wanted, sizeof(wanted), "at least %.1f %%", 100 * low);
    else if (!isnan(high))
        (void)snprintf(wanted, sizeof(wanted), "at most %.1f %%", 100 * high);
    printf("%-36s %-31s %6.2f %% -+ %.2f   %-15s %s\n", what, how, 100 * share,
           100 * sqrt(share * (1 - share) / n), wanted, within ? "ok" : "MISSED");
    (void)fflush(stdout);
    return !within;
}

static int print_share(const char *what, const char *how, double share, double low, double high) {
    return print_share_of(EXPERIMENTS, what, how, share, low, high);
}

/* ---- what is simulated ---- */

static bool covers(double low, double high, double truth) {
    return low <= truth && truth <= high;
}

static int simulate_coverage(enum noise noise) {
    struct experiment experiment = experiment_of(1 + noise, noise, (double[]){0.97, 0.8, 0});
    double covered = 0;

    for (size_t i = 0; i < EXPERIMENTS; i++) {
        draw(&experiment, BLOCKS);
        for (size_t channel = 1; channel < experiment.n_channels; channel++) {
            struct paired paired = compare(&experiment, channel);

            covered += covers(paired.ci_low, paired.ci_high, experiment.speeds[channel]);
        }
    }
    gsl_rng_free(experiment.generator);
    return print_share("95 % interval of the ratio: covers", noise_names[noise],
                       covered / (2 * EXPERIMENTS), 0.935, 0.965);
}

/* Whether any comparison, or the one of `channel`, has p_holm < VERDICT_ALPHA; 0 is any. */
static bool is_found(const struct experiment *experiment, size_t channel) {
    double p_values[MAX_CHANNELS], adjusted[MAX_CHANNELS];
    size_t n = experiment->n_channels - 1;

    for (size_t i = 0; i < n; i++)
        p_values[i] = compare(experiment, i + 1).p_value;
    paired_holm(p_values, n, adjusted);
    for (size_t i = 0; i < n; i++)
        if (adjusted[i] < VERDICT_ALPHA && (channel == 0 || channel == i + 1))
            return true;
    return false;
}

static double share_found(struct experiment *experiment, size_t channel) {
    double found = 0;

    for (size_t i = 0; i < EXPERIMENTS; i++) {
        draw(experiment, BLOCKS);
        found += is_found(experiment, channel);
    }
    gsl_rng_free(experiment->generator);
    return found / EXPERIMENTS;
}

static int simulate_false_alarms(enum noise noise) {
    struct experiment experiment = experiment_of(11 + noise, noise, (double[]){1, 1, 1, 0});

    return print_share("A/A, 3 channels: any p_holm < 0.05", noise_names[noise],
                       share_found(&experiment, 0), NAN, 0.065);
}

/* One of three is slower: its p has to pass Holm's first and strictest step. */
static int simulate_power(void) {
    struct experiment experiment = experiment_of(21, NOISE_NORMAL, (double[]){0.97, 1, 1, 0});

    return print_share("a loss of 3 % is found (p_holm)", noise_names[NOISE_NORMAL],
                       share_found(&experiment, 1), 0.9, NAN);
}

/* How often the 90 % interval lies within the margin though the ratio stands at its edge. */
static double share_equivalent(enum noise noise, size_t blocks, double truth, double margin) {
    struct experiment experiment = experiment_of(31 + noise, noise, (double[]){truth, 0});
    double equivalent = 0;

    for (size_t i = 0; i < EXPERIMENTS; i++) {
        struct paired paired;

        draw(&experiment, blocks);
        paired = compare(&experiment, 1);
        equivalent += paired.narrow_low >= 1 - margin && paired.narrow_high <= 1 + margin;
    }
    gsl_rng_free(experiment.generator);
    return equivalent / EXPERIMENTS;
}

static int simulate_false_equivalence(double truth) {
    char what[60];

    (void)snprintf(what, sizeof(what), "\"equivalent\" though it is %.2f", truth);
    return print_share(what, noise_names[NOISE_NORMAL],
                       share_equivalent(NOISE_NORMAL, BLOCKS, truth, MARGIN), NAN, 0.065);
}

/* The fewest blocks that it takes; the margin is one that intervals of so few can lie within. */
static int simulate_fewest_equivalent(enum noise noise, double margin) {
    char what[60];

    (void)snprintf(what, sizeof(what), "%d blocks: \"equivalent\", at edge %g",
                   VERDICT_EQUIVALENT_BLOCKS, 1 - margin);
    return print_share(what, noise_names[noise],
                       share_equivalent(noise, VERDICT_EQUIVALENT_BLOCKS, 1 - margin, margin), NAN,
                       0.065);
}

/* repetitions = until PRECISION: looks after each block, from the smallest number of them on, and
 * stops as soon as the interval of every ratio is narrower than that. */
static void run_until(struct experiment *experiment, size_t smallest, double precision) {
    double ratio, low, high;
    bool narrow;

    draw(experiment, smallest - 1);
    do {
        draw_block(experiment);
        narrow = true;
        for (size_t channel = 1; channel < experiment->n_channels && narrow; channel++) {
            paired_ratio(experiment->values[channel], experiment->values[0], experiment->n_blocks,
                         PAIRED_LEVEL, &ratio, &low, &high);
            narrow = high - low < precision * ratio;
        }
    } while (!narrow && experiment->n_blocks < MAX_BLOCKS);
}

/* One channel that is the baseline once more. A precision that is reached after two or three times
 * the smallest number of blocks is the worst: that an interval is narrow by chance ends most runs.
 */
static int simulate_until(enum noise noise, size_t smallest, double precision, double covers_low,
                          double alarms_high) {
    struct experiment experiment = experiment_of(41 + noise, noise, (double[]){1, 0});
    double covered = 0, alarms = 0, blocks = 0;
    char what[60];

    for (size_t i = 0; i < UNTIL_EXPERIMENTS; i++) {
        struct paired paired;

        run_until(&experiment, smallest, precision);
        paired = compare(&experiment, 1);
        covered += covers(paired.ci_low, paired.ci_high, 1);
        alarms += paired.p_value < VERDICT_ALPHA;
        blocks += (double)experiment.n_blocks;
    }
    gsl_rng_free(experiment.generator);
    printf("until %g %%, at least %zu blocks: %.1f on average\n", 100 * precision, smallest,
           blocks / UNTIL_EXPERIMENTS);
    (void)snprintf(what, sizeof(what), "  from %zu blocks on: interval covers", smallest);
    return print_share_of(UNTIL_EXPERIMENTS, what, noise_names[noise], covered / UNTIL_EXPERIMENTS,
                          covers_low, NAN) +
           print_share_of(UNTIL_EXPERIMENTS, "  A/A: p < 0.05, not corrected", noise_names[noise],
                          alarms / UNTIL_EXPERIMENTS, NAN, alarms_high);
}

/* The interval of summary.csv and ladder.csv: of n trials of one channel. Where these depend on
 * each other it is too narrow, and the report says so of a cell whose n_effective shows it:
 * silent_high bounds what is missed without that word. */
static int simulate_mean(enum noise noise, size_t n, double low, double high, double silent_high) {
    struct experiment experiment = experiment_of(61 + noise, noise, (double[]){0});
    double truth = noise == NOISE_LOG_NORMAL ? exp(0.3 * 0.3 / 2) : 1, values[MAX_BLOCKS];
    double covered = 0, silent = 0;
    char what[60];

    for (size_t i = 0; i < MEAN_EXPERIMENTS; i++) {
        struct statistics statistics;
        bool covers_it;

        draw(&experiment, 0);
        for (size_t k = 0; k < n; k++)
            values[k] = draw_noise(&experiment);
        statistics = statistics_describe(values, n);
        covers_it = covers(statistics.ci_low, statistics.ci_high, truth);
        covered += covers_it;
        silent += !covers_it && !timeline_depends(n, timeline_effective(values, n));
    }
    gsl_rng_free(experiment.generator);
    (void)snprintf(what, sizeof(what), "interval of the mean of %zu: covers", n);
    return print_share_of(MEAN_EXPERIMENTS, what, noise_names[noise], covered / MEAN_EXPERIMENTS,
                          low, high) +
           print_share_of(MEAN_EXPERIMENTS, "  misses, and no caution says why", noise_names[noise],
                          silent / MEAN_EXPERIMENTS, NAN, silent_high);
}

static int simulate_means(void) {
    static const size_t counts[] = {2, 3, 5, 8, 10, 20, 50};
    int missed = 0;

    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        missed += simulate_mean(NOISE_NORMAL, counts[i], 0.935, 0.965, 0.06);
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        missed += simulate_mean(NOISE_LOG_NORMAL, counts[i], 0.925, 0.965, 0.075);
    missed += simulate_mean(NOISE_AUTOCORRELATED, 8, 0.74, 0.8, 0.25);
    missed += simulate_mean(NOISE_AUTOCORRELATED, 20, 0.71, 0.77, 0.18);
    return missed + simulate_mean(NOISE_AUTOCORRELATED, 50, 0.71, 0.77, 0.1);
}

int main(void) {
    int missed = 0;

    printf("experiments of %d blocks each; -+ is the standard error\n\n", BLOCKS);
    missed += simulate_coverage(NOISE_NORMAL);
    missed += simulate_coverage(NOISE_LOG_NORMAL);
    missed += simulate_coverage(NOISE_AUTOCORRELATED);
    missed += simulate_false_alarms(NOISE_NORMAL);
    missed += simulate_false_alarms(NOISE_LOG_NORMAL);
    missed += simulate_false_alarms(NOISE_AUTOCORRELATED);
    missed += simulate_false_equivalence(1 - MARGIN);
    missed += simulate_false_equivalence(1 + MARGIN);
    missed += simulate_fewest_equivalent(NOISE_NORMAL, 0.08);
    missed += simulate_fewest_equivalent(NOISE_LOG_NORMAL, 0.7);
    missed += simulate_fewest_equivalent(NOISE_AUTOCORRELATED, 0.08);
    missed += simulate_power();
    missed += simulate_until(NOISE_NORMAL, 6, 0.028, 0.92, 0.085);
    missed += simulate_until(NOISE_NORMAL, 20, 0.016, 0.93, 0.07);
    missed += simulate_until(NOISE_AUTOCORRELATED, 20, 0.016, 0.93, 0.07);
    missed += simulate_means();
    if (missed)
        printf("\n%d out of bounds\n", missed);
    else
        printf("\nall within their bounds\n");
    return missed ? 1 : 0;
}
