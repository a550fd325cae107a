/* How to do it again, and the files of the run to take along. */
#include "analysis/number.h"
#include "analysis/page_parts.h"

#include <ctype.h>
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

/* Larger files lie beside the page. */
#define MAX_EMBEDDED_BYTES ((off_t)256 << 10)

/* ---- how to reproduce ---- */

/* Whether git would know it: digits of a hash and nothing else. */
static bool is_commit(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (!isxdigit((unsigned char)text[i]))
            return false;
    return length >= 7;
}

static void put_commands(FILE *out, const struct page *page) {
    const char *commit = json_string_value(json_object_get(page->environment, "commit"));
    size_t length = commit ? strcspn(commit, "-") : 0;
    bool known = commit && is_commit(commit, length);

    fputs("<pre class=\"commands\">", out);
    if (known)
        fprintf(out, "git checkout %.*s\n", (int)length, commit);
    html_put(out, "./bench all scenario.ini\n</pre>\n");
    fputs("<p><code>scenario.ini</code> is this run's own, below and under <a "
          "href=\"#data\">Data</a>: "
          "every default is written out, hosts and seed included, so that the same trials come in "
          "the "
          "same order. For other hosts change its section <code>[hosts]</code>. This page is made "
          "again from the files of the run alone by <code>./bench report</code> and the folder of "
          "the "
          "run.</p>\n",
          out);
    if (!known)
        fputs("<p>The commit of the program is not known.</p>\n", out);
    else if (commit[length])
        fputs("<p>The program had changes that were in no commit: it cannot be had exactly as it "
              "was.</p>\n",
              out);
}

static void put_file_text(FILE *out, FILE *file) {
    CLEANUP_FREE char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, file) >= 0)
        html_text(out, line);
}

void page_reproduce(FILE *out, const struct page *page) {
    CLEANUP_FREE char *path = text_format("%s/scenario.ini", page->analysis->run_dir);
    CLEANUP(fclosep) FILE *file = fopen(path, "re");

    put_commands(out, page);
    if (!file) {
        fputs("<p>scenario.ini cannot be read.</p>\n", out);
        return;
    }
    fputs("<details>\n<summary>The resolved scenario</summary>\n<pre>", out);
    put_file_text(out, file);
    fputs("</pre>\n</details>\n", out);
}

/* ---- data ---- */

static const struct {
    const char *name, *help;
} files[] = {
    {"scenario.ini", "the experiment, every default written out"},
    {"environment.json", "what the hosts are"},
    {"definitions.csv", "every metric of every probe: unit, direction, meaning"},
    {"trials.csv", "every trial: when, how long, how many bytes, what became of it, TLS"},
    {"metrics.csv", "every metric of every trial, by party and process"},
    {"distributions.csv", "how often each value of a trial occurred, in buckets of at most 0.8 %"},
    {"intervals.csv", "bytes of every trial in steps of 100 ms"},
    {"blocks.csv", "the hosts before and after each block: temperature, clock, throttling"},
    {"proofs.csv", "every attempt to show that a mechanism is in force"},
    {"telemetry.csv", "every telemetry message: when due, how late, whether it arrived"},
    {"factors.csv", "which values of the varied settings each variant stands for"},
    {"summary.csv",
     "mean, interval, median, quartiles and more for each metric, probe and channel"},
    {"comparisons.csv", "ratios, intervals, p, shift and verdict of every pair of channels"},
    {"ladder.csv", "what is lost from rung to rung, processor time, bytes on the wire"},
    {"table.csv", "the table: each probe's headline metric, its ratio to the baseline, verdict"},
    {"findings.csv", "all that is said of the run, in sentences"},
    {"values.csv", "the trials that count, with the value of their headline metric"},
    {"cumulative.csv", "distributions of latencies, as shares that are no larger"},
};

static const char *help_of(const char *name) {
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        if (text_equal(files[i].name, name))
            return files[i].help;
    return "";
}

static bool has_end(const char *name, const char *end) {
    size_t length = strlen(name);

    return length > strlen(end) && text_equal(name + length - strlen(end), end);
}

/* Records behind the header: a line end between quotes ends none. */
static size_t count_rows(FILE *file) {
    static const size_t size = 65536;
    CLEANUP_FREE char *buffer = memory_new(size, 1);
    size_t rows = 0, n;
    bool quoted = false;

    while ((n = fread(buffer, 1, size, file)) > 0) {
        for (size_t i = 0; i < n; i++) {
            quoted = quoted != (buffer[i] == '"');
            rows += buffer[i] == '\n' && !quoted;
        }
    }
    rewind(file);
    return rows ? rows - 1 : 0;
}

static char *show_size(off_t bytes) {
    if (bytes < 1024)
        return text_format("%d B", (int)bytes);
    if (bytes < 1024 * 1024)
        return text_format("%.1f KiB", (double)bytes / 1024);
    return text_format("%.1f MiB", (double)bytes / 1024 / 1024);
}

static void put_link(FILE *out, FILE *file, const char *name, bool embedded) {
    html_put(out, embedded ? "<a download=\"%s\" href=\"" : "<a title=\"%s\" href=\"", name);
    if (embedded) {
        fprintf(out, "data:%s;base64,",
                has_end(name, ".csv")    ? "text/csv"
                : has_end(name, ".json") ? "application/json"
                                         : "text/plain");
        html_base64(out, file);
    } else {
        html_address(out, name);
    }
    html_put(out, "\">%s</a>", name);
}

static void put_file(FILE *out, const struct page *page, const char *name) {
    CLEANUP_FREE char *path = text_format("%s/%s", page->analysis->run_dir, name);
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    CLEANUP_FREE char *size = NULL;
    bool embedded, csv = has_end(name, ".csv");
    struct stat status;

    if (!file || fstat(fileno(file), &status) < 0 || !S_ISREG(status.st_mode))
        return;
    embedded = status.st_size <= MAX_EMBEDDED_BYTES;
    size = show_size(status.st_size);
    html_put(out, "<tr data-download=\"%s\"><th scope=\"row\">", name);
    if (csv) {
        size_t rows = count_rows(file);

        put_link(out, file, name, embedded);
        html_put(out, "</th><td data-count=\"rows\"><data value=\"%zu\">%zu</data></td>", rows,
                 rows);
    } else {
        put_link(out, file, name, embedded);
        fputs("</th><td></td>", out);
    }
    html_put(out, "<td>%s</td><td class=\"words\">%s</td><td class=\"words\">%s</td></tr>\n", size,
             help_of(name), embedded ? "in this page" : "beside this page");
}

static int is_unlisted_csv(const struct dirent *entry) {
    return has_end(entry->d_name, ".csv") && !*help_of(entry->d_name) && entry->d_name[0] != '.';
}

void page_data(FILE *out, const struct page *page) {
    static const char *const headers[] = {"<file",          "rows",   "size",
                                          "<what it holds", "<where", NULL};
    struct dirent **entries;
    int n = scandir(page->analysis->run_dir, &entries, is_unlisted_csv, alphasort);

    fputs(
        "<p>The files of the run, to take along. What their columns mean is told in the README of "
        "the program.</p>\n",
        out);
    page_table_begin(out, "Files of the run", headers);
    fputs("<tbody>\n", out);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        put_file(out, page, files[i].name);
    for (int i = 0; i < n; i++) {
        put_file(out, page, entries[i]->d_name);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    fputs("</tbody>\n", out);
    page_table_end(out);
}
