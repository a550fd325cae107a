#include "analysis/runs.h"
#include "base/csv.h"
#include "base/durable.h"
#include "base/process.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* ---- runs.csv ---- */

static const char header[] = "run,probe,variant,metric,unit,channel,trials,mean,ci_low,ci_high,"
                             "baseline,ratio,ratio_low,ratio_high,verdict";

static void write_row(struct csv_writer *writer, const struct runs *runs,
                      const struct runs_rung *rung, const char *channel,
                      const struct runs_row *row) {
    const struct statistics *statistics = &row->summary->statistics;
    const struct paired *paired = row->comparison ? &row->comparison->paired : NULL;

    csv_text(writer, runs_name(runs, row->run));
    csv_text(writer, rung->probe);
    csv_text(writer, rung->variant);
    csv_text(writer, rung->metric);
    csv_text(writer, rung->unit);
    csv_text(writer, channel);
    csv_integer(writer, (int64_t)statistics->n);
    csv_real(writer, statistics->mean);
    csv_real(writer, statistics->ci_low);
    csv_real(writer, statistics->ci_high);
    csv_text(writer, runs_baseline(runs, row));
    csv_real(writer, paired ? paired->ratio : NAN);
    csv_real(writer, paired ? paired->ci_low : NAN);
    csv_real(writer, paired ? paired->ci_high : NAN);
    csv_text(writer, paired ? runs_verdict(row) : "");
    csv_end_row(writer);
}

static int write_csv(const struct runs *runs, const char *folder, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/runs.csv", folder);
    CLEANUP(csv_writer_closep) struct csv_writer *writer = NULL;
    int r = csv_writer_open(&writer, path, header, error);

    if (r < 0)
        return r;
    for (size_t i = 0; i < runs->n_rungs; i++)
        for (size_t k = 0; k < runs->rungs[i].n_channels; k++) {
            const struct runs_channel *channel = &runs->rungs[i].channels[k];

            for (size_t row = channel->first; row < channel->first + channel->n; row++)
                write_row(writer, runs, &runs->rungs[i], channel->name, &runs->rungs[i].rows[row]);
        }
    return csv_flush(writer, true, error);
}

/* ---- the texts ---- */

static void print_text(FILE *out, const void *what) {
    (void)fputs(what, out);
}

int runs_write(const struct runs *runs, const char *folder, struct error *error) {
    static const struct {
        const char *name;
        char *(*make)(const struct runs *runs);
    } texts[] = {{"runs.txt", runs_terminal}, {"runs.md", runs_markdown}, {"runs.tex", runs_latex}};
    int r = write_csv(runs, folder, error);

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++) {
        CLEANUP_FREE char *text = texts[i].make(runs);

        r = durable_write(folder, texts[i].name, print_text, text, error);
    }
    return r == 0 && runs->n_rungs ? runs_write_chart(runs, folder, error) : r;
}

/* ---- the chart ---- */

int runs_draw(const char *folder, const char *scripts_dir, char **ret_words, struct error *error) {
    CLEANUP_FREE char *gnuplot = NULL, *words = NULL;
    CLEANUP_FREE char *script = text_format("%s/side-by-side/draw", scripts_dir);
    /* What goes wrong is told on stderr, which process_run() does not keep. */
    const char *const argv[] = {"/bin/sh", "-c", "exec \"$0\" \"$@\" 2>&1", script, folder, NULL};
    int r = process_find(&gnuplot, "gnuplot", NULL);

    if (r < 0)
        return error_set(error, -ENOENT, "gnuplot is not installed: apt-get install gnuplot-nox");
    r = process_run(argv, &words, error);
    if (r < 0)
        return r;
    if (r > 0)
        return error_set(error, -EIO, "no chart of the runs: %s", *words ? words : script);
    *ret_words = words;
    words = NULL;
    return 0;
}
