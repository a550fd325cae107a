#include "analysis/source.h"
#include "model/throttling.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* ---- blocks.csv: what the hosts suffered ---- */

#define MAX_BITS ((double)UINT32_MAX)

enum { B_BLOCK, B_ATTEMPT, B_HOST, B_METRIC, B_BEFORE, B_AFTER };

static unsigned take_bits(struct source *source, int name, unsigned unknown) {
    double value = source_real(source, name);

    if (isnan(value))
        return unknown;
    if (value < 0 || value > MAX_BITS || value != floor(value)) {
        source_reject(source, name, "is no set of bits");
        return unknown;
    }
    return (unsigned)value;
}

/* How many a host has, by environment.json; infinitely many where that does not say. */
static double processors_of(json_t *environment, const char *host) {
    json_t *hosts = json_object_get(environment, "hosts"), *one;
    size_t i;

    json_array_foreach(hosts, i, one) {
        const char *spec = json_string_value(json_object_get(one, "spec"));
        double processors = json_number_value(json_object_get(one, "processors"));

        if (spec && text_equal(spec, host) && processors >= 1)
            return processors;
    }
    return INFINITY;
}

static void add_trouble(struct source *source, const struct dataset_trouble *trouble) {
    struct dataset *dataset = source->dataset;

    dataset->troubles =
        memory_room(dataset->troubles, dataset->n_troubles, sizeof(*dataset->troubles));
    dataset->troubles[dataset->n_troubles] = *trouble;
    dataset->troubles[dataset->n_troubles++].host = source_keep(source, B_HOST);
}

static void take_block(struct source *source, void *environment) {
    const char *metric = source_text(source, B_METRIC);
    struct dataset_trouble one = {.block = source_integer(source, B_BLOCK)};
    double before, after;
    bool is_one = false;

    /* What trials failed of must be seen where their block was measured again. */
    if (!source_counts(source) && !text_equal(metric, "clock_set"))
        return;
    if (text_equal(metric, "throttled")) {
        /* Without a reading before, nothing of what has been can be said to be new. */
        unsigned bits = take_bits(source, B_BEFORE, ~THROTTLING_BITS);

        one.bits = throttling_between(bits, take_bits(source, B_AFTER, 0));
        is_one = one.bits != 0;
    } else if (text_has_word("load other_runs clock_set relay_overrun", metric)) {
        before = source_real(source, B_BEFORE);
        after = source_real(source, B_AFTER);
        one.value = fmax(before, after);
    }
    if (text_equal(metric, "load")) {
        one.kind = TROUBLE_LOAD;
        one.processors = processors_of(environment, source_text(source, B_HOST));
        is_one = one.value > one.processors;
    } else if (text_equal(metric, "other_runs")) {
        one.kind = TROUBLE_OTHER_RUNS;
        is_one = one.value > 0;
    } else if (text_equal(metric, "clock_set")) {
        one.kind = TROUBLE_CLOCK;
        one.value = isfinite(before) && !(fabs(after) > fabs(before)) ? before : after;
        one.value = isfinite(one.value) ? one.value : 0;
        is_one = one.value != 0;
    } else if (text_equal(metric, "relay_overrun")) {
        one.kind = TROUBLE_RELAY;
        one.value = after >= before ? after - before : after; /* of another relay by then */
        is_one = one.value > 0;
    }
    if (source->r == 0 && is_one)
        add_trouble(source, &one);
}

static int compare_blocks(const void *a, const void *b) {
    const struct dataset_trouble *x = a, *y = b;

    return (x->block > y->block) - (x->block < y->block);
}

static int read_blocks(struct source *source) {
    static const char *const names[] = {"block",  "attempt", "host", "metric",
                                        "before", "after",   NULL};
    struct dataset *dataset = source->dataset;
    json_auto_t *environment = source_environment(source);
    int r = source_read(source, "blocks.csv", names, take_block, environment);

    if (dataset->n_troubles)
        qsort(dataset->troubles, dataset->n_troubles, sizeof(*dataset->troubles), compare_blocks);
    return r;
}

/* ---- telemetry.csv ---- */

enum { T_BLOCK, T_ATTEMPT, T_CHANNEL, T_LATENCY, T_STATUS, T_BOUND, T_VARIANT };

static void take_message(struct source *source, void *context) {
    struct dataset *dataset = source->dataset;
    struct dataset_one_way *one_way = &dataset->one_way;
    const char *status = source_text(source, T_STATUS), *rest;
    struct dataset_channel *channel;
    double latency, bound;
    size_t place;

    (void)context;
    if (!source_counts(source))
        return;
    place = source_channel(source, T_CHANNEL, T_VARIANT, &rest);
    channel = &dataset->channels[place];
    latency = source_real(source, T_LATENCY);
    bound = source_real(source, T_BOUND);
    if (!text_has_word("delivered lost duplicate", status))
        source_reject(source, T_STATUS, "is none of delivered, lost, duplicate");
    else if (isnan(latency) == text_equal(status, "delivered"))
        source_reject(source, T_LATENCY, "contradicts status %s", status);
    if (source->r < 0)
        return;
    channel->messages++;
    channel->lost += text_equal(status, "lost");
    channel->duplicates += text_equal(status, "duplicate");
    if (isnan(latency))
        return;
    dataset->latencies =
        memory_room(dataset->latencies, dataset->n_latencies, sizeof(*dataset->latencies));
    dataset->latencies[dataset->n_latencies++] = (struct dataset_latency){place, latency};
    one_way->n += !isnan(bound);
    if (latency < bound) {
        one_way->n_below++;
        one_way->bound_ms = fmax(one_way->bound_ms, bound);
    }
}

static int read_telemetry(struct source *source) {
    static const char *const names[] = {"block",  "attempt",           "channel",  "latency_ms",
                                        "status", "?latency_bound_ms", "?variant", NULL};

    return source_read(source, "telemetry.csv", names, take_message, NULL);
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

/* They stay sorted by channel, in the order of their first row. */
static struct dataset_proof *find_proof(struct dataset *dataset, size_t channel, const char *name) {
    size_t place = dataset->n_proofs;

    for (size_t i = 0; i < dataset->n_proofs; i++)
        if (dataset->proofs[i].channel == channel && text_equal(dataset->proofs[i].name, name))
            return &dataset->proofs[i];
    while (place > 0 && dataset->proofs[place - 1].channel > channel)
        place--;
    dataset->proofs = memory_room(dataset->proofs, dataset->n_proofs, sizeof(*dataset->proofs));
    memmove(dataset->proofs + place + 1, dataset->proofs + place,
            (dataset->n_proofs++ - place) * sizeof(*dataset->proofs));
    dataset->proofs[place] = (struct dataset_proof){.channel = channel,
                                                    .name = dataset_keep(dataset, text_copy(name)),
                                                    .expected = "",
                                                    .observed = "",
                                                    .cause = ""};
    return &dataset->proofs[place];
}

/* Most proofs are as they were in the block before. */
static void note(const struct source *source, int name, const char **text) {
    if (!text_equal(*text, source_text(source, name)))
        *text = source_keep(source, name);
}

static void take_proof(struct source *source, void *context) {
    const char *verdict = source_text(source, P_VERDICT), *rest;
    bool broken = text_equal(verdict, "broken"), remark = text_equal(verdict, "remark");
    struct dataset_proof *proof;
    size_t channel;

    (void)context;
    if (!source_counts(source))
        return;
    channel = source_channel(source, P_CHANNEL, P_VARIANT, &rest);
    if (!broken && !remark && !text_equal(verdict, "held"))
        source_reject(source, P_VERDICT, "is neither held nor broken nor remark");
    if (source->r < 0)
        return;
    proof = find_proof(source->dataset, channel, source_text(source, P_PROOF));
    if (broken || !proof->broken) {
        note(source, P_EXPECTED, &proof->expected);
        note(source, P_OBSERVED, &proof->observed);
        note(source, P_CAUSE, &proof->cause);
    }
    proof->broken += broken;
    proof->remarks += remark;
    proof->held += !broken && !remark;
}

static int read_proofs(struct source *source) {
    static const char *const names[] = {"block",    "attempt", "channel", "proof",    "expected",
                                        "observed", "cause",   "verdict", "?variant", NULL};

    return source_read(source, "proofs.csv", names, take_proof, NULL);
}

/* ---- distributions.csv: histograms of the trials that count, those of a cell together ---- */

enum { D_TRIAL, D_ATTEMPT, D_METRIC, D_UNIT, D_UPPER_BOUND, D_COUNT };

/* What the rows of one distribution of one trial have in all. */
struct tally {
    size_t trial; /* its place in the dataset's list */
    const char *metric;
    int64_t total;
    size_t line; /* of the last row */
};

struct tallies {
    struct tally *list;
    size_t n;
};

static void tallies_clear(struct tallies *tallies) {
    free(tallies->list);
}

/* Rows that do not stand beside each other are added up when all are there. */
static void add_tally(struct tallies *tallies, size_t trial, const char *metric, int64_t count,
                      size_t line) {
    struct tally *last = tallies->n ? &tallies->list[tallies->n - 1] : NULL;

    if (!last || last->trial != trial || !text_equal(last->metric, metric)) {
        tallies->list = memory_room(tallies->list, tallies->n, sizeof(*tallies->list));
        last = &tallies->list[tallies->n++];
        *last = (struct tally){trial, metric, 0, 0};
    }
    last->total += count;
    last->line = line;
}

static int compare_tallies(const void *a, const void *b) {
    const struct tally *x = a, *y = b;
    int order = strcmp(x->metric, y->metric);

    if (x->trial != y->trial)
        return x->trial < y->trial ? -1 : 1;
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* A metric of each trial says how many there are. */
static int check_totals(const struct source *source, struct tallies *tallies) {
    const struct dataset *dataset = source->dataset;
    int64_t total = 0;

    if (tallies->n)
        qsort(tallies->list, tallies->n, sizeof(*tallies->list), compare_tallies);
    for (size_t i = 0; i < tallies->n; i++) {
        const struct tally *tally = &tallies->list[i], *next = tally + 1;
        const struct dataset_trial *trial = &dataset->trials[tally->trial];
        const char *metric = "";
        double count;

        total += tally->total;
        if (i + 1 < tallies->n && next->trial == tally->trial &&
            text_equal(next->metric, tally->metric))
            continue;
        count = metrics_count(dataset, tally->metric, tally->trial, &metric);
        if (!isnan(count) && count != (double)total)
            return error_set(source->error, -EBADMSG,
                             "%s:%zu: count: %s of trial %ld, attempt %ld has %lld in all, but %s "
                             "is %.9g",
                             source->reader->path, tally->line, tally->metric, trial->trial,
                             trial->attempt, (long long)total, metric, count);
        total = 0;
    }
    return 0;
}

/* That of the row before, mostly. */
static struct dataset_distribution *find_distribution(const struct source *source,
                                                      const struct dataset_trial *trial) {
    struct dataset *dataset = source->dataset;
    const char *metric = source_text(source, D_METRIC), *unit = source_text(source, D_UNIT);
    struct dataset_distribution *found;

    for (size_t i = dataset->n_distributions; i-- > 0;) {
        found = &dataset->distributions[i];
        if (found->probe == trial->probe && found->variant == trial->variant &&
            found->channel == trial->channel && text_equal(found->metric, metric) &&
            text_equal(found->unit, unit))
            return found;
    }
    dataset->distributions = memory_room(dataset->distributions, dataset->n_distributions,
                                         sizeof(*dataset->distributions));
    found = &dataset->distributions[dataset->n_distributions++];
    *found = (struct dataset_distribution){.probe = trial->probe,
                                           .variant = trial->variant,
                                           .channel = trial->channel,
                                           .metric = source_keep(source, D_METRIC),
                                           .unit = source_keep(source, D_UNIT)};
    return found;
}

static void take_bucket(struct source *source, void *context) {
    struct dataset_trial *trial = source_trial(source);
    double upper_bound = source_real(source, D_UPPER_BOUND);
    long count = source_integer(source, D_COUNT);
    struct dataset_distribution *distribution;

    if (!(upper_bound >= 0))
        source_reject(source, D_UPPER_BOUND, "is no bound of a bucket");
    if (source->r < 0 || !trial || !trial->used || trial->status != TRIAL_OK)
        return;
    distribution = find_distribution(source, trial);
    add_tally(context, (size_t)(trial - source->dataset->trials), distribution->metric, count,
              source->reader->line);
    distribution->buckets =
        memory_room(distribution->buckets, distribution->n, sizeof(*distribution->buckets));
    distribution->buckets[distribution->n++] = (struct dataset_bucket){upper_bound, count};
    distribution->total += count;
}

static int compare_bounds(const void *a, const void *b) {
    const struct dataset_bucket *x = a, *y = b;

    return (x->upper_bound > y->upper_bound) - (x->upper_bound < y->upper_bound);
}

/* The same bucket of several trials becomes one. */
static void merge(struct dataset_distribution *distribution) {
    struct dataset_bucket *buckets = distribution->buckets;
    size_t n = 0;

    qsort(buckets, distribution->n, sizeof(*buckets), compare_bounds);
    for (size_t i = 0; i < distribution->n; i++)
        if (n > 0 && buckets[n - 1].upper_bound >= buckets[i].upper_bound)
            buckets[n - 1].count += buckets[i].count;
        else
            buckets[n++] = buckets[i];
    distribution->n = n;
}

static int compare_distributions(const void *a, const void *b) {
    const struct dataset_distribution *x = a, *y = b;

    if (x->probe != y->probe)
        return x->probe < y->probe ? -1 : 1;
    if (x->variant != y->variant)
        return x->variant < y->variant ? -1 : 1;
    if (x->channel != y->channel)
        return x->channel < y->channel ? -1 : 1;
    return strcmp(x->metric, y->metric);
}

static int read_distributions(struct source *source) {
    static const char *const names[] = {"trial",       "attempt", "metric", "unit",
                                        "upper_bound", "count",   NULL};
    struct dataset *dataset = source->dataset;
    CLEANUP(tallies_clear) struct tallies tallies = {NULL, 0};
    int r = source_read(source, "distributions.csv", names, take_bucket, &tallies);

    if (r < 0)
        return r;
    for (size_t i = 0; i < dataset->n_distributions; i++)
        merge(&dataset->distributions[i]);
    if (dataset->n_distributions)
        qsort(dataset->distributions, dataset->n_distributions, sizeof(*dataset->distributions),
              compare_distributions);
    return check_totals(source, &tallies);
}

/* ---- intervals.csv: steps, against each other and trials.csv; how long nothing arrived ---- */

enum { I_TRIAL, I_ATTEMPT, I_START, I_END, I_BYTES };

/* The steps of a trial, as far as they are read. */
struct steps {
    double start_s, end_s; /* of the first, of the last */
    double least_s;        /* the shortest */
    double bytes;
    double empty_s, longest_s; /* of steps without a byte: the last ones; the longest time */
    size_t line;               /* of the last; 0: there is none yet */
};

/* A step may begin where the one before ends, and does. */
static void take_step(struct source *source, void *context) {
    const struct dataset_trial *trial = source_trial(source);
    double start_s, end_s, bytes;
    struct steps *steps = context;

    if (source->r < 0 || !trial || trial->status != TRIAL_OK)
        return;
    steps += trial - source->dataset->trials;
    start_s = source_real(source, I_START);
    end_s = source_real(source, I_END);
    bytes = source_count(source, I_BYTES);
    if (!(start_s >= 0))
        source_reject(source, I_START, "is before the beginning");
    if (!(end_s > start_s))
        source_reject(source, I_END, "is not behind start_s");
    if (steps->line && start_s < steps->end_s)
        source_reject(source, I_START, "lies in the step before, which ends at %.9g", steps->end_s);
    if (!steps->line)
        steps->start_s = start_s;
    steps->least_s = steps->line ? fmin(steps->least_s, end_s - start_s) : end_s - start_s;
    steps->end_s = end_s;
    steps->empty_s = bytes > 0 ? 0 : steps->empty_s + end_s - start_s;
    steps->longest_s = fmax(steps->longest_s, steps->empty_s);
    steps->bytes += isnan(bytes) ? 0 : bytes;
    steps->line = source->reader->line;
}

/* All steps of a trial against its row of trials.csv: they are its window, cut up, or windows of
 * which it is one: those of a search. */
static int check_steps(const struct source *source, const struct dataset_trial *trial,
                       const struct steps *steps) {
    double span_s = steps->end_s - steps->start_s;
    double slack_s = csv_real_error(steps->start_s) + csv_real_error(steps->end_s) +
                     csv_real_error(trial->duration_s);

    if (!isnan(trial->bytes) && steps->bytes != trial->bytes)
        return error_set(source->error, -EBADMSG,
                         "%s:%zu: bytes: the steps of trial %ld, attempt %ld make %.0f, but "
                         "trials.csv has %.0f",
                         source->reader->path, steps->line, trial->trial, trial->attempt,
                         steps->bytes, trial->bytes);
    /* A little more, for what the arithmetic here rounds. */
    if (fabs(span_s - trial->duration_s) > 1.001 * slack_s &&
        fabs(steps->least_s - trial->duration_s) > 1.001 * slack_s)
        return error_set(source->error, -EBADMSG,
                         "%s:%zu: end_s: the steps of trial %ld, attempt %ld last %.9g s, but "
                         "trials.csv has %.9g",
                         source->reader->path, steps->line, trial->trial, trial->attempt, span_s,
                         trial->duration_s);
    return 0;
}

static int read_intervals(struct source *source) {
    static const char *const names[] = {"trial", "attempt", "start_s", "end_s", "bytes", NULL};
    struct dataset *dataset = source->dataset;
    CLEANUP_FREE struct steps *steps = memory_new(dataset->n_trials, sizeof(*steps));
    int r = source_read(source, "intervals.csv", names, take_step, steps);

    for (size_t i = 0; i < dataset->n_trials && r == 0; i++) {
        if (!steps[i].line)
            continue;
        dataset->trials[i].silence_s = steps[i].longest_s;
        r = check_steps(source, &dataset->trials[i], &steps[i]);
    }
    return r;
}

/* ---- all of it ---- */

int records_read(struct source *source) {
    static const struct {
        const char *file;
        int (*read)(struct source *source);
    } records[] = {
        {"blocks.csv", read_blocks},       {"telemetry.csv", read_telemetry},
        {"proofs.csv", read_proofs},       {"distributions.csv", read_distributions},
        {"intervals.csv", read_intervals},
    };

    for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
        CLEANUP_FREE char *path = text_format("%s/%s", source->run_dir, records[i].file);
        int r = access(path, F_OK) == 0 ? records[i].read(source) : 0;

        if (r < 0)
            return r;
    }
    return 0;
}
