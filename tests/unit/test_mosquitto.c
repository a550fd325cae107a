/* broker/mosquitto: a broker of ours, with or without a fleet, by what it says itself. */
#include "emulator.h"
#include "workshop.h"

#include "broker/mosquitto.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/jsonline.h"
#include "base/process.h"
#include "transport/attempt.h"
#include "transport/transport.h"

#include <signal.h>
#include <sys/resource.h>

static const struct broker_settings settings = {.max_inflight = 20, .connection_messages = 1};
static const struct transport_options quickly = {.timeout_ns = 10 * NS_PER_S};

struct world {
    struct channel channel;
    struct bringup bringup;
    struct broker *broker;
};

static void begin(struct world *world, const struct fleet_plan *fleet) {
    struct error error;

    world->channel = workshop_channel("mine", "");
    world->bringup = (struct bringup){.channel = &world->channel, .certs = "", .fleet = fleet};
    if (broker_start(&world->broker, &world->bringup, "127.0.0.1", &settings, &error) < 0)
        fail_msg("%s", error.text);
}

static void end(struct world *world) {
    broker_stop(world->broker);
    channel_clear(&world->channel);
}

static json_t *usage_of(struct world *world) {
    json_t *usage = NULL;
    struct error error;

    if (broker_mosquitto.usage(&world->channel, world->broker, &usage, &error) < 0)
        fail_msg("%s", error.text);
    return usage;
}

static bool lets_in(struct world *world) {
    CLEANUP(client_config_freep)
    struct client_config *config = broker_client_config(&world->bringup, PARTY_CLIENT1, "127.0.0.1",
                                                        broker_port(world->broker));
    struct attempt attempt;
    struct error error;

    if (attempt_make(config, NULL, &attempt, &error) < 0)
        fail_msg("%s", error.text);
    return attempt.accepted;
}

/* A line of the broker's own limits: how many files it may open. */
static int64_t files_of(pid_t pid) {
    CLEANUP_FREE char *path = text_format("/proc/%d/limits", (int)pid);
    CLEANUP(fclosep) FILE *limits = fopen(path, "re");
    long long files = -1;
    char line[256];

    assert_non_null(limits);
    while (fgets(line, sizeof(line), limits))
        (void)sscanf(line, "Max open files %lld", &files);
    return files;
}

static size_t count(const char *text, const char *part) {
    size_t n = 0;

    while ((text = strstr(text, part))) {
        n++;
        text += strlen(part);
    }
    return n;
}

/* What a connection takes is seen in its memory, and in the number of connections. */
static void test_usage(void **state) {
    int fds[20];
    struct world world;
    json_auto_t *before = NULL, *after = NULL;

    (void)state;
    if (under_emulator("qemu-user hands on no NETLINK_SOCK_DIAG"))
        skip();
    begin(&world, NULL);
    before = usage_of(&world);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        assert_int_equal(
            tcp_connect(&fds[i], "127.0.0.1", broker_port(world.broker), &quickly, NULL), 0);
    /* Accepted in order: when one more is let in, those before it are. */
    assert_true(lets_in(&world));
    after = usage_of(&world);
    assert_int_equal(jsonline_integer(after, "connections", 0), 20);
    assert_true(jsonline_integer(before, "memory", 0) > 100 * 1024);
    assert_true(jsonline_integer(before, "memory", 0) < jsonline_integer(after, "memory", 0));
    assert_true(jsonline_integer(after, "memory", 0) <= jsonline_integer(after, "peak_memory", 0));
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        (void)close(fds[i]);
    end(&world);
}

static void test_restart(void **state) {
    int64_t port, down_ns, up_ns, asked_ns;
    struct error error;
    struct world world;
    CLEANUP_FD int fd = -1;
    pid_t pid;
    char byte;

    (void)state;
    begin(&world, NULL);
    port = broker_port(world.broker);
    for (int i = 0; i < 3; i++) {
        pid = broker_pid(world.broker);
        memory_close_fdp(&fd);
        assert_int_equal(tcp_connect(&fd, "127.0.0.1", port, &quickly, NULL), 0);
        asked_ns = clock_monotonic_ns();
        if (broker_restart(world.broker, &down_ns, &up_ns, &error) < 0)
            fail_msg("%s", error.text);
        assert_true(asked_ns <= down_ns && down_ns < up_ns && up_ns <= clock_monotonic_ns());
        assert_int_equal(broker_port(world.broker), port);
        assert_int_not_equal(broker_pid(world.broker), pid);
        assert_int_equal(kill(pid, 0), -1);
        assert_true(recv(fd, &byte, 1, 0) <= 0); /* who was connected is not any more */
        assert_true(lets_in(&world));
        assert_int_equal(count(broker_log(world.broker), " running\n"), i + 2);
    }
    end(&world);
}

/* Thousands of connections fill the log that is kept; what a new start says has room all the same.
 */
static void test_restart_with_a_full_log(void **state) {
    int64_t down_ns, up_ns;
    struct error error;
    struct world world;

    (void)state;
    begin(&world, NULL);
    for (int i = 0; i < 3000; i++) {
        CLEANUP_FD int fd = -1;

        assert_int_equal(tcp_connect(&fd, "127.0.0.1", broker_port(world.broker), &quickly, NULL),
                         0);
        if (i % 200 == 199)
            json_decref(usage_of(&world));
    }
    assert_true(strlen(broker_log(world.broker)) > 200 * 1024);
    for (int i = 0; i < 2; i++) {
        if (broker_restart(world.broker, &down_ns, &up_ns, &error) < 0)
            fail_msg("%s", error.text);
        assert_true(lets_in(&world));
    }
    end(&world);
}

/* Whoever has changed its file meanwhile. */
static void test_restart_that_fails(void **state) {
    int64_t down_ns, up_ns;
    struct error error;
    struct world world;
    CLEANUP_FREE char *path = NULL;

    (void)state;
    begin(&world, NULL);
    path = text_format("%s/mosquitto.conf", world.bringup.folder);
    assert_int_equal(file_replace(path, FILE_PRIVATE, "nonsense 1\n", &error), 0);
    assert_int_equal(broker_restart(world.broker, &down_ns, &up_ns, &error), -ECHILD);
    assert_has(error.text, "Unknown configuration variable \"nonsense\"");
    assert_int_equal(broker_pid(world.broker), 0);
    end(&world);
}

static void test_limits(void **state) {
    const struct fleet_plan fleet = {.clients = 5000};
    CLEANUP_FREE char *with = NULL, *without = NULL;
    struct rlimit own, saved;
    struct world world;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
    own = saved;
    own.rlim_cur = 1024;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &own), 0);
    begin(&world, NULL);
    without = workshop_get(world.bringup.folder, "mosquitto.conf");
    assert_has(without, "\nmax_connections 256\n");
    assert_int_equal(files_of(broker_pid(world.broker)), 1024);
    end(&world);
    begin(&world, &fleet);
    with = workshop_get(world.bringup.folder, "mosquitto.conf");
    assert_has(with, "\nmax_connections 9352\n");
    assert_int_equal(files_of(broker_pid(world.broker)), (int64_t)saved.rlim_max);
    end(&world);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
}

static void test_nothing(void **state) {
    (void)state;
    skip();
}

int main(void) {
    static const struct CMUnitTest none[] = {cmocka_unit_test(test_nothing)};
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_restart_with_a_full_log),
        cmocka_unit_test(test_restart_that_fails),
        cmocka_unit_test(test_limits),
    };
    CLEANUP_FREE char *program = NULL;

    (void)signal(SIGPIPE, SIG_IGN);
    if (process_find(&program, "mosquitto", NULL) < 0)
        return cmocka_run_group_tests(none, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
