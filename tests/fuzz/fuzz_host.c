/* The driver's side of the protocol: hosts that greet well, and then answer, tell and say whatever
 * the input has, are lost or believed. Parts of the input: what the broker's agent says, what the
 * publisher's does; without a second part it says the same.
 *
 * A real process on two real pipes says it: cat, which then sends all orders back, so that those
 * which the input does not answer have an answer, too. */
#include "fuzz.h"

#include "../registry.h"
#include "hosts/protocol.h"
#include "probes/probe.h"
#include "run/site.h"

#include "base/clock.h"

#include <signal.h>

#define N_AGENTS 2
#define WAIT_NS  (50 * NS_PER_MS)

static void open_agents(struct fuzz_file files[N_AGENTS], char *specs[N_AGENTS]) {
    for (size_t i = 0; i < N_AGENTS; i++) {
        files[i] = fuzz_file_make();
        specs[i] = text_format("exec:cat /proc/%d/fd/%d -", (int)getpid(), files[i].fd);
    }
}

static void put_agent(const struct fuzz_file *file, struct fuzz_part said) {
    json_auto_t *greeting = agent_greeting();
    CLEANUP_FREE char *text = NULL, *all = NULL;
    size_t length;

    (void)json_object_del(greeting, "boot"); /* as if from another machine */
    text = json_dumps(greeting, JSON_COMPACT);
    length = strlen(text) + 1;
    all = memory_new(length + said.length, 1);
    memcpy(all, text, length);
    all[length - 1] = '\n';
    if (said.length)
        memcpy(all + length, said.text, said.length);
    fuzz_file_put(file, all, length + said.length);
}

static struct scenario *load(const char *const specs[N_AGENTS]) {
    const struct scenario_override overrides[] = {
        {"--set", "hosts.broker", specs[0]},
        {"--set", "hosts.publisher", specs[1]},
        {"--set", "hosts.address", "192.0.2.1"},
    };
    struct scenario *scenario;
    struct error error;

    FUZZ_CHECK(scenario_load(&scenario, workshop_registry(), FUZZ_SCENARIOS, "quick", overrides,
                             ARRAY_SIZE(overrides), &error) == 0,
               "%s", error.text);
    return scenario;
}

/* A trial's worker, as far as it comes. */
static void try_worker(struct workers *workers) {
    struct worker worker = {.role = NULL};
    struct error error = {""};

    if (workers_start(workers, &worker, role_find("path-server"), json_object(), WORKER_READY,
                      WAIT_NS, &error) == 0 &&
        workers_signal(workers, &worker, "go", NULL, &error) == 0 &&
        workers_await(workers, &worker, 1, WORKER_RESULT, clock_monotonic_ns() + WAIT_NS, &error) ==
            0)
        FUZZ_CHECK(worker.result, "a result that is none");
    else
        FUZZ_CHECK(*error.text, "no reason");
    workers_drop(workers, &worker);
    workers_hear_rest(workers, 0);
    free(workers->broker_end);
    free(workers->broker_log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fuzz_file files[N_AGENTS];
    static char *specs[N_AGENTS];
    static struct scenario *scenario;
    struct fuzz_part rest = {(const char *)data, size}, first, second;
    struct workers workers = {.n_hosts = 0};
    struct site site = {.workers = &workers,
                        .options = {.certs = "/nowhere", .folder = "/nowhere", .cancel_fd = -1}};
    struct error error = {""};

    if (!scenario) {
        (void)signal(SIGPIPE, SIG_IGN); /* as the program does */
        open_agents(files, specs);
        scenario = load((const char *const *)specs);
    }
    first = fuzz_next(&rest);
    second = rest.text ? fuzz_next(&rest) : first;
    put_agent(&files[0], first);
    put_agent(&files[1], second);
    site.scenario = scenario;
    if (site_open(&site, &error) == 0 && site_describe(&site, NULL, &error) == 0) {
        (void)site_check_libraries(&site, &error);
        (void)site_round_trip_ms(&site);
        site_read_before(&site);
        try_worker(&workers);
    } else {
        FUZZ_CHECK(*error.text, "no reason");
    }
    site_close(&site);
    return 0;
}
