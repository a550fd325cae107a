#include "model/verdict.h"

#include <math.h>

int64_t verdict_differ_blocks(size_t n_comparisons) {
    int64_t blocks = 1;

    while ((double)n_comparisons * ldexp(1, 1 - (int)blocks) >= VERDICT_ALPHA)
        blocks++;
    return blocks;
}

size_t verdict_comparisons(const struct scenario *scenario) {
    const struct channel *baseline = scenario_channel(scenario, scenario_own(scenario)->baseline);
    size_t most = 0, n = 0;

    /* Channels with variants are not the baseline, even when one of them is called so. */
    if (!baseline || (*baseline->variant && !*scenario->links[baseline->link].variant))
        return 0;
    for (size_t i = 0; i < scenario->n_measurements; i++) {
        const struct measurement *measurement = &scenario->measurements[i];

        n = i && text_equal(measurement->probe, measurement[-1].probe) ? n + 1 : 1;
        most = n > most ? n : most;
    }
    /* Of each link, all but the baseline on it. */
    return most * (scenario->n_channels - scenario->n_links);
}

char *verdict_outlook(const struct scenario *scenario) {
    size_t n = verdict_comparisons(scenario);
    int64_t blocks = scenario_repetitions(scenario).largest, differ = verdict_differ_blocks(n);
    CLEANUP_FREE char *few = NULL;

    if (!n)
        return NULL;
    few =
        blocks >= differ
            ? text_copy("")
            : text_format(": %lld %s too few for %s", (long long)blocks, blocks == 1 ? "is" : "are",
                          blocks < VERDICT_EQUIVALENT_BLOCKS ? "any verdict" : "slower and faster");
    return text_format("equivalent takes %d complete blocks, slower and faster %lld (%zu "
                       "comparison%s of a probe with %s)%s",
                       VERDICT_EQUIVALENT_BLOCKS, (long long)differ, n, n == 1 ? "" : "s",
                       scenario_own(scenario)->baseline, few);
}
