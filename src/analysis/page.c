#include "analysis/page.h"

#include "analysis/page_parts.h"
#include "base/clock.h"
#include "base/durable.h"

#include <limits.h>
#include <string.h>

/* The page, in the order in which it is read. */
static const struct {
    const char *id, *title;
    page_section *print;
} sections[] = {
    {"conclusions", "What may be concluded", page_conclusions},
    {"table", "What was measured", page_throughput},
    {"comparisons", "Comparisons", page_comparisons},
    {"figures", "Figures", page_figures},
    {"ladder", "The ladder", page_ladder},
    {"energy", "Energy", page_energy},
    {"proofs", "Proofs", page_proofs},
    {"validity", "Validity", page_validity},
    {"environment", "Environment", page_environment},
    {"reproduce", "How to reproduce", page_reproduce},
    {"data", "Data", page_data},
};

/* ---- the frame ---- */

static void put_head(FILE *out, const struct page *page) {
    html_put(out,
             "<!DOCTYPE html>\n"
             "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\" xml:lang=\"en\">\n<head>\n"
             "<meta charset=\"utf-8\"/>\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
             "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
             "<meta name=\"generator\" content=\"mqtt-security-bench %s\"/>\n"
             "<link rel=\"icon\" href=\"data:,\"/>\n" /* or a browser asks for one */
             "<title>%s - mqtt-security-bench</title>\n<style>\n",
             BENCH_VERSION, page->dataset->run_name);
    for (const char *const *line = page_style; *line; line++)
        fputs(*line, out);
    fputs("</style>\n</head>\n<body>\n", out);
}

/* "2026-11-22 08:30 to 09:10 UTC": from the first trial to the last. */
static char *describe_date(const struct dataset *dataset) {
    int64_t first = 0, last = 0;
    char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];

    for (size_t i = 0; i < dataset->n_trials; i++) {
        int64_t started = dataset->trials[i].started_ms;

        if (started && (!first || started < first))
            first = started;
        last = started > last ? started : last;
    }
    if (!first || last > INT64_MAX / 1000000)
        return text_copy("not known");
    clock_format_utc(first * 1000000, from);
    clock_format_utc(last * 1000000, to);
    if (strncmp(from, to, 10) == 0)
        return text_format("%.10s, trials from %.5s to %.5s UTC", from, from + 11, to + 11);
    return text_format("trials from %.10s %.5s to %.10s %.5s UTC", from, from + 11, to, to + 11);
}

/* Appends "70 ok, 2 failed": from the first-th status on. */
static void append_counts(char **text, const size_t *counts, int first) {
    const char *separator = " ";

    for (int i = first; i < DATASET_N_STATUSES; i++) {
        CLEANUP_FREE char *piece = NULL;

        if (!counts[i])
            continue;
        piece = text_format("%zu %s", counts[i], dataset_status_word((enum dataset_status)i));
        text_append(text, separator, piece);
        separator = ", ";
    }
}

/* "72 in 8 blocks: 70 ok, 2 failed; before, measured again: 3 failed" */
static char *describe_trials(const struct dataset *dataset) {
    enum { BEFORE, USED };
    size_t counts[2][DATASET_N_STATUSES] = {{0}}, used = 0;
    char *text;

    for (size_t i = 0; i < dataset->n_trials; i++) {
        used += dataset->trials[i].used;
        counts[dataset->trials[i].used ? USED : BEFORE][dataset->trials[i].status]++;
    }
    if (!used)
        return text_copy("none");
    text = text_format("%zu in %zu block%s:", used, dataset->n_counted,
                       dataset->n_counted == 1 ? "" : "s");
    append_counts(&text, counts[USED], DATASET_OK);
    if (counts[BEFORE][DATASET_FAILED] + counts[BEFORE][DATASET_VOID]) {
        text_append(&text, "; ", "before, measured again:");
        append_counts(&text, counts[BEFORE], DATASET_FAILED);
    }
    return text;
}

static void put_title(FILE *out, const struct page *page) {
    const struct dataset *dataset = page->dataset;
    const char *description = page_setting(page, "scenario", "description");
    CLEANUP_FREE char *date = describe_date(dataset), *trials = describe_trials(dataset);

    html_put(out, "<header>\n<p class=\"program\">mqtt-security-bench</p>\n<h1>%s</h1>\n",
             *dataset->scenario ? dataset->scenario : dataset->run_name);
    if (*description)
        html_put(out, "<p class=\"lead\">%s</p>\n", description);
    html_put(out, "<dl>\n<div><dt>Run</dt><dd>%s</dd></div>\n", dataset->run_name);
    html_put(out, "<div><dt>Date</dt><dd>%s</dd></div>\n", date);
    if (*dataset->hosts)
        html_put(out, "<div><dt>Hosts</dt><dd>%s</dd></div>\n", dataset->hosts);
    html_put(out, "<div><dt>Trials</dt><dd>%s</dd></div>\n</dl>\n</header>\n", trials);
}

static void put_contents(FILE *out) {
    fputs("<nav aria-label=\"Contents\">\n<ul>\n", out);
    for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
        html_put(out, "<li><a href=\"#%s\">%s</a></li>\n", sections[i].id, sections[i].title);
    fputs("</ul>\n</nav>\n", out);
}

static void print_page(FILE *out, const void *what) {
    const struct page *page = what;

    put_head(out, page);
    put_title(out, page);
    fputs("<main>\n", out);
    page_unsteady(out, page);
    put_contents(out);
    for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
        html_put(out, "<section id=\"%s\">\n<h2>%s</h2>\n", sections[i].id, sections[i].title);
        sections[i].print(out, page);
        fputs("</section>\n", out);
    }
    html_put(out,
             "</main>\n<footer><p>Made by mqtt-security-bench %s from the files of the run "
             "alone.</p></footer>\n</body>\n</html>\n",
             BENCH_VERSION);
}

/* ---- where the figures are ---- */

/* The address of one folder seen from another, with '/' at its end; both exist. */
static char *relative_address(const char *from, const char *to) {
    CLEANUP_FREE char *real_from = realpath(from, NULL), *real_to = realpath(to, NULL);
    const char *rest;
    char *text = NULL;
    size_t same = 0, size;
    FILE *out;

    if (!real_from || !real_to)
        return NULL;
    for (size_t i = 0; real_from[i] == real_to[i] || !real_from[i] || !real_to[i]; i++) {
        if ((!real_from[i] || real_from[i] == '/') && (!real_to[i] || real_to[i] == '/'))
            same = i;
        if (!real_from[i] || !real_to[i])
            break;
    }
    out = open_memstream(&text, &size);
    for (rest = real_from + same; *rest; rest++)
        if (*rest == '/' && rest[1])
            fputs("../", out);
    rest = real_to + same;
    rest += *rest == '/';
    html_address(out, rest);
    fputs(*rest ? "/" : "", out);
    (void)fclose(out);
    return text;
}

int page_write(const struct analysis *analysis, const char *plot_dir, const char *path,
               struct error *error) {
    CLEANUP_FREE char *scenario = text_format("%s/scenario.ini", analysis->run_dir);
    CLEANUP_FREE char *environment = text_format("%s/environment.json", analysis->run_dir);
    const char *slash = strrchr(path, '/');
    CLEANUP_FREE char *folder =
        slash ? text_format("%.*s", slash == path ? 1 : (int)(slash - path), path) : text_copy(".");
    CLEANUP(table_freep) struct table *table = table_new(analysis);
    struct page page = {analysis, analysis->dataset, table, plot_dir, NULL, NULL, NULL};
    int r;

    (void)inifile_read(&page.scenario, scenario, NULL);
    page.environment = json_load_file(environment, JSON_REJECT_DUPLICATES, NULL);
    page.plots = plot_dir ? relative_address(folder, plot_dir) : NULL;
    r = durable_write(folder, slash ? slash + 1 : path, print_page, &page, error);
    inifile_freep(&page.scenario);
    json_decref(page.environment);
    free(page.plots);
    return r;
}
