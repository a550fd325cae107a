#include "analysis/import.h"

#include "base/folder.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH 8 /* of the run's folder in an archive: results/NAME would be 2 */

/* ---- what is in it ---- */

char *import_name(const char *archive) {
    static const char *const endings[] = {".zip", ".tar",     ".tar.gz", ".tgz",    ".tar.xz",
                                          ".txz", ".tar.bz2", ".tbz2",   ".tar.zst"};
    const char *slash = strrchr(archive, '/');
    char *name = text_copy(slash ? slash + 1 : archive);

    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        size_t length = strlen(name), ending = strlen(endings[i]);

        if (length > ending && strcasecmp(name + length - ending, endings[i]) == 0)
            name[length - ending] = '\0';
    }
    return name;
}

/* The only entry of a folder, if that is a folder too; or NULL. The caller's. */
static char *only_folder(const char *folder) {
    CLEANUP_FREE char *found = NULL;
    DIR *directory = opendir(folder);
    struct dirent *entry;
    struct stat status;
    size_t n = 0;

    while (directory && (entry = readdir(directory))) {
        if (text_equal(entry->d_name, ".") || text_equal(entry->d_name, ".."))
            continue;
        free(found);
        found = text_format("%s/%s", folder, entry->d_name);
        n++;
    }
    if (directory)
        (void)closedir(directory);
    if (n == 1 && stat(found, &status) == 0 && S_ISDIR(status.st_mode)) {
        char *only = found;

        found = NULL;
        return only;
    }
    return NULL;
}

/* The folder of the run: where the needed files are, at the top or down a way without forks. */
static int find_run(const char *archive, const char *top, char **ret, struct error *error) {
    static const char *const needed[] = {"scenario.ini", "definitions.csv", "trials.csv"};
    CLEANUP_FREE char *folder = text_copy(top);
    const char *missing = NULL;

    for (int depth = 0; depth <= DEPTH && folder; depth++) {
        size_t n = 0;
        char *below;

        for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
            CLEANUP_FREE char *path = text_format("%s/%s", folder, needed[i]);
            struct stat status;

            if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
                n++;
            else
                missing = needed[i];
        }
        if (n == ARRAY_SIZE(needed)) {
            *ret = folder;
            folder = NULL;
            return 0;
        }
        if (n)
            return error_set(error, -EBADMSG, "%s: the run in it has no %s", archive, missing);
        below = only_folder(folder);
        free(folder);
        folder = below;
    }
    return error_set(error, -EBADMSG,
                     "%s: no run is in it: scenario.ini, definitions.csv and trials.csv must be at "
                     "its top or in its only folder",
                     archive);
}

/* ---- what is here ---- */

/* Whether both files have the same bytes, or neither exists. */
static bool same_file(const char *a, const char *b) {
    CLEANUP(fclosep) FILE *one = fopen(a, "re"), *other = NULL;
    bool same = true;

    other = fopen(b, "re");
    if (!one || !other)
        return !one && !other;
    while (same) {
        char x[16384], y[16384];
        size_t n = fread(x, 1, sizeof(x), one), m = fread(y, 1, sizeof(y), other);

        same = n == m && memcmp(x, y, n) == 0;
        if (n < sizeof(x))
            return same && !ferror(one) && !ferror(other);
    }
    return false;
}

static bool same_run(const char *a, const char *b) {
    static const char *const raw[] = {"trials.csv", "metrics.csv"};

    for (size_t i = 0; i < ARRAY_SIZE(raw); i++) {
        CLEANUP_FREE char *one = text_format("%s/%s", a, raw[i]);
        CLEANUP_FREE char *other = text_format("%s/%s", b, raw[i]);

        if (!same_file(one, other))
            return false;
    }
    return true;
}

/* ---- the way from one to the other ---- */

/* Brings the unpacked run to its place; a power cut afterwards does not make its files empty. */
static int place(const char *archive, const char *run, const char *target, bool *ret_known,
                 struct error *error) {
    CLEANUP_FD int fd = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat status;

    *ret_known = false;
    if (lstat(target, &status) == 0) {
        *ret_known = same_run(run, target);
        return *ret_known ? 0
                          : error_set(error, -EEXIST,
                                      "%s: a different run is in %s; move that away, or unpack "
                                      "this one elsewhere with --output DIR",
                                      archive, target);
    }
    if (fd < 0 || syncfs(fd) < 0 || rename(run, target) < 0)
        return error_errno(error, -errno, "%s", target);
    return 0;
}

int import_run(const char *archive, const char *results_dir, const struct archive_limits *limits,
               char **ret_folder, bool *ret_known, struct error *error) {
    CLEANUP(folder_remove) struct folder draft = FOLDER_NONE;
    CLEANUP_FREE char *top = NULL, *run = NULL, *name = NULL, *target = NULL;
    int r;

    if (mkdir(results_dir, 0755) < 0 && errno != EEXIST)
        return error_errno(error, -errno, "%s", results_dir);
    r = folder_make_in(&draft, results_dir, ".unpacking-", error);
    if (r < 0)
        return r;
    name = import_name(archive);
    top = text_format("%s/%s", draft.path, name);
    if (mkdir(top, 0755) < 0)
        return error_errno(error, -errno, "%s", top);
    r = archive_unpack(archive, top, limits, error);
    if (r == -ENOTSUP)
        return error_set(
            error, -EBADMSG,
            "%s: not a run folder, and no archive of one (.zip, .tar, .tar.gz, .tar.xz)", archive);
    if (r == 0)
        r = find_run(archive, top, &run, error);
    if (r < 0)
        return r;
    target = text_format("%s/%s", results_dir, strrchr(run, '/') + 1);
    r = place(archive, run, target, ret_known, error);
    if (r < 0)
        return r;
    *ret_folder = target;
    target = NULL;
    return 0;
}
