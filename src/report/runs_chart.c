/* The data of the grouped chart: bars.csv, panels.csv and legend.csv, laid out so that gnuplot only
 * draws. A panel a rung, a group a channel, a bar a run, always at the same place of its group. */
#include "report/markup.h"
#include "report/number.h"
#include "report/runs.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#define PLOT_PIXELS      800
#define CHARACTER_PIXELS 7.4
#define ROTATED_BELOW    9   /* characters below a group: the label is turned then */
#define GROUP            0.8 /* of the distance of two groups is taken by bars */
#define LETTER_PIXELS    9   /* the least width of a bar that has its letter below it */
#define NUMBER_PIXELS    40  /* ... that has its mean above it */

struct chart {
    FILE *bars, *panels, *legend;
    const struct runs *runs;
};

/* A text for gnuplot 5.4, which ends a field at every comma, quoted or not, but knows escapes. */
static void put_text(FILE *out, const char *text) {
    (void)fputc('"', out);
    for (; *text; text++)
        if (strchr(",\"\\\t", *text) || (unsigned char)*text < 0x20)
            fprintf(out, "\\%03o", (unsigned)(unsigned char)*text);
        else
            (void)fputc(*text, out);
    (void)fputc('"', out);
}

static void put_real(FILE *out, double value) {
    if (isfinite(value))
        fprintf(out, "%.9g", value);
}

/* The label of a group in lines of at most `limit` characters, broken behind hyphens and blanks. */
static char *wrap(const char *name, size_t limit, size_t *lines) {
    char *text = text_copy("");
    size_t used = 0;

    while (*name) {
        size_t length = strcspn(name, "- ");
        CLEANUP_FREE char *part = NULL;
        bool full;

        length += name[length] ? 1 : 0;
        part = text_format("%.*s", (int)length, name);
        full = used && used + markup_width(part) > limit;
        *lines += full;
        used = (full ? 0 : used) + markup_width(part);
        text_append(&text, full ? "\n" : "", part);
        name += length;
    }
    return text;
}

/* The mean as it stands above its bar: three digits, all before the point. */
static char *short_number(double value) {
    double size = fabs(value);

    return text_format(size >= 100  ? "%.0f"
                       : size >= 10 ? "%.1f"
                       : size >= 1  ? "%.2f"
                                    : "%.3g",
                       value);
}

static void put_bar(const struct chart *chart, size_t panel, size_t slot, const char *name,
                    const struct runs_row *row, double pixels) {
    const struct statistics *statistics = &row->summary->statistics;
    double width = GROUP / (double)chart->runs->n;
    double x = (double)slot + ((double)row->run - ((double)chart->runs->n - 1) / 2) * width;
    bool measured = isfinite(statistics->mean);
    CLEANUP_FREE char *number =
        measured && pixels >= NUMBER_PIXELS ? short_number(statistics->mean) : text_copy("");

    fprintf(chart->bars, "%zu,%zu,", panel, row->run + 1);
    put_text(chart->bars, name);
    fprintf(chart->bars, ",%.6g,%.6g,", x, width * 0.92);
    put_real(chart->bars, statistics->mean);
    (void)fputc(',', chart->bars);
    put_real(chart->bars, statistics->ci_low);
    (void)fputc(',', chart->bars);
    put_real(chart->bars, statistics->ci_high);
    (void)fputc(',', chart->bars);
    put_real(chart->bars, measured ? fmax(fmax(statistics->mean, 0), statistics->ci_high) : 0);
    (void)fputc(',', chart->bars);
    put_text(chart->bars, number);
    (void)fputc(',', chart->bars);
    put_text(chart->bars, pixels >= LETTER_PIXELS ? chart->runs->labels[row->run] : "");
    (void)fputc(',', chart->bars);
    put_text(chart->bars, measured ? "" : "no data");
    (void)fputc('\n', chart->bars);
}

/* From 0, or below it, to a little above the highest. */
static void span(const struct runs_rung *rung, double *low, double *high) {
    *low = *high = 0;
    for (size_t i = 0; i < rung->n_rows; i++) {
        const struct statistics *statistics = &rung->rows[i].summary->statistics;

        *low = fmin(*low, statistics->mean); /* of a number and NaN, the number */
        *high = fmax(*high, fmax(statistics->mean, statistics->ci_high));
    }
    *low *= 1.1;
    *high = *high > 0 ? *high * 1.15 : *low < 0 ? 0 : 1;
}

static void put_panel(const struct chart *chart, size_t place) {
    const struct runs_rung *rung = &chart->runs->rungs[place];
    double distance = (double)PLOT_PIXELS / (double)rung->n_channels, low, high;
    double pixels = distance * GROUP / (double)chart->runs->n;
    size_t limit = (size_t)(distance / CHARACTER_PIXELS), lines = 1, longest = 0;
    bool rotated = limit < ROTATED_BELOW, better = !text_equal(rung->better, "none");
    CLEANUP_FREE char *labels = text_copy("");
    CLEANUP_FREE char *title =
        text_format("%s%s%s%s%s%s", rung->probe, *rung->variant ? ", " : "", rung->variant,
                    better ? " - " : "", better ? rung->better : "", better ? " is better" : "");
    CLEANUP_FREE char *axis = text_format("%s (%s)", rung->metric, rung->unit);

    for (size_t i = 0; i < rung->n_channels; i++) {
        const struct runs_channel *channel = &rung->channels[i];
        size_t needed = 1, width = markup_width(channel->name);
        CLEANUP_FREE char *label = wrap(channel->name, rotated ? SIZE_MAX : limit, &needed);

        lines = needed > lines ? needed : lines;
        longest = width > longest ? width : longest;
        text_append(&labels, "\t", label);
        for (size_t k = channel->first; k < channel->first + channel->n; k++)
            put_bar(chart, place + 1, i + 1, channel->name, &rung->rows[k], pixels);
    }
    span(rung, &low, &high);
    fprintf(chart->panels, "%zu,", place + 1);
    put_text(chart->panels, title);
    (void)fputc(',', chart->panels);
    put_text(chart->panels, axis);
    fprintf(chart->panels, ",%zu,", rung->n_channels);
    put_text(chart->panels, labels);
    fprintf(chart->panels, ",%zu,%zu,%d,%.9g,%.9g\n", lines, longest, rotated, low, high);
}

static void put_chart(const struct chart *chart) {
    (void)fputs("panel,run,channel,x,width,mean,low,high,top,number,letter,gap\n", chart->bars);
    (void)fputs("panel,title,axis,channels,labels,lines,longest,rotated,low,high\n", chart->panels);
    (void)fputs("run,text\n", chart->legend);
    for (size_t i = 0; i < chart->runs->n_rungs; i++)
        put_panel(chart, i);
    for (size_t i = 0; i < chart->runs->n; i++) {
        CLEANUP_FREE char *text =
            text_format("%s: %s", chart->runs->labels[i], runs_name(chart->runs, i));

        fprintf(chart->legend, "%zu,", i + 1);
        put_text(chart->legend, text);
        (void)fputc('\n', chart->legend);
    }
}

static int close_file(FILE *file, const char *folder, struct error *error) {
    bool failed = ferror(file);

    if (fclose(file) != 0 || failed)
        return error_errno(error, errno ? -errno : -EIO, "%s", folder);
    return 0;
}

int runs_write_chart(const struct runs *runs, const char *folder, struct error *error) {
    static const char *const names[] = {"bars", "panels", "legend"};
    CLEANUP_FREE char *data = text_format("%s/data", folder);
    FILE *files[ARRAY_SIZE(names)] = {NULL};
    int r = 0;

    if (mkdir(data, 0755) < 0 && errno != EEXIST)
        return error_errno(error, -errno, "%s", data);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
        CLEANUP_FREE char *path = text_format("%s/%s.csv", data, names[i]);

        files[i] = fopen(path, "we");
        if (!files[i])
            r = error_errno(error, -errno, "%s", path);
    }
    if (r == 0)
        put_chart(&(struct chart){files[0], files[1], files[2], runs});
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        int closed = files[i] ? close_file(files[i], data, error) : 0;

        r = r < 0 ? r : closed;
    }
    return r;
}
