/* Trials of what an agent says, whatever it says: hosts/host, run/workers, run/trial, run/usage and
 * run/site record what came of it, or words. Nothing is waited for: what is said has an end, and
 * stands in files, not behind a process, so that much is tried (fuzz_host has real ones). The first
 * byte says what is measured, and whether on this machine. Before a line of "%%%" is what comes on
 * the agent's stdout, "@greeting" in it standing for a true one; behind it what comes on stderr. */
#include "fuzz.h"

#include "../registry.h"
#include "hosts/host.c" /* a host upon streams that are there already */
#include "run/run.h"

#include <ftw.h>

#define GREETING "@greeting"
#define N_TRIALS 256 /* of one journal */

static struct fuzz_file said, words;
static struct fuzz_folder results;
static struct scenario *scenario;
static struct progress *quiet;

/* ---- what is measured ---- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_results(void) {
    (void)nftw(results.path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void prepare(void) {
    static const char *const names[] = {"small.ini"};
    static const char text[] = "[scenario]\nchannels = plain\nprobes = delivery latency connect\n"
                               "repetitions = 2\n[channel.plain]\nuse =\n";
    struct error error = {""};

    said = fuzz_file_make();
    words = fuzz_file_make();
    fuzz_folder_make(&results, names, 1);
    (void)atexit(remove_results);
    fuzz_folder_put(&results, 0, text, strlen(text));
    FUZZ_CHECK(
        scenario_load(&scenario, workshop_registry(), results.path, "small", NULL, 0, &error) == 0,
        "%s", error.text);
    quiet = progress_new(scenario, 1, QUIET);
}

/* A new one now and then, so that none grows without end. */
static struct journal *take_journal(void) {
    static struct journal *journal;
    static size_t n;
    json_auto_t *environment = json_pack("{s:{s:s}}", "local", "kernel", "6.1");
    struct error error = {""};

    if (journal && n++ % N_TRIALS)
        return journal;
    if (journal) {
        (void)nftw(journal_folder(journal), remove_one, 8, FTW_DEPTH | FTW_PHYS);
        journal_close(journal);
    }
    FUZZ_CHECK(journal_create(&journal, results.path, scenario, environment, &error) == 0, "%s",
               error.text);
    return journal;
}

/* ---- an agent ---- */

static void relay(void *context, const char *spec, const char *line) {
    (void)spec;
    FUZZ_CHECK(!strpbrk(line, "\n\x1b\x7f"), "a terminal would obey %s", line);
    ++*(size_t *)context;
}

static int reopen(const struct fuzz_file *file) {
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);

    FUZZ_CHECK(fd >= 0, "%s", file->path);
    return fd;
}

static void put_said(struct fuzz_part part, bool elsewhere) {
    const char *mark =
        part.text ? memmem(part.text, part.length, GREETING, strlen(GREETING)) : NULL;
    size_t before = mark ? (size_t)(mark - part.text) : part.length;
    json_auto_t *object = agent_greeting();
    CLEANUP_FREE char *greeting = NULL, *all = NULL;
    size_t length = before;

    if (elsewhere)
        (void)json_object_set_new(object, "boot", json_string("another kernel's"));
    greeting = json_dumps(object, JSON_COMPACT);
    all = memory_new(part.length + strlen(greeting) + 1, 1);
    if (before)
        memcpy(all, part.text, before);
    if (mark) {
        const char *rest = mark + strlen(GREETING);
        size_t n = part.length - before - strlen(GREETING);

        memcpy(all + length, greeting, strlen(greeting));
        length += strlen(greeting);
        memcpy(all + length, rest, n);
        length += n;
    }
    fuzz_file_put(&said, all, length);
}

static struct host *host_of(size_t *lines) {
    struct host *host = memory_new(1, sizeof(*host));

    host->spec = text_copy("fuzz");
    host->options = (struct host_options){.folder = "/nowhere", .cancel_fd = -1};
    host->events = json_array();
    host->wire = (struct wire){.spec = host->spec,
                               .cancel_fd = -1,
                               .relay = relay,
                               .context = lines,
                               .agent = {.pid = 0,
                                         .in_fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
                                         .out_fd = reopen(&said),
                                         .err_fd = reopen(&words)}};
    jsonline_init(&host->wire.lines, host->wire.agent.out_fd);
    return host;
}

/* What it has said on stderr, to the end, whenever it was lost. */
static void hear_words(struct wire *wire) {
    struct wire_wait wait = {.deadline_ns = INT64_MAX, .obeying = true};

    while (wire->agent.err_fd >= 0)
        (void)wire_attend(&wire, 1, &wait, NULL);
}

/* As greet() does, but that nobody is waited for who has not even been started. */
static bool hear_greeting(struct host *host) {
    struct wire_wait wait = {.deadline_ns = INT64_MAX, .obeying = true};
    struct wire *wire = &host->wire;
    struct error error = {""};

    while (!host->greeting && !wire->lost) {
        json_auto_t *line = NULL;
        int r = jsonline_next(&wire->lines, &line, NULL);

        if (r > 0 && json_object_get(line, "protocol"))
            host->greeting = json_incref(line);
        else if (r == 0)
            (void)wire_attend(&wire, 1, &wait, &error);
    }
    if (!host->greeting)
        return false;
    if (check_greeting(host, &error) == 0)
        return true;
    FUZZ_CHECK(*error.text, "no reason");
    return false;
}

/* ---- what comes of it ---- */

static void measure(struct run *run, size_t probe) {
    struct planned_deployment planned = {.block = 1, .position = 1, .channel = 0, .trial = 1};
    const struct measurement *measurement = &scenario->measurements[probe];
    struct deployment deployment = {.run = run, .prepared = true};
    struct trial_result result = {.status = TRIAL_OK};
    struct error error = {""};
    int r;

    deployment.id = (struct trial_id){.trial = 1,
                                      .attempt = 1,
                                      .deployment = &planned,
                                      .channel = "plain",
                                      .channel_variant = "",
                                      .measurement = measurement,
                                      .probe = measurement->probe,
                                      .variant = ""};
    deployment.tls = json_pack("{s:s,s:s,s:s}", "version", "TLSv1.3", "cipher", "c", "group", "x");
    r = trial_run(&deployment, &result, &error);
    FUZZ_CHECK(r == 0, "%d %s", r, error.text);
    FUZZ_CHECK(result.status == TRIAL_OK || (result.reason && *result.reason), "no reason");
    FUZZ_CHECK(journal_commit(run->journal, &deployment.id, &result, &error) == 0, "%s",
               error.text);
    free(result.reason);
    json_decref(deployment.tls);
}

static void hear_telemetry(struct host *host) {
    CLEANUP_FREE struct telemetry_message *messages = NULL;
    struct telemetry_log log = {.bound_ns = -1};
    json_t *event;
    size_t which;

    while (host_next_event(&host, 1, clock_monotonic_ns() + NS_PER_S, &event, &which, NULL) == 0) {
        const json_t *line = json_object_get(event, "line");

        if (jsonline_integer(line, "sequence", 0) < 1000) /* each takes a row */
            telemetry_log_hear(&log, jsonline_text(line, "say", ""), line);
        json_decref(event);
    }
    (void)telemetry_log_latency_ms(&log, 1);
    messages = log.messages;
    FUZZ_CHECK(host_lost(host), "it has ended, and is not lost");
    FUZZ_CHECK(!json_array_size(host->events), "events are left");
}

static void use(struct host *host, size_t probe) {
    struct run run = {.scenario = scenario, .progress = quiet, .journal = take_journal()};
    struct host_clock clock = {0};
    struct error error = {""};
    int r;

    run.workers.hosts[0] = host;
    run.workers.n_hosts = 1;
    run.site = (struct site){.scenario = scenario, .workers = &run.workers};
    measure(&run, probe);
    r = host_compare_clocks(host, &clock, &error);
    FUZZ_CHECK(r == 0 || (r < 0 && *error.text), "%d", r);
    site_read_before(&run.site);
    site_read_after(&run.site, run.journal, 1, 1);
    json_decref(run.site.before[0]);
    free(run.workers.broker_end);
    free(run.workers.broker_log);
    hear_telemetry(host);
    r = host_order(host, "clock", NULL, NULL, &error);
    FUZZ_CHECK(r == -EPIPE && text_equal(error.text, host_lost(host)), "%d %s", r, error.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_part rest, out;
    struct host *host;
    size_t lines = 0;

    if (!scenario)
        prepare();
    if (!size)
        return 0;
    rest = (struct fuzz_part){(const char *)data + 1, size - 1};
    out = fuzz_next(&rest);
    put_said(out, data[0] & 4);
    fuzz_file_put(&words, rest.text, rest.length);
    host = host_of(&lines);
    if (hear_greeting(host))
        use(host, data[0] % 3);
    hear_words(&host->wire);
    host_close(host);
    return 0;
}
