#include "analysis/source.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

/* Of a trial, since 1900: what nanoseconds since 1970 can tell. */
#define FIRST_YEAR 70
#define LAST_YEAR  360

/* What the column throughput_mbit_s is called among the metrics; the others are in metrics.csv. */
#define METRIC_OF_COLUMN "throughput"

/* ---- rows ---- */

enum {
    TRIAL,
    ATTEMPT,
    BLOCK,
    CHANNEL,
    PROBE,
    VARIANT,
    STARTED,
    DURATION,
    BYTES,
    THROUGHPUT,
    STATUS,
    REASON,
    TLS_VERSION,
    TLS_CIPHER,
    TLS_GROUP,
    TLS_SIGNATURE,
};

static enum trial_status take_status(struct source *source) {
    for (enum trial_status i = 0; i < TRIAL_N_STATUSES; i++)
        if (text_equal(trial_status_word(i), source_text(source, STATUS)))
            return i;
    source_reject(source, STATUS, "is none of ok, failed, void, skipped");
    return TRIAL_VOID;
}

/* "2026-11-22T08:30:00.123Z", the fraction left out or not, in ms since 1970; empty: not known, 0.
 */
static int64_t take_time(struct source *source) {
    const char *field = source_text(source, STARTED), *rest;
    struct tm parts = {.tm_isdst = 0};
    double fraction_s = 0;
    char *end;

    if (!*field)
        return 0;
    rest = strptime(field, "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest && *rest == '.' && strspn(rest + 1, "0123456789") + 1 == strcspn(rest, "Z")) {
        fraction_s = strtod(rest, &end);
        rest += strcspn(rest, "Z");
    }
    if (!rest || !text_equal(rest, "Z") || parts.tm_year < FIRST_YEAR ||
        parts.tm_year > LAST_YEAR) {
        source_reject(source, STARTED, "is no time like 2026-11-22T08:30:00.123Z");
        return 0;
    }
    return (int64_t)timegm(&parts) * 1000 + (int64_t)(fraction_s * 1000 + 0.5);
}

/* What the channel's first trial inside it negotiated. */
static void take_session(const struct source *source, struct dataset_channel *channel) {
    const char *version = source_text(source, TLS_VERSION);
    const char *signature = source_text(source, TLS_SIGNATURE);

    if (*version && !*channel->tls)
        channel->tls = dataset_keep(
            source->dataset,
            text_format("%s, %s, %s%s%s", version, source_text(source, TLS_CIPHER),
                        source_text(source, TLS_GROUP), *signature ? ", " : "", signature));
}

/* A trial that is not ok was not measured. Of one that is, bytes and duration_s make
 * throughput_mbit_s, to the last digit that the journal prints. */
static void check_bulk(struct source *source, const struct dataset_trial *trial,
                       double throughput) {
    static const int figures[] = {DURATION, BYTES, THROUGHPUT};
    double made = trial->bytes * 8 / 1e6 / trial->duration_s;
    double slack =
        csv_real_error(throughput) + made * csv_real_error(trial->duration_s) / trial->duration_s;

    for (size_t i = 0; i < ARRAY_SIZE(figures) && trial->status != TRIAL_OK; i++)
        if (*source_text(source, figures[i]))
            source_reject(source, figures[i], "contradicts status %s, which has none",
                          trial_status_word(trial->status));
    /* A little more, for what the arithmetic here rounds. */
    if (fabs(made - throughput) > 1.001 * slack)
        source_reject(source, THROUGHPUT, "contradicts bytes and duration_s, which make %.9g",
                      made);
}

/* What the trial negotiated, as one of the lists that there are. */
static const char *take_terms(const struct source *source) {
    struct dataset *dataset = source->dataset;
    CLEANUP_FREE char *terms =
        text_format("%s %s %s", source_text(source, TLS_CIPHER), source_text(source, TLS_GROUP),
                    source_text(source, TLS_SIGNATURE));
    size_t place;

    if (!*source_text(source, TLS_VERSION))
        return "";
    place = dataset_place(dataset, &dataset->terms, &dataset->n_terms, terms, strlen(terms));
    return dataset->terms[place];
}

static void take_trial(struct source *source, void *context) {
    struct dataset *dataset = source->dataset;
    int probe = dataset_find_probe(dataset, source_text(source, PROBE));
    const char *variant;
    size_t channel = source_channel(source, CHANNEL, VARIANT, &variant);
    double throughput;
    struct dataset_trial trial = {
        .line = source->reader->line, .value = NAN, .silence_s = NAN, .channel = (uint32_t)channel};

    (void)context;
    if (probe < 0)
        source_reject(source, PROBE, "is no probe of scenario.ini");
    trial.trial = source_integer(source, TRIAL);
    trial.attempt = source_integer(source, ATTEMPT);
    trial.block = source_integer(source, BLOCK);
    trial.status = take_status(source);
    trial.started_ms = take_time(source);
    trial.duration_s = source_real(source, DURATION);
    trial.bytes = source_count(source, BYTES);
    throughput = source_real(source, THROUGHPUT);
    if (throughput < 0)
        source_reject(source, THROUGHPUT, "is below zero");
    if (trial.duration_s <= 0)
        source_reject(source, DURATION, "is no duration");
    check_bulk(source, &trial, throughput);
    if (source->r < 0)
        return;
    trial.probe = (uint32_t)probe;
    trial.variant = (uint32_t)dataset_place(dataset, &dataset->variants, &dataset->n_variants,
                                            variant, strlen(variant));
    trial.reason = source_keep(source, REASON);
    trial.terms = take_terms(source);
    if (trial.status == TRIAL_OK) {
        take_session(source, &dataset->channels[channel]);
        if (text_equal(dataset->probes[probe].metric, METRIC_OF_COLUMN))
            trial.value = throughput;
    }
    dataset->trials = memory_room(dataset->trials, dataset->n_trials, sizeof(trial));
    dataset->trials[dataset->n_trials++] = trial;
}

static int read_rows(struct source *source) {
    static const char *const names[] = {
        "trial",       "attempt",    "block",     "channel",           "probe",  "variant",
        "started_utc", "duration_s", "bytes",     "throughput_mbit_s", "status", "reason",
        "tls_version", "tls_cipher", "tls_group", "?tls_signature",    NULL};
    struct dataset *dataset = source->dataset;
    int r = source_read(source, "trials.csv", names, take_trial, NULL);

    for (size_t i = 0; i < dataset->n_probes; i++)
        if (!dataset->probes[i].n_variants) /* a run without factors.csv: as many as there are */
            dataset->probes[i].n_variants = dataset->n_variants ? dataset->n_variants : 1;
    return r;
}

/* ---- trials that are given twice ---- */

/* All attempts of a trial measure the same, and each is there once. */
static int check_pair(const struct source *source, const struct dataset_trial *a,
                      const struct dataset_trial *b) {
    const struct dataset_trial *later = a->line < b->line ? b : a, *first = later == a ? b : a;
    const char *column = a->block != b->block       ? "block"
                         : a->channel != b->channel ? "channel"
                         : a->probe != b->probe     ? "probe"
                         : a->variant != b->variant ? "variant"
                                                    : NULL;

    if (dataset_compare_ids(a, b) == 0)
        return error_set(source->error, -EBADMSG,
                         "%s/trials.csv:%zu: trial %ld, attempt %ld stands in line %zu already",
                         source->run_dir, later->line, b->trial, b->attempt, first->line);
    if (a->trial != b->trial || !column)
        return 0;
    return error_set(source->error, -EBADMSG,
                     "%s/trials.csv:%zu: %s: trial %ld is another in line %zu: block, channel, "
                     "probe and variant of all its attempts must be the same",
                     source->run_dir, later->line, column, a->trial, first->line);
}

static int sort_trials(const struct source *source) {
    const struct dataset *dataset = source->dataset;

    if (dataset->n_trials)
        qsort(dataset->trials, dataset->n_trials, sizeof(*dataset->trials), dataset_compare_ids);
    for (size_t i = 1; i < dataset->n_trials; i++) {
        int r = check_pair(source, &dataset->trials[i - 1], &dataset->trials[i]);

        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- which attempt of a block counts ---- */

static int compare_attempts(const void *a, const void *b) {
    const struct dataset_trial *x = *(struct dataset_trial *const *)a;
    const struct dataset_trial *y = *(struct dataset_trial *const *)b;

    if (x->block != y->block)
        return x->block < y->block ? -1 : 1;
    if (x->attempt != y->attempt)
        return x->attempt < y->attempt ? -1 : 1;
    return (x->trial > y->trial) - (x->trial < y->trial);
}

/* Where the marks of a trial stand: probe x channel, and behind that probe x channel x variant. */
static size_t pair_of(const struct dataset *dataset, const struct dataset_trial *trial) {
    return trial->probe * dataset->n_channels + trial->channel;
}
static size_t slot_of(const struct dataset *dataset, const struct dataset_trial *trial) {
    return dataset->n_probes * dataset->n_channels + pair_of(dataset, trial) * dataset->n_variants +
           trial->variant;
}

/* Marks what `trials` cover. Returns the first that covers what another did, NULL for none. */
static const struct dataset_trial *cover(const struct dataset *dataset,
                                         struct dataset_trial *const *trials, size_t n, bool *ret) {
    const struct dataset_trial *again = NULL;

    for (size_t i = 0; i < n; i++) {
        bool *slot = &ret[slot_of(dataset, trials[i])];

        ret[pair_of(dataset, trials[i])] = true;
        again = again || !*slot ? again : trials[i];
        *slot = true;
    }
    return again;
}

static int reject_again(const struct source *source, struct dataset_trial *const *trials,
                        const struct dataset_trial *again) {
    while (slot_of(source->dataset, *trials) != slot_of(source->dataset, again))
        trials++;
    return error_set(source->error, -EBADMSG,
                     "%s/trials.csv:%zu: trial %ld measures in block %ld, attempt %ld what trial "
                     "%ld does in line %zu",
                     source->run_dir, again->line, again->trial, again->block, again->attempt,
                     (*trials)->trial, (*trials)->line);
}

/* The trials of one block, sorted by attempt: marks those of the attempt that counts. */
static int choose_attempt(const struct source *source, struct dataset_trial *const *trials,
                          size_t n) {
    struct dataset *dataset = source->dataset;
    size_t pairs = dataset->n_probes * dataset->n_channels;
    size_t size = pairs * (1 + dataset->n_variants), chosen = 0, end;
    CLEANUP_FREE bool *whole = memory_new(size, sizeof(bool));
    bool found = false;

    memset(whole, true, pairs * sizeof(bool));
    (void)cover(dataset, trials, n, whole);
    for (size_t start = 0; start < n; start = end) {
        CLEANUP_FREE bool *covered = memory_new(size, sizeof(bool));
        const struct dataset_trial *again;
        bool complete;

        for (end = start; end < n && trials[end]->attempt == trials[start]->attempt;)
            end++;
        again = cover(dataset, trials + start, end - start, covered);
        if (again)
            return reject_again(source, trials + start, again);
        complete = memcmp(covered, whole, size * sizeof(bool)) == 0;
        if (complete || !found)
            chosen = start;
        found = found || complete;
    }
    for (size_t i = 0; i < n; i++)
        trials[i]->used = trials[i]->attempt == trials[chosen]->attempt;
    dataset->counted = memory_room(dataset->counted, dataset->n_counted, sizeof(*dataset->counted));
    dataset->counted[dataset->n_counted++] =
        (struct dataset_attempt){trials[chosen]->block, trials[chosen]->attempt};
    return 0;
}

static int choose_attempts(const struct source *source) {
    const struct dataset *dataset = source->dataset;
    CLEANUP_FREE struct dataset_trial **sorted = memory_new(dataset->n_trials, sizeof(*sorted));
    size_t end;

    for (size_t i = 0; i < dataset->n_trials; i++)
        sorted[i] = &dataset->trials[i];
    qsort(sorted, dataset->n_trials, sizeof(*sorted), compare_attempts);
    for (size_t start = 0; start < dataset->n_trials; start = end) {
        int r;

        for (end = start; end < dataset->n_trials && sorted[end]->block == sorted[start]->block;)
            end++;
        r = choose_attempt(source, sorted + start, end - start);
        if (r < 0)
            return r;
    }
    return 0;
}

int trials_read(struct source *source) {
    int r = read_rows(source);

    if (r < 0)
        return r;
    r = sort_trials(source);
    return r < 0 ? r : choose_attempts(source);
}
