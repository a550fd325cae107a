#include "probes/fleet_subscribers.h"

#include "base/clock.h"
#include "broker/broker.h"
#include "mqtt/client_group.h"
#include "probes/fleet_clients.h"
#include "probes/fleet_message.h"
#include "probes/fleet_worker.h"
#include "probes/sequence.h"
#include "probes/told_histogram.h"

#include <errno.h>
#include <string.h>

/* How often it looks whether all has come. */
#define LOOK_NS (10 * NS_PER_MS)
/* An hour of WORKER_STEP_NS; with a dozen digits each they are half a MiB in a line. */
#define MOST_STEPS 36000

/* Members whose publisher has the same clock: from this one on. */
struct clock_part {
    int64_t first, ahead_ns;
};

struct subscribers {
    struct worker_context *worker;
    struct client_group *group;
    int64_t n;        /* connections */
    int64_t n_groups; /* of topics: connection i has group i % n_groups */
    int64_t qos, payload_bytes, tag;
    struct fleet_account *accounts; /* of each connection */
    int64_t pending, denied;        /* subscriptions that wait for their answer; refused ones */
    int64_t wrong;                  /* messages with the tag that none of the fleet has sent */
    int64_t all;                    /* first arrivals since `begin` */
    /* Since `begin`: what counts. */
    struct clock_part *parts;
    size_t n_parts;
    uint32_t step;
    int64_t begin_ns, end_ns; /* measured time */
    int64_t arrived;          /* due in it */
    int64_t in_window;        /* came in it, whenever they were due */
    int64_t *steps;           /* bytes of these, by step_ns */
    size_t n_steps;
    int64_t step_ns;
    struct histogram *latency;
};

/* ---- messages ---- */

static int64_t ahead_of(const struct subscribers *subscribers, int64_t member) {
    size_t i = subscribers->n_parts;

    while (i > 1 && subscribers->parts[i - 1].first > member)
        i--;
    return i ? subscribers->parts[i - 1].ahead_ns : 0;
}

static void count(struct subscribers *subscribers, const struct fleet_message *message,
                  int64_t at_ns) {
    subscribers->all++;
    if (at_ns >= subscribers->begin_ns && at_ns < subscribers->end_ns) {
        subscribers->in_window++;
        subscribers->steps[(at_ns - subscribers->begin_ns) / subscribers->step_ns] +=
            subscribers->payload_bytes;
    }
    if (message->step != subscribers->step)
        return;
    subscribers->arrived++;
    histogram_record(subscribers->latency,
                     at_ns - message->due_ns + ahead_of(subscribers, message->member));
}

static void take_message(void *context, size_t client, const char *topic, const void *payload,
                         size_t length) {
    struct subscribers *subscribers = context;
    struct fleet_account *account = &subscribers->accounts[client];
    int64_t at_ns = clock_monotonic_ns(), group = (int64_t)client % subscribers->n_groups;
    struct fleet_message message;

    (void)topic;
    if (length < FLEET_MESSAGE_BYTES)
        return; /* somebody else's */
    fleet_message_read(payload, &message);
    if ((message.tagged & ~SEQUENCE_MAX) != subscribers->tag)
        return; /* or late, of another trial */
    if (length != (size_t)subscribers->payload_bytes ||
        message.member % subscribers->n_groups != group ||
        message.member / subscribers->n_groups >= (int64_t)account->n) {
        subscribers->wrong++;
        return;
    }
    if (fleet_account_take(account, (uint32_t)(message.member / subscribers->n_groups),
                           message.tagged & SEQUENCE_MAX))
        count(subscribers, &message, at_ns);
}

/* ---- open ---- */

/* A session beside client1's own for each. */
static int configure(void *context, size_t client, struct client_config **ret,
                     struct error *error) {
    struct subscribers *subscribers = context;
    const struct client_config *own = subscribers->worker->client;
    CLEANUP_FREE char *session = text_format("fleet-%zu", client + 1);

    if (own->one_session && subscribers->n > 1)
        return error_set(error, -EINVAL,
                         "probe.fleet.subscribers: the broker lets each client have one connection "
                         "at a time; right would be 1");
    *ret = setting_block_copy(&client_config_group, own);
    (*ret)->inflight = own->inflight;
    client_config_name_session(*ret, session);
    return 0;
}

static void note_subscription(void *context, size_t client, int granted) {
    struct subscribers *subscribers = context;

    (void)client;
    subscribers->pending--;
    subscribers->denied += granted != subscribers->qos;
    if (!subscribers->pending)
        client_group_stop(subscribers->group);
}

static void came_up(void *context, size_t client, int64_t at_ns) {
    struct subscribers *subscribers = context;

    (void)client;
    (void)at_ns;
    client_group_stop(subscribers->group);
}

static int64_t count_up(const struct subscribers *subscribers) {
    struct client_group_counts counts;

    client_group_count(subscribers->group, &counts);
    return counts.up;
}

/* Why not all have come up; the caller's. */
static char *reasons_of(const struct subscribers *subscribers) {
    json_auto_t *reasons = client_group_reasons(subscribers->group);
    const char *reason = json_object_iter_key(json_object_iter(reasons));

    return text_copy(reason ? reason : "no answer");
}

static int connect_all(struct subscribers *subscribers, int64_t deadline_ns, struct error *error) {
    CLEANUP_FREE char *why = NULL;
    int r = 0;

    client_group_connect(subscribers->group, 0, (size_t)subscribers->n);
    while (r == 0 && count_up(subscribers) < subscribers->n && clock_monotonic_ns() < deadline_ns)
        r = fleet_worker_turn(subscribers->worker, subscribers->group, deadline_ns, error);
    if (r < 0 || count_up(subscribers) == subscribers->n)
        return r;
    why = reasons_of(subscribers);
    return error_set(error, -ECONNREFUSED, "%lld of %lld subscribers did not connect: %s",
                     (long long)(subscribers->n - count_up(subscribers)), (long long)subscribers->n,
                     why);
}

static int subscribe_all(struct subscribers *subscribers, int64_t deadline_ns,
                         struct error *error) {
    const char *topic = jsonline_text(subscribers->worker->params, "topic", "bench");
    int r = 0;

    subscribers->pending = subscribers->n;
    for (int64_t i = 0; i < subscribers->n && r == 0; i++) {
        CLEANUP_FREE char *filter =
            text_format("%s/%lld/+", topic, (long long)(i % subscribers->n_groups));

        r = client_group_subscribe(subscribers->group, (size_t)i, filter, (int)subscribers->qos,
                                   error);
    }
    while (r == 0 && subscribers->pending && clock_monotonic_ns() < deadline_ns)
        r = fleet_worker_turn(subscribers->worker, subscribers->group, deadline_ns, error);
    if (r < 0)
        return r;
    if (subscribers->pending || subscribers->denied)
        return error_set(error, -EACCES, "%lld of %lld subscriptions were %s",
                         (long long)(subscribers->pending + subscribers->denied),
                         (long long)subscribers->n,
                         subscribers->denied ? "refused" : "not answered");
    return 0;
}

static int open_group(struct subscribers *subscribers, const json_t *facts, json_t *answer,
                      struct error *error) {
    int64_t deadline_ns = clock_monotonic_ns() + jsonline_integer(facts, "answer_ns", 0);
    int64_t clients = subscribers->worker->fleet->clients;
    struct client_group_options options = {
        .keepalive_s = (int)fleet_keepalive_s(subscribers->worker->fleet),
        .config = configure,
        .up = came_up,
        .message = take_message,
        .subscribed = note_subscription,
        .context = subscribers,
    };
    int r;

    (void)answer;
    subscribers->n_groups = jsonline_integer(facts, "subscribers", 1);
    subscribers->n = subscribers->n_groups * jsonline_integer(facts, "per_topic", 1);
    subscribers->qos = jsonline_integer(facts, "qos", 0);
    subscribers->payload_bytes = jsonline_integer(facts, "payload", 0);
    subscribers->accounts = memory_new((size_t)subscribers->n, sizeof(*subscribers->accounts));
    for (int64_t i = 0; i < subscribers->n; i++)
        fleet_account_open(&subscribers->accounts[i],
                           (size_t)((clients - 1) / subscribers->n_groups + 1));
    options.n = (size_t)subscribers->n;
    r = client_group_open(&subscribers->group, &options, error);
    if (r == 0)
        r = connect_all(subscribers, deadline_ns, error);
    return r < 0 ? r : subscribe_all(subscribers, deadline_ns, error);
}

/* ---- begin and end ---- */

static void take_parts(struct subscribers *subscribers, const json_t *list) {
    const json_t *part;
    size_t i;

    subscribers->n_parts = json_array_size(list);
    free(subscribers->parts);
    subscribers->parts = memory_new(subscribers->n_parts + 1, sizeof(*subscribers->parts));
    json_array_foreach(list, i, part) {
        subscribers->parts[i] = (struct clock_part){jsonline_integer(part, "first", 0),
                                                    jsonline_integer(part, "ahead_ns", 0)};
    }
}

int64_t fleet_subscribers_step_ns(int64_t duration_ns) {
    int64_t most_ns = MOST_STEPS * WORKER_STEP_NS, n = (duration_ns + most_ns - 1) / most_ns;

    return (n > 1 ? n : 1) * WORKER_STEP_NS;
}

static int begin(struct subscribers *subscribers, const json_t *facts, json_t *answer,
                 struct error *error) {
    int64_t duration_ns = jsonline_integer(facts, "duration_ns", 0);

    (void)error;
    take_parts(subscribers, json_object_get(facts, "parts"));
    subscribers->step = (uint32_t)jsonline_integer(facts, "step", 1);
    subscribers->begin_ns =
        jsonline_integer(facts, "at_ns", 0) + jsonline_integer(facts, "warmup_ns", 0);
    subscribers->end_ns = subscribers->begin_ns + duration_ns;
    subscribers->all = subscribers->arrived = subscribers->in_window = 0;
    subscribers->step_ns = fleet_subscribers_step_ns(duration_ns);
    subscribers->n_steps =
        (size_t)((duration_ns + subscribers->step_ns - 1) / subscribers->step_ns);
    free(subscribers->steps);
    subscribers->steps = memory_new(subscribers->n_steps, sizeof(*subscribers->steps));
    memset(subscribers->latency, 0, sizeof(*subscribers->latency));
    fleet_worker_put_wire(subscribers->group, answer);
    return 0;
}

static int await_rest(struct subscribers *subscribers, int64_t sent, struct error *error) {
    int64_t seen = -1, changed_ns = 0;
    int r = 0;

    while (r == 0 && subscribers->all < sent) {
        int64_t now_ns = clock_monotonic_ns();

        if (subscribers->all != seen)
            changed_ns = now_ns;
        seen = subscribers->all;
        if (now_ns - changed_ns > WORKER_LOST_NS)
            break;
        r = fleet_worker_wait(subscribers->worker, subscribers->group, now_ns + LOOK_NS, error);
    }
    return r;
}

static void put_account(const struct subscribers *subscribers, json_t *answer) {
    int64_t duplicated = 0, reordered = 0;
    json_t *steps = json_array();

    for (int64_t i = 0; i < subscribers->n; i++) {
        duplicated += subscribers->accounts[i].duplicated;
        reordered += subscribers->accounts[i].reordered;
    }
    for (size_t i = 0; i < subscribers->n_steps; i++)
        (void)json_array_append_new(steps, json_integer(subscribers->steps[i]));
    (void)json_object_set_new(answer, "steps", steps);
    (void)json_object_set_new(answer, "all", json_integer(subscribers->all));
    (void)json_object_set_new(answer, "arrived", json_integer(subscribers->arrived));
    (void)json_object_set_new(answer, "in_window", json_integer(subscribers->in_window));
    (void)json_object_set_new(answer, "duplicated", json_integer(duplicated));
    (void)json_object_set_new(answer, "reordered", json_integer(reordered));
    (void)json_object_set_new(answer, "latency", histogram_to_json(subscribers->latency));
}

/* One that was lost hears nothing more: what it should have had is no loss of the broker's. */
static int check(const struct subscribers *subscribers, struct error *error) {
    struct client_group_counts counts;
    CLEANUP_FREE char *why = NULL;

    client_group_count(subscribers->group, &counts);
    if (subscribers->wrong)
        return error_set(error, -EBADMSG, "%lld messages were none of this trial's",
                         (long long)subscribers->wrong);
    if (counts.rejected)
        return error_set(error, -EBADMSG, "%lld messages could not be opened",
                         (long long)counts.rejected);
    if (counts.up == subscribers->n)
        return 0;
    why = reasons_of(subscribers);
    return error_set(error, -ECONNRESET, "a subscriber lost its connection: %s", why);
}

static int end(struct subscribers *subscribers, const json_t *facts, json_t *answer,
               struct error *error) {
    int64_t per_topic = subscribers->n / subscribers->n_groups;
    int r = await_rest(subscribers, jsonline_integer(facts, "sent", 0) * per_topic, error);

    if (r == 0)
        r = check(subscribers, error);
    if (r < 0)
        return r;
    put_account(subscribers, answer);
    fleet_worker_put_wire(subscribers->group, answer);
    return 0;
}

/* ---- the role ---- */

static const struct {
    const char *word;
    int (*act)(struct subscribers *subscribers, const json_t *facts, json_t *answer,
               struct error *error);
} acts[] = {{"begin", begin}, {"end", end}, {"open", open_group}};

static int obey(void *context, const char *word, const json_t *facts, json_t *answer,
                struct error *error) {
    struct subscribers *subscribers = context;

    for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
        if (text_equal(acts[i].word, word))
            return acts[i].act(subscribers, facts, answer, error);
    return error_set(error, -EPROTO, "the driver said '%s'", word);
}

static void clear(struct subscribers *subscribers) {
    client_group_freep(&subscribers->group);
    for (int64_t i = 0; subscribers->accounts && i < subscribers->n; i++)
        fleet_account_close(&subscribers->accounts[i]);
    free(subscribers->accounts);
    free(subscribers->parts);
    free(subscribers->steps);
    free(subscribers->latency);
}

int fleet_subscribers_run(struct worker_context *worker, struct error *error) {
    CLEANUP(clear)
    struct subscribers subscribers = {.worker = worker,
                                      .tag = role_tag(worker),
                                      .latency = memory_new(1, sizeof(struct histogram))};
    int r = fleet_worker_serve(worker, &subscribers.group, obey, &subscribers, error);

    if (r < 0)
        return r;
    if (subscribers.group) {
        r = fleet_worker_put_session(worker, subscribers.group, error);
        if (r < 0)
            return r;
    }
    return worker_report(worker, error);
}
