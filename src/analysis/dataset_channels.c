/* telemetry.csv and proofs.csv: what is known of the channels beside their trials. */
#include "analysis/dataset_source.h"

#include <math.h>
#include <string.h>

/* ---- telemetry.csv ---- */

enum { T_BLOCK, T_ATTEMPT, T_CHANNEL, T_LATENCY, T_STATUS, T_BOUND, T_VARIANT };

static void compare_with_bound(struct dataset_one_way *one_way, double latency, double bound) {
    one_way->n++;
    if (latency < bound) {
        one_way->n_below++;
        one_way->bound_ms = fmax(one_way->bound_ms, bound);
    }
}

/* What arrived first has a latency, and nothing else. */
static int check_status(const struct source *source, double latency) {
    const char *status = source_text(source, T_STATUS);
    CLEANUP_FREE char *why = text_format("contradicts status %s", status);

    if (!text_has_word("delivered lost duplicate", status))
        return source_reject(source, T_STATUS, "is none of delivered, lost, duplicate");
    return isnan(latency) == text_equal(status, "delivered") ? source_reject(source, T_LATENCY, why)
                                                             : 0;
}

static int take_message(struct dataset *dataset, const struct source *source) {
    const char *status = source_text(source, T_STATUS), *rest;
    double latency, bound = NAN;
    size_t channel;
    int r = source_channel(source, T_CHANNEL, T_VARIANT, &channel, &rest);

    if (r == 0)
        r = source_real(source, T_LATENCY, &latency);
    if (r == 0 && source->columns[T_BOUND] >= 0)
        r = source_real(source, T_BOUND, &bound);
    if (r == 0)
        r = check_status(source, latency);
    if (r < 0)
        return r;
    dataset->channels[channel].messages++;
    dataset->channels[channel].lost += text_equal(status, "lost");
    dataset->channels[channel].duplicates += text_equal(status, "duplicate");
    if (!isnan(latency) && text_equal(status, "delivered")) {
        dataset->latencies =
            memory_room(dataset->latencies, dataset->n_latencies, sizeof(*dataset->latencies));
        dataset->latencies[dataset->n_latencies++] = (struct dataset_latency){channel, latency};
    }
    if (!isnan(latency) && !isnan(bound))
        compare_with_bound(&dataset->one_way, latency, bound);
    return 0;
}

int dataset_read_telemetry(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {"block",      "attempt", "channel",
                                        "latency_ms", "status",  NULL};
    CLEANUP(source_close) struct source source = {.error = error};
    int r = source_open(&source, dataset, run_dir, "telemetry.csv", names);

    if (r < 0)
        return r;
    (void)source_has(&source, T_BOUND, "latency_bound_ms");
    (void)source_has(&source, T_VARIANT, "variant");
    while (r >= 0 && (r = source_next(&source)) > 0) {
        bool used;
        long block;

        r = source_attempt(&source, &block, &used);
        if (r == 0 && used)
            r = take_message(dataset, &source);
    }
    return r;
}

/* ---- proofs.csv ---- */

enum {
    P_BLOCK,
    P_ATTEMPT,
    P_CHANNEL,
    P_PROOF,
    P_EXPECTED,
    P_OBSERVED,
    P_CAUSE,
    P_VERDICT,
    P_VARIANT
};

static struct dataset_proof *find_proof(struct dataset *dataset, size_t channel, const char *name) {
    struct dataset_proof *proof = dataset->proofs;

    for (size_t i = 0; i < dataset->n_proofs; i++, proof++)
        if (proof->channel == channel && text_equal(proof->name, name))
            return proof;
    dataset->proofs =
        memory_resize(dataset->proofs, dataset->n_proofs + 1, sizeof(*dataset->proofs));
    proof = &dataset->proofs[dataset->n_proofs++];
    *proof = (struct dataset_proof){
        channel, text_copy(name), text_copy(""), text_copy(""), text_copy(""), 0, 0,
    };
    return proof;
}

static int take_proof(struct dataset *dataset, const struct source *source) {
    const char *verdict = source_text(source, P_VERDICT);
    bool broken = text_equal(verdict, "broken");
    struct dataset_proof *proof;
    size_t channel;
    const char *rest;
    int r = source_channel(source, P_CHANNEL, P_VARIANT, &channel, &rest);

    if (r < 0)
        return r;
    if (!broken && !text_equal(verdict, "held"))
        return source_reject(source, P_VERDICT, "is neither held nor broken");
    proof = find_proof(dataset, channel, source_text(source, P_PROOF));
    if (broken || !proof->broken) {
        text_replace(&proof->expected, source_text(source, P_EXPECTED));
        text_replace(&proof->observed, source_text(source, P_OBSERVED));
        text_replace(&proof->cause, source_text(source, P_CAUSE));
    }
    proof->broken += broken;
    proof->held += !broken;
    return 0;
}

static int compare_proofs(const void *a, const void *b) {
    const struct dataset_proof *x = a, *y = b;

    return (x->channel > y->channel) - (x->channel < y->channel);
}

int dataset_read_proofs(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {"block",    "attempt", "channel", "proof", "expected",
                                        "observed", "cause",   "verdict", NULL};
    CLEANUP(source_close) struct source source = {.error = error};
    int r = source_open(&source, dataset, run_dir, "proofs.csv", names);

    if (r < 0)
        return r;
    (void)source_has(&source, P_VARIANT, "variant");
    while (r >= 0 && (r = source_next(&source)) > 0) {
        bool used;
        long block;

        r = source_attempt(&source, &block, &used);
        if (r == 0 && used)
            r = take_proof(dataset, &source);
    }
    if (dataset->n_proofs) /* stable: glibc's qsort() merges */
        qsort(dataset->proofs, dataset->n_proofs, sizeof(*dataset->proofs), compare_proofs);
    return r;
}
