#include "base/folder.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Between making a folder and locking it, it looks like an orphan: only older ones are. */
#define ORPHAN_S 10

static void remove_with_files(const char *path) {
    DIR *directory = opendir(path);
    struct dirent *entry;

    while (directory && (entry = readdir(directory)))
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory)
        (void)closedir(directory);
    (void)rmdir(path);
}

/* Whether it was left by a process that was killed: it is ours, and nobody holds its lock. */
static bool is_orphan(const char *path) {
    CLEANUP_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;

    return fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
           time(NULL) - status.st_mtime > ORPHAN_S && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void remove_orphans(const char *temporary, const char *prefix) {
    DIR *directory = opendir(temporary);
    struct dirent *entry;

    while (directory && (entry = readdir(directory))) {
        CLEANUP_FREE char *path = text_format("%s/%s", temporary, entry->d_name);

        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 && is_orphan(path))
            remove_with_files(path);
    }
    if (directory)
        (void)closedir(directory);
}

int folder_make(struct folder *ret, const char *prefix, struct error *error) {
    const char *temporary = getenv("TMPDIR");
    CLEANUP_FREE char *path = NULL;
    int fd, r;

    temporary = temporary && *temporary ? temporary : "/tmp";
    remove_orphans(temporary, prefix);
    path = text_format("%s/%sXXXXXX", temporary, prefix);
    if (!mkdtemp(path))
        return error_errno(error, -errno, "%s", path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
        r = error_errno(error, -errno, "%s", path);
        memory_close_fdp(&fd);
        (void)rmdir(path);
        return r;
    }
    *ret = (struct folder){.path = path, .lock_fd = fd};
    path = NULL;
    return 0;
}

void folder_remove(struct folder *folder) {
    if (folder->path)
        remove_with_files(folder->path);
    memory_close_fdp(&folder->lock_fd);
    free(folder->path);
    *folder = FOLDER_NONE;
}
