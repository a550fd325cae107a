/* report_scale BENCH FOLDER TRIALS... - makes up a run of each size in the folder, one after the
 * other, has the program BENCH report it, and prints how long that took and how much memory. See
 * report-scale, which calls it.
 *
 * The runs are always the same: three probes, three channels, ten metrics a trial, some trials
 * failed or void, some blocks measured again. Each is reported twice: without gnuplot, which is the
 * analysis and the tables alone, and with all figures. */
#include "analysis/draws.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAILED_EVERY 40 /* blocks; these are measured again at the end */
#define VOID_EVERY   97
#define TRIAL_S      12
#define FIRST_UTC    1795336200 /* 2026-11-22T08:30:00Z */
/* Processor time may grow by so much more than the number of trials. */
#define MAX_GROWTH 1.3
#define TRIALS_HEADER                                                                              \
    "trial,attempt,block,position,channel,probe,variant,started_utc,duration_s,bytes,"             \
    "throughput_mbit_s,status,reason,tls_version,tls_cipher,tls_group\n"

static const char *const probes[] = {"path", "transport", "delivery"};
static const char *const channels[] = {"plain", "password", "mutual-tls"};
/* What a trial has in metrics.csv, as real ones have it. */
static const struct {
    const char *process, *metric, *unit;
} metrics[] = {
    {"receiver", "cpu_s", "s"},  {"receiver", "cpu_share", "%"},
    {"receiver", "rtt", "ms"},   {"receiver", "peak_memory", "B"},
    {"sender", "cpu_s", "s"},    {"sender", "cpu_share", "%"},
    {"sender", "rtt", "ms"},     {"sender", "retransmits", "segments"},
    {"mosquitto", "cpu_s", "s"}, {"mosquitto", "cpu_share", "%"},
};
#define N_METRICS ARRAY_SIZE(metrics)
#define N_CELLS   (ARRAY_SIZE(probes) * ARRAY_SIZE(channels))

/* ---- made-up runs ---- */

struct generator {
    struct draws draws;
    FILE *trials, *metrics;
    size_t n_trials; /* written */
};

/* Between 0 and 1. */
static double uniform(struct generator *generator) {
    return ((double)(draws_word(&generator->draws) >> 11) + 0.5) * 0x1p-53;
}

/* Around 1, log-normal. */
static double noise(struct generator *generator, double spread) {
    double angle = 2 * 3.14159265358979 * uniform(generator);

    return exp(spread * sqrt(-2 * log(uniform(generator))) * cos(angle));
}

static void put_metrics(struct generator *generator, size_t trial, int attempt, size_t probe) {
    for (size_t i = 0; i < N_METRICS; i++) {
        const char *process = metrics[i].process;
        const char *party = strcmp(process, "sender") == 0                   ? "client2"
                            : strcmp(process, "receiver") == 0 && probe == 2 ? "client1"
                                                                             : "broker";

        (void)fprintf(generator->metrics, "%zu,%d,%s,%s,%s,%s,%.9g\n", trial, attempt, party,
                      process, metrics[i].metric, metrics[i].unit,
                      (double)(i + 1) * noise(generator, 0.3));
    }
}

static void put_trial(struct generator *generator, size_t block, int attempt, size_t cell,
                      const char *status) {
    size_t probe = cell / ARRAY_SIZE(channels), channel = cell % ARRAY_SIZE(channels);
    size_t trial = (block - 1) * N_CELLS + cell + 1;
    time_t start = (time_t)(FIRST_UTC + generator->n_trials * TRIAL_S);
    double mbit_s = 1000 / (1 + (double)cell / 4) * noise(generator, 0.02);
    double duration_s = 10 + floor(uniform(generator) * 1000) / 1e6;
    double bytes = floor(mbit_s * duration_s * 1e6 / 8);
    bool ok = strcmp(status, "ok") == 0, inside = channel == 2 && probe > 0;
    char started[32], figures[64] = ",,";
    struct tm parts;

    (void)strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%S", gmtime_r(&start, &parts));
    if (ok)
        (void)snprintf(figures, sizeof(figures), "%.9g,%.0f,%.9g", duration_s, bytes,
                       bytes * 8 / 1e6 / duration_s);
    (void)fprintf(generator->trials, "%zu,%d,%zu,%zu,%s,%s,,%s.%03dZ,%s,%s,%s,%s\n", trial, attempt,
                  block, channel + 1, channels[channel], probes[probe], started,
                  (int)(uniform(generator) * 1000), figures, status, ok ? "" : "made up",
                  inside ? "TLSv1.3,TLS_AES_256_GCM_SHA384,x25519" : ",,");
    put_metrics(generator, trial, attempt, probe);
    generator->n_trials++;
}

static void put_block(struct generator *generator, size_t block, int attempt) {
    for (size_t cell = 0; cell < N_CELLS; cell++)
        put_trial(generator, block, attempt, cell,
                  attempt == 1 && block % FAILED_EVERY == 0 && cell == block % N_CELLS ? "failed"
                  : block % VOID_EVERY == 0 && cell == 5                               ? "void"
                                                                                       : "ok");
}

static void put_rows(struct generator *generator, size_t n_blocks) {
    (void)fputs(TRIALS_HEADER, generator->trials);
    (void)fputs("trial,attempt,party,process,metric,unit,value\n", generator->metrics);
    for (size_t block = 1; block <= n_blocks; block++)
        put_block(generator, block, 1);
    for (size_t block = FAILED_EVERY; block <= n_blocks; block += FAILED_EVERY)
        put_block(generator, block, 2);
}

static FILE *open_file(const char *folder, const char *name) {
    CLEANUP_FREE char *path = text_format("%s/%s", folder, name);
    FILE *file = fopen(path, "we");

    if (!file) {
        (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(1);
    }
    return file;
}

static void close_file(FILE *file) {
    bool failed = ferror(file);

    if (fclose(file) != 0 || failed) {
        (void)fprintf(stderr, "a file of the made-up run: %s\n", strerror(errno));
        exit(1);
    }
}

static void put_settings(const char *folder, size_t n_blocks) {
    FILE *scenario = open_file(folder, "scenario.ini");
    FILE *definitions = open_file(folder, "definitions.csv");

    (void)fprintf(scenario,
                  "[scenario]\nname = made-up\nchannels = plain password mutual-tls\n"
                  "probes = path transport delivery\nrepetitions = %zu\nbaseline = plain\n"
                  "seed = 2022\n",
                  n_blocks);
    (void)fputs("probe,metric,unit,better,headline,help\n", definitions);
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
        (void)fprintf(definitions, "%s,throughput,Mbit/s,higher,yes,made up\n", probes[i]);
    close_file(scenario);
    close_file(definitions);
}

/* A run of about so many trials. Returns how many. */
static size_t make_run(const char *folder, size_t n_trials) {
    size_t n_blocks = n_trials * FAILED_EVERY / (FAILED_EVERY + 1) / N_CELLS;
    struct generator generator = {.draws = {n_trials},
                                  .trials = open_file(folder, "trials.csv"),
                                  .metrics = open_file(folder, "metrics.csv")};

    put_settings(folder, n_blocks);
    put_rows(&generator, n_blocks);
    close_file(generator.trials);
    close_file(generator.metrics);
    return generator.n_trials;
}

/* ---- reports ---- */

struct cost {
    double trials, seconds, cpu_s, megabytes;
    int status;
};

static double seconds_of(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double seconds_now(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Never returns. */
static void run_bench(const char *bench, const char *folder, bool figures) {
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)dup2(null, STDOUT_FILENO);
    if (!figures) {
        (void)setenv("PATH", "/nonexistent", 1);
        (void)dup2(null, STDERR_FILENO); /* that there is no gnuplot */
    }
    (void)execl(bench, bench, "report", folder, (char *)NULL);
    _exit(127);
}

static struct cost report(const char *bench, const char *folder, bool figures) {
    double start = seconds_now();
    struct cost cost = {.status = -1};
    struct rusage usage;
    pid_t pid = fork();
    int status;

    if (pid == 0)
        run_bench(bench, folder, figures);
    if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
        return cost;
    cost.seconds = seconds_now() - start;
    cost.cpu_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    cost.megabytes = (double)usage.ru_maxrss * 1024 / 1e6;
    cost.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return cost;
}

static double size_of(const char *folder, const char *name) {
    CLEANUP_FREE char *path = text_format("%s/%s", folder, name);
    struct stat status;

    return stat(path, &status) == 0 ? (double)status.st_size / 1e6 : 0;
}

static void show(const struct cost *cost, const struct cost *before) {
    (void)printf(" %7.2f s %7.2f s %5.0f MB", cost->seconds, cost->cpu_s, cost->megabytes);
    if (before->cpu_s > 0)
        (void)printf(" x%5.1f", cost->cpu_s / before->cpu_s);
    else
        (void)printf("       ");
}

static bool is_good(const struct cost *cost, const struct cost *before) {
    return cost->seconds > 0 && cost->cpu_s > 0 && cost->megabytes > 0 &&
           (before->cpu_s <= 0 ||
            cost->cpu_s / before->cpu_s <= MAX_GROWTH * cost->trials / before->trials);
}

/* One line of the table; false when a report failed, has no figure, or grew too fast. */
static bool measure(const char *bench, const char *folder, size_t wanted, struct cost before[2]) {
    size_t n = make_run(folder, wanted);
    struct cost tables = report(bench, folder, false), all = report(bench, folder, true);
    bool good = tables.status == 3 && all.status == 0; /* 3: tables, but no gnuplot */

    tables.trials = all.trials = (double)n;
    good = good && is_good(&tables, &before[0]) && is_good(&all, &before[1]);
    (void)printf("%9zu %9zu %6.0f MB ", n, n * N_METRICS,
                 size_of(folder, "trials.csv") + size_of(folder, "metrics.csv"));
    show(&tables, &before[0]);
    (void)printf("  ");
    if (all.status == 0)
        show(&all, &before[1]);
    else
        (void)printf(" no figures: exit status %d", all.status);
    (void)printf("%s\n", good ? "" : "  missed");
    (void)fflush(stdout);
    before[0] = tables;
    before[1] = all;
    return good;
}

int main(int argc, char **argv) {
    struct cost before[2] = {{.trials = 0}, {.trials = 0}};
    bool good = true;

    if (argc < 4) {
        (void)fputs("usage: report_scale BENCH FOLDER TRIALS...\n", stderr);
        return 2;
    }
    (void)printf("                              without figures: elapsed,       with all figures\n"
                 "   trials   metrics     files  processor, memory, growth\n");
    for (int i = 3; i < argc; i++)
        good = measure(argv[1], argv[2], strtoul(argv[i], NULL, 10), before) && good;
    return good ? 0 : 1;
}
