/*
 * dataset - a run in memory, as reading.h reads it. The analysis sees a run only through it.
 *
 * A channel whose settings are varied is a channel of its own for each variant of it, called, say,
 * "mutual-tls suites=TLS_AES_128_GCM_SHA256"; what is varied of a probe is the variant of a trial.
 *
 * Of each block only the last complete attempt is used: the one that has a row for every channel
 * and probe of the scenario (and every variant that the block knows); where none is complete, the
 * last attempt as it is. Rows of the other attempts stay in `trials` with used = false.
 *
 * All that a dataset points to is its own and goes with it. Values have the unit of their
 * probe's headline metric, or of their series.
 */
#ifndef BENCH_ANALYSIS_DATASET_H
#define BENCH_ANALYSIS_DATASET_H

#include "base/error.h"
#include "base/memory.h"
#include "model/trial.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a channel is for, beside being measured. */
enum dataset_control {
    DATASET_SUBJECT,     /* no control */
    DATASET_SAME,        /* the baseline once more: expected to be equivalent (A/A) */
    DATASET_SLOWED,      /* the baseline with a loss imposed on its sender: expected to be slower */
    DATASET_UNCONCERNED, /* that, for a probe that has no such sender: see dataset_demand() */
};

struct dataset_channel {
    const char *name;
    const char *base, *variant; /* the scenario's name, and what of it is varied: "" for nothing */
    const char *description;    /* "" when the scenario has none */
    enum dataset_control control;
    double loss;                       /* imposed, 0..1 */
    const char *tls;                   /* version, cipher and group of its trials; "" without */
    size_t messages, lost, duplicates; /* of telemetry, in the attempts that count */
};

/* The rung whose bytes pass beside the channel, not through it. */
#define DATASET_BESIDE 1

/* A probe with its headline metric. */
struct dataset_probe {
    const char *name, *metric, *unit, *better;
    size_t rung;                   /* its height on the ladder, from 1; 0: it is not on it */
    const char *sender, *receiver; /* "party.process" of metrics.csv; "": none */
    bool has_reference;
    size_t n_variants; /* of it, on each channel */
};

/* A published value of the headline metric, or of a series. */
#define DATASET_HEADLINE (-1)
struct dataset_reference {
    size_t probe, channel;
    const char *metric; /* as scenario.ini has it; NULL: the headline */
    int series;         /* its place, or DATASET_HEADLINE */
    int baseline;       /* the value is a ratio to that of this channel; -1: it is in its unit */
    double value;
    int line; /* in scenario.ini */
};

struct dataset_trial {
    long trial, attempt, block;
    size_t line;                      /* in trials.csv */
    uint32_t probe, channel, variant; /* places in the dataset's lists */
    enum trial_status status;
    bool used;
    int64_t started_ms; /* since 1970, UTC; 0: not known */
    double duration_s;  /* of which the bytes are; NaN when not ok, or not known */
    double silence_s;   /* the longest time of steps without a byte; NaN without steps */
    double bytes;       /* at the receiver in the measured time; NaN: no bulk data */
    double value;       /* of the headline metric; NaN when not ok */
    const char *reason; /* "" for none */
    const char *terms;  /* what was negotiated, by blanks: cipher, group, signature; "": nothing */
};

/* The attempt of a block that counts. */
struct dataset_attempt {
    long block, attempt;
};

/* One kind of row of metrics.csv: "party.process.metric"; its values are values[first..first+n]. */
struct dataset_series {
    const char *name, *unit;
    size_t first, n;
};

/* A row of metrics.csv that belongs to a used trial with status ok; by series, then by trial. */
struct dataset_value {
    uint32_t trial, series;
    double value;
    size_t line; /* in metrics.csv */
};

/* What a host suffered during a block. */
enum trouble_kind {
    TROUBLE_THROTTLED,  /* its processor was held back */
    TROUBLE_LOAD,       /* it had more to do than it has processors */
    TROUBLE_OTHER_RUNS, /* another run measured on it */
    TROUBLE_CLOCK,      /* its clock was set; also in an attempt that does not count */
    TROUBLE_RELAY,      /* the relay of its link could not take all frames */
};
struct dataset_trouble {
    enum trouble_kind kind;
    long block;
    const char *host;
    unsigned bits;     /* of TROUBLE_THROTTLED, as throttling_words() takes them */
    double value;      /* the larger load of those before and after; other runs; seconds ahead;
                        * frames */
    double processors; /* of TROUBLE_LOAD */
};

/* One-way latencies of telemetry, from one host's clock to another's, in the attempts that count.
 */
struct dataset_one_way {
    size_t n, n_below; /* all; those smaller than the bound of the clocks' comparison */
    double bound_ms;   /* the largest of these */
};

/* A telemetry message that arrived, in an attempt that counts. */
struct dataset_latency {
    size_t channel;
    double ms;
};

/* How often the values of a metric occurred in all trials of a cell that count, together: in
 * buckets that rise, each from behind the bound before it. */
struct dataset_bucket {
    double upper_bound;
    int64_t count;
};
struct dataset_distribution {
    size_t probe, variant, channel;
    const char *metric, *unit;
    struct dataset_bucket *buckets;
    size_t n;
    int64_t total; /* of the counts */
};

/* A proof of a channel, over all attempts that count. */
struct dataset_proof {
    size_t channel;
    const char *name, *expected;
    const char *observed, *cause; /* the last, or the last that broke */
    size_t held, broken, remarks; /* how often it was found so */
};

/* How fast a host does an operation by itself. */
struct dataset_speed {
    const char *host, *algorithm, *operation;
    double bytes, per_s; /* of one operation, 0: it has no size; operations a second */
};

/* What a process of a probe does, where a name is among a trial's terms. */
struct dataset_operation {
    size_t probe, channel; /* channel: n_channels: any */
    const char *variant;   /* of the probe */
    const char *host, *process, *per, *when, *algorithm, *operation;
    double bytes, count; /* of one; so many `per` byte or connection */
};

struct dataset {
    const char *baseline, *reference_source; /* "" when the scenario has none */
    long repetitions;                        /* 0: not said, or `until` */
    bool sequential;                         /* the order of the trials: channel after channel */
    uint64_t seed;    /* of the scenario, for what is drawn at random in the analysis too */
    double margin;    /* differences of ratios below it are taken for equal; 0.02 */
    double precision; /* repetitions went on until intervals were as narrow; 0: a fixed number */
    struct dataset_channel *channels;
    struct dataset_probe *probes;
    const char **variants; /* in the order of their first row */
    struct dataset_trial *trials;
    struct dataset_attempt *counted; /* by block */
    struct dataset_series *series;
    struct dataset_value *values;
    size_t n_channels, n_probes, n_variants, n_trials, n_counted, n_series, n_values;
    struct dataset_reference *references;
    size_t n_references;
    struct dataset_trouble *troubles; /* by block */
    size_t n_troubles;
    struct dataset_one_way one_way;
    struct dataset_latency *latencies;
    struct dataset_distribution *distributions; /* by probe, variant, channel and metric */
    struct dataset_proof *proofs;               /* by channel, in the order of their first row */
    struct dataset_speed *speeds;               /* by host, in the order of their rows */
    struct dataset_operation *operations;       /* by process */
    const char **terms;                         /* those of the trials, each once */
    size_t n_latencies, n_distributions, n_proofs, n_speeds, n_operations, n_terms;
    char *warnings; /* lines for the user; "" when there are none */
    char **texts;   /* all texts but the warnings */
    size_t n_texts;
};

void dataset_free(struct dataset *dataset);
DEFINE_CLEANUP(struct dataset *, dataset_free)

/* Takes over a text that the dataset points to. */
const char *dataset_keep(struct dataset *dataset, char *text);
/* The place of the first `length` bytes of text in a list of n distinct ones, which are kept: they
 * are added if they are new. The list itself is the caller's. */
size_t dataset_place(struct dataset *dataset, const char ***list, size_t *n, const char *text,
                     size_t length);

/* By trial, then attempt: the order of the dataset's trials, as qsort() wants it. */
int dataset_compare_ids(const void *a, const void *b);

/* What a channel's being a control demands of a probe. A loss is imposed on bulk data: of a probe
 * that is on no rung of the ladder a slowed channel demands nothing (DATASET_UNCONCERNED). */
static inline enum dataset_control dataset_demand(const struct dataset *dataset, size_t probe,
                                                  size_t channel) {
    enum dataset_control control = dataset->channels[channel].control;

    return control == DATASET_SLOWED && !dataset->probes[probe].rung ? DATASET_UNCONCERNED
                                                                     : control;
}

/* The place of a channel, probe or series, or -1. */
int dataset_find_channel(const struct dataset *dataset, const char *name);
int dataset_find_probe(const struct dataset *dataset, const char *name);
int dataset_find_series(const struct dataset *dataset, const char *name);
/* Which attempt of the block counts; NULL of a block that has no trials. */
const struct dataset_attempt *dataset_find_block(const struct dataset *dataset, long block);

/* The highest rung of the run's probes; 0: none is on the ladder. */
size_t dataset_top_rung(const struct dataset *dataset);

/* "" where nothing is varied, or was tried (variant = n_variants). */
static inline const char *dataset_variant(const struct dataset *dataset, size_t variant) {
    return variant < dataset->n_variants ? dataset->variants[variant] : "";
}
/* What a rung is called: "path", or "path, payload=30B"; the caller's. */
char *dataset_rung(const struct dataset *dataset, size_t probe, size_t variant);

/* A metric's name in a text: "connections per s"; the caller's. The scripts put the same few
 * otherwise. */
char *dataset_words(const char *metric);
/* Whether a metric is an amount (bytes, CPU time, lost messages), of which there is more or less,
 * rather than a rate, or a time that somebody waits, which is slower or faster. */
bool dataset_is_amount(const char *metric, const char *unit, const char *better);

/* Whether a series is called so: "client2.client.tls_time" by all of it, by what stands behind one
 * of its points, and by its last word. */
bool dataset_is_called(const char *series, const char *metric);
/* Whether a series has values of the probe. */
bool dataset_is_of_probe(const struct dataset *dataset, size_t series, size_t probe);

/* The value of a series for one of the dataset's trials; NaN when there is none. */
double dataset_value(const struct dataset *dataset, size_t series, size_t trial);

/* What was published of a channel, of a series or DATASET_HEADLINE; with a baseline, the ratio to
 * that channel, with -1 the value. NaN: nothing. */
double dataset_reference(const struct dataset *dataset, size_t probe, int series, size_t channel,
                         int baseline);

#endif
