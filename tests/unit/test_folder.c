/* base/folder: what a killed owner leaves is removed by the next, and what is held stays. */
#include "workshop.h"

#include "base/folder.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define PREFIX "bench-folder-"

/* A folder with a file in it, made a minute ago; the caller's. */
static void make_old(struct folder *ret) {
    const struct timespec then[2] = {{.tv_sec = time(NULL) - 60}, {.tv_sec = time(NULL) - 60}};
    struct error error = {""};

    if (folder_make(ret, PREFIX, &error) < 0)
        fail_msg("%s", error.text);
    workshop_put(ret->path, "secret", "x");
    assert_int_equal(utimensat(AT_FDCWD, ret->path, then, 0), 0);
}

/* The same by a process that is killed; its path, the caller's. */
static char *leave_old(void) {
    char path[256] = "";
    int pair[2], status;
    pid_t child;

    assert_int_equal(pipe(pair), 0);
    child = fork();
    if (child == 0) {
        struct folder folder;

        make_old(&folder);
        (void)!write(pair[1], folder.path, strlen(folder.path));
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_true(read(pair[0], path, sizeof(path) - 1) > 0);
    (void)close(pair[0]);
    (void)close(pair[1]);
    return text_copy(path);
}

static void test_orphans(void **state) {
    CLEANUP(workshop_removep) char *parent = workshop_make();
    struct folder held, made;
    CLEANUP_FREE char *left = NULL, *before = text_copy(getenv("TMPDIR"));
    struct error error = {""};

    (void)state;
    assert_int_equal(setenv("TMPDIR", parent, 1), 0);
    make_old(&held);
    left = leave_old();
    assert_int_equal(access(left, F_OK), 0);
    assert_int_equal(folder_make(&made, PREFIX, &error), 0);
    assert_int_equal(access(left, F_OK), -1);
    assert_int_equal(access(held.path, F_OK), 0);
    assert_int_equal(access(made.path, F_OK), 0);
    folder_remove(&held);
    folder_remove(&made);
    if (before)
        (void)setenv("TMPDIR", before, 1);
    else
        (void)unsetenv("TMPDIR");
}

int main(void) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_orphans)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
