#include "run/journal.h"

#include "base/clock.h"
#include "base/csv.h"
#include "base/durable.h"
#include "probes/probe.h"
#include "run/factors.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const struct journal_layout journal_layouts[JOURNAL_N_TABLES] = {
    [JOURNAL_METRICS] = {"metrics.csv", "trial,attempt,party,process,metric,unit,value"},
    [JOURNAL_DISTRIBUTIONS] = {"distributions.csv", "trial,attempt,metric,unit,upper_bound,count"},
    [JOURNAL_INTERVALS] = {"intervals.csv", "trial,attempt,party,start_s,end_s,bytes"},
    [JOURNAL_PROOFS] = {"proofs.csv",
                        "block,attempt,channel,proof,expected,observed,cause,verdict,variant"},
    [JOURNAL_TELEMETRY] = {"telemetry.csv", "block,attempt,channel,sequence,due_utc,latency_ms,"
                                            "status,latency_bound_ms,variant"},
    [JOURNAL_BLOCKS] = {"blocks.csv", "block,attempt,host,metric,unit,before,after"},
    [JOURNAL_TRIALS] = {"trials.csv", "trial,attempt,block,position,channel,probe,variant,"
                                      "started_utc,duration_s,bytes,throughput_mbit_s,status,"
                                      "reason,tls_version,tls_cipher,tls_group"},
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

static void print_scenario(FILE *out, const void *what) {
    scenario_write(what, out);
}

static void print_environment(FILE *out, const void *what) {
    (void)json_dumpf(what, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    (void)fputc('\n', out);
}

/* "client2.sender", as the role's rows in metrics.csv begin; empty without one. */
static void put_process(struct csv_writer *writer, const struct role *role) {
    CLEANUP_FREE char *process =
        role ? text_format("%s.%s", party_name(role->party), role->process) : NULL;

    csv_text(writer, process);
}

/* What a reader of the run must know about the probe itself stands on its headline's row. */
static void put_probe(struct csv_writer *writer, const struct probe *probe, bool headline) {
    if (headline && probe->rung)
        csv_integer(writer, probe->rung);
    else
        csv_empty(writer);
    put_process(writer, headline ? probe_sender(probe) : NULL);
    put_process(writer, headline ? probe_receiver(probe) : NULL);
}

static int write_definitions(const struct journal *journal, const struct scenario *scenario,
                             struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/definitions.csv", journal->folder);
    CLEANUP(csv_writer_closep) struct csv_writer *writer = NULL;
    int r = csv_writer_open(&writer, path,
                            "probe,metric,unit,better,headline,help,rung,sender,receiver", error);

    if (r < 0)
        return r;
    for (size_t i = 0; i < scenario->n_probes; i++) {
        const struct probe *probe = probe_find(scenario->probes[i]);

        for (size_t j = 0; j < probe->n_metrics; j++) {
            const struct metric *metric = &probe->metrics[j];

            csv_text(writer, scenario->probes[i]);
            csv_text(writer, metric->name);
            csv_text(writer, metric->unit);
            csv_text(writer, metric_better_word(metric->better));
            csv_text(writer, metric->headline ? "yes" : "no");
            csv_text(writer, metric->help);
            put_probe(writer, probe, metric->headline);
            csv_end_row(writer);
        }
    }
    return csv_flush(writer, true, error);
}

static int open_tables(struct journal *journal, struct error *error) {
    int r = 0;

    for (int i = 0; i < JOURNAL_N_TABLES && r == 0; i++) {
        CLEANUP_FREE char *path = text_format("%s/%s", journal->folder, journal_layouts[i].name);

        r = csv_writer_open(&journal->writers[i], path, journal_layouts[i].header, error);
        if (r == 0)
            r = csv_flush(journal->writers[i], true, error);
    }
    return r;
}

/* A folder that has environment.json has all else, also after a power cut. */
static int fill_folder(struct journal *journal, const struct scenario *scenario,
                       const json_t *environment, struct error *error) {
    int r = durable_write(journal->folder, "scenario.ini", print_scenario, scenario, error);

    if (r == 0)
        r = write_definitions(journal, scenario, error);
    if (r == 0)
        r = factors_write(journal->folder, scenario, error);
    if (r == 0)
        r = open_tables(journal, error);
    if (r == 0)
        r = durable_sync_folder(journal->folder, error);
    if (r == 0)
        r = durable_write(journal->folder, "environment.json", print_environment, environment,
                          error);
    return r;
}

int journal_create(struct journal **ret, const char *results, const struct scenario *scenario,
                   const json_t *environment, struct error *error) {
    CLEANUP(journal_closep) struct journal *journal = memory_new(1, sizeof(*journal));
    int r;

    journal->lock_fd = -1;
    r = make_folder(journal, results, scenario_own(scenario)->name, error);
    if (r == 0) {
        journal->lock_fd = journal_lock(journal->folder, error);
        r = journal->lock_fd < 0 ? journal->lock_fd : 0;
    }
    if (r == 0)
        r = fill_folder(journal, scenario, environment, error);
    if (r == 0)
        r = durable_sync_folder(results, error);
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
    r = open_tables(journal, error);
    if (r == 0)
        r = durable_write(folder, "environment.json", print_environment, environment, error);
    if (r < 0)
        return r;
    *ret = journal;
    journal = NULL;
    return 0;
}

void journal_close(struct journal *journal) {
    for (int i = 0; i < JOURNAL_N_TABLES; i++)
        if (journal->writers[i])
            csv_writer_close(journal->writers[i]);
    memory_close_fdp(&journal->lock_fd);
    free(journal->folder);
    free(journal);
}

const char *journal_folder(const struct journal *journal) {
    return journal->folder;
}

/* ---- rows ---- */

/* Words for people, on one line. */
static void put_words(struct csv_writer *writer, const char *words) {
    CLEANUP_FREE char *line = text_copy(words);

    for (char *c = line; c && *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    csv_text(writer, line);
}

/* The columns that a row of a trial begins with. */
static void put_trial_key(struct csv_writer *writer, const struct trial_id *id) {
    csv_integer(writer, id->trial);
    csv_integer(writer, id->attempt);
}

/* The columns that a row of a bring-up begins with. */
static void put_bringup_key(struct csv_writer *writer, const struct trial_id *id) {
    csv_integer(writer, id->deployment->block);
    csv_integer(writer, id->attempt);
    csv_text(writer, id->channel);
}

void journal_metric(struct journal *journal, const struct trial_id *id, const char *party,
                    const char *process, const char *metric, const char *unit, double value) {
    struct csv_writer *writer = journal->writers[JOURNAL_METRICS];

    put_trial_key(writer, id);
    csv_text(writer, party);
    csv_text(writer, process);
    csv_text(writer, metric);
    csv_text(writer, unit);
    csv_real(writer, value);
    csv_end_row(writer);
}

void journal_distribution(struct journal *journal, const struct trial_id *id, const char *metric,
                          const char *unit, double upper_bound, int64_t count) {
    struct csv_writer *writer = journal->writers[JOURNAL_DISTRIBUTIONS];

    put_trial_key(writer, id);
    csv_text(writer, metric);
    csv_text(writer, unit);
    csv_real(writer, upper_bound);
    csv_integer(writer, count);
    csv_end_row(writer);
}

void journal_interval(struct journal *journal, const struct trial_id *id, const char *party,
                      double start_s, double end_s, int64_t bytes) {
    struct csv_writer *writer = journal->writers[JOURNAL_INTERVALS];

    put_trial_key(writer, id);
    csv_text(writer, party);
    csv_real(writer, start_s);
    csv_real(writer, end_s);
    csv_integer(writer, bytes);
    csv_end_row(writer);
}

static void put_trial(struct csv_writer *writer, const struct trial_id *id,
                      const struct trial_result *result) {
    bool measured = result->status == TRIAL_OK && result->bytes >= 0;
    char started[CLOCK_TEXT_SIZE];

    clock_format_utc(result->started_realtime_ns, started);
    put_trial_key(writer, id);
    csv_integer(writer, id->deployment->block);
    csv_integer(writer, id->deployment->position);
    csv_text(writer, id->channel);
    csv_text(writer, id->probe);
    csv_text(writer, id->variant);
    csv_text(writer, started);
    csv_real(writer, result->status == TRIAL_OK ? result->duration_s : NAN);
    if (measured)
        csv_integer(writer, result->bytes);
    else
        csv_empty(writer);
    csv_real(writer, measured ? (double)result->bytes * 8 / 1e6 / result->duration_s : NAN);
    csv_text(writer, trial_status_word(result->status));
    put_words(writer, result->reason);
    csv_text(writer, result->tls.version);
    csv_text(writer, result->tls.cipher);
    csv_text(writer, result->tls.group);
    csv_end_row(writer);
}

int journal_flush(struct journal *journal, struct error *error) {
    int r = 0;

    for (int i = 0; i < JOURNAL_N_TABLES && r == 0; i++)
        r = csv_flush(journal->writers[i], true, error);
    return r;
}

int journal_commit(struct journal *journal, const struct trial_id *id,
                   const struct trial_result *result, struct error *error) {
    int r = 0;

    /* A trial must not outlast what says that it may count: all but telemetry is on the disk. */
    for (int i = 0; i < JOURNAL_TRIALS && r == 0; i++)
        r = csv_flush(journal->writers[i], i != JOURNAL_TELEMETRY, error);
    if (r < 0)
        return r;
    put_trial(journal->writers[JOURNAL_TRIALS], id, result);
    return csv_flush(journal->writers[JOURNAL_TRIALS], true, error);
}

void journal_proof(struct journal *journal, const struct trial_id *id, const json_t *row) {
    struct csv_writer *writer = journal->writers[JOURNAL_PROOFS];

    put_bringup_key(writer, id);
    for (size_t i = 0; i < 5; i++)
        put_words(writer, json_string_value(json_array_get(row, i)));
    csv_text(writer, id->channel_variant);
    csv_end_row(writer);
}

void journal_telemetry(struct journal *journal, const struct trial_id *id, int64_t sequence,
                       int64_t due_utc_ns, double latency_ms, const char *status, double bound_ms) {
    struct csv_writer *writer = journal->writers[JOURNAL_TELEMETRY];
    char due[CLOCK_TEXT_SIZE];

    clock_format_utc(due_utc_ns, due);
    put_bringup_key(writer, id);
    csv_integer(writer, sequence);
    csv_text(writer, due);
    csv_real(writer, latency_ms);
    csv_text(writer, status);
    csv_real(writer, bound_ms);
    csv_text(writer, id->channel_variant);
    csv_end_row(writer);
}

void journal_reading(struct journal *journal, int block, int attempt, const char *host,
                     const char *metric, const char *unit, double before, double after) {
    struct csv_writer *writer = journal->writers[JOURNAL_BLOCKS];

    csv_integer(writer, block);
    csv_integer(writer, attempt);
    put_words(writer, host);
    put_words(writer, metric);
    csv_text(writer, unit);
    csv_real(writer, before);
    csv_real(writer, after);
    csv_end_row(writer);
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
