/* spoilt-machine - for LD_PRELOAD: what no test may do to the machine it runs on.
 *
 * SPOILT_CLOCK names a file: while it is there, the clock of the day is so many seconds ahead as it
 * says. All files and temporary folders below SPOILT_FOLDER can be read by all, as on vfat,
 * whatever mode is asked for.
 */
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t ahead_s(void) {
    const char *path = getenv("SPOILT_CLOCK");
    char text[32] = "";
    int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0) : -1;

    if (fd < 0)
        return 0;
    (void)!read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    return (time_t)atoll(text);
}

int clock_gettime(clockid_t id, struct timespec *ret) {
    int r = (int)syscall(SYS_clock_gettime, id, ret);

    if (r == 0 && id == CLOCK_REALTIME)
        ret->tv_sec += ahead_s();
    return r;
}

time_t time(time_t *ret) {
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict ret, void *restrict unused) {
    struct timespec now = {0};

    (void)unused;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *ret = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

static bool is_spoilt(const char *path) {
    const char *folder = getenv("SPOILT_FOLDER");

    return folder && strncmp(path, folder, strlen(folder)) == 0;
}

static int open_spoilt(const char *path, int flags, mode_t mode) {
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);

    if (fd >= 0 && flags & O_CREAT && is_spoilt(path))
        (void)fchmod(fd, 0755);
    return fd;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    mode_t mode;

    va_start(rest, flags);
    mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_spoilt(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    mode_t mode;

    va_start(rest, flags);
    mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_spoilt(path, flags | O_LARGEFILE, mode);
}

char *mkdtemp(char *path) {
    char *(*next)(char *path), *made;

    *(void **)&next = dlsym(RTLD_NEXT, "mkdtemp");
    made = next(path);
    if (made && is_spoilt(made))
        (void)chmod(made, 0755);
    return made;
}
