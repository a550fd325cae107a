/*
 * acting - for the unit tests: a role of a probe in a thread of this process, and the test in the
 * driver's place.
 */
#ifndef BENCH_TESTS_ACTING_H
#define BENCH_TESTS_ACTING_H

#include "workshop.h"

#include "base/clock.h"
#include "probes/probe.h"

#include <pthread.h>
#include <sys/wait.h>

struct acting {
    const struct role *role;
    pthread_t thread;
    struct worker_context worker;
    json_t *params;
    int orders[2], said[2]; /* pipes: [0] is read, [1] written */
    struct jsonline_reader heard;
    int code; /* what the role has returned, after acting_end() */
    struct error error;
};

static inline void *acting_live(void *context) {
    struct acting *acting = context;

    acting->code = acting->role->run(&acting->worker, &acting->error);
    (void)close(acting->said[1]);
    return NULL;
}

/* The parameters of a role, from its settings and its side of the connection; the caller's. */
static inline json_t *acting_params(const struct setting_group *group, const void *settings,
                                    const struct client_config *client) {
    return json_pack("{s:o,s:o}", "settings", setting_block_to_json(group, settings), "client",
                     setting_block_to_json(&client_config_group, client));
}

/* The driver says something: one or more lines. */
static inline void acting_tell(struct acting *acting, const char *lines) {
    assert_int_equal(write(acting->orders[1], lines, strlen(lines)), strlen(lines));
}

/* What is told at once the role finds when it first listens; params are taken. */
static inline void acting_begin(struct acting *acting, const struct role *role, json_t *params,
                                const char *lines) {
    struct jsonline_reader orders;

    *acting = (struct acting){.role = role, .params = params};
    assert_int_equal(pipe(acting->orders), 0);
    assert_int_equal(pipe(acting->said), 0);
    jsonline_init(&orders, acting->orders[0]);
    jsonline_init(&acting->heard, acting->said[0]);
    worker_open(&acting->worker, role, &orders, acting->said[1], acting->params, NULL);
    acting_tell(acting, lines);
    assert_int_equal(pthread_create(&acting->thread, NULL, acting_live, acting), 0);
}

/* The next that the role says, which must be that word; the caller's. */
static inline json_t *acting_hear(struct acting *acting, const char *word) {
    struct error error = {""};
    json_t *line = NULL;

    if (jsonline_wait(&acting->heard, -1, clock_monotonic_ns() + 20 * NS_PER_S, &line, &error) < 0)
        fail_msg("%s where '%s' was due", error.text, word);
    assert_string_equal(jsonline_text(line, "say", "?"), word);
    return line;
}

/* Hears all that the role says until it returns; when it is `done`, it is told to stop. */
static inline void acting_hear_all(struct acting *acting, const char *stop) {
    json_t *line = NULL;

    while (jsonline_wait(&acting->heard, -1, clock_monotonic_ns() + 60 * NS_PER_S, &line, NULL) ==
           0) {
        if (text_equal(jsonline_text(line, "say", "?"), "done"))
            acting_tell(acting, stop);
        json_decref(line);
        line = NULL;
    }
}

/* Acts in a process of its own, as a worker does: after a failure a role's threads may go on until
 * that ends. `act` returns EXIT_SUCCESS or says on stderr what is wrong. */
static inline void acting_apart(int (*act)(size_t), size_t argument) {
    pid_t child = fork();
    int status;

    if (child == 0)
        _exit(act(argument));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The driver ends, and so does the role. */
static inline void acting_end(struct acting *acting) {
    (void)close(acting->orders[1]);
    (void)pthread_join(acting->thread, NULL);
    worker_close(&acting->worker);
    jsonline_clear(&acting->heard);
    json_decref(acting->params);
    (void)close(acting->orders[0]);
    (void)close(acting->said[0]);
}

#endif
