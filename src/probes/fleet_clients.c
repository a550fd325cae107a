#include "probes/fleet_clients.h"

#include "base/clock.h"
#include "base/process.h"
#include "broker/broker.h"
#include "mqtt/client_group.h"
#include "probes/fleet_message.h"
#include "probes/fleet_worker.h"
#include "probes/told_histogram.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>

/* Members that are let in one after the other, or lost and let in again, get somewhere; nobody for
 * so long, and it is no use to wait. */
#define QUIET_NS (15 * NS_PER_S)
/* So many connect together before the others may begin. */
#define CONNECT_TOGETHER 64
/* After so many publications that were due already the connections are looked after. */
#define PUBLISH_TOGETHER 16
/* Of what a member has published so much may wait in this process, at least one message and at most
 * so many. */
#define WAITING_BYTES 65536
#define WAITING_MOST  100
/* So long after the warm-up, or the measured time, what was due in it is given up: at a rate that
 * is out of reach it would take many times as long, and be no rate of that time. */
#define PUBLISH_BEHIND_NS NS_PER_S

struct members {
    struct worker_context *worker;
    struct channel channel;
    struct bringup bringup;
    struct client_group *group; /* NULL until they are opened */
    int64_t first, count;       /* by number in the fleet */
    int64_t part, n_parts;
    int64_t answer_ns;
    int64_t one_made_bytes; /* memory of the process with one client made; 0: it makes no second */
    char **topics;
    int64_t *numbers; /* of each, its next message */
    unsigned char *payload;
    int64_t payload_bytes, qos, tag, subscribers;
    int64_t published, completed; /* all of them */
    int64_t *under_way;           /* of each, in its connection: published, not completed */
    int64_t most_under_way;
    int64_t awaited;    /* members that are to be up; -1: nobody waits for that */
    int64_t changed_ns; /* when one came up last */
    int64_t up;         /* as it last answered */
    int64_t storm_ns;   /* when the storm began; 0: there is none */
    int64_t *back_ns;   /* of each, when it came up first in the storm; 0: not yet */
};

char *fleet_topic(const char *topic, int64_t member, int64_t subscribers) {
    return text_format("%s/%lld/%lld", topic, (long long)(member % subscribers), (long long)member);
}

/* ---- callbacks of the group ---- */

static int64_t count_up(const struct members *members) {
    struct client_group_counts counts;

    client_group_count(members->group, &counts);
    return counts.up;
}

static int configure(void *context, size_t client, struct client_config **ret,
                     struct error *error) {
    struct members *members = context;
    const struct client_config *own = members->worker->client;

    (void)error;
    if (client == 1)
        members->one_made_bytes = process_own_memory(0);
    members->topics[client] = fleet_topic(jsonline_text(members->worker->params, "topic", "bench"),
                                          members->first + (int64_t)client, members->subscribers);
    *ret = broker_member_config(&members->bringup, members->first + (int64_t)client, own->address,
                                own->port);
    (*ret)->answer_ns = members->answer_ns;
    (*ret)->inflight = own->inflight;
    return 0;
}

static void came_up(void *context, size_t client, int64_t at_ns) {
    struct members *members = context;

    members->changed_ns = at_ns;
    members->under_way[client] = 0;
    if (members->storm_ns && !members->back_ns[client])
        members->back_ns[client] = at_ns;
    if (members->awaited >= 0 && count_up(members) >= members->awaited)
        client_group_stop(members->group);
}

static void completed(void *context, size_t client) {
    struct members *members = context;

    members->completed++;
    members->under_way[client]--;
}

/* ---- answers ---- */

static void put_counts(struct members *members, json_t *answer) {
    struct client_group_counts counts;

    if (!members->group)
        return;
    client_group_count(members->group, &counts);
    members->up = counts.up;
    (void)json_object_set_new(answer, "up", json_integer(counts.up));
    (void)json_object_set_new(answer, "attempts", json_integer(counts.attempts));
    (void)json_object_set_new(answer, "accepted", json_integer(counts.accepted));
    (void)json_object_set_new(answer, "refused", json_integer(counts.refused));
    (void)json_object_set_new(answer, "lost", json_integer(counts.lost));
    (void)json_object_set_new(answer, "resumed", json_integer(counts.resumed));
    (void)json_object_set_new(answer, "reasons", client_group_reasons(members->group));
}

static int look(struct members *members, const json_t *facts, json_t *answer, struct error *error) {
    (void)facts;
    (void)error;
    fleet_worker_put_usage(answer);
    fleet_worker_put_wire(members->group, answer);
    return 0;
}

/* ---- connecting ---- */

/* Those of QoS 1 and 2 that the broker may have before it answers are not waiting. */
static int64_t most_under_way(const struct members *members) {
    int64_t waiting = WAITING_BYTES / members->payload_bytes;

    waiting = waiting < WAITING_MOST ? waiting : WAITING_MOST;
    return (waiting > 1 ? waiting : 1) + (members->qos ? members->worker->client->inflight : 0);
}

/* What clients take that are made, but for the first, and their number. */
static void put_made(const struct members *members, json_t *answer) {
    int64_t bytes = members->one_made_bytes ? process_own_memory(0) - members->one_made_bytes : 0;

    (void)json_object_set_new(answer, "made", json_integer(members->count - 1));
    (void)json_object_set_new(answer, "made_bytes", json_integer(bytes));
}

static int open_group(struct members *members, const json_t *facts, json_t *answer,
                      struct error *error) {
    const json_t *list = json_object_get(members->worker->params, "addresses");
    size_t n_addresses = json_array_size(list);
    CLEANUP_FREE const char **addresses = memory_new(n_addresses + 1, sizeof(*addresses));
    struct client_group_options options = {
        .n = (size_t)members->count,
        .connect_rate = 0,
        .at_once = (size_t)jsonline_integer(facts, "at_once", 0),
        .retry_ns = jsonline_integer(facts, "retry_ns", 0),
        .keepalive_s = (int)fleet_keepalive_s(members->worker->fleet),
        .addresses = addresses,
        .n_addresses = n_addresses,
        .config = configure,
        .up = came_up,
        .completed = completed,
        .context = members,
    };
    int r;

    for (size_t i = 0; i < n_addresses; i++)
        addresses[i] = json_string_value(json_array_get(list, i));
    members->answer_ns = jsonline_integer(facts, "answer_ns", members->worker->client->answer_ns);
    members->qos = jsonline_integer(facts, "qos", 0);
    members->subscribers = jsonline_integer(facts, "subscribers", 1);
    members->payload_bytes = jsonline_integer(facts, "payload", FLEET_MESSAGE_BYTES);
    members->payload = memory_new((size_t)members->payload_bytes, 1);
    (void)!getrandom(members->payload, (size_t)members->payload_bytes, 0);
    members->numbers = memory_new((size_t)members->count, sizeof(*members->numbers));
    members->under_way = memory_new((size_t)members->count, sizeof(*members->under_way));
    members->most_under_way = most_under_way(members);
    members->back_ns = memory_new((size_t)members->count, sizeof(*members->back_ns));
    members->topics = memory_new((size_t)members->count, sizeof(*members->topics));
    if (jsonline_integer(facts, "paced", 1) && members->worker->fleet->connect_rate)
        options.connect_rate = fleet_worker_share(members->worker->fleet->connect_rate,
                                                  members->count, members->worker->fleet->clients);
    r = client_group_open(&members->group, &options, error);
    if (r == 0)
        put_made(members, answer);
    return r;
}

/* Until so many are up, or nobody has come up for a while, or it takes too long. */
static int await_up(struct members *members, int64_t n, int64_t deadline_ns, struct error *error) {
    int r = 0;

    members->awaited = n;
    members->changed_ns = clock_monotonic_ns();
    while (r == 0 && count_up(members) < n) {
        int64_t now_ns = clock_monotonic_ns(), quiet_ns = members->changed_ns + QUIET_NS;

        if (now_ns >= deadline_ns || now_ns >= quiet_ns)
            break;
        r = fleet_worker_turn(members->worker, members->group,
                              quiet_ns < deadline_ns ? quiet_ns : deadline_ns, error);
    }
    members->awaited = -1;
    return r;
}

static int connect_share(struct members *members, const json_t *facts, json_t *answer,
                         struct error *error) {
    double share = json_number_value(json_object_get(facts, "share"));
    int64_t deadline_ns = clock_monotonic_ns() + jsonline_integer(facts, "limit_ns", 0);
    int64_t to = (int64_t)ceil(share * (double)members->count);
    int64_t before = 0;
    int r = 0;

    (void)answer;
    for (int64_t from = 0; from < to && r == 0; from += CONNECT_TOGETHER) {
        int64_t n = to - from < CONNECT_TOGETHER ? to - from : CONNECT_TOGETHER;

        client_group_connect(members->group, (size_t)from, (size_t)n);
        before = from + n;
        r = await_up(members, before, deadline_ns, error);
        if (count_up(members) < before &&
            r == 0) { /* the others are told at once, and waited for */
            client_group_connect(members->group, (size_t)before, (size_t)(to - before));
            r = await_up(members, to, deadline_ns, error);
            break;
        }
    }
    return r;
}

/* ---- storm ---- */

static int drop(struct members *members, const json_t *facts, json_t *answer, struct error *error) {
    (void)facts;
    (void)error;
    client_group_drop(members->group);
    fleet_worker_put_wire(members->group, answer);
    return 0;
}

static void put_back(const struct members *members, json_t *answer) {
    CLEANUP_FREE struct histogram *back = memory_new(1, sizeof(*back));

    for (int64_t i = 0; i < members->count; i++)
        if (members->back_ns[i])
            histogram_record(back, members->back_ns[i] - members->storm_ns);
    (void)json_object_set_new(answer, "back", histogram_to_json(back));
}

/* All begin at one instant. */
static int storm(struct members *members, const json_t *facts, json_t *answer,
                 struct error *error) {
    int64_t begin_ns = jsonline_integer(facts, "at_ns", 0);
    int64_t deadline_ns = begin_ns + jsonline_integer(facts, "limit_ns", 0);
    int r = fleet_worker_wait(members->worker, members->group, begin_ns, error);

    memset(members->back_ns, 0, (size_t)members->count * sizeof(*members->back_ns));
    members->storm_ns = begin_ns;
    members->awaited = members->count;
    if (r == 0)
        client_group_connect(members->group, 0, (size_t)members->count);
    while (r == 0 && count_up(members) < members->count && clock_monotonic_ns() < deadline_ns)
        r = fleet_worker_turn(members->worker, members->group, deadline_ns, error);
    members->awaited = -1;
    put_back(members, answer);
    fleet_worker_put_wire(members->group, answer);
    members->storm_ns = 0;
    return r;
}

/* ---- publishing ---- */

/* What comes of one step. Publication k of this process is member k % count's, and due at
 * start_ns + (k + part / n_parts) * gap_ns: members, and processes beside each other, are spread
 * evenly over the interval. */
struct publishing {
    int64_t start_ns, begin_ns, end_ns; /* the first may be due; the measured time */
    double gap_ns;
    int64_t step;
    int64_t offered, published, late; /* due in the measured time; handed over; late of these */
    int64_t in_window;                /* handed over when that time ended, or less than late */
    double cpu_s[2];                  /* of the process when that begins, when it ends */
};

static int64_t due_of(const struct members *members, const struct publishing *publishing,
                      int64_t k) {
    double place = (double)k + (double)members->part / (double)members->n_parts;

    return publishing->start_ns + (int64_t)(place * publishing->gap_ns);
}

/* One that is not up, or for which too much waits already, publishes nothing: offered, but not
 * published. */
static int publish(struct members *members, struct publishing *publishing, int64_t member,
                   int64_t due_ns, struct error *error) {
    struct fleet_message message = {.member = (uint32_t)(members->first + member),
                                    .due_ns = due_ns};
    bool measured = due_ns >= publishing->begin_ns;
    int64_t now_ns = clock_monotonic_ns(), late_ns = now_ns - due_ns;
    int r;

    publishing->offered += measured;
    if (client_group_state(members->group, (size_t)member) != CLIENT_UP ||
        members->under_way[member] >= members->most_under_way)
        return 0;
    message.step = measured ? (uint32_t)publishing->step : 0;
    message.tagged = members->numbers[member] | members->tag;
    fleet_message_write(&message, members->payload);
    members->under_way[member]++;
    r = client_group_publish(members->group, (size_t)member, members->topics[member],
                             members->payload, (size_t)members->payload_bytes, (int)members->qos,
                             error);
    if (r == -ENOTCONN)
        return 0;
    if (r < 0 && r != -ECONNRESET)
        return r;
    /* Of a connection that broke the library keeps what has QoS 1 or 2, and sends it again with
     * this number when it is back. */
    members->numbers[member]++;
    if (r < 0 && !members->qos)
        return 0;
    members->published++;
    publishing->published += measured;
    publishing->late += measured && late_ns >= FLEET_LATE_NS;
    publishing->in_window += measured && now_ns < publishing->end_ns + FLEET_LATE_NS;
    return 0;
}

/* When that of which what is due then is a part ends: the warm-up, or the measured time. */
static int64_t part_end_ns(const struct publishing *publishing, int64_t due_ns) {
    return due_ns < publishing->begin_ns ? publishing->begin_ns : publishing->end_ns;
}

/* The first publication behind k that is due at that instant or later. */
static int64_t first_due(const struct members *members, const struct publishing *publishing,
                         int64_t k, int64_t instant_ns) {
    int64_t first = (int64_t)((double)(instant_ns - publishing->start_ns) / publishing->gap_ns);

    first = first - 2 > k ? first - 2 : k + 1; /* but for what the arithmetic rounds */
    while (due_of(members, publishing, first) < instant_ns)
        first++;
    return first;
}

static int publish_all(struct members *members, struct publishing *publishing,
                       struct error *error) {
    bool measuring = false;
    int together = 0;

    for (int64_t k = 0, next;; k = next) {
        int64_t due_ns = due_of(members, publishing, k), now_ns = clock_monotonic_ns();
        int64_t part_ns = part_end_ns(publishing, due_ns);
        int r = 0;

        next = k + 1;
        if (due_ns >= publishing->end_ns)
            break;
        if (!measuring && due_ns >= publishing->begin_ns) {
            publishing->cpu_s[0] = fleet_worker_cpu_s();
            measuring = true;
        }
        /* Offered, but not published: all of it at once, as pings are due meanwhile. */
        if (now_ns >= part_ns + PUBLISH_BEHIND_NS) {
            next = first_due(members, publishing, k, part_ns);
            publishing->offered += measuring ? next - k : 0;
            continue;
        }
        if (now_ns < due_ns || ++together >= PUBLISH_TOGETHER) {
            together = 0;
            r = fleet_worker_wait(members->worker, members->group, due_ns, error);
        }
        if (r == 0)
            r = publish(members, publishing, k % members->count, due_ns, error);
        if (r < 0)
            return r;
    }
    publishing->cpu_s[1] = fleet_worker_cpu_s();
    if (!measuring) /* nothing of this process was due */
        publishing->cpu_s[0] = publishing->cpu_s[1];
    return 0;
}

/* Until all has left, or nothing more does. */
static int flush(struct members *members, struct error *error) {
    int64_t seen = -1, changed_ns = 0;
    int r = 0;

    while (r == 0 && members->completed < members->published) {
        int64_t now_ns = clock_monotonic_ns();

        if (members->completed != seen)
            changed_ns = now_ns;
        seen = members->completed;
        if (now_ns - changed_ns > WORKER_LOST_NS)
            break;
        r = fleet_worker_wait(members->worker, members->group, now_ns + 20 * NS_PER_MS, error);
    }
    members->completed = members->published; /* those that are lost with their connection */
    return r;
}

static int publish_step(struct members *members, const json_t *facts, json_t *answer,
                        struct error *error) {
    struct publishing publishing = {.start_ns = jsonline_integer(facts, "at_ns", 0),
                                    .step = jsonline_integer(facts, "step", 1)};
    int64_t before = members->published;
    int r;

    publishing.begin_ns = publishing.start_ns + jsonline_integer(facts, "warmup_ns", 0);
    publishing.end_ns = publishing.begin_ns + jsonline_integer(facts, "duration_ns", 0);
    publishing.gap_ns =
        json_number_value(json_object_get(facts, "interval_ns")) / (double)members->count;
    /* The kernel may wake this process 50 us late, to save power, unless it is told not to. */
    (void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    fleet_worker_put_wire(members->group, answer);
    (void)json_object_set_new(answer, "before", json_deep_copy(answer));
    r = publish_all(members, &publishing, error);
    if (r == 0)
        r = flush(members, error);
    if (r < 0)
        return r;
    fleet_worker_put_wire(members->group, answer);
    (void)json_object_set_new(answer, "offered", json_integer(publishing.offered));
    (void)json_object_set_new(answer, "published", json_integer(publishing.published));
    (void)json_object_set_new(answer, "in_window", json_integer(publishing.in_window));
    (void)json_object_set_new(answer, "sent", json_integer(members->published - before));
    (void)json_object_set_new(answer, "late", json_integer(publishing.late));
    (void)json_object_set_new(answer, "cpu_s",
                              json_real(publishing.cpu_s[1] - publishing.cpu_s[0]));
    return 0;
}

/* ---- the role ---- */

static const struct {
    const char *word;
    int (*act)(struct members *members, const json_t *facts, json_t *answer, struct error *error);
} acts[] = {
    {"connect", connect_share}, {"drop", drop},   {"look", look}, {"open", open_group},
    {"publish", publish_step},  {"storm", storm},
};

static int obey(void *context, const char *word, const json_t *facts, json_t *answer,
                struct error *error) {
    struct members *members = context;

    for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
        int r;

        if (!text_equal(acts[i].word, word))
            continue;
        if (!members->group && acts[i].act != open_group)
            return error_set(error, -EPROTO, "'%s' came before 'open'", word);
        r = acts[i].act(members, facts, answer, error);
        put_counts(members, answer);
        return r;
    }
    return error_set(error, -EPROTO, "the driver said '%s'", word);
}

static void clear(struct members *members) {
    client_group_freep(&members->group);
    for (int64_t i = 0; members->topics && i < members->count; i++)
        free(members->topics[i]);
    free(members->topics);
    free(members->numbers);
    free(members->under_way);
    free(members->back_ns);
    free(members->payload);
    channel_clear(&members->channel);
}

int fleet_clients_run(struct worker_context *worker, struct error *error) {
    CLEANUP(clear)
    struct members members = {
        .worker = worker,
        .first = jsonline_integer(worker->params, "first", 0),
        .count = jsonline_integer(worker->params, "count", 0),
        .part = jsonline_integer(worker->params, "part", 0),
        .n_parts = jsonline_integer(worker->params, "n_parts", 1),
        .tag = role_tag(worker),
        .awaited = -1,
    };
    int r = role_bringup(worker, &members.channel, &members.bringup, error);

    if (r < 0)
        return r;
    r = fleet_worker_serve(worker, &members.group, obey, &members, error);
    if (r < 0)
        return r;
    if (members.group) {
        r = fleet_worker_put_session(worker, members.group, error);
        if (r < 0)
            return r;
    }
    worker_metric(worker, "clients_up", (double)members.up);
    return worker_report(worker, error);
}
