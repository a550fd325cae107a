#include "analysis/report.h"

#include "analysis/cumulative.h"
#include "analysis/figure_data.h"
#include "analysis/headline.h"
#include "analysis/page.h"
#include "analysis/table.h"
#include "base/memory.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void report_result_clear(struct report_result *result) {
    if (result->analysis)
        analysis_free(result->analysis);
    free(result->table);
    free(result->warnings);
    *result = (struct report_result){NULL, NULL, NULL};
}

/* ---- files that replace others together ---- */

/* A file of the run, written beside its place until all are. */
struct draft {
    char *path, *final_path;
};

static void draft_init(struct draft *draft, const char *run_dir, const char *name) {
    draft->final_path = text_format("%s/%s", run_dir, name);
    draft->path = text_format("%s.draft", draft->final_path);
}

static void draft_clear(struct draft *draft) {
    (void)unlink(draft->path); /* gone already when it took its place */
    free(draft->path);
    free(draft->final_path);
}

static int draft_write(const struct draft *draft, const char *text, struct error *error) {
    CLEANUP_FD int fd =
        open(draft->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    size_t length = strlen(text);

    if (fd < 0)
        return error_errno(error, -errno, "%s", draft->path);
    while (length) {
        ssize_t n = write(fd, text, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_errno(error, n < 0 ? -errno : -ENOSPC, "%s", draft->path);
        text += n;
        length -= (size_t)n;
    }
    return fsync(fd) < 0 ? error_errno(error, -errno, "%s", draft->path) : 0;
}

static int draft_place(const struct draft *draft, struct error *error) {
    if (rename(draft->path, draft->final_path) < 0)
        return error_errno(error, -errno, "%s", draft->final_path);
    return 0;
}

/* ---- the report ---- */

/* What there is in every form: made of the analysis, and of the table, which is made of it too. */
struct sources {
    const struct analysis *analysis;
    const struct table *table;
};

static int write_summary(const struct sources *sources, const struct draft *draft,
                         struct error *error) {
    return summary_write(sources->analysis->summary, draft->path, error);
}

static int write_comparisons(const struct sources *sources, const struct draft *draft,
                             struct error *error) {
    return comparisons_write(sources->analysis->comparisons, draft->path, error);
}

static int write_ladder(const struct sources *sources, const struct draft *draft,
                        struct error *error) {
    return ladder_write(sources->analysis->ladder, draft->path, error);
}

static int write_table(const struct sources *sources, const struct draft *draft,
                       struct error *error) {
    return headline_write_table(sources->analysis->summary, sources->analysis->comparisons,
                                draft->path, error);
}

static int write_values(const struct sources *sources, const struct draft *draft,
                        struct error *error) {
    return headline_write_values(sources->analysis->cells, draft->path, error);
}

static int write_findings(const struct sources *sources, const struct draft *draft,
                          struct error *error) {
    return findings_write(sources->analysis->findings, draft->path, error);
}

static int write_cumulative(const struct sources *sources, const struct draft *draft,
                            struct error *error) {
    return cumulative_write(sources->analysis->dataset, draft->path, error);
}

static int write_terminal(const struct sources *sources, const struct draft *draft,
                          struct error *error) {
    CLEANUP_FREE char *text = table_terminal(sources->table);

    return draft_write(draft, text, error);
}

static int write_markdown(const struct sources *sources, const struct draft *draft,
                          struct error *error) {
    CLEANUP_FREE char *text = table_markdown(sources->table);

    return draft_write(draft, text, error);
}

static int write_latex(const struct sources *sources, const struct draft *draft,
                       struct error *error) {
    CLEANUP_FREE char *text = table_latex(sources->table);

    return draft_write(draft, text, error);
}

static const struct {
    const char *name;
    int (*write)(const struct sources *sources, const struct draft *draft, struct error *error);
} files[] = {
    {"summary.csv", write_summary},       {"comparisons.csv", write_comparisons},
    {"ladder.csv", write_ladder},         {"table.csv", write_table},
    {"findings.csv", write_findings},     {"values.csv", write_values},
    {"cumulative.csv", write_cumulative}, {"table.txt", write_terminal},
    {"table.md", write_markdown},         {"table.tex", write_latex},
};

/* All are written before the first takes its place. */
static int write_files(const char *run_dir, const struct sources *sources, struct error *error) {
    struct draft drafts[ARRAY_SIZE(files)];
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        draft_init(&drafts[i], run_dir, files[i].name);
    for (size_t i = 0; i < ARRAY_SIZE(files) && r == 0; i++) {
        (void)unlink(drafts[i].path); /* of a process that died */
        r = files[i].write(sources, &drafts[i], error);
    }
    for (size_t i = 0; i < ARRAY_SIZE(files) && r == 0; i++)
        r = draft_place(&drafts[i], error);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        draft_clear(&drafts[i]);
    return r;
}

int report_write(const char *run_dir, struct report_result *ret, struct error *error) {
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    CLEANUP(table_freep) struct table *table = NULL;
    int r = analysis_new(&analysis, run_dir, error);

    if (r < 0)
        return r;
    table = table_new(analysis);
    r = write_files(run_dir, &(struct sources){analysis, table}, error);
    if (r < 0)
        return r;
    *ret = (struct report_result){.analysis = analysis,
                                  .table = table_terminal(table),
                                  .warnings = text_copy(analysis->dataset->warnings)};
    analysis = NULL;
    return 0;
}

int report_figures(const struct analysis *analysis, const char *plot_dir, const char *scripts_dir,
                   char **ret_words, struct error *error) {
    CLEANUP_FREE char *gnuplot = NULL, *words = NULL;
    CLEANUP_FREE char *script = text_format("%s/figures", scripts_dir);
    /* What goes wrong is told on stderr, which process_run() does not keep. */
    const char *const argv[] = {
        "/bin/sh", "-c", "exec \"$0\" \"$@\" 2>&1", script, analysis->run_dir, plot_dir, NULL};
    int r = process_find(&gnuplot, "gnuplot", NULL);

    if (r < 0)
        return error_set(error, -ENOENT, "gnuplot is not installed: apt-get install gnuplot-nox");
    r = figure_data_write(analysis, plot_dir, error);
    if (r == 0)
        r = process_run(argv, &words, error);
    if (r < 0)
        return r;
    for (size_t length = strlen(words); length && words[length - 1] == '\n';)
        words[--length] = '\0';
    if (r > 0)
        return error_set(error, -EIO, "no figures: %s", *words ? words : script);
    *ret_words = words;
    words = NULL;
    return 0;
}

int report_page(const struct analysis *analysis, const char *plot_dir, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/report.html", analysis->run_dir);

    return page_write(analysis, plot_dir, path, error);
}
