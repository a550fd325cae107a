#include "hosts/surroundings.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME   "mqtt-security-bench.lock"
#define DIGITS 15 /* of a run's name: they tell its byte */
#define MANY   9  /* other runs: more are not counted */
/* Within so long both clocks are read. */
#define AT_ONCE_NS (100 * NS_PER_MS)

/* Not every user may write to the first, and who came before may not have been able to. */
static const char *const folders[] = {"/run/lock", "/tmp"};

static struct {
    int fds[ARRAY_SIZE(folders)]; /* where the run holds its byte; -1: not there */
    bool joined;
    off_t own;
    size_t now, most; /* other runs: when they were last counted, and since they were put */
    bool news;        /* there are some, of whom nobody was told */
    int64_t boot_ns;  /* when this host was started, by its clock; 0: not looked yet */
    int64_t set_ns, untold_ns; /* the clock was set: since that was put, and was told */
} here;

/* ---- other runs ---- */

/* One that is there is opened without O_CREAT: the kernel refuses that for another user's file in a
 * folder that all can write (fs.protected_regular). What is no file of locks, but a trap, is none.
 */
static int open_file(const char *folder) {
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    CLEANUP_FREE char *path = text_format("%s/" NAME, folder);
    CLEANUP_FD int fd = open(path, flags);
    struct stat status;
    int ret;

    if (fd < 0 && errno == ENOENT) {
        fd = open(path, flags | O_CREAT | O_EXCL, 0644);
        if (fd >= 0)
            (void)fchmod(fd, 0644); /* whatever the umask: others look into it */
        else if (errno == EEXIST)   /* another run was faster */
            fd = open(path, flags);
    }
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return -1;
    ret = fd;
    fd = -1;
    return ret;
}

static int hold(const char *folder) {
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = here.own, .l_len = 1};
    int fd = open_file(folder);

    if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) < 0)
        memory_close_fdp(&fd);
    return fd;
}

void surroundings_join(const char *run) {
    CLEANUP_FREE char *digits = text_format("%.*s", DIGITS, run);
    const char *folder = getenv("BENCH_LOCKS");

    if (here.joined)
        return;
    here.joined = true;
    here.own = (off_t)strtoll(digits, NULL, 16);
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
        here.fds[i] = folder && *folder ? (i ? -1 : hold(folder)) : hold(folders[i]);
}

/* So many bytes at most from `begin` up to `end` that others hold. The kernel names one lock of
 * theirs, which may be any, and be longer where it is no run's. */
static size_t count_held(int fd, off_t begin, off_t end, size_t most) {
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = begin, .l_len = end - begin};
    size_t n;

    if (!most || begin >= end || fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return 0;
    n = 1 + count_held(fd, begin, lock.l_start, most - 1);
    return n + (lock.l_len ? count_held(fd, lock.l_start + lock.l_len, end, most - n) : 0);
}

/* Whether that can be known. */
static bool count_others(void) {
    size_t most = 0;
    bool known = false;

    for (size_t i = 0; here.joined && i < ARRAY_SIZE(folders); i++) {
        size_t n;

        if (here.fds[i] < 0)
            continue;
        n = count_held(here.fds[i], 0, here.own, MANY);
        n += count_held(here.fds[i], here.own + 1, INT64_C(1) << (4 * DIGITS), MANY - n);
        most = n > most ? n : most;
        known = true;
    }
    here.news = here.news || (most && !here.now);
    here.now = most;
    here.most = most > here.most ? most : here.most;
    return known;
}

/* ---- the clock ---- */

static int64_t since_boot_ns(void) {
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Both clocks are steered alike; only one of them is set. A process that was stopped between them
 * reads both once more. */
static int64_t boot_ns(void) {
    int64_t before, real, after;

    do {
        before = since_boot_ns();
        real = clock_realtime_ns();
        after = since_boot_ns();
    } while (after - before > AT_ONCE_NS);
    return real - before;
}

/* ---- all ---- */

/* There and back is not nothing. */
static int64_t larger_step(int64_t a, int64_t b) {
    return llabs(a) > llabs(b) ? a : b;
}

static void check_clock(void) {
    int64_t before = here.boot_ns, ahead_ns;

    here.boot_ns = boot_ns();
    ahead_ns = here.boot_ns - before;
    if (!before || llabs(ahead_ns) <= CLOCK_SET_NS)
        return;
    here.set_ns = larger_step(here.set_ns, ahead_ns);
    here.untold_ns = larger_step(here.untold_ns, ahead_ns);
}

char *surroundings_look(void) {
    CLEANUP_FREE char *news = text_copy("");

    (void)count_others();
    if (here.news)
        text_append(&news, "; ",
                    "another run measures on this host at the same time: the figures of both are "
                    "spoilt; let one end first, and measure again");
    here.news = false;
    check_clock();
    if (here.untold_ns) {
        CLEANUP_FREE char *words = clock_set_words((double)here.untold_ns / 1e9);

        text_append(&news, "; ", words);
    }
    here.untold_ns = 0;
    return *news ? text_copy(news) : NULL;
}

static void put(json_t *readings, const char *metric, double value, const char *unit) {
    (void)json_object_set_new(readings, metric,
                              json_pack("{s:f,s:s}", "value", value, "unit", unit));
}

void surroundings_put(json_t *readings) {
    if (count_others())
        put(readings, "other_runs", (double)here.most, "runs");
    here.most = here.now;
    check_clock();
    put(readings, "clock_set", (double)here.set_ns / 1e9, "s");
    here.set_ns = 0;
}
