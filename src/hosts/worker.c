#include "hosts/worker.h"

#include "probes/probe.h"
#include "transport/congestion.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static int perform(const struct role *role, const struct registry *registry, struct error *error) {
    CLEANUP(jsonline_clearp) struct jsonline_reader orders;
    json_auto_t *params = NULL;
    struct worker_context worker;
    int r;

    jsonline_init(&orders, STDIN_FILENO);
    r = jsonline_wait(&orders, -1, INT64_MAX, &params, error);
    if (r < 0)
        return error_prefix(error, r, "parameters");
    worker_open(&worker, role, &orders, STDOUT_FILENO, params, registry);
    r = congestion_impose(jsonline_text(params, "congestion", CONGESTION_DEFAULT), error);
    if (r == 0)
        r = role_run(&worker, error);
    if (r < 0)
        (void)worker_say(&worker, "failed", json_pack("{s:o}", "why", jsonline_words(error->text)),
                         NULL);
    worker_close(&worker);
    return r;
}

int worker_main(const char *name, const struct registry *registry) {
    const struct role *role = role_find(name);
    struct error error = {"?"};

    if (!role) {
        fprintf(stderr, "bench worker: no role '%s'\n", name);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    if (perform(role, registry, &error) == 0)
        return 0;
    /* Threads of a failed role may still run: leave without the library's farewells. */
    _exit(1);
}
