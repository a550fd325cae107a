#include "run/prepare.h"

#include "base/jsonline.h"
#include "security/mechanism.h"

#include <errno.h>

static const struct channel *channel_of(const struct deployment *deployment) {
    return &deployment->run->scenario->channels[deployment->id.deployment->channel];
}

json_t *prepare_channel_order(const struct deployment *deployment) {
    const struct channel *channel = channel_of(deployment);
    const char *outer = deployment->run->site.address;
    CLEANUP_FREE char *own = mechanism_address(channel);

    return json_pack("{s:o,s:O,s:s,s:s}", "channel", channel_to_json(channel), "secrets",
                     json_array_get(deployment->run->secrets, deployment->id.deployment->channel),
                     "address", own ? own : outer, "outer", outer);
}

/* Gives a host its turn, and keeps what it tells for the other. */
static int give_turn(struct run *run, size_t host, json_t **heard, struct error *error) {
    struct host *one = run->workers.hosts[host];
    json_t *message = NULL;
    int r = host_order(one, "prepare",
                       json_pack("{s:b,s:b,s:s,s:O*}", "broker", host == 0, "alone",
                                 run->workers.n_hosts == 1, "outer", run->site.address, "heard",
                                 *heard),
                       &message, error);

    if (r < 0)
        return r == -EINTR || r == -EPIPE ? r : error_prefix(error, r, "%s", host_spec(one));
    json_decref(*heard);
    *heard = message;
    return 0;
}

static int make_ready(struct deployment *deployment, struct error *error) {
    static const size_t turns[] = {0, 1, 0};
    struct workers *workers = &deployment->run->workers;
    size_t n_turns = workers->n_hosts == 1 ? 1 : ARRAY_SIZE(turns);
    json_auto_t *heard = NULL;
    int r = 0;

    deployment->prepared = true;
    for (size_t i = 0; i < workers->n_hosts && r == 0; i++)
        r = host_order(workers->hosts[i], "channel", prepare_channel_order(deployment), NULL,
                       error);
    for (size_t i = 0; i < n_turns && r == 0; i++)
        r = give_turn(deployment->run, turns[i], &heard, error);
    return r;
}

int prepare_hosts(struct deployment *deployment, struct error *error) {
    int r;

    if (!mechanism_prepares(channel_of(deployment)))
        return 0;
    r = make_ready(deployment, error);
    if (r != -EOPNOTSUPP)
        return r;
    deployment->skipped = text_copy(error->text);
    return 0;
}

/* Whose host it is. */
static const char *party_of(size_t host) {
    return party_name(host ? PARTY_CLIENT2 : PARTY_BROKER);
}

int prepare_look(const struct deployment *deployment, json_t **ret, struct error *error) {
    const struct workers *workers = &deployment->run->workers;
    json_t *looks = json_object();
    int r = 0;

    for (size_t i = 0; i < workers->n_hosts && deployment->prepared && r == 0; i++) {
        json_t *one = NULL;

        r = host_order(workers->hosts[i], "prepared-usage", NULL, &one, error);
        if (one)
            (void)json_object_set_new(looks, party_of(i), one);
    }
    *ret = looks;
    return r;
}

void prepare_write(struct run *run, const struct trial_id *id, const json_t *before,
                   const json_t *after, double duration_s) {
    for (size_t i = 0; i < run->workers.n_hosts; i++) {
        const json_t *first = json_object_get(before, party_of(i));
        const json_t *last = json_object_get(after, party_of(i));
        double elapsed_s =
            (double)(jsonline_integer(last, "at_ns", 0) - jsonline_integer(first, "at_ns", 0)) /
            1e9;
        const char *mechanism;
        json_t *value;

        json_object_foreach(json_object_get(last, "cpu_s"), mechanism, value) {
            double used_s =
                json_number_value(value) -
                json_number_value(json_object_get(json_object_get(first, "cpu_s"), mechanism));

            if (elapsed_s > 0)
                journal_metric(run->journal, id, party_of(i), mechanism, "cpu_s",
                               used_s / elapsed_s * duration_s);
        }
    }
}

void prepare_undo(struct deployment *deployment) {
    const struct workers *workers = &deployment->run->workers;

    for (size_t i = 0; i < workers->n_hosts && deployment->prepared; i++)
        (void)host_notify(workers->hosts[i], "undo", NULL, NULL);
    deployment->prepared = false;
}
