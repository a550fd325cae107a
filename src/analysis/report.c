#include "analysis/report.h"

#include "analysis/cumulative.h"
#include "analysis/headline.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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

static int draft_place(const struct draft *draft, struct error *error) {
    if (rename(draft->path, draft->final_path) < 0)
        return error_errno(error, -errno, "%s", draft->final_path);
    return 0;
}

/* ---- the report ---- */

static int write_summary(const struct analysis *analysis, const struct draft *draft,
                         struct error *error) {
    return summary_write(analysis->summary, draft->path, error);
}

static int write_comparisons(const struct analysis *analysis, const struct draft *draft,
                             struct error *error) {
    return comparisons_write(analysis->comparisons, draft->path, error);
}

static int write_ladder(const struct analysis *analysis, const struct draft *draft,
                        struct error *error) {
    return ladder_write(analysis->ladder, draft->path, error);
}

static int write_table(const struct analysis *analysis, const struct draft *draft,
                       struct error *error) {
    return headline_write_table(analysis->summary, analysis->comparisons, draft->path, error);
}

static int write_values(const struct analysis *analysis, const struct draft *draft,
                        struct error *error) {
    return headline_write_values(analysis->cells, draft->path, error);
}

static int write_findings(const struct analysis *analysis, const struct draft *draft,
                          struct error *error) {
    return findings_write(analysis->findings, draft->path, error);
}

static int write_cumulative(const struct analysis *analysis, const struct draft *draft,
                            struct error *error) {
    return cumulative_write(analysis->dataset, draft->path, error);
}

static const struct {
    const char *name;
    int (*write)(const struct analysis *analysis, const struct draft *draft, struct error *error);
} files[] = {
    {"summary.csv", write_summary},       {"comparisons.csv", write_comparisons},
    {"ladder.csv", write_ladder},         {"table.csv", write_table},
    {"findings.csv", write_findings},     {"values.csv", write_values},
    {"cumulative.csv", write_cumulative},
};

/* All are written before the first takes its place. */
static int write_files(const char *run_dir, const struct analysis *analysis, struct error *error) {
    struct draft drafts[ARRAY_SIZE(files)];
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        draft_init(&drafts[i], run_dir, files[i].name);
    for (size_t i = 0; i < ARRAY_SIZE(files) && r == 0; i++) {
        (void)unlink(drafts[i].path); /* of a process that died */
        r = files[i].write(analysis, &drafts[i], error);
    }
    for (size_t i = 0; i < ARRAY_SIZE(files) && r == 0; i++)
        r = draft_place(&drafts[i], error);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        draft_clear(&drafts[i]);
    return r;
}

int report_write(const char *run_dir, struct error *error) {
    CLEANUP(analysis_freep) struct analysis *analysis = NULL;
    int r = analysis_new(&analysis, run_dir, error);

    return r < 0 ? r : write_files(run_dir, analysis, error);
}
