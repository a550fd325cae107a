#include "model/plan.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

struct plan *plan_new(const struct scenario *scenario) {
    const struct scenario_settings *own = scenario_own(scenario);
    size_t n = scenario->n_channels, blocks = (size_t)scenario_repetitions(scenario).largest;
    struct plan *plan = memory_new(1, sizeof(*plan));
    gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
    CLEANUP_FREE size_t *order = memory_new(n, sizeof(*order));

    *plan = (struct plan){.deployments = memory_new(blocks * n, sizeof(*plan->deployments)),
                          .n_deployments = blocks * n,
                          .n_measurements = scenario->n_measurements};
    gsl_rng_set(generator, (unsigned long)own->seed);
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = 0; i < plan->n_deployments; i++) {
        /* Sequential is the paper's order: all repetitions of one channel, then all of the next. */
        bool sequential = own->order == ORDER_SEQUENTIAL;
        size_t block = sequential ? i % blocks : i / n, place = sequential ? i / blocks : i % n;

        /* Each block in an order of its own, drawn from that of the one before (Fisher-Yates). */
        if (!sequential && place == 0)
            gsl_ran_shuffle(generator, order, n, sizeof(*order));
        plan->deployments[i] =
            (struct planned_deployment){.block = (int)block + 1,
                                        .position = (int)place + 1,
                                        .channel = order[place],
                                        .trial = (int64_t)(i * plan->n_measurements) + 1};
    }
    gsl_rng_free(generator);
    return plan;
}

void plan_free(struct plan *plan) {
    free(plan->deployments);
    free(plan);
}
