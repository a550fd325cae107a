/* hosts/host against an agent that is this very program: host_open() executes its own file. The
 * folder of certificates that it is told says how it is to behave. */
#include "emulator.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "hosts/host.h"
#include "hosts/kind.h"
#include "hosts/protocol.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the agent ---- */

static void print(const char *text) {
    if (write(STDOUT_FILENO, text, strlen(text)) < 0)
        _exit(9);
}

static void greet_well(void) {
    json_t *greeting = agent_greeting();

    (void)json_object_del(greeting, "boot"); /* as if from another machine */
    (void)jsonline_send(STDOUT_FILENO, greeting, NULL);
}

static void greet_after_banner(void) {
    print("Linux pi-a 6.12\n\n\x1b[1mWelcome!\x1b[0m \xff\xfe\n{\"news\": 3}\nlast login: ");
    print("\n");
    greet_well();
}

static void greet_differently(void) {
    json_t *greeting = agent_greeting();

    (void)json_object_set_new(greeting, "version", json_string("0.0.9"));
    (void)jsonline_send(STDOUT_FILENO, greeting, NULL);
}

static void greet_from_other_sources(void) {
    json_t *greeting = agent_greeting();

    (void)json_object_set_new(greeting, "sources", json_string("0123456789ab"));
    (void)jsonline_send(STDOUT_FILENO, greeting, NULL);
}

static void leave_with_words(void) {
    fprintf(stderr, "no such thing\n");
    _exit(7);
}

static void print_without_end(void) {
    for (;;)
        print("y\n");
}

static const struct {
    const char *name;
    void (*greet)(void);
} manners[] = {
    {"well", greet_well},
    {"banner", greet_after_banner},
    {"differently", greet_differently},
    {"other-sources", greet_from_other_sources},
    {"leave", leave_with_words},
    {"endless", print_without_end},
    {"late", greet_well},
    {"early", greet_well},
    {"mixed", greet_well},
};

/* How far this agent's clocks are ahead. */
#define AHEAD_NS      (5000 * NS_PER_S)
#define WALL_AHEAD_NS (-7000 * NS_PER_S)

/* Late: a while passes before it looks at its clocks; early: after that; mixed: now so, now so, and
 * mostly neither. */
static void answer_clock(json_int_t id, const char *manner) {
    static int looks;
    int which = looks++ % 8;
    bool late = text_equal(manner, "late") || (text_equal(manner, "mixed") && which == 3);
    bool early = text_equal(manner, "early") || (text_equal(manner, "mixed") && which == 5);
    int64_t pause = (text_equal(manner, "mixed") ? 100 : 20) * NS_PER_MS, there, wall;

    if (late)
        clock_sleep_until(clock_monotonic_ns() + pause);
    there = clock_monotonic_ns() + AHEAD_NS;
    wall = clock_realtime_ns() + WALL_AHEAD_NS;
    if (early)
        clock_sleep_until(clock_monotonic_ns() + pause);
    (void)jsonline_send(STDOUT_FILENO,
                        json_pack("{s:I,s:{s:I,s:I}}", "id", id, "ok", "monotonic_ns",
                                  (json_int_t)there, "realtime_ns", (json_int_t)wall),
                        NULL);
}

/* Until the driver says something, or leaves. */
static void flood(int fd, const char *line) {
    struct pollfd poller = {.fd = STDIN_FILENO, .events = POLLIN};

    while (poll(&poller, 1, 0) == 0)
        if (write(fd, line, strlen(line)) < 0)
            _exit(9);
}

/* More than anybody wants to keep, in few lines. */
static void print_large_events(void) {
    CLEANUP_FREE char *words = memory_new(1024 * 1024 + 1, 1);

    memset(words, 'x', 1024 * 1024);
    for (int i = 0; i < 9; i++)
        (void)jsonline_send(STDOUT_FILENO, json_pack("{s:s}", "news", words), NULL);
}

static void answer(json_int_t id, const char *name) {
    (void)jsonline_send(STDOUT_FILENO, json_pack("{s:I,s:{s:s}}", "id", id, "ok", "was", name),
                        NULL);
}

static void print_long_line(void) {
    char *line = memory_new(2 * JSONLINE_MAX_BYTES + 16, 1);

    memset(line, 'x', 2 * JSONLINE_MAX_BYTES);
    line[2 * JSONLINE_MAX_BYTES] = '\n';
    print(line);
    free(line);
}

/* Answers each order with its own name; "hold" only when the next order is there; tells of an
 * "event" before its answer; what else it does is an order each. */
static int be_agent(const char *manner) {
    CLEANUP(jsonline_clearp) struct jsonline_reader orders;
    json_int_t held = 0;
    json_t *order;

    for (size_t i = 0; i < ARRAY_SIZE(manners); i++)
        if (text_equal(manners[i].name, manner))
            manners[i].greet();
    jsonline_init(&orders, STDIN_FILENO);
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
            answer(held, "hold");
        held = 0;
        if (text_equal(name, "event"))
            (void)jsonline_send(STDOUT_FILENO, json_pack("{s:s}", "broker", "ended"), NULL);
        if (text_equal(name, "garbage"))
            print("Segmentation fault\n");
        if (text_equal(name, "binary"))
            print("\x80\x02\xff{}\n");
        if (text_equal(name, "long"))
            print_long_line();
        if (text_equal(name, "flood"))
            flood(STDOUT_FILENO, "{\"beat\": 1}\n{\"beat\": 2}\n{\"beat\": 3}\n");
        if (text_equal(name, "endless-line"))
            flood(STDOUT_FILENO, " ");
        if (text_equal(name, "flood-words"))
            flood(STDERR_FILENO, "words\nwords\nwords\nwords\n");
        if (text_equal(name, "large-events"))
            print_large_events();
        if (text_equal(name, "escapes"))
            print("{\"news\": {\"\\u001b[2J\": [1, true, null, 0.5, \"a\\u0007\\n\\u009b\"]}}\n");
        if (text_equal(name, "wrong-id"))
            id += 1000;
        if (text_equal(name, "words"))
            fprintf(stderr, "one\ntwo\n");
        if (text_equal(name, "own-trouble"))
            (void)jsonline_send(
                STDOUT_FILENO,
                json_pack("{s:I,s:s,s:i}", "id", id, "error", "pipe\x1b[1m", "code", -EPIPE), NULL);
        else if (text_equal(name, "clock"))
            answer_clock(id, manner);
        else if (id)
            answer(id, name);
    }
    return 0;
}

/* ---- the driver ---- */

struct fixture {
    struct host *host;
    struct host_options options;
    int cancel[2];
    char said[256];
};

static void hear(void *context, const char *spec, const char *line) {
    struct fixture *fixture = context;
    size_t length = strlen(fixture->said);

    (void)snprintf(fixture->said + length, sizeof(fixture->said) - length, "%s: %s|", spec, line);
}

static int open_host(struct fixture *fixture, const char *manner, struct error *error) {
    fixture->options.certs = manner;
    return host_open(&fixture->host, "local", &fixture->options, NULL, error);
}

static int set_up(void **state) {
    struct fixture *fixture = memory_new(1, sizeof(*fixture));

    if (pipe(fixture->cancel) < 0)
        return -1;
    fixture->options = (struct host_options){
        .folder = "x", .cancel_fd = fixture->cancel[0], .relay = hear, .context = fixture};
    *state = fixture;
    return 0;
}

static int set_up_open(void **state) {
    struct error error;

    return set_up(state) < 0 ? -1 : open_host(*state, "well", &error);
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;

    if (fixture->host)
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

static void assert_has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("'%s' is not in '%s'", part, text);
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

/* Nor for an event, be there one or none. */
static void test_late_answer_among_events(void **state) {
    struct fixture *fixture = *state;
    json_auto_t *event = NULL;
    struct error error;
    char byte = 'x';
    size_t which;

    assert_int_equal(write(fixture->cancel[1], &byte, 1), 1);
    assert_int_equal(host_order(fixture->host, "hold", NULL, NULL, NULL), -EINTR);
    assert_int_equal(read(fixture->cancel[0], &byte, 1), 1);
    assert_int_equal(host_notify(fixture->host, "one", NULL, NULL), 0);
    assert_int_equal(
        host_next_event(&fixture->host, 1, clock_monotonic_ns() + NS_PER_S, &event, &which, &error),
        -ETIMEDOUT);
    assert_null(event);
}

/* Nor is a deadline missed for one that speaks on, faster than it is heard: beats, bytes, words. */
static void test_flood(void **state) {
    static const char *const orders[] = {"flood", "endless-line", "flood-words"};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
        json_auto_t *event = NULL;
        struct error error = {""};
        size_t which;

        if (!fixture->host)
            assert_int_equal(open_host(fixture, "well", &error), 0);
        assert_int_equal(host_notify(fixture->host, orders[i], NULL, NULL), 0);
        for (int wait = 0; wait < 3; wait++) {
            int r = host_next_event(&fixture->host, 1, clock_monotonic_ns() + 50 * NS_PER_MS,
                                    &event, &which, &error);

            assert_true(r == -ETIMEDOUT || (r == -EPIPE && i == 1)); /* a line that is too long */
        }
        host_close(fixture->host);
        fixture->host = NULL;
    }
}

/* What a terminal would obey is in nothing that is handed out. */
static void test_escapes(void **state) {
    struct fixture *fixture = *state;
    json_auto_t *event = NULL;
    const json_t *news;
    struct error error;
    size_t which;

    assert_answers(fixture->host, "escapes");
    assert_int_equal(host_next_event(&fixture->host, 1, 0, &event, &which, &error), 0);
    news = json_object_get(json_object_get(event, "news"), "\\x1b[2J");
    assert_int_equal(json_array_size(news), 5);
    assert_int_equal(json_integer_value(json_array_get(news, 0)), 1);
    assert_true(json_is_true(json_array_get(news, 1)));
    assert_true(json_is_null(json_array_get(news, 2)));
    assert_true(json_real_value(json_array_get(news, 3)) == 0.5);
    assert_string_equal(json_string_value(json_array_get(news, 4)), "a\\x07\n\\x9b");
}

/* What an agent says of its own pipes is not said of the way to it. */
static void test_its_own_trouble(void **state) {
    struct host *host = ((struct fixture *)*state)->host;
    struct error error = {""};

    assert_int_equal(host_order(host, "own-trouble", NULL, NULL, &error), -EIO);
    assert_string_equal(error.text, "pipe\\x1b[1m");
    assert_null(host_lost(host));
    assert_answers(host, "one");
}

static void test_words_are_relayed(void **state) {
    struct fixture *fixture = *state;
    json_auto_t *event = NULL;
    size_t which;

    assert_answers(fixture->host, "words");
    for (int i = 0; i < 1000 && !strstr(fixture->said, "two"); i++)
        (void)host_next_event(&fixture->host, 1, clock_monotonic_ns() + 50 * NS_PER_MS, &event,
                              &which, NULL);
    assert_string_equal(fixture->said, "local: one|local: two|");
}

/* From whatever is no answer on, nothing of that agent is believed. */
static void test_lost(void **state) {
    static const struct {
        const char *order, *why;
    } cases[] = {
        {"leave", "host local: its agent has ended"},
        {"garbage", "host local: its agent speaks nonsense: a line of 18 bytes that is no JSON"},
        {"binary", "host local: its agent speaks nonsense: a line of 5 bytes that is no JSON"},
        {"long", "host local: its agent speaks nonsense: a line of more than 2097152 bytes"},
        {"wrong-id", "host local: its agent speaks nonsense: an answer to no question"},
        {"large-events", "host local: its agent tells more than anybody asked for"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_auto_t *event = NULL;
        struct error error = {""};
        size_t which;

        if (text_equal(cases[i].order, "large-events") &&
            under_emulator("16 MiB of JSON take longer than an answer may"))
            continue;
        if (!fixture->host)
            assert_int_equal(open_host(fixture, "well", &error), 0);
        assert_int_equal(host_order(fixture->host, cases[i].order, NULL, NULL, &error), -EPIPE);
        assert_has(error.text, cases[i].why);
        assert_has(host_lost(fixture->host), cases[i].why);
        assert_int_equal(host_order(fixture->host, "one", NULL, NULL, &error), -EPIPE);
        assert_int_equal(host_notify(fixture->host, "one", NULL, &error), -EPIPE);
        assert_int_equal(host_next_event(&fixture->host, 1, 0, &event, &which, &error), -EPIPE);
        host_close(fixture->host);
        fixture->host = NULL;
    }
}

static void test_banner(void **state) {
    struct fixture *fixture = *state;
    struct error error = {""};

    if (open_host(fixture, "banner", &error) < 0)
        fail_msg("%s", error.text);
    assert_answers(fixture->host, "one");
}

static void test_bad_greetings(void **state) {
    static const struct {
        const char *manner;
        int code;
        const char *why;
    } cases[] = {
        {"differently", -EPROTO, "host local: there is version 0.0.9 (protocol "},
        {"differently", -EPROTO, "here is " BENCH_VERSION " (protocol "},
        {"other-sources", -EPROTO, "sources 0123456789ab"},
        {"leave", -EPIPE, "its agent has ended before it greeted (exit status 7)"},
        {"endless", -EPIPE, "host local: it prints without end before it greeted"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error error = {""};

        assert_int_equal(open_host(fixture, cases[i].manner, &error), cases[i].code);
        assert_has(error.text, cases[i].why);
        assert_null(fixture->host);
    }
    assert_has(fixture->said, "local: no such thing|");
}

/* One machine has one clock. */
static void test_clocks(void **state) {
    struct fixture *fixture = *state;
    struct host_clock clock = {1, 1, 1};

    assert_int_equal(host_compare_clocks(fixture->host, &clock, NULL), 0);
    assert_true(clock.bound_ns > 0); /* this agent does not tell which kernel it runs on */
}

/* Of clocks that are known: whenever in a round trip they are looked at, what is told is right
 * within the bound, that is no more than half of the shortest. */
static void test_known_clocks(void **state) {
    static const char *const cases[] = {"late", "early", "mixed"};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct host_clock clock;
        struct error error = {""};
        int64_t begun, took;

        assert_int_equal(open_host(fixture, cases[i], &error), 0);
        begun = clock_monotonic_ns();
        assert_int_equal(host_compare_clocks(fixture->host, &clock, &error), 0);
        took = clock_monotonic_ns() - begun;
        assert_true(llabs(clock.ahead_ns - AHEAD_NS) <= clock.bound_ns);
        assert_true(llabs(clock.realtime_ahead_ns - WALL_AHEAD_NS) <= clock.bound_ns + NS_PER_MS);
        assert_true(clock.bound_ns > 0 && clock.bound_ns <= took / 2 / 16);
        if (i < 2)
            assert_true(clock.bound_ns >= 10 * NS_PER_MS);
        else
            assert_true(clock.bound_ns < 50 * NS_PER_MS);
        host_close(fixture->host);
        fixture->host = NULL;
    }
}

static void test_kinds(void **state) {
    static const struct {
        const char *spec, *why; /* NULL: it is right */
    } cases[] = {
        {"local", NULL},
        {"lab:a", NULL},
        {"lab:b", NULL},
        {"ssh://pi@pi-a", NULL},
        {"ssh://pi-a:2222", NULL},
        {"ssh://pi@[fe80::1%eth0]:22", NULL},
        {"ssh://[2001:db8::1]", NULL},
        {"ssh://CORP\\pi@pi_a.example", NULL},
        {"ssh://pi+lab@pi-a", NULL},
        {"ssh://pi@corp.example@pi-a", NULL},
        {"ssh://pi%40corp.example@pi-a:65535", NULL},
        {"exec:kubectl exec -i pod --", NULL},
        {"", "is no host"},
        {"localhost", "is no host; right would be one of: local, lab:a, lab:b, ssh://"},
        {"pi@pi-a:22", "is no host; right would be one of: local, lab:a"},
        {"pi@pi-a:22", "; over ssh it is ssh://pi@pi-a:22"},
        {"pi-a", "; over ssh it is ssh://pi-a (its name, or a Host of ~/.ssh/config)"},
        {"ssh:pi@pi-a", "'ssh:pi@pi-a' is no host; over ssh it is ssh://pi@pi-a"},
        {"ssh:/pi-a:22", "'ssh:/pi-a:22' is no host; over ssh it is ssh://pi-a:22"},
        {"ssh:", "'ssh:' is no host; over ssh it is ssh://[user@]name[:port]"},
        {"ssh:pi:secret@pi-a", "'ssh://pi:...': a password has no place in an address"},
        {"SSH://pi-a", "is no host (did you mean ssh?)"},
        {"LOCAL", "is no host (did you mean local?)"},
        {"lab:aa", "a lab has two hosts"},
        {"ssh://", "names no host"},
        {"ssh://-oProxyCommand=x", "cannot be part of it"},
        {"ssh://-x", "names no host"},
        {"ssh://pi@-x", "names no host"},
        {"ssh://@pi", "names no host"},
        {"ssh://a b", "a ' ' cannot be part of it"},
        {"ssh://pi@pi-a/home/pi", "a '/' cannot be part of it"},
        {"ssh://pi@pi-a%eth0", "a '%' cannot be part of it"},
        {"ssh://a;b@pi-a", "a ';' cannot be part of a login"},
        {"ssh://-l@pi-a", "a login cannot begin with '-'"},
        {"ssh://pi\\@pi-a", "a login cannot end in a backslash"},
        {"ssh://p%4i@pi-a", "a '%' in a login is written %25"},
        {"ssh://p%0ai@pi-a", "cannot be part of a login"},
        {"ssh://p%00i@pi-a", "cannot be part of a login"},
        {"ssh://pi@pi-a:", "'' is no port"},
        {"ssh://pi@pi-a:0", "'0' is no port"},
        {"ssh://pi@pi-a:65536", "'65536' is no port"},
        {"ssh://pi@pi-a:22x", "'22x' is no port"},
        {"ssh://pi@[::1]22", "'22' is no port"},
        {"ssh://pi@fe80::1", "an IPv6 address stands in brackets: ssh://pi@[fe80::1%eth0]"},
        {"ssh://[::1", "an IPv6 address stands in brackets"},
        {"ssh://[pi-a]", "'pi-a' is no IPv6 address"},
        {"ssh://[fe80::1]:22", "needs the interface: ssh://[fe80::1%eth0]"},
        {"ssh://[fe80::1%]", "needs the interface"},
        {"ssh://[fe80::1%eth0;x]", "a ';' cannot be part of it"},
        {"ssh://[::1%lo]", "only a link-local address (fe80::) has an interface"},
        {"exec:", "names no program"},
        {"exec:  ", "names no program"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error error = {""};

        assert_int_equal(host_kind_check(cases[i].spec, &error), cases[i].why ? -EINVAL : 0);
        if (cases[i].why)
            assert_has(error.text, cases[i].why);
    }
}

/* It is refused, and none of it comes back in the words. */
static void test_password(void **state) {
    static const char *const specs[] = {
        "ssh://pi:geheim@pi-a",    "ssh://pi:geh@geheim@pi-a:22", "ssh://pi:geheim@[::1]",
        "ssh://:geheim@pi-a",      "ssh://pi%3Ageheim@pi-a",      "pi:geheim@pi-a",
        "ssh://pi:geheim@pi-a/~/", "mqtt://pi:geheim@pi-a",       "lab:pi:geheim@pi-a",
        "ssh://pi%3ageheim@pi-a",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
        struct error error = {""};

        assert_int_equal(host_kind_check(specs[i], &error), -EINVAL);
        assert_has(error.text, "a password has no place in an address");
        assert_null(strstr(error.text, "geheim"));
    }
}

/* The command line that starts an agent, in one text. */
static void assert_command(const char *spec, const char *expected) {
    const struct launch launch = {.spec = spec, .certs = "certs", .folder = "a folder"};
    CLEANUP(words_clear) struct words words = {NULL, 0};
    CLEANUP_FREE char *line = text_copy("");
    struct error error;

    assert_int_equal(host_kind_find(spec, &error)->command(&launch, &words, &error), 0);
    for (size_t i = 0; i < words.count; i++) {
        char *longer = text_format("%s%s|", line, words.list[i]);

        free(line);
        line = longer;
    }
    assert_has(line, expected);
}

static void test_commands(void **state) {
    (void)state;
    assert_command("exec:srun -N 1", "srun|-N|1|env|BENCH_NO_INSTALL=1|a folder/bench|agent|");
    assert_command("ssh://pi@pi-a:2222", "|BatchMode=yes|");
    assert_command("ssh://pi-a", "|RemoteCommand=none|pi-a|exec env ");
    assert_command("ssh://pi@pi-a:2222", "|-lpi|-p2222|pi-a|"
                                         "exec env BENCH_NO_INSTALL=1 'a folder/bench' agent|");
    assert_command("ssh://pi@[fe80::1%eth0]:22", "|-lpi|-p22|fe80::1%eth0|exec ");
    assert_command("ssh://[::1]", "|RemoteCommand=none|::1|exec ");
    assert_command("ssh://CORP\\pi@pi-a", "|-lCORP\\pi|pi-a|exec ");
    assert_command("ssh://pi@x@pi-a", "|-lpi@x|pi-a|exec ");
    assert_command("ssh://pi+lab%40x%25@pi-a", "|-lpi+lab@x%|pi-a|exec ");
    assert_command("lab:b", "--net|");
    assert_command("lab:b", "|agent|--certs|certs/lab-b|");
}

static void test_ssh_advice(void **state) {
    static const struct {
        int status;
        const char *words, *advice;
    } cases[] = {
        {255, "Host key verification failed.\n", "connect once with `ssh -p 2222 pi@pi-a`"},
        {255, "pi@pi-a: Permission denied (publickey).\n", "`ssh-copy-id -p 2222 pi@pi-a`"},
        {255, "ssh: connect to host pi-a port 22: Connection timed out\n", "out of reach"},
        {255, "ssh: connect to host pi-a port 22: Connection refused\n", "no ssh server"},
        {255, "pi@pi-a: Permission denied (publickey).\n", "passphrase must be in an agent"},
        {255, "ssh: Could not resolve hostname pi-a: Name or service not known\n",
         "there is no host of this name; write its address, or a Host with its HostName"},
        {255, "ssh: Could not resolve hostname pi-a: Name or service not known\n",
         " (last words: ssh: Could not resolve hostname pi-a: Name or service not known"},
        {255, "kex_exchange_identification: Connection closed by remote host\n",
         "ssh cannot reach it, or the connection broke off"},
        {1, "This account is currently not available.\n\n",
         "nologin, a start-up file that ends it); `ssh -p 2222 pi@pi-a true` must end with exit "
         "status 0 (last words: This account is currently not available."},
        {0, "", "its login does not execute what it is told (a forced command"},
        {-1, "", "may read from stdin, wait, or print without end; `ssh -p 2222 pi@pi-a true`"},
        {127, "sh: 1: x/bench: not found\n",
         "there is no x/bench there; `./bench deploy ssh://pi@pi-a:2222` brings it"},
    };
    const struct launch launch = {.spec = "ssh://pi@pi-a:2222", .folder = "x"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *advice = host_kind_ssh.advise(&launch, cases[i].status, cases[i].words);

        assert_non_null(advice);
        assert_has(advice, cases[i].advice);
    }
    assert_null(host_kind_ssh.advise(&launch, 3, "bench: the build failed, see above\n"));
}

/* As a shell takes it: in quotation marks where a login has what means something to one. */
static void test_ssh_advice_in_a_shell(void **state) {
    const struct launch launch = {.spec = "ssh://CORP%5cpi@[fe80::1%eth0]", .folder = "x"};
    CLEANUP_FREE char *advice = host_kind_ssh.advise(&launch, 255, "Permission denied");

    (void)state;
    assert_has(advice, "`ssh-copy-id 'CORP\\pi@fe80::1%eth0'`");
}

/* What is to be executed there is what its launcher has printed. */
static void test_advice_on_packages(void **state) {
    static const char words[] = "Welcome\nbench: packages are missing; what installs them:\n"
                                "apt-get install -y gcc\nbench: and so on\n";
    const struct launch ssh = {.spec = "ssh://pi@pi-a", .folder = "x"}, exec = {.spec = "exec:env"};
    CLEANUP_FREE char *over_ssh = host_kind_ssh.advise(&ssh, 3, words);
    CLEANUP_FREE char *otherwise = host_kind_exec.advise(&exec, 3, words);

    (void)state;
    assert_string_equal(over_ssh, "packages are missing there, and an agent installs none; execute "
                                  "`./bench deploy ssh://pi@pi-a` here, or there: apt-get install "
                                  "-y gcc");
    assert_string_equal(otherwise, "packages are missing there, and an agent installs none; "
                                   "execute there: apt-get install -y gcc");
    assert_null(host_kind_exec.advise(&exec, 3, "Welcome\n"));
}

int main(int argc, char **argv) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_orders_and_events, set_up_open, tear_down),
        cmocka_unit_test_setup_teardown(test_late_answer, set_up_open, tear_down),
        cmocka_unit_test_setup_teardown(test_late_answer_among_events, set_up_open, tear_down),
        cmocka_unit_test_setup_teardown(test_flood, set_up_open, tear_down),
        cmocka_unit_test_setup_teardown(test_escapes, set_up_open, tear_down),
        cmocka_unit_test_setup_teardown(test_its_own_trouble, set_up_open, tear_down),
        cmocka_unit_test_setup_teardown(test_words_are_relayed, set_up_open, tear_down),
        cmocka_unit_test_setup_teardown(test_lost, set_up_open, tear_down),
        cmocka_unit_test_setup_teardown(test_banner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_greetings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_clocks, set_up_open, tear_down),
        cmocka_unit_test_setup_teardown(test_known_clocks, set_up, tear_down),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_password),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_ssh_advice),
        cmocka_unit_test(test_advice_on_packages),
        cmocka_unit_test(test_ssh_advice_in_a_shell),
    };

    if (argc == 4 && text_equal(argv[1], "agent"))
        return be_agent(argv[3]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
