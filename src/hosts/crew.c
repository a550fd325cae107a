#include "hosts/crew.h"

#include <errno.h>

void crew_init(struct crew *crew, void tell(json_t *event)) {
    *crew = (struct crew){.tell = tell};
    for (size_t i = 0; i < CREW_MAX; i++)
        crew->workers[i].process = PROCESS_NONE;
}

static void drop(struct crew_worker *worker) {
    process_stop(&worker->process);
    jsonline_clear(&worker->lines);
    *worker = (struct crew_worker){.id = 0, .process = PROCESS_NONE};
}

void crew_clear(struct crew *crew) {
    for (size_t i = 0; i < CREW_MAX; i++)
        if (crew->workers[i].id)
            drop(&crew->workers[i]);
}

/* ---- orders ---- */

/* 0: a free place. */
static struct crew_worker *find(struct crew *crew, int64_t id) {
    for (size_t i = 0; i < CREW_MAX; i++)
        if (crew->workers[i].id == id)
            return &crew->workers[i];
    return NULL;
}

static int start(struct crew_worker *worker, const char *role, struct error *error) {
    CLEANUP_FREE char *program = process_own_path();
    const char *argv[] = {"bench", "worker", role, NULL};
    struct process_options options = {.program = program,
                                      .argv = argv,
                                      .in = PROCESS_PIPE,
                                      .out = PROCESS_PIPE,
                                      .err = PROCESS_KEEP};

    return process_start(&worker->process, &options, error);
}

int crew_start(struct crew *crew, const char *role, json_t *params, json_t **ret,
               struct error *error) {
    struct crew_worker *worker = find(crew, 0);
    int r = worker ? start(worker, role, error) : error_set(error, -EBUSY, "too many workers");

    if (r < 0) {
        json_decref(params);
        return r;
    }
    worker->id = ++crew->last_id;
    jsonline_init(&worker->lines, worker->process.out_fd);
    *ret = json_pack("{s:I,s:I}", "worker", (json_int_t)worker->id, "pid",
                     (json_int_t)worker->process.pid);
    (void)jsonline_send(worker->process.in_fd, params, NULL);
    return 0;
}

int crew_instruct(struct crew *crew, int64_t id, json_t *line, struct error *error) {
    struct crew_worker *worker = id ? find(crew, id) : NULL;

    if (worker)
        return jsonline_send(worker->process.in_fd, line, error);
    json_decref(line);
    return error_set(error, -ESRCH, "no such worker");
}

void crew_drop(struct crew *crew, int64_t id) {
    struct crew_worker *worker = id ? find(crew, id) : NULL;

    if (worker)
        drop(worker);
}

/* ---- what they say ---- */

/* It has closed its stdout: it has ended, or is about to. */
static void tell_end(const struct crew *crew, struct crew_worker *worker) {
    struct process_end end = {0};
    CLEANUP_FREE char *how = NULL;

    memory_close_fdp(&worker->process.in_fd);
    worker->process.in_fd = -1;
    how = process_reap_soon(&worker->process, &end) ? process_end_text(end.status)
                                                    : text_copy("closed its output");
    crew->tell(json_pack("{s:I,s:s}", "worker", (json_int_t)worker->id, "ended", how));
    drop(worker);
}

static void tell_lines(const struct crew *crew, struct crew_worker *worker) {
    struct error error;
    json_t *line;
    int r = jsonline_fill(&worker->lines, &error);

    if (r <= 0) {
        tell_end(crew, worker);
        return;
    }
    while ((r = jsonline_next(&worker->lines, &line, &error)) != 0) {
        if (r < 0)
            line = json_pack("{s:s,s:s}", "say", "failed", "why", error.text);
        crew->tell(json_pack("{s:I,s:o}", "worker", (json_int_t)worker->id, "line", line));
    }
}

void crew_pollers(const struct crew *crew, struct pollfd pollers[CREW_MAX]) {
    for (size_t i = 0; i < CREW_MAX; i++)
        pollers[i] = (struct pollfd){
            .fd = crew->workers[i].id ? crew->workers[i].process.out_fd : -1, .events = POLLIN};
}

void crew_hear(struct crew *crew, const struct pollfd pollers[CREW_MAX]) {
    for (size_t i = 0; i < CREW_MAX; i++)
        if (pollers[i].revents)
            tell_lines(crew, &crew->workers[i]);
}
