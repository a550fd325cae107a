/* hosts/takeover: whoever claims a name ends the agent that had it. */
#include "base/clock.h"
#include "base/memory.h"
#include "hosts/takeover.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A name that no other test has. */
static char *make_name(void) {
    return text_format("test-%d-%lld", (int)getpid(), (long long)(clock_monotonic_ns() % NS_PER_S));
}

static pid_t start_holder(const char *name) {
    int ready[2], fd = -1;
    char byte;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        if (takeover_claim(&fd, name, NULL) < 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    return pid;
}

static void test_ends_the_holder(void **state) {
    CLEANUP_FREE char *name = make_name();
    pid_t holder = start_holder(name);
    struct error error = {""};
    int fd = -1, status = 0;

    (void)state;
    if (takeover_claim(&fd, name, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(waitpid(holder, &status, 0), holder);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    (void)close(fd);
}

static void test_others_are_left_alone(void **state) {
    CLEANUP_FREE char *name = make_name(), *other = text_format("%s-1", name);
    pid_t holder = start_holder(other);
    int fd = -1, status;

    (void)state;
    assert_int_equal(takeover_claim(&fd, name, NULL), 0);
    assert_int_equal(waitpid(holder, &status, WNOHANG), 0);
    (void)close(fd);
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(waitpid(holder, &status, 0), holder);
    assert_int_equal(takeover_claim(&fd, other, NULL), 0); /* nothing of it has stayed */
    (void)close(fd);
}

/* Who may end any process ends only what is of the same user. */
static void test_of_another_user(void **state) {
    CLEANUP_FREE char *name = make_name();
    struct error error = {""};
    int fd = -1, status;
    pid_t holder;

    (void)state;
    if (geteuid() != 0 || seteuid(65534) < 0)
        skip();
    holder = start_holder(name);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(takeover_claim(&fd, name, &error), -EACCES);
    assert_string_equal(error.text, "the name of this agent is held by another user (uid 65534)");
    assert_int_equal(waitpid(holder, &status, WNOHANG), 0);
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(waitpid(holder, &status, 0), holder);
}

static void test_names(void **state) {
    static const char too_long[] =
        "0123456789-0123456789-0123456789-0123456789-0123456789-0123456789";
    const char *const bad[] = {"", "a/b", "A", "a b", too_long};
    struct error error = {""};
    int fd = -1;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(takeover_claim(&fd, bad[i], &error), -EINVAL);
    assert_int_equal(fd, -1);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends_the_holder),
        cmocka_unit_test(test_others_are_left_alone),
        cmocka_unit_test(test_of_another_user),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
