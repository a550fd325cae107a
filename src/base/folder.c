#include "base/folder.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Between making a folder and locking it, it looks like an orphan: only older ones are. */
#define ORPHAN_S 10

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    (void)kind;
    (void)place;
    (void)remove(path);
    return 0;
}

/* Not FTW_MOUNT: on an overlay, as in a container, files are of another device than their folder.
 */
static void remove_tree(const char *path) {
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Whether it was left by a process that was killed: it is ours, and nobody holds its lock. */
static bool is_orphan(const char *path) {
    CLEANUP_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;

    return fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
           time(NULL) - status.st_mtime > ORPHAN_S && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void remove_orphans(const char *parent, const char *prefix) {
    DIR *directory = opendir(parent);
    struct dirent *entry;

    while (directory && (entry = readdir(directory))) {
        CLEANUP_FREE char *path = text_format("%s/%s", parent, entry->d_name);

        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 && is_orphan(path))
            remove_tree(path);
    }
    if (directory)
        (void)closedir(directory);
}

int folder_make(struct folder *ret, const char *prefix, struct error *error) {
    const char *temporary = getenv("TMPDIR");
    const char *parent = temporary && *temporary ? temporary : "/tmp";
    CLEANUP_FREE char *path = text_format("%s/%sXXXXXX", parent, prefix);
    struct stat status;
    int fd, r;

    remove_orphans(parent, prefix);
    if (!mkdtemp(path))
        return error_errno(error, -errno, "%s", path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &status) < 0)
        r = error_errno(error, -errno, "%s", path);
    else if (status.st_mode & 077)
        r = error_set(error, -EOPNOTSUPP,
                      "%s: others could read it: this file system keeps no permissions (vfat, some "
                      "mounts); set TMPDIR to a folder on another",
                      path);
    else
        r = 0;
    if (r < 0) {
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
        remove_tree(folder->path);
    memory_close_fdp(&folder->lock_fd);
    free(folder->path);
    *folder = FOLDER_NONE;
}
