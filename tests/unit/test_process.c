/* base/process: children start, report, die and are found as promised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/process.h"
#include "emulator.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGV(...)  ((const char *const[]){__VA_ARGS__, NULL})
#define LONG_NS    (60 * NS_PER_S)
#define SH(script) ARGV("/bin/sh", "-c", script)

static struct process start(const struct process_options *options) {
    struct process process = PROCESS_NONE;
    struct error error;

    if (process_start(&process, options, &error) < 0)
        fail_msg("%s", error.text);
    return process;
}

static struct process_end wait_for_end(struct process *process) {
    struct process_end end = {.status = -1};

    for (int i = 0; i < 6000 && !process_reap(process, &end); i++)
        clock_sleep_until(clock_monotonic_ns() + 10 * NS_PER_MS);
    assert_int_equal(process->pid, 0);
    return end;
}

/* All that comes out of fd until its end, as text; closes it. */
static char *read_all(int fd) {
    char *text = memory_new(4096, 1);
    size_t length = 0;
    ssize_t n;

    while ((n = read(fd, text + length, 4095 - length)) > 0)
        length += (size_t)n;
    (void)close(fd);
    return text;
}

static void test_pipes(void **state) {
    struct process process = start(&(struct process_options){
        .argv = SH("read -r line; echo \"got $line\"; echo oops >&2; exit 3"),
        .in = PROCESS_PIPE,
        .out = PROCESS_PIPE,
        .err = PROCESS_PIPE});
    CLEANUP_FREE char *out = NULL, *err = NULL;

    (void)state;
    assert_int_equal(write(process.in_fd, "hello\n", 6), 6);
    (void)close(process.in_fd);
    out = read_all(process.out_fd);
    err = read_all(process.err_fd);
    assert_string_equal(out, "got hello\n");
    assert_string_equal(err, "oops\n");
    assert_int_equal(WEXITSTATUS(wait_for_end(&process).status), 3);
}

static void test_null_and_environment(void **state) {
    const struct process_options options = {
        .argv = SH("cat; echo \"$BENCH_X $HOME$BENCH_Y\"; echo lost >&2"),
        .environment = ARGV("BENCH_X=1 2", "HOME=/here", "BENCH_Y"),
        .out = PROCESS_PIPE};
    CLEANUP_FREE char *out = NULL;
    struct process process;

    (void)state;
    assert_int_equal(setenv("BENCH_Y", "ours", 1), 0);
    process = start(&options);
    out = read_all(process.out_fd);
    assert_string_equal(getenv("BENCH_Y"), "ours");
    assert_string_equal(out, "1 2 /here\n");
    assert_int_equal(process.in_fd, -1);
    assert_int_equal(process.err_fd, -1);
    assert_int_equal(wait_for_end(&process).status, 0);
    assert_null(getenv("BENCH_X"));
}

static void assert_no_start(const char *path, int code) {
    struct process process = PROCESS_NONE;
    struct error error;

    assert_int_equal(process_start(&process,
                                   &(struct process_options){
                                       .argv = ARGV(path), .in = PROCESS_PIPE, .out = PROCESS_PIPE},
                                   &error),
                     code);
    assert_non_null(strstr(error.text, path));
    assert_non_null(strstr(error.text, strerror(-code)));
    assert_int_equal(process.pid, 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie either */
    assert_int_equal(errno, ECHILD);
}

static void test_exec_failure_is_reported(void **state) {
    int before = dup(0);

    (void)state;
    (void)close(before);
    assert_no_start("/nonexistent/program", -ENOENT);
    assert_no_start("/tmp", -EACCES);
    assert_no_start("/etc/passwd", -EACCES);
    assert_int_equal(dup(0), before); /* no descriptor was leaked */
    (void)close(before);
}

static void test_exec_failure_without_words(void **state) {
    struct process process = PROCESS_NONE;

    (void)state;
    assert_int_equal(
        process_start(&process, &(struct process_options){.argv = ARGV("/nonexistent")}, NULL),
        -ENOENT);
}

static void test_inherits_three_descriptors_only(void **state) {
    CLEANUP_FD int careless = open("/dev/null", O_RDONLY); /* no O_CLOEXEC, as libraries do */
    struct process process =
        start(&(struct process_options){.argv = SH("for fd in 3 4 5 6 7 8 9; do "
                                                   "[ ! -e /proc/$$/fd/$fd ] || echo $fd; done"),
                                        .out = PROCESS_PIPE});
    CLEANUP_FREE char *out = read_all(process.out_fd);

    (void)state;
    assert_true(careless > 2 && careless < 10);
    assert_string_equal(out, "");
    (void)wait_for_end(&process);
}

/* Who asks for it has as many descriptors as it may have; who does not keeps the parent's limit. */
static void test_many_files(void **state) {
    struct rlimit own, less;

    (void)state;
    if (under_emulator("a limit of descriptors would be the emulator's own"))
        return;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &own), 0);
    less = (struct rlimit){.rlim_cur = own.rlim_max < 100 ? own.rlim_max : 100,
                           .rlim_max = own.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &less), 0);
    for (int many = 0; many < 2; many++) {
        struct process process = start(&(struct process_options){.argv = SH("ulimit -Sn"),
                                                                 .in = PROCESS_NULL,
                                                                 .out = PROCESS_PIPE,
                                                                 .err = PROCESS_KEEP,
                                                                 .many_files = many});
        CLEANUP_FREE char *said = read_all(process.out_fd);
        CLEANUP_FREE char *expected =
            own.rlim_max == RLIM_INFINITY && many
                ? text_copy("unlimited\n")
                : text_format("%lld\n", (long long)(many ? own.rlim_max : less.rlim_cur));

        process.out_fd = -1;
        (void)wait_for_end(&process);
        assert_string_equal(said, expected);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &own), 0);
}

static void test_own_group_and_default_signals(void **state) {
    struct process process;
    char byte;

    (void)state;
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    process =
        start(&(struct process_options){.argv = SH("echo; exec sleep 60"), .out = PROCESS_PIPE});
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
    assert_int_equal(read(process.out_fd, &byte, 1), 1);
    assert_int_equal(getpgid(process.pid), process.pid);
    assert_int_equal(kill(process.pid, SIGTERM), 0);
    assert_int_equal(WTERMSIG(wait_for_end(&process).status), SIGTERM);
    process_stop(&process);
}

static void test_reap(void **state) {
    struct process process =
        start(&(struct process_options){.argv = SH("read -r _; kill -9 $$"), .in = PROCESS_PIPE});
    struct process_end end = {.status = 42};

    (void)state;
    assert_false(process_reap(&process, &end));
    assert_int_equal(end.status, 42);
    (void)close(process.in_fd);
    process.in_fd = -1;
    end = wait_for_end(&process);
    assert_true(WIFSIGNALED(end.status));
    assert_int_equal(WTERMSIG(end.status), SIGKILL);
    assert_true(end.cpu_s >= 0);
    assert_true(end.peak_memory_bytes > 100000);
    assert_false(process_reap(&process, &end));
}

static void test_stop(void **state) {
    struct process none = PROCESS_NONE;
    struct process process = start(&(struct process_options){
        .argv = SH("trap '' TERM; exec sleep 60"), .in = PROCESS_PIPE, .out = PROCESS_PIPE});
    pid_t pid = process.pid;

    (void)state;
    process_stop(&process);
    assert_int_equal(process.pid, 0);
    assert_int_equal(process.in_fd, -1);
    assert_int_equal(process.out_fd, -1);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    process_stop(&process);
    process_stop(&none);
}

static void test_stop_ended(void **state) {
    struct process process = start(&(struct process_options){.argv = ARGV("/bin/true")});

    (void)state;
    clock_sleep_until(clock_monotonic_ns() + 50 * NS_PER_MS);
    process_stop(&process);
    assert_int_equal(process.pid, 0);
}

/* In a child: starts a process, says its pid through fd, and waits to be killed. */
static _Noreturn void be_parent(int fd) {
    struct process process = start(&(struct process_options){.argv = ARGV("/bin/sleep", "60")});

    (void)!write(fd, &process.pid, sizeof(process.pid));
    for (;;)
        (void)pause();
}

static void test_dies_with_its_parent(void **state) {
    int fds[2], status;
    pid_t parent, child = 0, reaped = 0;

    (void)state;
    if (under_emulator("qemu-user knows no PR_SET_CHILD_SUBREAPER"))
        skip();
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* so that its end is seen here */
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    parent = fork();
    if (parent == 0)
        be_parent(fds[1]);
    assert_int_equal(read(fds[0], &child, sizeof(child)), sizeof(child));
    assert_int_equal(kill(child, 0), 0);
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    for (int i = 0; i < 6000 && (reaped = waitpid(child, &status, WNOHANG)) == 0; i++)
        clock_sleep_until(clock_monotonic_ns() + 10 * NS_PER_MS);
    (void)kill(child, SIGKILL);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 0);
    assert_int_equal(reaped, child);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* In a child without standard streams: the pipes get the numbers 0 to 2. */
static int run_without_streams(void) {
    struct process process = PROCESS_NONE;
    struct process_end end;
    char text[8] = "";

    for (int fd = 0; fd < 3; fd++)
        (void)close(fd);
    if (process_start(
            &process,
            &(struct process_options){.argv = SH("read -r x; echo \"$x\" | tee /dev/stderr"),
                                      .in = PROCESS_PIPE,
                                      .out = PROCESS_PIPE,
                                      .err = PROCESS_PIPE},
            NULL) < 0)
        return 1;
    if (write(process.in_fd, "ab\n", 3) != 3 || read(process.out_fd, text, 8) != 3 ||
        read(process.err_fd, text + 3, 5) != 3 || strcmp(text, "ab\nab\n") != 0)
        return 2;
    while (!process_reap(&process, &end))
        clock_sleep_until(clock_monotonic_ns() + NS_PER_MS);
    return end.status;
}

static void test_start_without_streams(void **state) {
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        _exit(run_without_streams());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void on_alarm(int signal_number) {
    (void)signal_number;
}

/* A signal while the exec is waited for is no success of the exec. */
static void test_start_under_signals(void **state) {
    const struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART */
    timer_t timer;

    (void)state;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    assert_int_equal(timer_settime(timer, 0,
                                   &(struct itimerspec){.it_interval.tv_nsec = 200000,
                                                        .it_value.tv_nsec = 200000},
                                   NULL),
                     0);
    for (int i = 0; i < 50; i++) {
        struct process process = PROCESS_NONE;
        char *output = NULL;

        assert_int_equal(
            process_start(&process, &(struct process_options){.argv = ARGV("/nonexistent")}, NULL),
            -ENOENT);
        assert_int_equal(process_run(ARGV("/bin/true"), NULL, LONG_NS, &output, NULL), 0);
        free(output);
    }
    assert_int_equal(timer_delete(timer), 0);
    (void)signal(SIGALRM, SIG_DFL);
}

static void test_end_text(void **state) {
    CLEANUP_FREE char *exited = process_end_text(3 << 8), *killed = process_end_text(SIGKILL);
    CLEANUP_FREE char *real_time = process_end_text(40);

    (void)state;
    assert_string_equal(exited, "exit status 3");
    assert_string_equal(killed, "killed by SIGKILL");
    assert_string_equal(real_time, "killed by signal 40");
}

static void test_run(void **state) {
    CLEANUP_FREE char *output = NULL, *input = NULL, *unused = NULL;
    struct error error;

    (void)state;
    assert_int_equal(
        process_run(SH("echo one; echo two >&2; exit 5"), NULL, LONG_NS, &output, &error), 5);
    assert_string_equal(output, "one\ntwo\n");
    assert_int_equal(process_run(ARGV("cat"), "here", LONG_NS, &input, &error), 0);
    assert_string_equal(input, "here");
    assert_int_equal(process_run(SH("kill -TERM $$"), NULL, LONG_NS, &unused, &error),
                     128 + SIGTERM);
    assert_int_equal(process_run(ARGV("/nonexistent"), NULL, LONG_NS, &unused, &error), -ENOENT);
}

static void test_run_long_output(void **state) {
    CLEANUP_FREE char *output = NULL;

    (void)state;
    assert_int_equal(process_run(ARGV("/usr/bin/seq", "100000"), NULL, LONG_NS, &output, NULL), 0);
    assert_int_equal(strlen(output), 65536);
}

static void test_find(void **state) {
    CLEANUP_FREE char *shell = NULL, *sbin = NULL, *no_path = NULL, *path = NULL;
    CLEANUP_FREE char *old = text_copy(getenv("PATH"));
    struct error error;

    (void)state;
    assert_int_equal(process_find(&shell, "sh", &error), 0);
    assert_int_equal(shell[0], '/');
    assert_int_equal(access(shell, X_OK), 0);
    assert_int_equal(setenv("PATH", "/usr/bin:/bin", 1), 0);
    assert_int_equal(process_find(&sbin, "ldconfig", &error), 0); /* not on that PATH */
    assert_non_null(strstr(sbin, "/sbin/ldconfig"));
    assert_int_equal(unsetenv("PATH"), 0);
    assert_int_equal(process_find(&no_path, "sh", &error), 0);
    assert_int_equal(setenv("PATH", old ? old : "/usr/bin:/bin", 1), 0);
    assert_int_equal(process_find(&path, "/bin/sh", &error), 0);
    assert_string_equal(path, "/bin/sh");
}

static void test_find_nothing(void **state) {
    char *path = NULL;
    struct error error;

    (void)state;
    assert_int_equal(process_find(&path, "no-such-program", &error), -ENOENT);
    assert_non_null(strstr(error.text, "no-such-program"));
    assert_int_equal(process_find(&path, "", &error), -ENOENT);
    assert_int_equal(process_find(&path, "/etc/passwd", &error), -ENOENT);
    assert_int_equal(process_find(&path, "/nonexistent", NULL), -ENOENT);
    assert_null(path);
}

/* Neither a folder nor a file that cannot be executed is a program. */
static void test_find_passes_over(void **state) {
    char folder[] = "/tmp/bench-find.XXXXXX";
    CLEANUP_FREE char *old = text_copy(getenv("PATH")), *found = NULL, *other = NULL;
    CLEANUP_FREE char *file = NULL, *search = NULL;

    (void)state;
    assert_non_null(mkdtemp(folder));
    file = text_format("%s/sh", folder);
    search = text_format("%s:/bin", folder);
    assert_int_equal(setenv("PATH", search, 1), 0);
    assert_int_equal(mkdir(file, 0755), 0);
    assert_int_equal(process_find(&found, "sh", NULL), 0);
    assert_int_equal(rmdir(file), 0);
    assert_int_equal(close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644)), 0);
    assert_int_equal(process_find(&other, "sh", NULL), 0);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(setenv("PATH", old ? old : "/usr/bin:/bin", 1), 0);
    assert_string_equal(found, "/bin/sh");
    assert_string_equal(other, "/bin/sh");
}

static void test_run_within_a_limit(void **state) {
    CLEANUP_FREE char *output = NULL;
    struct error error = {""};

    (void)state;
    assert_int_equal(process_run(ARGV("sleep", "60"), NULL, 20 * NS_PER_MS, &output, &error),
                     -ETIMEDOUT);
    assert_null(output);
    assert_string_equal(error.text, "sleep did not end in time");
}

/* Whoever hangs may be a script that waits for another program; that one becomes our child here. */
static void test_run_ends_what_it_started(void **state) {
    CLEANUP_FREE char *output = NULL;
    int status = 0;
    pid_t pid = -1;

    (void)state;
    if (under_emulator("qemu-user knows no PR_SET_CHILD_SUBREAPER"))
        skip();
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    for (int64_t limit = 50 * NS_PER_MS; pid < 0 && limit < LONG_NS; limit *= 2) {
        assert_int_equal(process_run(SH("sleep 60 & wait"), NULL, limit, &output, NULL),
                         -ETIMEDOUT);
        pid = waitpid(-1, &status, 0); /* none yet on a slow machine */
    }
    assert_true(pid > 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipes),
        cmocka_unit_test(test_null_and_environment),
        cmocka_unit_test(test_exec_failure_is_reported),
        cmocka_unit_test(test_exec_failure_without_words),
        cmocka_unit_test(test_inherits_three_descriptors_only),
        cmocka_unit_test(test_many_files),
        cmocka_unit_test(test_own_group_and_default_signals),
        cmocka_unit_test(test_reap),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_stop_ended),
        cmocka_unit_test(test_dies_with_its_parent),
        cmocka_unit_test(test_start_without_streams),
        cmocka_unit_test(test_start_under_signals),
        cmocka_unit_test(test_end_text),
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_run_long_output),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_find_nothing),
        cmocka_unit_test(test_find_passes_over),
        cmocka_unit_test(test_run_within_a_limit),
        cmocka_unit_test(test_run_ends_what_it_started),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
