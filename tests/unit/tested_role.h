/*
 * tested_role - for the unit tests: a role of a probe in a thread of this process, and the test in
 * the driver's place.
 */
#ifndef BENCH_TESTS_TESTED_ROLE_H
#define BENCH_TESTS_TESTED_ROLE_H

#include "deadline.h"
#include "workshop.h"

#include "probes/probe.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>

struct tested_role {
    const struct role *role;
    pthread_t thread;
    struct worker_context worker;
    json_t *params;
    int orders[2], said[2]; /* pipes: [0] is read, [1] written */
    struct jsonline_reader heard;
    int code; /* what the role has returned, after tested_end() */
    struct error error;
};

static inline void *tested_run(void *context) {
    struct tested_role *tested = context;

    tested->code = role_run(&tested->worker, &tested->error);
    (void)close(tested->said[1]);
    return NULL;
}

/* The parameters of a role, from its settings and its side of the connection; the caller's. */
static inline json_t *tested_params(const struct setting_group *group, const void *settings,
                                    const struct client_config *client) {
    return json_pack("{s:o,s:o}", "settings", setting_block_to_json(group, settings), "client",
                     setting_block_to_json(&client_config_group, client));
}

/* The driver says something: one or more lines. */
static inline void tested_tell(struct tested_role *tested, const char *lines) {
    assert_int_equal(write(tested->orders[1], lines, strlen(lines)), strlen(lines));
}

/* What is told at once the role finds when it first listens; params are taken. */
static inline void tested_begin(struct tested_role *tested, const struct role *role, json_t *params,
                                const char *lines) {
    struct jsonline_reader orders;

    *tested = (struct tested_role){.role = role, .params = params};
    assert_int_equal(pipe(tested->orders), 0);
    assert_int_equal(pipe(tested->said), 0);
    jsonline_init(&orders, tested->orders[0]);
    jsonline_init(&tested->heard, tested->said[0]);
    worker_open(&tested->worker, role, &orders, tested->said[1], tested->params,
                workshop_registry());
    tested_tell(tested, lines);
    assert_int_equal(pthread_create(&tested->thread, NULL, tested_run, tested), 0);
}

/* Again while a role with clients takes all descriptors from this process, as it does for a moment:
 * poll() knows none then, and says EINVAL. */
static inline int tested_wait(struct tested_role *tested, json_t **ret, struct error *error) {
    int64_t deadline_ns = deadline_from_now();
    int r;

    while ((r = jsonline_wait(&tested->heard, -1, deadline_ns, ret, error)) == -EINVAL)
        continue;
    return r;
}

/* The next that the role says, which must be that word; the caller's. */
static inline json_t *tested_hear(struct tested_role *tested, const char *word) {
    struct error error = {""};
    json_t *line = NULL;

    if (tested_wait(tested, &line, &error) < 0)
        fail_msg("%s where '%s' was due", error.text, word);
    assert_string_equal(jsonline_text(line, "say", "?"), word);
    return line;
}

/* Hears all that the role says until it returns; when it is `done`, it is told to stop. */
static inline void tested_lead_to_end(struct tested_role *tested, const char *stop) {
    json_t *line = NULL;

    while (tested_wait(tested, &line, NULL) == 0) {
        if (text_equal(jsonline_text(line, "say", "?"), "done"))
            tested_tell(tested, stop);
        json_decref(line);
        line = NULL;
    }
}

/* Runs in a process of its own, as a worker does: after a failure a role's threads may go on until
 * that ends. `act` returns EXIT_SUCCESS or says on stderr what is wrong. */
static inline void tested_apart(int (*act)(size_t), size_t argument) {
    pid_t child = fork();
    int status;

    if (child == 0)
        _exit(act(argument));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The driver ends, and so does the role. */
static inline void tested_end(struct tested_role *tested) {
    (void)close(tested->orders[1]);
    (void)pthread_join(tested->thread, NULL);
    worker_close(&tested->worker);
    jsonline_clear(&tested->heard);
    json_decref(tested->params);
    (void)close(tested->orders[0]);
    (void)close(tested->said[0]);
}

#endif
