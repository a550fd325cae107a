/* hosts/host against an agent that is this very program: host_open() executes its own file. */
#include "base/jsonline.h"
#include "hosts/agent.h"
#include "hosts/host.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Answers each order with its own name; "hold" only when the next order is there; tells of an
 * "event" before its answer; ends without a word on "leave". */
static int be_agent(void) {
    CLEANUP(jsonline_clearp) struct jsonline_reader orders;
    json_int_t held = 0;
    json_t *order;

    jsonline_init(&orders, STDIN_FILENO);
    (void)jsonline_send(
        STDOUT_FILENO, json_pack("{s:i,s:s}", "protocol", AGENT_PROTOCOL, "version", BENCH_VERSION),
        NULL);
    while (jsonline_wait(&orders, -1, INT64_MAX, &order, NULL) == 0) {
        json_auto_t *taken = order;
        const char *name = jsonline_text(taken, "order", "");
        json_int_t id = jsonline_integer(taken, "id", 0);

        if (text_equal(name, "leave"))
            return 0;
        if (text_equal(name, "hold")) {
            held = id;
            continue;
        }
        if (held)
            (void)jsonline_send(STDOUT_FILENO,
                                json_pack("{s:I,s:{s:s}}", "id", held, "ok", "was", "hold"), NULL);
        held = 0;
        if (text_equal(name, "event"))
            (void)jsonline_send(STDOUT_FILENO, json_pack("{s:s}", "broker", "ended"), NULL);
        (void)jsonline_send(STDOUT_FILENO, json_pack("{s:I,s:{s:s}}", "id", id, "ok", "was", name),
                            NULL);
    }
    return 0;
}

struct fixture {
    struct host *host;
    int cancel[2];
};

static int set_up(void **state) {
    struct fixture *fixture = memory_new(1, sizeof(*fixture));
    struct error error;

    if (pipe(fixture->cancel) < 0)
        return -1;
    *state = fixture;
    return host_open(&fixture->host, "local", "certs", fixture->cancel[0], &error);
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;

    host_close(fixture->host);
    (void)close(fixture->cancel[0]);
    (void)close(fixture->cancel[1]);
    free(fixture);
    return 0;
}

static void assert_answers(struct host *host, const char *name) {
    json_auto_t *answer = NULL;
    struct error error = {""};

    if (host_order(host, name, NULL, &answer, &error) != 0)
        fail_msg("%s: %s", name, error.text);
    assert_string_equal(jsonline_text(answer, "was", ""), name);
}

static void test_orders_and_events(void **state) {
    struct host *host = ((struct fixture *)*state)->host;
    json_auto_t *event = NULL;
    size_t which;

    assert_answers(host, "one");
    assert_answers(host, "event");
    assert_answers(host, "two");
    assert_int_equal(host_next_event(&host, 1, 0, &event, &which, NULL), 0);
    assert_string_equal(jsonline_text(event, "broker", ""), "ended");
    assert_int_equal(host_next_event(&host, 1, 0, &event, &which, NULL), -ETIMEDOUT);
}

/* The answer to an order that was given up comes later, and must not be taken for another's. */
static void test_late_answer(void **state) {
    struct fixture *fixture = *state;
    char byte = 'x';

    assert_int_equal(write(fixture->cancel[1], &byte, 1), 1);
    assert_int_equal(host_order(fixture->host, "hold", NULL, NULL, NULL), -EINTR);
    assert_int_equal(read(fixture->cancel[0], &byte, 1), 1);
    assert_answers(fixture->host, "one");
    assert_answers(fixture->host, "two");
}

static void test_agent_that_ends(void **state) {
    struct host *host = ((struct fixture *)*state)->host;
    struct error error = {""};

    assert_int_equal(host_order(host, "leave", NULL, NULL, &error), -EPIPE);
    assert_string_equal(error.text, "host local: its agent has ended");
}

static void test_other_hosts(void **state) {
    struct host *host = NULL;
    struct error error = {""};

    (void)state;
    assert_int_equal(host_open(&host, "lab:a", "certs", -1, &error), -EINVAL);
    assert_non_null(strstr(error.text, "only `local` can be used so far"));
}

int main(int argc, char **argv) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_orders_and_events, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_late_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_agent_that_ends, set_up, tear_down),
        cmocka_unit_test(test_other_hosts),
    };

    if (argc > 1 && text_equal(argv[1], "agent"))
        return be_agent();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
