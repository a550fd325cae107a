/* hosts/wire: what comes from an agent and what is sent to it, when it is taken for lost, and how
 * it ends. The agent is the test itself, or a shell. */
#include "workshop.h"

#include "base/clock.h"
#include "hosts/protocol.h"
#include "hosts/wire.h"

#include <fcntl.h>
#include <signal.h>

/* ---- the fixture: a wire whose agent is the test ---- */

struct fixture {
    struct wire wire;
    int cancel[2], in[2], out[2], err[2]; /* pipes: [0] is read, [1] written */
    char *relayed;                        /* each line in angle brackets */
    struct error error;
};

static void relay(void *context, const char *spec, const char *line) {
    struct fixture *fixture = context;
    CLEANUP_FREE char *text = text_format("%s<%s>", fixture->relayed, line);

    assert_string_equal(spec, "there");
    text_replace(&fixture->relayed, text);
}

static int set_up(void **state) {
    struct fixture *fixture = memory_new(1, sizeof(*fixture));
    int(*pipes[])[2] = {&fixture->cancel, &fixture->in, &fixture->out, &fixture->err};

    (void)signal(SIGPIPE, SIG_IGN); /* as the program does */
    for (size_t i = 0; i < ARRAY_SIZE(pipes); i++)
        assert_int_equal(pipe2(*pipes[i], O_CLOEXEC), 0);
    fixture->relayed = text_copy("");
    fixture->wire = (struct wire){
        .spec = "there",
        .cancel_fd = fixture->cancel[0],
        .relay = relay,
        .context = fixture,
        .agent = {.in_fd = fixture->in[1], .out_fd = fixture->out[0], .err_fd = fixture->err[0]}};
    jsonline_init(&fixture->wire.lines, fixture->out[0]);
    *state = fixture;
    return 0;
}

static void close_end(int *fd) {
    if (*fd >= 0)
        assert_int_equal(close(*fd), 0);
    *fd = -1;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;

    close_end(&fixture->in[0]);
    close_end(&fixture->out[1]);
    close_end(&fixture->err[1]);
    wire_clear(&fixture->wire); /* closes its ends */
    close_end(&fixture->cancel[0]);
    close_end(&fixture->cancel[1]);
    free(fixture->relayed);
    free(fixture);
    return 0;
}

static void say(int fd, const char *text) {
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int attend_until(struct fixture *fixture, int64_t deadline_ns, bool obeying) {
    struct wire_wait wait = {.deadline_ns = deadline_ns, .obeying = obeying};
    struct wire *wire = &fixture->wire;

    return wire_attend(&wire, 1, &wait, &fixture->error);
}

/* Waits for what was said already. */
static int attend(struct fixture *fixture, bool obeying) {
    return attend_until(fixture, clock_monotonic_ns(), obeying);
}

static void assert_lost(const struct fixture *fixture, const char *why) {
    struct error error;

    assert_non_null(fixture->wire.lost);
    assert_string_equal(fixture->wire.lost, why);
    assert_int_equal(wire_is_lost(&fixture->wire, &error), -EPIPE);
    assert_string_equal(error.text, why);
}

/* ---- lines ---- */

static void test_lines_without_beats(void **state) {
    struct fixture *fixture = *state;
    json_t *line = NULL;

    assert_int_equal(wire_take_line(&fixture->wire, &line), 0);
    say(fixture->out[1], "{\"beat\": 1}\n{\"a\": 1}\n{\"beat\": 2}\n{\"b\"");
    assert_int_equal(attend(fixture, false), 0);
    assert_int_equal(wire_take_line(&fixture->wire, &line), 1);
    assert_non_null(json_object_get(line, "a"));
    json_decref(line);
    assert_int_equal(wire_take_line(&fixture->wire, &line), 0);
    say(fixture->out[1], ": 2}\n");
    assert_int_equal(attend(fixture, false), 0);
    assert_int_equal(wire_take_line(&fixture->wire, &line), 1);
    assert_non_null(json_object_get(line, "b"));
    json_decref(line);
    assert_null(fixture->wire.lost);
}

/* What came whole before the nonsense counts; nothing after it does. */
static void test_nonsense(void **state) {
    struct fixture *fixture = *state;
    json_t *line = NULL;

    say(fixture->out[1], "{\"a\": 1}\nwhat?\n{\"b\": 1}\n");
    assert_int_equal(attend(fixture, false), 0);
    assert_int_equal(wire_take_line(&fixture->wire, &line), 1);
    json_decref(line);
    assert_int_equal(wire_take_line(&fixture->wire, &line), -EPIPE);
    assert_lost(fixture, "host there: its agent speaks nonsense: a line of 5 bytes that is no JSON "
                         "object");
}

static void test_end(void **state) {
    struct fixture *fixture = *state;
    json_t *line = NULL;

    close_end(&fixture->out[1]);
    assert_int_equal(attend(fixture, false), 0);
    assert_lost(fixture, "host there: its agent has ended");
    assert_int_equal(wire_take_line(&fixture->wire, &line), -EPIPE);
    wire_lose(&fixture->wire, "another %s", "reason");
    assert_lost(fixture, "host there: its agent has ended");
}

static void test_sending(void **state) {
    struct fixture *fixture = *state;
    char text[64] = "";

    assert_int_equal(wire_send(&fixture->wire, json_pack("{s:i}", "a", 1), NULL), 0);
    assert_true(read(fixture->in[0], text, sizeof(text) - 1) > 0);
    assert_string_equal(text, "{\"a\":1}\n");
    close_end(&fixture->in[0]);
    assert_int_equal(wire_send(&fixture->wire, json_object(), &fixture->error), -EPIPE);
    assert_string_equal(fixture->error.text, "host there: its agent has ended");
    assert_int_equal(wire_send(&fixture->wire, json_object(), &fixture->error), -EPIPE);
}

/* ---- silence, and beats ---- */

#define LONG_AGO (clock_monotonic_ns() - AGENT_SILENCE_NS - NS_PER_S)

/* Only of who is watched and has nothing else to do is anything expected. */
static void test_silence(void **state) {
    static const struct {
        bool watched, obeying, silent, speaks, lost;
    } cases[] = {
        {true, false, true, false, true}, {false, false, true, false, false},
        {true, true, true, false, false}, {true, false, false, false, false},
        {true, false, true, true, false},
    };
    struct fixture *fixture = *state;
    struct wire *wire = &fixture->wire;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        wire->watched = cases[i].watched;
        wire->heard_ns = cases[i].silent ? LONG_AGO : clock_monotonic_ns();
        if (cases[i].speaks)
            say(fixture->out[1], "{\"beat\": 1}\n");
        (void)attend(fixture, cases[i].obeying);
        assert_int_equal(!!wire->lost, cases[i].lost);
        if (cases[i].lost)
            assert_lost(fixture, "host there: nothing was heard of its agent for 10 s");
        if (cases[i].speaks)
            assert_true(wire->heard_ns > LONG_AGO + AGENT_SILENCE_NS / 2);
        free(wire->lost);
        wire->lost = NULL;
    }
}

/* Words on stderr are of whoever carries it, too: no sign of an agent's life. */
static void test_words_are_no_life(void **state) {
    struct fixture *fixture = *state;

    fixture->wire.watched = true;
    fixture->wire.heard_ns = LONG_AGO;
    say(fixture->err[1], "still there\n");
    assert_int_equal(attend(fixture, false), 0);
    assert_string_equal(fixture->relayed, "<still there>");
    assert_lost(fixture, "host there: nothing was heard of its agent for 10 s");
}

/* How many bytes wait for the agent. */
static int waiting(const struct fixture *fixture) {
    char text[256];
    ssize_t n;

    assert_int_equal(fcntl(fixture->in[0], F_SETFL, O_NONBLOCK), 0);
    n = read(fixture->in[0], text, sizeof(text));
    return n > 0 ? (int)n : 0;
}

static void test_beats(void **state) {
    static const char beat[] = "{\"order\":\"beat\"}\n";
    struct fixture *fixture = *state;
    struct wire *wire = &fixture->wire;

    wire->heard_ns = clock_monotonic_ns();
    (void)attend(fixture, true);
    assert_int_equal(waiting(fixture), 0); /* it is not watched */
    wire->watched = true;
    (void)attend(fixture, true);
    assert_int_equal(waiting(fixture), strlen(beat));
    (void)attend(fixture, true);
    assert_int_equal(waiting(fixture), 0); /* it has just had one */
    wire->beat_ns = clock_monotonic_ns() - AGENT_BEAT_NS;
    (void)attend(fixture, true);
    assert_int_equal(waiting(fixture), strlen(beat));
    wire->beat_ns = 0;
    wire_lose(wire, "by the test");
    (void)attend(fixture, true);
    assert_int_equal(waiting(fixture), 0);
}

/* ---- waiting ---- */

static void test_deadline(void **state) {
    struct fixture *fixture = *state;
    int64_t now = clock_monotonic_ns();

    assert_int_equal(attend_until(fixture, now + 20 * NS_PER_MS, true), -ETIMEDOUT);
    assert_string_equal(fixture->error.text, "nothing happened in time");
    assert_true(clock_monotonic_ns() >= now + 20 * NS_PER_MS);
    say(fixture->out[1], "{\"a\": 1}\n");
    assert_int_equal(attend_until(fixture, now, true), 0);
    say(fixture->err[1], "a\n");
    assert_int_equal(attend_until(fixture, now, true), 0);
    /* A beat may be due before the deadline. */
    assert_int_equal(attend_until(fixture, now + 3600 * NS_PER_S, true), 0);
    say(fixture->cancel[1], "x");
    assert_int_equal(attend_until(fixture, now, true), -EINTR);
    assert_string_equal(fixture->error.text, "interrupted");
}

/* Nobody who always has something to say keeps us beyond the deadline for more than a while. */
static void test_deadline_of_one_that_speaks_on(void **state) {
    struct fixture *fixture = *state;
    struct wire_wait wait = {.deadline_ns = clock_monotonic_ns(), .obeying = true};
    struct wire *wire = &fixture->wire;
    int moments = 0;

    do
        say(fixture->out[1], "{\"beat\": 1}\n");
    while (wire_attend(&wire, 1, &wait, &fixture->error) == 0 && ++moments < 1000);
    assert_in_range(moments, 100, 999);
    assert_null(wire->lost);
}

/* Of two, each is read; of one that is lost only its words are. */
static void test_two(void **state) {
    struct fixture *fixture = *state;
    void *inner;
    struct fixture *second;
    struct wire_wait wait = {.deadline_ns = clock_monotonic_ns()};
    struct wire *wires[2];
    json_t *line = NULL;

    (void)set_up(&inner);
    second = inner;
    wires[0] = &fixture->wire;
    wires[1] = &second->wire;
    wire_lose(wires[0], "by the test");
    say(fixture->out[1], "{\"a\": 1}\n");
    say(fixture->err[1], "one\n");
    say(second->out[1], "{\"b\": 1}\n");
    say(second->err[1], "two\n");
    assert_int_equal(wire_attend(wires, 2, &wait, NULL), 0);
    assert_int_equal(wire_take_line(wires[0], &line), -EPIPE);
    assert_int_equal(wire_take_line(wires[1], &line), 1);
    assert_non_null(json_object_get(line, "b"));
    json_decref(line);
    assert_string_equal(fixture->relayed, "<one>");
    assert_string_equal(second->relayed, "<two>");
    (void)tear_down(&inner);
}

/* ---- words on stderr ---- */

static void test_words(void **state) {
    struct fixture *fixture = *state;

    say(fixture->err[1], "one\r\n\n\r\ntwo");
    assert_int_equal(write(fixture->err[1], "\0x", 2), 2);
    assert_int_equal(attend(fixture, true), 0);
    assert_string_equal(fixture->relayed, "<one>");
    close_end(&fixture->err[1]);
    assert_int_equal(attend(fixture, true), 0);
    assert_string_equal(fixture->relayed, "<one><twox>"); /* the last line has no end */
    assert_int_equal(fixture->wire.agent.err_fd, -1);
    assert_int_equal(attend(fixture, true), -ETIMEDOUT); /* and is not looked at again */
    assert_null(fixture->wire.lost);
    assert_string_equal(fixture->wire.last_words, "one\ntwox\n");
}

/* A line without end is told in pieces; of what was said last, 4096 bytes are kept. */
static void test_long_words(void **state) {
    struct fixture *fixture = *state;
    char text[1001], piece[1024];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 5; i++) {
        text[0] = (char)('0' + i);
        say(fixture->err[1], text);
        assert_int_equal(attend(fixture, true), 0);
    }
    assert_int_equal(strlen(fixture->relayed), 4 * (1023 + 2));
    (void)snprintf(piece, sizeof(piece), "%.1023s", fixture->relayed + 1);
    assert_memory_equal(piece, "0xx", 3);
    assert_memory_equal(piece + 1000, "1xx", 3);
    say(fixture->err[1], "\n");
    assert_int_equal(attend(fixture, true), 0);
    assert_int_equal(strlen(fixture->relayed), 5000 + 5 * 2);
    assert_int_equal(strlen(fixture->wire.last_words), 4096);
    assert_has(fixture->wire.last_words, "4xx");
    assert_has_not(fixture->wire.last_words, "0xx");
}

/* What a terminal would obey is shown, in what is relayed and in what is kept; a line that is too
 * long is still cut at the bytes that came. */
static void test_words_that_a_terminal_obeys(void **state) {
    struct fixture *fixture = *state;

    say(fixture->err[1], "\x1b]0;title\x07 \xc2\x9b"
                         "1m \xff \xc3\xa4\tb\n");
    assert_int_equal(attend(fixture, true), 0);
    assert_string_equal(fixture->relayed, "<\\x1b]0;title\\x07 \\x9b1m \\xff \xc3\xa4\\x09b>");
    assert_string_equal(fixture->wire.last_words,
                        "\\x1b]0;title\\x07 \\x9b1m \\xff \xc3\xa4\\x09b\n");
}

/* ---- the end of a real agent ---- */

/* Instead of the test, a shell is the agent. */
static void become(struct fixture *fixture, const char *script) {
    const char *const argv[] = {"sh", "-c", script, NULL};
    const struct process_options options = {.program = "/bin/sh",
                                            .argv = argv,
                                            .in = PROCESS_PIPE,
                                            .out = PROCESS_PIPE,
                                            .err = PROCESS_PIPE};

    close_end(&fixture->in[1]);
    close_end(&fixture->out[0]);
    close_end(&fixture->err[0]);
    if (process_start(&fixture->wire.agent, &options, &fixture->error) < 0)
        fail_msg("%s", fixture->error.text);
    jsonline_clear(&fixture->wire.lines);
    jsonline_init(&fixture->wire.lines, fixture->wire.agent.out_fd);
}

/* Closing its stdin is enough; it is given time, and all that it still says is taken. */
static void test_ends_by_itself(void **state) {
    static const char script[] = "while read -r line; do :; done; head -c 300000 /dev/zero | tr "
                                 "'\\0' '\\n'; echo late; exec >&-; sleep 0.1; echo last >&2; "
                                 "echo done >>%s/file";
    struct fixture *fixture = *state;
    CLEANUP(workshop_removep) char *folder = workshop_make();
    CLEANUP_FREE char *filled = text_format(script, folder), *written = NULL;
    pid_t pid;

    become(fixture, filled);
    pid = fixture->wire.agent.pid;
    wire_end(&fixture->wire);
    written = workshop_get(folder, "file");
    assert_string_equal(written, "done\n");
    assert_string_equal(fixture->relayed, "<last>");
    assert_int_equal(fixture->wire.agent.pid, 0);
    assert_int_equal(kill(pid, 0), -1);
    wire_end(&fixture->wire); /* nothing is left to do */
}

/* One that has much to say on stderr before it can end is read meanwhile; its last word of all has
 * no line end. */
static void test_fills_stderr_while_it_ends(void **state) {
    struct fixture *fixture = *state;
    const char *words;

    become(fixture, "while read -r line; do :; done; head -c 300000 /dev/zero | tr '\\0' x >&2; "
                    "printf '\\nlast' >&2; echo more");
    wire_end(&fixture->wire);
    words = fixture->wire.last_words;
    assert_string_equal(words + strlen(words) - strlen("xx\nlast\n"), "xx\nlast\n");
    assert_int_equal(strlen(words), 4096);
}

/* A line without end is taken although another holds the stream open. */
static void test_another_holds_stderr(void **state) {
    struct fixture *fixture = *state;
    CLEANUP_FREE char *how = NULL;

    become(fixture, "sleep 2 & printf last >&2; exit 3");
    assert_int_equal(wire_reap(&fixture->wire, &how), 3);
    assert_string_equal(fixture->wire.last_words, "last\n");
}

/* Others may have inherited its stderr, and fill it without end: it is not waited for. */
static void test_another_fills_stderr(void **state) {
    struct fixture *fixture = *state;
    CLEANUP_FREE char *how = NULL;

    become(fixture, "yes word >&2 & exit 3");
    assert_int_equal(wire_reap(&fixture->wire, &how), 3);
    assert_string_equal(how, "exit status 3");
    memory_close_fdp(&fixture->wire.agent.err_fd); /* and so it ends */
}

/* Who does not end is killed; of one that is lost nothing is hoped for long. */
static void test_is_killed(void **state) {
    struct fixture *fixture = *state;
    int64_t start = clock_monotonic_ns();
    pid_t pid;

    become(fixture, "echo words >&2; exec sleep 3600");
    pid = fixture->wire.agent.pid;
    wire_lose(&fixture->wire, "by the test");
    wire_end(&fixture->wire);
    assert_int_equal(kill(pid, 0), -1);
    assert_true(clock_monotonic_ns() - start >= NS_PER_S);
    assert_string_equal(fixture->relayed, "<words>");
}

static void test_reap(void **state) {
    static const struct {
        const char *script;
        int status;
        const char *how;
    } cases[] = {
        {"echo a >&2; exit 7", 7, "exit status 7"},
        {"echo a >&2", 0, "exit status 0"},
        {"echo a >&2; kill -KILL $$", -1, "killed by SIGKILL"},
        {"exec sleep 3600", -1, "and it did not end"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *how = NULL;
        struct fixture *fixture;
        void *inner;

        (void)set_up(&inner);
        fixture = inner;
        become(fixture, cases[i].script);
        assert_int_equal(wire_reap(&fixture->wire, &how), cases[i].status);
        assert_string_equal(how, cases[i].how);
        assert_int_equal(fixture->wire.agent.pid, 0);
        if (strstr(cases[i].script, "echo"))
            assert_string_equal(fixture->wire.last_words, "a\n");
        (void)tear_down(&inner);
    }
}

#define WIRE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    static const struct CMUnitTest tests[] = {
        WIRE_TEST(test_lines_without_beats),
        WIRE_TEST(test_nonsense),
        WIRE_TEST(test_end),
        WIRE_TEST(test_sending),
        WIRE_TEST(test_silence),
        WIRE_TEST(test_words_are_no_life),
        WIRE_TEST(test_beats),
        WIRE_TEST(test_deadline),
        WIRE_TEST(test_deadline_of_one_that_speaks_on),
        WIRE_TEST(test_two),
        WIRE_TEST(test_words),
        WIRE_TEST(test_long_words),
        WIRE_TEST(test_words_that_a_terminal_obeys),
        WIRE_TEST(test_ends_by_itself),
        WIRE_TEST(test_fills_stderr_while_it_ends),
        WIRE_TEST(test_another_holds_stderr),
        WIRE_TEST(test_another_fills_stderr),
        WIRE_TEST(test_is_killed),
        cmocka_unit_test(test_reap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
