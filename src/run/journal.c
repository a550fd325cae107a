#include "run/journal.h"

#include "base/clock.h"
#include "base/csv.h"
#include "probes/probe.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

/* trials.csv last: it is what commits. */
enum { METRICS, INTERVALS, PROOFS, TELEMETRY, TRIALS, N_FILES };

static const struct {
    const char *name, *header;
} files[N_FILES] = {
    [METRICS] = {"metrics.csv", "trial,attempt,party,process,metric,unit,value"},
    [INTERVALS] = {"intervals.csv", "trial,attempt,party,start_s,end_s,bytes"},
    [PROOFS] = {"proofs.csv", "block,attempt,channel,proof,expected,observed,cause,verdict"},
    [TELEMETRY] = {"telemetry.csv", "block,attempt,channel,sequence,due_utc,latency_ms,status"},
    [TRIALS] = {"trials.csv",
                "trial,attempt,block,position,channel,probe,variant,started_utc,duration_s,bytes,"
                "throughput_mbit_s,status,reason,tls_version,tls_cipher,tls_group"},
};

struct journal {
    char *folder;
    struct csv_writer *writers[N_FILES];
};

/* ---- making the folder ---- */

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

/* Writes a small file through a function that prints it. */
static int write_file(const struct journal *journal, const char *name,
                      void print(FILE *out, const void *what), const void *what,
                      struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/%s", journal->folder, name);
    FILE *out = fopen(path, "we");
    bool bad;

    if (!out)
        return error_errno(error, -errno, "%s", path);
    print(out, what);
    bad = ferror(out) != 0;
    if (fclose(out) != 0 || bad)
        return error_errno(error, errno ? -errno : -EIO, "%s", path);
    return 0;
}

static void print_scenario(FILE *out, const void *what) {
    scenario_write(what, out);
}

static void print_environment(FILE *out, const void *what) {
    (void)json_dumpf(what, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    (void)fputc('\n', out);
}

static void print_log(FILE *out, const void *what) {
    (void)fputs(what, out);
}

static int write_definitions(const struct journal *journal, const struct scenario *scenario,
                             struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/definitions.csv", journal->folder);
    CLEANUP(csv_writer_closep) struct csv_writer *writer = NULL;
    int r = csv_writer_open(&writer, path, "probe,metric,unit,better,headline,help", error);

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
            csv_end_row(writer);
        }
    }
    return csv_flush(writer, false, error);
}

int journal_create(struct journal **ret, const char *results, const struct scenario *scenario,
                   const json_t *environment, struct error *error) {
    CLEANUP(journal_closep) struct journal *journal = memory_new(1, sizeof(*journal));
    int r = make_folder(journal, results, scenario_own(scenario)->name, error);

    if (r == 0)
        r = write_file(journal, "scenario.ini", print_scenario, scenario, error);
    if (r == 0)
        r = write_file(journal, "environment.json", print_environment, environment, error);
    if (r == 0)
        r = write_definitions(journal, scenario, error);
    for (int i = 0; i < N_FILES && r == 0; i++) {
        CLEANUP_FREE char *path = text_format("%s/%s", journal->folder, files[i].name);

        r = csv_writer_open(&journal->writers[i], path, files[i].header, error);
    }
    if (r < 0)
        return r;
    *ret = journal;
    journal = NULL;
    return 0;
}

void journal_close(struct journal *journal) {
    for (int i = 0; i < N_FILES; i++)
        if (journal->writers[i])
            csv_writer_close(journal->writers[i]);
    free(journal->folder);
    free(journal);
}

const char *journal_folder(const struct journal *journal) {
    return journal->folder;
}

/* ---- rows ---- */

/* The columns that a row of a trial begins with. */
static void put_trial_key(struct csv_writer *writer, const struct trial_id *id) {
    csv_integer(writer, id->trial);
    csv_integer(writer, id->attempt);
}

/* The columns that a row of a bring-up begins with. */
static void put_bringup_key(struct csv_writer *writer, const struct trial_id *id) {
    csv_integer(writer, id->visit->block);
    csv_integer(writer, id->attempt);
    csv_text(writer, id->channel);
}

void journal_metric(struct journal *journal, const struct trial_id *id, const char *party,
                    const char *process, const char *metric, const char *unit, double value) {
    struct csv_writer *writer = journal->writers[METRICS];

    put_trial_key(writer, id);
    csv_text(writer, party);
    csv_text(writer, process);
    csv_text(writer, metric);
    csv_text(writer, unit);
    csv_real(writer, value);
    csv_end_row(writer);
}

void journal_interval(struct journal *journal, const struct trial_id *id, const char *party,
                      double start_s, double end_s, int64_t bytes) {
    struct csv_writer *writer = journal->writers[INTERVALS];

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
    csv_integer(writer, id->visit->block);
    csv_integer(writer, id->visit->position);
    csv_text(writer, id->channel);
    csv_text(writer, id->probe);
    csv_empty(writer); /* variant: nothing is varied yet */
    csv_text(writer, started);
    csv_real(writer, result->status == TRIAL_OK ? result->duration_s : NAN);
    if (measured)
        csv_integer(writer, result->bytes);
    else
        csv_empty(writer);
    csv_real(writer, measured ? (double)result->bytes * 8 / 1e6 / result->duration_s : NAN);
    csv_text(writer, trial_status_word(result->status));
    csv_text(writer, result->reason);
    csv_text(writer, result->tls.version);
    csv_text(writer, result->tls.cipher);
    csv_text(writer, result->tls.group);
    csv_end_row(writer);
}

int journal_flush(struct journal *journal, struct error *error) {
    int r = 0;

    for (int i = 0; i < N_FILES && r == 0; i++)
        r = csv_flush(journal->writers[i], false, error);
    return r;
}

int journal_commit(struct journal *journal, const struct trial_id *id,
                   const struct trial_result *result, struct error *error) {
    int r = 0;

    for (int i = 0; i < TRIALS && r == 0; i++)
        r = csv_flush(journal->writers[i], i == METRICS || i == INTERVALS, error);
    if (r < 0)
        return r;
    put_trial(journal->writers[TRIALS], id, result);
    return csv_flush(journal->writers[TRIALS], true, error);
}

void journal_proof(struct journal *journal, const struct trial_id *id, const json_t *row) {
    struct csv_writer *writer = journal->writers[PROOFS];

    put_bringup_key(writer, id);
    for (size_t i = 0; i < 5; i++)
        csv_text(writer, json_string_value(json_array_get(row, i)));
    csv_end_row(writer);
}

void journal_telemetry(struct journal *journal, const struct trial_id *id, int64_t sequence,
                       int64_t due_utc_ns, double latency_ms, const char *status) {
    struct csv_writer *writer = journal->writers[TELEMETRY];
    char due[CLOCK_TEXT_SIZE];

    clock_format_utc(due_utc_ns, due);
    put_bringup_key(writer, id);
    csv_integer(writer, sequence);
    csv_text(writer, due);
    csv_real(writer, latency_ms);
    csv_text(writer, status);
    csv_end_row(writer);
}

int journal_broker_log(struct journal *journal, const struct trial_id *id, const char *log,
                       struct error *error) {
    CLEANUP_FREE char *name =
        text_format("log/broker-block%03d-%s-attempt%d-trial%lld.log", id->visit->block,
                    id->channel, id->attempt, (long long)id->trial);

    return write_file(journal, name, print_log, log, error);
}
