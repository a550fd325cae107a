/* The processes of a fleet, told by a test in the driver's place, at a real broker: what they
 * answer fits in a line, however long they measure; what cannot leave does not pile up in them. */
#include "real_broker.h"
#include "tested_role.h"
#include "workshop.h"

#include "probes/fleet_message.h"
#include "probes/fleet_subscribers.h"
#include "probes/sequence.h"
#include "transport/transport.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

struct world {
    char *folder;
    struct real_broker broker;
    struct tested_role tested;
};

/* One member, or one subscriber; the caller's. */
static json_t *params_of(const struct world *world) {
    CLEANUP(channel_clear) struct channel channel = workshop_channel("plain", "");
    struct client_config *config = setting_block_new(&client_config_group);
    struct fleet_plan *fleet = setting_block_new(&fleet_group);
    json_t *params;

    text_replace(&config->address, "127.0.0.1");
    text_replace(&config->client_id, "client1");
    config->port = world->broker.port;
    config->answer_ns = CLIENT_ANSWER_NS;
    fleet->clients = 1;
    params = json_pack("{s:o,s:o,s:o,s:{},s:s,s:i,s:i,s:s}", "client",
                       setting_block_to_json(&client_config_group, config), "fleet",
                       setting_block_to_json(&fleet_group, fleet), "channel",
                       channel_to_json(&channel), "secrets", "certs", world->folder, "count", 1,
                       "inflight", 5, "topic", "bench/fleet/1-1");
    client_config_free(config);
    setting_block_free(&fleet_group, fleet);
    return params;
}

static void begin(struct world *world, const char *role) {
    real_broker_start(&world->broker, world->folder, "allow_anonymous true");
    tested_begin(&world->tested, role_find(role), params_of(world), "");
    json_decref(tested_hear(&world->tested, "ready"));
}

/* Gives a word, and hears what is answered; the caller's. */
static json_t *ask(struct world *world, const char *line) {
    tested_tell(&world->tested, line);
    return tested_hear(&world->tested, "answer");
}

static void end(struct world *world) {
    tested_tell(&world->tested, "{\"do\": \"stop\"}\n");
    json_decref(tested_hear(&world->tested, "result"));
    tested_end(&world->tested);
    if (world->tested.code < 0)
        fail_msg("%s", world->tested.error.text);
    real_broker_kill(&world->broker);
}

/* What a process takes for each client but its first is told when they are made. Before
 * other tests: what these free would be used. */
static void test_made(void **state) {
    struct world *world = *state;
    json_t *params = params_of(world);

    real_broker_start(&world->broker, world->folder, "allow_anonymous true");
    (void)json_object_set_new(params, "count", json_integer(1000));
    tested_begin(&world->tested, role_find("fleet-clients"), params, "");
    json_decref(tested_hear(&world->tested, "ready"));
    json_auto_t *answer = ask(world, "{\"do\": \"open\", \"answer_ns\": 10000000000}\n");

    assert_int_equal(jsonline_integer(answer, "made", -1), 999);
    assert_in_range(jsonline_integer(answer, "made_bytes", -1), 999 * 200, 999 * 50000);
    end(world);
}

/* A day: what arrived in each step is one answer, and one line. */
static void test_day(void **state) {
    struct world *world = *state;
    int64_t day_ns = INT64_C(86400) * NS_PER_S, step_ns = fleet_subscribers_step_ns(day_ns);
    size_t n;

    begin(world, "fleet-subscriber");
    json_decref(ask(world, "{\"do\": \"open\", \"payload\": 30, \"answer_ns\": 10000000000}\n"));
    json_decref(ask(world, "{\"do\": \"begin\", \"duration_ns\": 86400000000000}\n"));
    json_auto_t *answer = ask(world, "{\"do\": \"end\", \"sent\": 0}\n");

    n = json_array_size(json_object_get(answer, "steps"));
    assert_true((int64_t)n * step_ns >= day_ns && (int64_t)(n - 1) * step_ns < day_ns);
    end(world);
    assert_int_equal(fleet_subscribers_step_ns(3600 * NS_PER_S), WORKER_STEP_NS);
    assert_int_equal(fleet_subscribers_step_ns(3600 * NS_PER_S + 1), 2 * WORKER_STEP_NS);
}

/* A broker that takes nothing for a while, and 400 messages in a second that are due meanwhile. */
static void try_blocked(struct world *world, int qos, int payload, int64_t most) {
    CLEANUP_FREE char *open = text_format(
        "{\"do\": \"open\", \"qos\": %d, \"payload\": %d, \"answer_ns\": 10000000000}\n", qos,
        payload);
    CLEANUP_FREE char *publish = NULL;
    int64_t at_ns, published;

    begin(world, "fleet-clients");
    json_decref(ask(world, open));
    json_decref(ask(world, "{\"do\": \"connect\", \"share\": 1, \"limit_ns\": 20000000000}\n"));
    assert_int_equal(kill(world->broker.process.pid, SIGSTOP), 0);
    at_ns = clock_monotonic_ns() + 50 * NS_PER_MS;
    publish = text_format("{\"do\": \"publish\", \"at_ns\": %lld, \"duration_ns\": 1000000000, "
                          "\"interval_ns\": 2500000.0}\n",
                          (long long)at_ns);
    tested_tell(&world->tested, publish);
    /* By then all is published or given up. */
    clock_sleep_until(at_ns + 3 * NS_PER_S);
    assert_int_equal(kill(world->broker.process.pid, SIGCONT), 0);
    json_auto_t *answer = tested_hear(&world->tested, "answer");

    published = jsonline_integer(answer, "published", -1);
    assert_int_equal(jsonline_integer(answer, "offered", -1), 400);
    if (published < 1 || published > most)
        fail_msg("QoS %d: %lld were published, not 1 to %lld", qos, (long long)published,
                 (long long)most);
    end(world);
}

static void test_blocked(void **state) {
    try_blocked(*state, 0, 262144, 200); /* what the kernel takes, and one */
    try_blocked(*state, 1, 1000, 5 + 65);
    try_blocked(*state, 1, 30, 5 + 100);
}

/* A process of which nothing is due in the measured time has taken no time for it. */
static void test_nothing_due(void **state) {
    struct world *world = *state;
    CLEANUP_FREE char *publish = NULL;

    begin(world, "fleet-clients");
    json_decref(ask(world, "{\"do\": \"open\", \"payload\": 30, \"answer_ns\": 10000000000}\n"));
    json_decref(ask(world, "{\"do\": \"connect\", \"share\": 1, \"limit_ns\": 20000000000}\n"));
    publish = text_format("{\"do\": \"publish\", \"at_ns\": %lld, \"warmup_ns\": 50000000, "
                          "\"duration_ns\": 200000000, \"interval_ns\": 60000000000.0}\n",
                          (long long)(clock_monotonic_ns() + 10 * NS_PER_MS));
    json_auto_t *answer = ask(world, publish);

    assert_int_equal(jsonline_integer(answer, "sent", -1), 1);
    assert_int_equal(jsonline_integer(answer, "published", -1), 0);
    assert_true(json_number_value(json_object_get(answer, "cpu_s")) == 0);
    end(world);
}

/* What was due so long ago that it is given up is counted, however much it is, and in no time: in
 * which nobody would answer the broker's pings. Members are of the third of four processes. */
static void test_given_up(void **state) {
    static const struct {
        int64_t warmup_ns, duration_ns, offered;
        double interval_ns;
    } cases[] = {
        {0, INT64_C(3600) * NS_PER_S, INT64_C(36000000000), 100},
        {1000, 10000, 1000, 10},
        {1000, 10000, 1000, 10.001},
        {0, 10, 1, 10},
        {0, 5, 0, 10}, /* the first is due at 5 ns */
        {0, 6, 1, 10},
        {10, 10, 1, 10},
        {15, 10, 1, 10}, /* the second is measured, the third is not */
        {16, 9, 0, 10},
        {16, 10, 1, 10},
        {0, 10, 20, 0.5},
        {10, 20, 60, 1 / 3.0},
    };
    struct world *world = *state;
    json_t *params;

    real_broker_start(&world->broker, world->folder, "allow_anonymous true");
    params = params_of(world);
    (void)json_object_set_new(params, "part", json_integer(2));
    (void)json_object_set_new(params, "n_parts", json_integer(4));
    tested_begin(&world->tested, role_find("fleet-clients"), params, "");
    json_decref(tested_hear(&world->tested, "ready"));
    json_decref(ask(world, "{\"do\": \"open\", \"payload\": 30, \"answer_ns\": 10000000000}\n"));
    json_decref(ask(world, "{\"do\": \"connect\", \"share\": 1, \"limit_ns\": 20000000000}\n"));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t at_ns = clock_monotonic_ns() - cases[i].warmup_ns - cases[i].duration_ns -
                        INT64_C(2) * NS_PER_S;
        CLEANUP_FREE char *publish = text_format(
            "{\"do\": \"publish\", \"at_ns\": %lld, \"warmup_ns\": %lld, \"duration_ns\": %lld, "
            "\"interval_ns\": %.17g}\n",
            (long long)at_ns, (long long)cases[i].warmup_ns, (long long)cases[i].duration_ns,
            cases[i].interval_ns);
        json_auto_t *answer = ask(world, publish);

        if (jsonline_integer(answer, "offered", -1) != cases[i].offered)
            fail_msg("case %zu: %lld were offered, not %lld", i,
                     (long long)jsonline_integer(answer, "offered", -1),
                     (long long)cases[i].offered);
        assert_int_equal(jsonline_integer(answer, "sent", -1), 0);
    }
    end(world);
}

/* Of members none of which came up there is no TLS to tell of. */
static void try_session(struct world *world, bool up) {
    begin(world, "fleet-clients");
    json_decref(ask(world, "{\"do\": \"open\", \"payload\": 30, \"answer_ns\": 10000000000}\n"));
    if (!up)
        real_broker_kill(&world->broker);
    json_decref(ask(world, up ? "{\"do\": \"connect\", \"share\": 1, \"limit_ns\": 20000000000}\n"
                              : "{\"do\": \"connect\", \"share\": 1, \"limit_ns\": 100000000}\n"));
    tested_tell(&world->tested, "{\"do\": \"stop\"}\n");
    json_auto_t *result = tested_hear(&world->tested, "result");

    assert_true(up == (json_object_get(result, "tls") != NULL));
    tested_end(&world->tested);
    assert_int_equal(world->tested.code, 0);
    if (up)
        real_broker_kill(&world->broker);
}

static void test_session(void **state) {
    try_session(*state, true);
    try_session(*state, false);
}

/* A broker that resets its first connections, each behind a message that it has answered. */
#define BROKEN     40
#define BROKEN_AT  1
#define MOST_KNOWN 65536
struct breaking {
    int listener;
    _Atomic int broken, twice; /* connections; numbers that two messages had */
    int ids[MOST_KNOWN];       /* of the message with that number; 0: none so far */
};

/* One packet, shorter than 130 bytes. */
static bool take_packet(int fd, unsigned char packet[130]) {
    return recv(fd, packet, 2, MSG_WAITALL) == 2 && packet[1] < 128 &&
           recv(fd, packet + 2, packet[1], MSG_WAITALL) == packet[1];
}

/* What is sent again has the identifier that it had. */
static void take_publish(struct breaking *breaking, int fd, const unsigned char *packet) {
    const unsigned char *at = packet + 4 + packet[3];
    unsigned char puback[] = {0x40, 2, at[0], at[1]};
    struct fleet_message message;
    int id = at[0] << 8 | at[1];
    int64_t number;

    fleet_message_read(at + 2, &message);
    number = message.tagged & SEQUENCE_MAX;
    if (number < MOST_KNOWN) {
        breaking->twice += breaking->ids[number] && breaking->ids[number] != id;
        breaking->ids[number] = id;
    }
    (void)!send(fd, puback, sizeof(puback), MSG_NOSIGNAL);
}

static void *break_connections(void *argument) {
    static const unsigned char connack[] = {0x20, 2, 0, 0};
    const struct linger reset = {.l_onoff = 1};
    struct breaking *breaking = argument;
    unsigned char packet[130];
    int fd;

    while ((fd = accept(breaking->listener, NULL, NULL)) >= 0) {
        int n = 0;

        while ((breaking->broken >= BROKEN || n < BROKEN_AT) && take_packet(fd, packet)) {
            if (packet[0] >> 4 == 1)
                (void)!send(fd, connack, sizeof(connack), MSG_NOSIGNAL);
            if (packet[0] >> 4 != 3)
                continue;
            take_publish(breaking, fd, packet);
            n++;
        }
        breaking->broken += n == BROKEN_AT;
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        (void)close(fd);
    }
    return NULL;
}

/* What a member has handed over when its connection breaks is sent again when it is back: nothing
 * else has its number. */
static void test_reset(void **state) {
    static struct breaking breaking;
    const struct transport_options options = {.timeout_ns = 0};
    struct world *world = *state;
    CLEANUP_FREE char *publish = NULL;
    json_t *params;
    pthread_t thread;

    assert_int_equal(
        tcp_listen(&breaking.listener, "127.0.0.1", &options, &world->broker.port, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, break_connections, &breaking), 0);
    params = params_of(world);
    (void)json_object_set_new(params, "inflight", json_integer(1000));
    tested_begin(&world->tested, role_find("fleet-clients"), params, "");
    json_decref(tested_hear(&world->tested, "ready"));
    json_decref(ask(world, "{\"do\": \"open\", \"qos\": 1, \"payload\": 30, \"retry_ns\": 1000000, "
                           "\"answer_ns\": 10000000000}\n"));
    json_decref(ask(world, "{\"do\": \"connect\", \"share\": 1, \"limit_ns\": 20000000000}\n"));
    publish = text_format("{\"do\": \"publish\", \"at_ns\": %lld, \"duration_ns\": 1000000000, "
                          "\"interval_ns\": 1000.0}\n",
                          (long long)clock_monotonic_ns());
    json_decref(ask(world, publish));
    tested_tell(&world->tested, "{\"do\": \"stop\"}\n");
    json_decref(tested_hear(&world->tested, "result"));
    tested_end(&world->tested);
    (void)shutdown(breaking.listener, SHUT_RDWR);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)close(breaking.listener);
    assert_true(breaking.broken > 0);
    assert_int_equal(breaking.twice, 0);
}

static int set_up(void **state) {
    static struct world world;

    world = (struct world){.folder = workshop_make(), .broker.process = PROCESS_NONE};
    *state = &world;
    return 0;
}

static int tear_down(void **state) {
    struct world *world = *state;

    real_broker_kill(&world->broker);
    workshop_removep(&world->folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_day, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_blocked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_due, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reset, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
