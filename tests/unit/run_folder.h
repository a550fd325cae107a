/*
 * run_folder - for the tests of the report: small run folders below a temporary folder, made of
 * texts and removed again.
 */
#ifndef BENCH_TESTS_RUN_FOLDER_H
#define BENCH_TESTS_RUN_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SCENARIO                                                                                   \
    "[scenario]\nname = small\nchannels = plain mutual-tls\nprobes = path\nrepetitions = 2\n"      \
    "baseline = plain\n"
#define REFERENCE                                                                                  \
    "[reference]\nsource = table 1\npath.plain = 13.4\npath.mutual-tls = 8.48\npath.psk = 1\n"
#define DEFINITIONS_HEADER "probe,metric,unit,better,headline,help\n"
#define DEFINITIONS                                                                                \
    DEFINITIONS_HEADER "path,throughput,Mbit/s,higher,yes,\"raw TCP, beside\"\n"                   \
                       "path,cpu_s,s,lower,no,CPU time\n"
#define TRIALS_HEADER                                                                              \
    "trial,attempt,block,position,channel,probe,variant,started_utc,duration_s,bytes,"             \
    "throughput_mbit_s,status,reason,tls_version,tls_cipher,tls_group\n"
#define TRIAL(ids, channel, value, status, reason)                                                 \
    ids ",1," channel ",path,,2026-11-22T08:30:00Z,,," value "," status "," reason ",,,\n"
#define METRICS_HEADER "trial,attempt,party,process,metric,unit,value\n"

static const char *const run_files[] = {
    "scenario.ini",  "definitions.csv",   "trials.csv",     "metrics.csv", "summary.csv",
    "table.txt",     "table.md",          "table.tex",      "blocks.csv",  "telemetry.csv",
    "proofs.csv",    "comparisons.csv",   "ladder.csv",     "report.html", "environment.json",
    "factors.csv",   "distributions.csv", "intervals.csv",  "table.csv",   "findings.csv",
    "values.csv",    "cumulative.csv",    "prediction.csv", "speed.csv",   "operations.csv",
    "references.csv"};

static inline void run_put(const char *run, const char *name, const char *text) {
    CLEANUP_FREE char *path = text_format("%s/%s", run, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The text of a file of the run, or NULL; belongs to the caller. */
static inline char *run_get(const char *run, const char *name) {
    CLEANUP_FREE char *path = text_format("%s/%s", run, name);
    FILE *file = fopen(path, "r");
    char *text = memory_new(65536, 1);

    if (!file) {
        free(text);
        return NULL;
    }
    (void)!fread(text, 1, 65535, file);
    (void)fclose(file);
    return text;
}

/* A run folder of these four texts; NULL leaves the file out. */
static inline char *run_make(const char *scenario, const char *definitions, const char *trials,
                             const char *metrics) {
    const char *const texts[] = {scenario, definitions, trials, metrics};
    char *run = text_copy("/tmp/bench-test-XXXXXX");

    assert_non_null(mkdtemp(run));
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (texts[i])
            run_put(run, run_files[i], texts[i]);
    return run;
}

/* Removes the run's files and frees its name; fails when anything else lies there. */
static inline void run_remove(char *run) {
    for (size_t i = 0; i < ARRAY_SIZE(run_files); i++) {
        CLEANUP_FREE char *path = text_format("%s/%s", run, run_files[i]);

        (void)unlink(path);
    }
    assert_int_equal(rmdir(run), 0);
    free(run);
}
DEFINE_CLEANUP(char *, run_remove)

#endif
