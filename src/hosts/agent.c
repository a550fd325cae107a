#include "hosts/agent.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "broker/broker.h"
#include "broker/mosquitto.h"
#include "hosts/busy.h"
#include "hosts/control_group.h"
#include "hosts/facts.h"
#include "hosts/kept_speed.h"
#include "hosts/lab.h"
#include "hosts/network.h"
#include "hosts/preparation.h"
#include "hosts/protocol.h"
#include "hosts/readings.h"
#include "hosts/room.h"
#include "hosts/surroundings.h"
#include "hosts/takeover.h"
#include "hosts/worker.h"
#include "probes/probe.h"
#include "security/pki.h"
#include "security/speed.h"
#include "security/tls_default.h"
#include "transport/congestion.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

struct agent {
    const char *certs, *scripts;
    const struct registry *registry;
    struct jsonline_reader orders;
    struct worker_pool pool;
    struct broker *broker;
    json_t *current; /* what is deployed: channel, secrets, address, port */
    struct channel channel;
    struct fleet_plan *fleet; /* whose members will connect; NULL: none will */
    struct lab_seat seat;
    struct preparation preparation;
    int claim_fd;
    bool watched;              /* the driver has sent a beat, and goes on to */
    int64_t heard_ns, beat_ns; /* when it was last heard, when our last beat left */
    int64_t beats;
};

static void tell(json_t *line) {
    (void)jsonline_send(STDOUT_FILENO, line, NULL);
}

/* What the driver shows at once. */
static void look_around(void) {
    CLEANUP_FREE char *news = surroundings_look();

    if (news)
        fprintf(stderr, "%s\n", news);
}

/* ---- orders ---- */

static struct bringup bringup_of(const struct agent *agent) {
    return (struct bringup){.channel = &agent->channel,
                            .certs = agent->certs,
                            .secrets = json_object_get(agent->current, "secrets"),
                            .fleet = agent->fleet};
}

static void forget_fleet(struct fleet_plan *fleet) {
    if (fleet)
        setting_block_free(&fleet_group, fleet);
}

/* What will be deployed: needed before a broker and before workers. */
static int order_channel(struct agent *agent, const json_t *order, json_t **ret,
                         struct error *error) {
    const json_t *told = json_object_get(order, "fleet");
    struct channel channel;
    void *fleet = NULL;
    int r = told ? setting_block_from_json(&fleet_group, told, &fleet, error) : 0;

    (void)ret;
    if (r < 0)
        return r;
    r = channel_from_json(&channel, agent->registry, json_object_get(order, "channel"), error);
    if (r < 0) {
        forget_fleet(fleet);
        return r;
    }
    forget_fleet(agent->fleet);
    agent->fleet = fleet;
    channel_clear(&agent->channel);
    agent->channel = channel;
    json_decref(agent->current);
    agent->current = json_deep_copy(order);
    return 0;
}

/* Whether the OpenSSL of this host, which need not be the driver's, has what channels ask for. */
static int order_check(struct agent *agent, const json_t *order, json_t **ret,
                       struct error *error) {
    const json_t *one;
    size_t i;

    (void)ret;
    json_array_foreach(json_object_get(order, "channels"), i, one) {
        struct channel channel;
        int r = channel_from_json(&channel, agent->registry, one, error);

        if (r < 0)
            return r;
        r = broker_check_channel(&channel, error);
        if (r < 0)
            r = error_prefix(error, r, "channel %s", channel.name);
        channel_clear(&channel);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Of each of the "channels", why this host cannot have it as what it is there for ("broker",
 * "publisher"), or null: "lacking". */
static int order_possible(struct agent *agent, const json_t *order, json_t **ret,
                          struct error *error) {
    static const char *const places[] = {
        [PLACE_BROKER] = "broker", [PLACE_PUBLISHER] = "publisher"};
    json_auto_t *lacking = json_array();
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(order, "channels"), i, one) {
        json_t *reason = json_null();
        struct channel channel;
        int r = channel_from_json(&channel, agent->registry, one, error);

        if (r < 0)
            return r;
        for (size_t j = PLACE_BROKER; j < ARRAY_SIZE(places) && r == 0; j++)
            if (json_is_true(json_object_get(order, places[j])))
                r = mechanism_possible(&channel, (enum place)j, true, error);
        if (r == -EOPNOTSUPP)
            reason = jsonline_words(error->text);
        else if (r < 0)
            r = error_prefix(error, r, "channel %s", channel.name);
        channel_clear(&channel);
        (void)json_array_append_new(lacking, reason);
        if (r < 0 && r != -EOPNOTSUPP)
            return r;
    }
    *ret = json_pack("{s:O}", "lacking", lacking);
    return 0;
}

static int order_prepare(struct agent *agent, const json_t *order, json_t **ret,
                         struct error *error) {
    struct bringup bringup = bringup_of(agent);

    if (!agent->current)
        return error_set(error, -EINVAL, "no channel is set");
    return preparation_make(&agent->preparation, &bringup, order, ret, error);
}

static int order_prepared_usage(struct agent *agent, const json_t *order, json_t **ret,
                                struct error *error) {
    (void)order;
    (void)error;
    *ret = json_pack("{s:I,s:o}", "at_ns", (json_int_t)clock_monotonic_ns(), "cpu_s",
                     preparation_usage(&agent->preparation));
    return 0;
}

static int order_undo(struct agent *agent, const json_t *order, json_t **ret, struct error *error) {
    (void)order;
    (void)ret;
    (void)error;
    preparation_undo(&agent->preparation);
    return 0;
}

static int order_broker_up(struct agent *agent, const json_t *order, json_t **ret,
                           struct error *error) {
    struct bringup bringup = bringup_of(agent);
    int r;

    if (!agent->current)
        return error_set(error, -EINVAL, "no channel is set");
    if (agent->broker) { /* of an order that the driver gave up */
        broker_stop(agent->broker);
        agent->broker = NULL;
    }
    r = broker_kind_of(&agent->channel)
            ->start(&agent->broker, &bringup, jsonline_text(agent->current, "address", ""),
                    json_object_get(order, "settings"), ret, error);
    (void)json_object_set(agent->current, "port", json_object_get(*ret, "port"));
    return r;
}

/* In one go, so that nobody takes its end for one of its own. */
static int order_broker_restart(struct agent *agent, const json_t *order, json_t **ret,
                                struct error *error) {
    int64_t down_ns, up_ns;
    int r;

    (void)order;
    if (!agent->broker)
        return error_set(error, -ESRCH, "no broker of ours is up");
    r = broker_restart(agent->broker, &down_ns, &up_ns, error);
    if (r < 0) {
        broker_stop(agent->broker);
        agent->broker = NULL;
        return error_prefix(error, r, "the broker did not come back");
    }
    *ret = json_pack("{s:I,s:I,s:I,s:I}", "pid", (json_int_t)broker_pid(agent->broker), "port",
                     (json_int_t)broker_port(agent->broker), "down_ns", (json_int_t)down_ns,
                     "up_ns", (json_int_t)up_ns);
    return 0;
}

static int order_broker_usage(struct agent *agent, const json_t *order, json_t **ret,
                              struct error *error) {
    (void)order;
    if (!agent->current)
        return error_set(error, -ESRCH, "no broker is up");
    return broker_kind_of(&agent->channel)->usage(&agent->channel, agent->broker, ret, error);
}

static int order_broker_down(struct agent *agent, const json_t *order, json_t **ret,
                             struct error *error) {
    (void)order;
    if (!agent->broker)
        return error_set(error, -ESRCH, "no broker is up");
    broker_end(agent->broker);
    *ret = json_pack("{s:o}", "log", jsonline_words(broker_log(agent->broker)));
    broker_stop(agent->broker);
    agent->broker = NULL;
    return 0;
}

/* The parameters that the driver gave, and what only this host knows. */
static json_t *worker_params(struct agent *agent, const struct role *role, const json_t *order) {
    json_t *params = json_deep_copy(json_object_get(order, "params"));
    struct bringup bringup = bringup_of(agent);
    const char *address = jsonline_text(agent->current, "address", ""),
               *outer = jsonline_text(agent->current, "outer", address);
    struct client_config *config;

    bringup.direct = role->direct;
    config = broker_client_config(&bringup, role->party, address,
                                  jsonline_integer(agent->current, "port", 0));
    text_replace(&config->outer_address, text_equal(outer, address) ? config->address : outer);
    config->answer_ns += agent->seat.slow_ns;
    if (!params)
        params = json_object();
    (void)json_object_set_new(params, "client",
                              setting_block_to_json(&client_config_group, config));
    (void)json_object_set(params, "channel", json_object_get(agent->current, "channel"));
    (void)json_object_set(params, "secrets", json_object_get(agent->current, "secrets"));
    if (agent->fleet)
        (void)json_object_set(params, "fleet", json_object_get(agent->current, "fleet"));
    (void)json_object_set_new(params, "certs", json_string(agent->certs));
    /* Where there are several (lab.addresses). */
    (void)json_object_set_new(params, "addresses", lab_seat_addresses(&agent->seat));
    (void)json_object_set_new(params, "congestion", json_string(congestion_imposed()));
    client_config_free(config);
    return params;
}

static int order_worker(struct agent *agent, const json_t *order, json_t **ret,
                        struct error *error) {
    const char *name = jsonline_text(order, "role", "");
    const struct role *role = role_find(name);

    if (!role || !agent->current)
        return error_set(error, -EINVAL, "no role '%s', or no channel is set", name);
    return worker_pool_start(&agent->pool, name, worker_params(agent, role, order), ret, error);
}

static int order_tell(struct agent *agent, const json_t *order, json_t **ret, struct error *error) {
    (void)ret;
    return worker_pool_instruct(&agent->pool, jsonline_integer(order, "worker", 0),
                                json_deep_copy(json_object_get(order, "line")), error);
}

static int order_drop(struct agent *agent, const json_t *order, json_t **ret, struct error *error) {
    (void)ret;
    (void)error;
    worker_pool_drop(&agent->pool, jsonline_integer(order, "worker", 0));
    return 0;
}

static int order_beat(struct agent *agent, const json_t *order, json_t **ret, struct error *error) {
    (void)order;
    (void)ret;
    (void)error;
    agent->watched = true;
    return 0;
}

/* facts.h; "source": of the other host's packets to "address", where it is known. */
static int order_facts(struct agent *agent, const json_t *order, json_t **ret,
                       struct error *error) {
    (void)error;
    *ret = facts_collect(agent->scripts, jsonline_text(order, "address", ""),
                         jsonline_text(order, "source", NULL));
    return 0;
}

/* readings.h; "interface": that the data takes, if it is known. */
static int order_readings(struct agent *agent, const json_t *order, json_t **ret,
                          struct error *error) {
    struct peek peek = peek_begin();

    (void)error;
    *ret = readings_collect(&peek, jsonline_text(order, "interface", NULL));
    surroundings_put(*ret);
    lab_put_readings(&agent->seat, *ret);
    look_around();
    return 0;
}

static int order_lab(struct agent *agent, const json_t *order, json_t **ret, struct error *error) {
    return lab_take_seat(&agent->seat, order, ret, error);
}

static int order_lab_cut(struct agent *agent, const json_t *order, json_t **ret,
                         struct error *error) {
    (void)ret;
    return lab_cut_seat(&agent->seat, order, error);
}

static int order_lab_shape(struct agent *agent, const json_t *order, json_t **ret,
                           struct error *error) {
    (void)ret;
    return lab_shape_seat(&agent->seat, order, error);
}

/* The agent's part of figure 5: its parties make keys and requests here and keep the certificates
 * that come back. No private key leaves in an answer. */
static int order_certificate_request(struct agent *agent, const json_t *order, json_t **ret,
                                     struct error *error) {
    CLEANUP(pki_party_files_clear) struct pki_party_files files = {.request = NULL};
    struct pki_chain chain = pki_chain_from_json(json_object_get(order, "chain"));
    int r =
        pki_party_request(agent->certs, &chain, jsonline_text(order, "holder", ""), &files, error);

    if (r < 0)
        return r;
    *ret = json_pack("{s:s,s:s*,s:s*,s:s*}", "request", files.request, "certificate",
                     files.certificate, "authority", files.authority, "revoked", files.revoked);
    return 0;
}

static int order_certificate_install(struct agent *agent, const json_t *order, json_t **ret,
                                     struct error *error) {
    struct pki_chain chain = pki_chain_from_json(json_object_get(order, "chain"));

    (void)ret;
    return pki_party_install(agent->certs, &chain, jsonline_text(order, "holder", ""),
                             jsonline_text(order, "certificate", NULL),
                             jsonline_text(order, "authority", NULL),
                             jsonline_text(order, "revoked", NULL), error);
}

/* The same for members of a fleet, many at a time (security/pki.h); both have a "chain". */
static int order_fleet_install(struct agent *agent, const json_t *order, json_t **ret,
                               struct error *error) {
    struct pki_chain chain = pki_chain_from_json(json_object_get(order, "chain"));

    (void)ret;
    return pki_fleet_install(agent->certs, &chain, order, error);
}

static int order_fleet_request(struct agent *agent, const json_t *order, json_t **ret,
                               struct error *error) {
    struct pki_chain chain = pki_chain_from_json(json_object_get(order, "chain"));

    return pki_fleet_request(agent->certs, &chain, order, ret, error);
}

/* An ordinary user may not have every control; this host then keeps its own, and says so. */
static int order_congestion(struct agent *agent, const json_t *order, json_t **ret,
                            struct error *error) {
    int r = congestion_impose(jsonline_text(order, "name", CONGESTION_DEFAULT), error);

    (void)agent;
    *ret = json_pack("{s:b}", "kept", r == -EPERM);
    return r == -EPERM ? 0 : r;
}

/* "name": of this agent, see takeover.h; "run": that it measures for, if it does. */
static int order_claim(struct agent *agent, const json_t *order, json_t **ret,
                       struct error *error) {
    const char *run = jsonline_text(order, "run", NULL);

    (void)ret;
    if (run) {
        surroundings_join(run);
        look_around();
    }
    if (agent->claim_fd >= 0)
        return error_set(error, -EBUSY, "this agent has a name already");
    return takeover_claim(&agent->claim_fd, jsonline_text(order, "name", ""), error);
}

/* One algorithm at a time, so that signs of life and a user's Ctrl-C come through between two. */
static int order_speed(struct agent *agent, const json_t *order, json_t **ret,
                       struct error *error) {
    const char *name = jsonline_text(order, "algorithm", "");
    const struct speed_algorithm *algorithm = speed_find(name);
    struct speed_row rows[SPEED_MAX_ROWS];
    json_t *list;
    int n;

    (void)agent;
    if (!algorithm)
        return error_set(error, -EINVAL, "no algorithm '%s'", name);
    kept_speed_look();
    n = speed_measure(algorithm, rows, error);
    kept_speed_look();
    if (n < 0)
        return n;
    list = json_array();
    for (int i = 0; i < n; i++)
        (void)json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:s,s:f,s:f,s:f}", "algorithm",
                                                    name, "operation", rows[i].operation, "bytes",
                                                    (json_int_t)rows[i].bytes, "unit", rows[i].unit,
                                                    "value", rows[i].value, "low", rows[i].low,
                                                    "high", rows[i].high));
    *ret = json_pack("{s:o}", "rows", list);
    return 0;
}

static int order_speed_keep(struct agent *agent, const json_t *order, json_t **ret,
                            struct error *error) {
    (void)agent;
    (void)ret;
    return kept_speed_write(json_object_get(order, "rows"), error);
}

/* Alphabetical; those that only ask are below. */
static const struct {
    const char *name;
    int (*obey)(struct agent *agent, const json_t *order, json_t **ret, struct error *error);
} orders[] = {
    {"beat", order_beat},
    {"broker-down", order_broker_down},
    {"broker-restart", order_broker_restart},
    {"broker-up", order_broker_up},
    {"broker-usage", order_broker_usage},
    {"certificate-install", order_certificate_install},
    {"certificate-request", order_certificate_request},
    {"channel", order_channel},
    {"check", order_check},
    {"claim", order_claim},
    {"congestion", order_congestion},
    {"drop", order_drop},
    {"facts", order_facts},
    {"fleet-install", order_fleet_install},
    {"fleet-request", order_fleet_request},
    {"lab", order_lab},
    {"lab-cut", order_lab_cut},
    {"lab-shape", order_lab_shape},
    {"possible", order_possible},
    {"prepare", order_prepare},
    {"prepared-usage", order_prepared_usage},
    {"readings", order_readings},
    {"speed", order_speed},
    {"speed-keep", order_speed_keep},
    {"tell", order_tell},
    {"undo", order_undo},
    {"worker", order_worker},
};

/* ---- questions ----
 *
 * Orders that only ask what a host is and sees, whatever its agent is doing. They cannot fail: what
 * the host does not know is absent from the answer.
 *
 *   busy                         see busy.h
 *   clock                        its clocks, see protocol.h
 *   group                        control_group_memory(): "group", "memory_bytes"; its broker and
 *                                workers are in the same
 *   hello                        the "hello" of security/tls_default.h
 *   identity  address            facts_identity() in facts.h
 *   meet      hello?             the "group" that a server here answers it with
 *   room                         see room.h
 *   round-trip  address limit_ns network_round_trip() in network.h
 *   train  address n_frames limit_ns    network_train() there
 *   speed-kept                   see kept_speed.h
 */

static json_t *answer_busy(const json_t *order) {
    (void)order;
    return busy_collect("");
}

static json_t *answer_clock(const json_t *order) {
    (void)order;
    return agent_clock();
}

static json_t *answer_group(const json_t *order) {
    double bytes;
    CLEANUP_FREE char *group = control_group_memory("", &bytes);

    (void)order;
    return group ? json_pack("{s:o,s:f}", "group", jsonline_words(group), "memory_bytes", bytes)
                 : json_object();
}

static json_t *answer_hello(const json_t *order) {
    CLEANUP_FREE char *hello = tls_default_hello();

    (void)order;
    return json_pack("{s:s*}", "hello", hello);
}

static json_t *answer_identity(const json_t *order) {
    return facts_identity(jsonline_text(order, "address", ""));
}

static json_t *answer_meet(const json_t *order) {
    struct tls_session session;

    tls_default_meet(jsonline_text(order, "hello", NULL), &session);
    return json_pack("{s:s}", "group", session.group);
}

static json_t *answer_room(const json_t *order) {
    (void)order;
    return room_collect("");
}

static json_t *answer_round_trip(const json_t *order) {
    return network_round_trip(jsonline_text(order, "address", ""),
                              jsonline_integer(order, "limit_ns", 0));
}

static json_t *answer_speed_kept(const json_t *order) {
    (void)order;
    return kept_speed_read();
}

static json_t *answer_train(const json_t *order) {
    return network_train(jsonline_text(order, "address", ""),
                         jsonline_integer(order, "n_frames", 0),
                         jsonline_integer(order, "limit_ns", 0));
}

/* clang-format off */
/* Alphabetical. */
static const struct {
    const char *name;
    json_t *(*answer)(const json_t *order);
} questions[] = {
    {"busy", answer_busy},
    {"clock", answer_clock},
    {"group", answer_group},
    {"hello", answer_hello},
    {"identity", answer_identity},
    {"meet", answer_meet},
    {"room", answer_room},
    {"round-trip", answer_round_trip},
    {"speed-kept", answer_speed_kept},
    {"train", answer_train},
};
/* clang-format on */

/* NULL when it is none of these. */
static json_t *answer_question(const char *name, const json_t *order) {
    for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
        if (text_equal(questions[i].name, name))
            return questions[i].answer(order);
    return NULL;
}

static void obey(struct agent *agent, const json_t *order) {
    const char *name = jsonline_text(order, "order", "");
    int64_t id = jsonline_integer(order, "id", 0);
    struct error error = {"unknown order"};
    json_t *answer = answer_question(name, order);
    int r = answer ? 0 : -EINVAL;

    for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
        if (text_equal(orders[i].name, name))
            r = orders[i].obey(agent, order, &answer, &error);
    if (!id)
        json_decref(answer);
    else if (r < 0)
        tell(json_pack("{s:I,s:o,s:i}", "id", (json_int_t)id, "error", jsonline_words(error.text),
                       "code", r));
    else
        tell(json_pack("{s:I,s:o}", "id", (json_int_t)id, "ok", answer ? answer : json_object()));
}

/* ---- what happens by itself ---- */

static void broker_spoke(struct agent *agent) {
    struct error error;

    if (broker_read_log(agent->broker, &error) == 0)
        return;
    tell(json_pack("{s:s,s:o,s:o}", "broker", "ended", "why", jsonline_words(error.text), "log",
                   jsonline_words(broker_log(agent->broker))));
    broker_stop(agent->broker);
    agent->broker = NULL;
}

/* Reads orders: false when the driver has gone or speaks nonsense. */
static bool driver_spoke(struct agent *agent) {
    struct error error;
    json_t *order;
    int r = jsonline_fill(&agent->orders, &error);

    if (r <= 0)
        return false;
    agent->heard_ns = clock_monotonic_ns();
    while ((r = jsonline_next(&agent->orders, &order, &error)) > 0) {
        obey(agent, order);
        json_decref(order);
    }
    if (r < 0)
        fprintf(stderr, "bench agent: %s\n", error.text);
    return r == 0;
}

/* Gives a sign of life when it is time; false when the driver has given none for too long. */
static bool keep_time(struct agent *agent) {
    int64_t now = clock_monotonic_ns();

    if (!agent->watched)
        return true;
    if (now - agent->heard_ns > DRIVER_SILENCE_NS) {
        fprintf(stderr, "bench agent: nothing was heard of the driver for %d s\n",
                (int)(DRIVER_SILENCE_NS / NS_PER_S));
        return false;
    }
    if (now - agent->beat_ns >= AGENT_BEAT_NS) {
        agent->beat_ns = now;
        look_around();
        tell(json_pack("{s:I}", "beat", (json_int_t)++agent->beats));
    }
    return true;
}

/* A relay speaks when it is asked; else it has ended, and the link with it. */
static bool keep_link(struct agent *agent, const struct pollfd *poller) {
    CLEANUP_FREE char *how = NULL;
    struct pollfd now = {.fd = poller->fd, .events = POLLIN};

    /* It may have been asked meanwhile. */
    if (!poller->revents || poll(&now, 1, 0) <= 0)
        return true;
    how = relay_end(&agent->seat.relay);
    fprintf(stderr, "bench agent: the link's relay has ended: %s\n", how);
    return false;
}

static void serve(struct agent *agent) {
    struct pollfd pollers[WORKER_POOL_MAX + 3];

    for (bool going = true; going;) {
        worker_pool_pollers(&agent->pool, pollers);
        pollers[WORKER_POOL_MAX] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
        pollers[WORKER_POOL_MAX + 1] =
            (struct pollfd){.fd = agent->broker ? broker_fd(agent->broker) : -1, .events = POLLIN};
        pollers[WORKER_POOL_MAX + 2] =
            (struct pollfd){.fd = lab_seat_fd(&agent->seat), .events = POLLIN};
        if (poll(pollers, ARRAY_SIZE(pollers), (int)(AGENT_BEAT_NS / NS_PER_MS / 2)) < 0)
            continue;
        worker_pool_hear(&agent->pool, pollers);
        if (pollers[WORKER_POOL_MAX + 1].revents)
            broker_spoke(agent);
        /* Last, because an order may end what the others are about. */
        if (pollers[WORKER_POOL_MAX].revents)
            going = driver_spoke(agent);
        going = going && keep_time(agent) && keep_link(agent, &pollers[WORKER_POOL_MAX + 2]);
    }
}

int agent_main(const char *certs, const char *scripts, const struct registry *registry) {
    struct agent agent = {.certs = certs,
                          .scripts = scripts,
                          .registry = registry,
                          .seat = {.relay = RELAY_NONE},
                          .claim_fd = -1};

    (void)signal(SIGPIPE, SIG_IGN);
    /* The driver's end shows as the end of stdin, and leaves time to tidy up; what is started from
     * here dies with us all the same. */
    (void)prctl(PR_SET_PDEATHSIG, 0);
    jsonline_init(&agent.orders, STDIN_FILENO);
    worker_pool_init(&agent.pool, tell);
    (void)!write(STDOUT_FILENO, "\n", 1);
    tell(agent_greeting());
    serve(&agent);
    worker_pool_clear(&agent.pool);
    if (agent.broker)
        broker_stop(agent.broker);
    preparation_undo(&agent.preparation);
    lab_leave_seat(&agent.seat);
    memory_close_fdp(&agent.claim_fd);
    channel_clear(&agent.channel);
    forget_fleet(agent.fleet);
    json_decref(agent.current);
    jsonline_clear(&agent.orders);
    return 0;
}
