#include "run/cast.h"

#include "base/clock.h"
#include "base/jsonline.h"

#include <errno.h>

#define TICK_NS (200 * NS_PER_MS)
/* How much later than its consequences the broker's end may be told: on a busy machine, by another
 * host over a way of its own. */
#define SETTLE_NS (2 * NS_PER_S)

size_t cast_host_of(const struct cast *cast, enum party party) {
    return party == PARTY_CLIENT2 ? cast->n_hosts - 1 : 0;
}

int cast_start(struct cast *cast, struct actor *actor, const struct role *role, json_t *params,
               struct error *error) {
    json_auto_t *answer = NULL;
    int r;

    actor->role = role;
    actor->phase = ACTOR_STARTED;
    actor->host = cast_host_of(cast, role->party);
    r = host_order(cast->hosts[actor->host], "worker",
                   json_pack("{s:s,s:o}", "role", role->name, "params", params), &answer, error);
    if (r < 0)
        return r == -EINTR || r == -EPIPE ? r : error_prefix(error, r, "%s", role->name);
    actor->worker = jsonline_integer(answer, "worker", 0);
    for (size_t i = 0; i < CAST_MAX; i++)
        if (!cast->actors[i]) {
            cast->actors[i] = actor;
            return 0;
        }
    return error_set(error, -EBUSY, "too many workers");
}

int cast_tell(struct cast *cast, struct actor *actor, const char *cue, json_t *facts,
              struct error *error) {
    json_t *line = facts ? facts : json_object();

    (void)json_object_set_new(line, "do", json_string(cue));
    return host_notify(cast->hosts[actor->host], "tell",
                       json_pack("{s:I,s:o}", "worker", (json_int_t)actor->worker, "line", line),
                       error);
}

/* ---- hearing ---- */

static void keep(json_t **place, json_t *line) {
    json_decref(*place);
    *place = json_incref(line);
}

/* The words of every role, and where in the actor their facts are kept (0: nowhere). */
static const struct {
    const char *word;
    enum actor_phase phase;
    size_t place;
} phases[] = {
    {"ready", ACTOR_READY, offsetof(struct actor, ready)},
    {"begin", ACTOR_BEGUN, 0},
    {"done", ACTOR_DONE, 0},
    {"result", ACTOR_RESULT, offsetof(struct actor, result)},
};

static void actor_said(struct actor *actor, json_t *line) {
    const char *word = jsonline_text(line, "say", "");

    if (text_equal(word, "failed")) {
        text_replace(&actor->failure, jsonline_text(line, "why", "?"));
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
        if (!text_equal(word, phases[i].word))
            continue;
        actor->phase = phases[i].phase;
        if (phases[i].place)
            keep((json_t **)(void *)((char *)actor + phases[i].place), line);
        return;
    }
    if (actor->heard)
        actor->heard(actor->context, word, line);
}

static void hear(struct cast *cast, size_t host, const json_t *event) {
    int64_t worker = jsonline_integer(event, "worker", 0);
    const char *end = jsonline_text(event, "ended", NULL);

    if (json_object_get(event, "broker")) {
        text_replace(&cast->broker_end, jsonline_text(event, "why", "the broker ended"));
        text_replace(&cast->broker_log, jsonline_text(event, "log", ""));
        return;
    }
    for (size_t i = 0; i < CAST_MAX; i++) {
        struct actor *actor = cast->actors[i];

        /* The same host may be in both places. */
        if (!actor || actor->worker != worker || cast->hosts[actor->host] != cast->hosts[host])
            continue;
        if (!end)
            actor_said(actor, json_object_get(event, "line"));
        else if (!actor->failure && actor->phase < ACTOR_RESULT)
            actor->failure = text_format("ended by itself (%s)", end);
    }
}

/* ---- waiting ---- */

/* The first that is not there yet, or NULL. */
static const struct actor *late(const struct actor *actors, size_t n, enum actor_phase phase) {
    for (size_t i = 0; i < n; i++)
        if (actors[i].phase < phase)
            return &actors[i];
    return NULL;
}

/* The broker's end comes first: what workers say then is only its consequence. */
static int check_failures(const struct cast *cast, struct error *error) {
    if (cast->broker_end)
        return error_set(error, -ECANCELED, "%s", cast->broker_end);
    for (size_t i = 0; i < CAST_MAX; i++)
        if (cast->actors[i] && cast->actors[i]->failure)
            return error_set(error, -ECANCELED, "%s: %s", cast->actors[i]->role->name,
                             cast->actors[i]->failure);
    return 0;
}

/* One event, or a moment without any. */
static int pump(struct cast *cast, int64_t deadline_ns, struct error *error) {
    int64_t tick = clock_monotonic_ns() + TICK_NS;
    json_auto_t *event = NULL;
    size_t host;
    int r = host_next_event(cast->hosts, cast->n_hosts, tick < deadline_ns ? tick : deadline_ns,
                            &event, &host, error);

    if (r == 0)
        hear(cast, host, event);
    if (cast->tick)
        cast->tick(cast->context);
    return r == -ETIMEDOUT ? 0 : r;
}

int cast_settle(struct cast *cast, int code, struct error *error) {
    int64_t deadline = clock_monotonic_ns() + SETTLE_NS;

    while (!cast->broker_end && clock_monotonic_ns() < deadline) {
        int r = pump(cast, deadline, error);

        if (r < 0)
            return r;
    }
    (void)check_failures(cast, error);
    return code;
}

int cast_rest(struct cast *cast, int64_t until_ns, struct error *error) {
    int r = 0;

    while (r == 0 && clock_monotonic_ns() < until_ns)
        r = pump(cast, until_ns, error);
    return r;
}

void cast_catch_up(struct cast *cast, size_t host) {
    json_t *event;
    size_t only;

    while (host_next_event(&cast->hosts[host], 1, 0, &event, &only, NULL) == 0) {
        hear(cast, host, event);
        json_decref(event);
    }
}

int cast_await(struct cast *cast, struct actor *actors, size_t n, enum actor_phase phase,
               int64_t deadline_ns, struct error *error) {
    static const char *const names[] = {[ACTOR_STARTED] = "start",
                                        [ACTOR_READY] = "start",
                                        [ACTOR_BEGUN] = "measured time",
                                        [ACTOR_DONE] = "measured time's end",
                                        [ACTOR_RESULT] = "end"};

    const struct actor *awaited;
    bool over = false;

    while ((awaited = late(actors, n, phase))) {
        int r = check_failures(cast, error);

        if (r < 0)
            return cast_settle(cast, r, error);
        if (over)
            return error_set(error, -ETIMEDOUT, "%s did not come to its %s in time",
                             awaited->role->name, names[phase]);
        /* We may be the one who was late, suspended on a laptop: what was told meanwhile counts. */
        over = clock_monotonic_ns() >= deadline_ns;
        r = over ? 0 : pump(cast, deadline_ns, error);
        if (r < 0)
            return r;
        for (size_t i = 0; over && i < cast->n_hosts; i++)
            cast_catch_up(cast, i);
    }
    return check_failures(cast, error);
}

void cast_drop(struct cast *cast, struct actor *actor) {
    if (actor->worker)
        (void)host_notify(cast->hosts[actor->host], "drop",
                          json_pack("{s:I}", "worker", (json_int_t)actor->worker), NULL);
    for (size_t i = 0; i < CAST_MAX; i++)
        if (cast->actors[i] == actor)
            cast->actors[i] = NULL;
    json_decref(actor->ready);
    json_decref(actor->result);
    free(actor->failure);
    *actor = (struct actor){.heard = actor->heard, .context = actor->context};
}
