/* trials.csv, and which attempt of a block counts. */
#include "analysis/dataset_source.h"
#include "analysis/names.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

/* Of a trial, since 1900: what nanoseconds since 1970 can tell. */
#define FIRST_YEAR 70
#define LAST_YEAR  360

/* ---- trials.csv ---- */

static const char *const status_words[DATASET_N_STATUSES] = {
    [DATASET_OK] = "ok",
    [DATASET_FAILED] = "failed",
    [DATASET_VOID] = "void",
    [DATASET_SKIPPED] = "skipped",
};

const char *dataset_status_word(enum dataset_status status) {
    return status_words[status];
}

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
};

/* What the column throughput_mbit_s is called among the metrics; the others are in metrics.csv. */
#define METRIC_OF_COLUMN "throughput"

/* What is read into the dataset, and the names that are not yet its lists. */
struct trials {
    struct source source;
    struct names variants, reasons;
};

static void trials_clear(struct trials *trials) {
    source_close(&trials->source);
    names_clear(&trials->variants);
    names_clear(&trials->reasons);
}

static int take_status(const struct source *source, struct dataset_trial *trial) {
    for (int i = 0; i < DATASET_N_STATUSES; i++) {
        if (!text_equal(status_words[i], source_text(source, STATUS)))
            continue;
        trial->status = (enum dataset_status)i;
        return 0;
    }
    return source_reject(source, STATUS, "is none of ok, failed, void, skipped");
}

/* "2026-11-22T08:30:00.123Z", the fraction left out or not; empty: not known. */
static int take_time(const struct source *source, int64_t *ret_ms) {
    const char *field = source_text(source, STARTED), *rest;
    struct tm parts = {.tm_isdst = 0};
    double thousandth = 100; /* of the fraction's digit at hand */
    double fraction_ms = 0.5;

    *ret_ms = 0;
    if (!*field)
        return 0;
    rest = strptime(field, "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest && *rest == '.')
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, thousandth /= 10)
            fraction_ms += thousandth * (*rest - '0');
    if (!rest || !text_equal(rest, "Z") || parts.tm_year < FIRST_YEAR || parts.tm_year > LAST_YEAR)
        return source_reject(source, STARTED, "is no time like 2026-11-22T08:30:00.123Z");
    *ret_ms = (int64_t)timegm(&parts) * 1000 + (int64_t)fraction_ms;
    return 0;
}

/* What the channel's first trial inside it negotiated. */
static void take_session(const struct source *source, struct dataset_channel *channel) {
    const char *version = source_text(source, TLS_VERSION);

    if (!*version || *channel->tls)
        return;
    free(channel->tls);
    channel->tls = text_format("%s, %s, %s", version, source_text(source, TLS_CIPHER),
                               source_text(source, TLS_GROUP));
}

/* A trial that is not ok was not measured. */
static int check_empty(const struct source *source, enum dataset_status status) {
    static const int figures[] = {DURATION, BYTES, THROUGHPUT};
    CLEANUP_FREE char *why =
        text_format("contradicts status %s, which has none", status_words[status]);

    for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
        if (*source_text(source, figures[i]))
            return source_reject(source, figures[i], why);
    return 0;
}

/* bytes and duration_s make throughput_mbit_s, to the last digit that the journal prints. */
static int check_throughput(const struct source *source, const struct dataset_trial *trial,
                            double throughput) {
    double made = trial->bytes * 8 / 1e6 / trial->duration_s;
    double slack =
        csv_real_error(throughput) + made * csv_real_error(trial->duration_s) / trial->duration_s;
    CLEANUP_FREE char *why = text_format("contradicts bytes and duration_s, which make %.9g", made);

    /* A little more, for what the arithmetic here rounds. */
    return fabs(made - throughput) > 1.001 * slack ? source_reject(source, THROUGHPUT, why) : 0;
}

static int take_bulk(const struct source *source, struct dataset_trial *trial,
                     double *ret_throughput) {
    int r = source_real(source, DURATION, &trial->duration_s);

    if (r == 0)
        r = source_count(source, BYTES, &trial->bytes);
    if (r == 0)
        r = source_real(source, THROUGHPUT, ret_throughput);
    if (r == 0 && *ret_throughput < 0)
        r = source_reject(source, THROUGHPUT, "is below zero");
    if (r == 0 && trial->duration_s <= 0)
        r = source_reject(source, DURATION, "is no duration");
    if (r < 0)
        return r;
    return trial->status == DATASET_OK ? check_throughput(source, trial, *ret_throughput)
                                       : check_empty(source, trial->status);
}

/* The numbers and times of the row at hand. */
static int take_figures(const struct source *source, struct dataset_trial *trial,
                        double *ret_throughput) {
    int r = source_integer(source, TRIAL, &trial->trial);

    if (r == 0)
        r = source_integer(source, ATTEMPT, &trial->attempt);
    if (r == 0)
        r = source_integer(source, BLOCK, &trial->block);
    if (r == 0)
        r = take_status(source, trial);
    if (r == 0)
        r = take_time(source, &trial->started_ms);
    return r < 0 ? r : take_bulk(source, trial, ret_throughput);
}

static size_t number_of(struct names *names, const char *text) {
    return names_number(names, text, strlen(text));
}

static int take_trial(struct trials *trials) {
    const struct source *source = &trials->source;
    struct dataset *dataset = source->dataset;
    int probe = dataset_find_probe(dataset, source_text(source, PROBE));
    struct dataset_trial trial = {
        .line = source->reader->line, .probe = (uint32_t)probe, .value = NAN, .silence_s = NAN};
    const char *variant;
    double throughput;
    size_t channel, reason;
    int r = source_channel(source, CHANNEL, VARIANT, &channel, &variant);

    if (r < 0)
        return r;
    trial.channel = (uint32_t)channel;
    if (probe < 0)
        return source_reject(source, PROBE, "is no probe of scenario.ini");
    r = take_figures(source, &trial, &throughput);
    if (r < 0)
        return r;
    if (trial.status == DATASET_OK && text_equal(dataset->probes[probe].metric, METRIC_OF_COLUMN))
        trial.value = throughput;
    if (trial.status == DATASET_OK)
        take_session(source, &dataset->channels[channel]);
    trial.variant = (uint32_t)number_of(&trials->variants, variant);
    reason = number_of(&trials->reasons, source_text(source, REASON));
    trial.reason = trials->reasons.texts[reason];
    dataset->trials = memory_room(dataset->trials, dataset->n_trials, sizeof(trial));
    dataset->trials[dataset->n_trials++] = trial;
    return 0;
}

static int read_trials(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {
        "trial",       "attempt",           "block",       "channel",
        "probe",       "variant",           "started_utc", "duration_s",
        "bytes",       "throughput_mbit_s", "status",      "reason",
        "tls_version", "tls_cipher",        "tls_group",   NULL};
    CLEANUP(trials_clear) struct trials trials = {.source.error = error};
    int r = source_open(&trials.source, dataset, run_dir, "trials.csv", names);

    while (r >= 0 && (r = source_next(&trials.source)) > 0)
        r = take_trial(&trials);
    dataset->variants = names_take(&trials.variants, &dataset->n_variants);
    dataset->reasons = names_take(&trials.reasons, &dataset->n_reasons);
    for (size_t i = 0; i < dataset->n_probes; i++)
        if (!dataset->probes[i].n_variants) /* a run without factors.csv: as many as there are */
            dataset->probes[i].n_variants = dataset->n_variants ? dataset->n_variants : 1;
    return r;
}

static int compare_longs(long a, long b) {
    return (a > b) - (a < b);
}

int dataset_compare_ids(const void *a, const void *b) {
    const struct dataset_trial *x = a, *y = b;
    int order = compare_longs(x->trial, y->trial);

    return order ? order : compare_longs(x->attempt, y->attempt);
}

/* All attempts of a trial measure the same. */
static int check_attempts(const struct dataset_trial *a, const struct dataset_trial *b,
                          const char *run_dir, struct error *error) {
    const struct dataset_trial *later = a->line < b->line ? b : a, *first = later == a ? b : a;
    const char *column = a->block != b->block       ? "block"
                         : a->channel != b->channel ? "channel"
                         : a->probe != b->probe     ? "probe"
                         : a->variant != b->variant ? "variant"
                                                    : NULL;

    if (a->trial != b->trial || !column)
        return 0;
    return error_set(error, -EBADMSG,
                     "%s/trials.csv:%zu: %s: trial %ld is another in line %zu: block, channel, "
                     "probe and variant of all its attempts must be the same",
                     run_dir, later->line, column, a->trial, first->line);
}

static int check_ids(struct dataset *dataset, const char *run_dir, struct error *error) {
    bool sorted = true;

    for (size_t i = 1; i < dataset->n_trials && sorted; i++)
        sorted = dataset_compare_ids(&dataset->trials[i - 1], &dataset->trials[i]) <= 0;
    if (!sorted)
        qsort(dataset->trials, dataset->n_trials, sizeof(*dataset->trials), dataset_compare_ids);
    for (size_t i = 1; i < dataset->n_trials; i++) {
        const struct dataset_trial *a = &dataset->trials[i - 1], *b = &dataset->trials[i];
        size_t first = a->line < b->line ? a->line : b->line;

        if (dataset_compare_ids(a, b) == 0)
            return error_set(error, -EBADMSG,
                             "%s/trials.csv:%zu: trial %ld, attempt %ld stands in line %zu already",
                             run_dir, a->line + b->line - first, b->trial, b->attempt, first);
        if (check_attempts(a, b, run_dir, error) < 0)
            return -EBADMSG;
    }
    return 0;
}

/* ---- which attempt of a block counts ---- */

static int compare_attempts(const void *a, const void *b) {
    const struct dataset_trial *x = *(struct dataset_trial *const *)a;
    const struct dataset_trial *y = *(struct dataset_trial *const *)b;
    int order = compare_longs(x->block, y->block);

    return order ? order : compare_longs(x->attempt, y->attempt);
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

static int reject_again(const struct dataset *dataset, struct dataset_trial *const *trials,
                        const struct dataset_trial *again, const char *run_dir,
                        struct error *error) {
    while (slot_of(dataset, *trials) != slot_of(dataset, again))
        trials++;
    return error_set(error, -EBADMSG,
                     "%s/trials.csv:%zu: trial %ld measures in block %ld, attempt %ld what trial "
                     "%ld does in line %zu",
                     run_dir, again->line, again->trial, again->block, again->attempt,
                     (*trials)->trial, (*trials)->line);
}

/* The trials of one block, sorted by attempt: marks those of the attempt that counts. */
static int choose_attempt(const struct dataset *dataset, struct dataset_trial *const *trials,
                          size_t n, long *ret, const char *run_dir, struct error *error) {
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
            return reject_again(dataset, trials + start, again, run_dir, error);
        complete = memcmp(covered, whole, size * sizeof(bool)) == 0;
        if (complete || !found)
            chosen = start;
        found = found || complete;
    }
    for (size_t i = 0; i < n; i++)
        trials[i]->used = trials[i]->attempt == trials[chosen]->attempt;
    *ret = trials[chosen]->attempt;
    return 0;
}

static int choose_attempts(struct dataset *dataset, const char *run_dir, struct error *error) {
    CLEANUP_FREE struct dataset_trial **sorted = memory_new(dataset->n_trials, sizeof(*sorted));
    size_t end;
    int r = 0;

    for (size_t i = 0; i < dataset->n_trials; i++)
        sorted[i] = &dataset->trials[i];
    qsort(sorted, dataset->n_trials, sizeof(*sorted), compare_attempts);
    for (size_t start = 0; start < dataset->n_trials && r == 0; start = end) {
        struct dataset_attempt counted = {.block = sorted[start]->block};

        for (end = start; end < dataset->n_trials && sorted[end]->block == sorted[start]->block;)
            end++;
        dataset->counted =
            memory_room(dataset->counted, dataset->n_counted, sizeof(*dataset->counted));
        r = choose_attempt(dataset, sorted + start, end - start, &counted.attempt, run_dir, error);
        dataset->counted[dataset->n_counted++] = counted;
    }
    return r;
}

int dataset_read_trials(struct dataset *dataset, const char *run_dir, struct error *error) {
    int r = read_trials(dataset, run_dir, error);

    if (r == 0)
        r = check_ids(dataset, run_dir, error);
    return r < 0 ? r : choose_attempts(dataset, run_dir, error);
}
