#include "cli/parts.h"

#include "analysis/import.h"
#include "analysis/report.h"
#include "analysis/runs.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the files say is wrong is the user's matter; else they cannot be read or written. */
static int complain_of_files(int r, const struct error *error) {
    static const int wrong[] = {EBADMSG, EINVAL, ENOENT, ENOTDIR, EEXIST, E2BIG};

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        if (r == -wrong[i])
            return complain(EXIT_USAGE, error);
    return complain(EXIT_SETUP, error);
}

/* Figures of a run in results/ go to plots/; those of a run elsewhere, or deeper in it, stay with
 * it. */
static char *plots_of(const struct context *context, const char *run) {
    CLEANUP_FREE char *real = realpath(run, NULL);
    CLEANUP_FREE char *usual = text_format("%s/results/", context->root);
    CLEANUP_FREE char *usual_real = realpath(usual, NULL);
    size_t length = usual_real ? strlen(usual_real) : 0;

    if (real && length && strncmp(real, usual_real, length) == 0 && real[length] == '/' &&
        !strchr(real + length + 1, '/')) {
        CLEANUP_FREE char *plots = text_format("%s/plots", context->root);

        (void)mkdir(plots, 0755);
        return text_format("%s/%s", plots, real + length + 1);
    }
    return text_format("%s/plots", run);
}

const char *cli_shorten(const char *path) {
    CLEANUP_FREE char *here = getcwd(NULL, 0);
    size_t length = here ? strlen(here) : 0;

    return length && strncmp(path, here, length) == 0 && path[length] == '/' ? path + length + 1
                                                                             : path;
}

/* Two reports of one run would take each other's drafts away: the later waits until the other is
 * done or dead. Not by the folder itself, whose lock is that of who measures into it. Returns what
 * holds the place; below 0 where nothing can be locked. */
static int wait_for_turn(const char *run) {
    CLEANUP_FREE char *path = text_format("%s/scenario.ini", run);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR)
        continue;
    return fd;
}

/* With ret: the run's analysis for the caller, or NULL when it cannot be read. */
static int make_report(const struct context *context, const char *run, struct analysis **ret) {
    CLEANUP_FREE char *plots = plots_of(context, run), *words = NULL;
    struct report_result result = {NULL, NULL, NULL};
    struct error error, page_error;
    int r = report_write(run, &result, &error), page;

    if (r < 0)
        return complain_of_files(r, &error);
    fputs(result.warnings, stderr);
    fputs(result.table, stdout);
    r = report_figures(result.analysis, plots, context->scripts, &words, &error);
    page = report_page(result.analysis, plots, &page_error); /* also without figures */
    if (ret) {
        *ret = result.analysis;
        result.analysis = NULL;
    }
    report_result_clear(&result);
    if (r < 0 || page < 0)
        return complain(EXIT_SETUP, r < 0 ? &error : &page_error);
    if (words && *words)
        fprintf(stderr, "%s\n", words);
    printf("\ntables   %s/table.{txt,md,tex}\nfigures  %s/*.{svg,png,pdf}\n"
           "page     %s/report.html\n",
           cli_shorten(run), cli_shorten(plots), cli_shorten(run));
    return EXIT_OK;
}

static int report_one(const struct context *context, const char *run, struct analysis **ret) {
    int turn = wait_for_turn(run), status = make_report(context, run, ret);

    memory_close_fdp(&turn);
    return status;
}

int cli_report(const struct context *context, const char *run) {
    return report_one(context, run, NULL);
}

/* ---- the runs that are named ---- */

struct named {
    char *folder;              /* NULL: it cannot be had */
    struct analysis *analysis; /* NULL: it cannot be read */
};

/* A folder is a run; a file is an archive, unpacked beside the runs that are here. */
static int locate(const struct context *context, const char *word, char **ret) {
    CLEANUP_FREE char *folder = NULL;
    struct stat status;
    struct error error;
    bool known;
    int r;

    if (stat(word, &status) < 0 || !S_ISREG(status.st_mode)) {
        *ret = text_copy(word);
        return EXIT_OK;
    }
    r = import_run(word, context->results, &ARCHIVE_LIMITS, &folder, &known, &error);
    if (r < 0)
        return complain_of_files(r, &error);
    fprintf(stderr, "bench: %s %s %s\n", word,
            known ? "holds a run that is there already, with the same trials:" : "is unpacked:",
            cli_shorten(folder));
    *ret = folder;
    folder = NULL;
    return EXIT_OK;
}

/* Whether two of them are the same folder, which would agree with itself. */
static int check_distinct(const struct named *list, size_t n, struct error *error) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++) {
            struct stat a, b;

            if (list[i].folder && list[k].folder && stat(list[i].folder, &a) == 0 &&
                stat(list[k].folder, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
                return error_set(error, -EINVAL, "%s: the same run is given twice", list[k].folder);
        }
    return 0;
}

/* ---- several runs side by side ---- */

/* A new folder: in plots/ when a run is in results/, else beside the figures of the first. */
static int make_place(const struct context *context, struct analysis *const *list, size_t n,
                      char **ret, struct error *error) {
    CLEANUP_FREE char *plots = text_format("%s/plots", context->root), *parent = NULL;
    char stamp[CLOCK_TEXT_SIZE];

    for (size_t i = 0; i < n && !parent; i++) {
        CLEANUP_FREE char *one = plots_of(context, list[i]->run_dir);

        if (strncmp(one, plots, strlen(plots)) == 0 && one[strlen(plots)] == '/')
            parent = text_copy(plots);
    }
    if (!parent)
        parent = plots_of(context, list[0]->run_dir);
    if (mkdir(parent, 0755) < 0 && errno != EEXIST)
        return error_errno(error, -errno, "%s", parent);
    clock_format_compact(clock_realtime_ns(), stamp);
    for (int i = 1;; i++) {
        CLEANUP_FREE char *path = i == 1 ? text_format("%s/side-by-side-%s", parent, stamp)
                                         : text_format("%s/side-by-side-%s-%d", parent, stamp, i);

        if (mkdir(path, 0755) == 0) {
            *ret = path;
            path = NULL;
            return 0;
        }
        if (errno != EEXIST || i == 100)
            return error_errno(error, -errno, "%s", path);
    }
}

static int show_runs(const struct context *context, struct analysis **list, size_t n) {
    CLEANUP(runs_freep) struct runs *runs = runs_new(list, n);
    CLEANUP_FREE char *folder = NULL, *words = NULL, *text = runs_terminal(runs);
    struct error error;
    int r = make_place(context, list, n, &folder, &error);

    if (r == 0)
        r = runs_write(runs, folder, &error);
    if (r < 0)
        return complain(EXIT_SETUP, &error);
    printf("\n%s\ntables   %s/runs.{csv,txt,md,tex}\n", text, cli_shorten(folder));
    if (!runs->n_rungs)
        return EXIT_OK;
    r = runs_draw(folder, context->scripts, &words, &error);
    if (r < 0)
        return complain(EXIT_SETUP, &error);
    fputs(words, stderr);
    printf("figure   %s/runs.{svg,png,pdf}\n", cli_shorten(folder));
    return EXIT_OK;
}

/* Those that can be read, if they are two at least. */
static int compare(const struct context *context, const struct named *list, size_t n) {
    struct analysis *readable[MAX_WORDS];
    size_t found = 0;

    for (size_t i = 0; i < n; i++)
        if (list[i].analysis)
            readable[found++] = list[i].analysis;
    return found > 1 ? show_runs(context, readable, found) : EXIT_OK;
}

/* The first status that is not EXIT_OK counts. */
static int report_all(const struct context *context, struct named *list, size_t n) {
    struct error error;
    int status = EXIT_OK;

    for (size_t i = 0; i < n; i++) {
        int located = locate(context, context->arguments.words[i], &list[i].folder);

        status = status ? status : located;
    }
    if (check_distinct(list, n, &error) < 0)
        return complain(EXIT_USAGE, &error);
    for (size_t i = 0; i < n; i++) {
        int reported = EXIT_OK;

        if (i)
            printf("\n");
        if (list[i].folder)
            reported = report_one(context, list[i].folder, n > 1 ? &list[i].analysis : NULL);
        status = status ? status : reported;
    }
    if (n > 1) {
        int compared = compare(context, list, n);

        status = status ? status : compared;
    }
    return status;
}

int command_report(struct context *context) {
    struct named list[MAX_WORDS] = {{NULL, NULL}};
    struct error error;
    int status;

    if (!context->arguments.n_words) {
        (void)error_set(&error, -EINVAL, "report of which run? Name its folder in results/");
        return complain(EXIT_USAGE, &error);
    }
    status = report_all(context, list, context->arguments.n_words);
    for (size_t i = 0; i < context->arguments.n_words; i++) {
        free(list[i].folder);
        analysis_freep(&list[i].analysis);
    }
    return status;
}
