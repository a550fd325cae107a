#include "run/journal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/jsonline.h"
#include "probes/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the tables: a struct is a row, its columns are listed once ---- */

#define COLUMN(row, member)                                                                        \
    CSV_COLUMN(_Generic(((struct row *)NULL)->member, int64_t                                      \
                        : CSV_INTEGER, double                                                      \
                        : CSV_REAL, const char *                                                   \
                        : CSV_TEXT),                                                               \
               struct row, member)

struct metric_row {
    int64_t trial, attempt;
    const char *party, *process, *host, *metric, *unit;
    double value;
};
static const struct csv_column metric_columns[] = {
    COLUMN(metric_row, trial),   COLUMN(metric_row, attempt), COLUMN(metric_row, party),
    COLUMN(metric_row, process), COLUMN(metric_row, host),    COLUMN(metric_row, metric),
    COLUMN(metric_row, unit),    COLUMN(metric_row, value),
};

struct distribution_row {
    int64_t trial, attempt;
    const char *metric, *unit;
    double upper_bound;
    int64_t count;
};
static const struct csv_column distribution_columns[] = {
    COLUMN(distribution_row, trial),       COLUMN(distribution_row, attempt),
    COLUMN(distribution_row, metric),      COLUMN(distribution_row, unit),
    COLUMN(distribution_row, upper_bound), COLUMN(distribution_row, count),
};

struct interval_row {
    int64_t trial, attempt;
    const char *party;
    double start_s, end_s;
    int64_t bytes;
};
static const struct csv_column interval_columns[] = {
    COLUMN(interval_row, trial),   COLUMN(interval_row, attempt), COLUMN(interval_row, party),
    COLUMN(interval_row, start_s), COLUMN(interval_row, end_s),   COLUMN(interval_row, bytes),
};

struct proof_row {
    int64_t block, attempt;
    const char *channel, *proof, *expected, *observed, *cause, *verdict, *variant;
};
static const struct csv_column proof_columns[] = {
    COLUMN(proof_row, block), COLUMN(proof_row, attempt),  COLUMN(proof_row, channel),
    COLUMN(proof_row, proof), COLUMN(proof_row, expected), COLUMN(proof_row, observed),
    COLUMN(proof_row, cause), COLUMN(proof_row, verdict),  COLUMN(proof_row, variant),
};

struct telemetry_row {
    int64_t block, attempt;
    const char *channel;
    int64_t sequence;
    const char *due_utc;
    double latency_ms;
    const char *status;
    double latency_bound_ms;
    const char *variant;
};
static const struct csv_column telemetry_columns[] = {
    COLUMN(telemetry_row, block),   COLUMN(telemetry_row, attempt),
    COLUMN(telemetry_row, channel), COLUMN(telemetry_row, sequence),
    COLUMN(telemetry_row, due_utc), COLUMN(telemetry_row, latency_ms),
    COLUMN(telemetry_row, status),  COLUMN(telemetry_row, latency_bound_ms),
    COLUMN(telemetry_row, variant),
};

struct block_row {
    int64_t block, attempt;
    const char *host, *metric, *unit;
    double before, after;
};
static const struct csv_column block_columns[] = {
    COLUMN(block_row, block),  COLUMN(block_row, attempt), COLUMN(block_row, host),
    COLUMN(block_row, metric), COLUMN(block_row, unit),    COLUMN(block_row, before),
    COLUMN(block_row, after),
};

struct trial_row {
    int64_t trial, attempt, block, position;
    const char *channel, *probe, *variant, *started_utc;
    double duration_s, bytes, throughput_mbit_s; /* NaN: nothing was measured */
    const char *status, *reason, *tls_version, *tls_cipher, *tls_group, *tls_signature;
};
static const struct csv_column trial_columns[] = {
    COLUMN(trial_row, trial),
    COLUMN(trial_row, attempt),
    COLUMN(trial_row, block),
    COLUMN(trial_row, position),
    COLUMN(trial_row, channel),
    COLUMN(trial_row, probe),
    COLUMN(trial_row, variant),
    COLUMN(trial_row, started_utc),
    COLUMN(trial_row, duration_s),
    COLUMN(trial_row, bytes),
    COLUMN(trial_row, throughput_mbit_s),
    COLUMN(trial_row, status),
    COLUMN(trial_row, reason),
    COLUMN(trial_row, tls_version),
    COLUMN(trial_row, tls_cipher),
    COLUMN(trial_row, tls_group),
    COLUMN(trial_row, tls_signature),
};

#define TABLE(name, columns)                                                                       \
    { name, columns, ARRAY_SIZE(columns) }
const struct journal_layout journal_layouts[JOURNAL_N_TABLES] = {
    [JOURNAL_METRICS] = TABLE("metrics.csv", metric_columns),
    [JOURNAL_DISTRIBUTIONS] = TABLE("distributions.csv", distribution_columns),
    [JOURNAL_INTERVALS] = TABLE("intervals.csv", interval_columns),
    [JOURNAL_PROOFS] = TABLE("proofs.csv", proof_columns),
    [JOURNAL_TELEMETRY] = TABLE("telemetry.csv", telemetry_columns),
    [JOURNAL_BLOCKS] = TABLE("blocks.csv", block_columns),
    [JOURNAL_TRIALS] = TABLE("trials.csv", trial_columns),
};

struct journal {
    char *folder;
    int lock_fd;
    struct csv_writer *writers[JOURNAL_N_TABLES];
};

/* ---- the folder ---- */

int journal_lock(const char *folder, struct error *error) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_errno(error, -errno, "%s: no run folder", folder);
    /* Some network file systems cannot lock a folder; a run is possible there all the same. */
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return fd;
    (void)close(fd);
    return error_set(error, -EBUSY, "%s: another bench is measuring into it; let it end first",
                     folder);
}

static int make_folder(struct journal *journal, const char *results, const char *name,
                       struct error *error) {
    char stamp[CLOCK_TEXT_SIZE];
    CLEANUP_FREE char *log = NULL;

    if (mkdir(results, 0755) < 0 && errno != EEXIST)
        return error_errno(error, -errno, "%s", results);
    clock_format_compact(clock_realtime_ns(), stamp);
    for (int i = 1;; i++) {
        free(journal->folder);
        journal->folder = i == 1 ? text_format("%s/%s-%s", results, name, stamp)
                                 : text_format("%s/%s-%s-%d", results, name, stamp, i);
        if (mkdir(journal->folder, 0755) == 0)
            break;
        if (errno != EEXIST || i == 100)
            return error_errno(error, -errno, "%s", journal->folder);
    }
    log = text_format("%s/log", journal->folder);
    return mkdir(log, 0755) < 0 ? error_errno(error, -errno, "%s", log) : 0;
}

static int write_scenario(const char *folder, const struct scenario *scenario,
                          struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/scenario.ini", folder), *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    if (!out)
        return error_errno(error, -errno, "%s", path);
    scenario_write(scenario, out);
    (void)fclose(out);
    return file_replace(path, 0666, text, error);
}

static int write_environment(const char *folder, const json_t *environment, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/environment.json", folder);
    CLEANUP_FREE char *json = json_dumps(environment, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    CLEANUP_FREE char *text = text_format("%s\n", json ? json : "");

    return file_replace(path, 0666, text, error);
}

static int open_table(struct csv_writer **ret, const struct journal *journal,
                      const struct journal_layout *layout, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/%s", journal->folder, layout->name);

    return csv_writer_open(ret, path, layout->columns, layout->n_columns, error);
}

struct definition_row {
    const char *probe, *metric, *unit, *better, *headline, *help;
    double rung;
    const char *sender, *receiver;
};
static const struct csv_column definition_columns[] = {
    COLUMN(definition_row, probe),    COLUMN(definition_row, metric),
    COLUMN(definition_row, unit),     COLUMN(definition_row, better),
    COLUMN(definition_row, headline), COLUMN(definition_row, help),
    COLUMN(definition_row, rung),     COLUMN(definition_row, sender),
    COLUMN(definition_row, receiver),
};
static const struct journal_layout definitions = TABLE("definitions.csv", definition_columns);

/* "client2.sender", as the role's rows in metrics.csv begin; the caller's, NULL without one. */
static char *process_of(const struct role *role) {
    return role ? text_format("%s.%s", party_name(role->party), role->process) : NULL;
}

/* What a reader of the run must know about the probe itself stands on its headline's row. */
static void put_definition(struct csv_writer *writer, const struct probe *probe,
                           const struct metric *metric, bool headline) {
    CLEANUP_FREE char *sender = headline ? process_of(probe_role(probe, "sender")) : NULL;
    CLEANUP_FREE char *receiver = headline ? process_of(probe_role(probe, "receiver")) : NULL;
    const struct definition_row row = {
        .probe = probe_name(probe),
        .metric = metric->name,
        .unit = metric->unit,
        .better = metric_better_word(metric->better),
        .headline = headline ? "yes" : "no",
        .help = metric->help,
        .rung = headline && probe->rung ? probe->rung : NAN,
        .sender = sender,
        .receiver = receiver,
    };

    csv_row(writer, &row);
}

static int write_definitions(const struct journal *journal, const struct scenario *scenario,
                             struct error *error) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = NULL;
    int r = open_table(&writer, journal, &definitions, error);

    if (r < 0)
        return r;
    for (size_t i = 0; i < scenario->n_probes; i++) {
        const struct probe *probe = probe_find(scenario->probes[i]);
        const struct metric *headline = probe_headline(probe, scenario);

        for (size_t j = 0; j < probe->n_metrics; j++)
            put_definition(writer, probe, &probe->metrics[j], &probe->metrics[j] == headline);
    }
    return csv_flush(writer, true, error);
}

struct factor_row {
    const char *channel, *variant, *factor, *value;
};
static const struct csv_column factor_columns[] = {
    COLUMN(factor_row, channel),
    COLUMN(factor_row, variant),
    COLUMN(factor_row, factor),
    COLUMN(factor_row, value),
};
static const struct journal_layout factors = TABLE("factors.csv", factor_columns);

/* A row of factors.csv: what this setting is in a variant. */
static void put_factor(struct csv_writer *writer, const char *channel, const char *variant,
                       const struct factor *factor, const void *settings) {
    CLEANUP_FREE char *value = setting_format(factor->row, settings);

    csv_row(writer, &(struct factor_row){channel, variant, factor->path, value});
}

static void put_channel_factors(struct csv_writer *writer, const struct scenario *scenario,
                                const struct channel *channel, const char *variant) {
    for (size_t i = 0; i < scenario->n_factors; i++) {
        const struct factor *factor = &scenario->factors[i];

        if (factor_of_channel(factor, channel))
            put_factor(writer, channel->name, variant, factor,
                       settings_get(&channel->settings, factor->group));
        else if (factor_of_link(factor))
            put_factor(writer, channel->name, variant, factor,
                       scenario->links[channel->link].settings);
    }
}

/* Variants of two probes may be called the same: the channel's part stands there once. */
static bool is_repeated(const struct scenario *scenario, size_t measurement) {
    for (size_t i = 0; i < measurement; i++)
        if (text_equal(scenario->measurements[i].variant,
                       scenario->measurements[measurement].variant))
            return true;
    return false;
}

/* One channel with one measurement whose settings are varied. */
static void put_measurement_factors(struct csv_writer *writer, const struct scenario *scenario,
                                    const struct channel *channel, size_t place) {
    const struct measurement *measurement = &scenario->measurements[place];
    CLEANUP_FREE char *variant = scenario_variant(channel, measurement);

    if (!is_repeated(scenario, place))
        put_channel_factors(writer, scenario, channel, variant);
    for (size_t i = 0; i < scenario->n_factors; i++)
        if (factor_of_probe(&scenario->factors[i], measurement))
            put_factor(writer, channel->name, variant, &scenario->factors[i],
                       measurement->settings);
}

/* Which values of the varied settings each variant stands for that the other tables name. */
static int write_factors(const struct journal *journal, const struct scenario *scenario,
                         struct error *error) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = NULL;
    int r = open_table(&writer, journal, &factors, error);

    for (size_t i = 0; i < scenario->n_channels && r == 0; i++) {
        const struct channel *channel = &scenario->channels[i];

        put_channel_factors(writer, scenario, channel, channel->variant);
        for (size_t k = 0; k < scenario->n_measurements; k++)
            if (*scenario->measurements[k].variant)
                put_measurement_factors(writer, scenario, channel, k);
    }
    return r < 0 ? r : csv_flush(writer, true, error);
}

struct speed_row {
    const char *host, *openssl, *algorithm, *operation;
    int64_t bytes;
    const char *unit;
    double value, low, high;
};
static const struct csv_column speed_columns[] = {
    COLUMN(speed_row, host),      COLUMN(speed_row, openssl), COLUMN(speed_row, algorithm),
    COLUMN(speed_row, operation), COLUMN(speed_row, bytes),   COLUMN(speed_row, unit),
    COLUMN(speed_row, value),     COLUMN(speed_row, low),     COLUMN(speed_row, high),
};
static const struct journal_layout speeds = TABLE("speed.csv", speed_columns);

static double number_of(const json_t *row, const char *key) {
    return json_number_value(json_object_get(row, key));
}

/* What a host's OpenSSL does not have has no row. */
static void put_speeds(struct csv_writer *writer, const json_t *host) {
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(host, "rows"), i, row) {
        if (!json_object_get(row, "absent"))
            csv_row(writer,
                    &(struct speed_row){
                        jsonline_text(host, "host", ""), jsonline_text(host, "openssl", ""),
                        jsonline_text(row, "algorithm", ""), jsonline_text(row, "operation", ""),
                        jsonline_integer(row, "bytes", 0), jsonline_text(row, "unit", ""),
                        number_of(row, "value"), number_of(row, "low"), number_of(row, "high")});
    }
}

int journal_speed(const struct journal *journal, const json_t *speed, struct error *error) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = NULL;
    int r = open_table(&writer, journal, &speeds, error);
    const json_t *host;
    size_t i;

    if (r < 0)
        return r;
    json_array_foreach(speed, i, host) {
        put_speeds(writer, host);
    }
    return csv_flush(writer, true, error);
}

static int open_tables(struct journal *journal, struct error *error) {
    int r = 0;

    for (int i = 0; i < JOURNAL_N_TABLES && r == 0; i++) {
        r = open_table(&journal->writers[i], journal, &journal_layouts[i], error);
        if (r == 0)
            r = csv_flush(journal->writers[i], true, error);
    }
    return r;
}

/* What both kinds of beginning end with. A folder that has environment.json has all else, also
 * after a power cut. */
static int begin(struct journal *journal, const json_t *environment, struct error *error) {
    int r = open_tables(journal, error);

    if (r == 0)
        r = file_sync_folder(journal->folder, error);
    return r < 0 ? r : write_environment(journal->folder, environment, error);
}

int journal_create(struct journal **ret, const char *results, const struct scenario *scenario,
                   const json_t *environment, struct error *error) {
    CLEANUP(journal_closep) struct journal *journal = memory_new(1, sizeof(*journal));
    int r;

    journal->lock_fd = -1;
    r = make_folder(journal, results, scenario_own(scenario)->name, error);
    if (r == 0)
        r = journal->lock_fd = journal_lock(journal->folder, error);
    if (r >= 0)
        r = write_scenario(journal->folder, scenario, error);
    if (r == 0)
        r = write_definitions(journal, scenario, error);
    if (r == 0)
        r = write_factors(journal, scenario, error);
    if (r == 0)
        r = begin(journal, environment, error);
    if (r == 0)
        r = file_sync_folder(results, error);
    if (r < 0)
        return r;
    *ret = journal;
    journal = NULL;
    return 0;
}

int journal_reopen(struct journal **ret, const char *folder, int *lock_fd,
                   const json_t *environment, struct error *error) {
    CLEANUP(journal_closep) struct journal *journal = memory_new(1, sizeof(*journal));
    CLEANUP_FREE char *log = text_format("%s/log", folder);
    int r;

    *journal = (struct journal){.folder = text_copy(folder), .lock_fd = *lock_fd};
    *lock_fd = -1;
    (void)mkdir(log, 0755); /* of no account for the data: it may have been tidied away */
    r = begin(journal, environment, error);
    if (r < 0)
        return r;
    *ret = journal;
    journal = NULL;
    return 0;
}

void journal_close(struct journal *journal) {
    for (int i = 0; i < JOURNAL_N_TABLES; i++)
        csv_writer_closep(&journal->writers[i]);
    memory_close_fdp(&journal->lock_fd);
    free(journal->folder);
    free(journal);
}

const char *journal_folder(const struct journal *journal) {
    return journal->folder;
}

/* ---- rows ---- */

/* Words for people, on one line, visible; the caller's. */
static char *one_line(const char *words) {
    CLEANUP_FREE char *line = text_copy(words);

    for (char *c = line; c && *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    return line ? text_visible(line) : NULL;
}

static void put(struct journal *journal, enum journal_table table, const void *row) {
    csv_row(journal->writers[table], row);
}

void journal_host_metric(struct journal *journal, const struct trial_id *id, const char *party,
                         const char *process, const char *host, const char *name, double value) {
    const struct metric *metric = probe_metric(probe_find(id->probe), name);

    put(journal, JOURNAL_METRICS,
        &(struct metric_row){id->trial, id->attempt, party, process, host, name,
                             metric ? metric->unit : NULL, value});
}

void journal_metric(struct journal *journal, const struct trial_id *id, const char *party,
                    const char *process, const char *name, double value) {
    journal_host_metric(journal, id, party, process, NULL, name, value);
}

void journal_distribution(struct journal *journal, const struct trial_id *id, const char *metric,
                          const char *unit, double upper_bound, int64_t count) {
    put(journal, JOURNAL_DISTRIBUTIONS,
        &(struct distribution_row){id->trial, id->attempt, metric, unit, upper_bound, count});
}

void journal_interval(struct journal *journal, const struct trial_id *id, const char *party,
                      double start_s, double end_s, int64_t bytes) {
    put(journal, JOURNAL_INTERVALS,
        &(struct interval_row){id->trial, id->attempt, party, start_s, end_s, bytes});
}

int journal_flush(struct journal *journal, struct error *error) {
    int r = 0;

    for (int i = 0; i < JOURNAL_N_TABLES && r == 0; i++)
        r = csv_flush(journal->writers[i], true, error);
    return r;
}

int journal_commit(struct journal *journal, const struct trial_id *id,
                   const struct trial_result *result, struct error *error) {
    bool ok = result->status == TRIAL_OK;
    double bytes = ok && result->bytes >= 0 ? (double)result->bytes : NAN;
    CLEANUP_FREE char *reason = one_line(result->reason);
    char started[CLOCK_TEXT_SIZE];
    int r = 0;

    /* A trial must not outlast what says that it may count: all but telemetry is on the disk. */
    for (int i = 0; i < JOURNAL_TRIALS && r == 0; i++)
        r = csv_flush(journal->writers[i], i != JOURNAL_TELEMETRY, error);
    if (r < 0)
        return r;
    clock_format_utc(result->started_realtime_ns, started);
    put(journal, JOURNAL_TRIALS,
        &(struct trial_row){
            id->trial, id->attempt, id->deployment->block, id->deployment->position, id->channel,
            id->probe, id->variant, started, ok ? result->duration_s : NAN, bytes,
            bytes * 8 / 1e6 / result->duration_s, trial_status_word(result->status), reason,
            result->tls.version, result->tls.cipher, result->tls.group, result->tls.signature});
    return csv_flush(journal->writers[JOURNAL_TRIALS], true, error);
}

void journal_proof(struct journal *journal, const struct trial_id *id, const json_t *proof) {
    CLEANUP_FREE char *expected = one_line(jsonline_text(proof, "expected", NULL));
    CLEANUP_FREE char *observed = one_line(jsonline_text(proof, "observed", NULL));
    CLEANUP_FREE char *cause = one_line(jsonline_text(proof, "cause", NULL));

    put(journal, JOURNAL_PROOFS,
        &(struct proof_row){id->deployment->block, id->attempt, id->channel,
                            jsonline_text(proof, "proof", NULL), expected, observed, cause,
                            jsonline_text(proof, "verdict", NULL), id->channel_variant});
}

void journal_telemetry(struct journal *journal, const struct trial_id *id, int64_t sequence,
                       int64_t due_utc_ns, double latency_ms, const char *status, double bound_ms) {
    char due[CLOCK_TEXT_SIZE];

    clock_format_utc(due_utc_ns, due);
    put(journal, JOURNAL_TELEMETRY,
        &(struct telemetry_row){id->deployment->block, id->attempt, id->channel, sequence, due,
                                latency_ms, status, bound_ms, id->channel_variant});
}

void journal_reading(struct journal *journal, int block, int attempt, const char *host,
                     const char *metric, const char *unit, double before, double after) {
    put(journal, JOURNAL_BLOCKS,
        &(struct block_row){block, attempt, host, metric, unit, before, after});
}

int journal_broker_log(struct journal *journal, const struct trial_id *id, const char *log,
                       struct error *error) {
    CLEANUP_FREE char *path =
        text_format("%s/log/broker-block%03d-%s-attempt%d-trial%lld.log", journal->folder,
                    id->deployment->block, id->channel, id->attempt, (long long)id->trial);
    FILE *out = fopen(path, "we");
    bool bad;

    if (!out)
        return error_errno(error, -errno, "%s", path);
    bad = fputs(log, out) < 0;
    if (fclose(out) != 0 || bad)
        return error_errno(error, errno ? -errno : -EIO, "%s", path);
    return 0;
}
