#include "model/plan.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

/* One block: the channels in an order drawn from the generator (Fisher-Yates). */
static void plan_block(struct plan *plan, int block, size_t *order, size_t n_channels,
                       gsl_rng *generator) {
    gsl_ran_shuffle(generator, order, n_channels, sizeof(*order));
    for (size_t i = 0; i < n_channels; i++)
        plan->deployments[plan->n_deployments++] = (struct planned_deployment){
            .block = block, .position = (int)i + 1, .channel = order[i]};
}

static void plan_shuffled(struct plan *plan, const struct scenario *scenario) {
    int64_t blocks = scenario_repetitions(scenario).largest;
    gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
    CLEANUP_FREE size_t *order = memory_new(scenario->n_channels, sizeof(*order));

    gsl_rng_set(generator, (unsigned long)scenario_own(scenario)->seed);
    for (size_t i = 0; i < scenario->n_channels; i++)
        order[i] = i;
    for (int block = 1; block <= blocks; block++)
        plan_block(plan, block, order, scenario->n_channels, generator);
    gsl_rng_free(generator);
}

/* The paper's order: all repetitions of one channel, then all of the next. */
static void plan_sequential(struct plan *plan, const struct scenario *scenario) {
    int64_t blocks = scenario_repetitions(scenario).largest;

    for (size_t channel = 0; channel < scenario->n_channels; channel++)
        for (int block = 1; block <= blocks; block++)
            plan->deployments[plan->n_deployments++] = (struct planned_deployment){
                .block = block, .position = (int)channel + 1, .channel = channel};
}

struct plan *plan_new(const struct scenario *scenario) {
    const struct scenario_settings *own = scenario_own(scenario);
    struct plan *plan = memory_new(1, sizeof(*plan));

    plan->n_measurements = scenario->n_measurements;
    plan->deployments =
        memory_new((size_t)scenario_repetitions(scenario).largest * scenario->n_channels,
                   sizeof(*plan->deployments));
    if (own->order == ORDER_SEQUENTIAL)
        plan_sequential(plan, scenario);
    else
        plan_shuffled(plan, scenario);
    for (size_t i = 0; i < plan->n_deployments; i++)
        plan->deployments[i].trial = (int64_t)(i * plan->n_measurements) + 1;
    return plan;
}

void plan_free(struct plan *plan) {
    free(plan->deployments);
    free(plan);
}
