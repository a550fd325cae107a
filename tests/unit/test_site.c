/* run/site and run/workers with hosts whose agents are this very program, as if on other machines:
 * what they hear while another is asked, and what the driver hears while time passes. */
#include "base/clock.h"
#include "base/jsonline.h"
#include "hosts/protocol.h"
#include "run/site.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define N_HOSTS 3
/* As long as nobody would wait. */
#define DAY_NS (INT64_C(86400) * NS_PER_S)

/* ---- the agent ---- */

/* Answers "clock" with its clocks, and each order with what it heard first; tells of a broker's end
 * when it is told to "end". */
static int be_agent(void) {
    CLEANUP(jsonline_clearp) struct jsonline_reader orders;
    CLEANUP_FREE char *first = NULL;
    json_t *greeting = agent_greeting(), *order;

    (void)json_object_del(greeting, "boot"); /* as if from another machine */
    (void)jsonline_send(STDOUT_FILENO, greeting, NULL);
    jsonline_init(&orders, STDIN_FILENO);
    while (jsonline_wait(&orders, -1, INT64_MAX, &order, NULL) == 0) {
        json_auto_t *taken = order;
        const char *name = jsonline_text(taken, "order", "");
        json_t *answer = text_equal(name, "clock") ? agent_clock() : json_object();

        if (!first)
            first = text_copy(name);
        (void)json_object_set_new(answer, "first", json_string(first));
        if (text_equal(name, "end"))
            (void)jsonline_send(STDOUT_FILENO,
                                json_pack("{s:s,s:s}", "broker", "ended", "why", "it fell"), NULL);
        if (json_object_get(taken, "id"))
            (void)jsonline_send(
                STDOUT_FILENO,
                json_pack("{s:O,s:O}", "id", json_object_get(taken, "id"), "ok", answer), NULL);
        json_decref(answer);
    }
    return 0;
}

/* ---- the driver ---- */

struct fixture {
    struct workers workers;
    struct site site;
};

static int set_up(void **state) {
    const struct host_options options = {.certs = "x", .folder = "x", .cancel_fd = -1};
    struct fixture *fixture = memory_new(1, sizeof(*fixture));
    struct error error;

    *state = fixture;
    fixture->site.workers = &fixture->workers;
    for (size_t i = 0; i < N_HOSTS; i++) {
        if (host_open(&fixture->workers.hosts[i], "local", &options, NULL, &error) < 0)
            return -1;
        fixture->workers.n_hosts++;
        host_watch(fixture->workers.hosts[i]);
    }
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;

    site_close(&fixture->site);
    free(fixture->workers.broker_end);
    free(fixture->workers.broker_log);
    free(fixture);
    return 0;
}

/* The last is asked last: it has heard of the driver before. */
static void test_clocks(void **state) {
    struct fixture *fixture = *state;
    json_auto_t *answer = NULL;
    struct error error;

    assert_int_equal(site_compare_clocks(&fixture->site, &error), 0);
    assert_int_equal(
        host_order(fixture->workers.hosts[N_HOSTS - 1], "heard", NULL, &answer, &error), 0);
    assert_string_equal(jsonline_text(answer, "first", ""), "beat");
}

/* A broker that ends while time passes ends that; it is heard of in a pause,
 * too, which goes on. */
static void test_time(void **state) {
    struct fixture *fixture = *state;
    struct workers *workers = &fixture->workers;
    int64_t now = clock_monotonic_ns();
    struct error error;

    assert_int_equal(workers_watch(workers, now, &error), 0);
    assert_int_equal(host_notify(workers->hosts[0], "end", NULL, &error), 0);
    assert_int_equal(workers_watch(workers, now + DAY_NS, &error), -ECANCELED);
    assert_string_equal(error.text, "it fell");
    assert_int_equal(workers_watch(workers, now, &error), -ECANCELED);
    now = clock_monotonic_ns();
    assert_int_equal(workers_wait(workers, now + 50 * NS_PER_MS, &error), 0);
    assert_true(clock_monotonic_ns() >= now + 50 * NS_PER_MS);
}

int main(int argc, char **argv) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_clocks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_time, set_up, tear_down),
    };

    if (argc > 1 && text_equal(argv[1], "agent"))
        return be_agent();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
