/* surroundings: which other runs are counted, by the file that all share, and who is none. */
#include "hosts/surroundings.h"

#include "workshop.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWN "00000000000010000000000000000000" /* byte 256, by its first 15 digits */

static char *lock_path(void) {
    return text_format("%s/mqtt-security-bench.lock", getenv("BENCH_LOCKS"));
}

/* What another process holds of the file, which lives as long as the descriptor. */
static int hold(off_t begin, off_t length) {
    struct flock lock = {
        .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = begin, .l_len = length};
    CLEANUP_FREE char *path = lock_path();
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_CREAT, 0644);

    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    return fd;
}

/* The most since the last call; -1: not known. */
static int others(void) {
    json_auto_t *readings = json_object();
    const json_t *one;

    surroundings_put(readings);
    assert_non_null(json_object_get(readings, "clock_set"));
    one = json_object_get(readings, "other_runs");
    return one ? (int)json_number_value(json_object_get(one, "value")) : -1;
}

static void assert_news(bool expected) {
    CLEANUP_FREE char *news = surroundings_look();

    assert_int_equal(news != NULL, expected);
}

/* In a process of its own: one belongs to one run. */
static void in_child(void (*run)(void)) {
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        run();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void count_runs(void) {
    int same, two, three;

    assert_int_equal(others(), -1);
    same = hold(256, 1); /* another agent of this run */
    surroundings_join(OWN);
    assert_news(false);
    assert_int_equal(others(), 0);
    two = hold(255, 1);
    three = hold(257, 1);
    assert_news(true);
    assert_news(false); /* that was told */
    assert_int_equal(others(), 2);
    (void)close(two);
    (void)close(three);
    assert_int_equal(others(), 2); /* the most since then, */
    assert_int_equal(others(), 0); /* and since this */
    two = hold(INT64_C(0xfffffffffffffff), 1);
    assert_int_equal(others(), 1);
    assert_news(true);
    (void)close(two);
    (void)close(same);
}

/* Whatever somebody else locks there, it is looked at in no time. */
static void count_abuse(void) {
    int all = hold(0, 0), some[40];

    surroundings_join(OWN);
    assert_true(others() > 0);
    (void)close(all);
    for (size_t i = 0; i < ARRAY_SIZE(some); i++)
        some[i] = hold(1000 + 2 * (off_t)i, 1);
    (void)others();
    assert_int_equal(others(), 9);
    for (size_t i = 0; i < ARRAY_SIZE(some); i++)
        (void)close(some[i]);
}

static void know_nothing(void) {
    surroundings_join(OWN);
    assert_news(false);
    assert_int_equal(others(), -1);
}

static void test_counting(void **state) {
    (void)state;
    in_child(count_runs);
    in_child(count_abuse);
}

/* Others must be able to open it, whatever the umask of who came first. */
static void make_file(void) {
    CLEANUP_FREE char *path = lock_path();
    struct stat status;

    (void)umask(077);
    surroundings_join(OWN);
    assert_int_equal(others(), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644);
}

/* In a folder that all may write anybody can have put something of that name. */
static void test_traps(void **state) {
    CLEANUP_FREE char *path = lock_path();

    (void)state;
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0666), 0);
    in_child(know_nothing);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("elsewhere", path), 0);
    in_child(know_nothing);
    assert_int_equal(access("elsewhere", F_OK), -1);
    assert_int_equal(unlink(path), 0);
    in_child(make_file);
}

static int set_up(void **state) {
    char *folder = workshop_make();

    *state = folder;
    return setenv("BENCH_LOCKS", folder, 1);
}

static int tear_down(void **state) {
    workshop_remove(*state);
    return 0;
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counting),
        cmocka_unit_test(test_traps),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
