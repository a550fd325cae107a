#include "analysis/gate.h"

#include "analysis/draws.h"
#include "analysis/paired.h"
#include "analysis/statistics.h"
#include "base/memory.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_psi.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <string.h>

/* Two ratios to one baseline are correlated by a half, their variances by its square. */
#define SHARED 0.25

/* What is known of one series; differences are turned so that more is better. */
struct scatter {
    size_t n_now, n_runs;       /* blocks of the new run; baselines that count */
    double difference;          /* of the means; now - before */
    double inverse;             /* mean of 1 / n of the baselines, of n blocks each */
    double within, within_free; /* n times the variance that blocks give to the mean of n, and its
                                 * degrees of freedom */
    double runs, runs_free;     /* variance of the baselines' means; drawn towards that of all */
    bool complete;
};

/* ---- the blocks of one run ---- */

static bool counts(const struct gate_run *run) {
    return run->n >= GATE_BLOCKS;
}

/* How many blocks are cut off at each end. */
static size_t cut_of(size_t n) {
    return n / 5;
}

/* The trimmed mean. Added are its degrees of freedom and, that many times, n times its variance:
 * with h blocks left that is s_w^2 (n - 1) / (h (h - 1)), with the Winsorized s_w^2. By itself that
 * depends on the share that is trimmed, which differs between 9 blocks and 10. */
static double trim(const struct gate_run *run, double *squares, double *free) {
    CLEANUP_FREE double *sorted = memory_new(run->n, sizeof(*sorted));
    size_t n = run->n, cut = cut_of(n);
    double mean, sd;

    if (!n)
        return NAN;
    memcpy(sorted, run->logs, n * sizeof(*sorted));
    gsl_sort(sorted, 1, n);
    mean = statistics_mean(sorted + cut, n - 2 * cut);
    for (size_t i = 0; i < cut; i++) {
        sorted[i] = sorted[cut];
        sorted[n - 1 - i] = sorted[n - 1 - cut];
    }
    if (n > 1) {
        double left = (double)(n - 2 * cut);

        sd = statistics_sd(sorted, n);
        *squares += sd * sd * (double)(n * (n - 1)) / left;
        *free += left - 1;
    }
    return mean;
}

/* ---- one series ---- */

static struct scatter scatter_of(const struct gate_series *series, struct gate_judgement *ret) {
    CLEANUP_FREE double *means = memory_new(series->n_before, sizeof(*means));
    struct scatter scatter = {.n_now = series->now.n};
    double squares = 0, now = trim(&series->now, &squares, &scatter.within_free), before, sd;

    for (size_t i = 0; i < series->n_before; i++) {
        const struct gate_run *run = &series->before[i];

        if (!counts(run))
            continue;
        means[scatter.n_runs++] = trim(run, &squares, &scatter.within_free);
        scatter.inverse += 1 / (double)run->n;
    }
    before = statistics_mean(means, scatter.n_runs);
    sd = statistics_sd(means, scatter.n_runs);
    scatter.inverse /= (double)scatter.n_runs;
    scatter.difference = series->lower_is_better ? before - now : now - before;
    scatter.within = squares / scatter.within_free;
    scatter.runs = sd * sd;
    scatter.runs_free = (double)scatter.n_runs - 1;
    ret->now = exp(now);
    ret->before = exp(before);
    ret->ratio = exp(now - before);
    ret->blocks_missing = counts(&series->now) ? 0 : GATE_BLOCKS - series->now.n;
    ret->baselines_missing = scatter.n_runs < GATE_BASELINES ? GATE_BASELINES - scatter.n_runs : 0;
    scatter.complete = !ret->blocks_missing && !ret->baselines_missing;
    return scatter;
}

/* The variance of the difference, of a new run of so many blocks beside so many baselines, and its
 * degrees of freedom. What blocks alone scatter is the least that it can be; that the baselines
 * came out closer than that does not make them more. */
static double variance_of(const struct scatter *scatter, size_t n_now, size_t n_runs,
                          double *ret_free) {
    double runs = (double)n_runs, blocks = 1 / (double)n_now;
    double free = scatter->runs_free * (runs - 1) / ((double)scatter->n_runs - 1);
    double of_runs = scatter->runs * (1 + 1 / runs);
    double of_blocks = scatter->within * (blocks - scatter->inverse);
    double variance = of_runs + of_blocks;
    double least = scatter->within * (blocks + scatter->inverse / runs);

    *ret_free = free;
    if (variance <= least)
        return least;
    *ret_free = variance * variance /
                (of_runs * of_runs / free + of_blocks * of_blocks / scatter->within_free);
    return variance;
}

/* Half of the interval that they give. */
static double half_of(double variance, double free) {
    return gsl_cdf_tdist_Pinv((1 + GATE_LEVEL) / 2, free) * sqrt(variance);
}

/* The same of the runs that are there. Where the new one has more blocks than the baselines, a
 * variance is taken off another, which leaves few degrees of freedom: as many blocks count as make
 * the interval narrowest. */
static double own_variance(const struct scatter *scatter, double *ret_free) {
    double variance = variance_of(scatter, scatter->n_now, scatter->n_runs, ret_free);

    for (size_t n = scatter->n_now - 1; (double)n * scatter->inverse >= 1; n--) {
        double free, one = variance_of(scatter, n, scatter->n_runs, &free);

        if (half_of(one, free) < half_of(variance, *ret_free)) {
            variance = one;
            *ret_free = free;
        }
    }
    return variance;
}

/* ---- how much runs scatter, by all ratios ---- */

static bool is_moderated(const struct gate_series *series, const struct scatter *scatter,
                         size_t n_runs) {
    return series->kind == GATE_RATIO && scatter->complete && scatter->n_runs == n_runs &&
           scatter->within > 0;
}

/* The x > 0 at which the trigamma function is y: Newton's iteration of Smyth 2004, appendix. */
static double trigamma_inverse(double y) {
    double x = 0.5 + 1 / y;

    for (int i = 0; i < 50; i++) {
        double value = gsl_sf_psi_1(x), step = value * (1 - value / y) / gsl_sf_psi_n(2, x);

        x += step;
        if (-step / x < 1e-10)
            break;
    }
    return x;
}

/* The degrees of freedom that the others are worth for one of n variances, of `free` each, in units
 * of what is expected, and what they say it is. They agree entirely: as many as there are. */
static double prior_of(const double *values, size_t n, double free, double *ret_value) {
    CLEANUP_FREE double *logs = memory_new(n, sizeof(*logs));
    double sd, excess, prior;

    for (size_t i = 0; i < n; i++)
        logs[i] = log(fmax(values[i], 1e-3)) - gsl_sf_psi(free / 2) + log(free / 2);
    sd = statistics_sd(logs, n);
    excess = sd * sd - (1 - SHARED) * gsl_sf_psi_1(free / 2);
    if (excess <= 0) {
        *ret_value = statistics_mean(values, n);
        return INFINITY;
    }
    prior = 2 * trigamma_inverse(excess);
    *ret_value = exp(statistics_mean(logs, n) + gsl_sf_psi(prior / 2) - log(prior / 2));
    return prior;
}

/* Draws the variances of all ratios that have so many baselines towards each other. */
static void moderate(const struct gate_series *series, struct scatter *scatters, size_t n,
                     size_t n_runs) {
    CLEANUP_FREE double *values = memory_new(n, sizeof(*values));
    double free = (double)n_runs - 1, prior, value;
    size_t m = 0;

    for (size_t i = 0; i < n; i++)
        if (is_moderated(&series[i], &scatters[i], n_runs))
            values[m++] = scatters[i].runs / (scatters[i].within * scatters[i].inverse);
    if (m < 2)
        return;
    prior = prior_of(values, m, free, &value);
    /* The variances of correlated ratios are worth those of fewer. */
    prior = fmin(prior, free * (double)m / (1 + ((double)m - 1) * SHARED) - free);
    for (size_t i = 0; i < n; i++) {
        struct scatter *one = &scatters[i];
        double unit = one->within * one->inverse;

        if (!is_moderated(&series[i], one, n_runs))
            continue;
        one->runs = (prior * value * unit + free * one->runs) / (prior + free);
        one->runs_free = prior + free;
    }
}

/* ---- tests ---- */

/* The blocks of the new run and of all baselines that count, each as its rank among them, from 1;
 * equal ones share theirs. */
static double *rank(const struct gate_series *series, size_t *ret_n) {
    size_t n = series->now.n, filled;
    CLEANUP_FREE double *all = NULL;
    CLEANUP_FREE size_t *order = NULL;
    double *ranks;

    for (size_t i = 0; i < series->n_before; i++)
        n += counts(&series->before[i]) ? series->before[i].n : 0;
    all = memory_new(n, sizeof(*all));
    memcpy(all, series->now.logs, series->now.n * sizeof(*all));
    filled = series->now.n;
    for (size_t i = 0; i < series->n_before; i++) {
        if (!counts(&series->before[i]))
            continue;
        memcpy(all + filled, series->before[i].logs, series->before[i].n * sizeof(*all));
        filled += series->before[i].n;
    }
    order = memory_new(n, sizeof(*order));
    ranks = memory_new(n, sizeof(*ranks));
    gsl_sort_index(order, all, 1, n);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && all[order[end]] <= all[order[first]];)
            end++;
        for (size_t i = first; i < end; i++)
            ranks[order[i]] = (double)(first + 1 + end) / 2;
    }
    *ret_n = n;
    return ranks;
}

/* The share of permutations in which the blocks that come into the new run's place have a sum of
 * ranks at most as large (sign 1), or at least as large (-1), as its own. Halves are exact. */
static double permute(const struct gate_series *series, double sign, uint64_t seed) {
    struct draws draws = {seed};
    size_t n, n_now = series->now.n;
    CLEANUP_FREE double *ranks = rank(series, &n);
    double limit = 0;
    int count = 0;

    for (size_t i = 0; i < n_now; i++)
        limit += sign * ranks[i];
    for (int k = 0; k < GATE_SHUFFLES; k++) {
        double sum = 0;

        for (size_t i = 0; i < n_now; i++) {
            size_t j = i + (size_t)(draws_word(&draws) % (n - i));
            double value = ranks[j];

            ranks[j] = ranks[i];
            ranks[i] = value;
            sum += sign * value;
        }
        count += sum <= limit;
    }
    return (count + 1.0) / (GATE_SHUFFLES + 1.0);
}

/* The larger p of both tests. Where that of t is large already it is the one that counts. `sign`:
 * 1 for worse, -1 for better. */
static double test(const struct gate_series *series, const struct scatter *scatter, double variance,
                   double free, double sign, uint64_t seed) {
    double difference = sign * scatter->difference, p;

    if (variance > 0)
        p = gsl_cdf_tdist_P(difference / sqrt(variance), free);
    else
        p = difference < 0 ? 0 : 1;
    if (p >= VERDICT_ALPHA)
        return p;
    return fmax(p, permute(series, series->lower_is_better ? -sign : sign, seed));
}

static void take_interval(const struct gate_series *series, const struct scatter *scatter,
                          double variance, double free, struct gate_judgement *ret) {
    double middle = series->lower_is_better ? -scatter->difference : scatter->difference;
    double half = half_of(variance, free);

    ret->ci_low = exp(middle - half);
    ret->ci_high = exp(middle + half);
    ret->freedom = free;
    ret->within_sd = sqrt(scatter->within);
    ret->between_sd = sqrt(fmax(0, scatter->runs - scatter->within * scatter->inverse));
}

/* ---- what would decide ---- */

/* How far below zero a difference may lie: the margin, where more is better. */
static double least_difference(const struct gate_series *series, double margin) {
    return series->lower_is_better ? -log1p(margin) : log1p(-margin);
}

/* Whether so many blocks and baselines show that the difference that is seen is no loss of the
 * margin, or that it is a loss, in a family of n. */
static bool would_decide(const struct scatter *scatter, double least, size_t family, size_t n_now,
                         size_t n_runs) {
    double free, variance = variance_of(scatter, n_now, n_runs, &free);

    return scatter->difference - half_of(variance, free) >= least ||
           -scatter->difference >
               gsl_cdf_tdist_Qinv(VERDICT_ALPHA / (double)family, free) * sqrt(variance);
}

/* The least numbers of blocks, and of baselines, that would, where the other is what is there. */
static void advise(const struct gate_series *series, const struct scatter *scatter, double margin,
                   size_t family, struct gate_judgement *ret) {
    double least = least_difference(series, margin);

    for (size_t n = scatter->n_now + 1; !ret->blocks_needed && n <= GATE_MOST_BLOCKS; n++)
        if (would_decide(scatter, least, family, n, scatter->n_runs))
            ret->blocks_needed = n;
    for (size_t n = scatter->n_runs + 1; !ret->baselines_needed && n <= GATE_MOST_BASELINES; n++)
        if (would_decide(scatter, least, family, scatter->n_now, n))
            ret->baselines_needed = n;
}

/* ---- verdicts ---- */

static enum gate_verdict verdict_of(const struct gate_series *series,
                                    const struct gate_judgement *one, double margin) {
    bool above = one->ci_low >= 1 - margin, below = one->ci_high <= 1 + margin;

    if (above && below)
        return GATE_NO_CHANGE;
    if (one->p_slower_holm < VERDICT_ALPHA)
        return GATE_SLOWER;
    if (one->p_faster_holm < VERDICT_ALPHA)
        return GATE_FASTER;
    if (series->lower_is_better ? below : above)
        return GATE_NOT_SLOWER;
    return GATE_UNDECIDED;
}

static void correct(struct gate_judgement *list, size_t n) {
    CLEANUP_FREE double *p = memory_new(n, sizeof(*p)), *adjusted = memory_new(n, sizeof(*p));

    for (size_t i = 0; i < n; i++)
        p[i] = list[i].p_slower;
    paired_holm(p, n, adjusted);
    for (size_t i = 0; i < n; i++) {
        list[i].p_slower_holm = adjusted[i];
        p[i] = list[i].p_faster;
    }
    paired_holm(p, n, adjusted);
    for (size_t i = 0; i < n; i++)
        list[i].p_faster_holm = adjusted[i];
}

void gate_judge(const struct gate_series *series, size_t n, double margin, uint64_t seed,
                struct gate_judgement *ret) {
    CLEANUP_FREE struct scatter *scatters = memory_new(n, sizeof(*scatters));
    size_t family = 0, most = 0;

    for (size_t i = 0; i < n; i++) {
        ret[i] = (struct gate_judgement){.ci_low = NAN, .verdict = GATE_UNDECIDED};
        ret[i].ci_high = ret[i].between_sd = ret[i].within_sd = ret[i].freedom = NAN;
        ret[i].p_slower = ret[i].p_faster = NAN;
        scatters[i] = scatter_of(&series[i], &ret[i]);
        family += scatters[i].complete;
        most = scatters[i].n_runs > most ? scatters[i].n_runs : most;
    }
    for (size_t n_runs = GATE_BASELINES; n_runs <= most; n_runs++)
        moderate(series, scatters, n, n_runs);
    for (size_t i = 0; i < n; i++) {
        double free, variance;

        if (!scatters[i].complete)
            continue;
        variance = own_variance(&scatters[i], &free);
        take_interval(&series[i], &scatters[i], variance, free, &ret[i]);
        ret[i].p_slower = test(&series[i], &scatters[i], variance, free, 1, seed);
        ret[i].p_faster = test(&series[i], &scatters[i], variance, free, -1, seed);
    }
    correct(ret, n);
    for (size_t i = 0; i < n; i++) {
        if (!scatters[i].complete)
            continue;
        ret[i].verdict = verdict_of(&series[i], &ret[i], margin);
        if (ret[i].verdict == GATE_UNDECIDED)
            advise(&series[i], &scatters[i], margin, family, &ret[i]);
    }
}

const char *gate_verdict_word(enum gate_verdict verdict, bool is_amount) {
    static const char *const words[][2] = {
        [GATE_NO_CHANGE] = {"no change", "no change"},
        [GATE_SLOWER] = {"slower", "more"},
        [GATE_FASTER] = {"faster", "less"},
        [GATE_NOT_SLOWER] = {"not slower", "not more"},
        [GATE_UNDECIDED] = {"undecided", "undecided"},
    };

    return words[verdict][is_amount];
}

enum gate_verdict gate_conclude(const struct gate_judgement *judgements, size_t n) {
    enum gate_verdict all = n ? GATE_NO_CHANGE : GATE_UNDECIDED;

    for (size_t i = 0; i < n; i++) {
        if (judgements[i].verdict == GATE_SLOWER)
            return GATE_SLOWER;
        if (judgements[i].verdict == GATE_UNDECIDED)
            all = GATE_UNDECIDED;
    }
    return all;
}
