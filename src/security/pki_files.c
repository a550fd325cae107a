#include "base/clock.h"
#include "base/durable.h"
#include "security/pki_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT_BYTES (1024 * 1024) /* far above any key or certificate */
/* How long another is waited for; the keys that it makes may take a small board a while. */
#define LOCK_NS (60 * NS_PER_S)

void pki_secret_free(char *secret) {
    if (secret)
        OPENSSL_cleanse(secret, strlen(secret));
    free(secret);
}

char *pki_store(const char *folder, const char *key_type) {
    char *path, *c;

    if (text_equal(key_type, PKI_DEFAULT_KEY_TYPE))
        return text_copy(folder);
    path = text_format("%s/%s", folder, key_type);
    for (c = path + strlen(folder) + 1; *c; c++)
        if (*c == ':')
            *c = '-';
    return path;
}

int pki_make_folder(const char *path, struct error *error) {
    struct stat status;

    if (mkdir(path, 0700) == 0)
        return 0;
    if (errno != EEXIST)
        return error_errno(error, -errno, "%s", path);
    if (stat(path, &status) < 0)
        return error_errno(error, -errno, "%s", path);
    return S_ISDIR(status.st_mode) ? 0 : error_errno(error, -ENOTDIR, "%s", path);
}

/* A run blocks its signals and reads them elsewhere: while one waits here, nobody does. */
static bool is_interrupted(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t pending;

    (void)sigpending(&pending);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        if (sigismember(&pending, signals[i]) == 1)
            return true;
    return false;
}

static int wait_for_lock(int fd, const char *path, struct error *error) {
    int64_t deadline = clock_monotonic_ns() + LOCK_NS;

    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return error_errno(error, -errno, "%s", path);
        if (is_interrupted())
            return error_set(error, -EINTR, "interrupted");
        if (clock_monotonic_ns() > deadline)
            return error_set(error, -EBUSY,
                             "%s: another bench has been making certificates there for %d s; let "
                             "it end first, or answer what it asks",
                             path, (int)(LOCK_NS / NS_PER_S));
        clock_sleep_until(clock_monotonic_ns() + 20 * NS_PER_MS);
    }
    return 0;
}

int pki_lock(const char *folder, const char *name, int *ret_fd, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/%s", folder, name);
    CLEANUP_FD int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, DURABLE_PRIVATE);
    int r = fd < 0 ? error_errno(error, -errno, "%s", path) : wait_for_lock(fd, path, error);

    if (r < 0)
        return r;
    *ret_fd = fd;
    fd = -1;
    return 0;
}

/* Reads until the buffer is full or the file ends; the number of bytes or a negative errno. */
static ssize_t read_full(int fd, char *buffer, size_t size) {
    size_t length = 0;

    while (length < size) {
        ssize_t n = read(fd, buffer + length, size - length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        length += (size_t)n;
    }
    return (ssize_t)length;
}

int pki_read(const char *path, char **ret, struct error *error) {
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* never waits in a FIFO */
    struct stat status;
    ssize_t length;
    char *text;

    if (fd < 0 && errno == ENOENT) {
        *ret = NULL;
        return 0;
    }
    if (fd < 0 || fstat(fd, &status) < 0)
        return error_errno(error, -errno, "%s", path);
    if (!S_ISREG(status.st_mode) || status.st_size > FILE_LIMIT_BYTES)
        return error_set(error, -EBADMSG, "%s: no ordinary file of a reasonable size", path);
    /* The size is known, so that no grown and moved copy of a secret stays behind unwiped. */
    text = memory_new((size_t)status.st_size + 1, 1);
    length = read_full(fd, text, (size_t)status.st_size);
    if (length < 0) {
        OPENSSL_cleanse(text, (size_t)status.st_size);
        free(text);
        return error_errno(error, (int)length, "%s", path);
    }
    *ret = text;
    return 0;
}

int pki_update(const char *path, const char *text, mode_t mode, struct error *error) {
    CLEANUP_FREE char *present = NULL;
    int r = pki_read(path, &present, error);

    if (r < 0)
        return r;
    return text_equal(present, text) ? 0 : durable_write_text(path, mode, text, error);
}
