/* base/jsonline: objects over a pipe, in whatever pieces they come. */
#include "base/jsonline.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LATER(ms) (clock_monotonic_ns() + (ms)*NS_PER_MS)

struct fixture {
    int out; /* the writing end */
    struct jsonline_reader reader;
    struct error error;
};

static int set_up(void **state) {
    struct fixture *fixture = memory_new(1, sizeof(*fixture));
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    jsonline_init(&fixture->reader, ends[0]);
    fixture->out = ends[1];
    *state = fixture;
    return 0;
}

static void hang_up(struct fixture *fixture) {
    if (fixture->out >= 0)
        (void)close(fixture->out);
    fixture->out = -1;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;

    hang_up(fixture);
    (void)close(fixture->reader.fd);
    jsonline_clear(&fixture->reader);
    assert_int_equal(fixture->reader.fd, -1);
    free(fixture);
    return 0;
}

static void put_bytes(const struct fixture *fixture, const void *bytes, size_t length) {
    assert_int_equal(write(fixture->out, bytes, length), length);
}

static void put(const struct fixture *fixture, const char *text) {
    put_bytes(fixture, text, strlen(text));
}

/* Waits for a line that must not take long. */
static int wait_line(struct fixture *fixture, json_t **ret) {
    return jsonline_wait(&fixture->reader, -1, LATER(60000), ret, &fixture->error);
}

/* The next line is an object whose "n" is this. */
static void assert_next(struct fixture *fixture, int64_t n) {
    json_auto_t *line = NULL;

    if (wait_line(fixture, &line) != 0)
        fail_msg("%s", fixture->error.text);
    assert_int_equal(jsonline_integer(line, "n", -1), n);
}

static void assert_bad(struct fixture *fixture, const char *message) {
    json_t *line = NULL;

    assert_int_equal(wait_line(fixture, &line), -EBADMSG);
    assert_null(line);
    assert_string_equal(fixture->error.text, message);
}

static void test_pieces(void **state) {
    struct fixture *fixture = *state;
    json_t *line = NULL;

    for (const char *c = "{\"n\": 1}"; *c; c++) {
        put_bytes(fixture, c, 1);
        assert_int_equal(jsonline_fill(&fixture->reader, &fixture->error), 1);
        assert_int_equal(jsonline_next(&fixture->reader, &line, &fixture->error), 0);
        assert_int_equal(jsonline_next(&fixture->reader, &line, NULL), 0);
    }
    put(fixture, "\n{\"n\":");
    assert_next(fixture, 1);
    put(fixture, "2}\n");
    assert_next(fixture, 2);
}

static void test_many_in_one_read(void **state) {
    struct fixture *fixture = *state;

    put(fixture, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\r\n \t{\"n\":4} \n{\"n\":5");
    assert_int_equal(jsonline_fill(&fixture->reader, &fixture->error), 42);
    for (int64_t n = 1; n <= 4; n++) {
        json_auto_t *line = NULL;

        assert_int_equal(jsonline_next(&fixture->reader, &line, &fixture->error), 1);
        assert_int_equal(jsonline_integer(line, "n", -1), n);
    }
    put(fixture, "}\n");
    assert_next(fixture, 5);
}

/* A line that is no object is skipped and complained about; what follows is not lost. It
 * is not quoted: a line may carry a password. */
static void test_garbage(void **state) {
    struct fixture *fixture = *state;

    put(fixture, "garbage\n\n[1]\n\"text\"\n7\n{\"n\":1\n{\"n\":1}{\"n\":2}\n{\"n\":3}\n");
    assert_bad(fixture, "a line of 7 bytes that is no JSON object");
    assert_bad(fixture, "a line of 0 bytes that is no JSON object");
    assert_bad(fixture, "a line of 3 bytes that is no JSON object");
    assert_bad(fixture, "a line of 6 bytes that is no JSON object");
    assert_bad(fixture, "a line of 1 bytes that is no JSON object");
    assert_bad(fixture, "a line of 6 bytes that is no JSON object");
    assert_bad(fixture, "a line of 14 bytes that is no JSON object");
    assert_next(fixture, 3);
}

static void test_binary(void **state) {
    static const char bytes[] = "\0\xff\x7f"
                                "ELF\n{\"n\":\"\xff\"}\n{\"n\":\0 1}\n{\"n\":\"\\u0000\"}"
                                "\n{\"n\":1}\n";
    struct fixture *fixture = *state;

    put_bytes(fixture, bytes, sizeof(bytes) - 1);
    for (int i = 0; i < 4; i++) {
        json_t *line = NULL;

        assert_int_equal(wait_line(fixture, &line), -EBADMSG);
        assert_null(line);
    }
    assert_next(fixture, 1);
}

/* ---- lines that are too long for the pipe: a thread writes them ---- */

struct flood {
    int fd;
    size_t length;    /* of one line of blanks and an object */
    const char *tail; /* its end, line end included */
};

static void *pour(void *argument) {
    struct flood *flood = argument;
    size_t left = flood->length - strlen(flood->tail);
    static char blanks[10000];

    memset(blanks, ' ', sizeof(blanks));
    while (left > 0) {
        ssize_t n = write(flood->fd, blanks, left < sizeof(blanks) ? left : sizeof(blanks));

        if (n < 0)
            return NULL;
        left -= (size_t)n;
    }
    (void)!write(flood->fd, flood->tail, strlen(flood->tail));
    return NULL;
}

/* Has the line poured in and waits for what comes of it. */
static int wait_flood(struct fixture *fixture, size_t length, const char *tail, json_t **ret) {
    struct flood flood = {fixture->out, length, tail};
    pthread_t thread;
    int r;

    assert_int_equal(pthread_create(&thread, NULL, pour, &flood), 0);
    r = wait_line(fixture, ret);
    while (r == -EMSGSIZE && fixture->reader.length == 0 &&
           jsonline_fill(&fixture->reader, NULL) > 0 &&
           !memchr(fixture->reader.buffer, '\n', fixture->reader.length))
        fixture->reader.length = 0; /* drain what a broken peer still sends */
    assert_int_equal(pthread_join(thread, NULL), 0);
    return r;
}

static void test_long_line(void **state) {
    struct fixture *fixture = *state;
    json_auto_t *line = NULL;

    assert_int_equal(wait_flood(fixture, JSONLINE_MAX_BYTES - 100000, "{\"n\":1}\n", &line), 0);
    assert_int_equal(jsonline_integer(line, "n", -1), 1);
    put(fixture, "{\"n\":2}\n");
    assert_next(fixture, 2);
}

static void test_too_long_line(void **state) {
    struct fixture *fixture = *state;
    json_t *line = NULL;

    assert_int_equal(wait_flood(fixture, 2 * JSONLINE_MAX_BYTES, "{\"n\":1}\n", &line), -EMSGSIZE);
    assert_null(line);
    assert_string_equal(fixture->error.text, "a line of more than 2097152 bytes");
}

/* What is left of a line that was too long is no line of its own. */
static void test_rest_of_too_long_line(void **state) {
    struct fixture *fixture = *state;
    struct flood flood = {fixture->out, JSONLINE_MAX_BYTES + 1, ""};
    pthread_t thread;
    json_t *line = NULL;

    assert_int_equal(pthread_create(&thread, NULL, pour, &flood), 0);
    assert_int_equal(wait_line(fixture, &line), -EMSGSIZE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    put(fixture, "{\"n\":1}\n{\"n\":2}\n");
    assert_next(fixture, 2);
}

/* ---- ends of waiting ---- */

static void test_end_of_stream(void **state) {
    struct fixture *fixture = *state;
    json_t *line = NULL;

    put(fixture, "{\"n\":1}\n{\"n\":2}");
    hang_up(fixture);
    assert_next(fixture, 1);
    assert_int_equal(wait_line(fixture, &line), -EPIPE);
    assert_string_equal(fixture->error.text, "the other side has ended");
    assert_int_equal(wait_line(fixture, &line), -EPIPE); /* and stays so */
    assert_int_equal(jsonline_fill(&fixture->reader, &fixture->error), 0);
}

static void test_deadline(void **state) {
    struct fixture *fixture = *state;
    int64_t start = clock_monotonic_ns(), waited;
    json_t *line = NULL;

    put(fixture, "{\"n\":");
    assert_int_equal(
        jsonline_wait(&fixture->reader, -1, start + 60 * NS_PER_MS, &line, &fixture->error),
        -ETIMEDOUT);
    waited = clock_monotonic_ns() - start;
    assert_true(waited >= 60 * NS_PER_MS && waited < 60 * NS_PER_S);
    assert_string_equal(fixture->error.text, "no answer in time");
    put(fixture, "1}\n"); /* what was read so far is kept */
    assert_int_equal(jsonline_wait(&fixture->reader, -1, start, &line, &fixture->error), 0);
    json_decref(line);
}

static void test_cancel(void **state) {
    struct fixture *fixture = *state;
    json_auto_t *line = NULL;
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(jsonline_wait(&fixture->reader, ends[0], LATER(20), &line, &fixture->error),
                     -ETIMEDOUT);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(jsonline_wait(&fixture->reader, ends[0], LATER(60000), &line, &fixture->error),
                     -EINTR);
    assert_string_equal(fixture->error.text, "interrupted");
    /* A line that is there already is not lost by it. */
    put(fixture, "{\"n\":1}\n");
    assert_int_equal(jsonline_fill(&fixture->reader, NULL), 8);
    assert_int_equal(jsonline_wait(&fixture->reader, ends[0], LATER(60000), &line, &fixture->error),
                     0);
    assert_int_equal(close(ends[0]) + close(ends[1]), 0);
}

static void test_not_blocking(void **state) {
    struct fixture *fixture = *state;

    assert_int_equal(fcntl(fixture->reader.fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(jsonline_fill(&fixture->reader, &fixture->error), -EAGAIN);
    assert_int_equal(jsonline_fill(&fixture->reader, NULL), -EAGAIN);
}

/* ---- sending ---- */

static void test_send(void **state) {
    struct fixture *fixture = *state;
    json_auto_t *line = NULL;
    char raw[64] = "";

    assert_int_equal(jsonline_send(fixture->out, json_pack("{s:i,s:s}", "n", 1, "t", "a\n\"b\""),
                                   &fixture->error),
                     0);
    assert_true(read(fixture->reader.fd, raw, sizeof(raw) - 1) > 0);
    assert_string_equal(raw, "{\"n\":1,\"t\":\"a\\n\\\"b\\\"\"}\n");
    put(fixture, raw);
    assert_int_equal(wait_line(fixture, &line), 0);
    assert_string_equal(jsonline_text(line, "t", NULL), "a\n\"b\"");
    assert_string_equal(jsonline_text(line, "n", "fallback"), "fallback");
    assert_null(jsonline_text(line, "none", NULL));
    assert_int_equal(jsonline_integer(line, "t", 42), 42);
    assert_int_equal(jsonline_integer(NULL, "t", 42), 42);
}

static void test_send_to_nobody(void **state) {
    struct fixture *fixture = *state;
    int ends[2];

    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(jsonline_send(ends[1], json_object(), &fixture->error), -EPIPE);
    assert_string_equal(fixture->error.text, "sending a line: Broken pipe");
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(jsonline_send(fixture->out, NULL, &fixture->error), -EINVAL);
}

/* JSON would not have what is no UTF-8: nothing would be sent at all. */
static void test_words(void **state) {
    static const struct {
        const char *words, *sent;
    } cases[] = {
        {"", ""},
        {"/srv/j\xc3\xbcrg", "/srv/j\xc3\xbcrg"},
        {"/srv/j\xfcrg", "/srv/j?rg"},
        {"cut amid \xc3", "cut amid ?"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_auto_t *line = NULL;

        assert_int_equal(jsonline_send(fixture->out,
                                       json_pack("{s:o}", "why", jsonline_words(cases[i].words)),
                                       &fixture->error),
                         0);
        assert_int_equal(jsonline_wait(&fixture->reader, -1, LATER(60000), &line, &fixture->error),
                         0);
        assert_string_equal(jsonline_text(line, "why", NULL), cases[i].sent);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    static const struct CMUnitTest tests[] = {
        TEST(test_pieces),
        TEST(test_many_in_one_read),
        TEST(test_garbage),
        TEST(test_binary),
        TEST(test_long_line),
        TEST(test_too_long_line),
        TEST(test_rest_of_too_long_line),
        TEST(test_end_of_stream),
        TEST(test_deadline),
        TEST(test_cancel),
        TEST(test_not_blocking),
        TEST(test_send),
        TEST(test_send_to_nobody),
        TEST(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
