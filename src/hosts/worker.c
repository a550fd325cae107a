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

/* ---- those of an agent ---- */

void worker_pool_init(struct worker_pool *pool, void tell(json_t *event)) {
    *pool = (struct worker_pool){.tell = tell};
    for (size_t i = 0; i < WORKER_POOL_MAX; i++)
        pool->workers[i].process = PROCESS_NONE;
}

static void drop(struct pool_worker *worker) {
    process_stop(&worker->process);
    jsonline_clear(&worker->lines);
    *worker = (struct pool_worker){.id = 0, .process = PROCESS_NONE};
}

void worker_pool_clear(struct worker_pool *pool) {
    for (size_t i = 0; i < WORKER_POOL_MAX; i++)
        if (pool->workers[i].id)
            drop(&pool->workers[i]);
}

/* ---- orders ---- */

/* 0: a free place. */
static struct pool_worker *find(struct worker_pool *pool, int64_t id) {
    for (size_t i = 0; i < WORKER_POOL_MAX; i++)
        if (pool->workers[i].id == id)
            return &pool->workers[i];
    return NULL;
}

static int start(struct pool_worker *worker, const char *role, struct error *error) {
    CLEANUP_FREE char *program = process_own_path();
    const struct role *known = role_find(role);
    const char *argv[] = {"bench", "worker", role, NULL};
    struct process_options options = {.program = program,
                                      .argv = argv,
                                      .in = PROCESS_PIPE,
                                      .out = PROCESS_PIPE,
                                      .err = PROCESS_KEEP,
                                      .many_files = known && known->many_files};

    return process_start(&worker->process, &options, error);
}

int worker_pool_start(struct worker_pool *pool, const char *role, json_t *params, json_t **ret,
                      struct error *error) {
    struct pool_worker *worker = find(pool, 0);
    int r = worker ? start(worker, role, error) : error_set(error, -EBUSY, "too many workers");

    if (r < 0) {
        json_decref(params);
        return r;
    }
    worker->id = ++pool->last_id;
    jsonline_init(&worker->lines, worker->process.out_fd);
    *ret = json_pack("{s:I,s:I}", "worker", (json_int_t)worker->id, "pid",
                     (json_int_t)worker->process.pid);
    (void)jsonline_send(worker->process.in_fd, params, NULL);
    return 0;
}

int worker_pool_instruct(struct worker_pool *pool, int64_t id, json_t *line, struct error *error) {
    struct pool_worker *worker = id ? find(pool, id) : NULL;

    if (worker)
        return jsonline_send(worker->process.in_fd, line, error);
    json_decref(line);
    return error_set(error, -ESRCH, "no such worker");
}

void worker_pool_drop(struct worker_pool *pool, int64_t id) {
    struct pool_worker *worker = id ? find(pool, id) : NULL;

    if (worker)
        drop(worker);
}

/* ---- what they say ---- */

/* It has closed its stdout: it has ended, or is about to. */
static void tell_end(const struct worker_pool *pool, struct pool_worker *worker) {
    struct process_end end = {0};
    CLEANUP_FREE char *how = NULL;

    memory_close_fdp(&worker->process.in_fd);
    how = process_reap_soon(&worker->process, &end) ? process_end_text(end.status)
                                                    : text_copy("closed its output");
    pool->tell(json_pack("{s:I,s:s}", "worker", (json_int_t)worker->id, "ended", how));
    drop(worker);
}

static void tell_lines(const struct worker_pool *pool, struct pool_worker *worker) {
    struct error error;
    json_t *line;
    int r = jsonline_fill(&worker->lines, &error);

    if (r <= 0) {
        tell_end(pool, worker);
        return;
    }
    while ((r = jsonline_next(&worker->lines, &line, &error)) != 0) {
        if (r < 0)
            line = json_pack("{s:s,s:s}", "say", "failed", "why", error.text);
        pool->tell(json_pack("{s:I,s:o}", "worker", (json_int_t)worker->id, "line", line));
    }
}

void worker_pool_pollers(const struct worker_pool *pool, struct pollfd pollers[WORKER_POOL_MAX]) {
    for (size_t i = 0; i < WORKER_POOL_MAX; i++)
        pollers[i] = (struct pollfd){
            .fd = pool->workers[i].id ? pool->workers[i].process.out_fd : -1, .events = POLLIN};
}

void worker_pool_hear(struct worker_pool *pool, const struct pollfd pollers[WORKER_POOL_MAX]) {
    for (size_t i = 0; i < WORKER_POOL_MAX; i++)
        if (pollers[i].revents)
            tell_lines(pool, &pool->workers[i]);
}
