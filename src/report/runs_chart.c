/* The data of the grouped chart, laid out so that gnuplot only draws: panels.csv, bars.csv and
 * legend.csv. Each rung has a panel of means (a group a channel, a bar a run, always at the same
 * place of its group) and one of the ratios to each run's own baseline, beside it or, when there
 * are too many bars for that, below it. Lengths are pixels of a page 900 wide. */
#include "report/markup.h"
#include "report/number.h"
#include "report/runs.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#define LEFT             90.0 /* of a plot, with room for its axis */
#define RIGHT            882.0
#define MIDDLE           500.0 /* where means end when ratios stand beside them */
#define BESIDE           28    /* bars that are few enough for that */
#define ABOVE            34.0
#define BODY             190.0
#define CHARACTER_PIXELS 7.4
#define GROUP            0.8 /* of the distance of two groups is taken by bars */
#define LETTER_PIXELS    7   /* the least width of a bar that has its letter below it */
#define DIGIT_PIXELS     6.4 /* of the number above a bar */

struct chart {
    FILE *bars, *panels, *legend;
    const struct runs *runs;
    size_t n_panels;
    double top; /* of the next panel */
};

struct panel {
    const struct runs_rung *rung;
    bool ratio;
    double left, right;
    double low, high; /* of its axis */
    size_t n_channels;
};

/* ---- fields ---- */

/* A text for gnuplot 5.4, which ends a field at every comma, quoted or not, but knows escapes. */
static void put_text(FILE *out, const char *text) {
    if (!*text)
        return; /* quotes around nothing would be taken for the comma behind them */
    (void)fputc('"', out);
    for (; *text; text++)
        if (strchr(",\"\\\t", *text) || (unsigned char)*text < 0x20)
            fprintf(out, "\\0%03o", (unsigned)(unsigned char)*text); /* four digits are read */
        else
            (void)fputc(*text, out);
    (void)fputc('"', out);
}

static void put_real(FILE *out, double value) {
    if (isfinite(value))
        fprintf(out, "%.9g", value);
    (void)fputc(',', out);
}

/* The longest part of a label that cannot be broken: where that does not fit, labels are turned. */
static size_t longest_part(const char *name) {
    size_t longest = 0, used = 0;

    for (; *name; name++) {
        used += ((unsigned char)*name & 0xc0) != 0x80;
        longest = used > longest ? used : longest;
        if (*name == '-' || *name == ' ')
            used = 0;
    }
    return longest;
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

/* A mean as it stands above its bar: three digits, all before the point. */
static char *short_number(double value) {
    double size = fabs(value);

    return size >= 100  ? text_format("%.0f", value)
           : size >= 10 ? text_format("%.1f", value)
           : size >= 1  ? text_format("%.2f", value)
                        : text_format("%.3g", value);
}

/* ---- what is drawn of a row ---- */

struct bar {
    double value, low, high;
};

static struct bar bar_of(const struct runs_row *row, bool ratio) {
    const struct statistics *statistics = &row->summary->statistics;
    const struct paired *paired = row->comparison ? &row->comparison->paired : NULL;

    if (!ratio)
        return (struct bar){statistics->mean, statistics->ci_low, statistics->ci_high};
    return paired ? (struct bar){paired->ratio, paired->ci_low, paired->ci_high}
                  : (struct bar){NAN, NAN, NAN};
}

/* A channel has ratios when one run at least has one that is not of the baseline to itself. */
static bool has_ratio(const struct runs_rung *rung, const struct runs_channel *channel) {
    for (size_t i = channel->first; i < channel->first + channel->n; i++)
        if (isfinite(bar_of(&rung->rows[i], true).value))
            return true;
    return false;
}

static bool is_in(const struct panel *panel, const struct runs_channel *channel) {
    return !panel->ratio || has_ratio(panel->rung, channel);
}

/* The axis: of means from 0; of ratios around 1, not wider than needed for the ratios themselves,
 * as an interval of two blocks can be wider than anything. */
static void span(struct panel *panel) {
    double low = panel->ratio ? 1 : 0, high = low, room, least, most;

    for (size_t i = 0; i < panel->rung->n_rows; i++) {
        struct bar bar = bar_of(&panel->rung->rows[i], panel->ratio);

        low = fmin(low, bar.value); /* of a number and NaN, the number */
        high = fmax(high, bar.value);
    }
    room = panel->ratio ? fmax(high - low, 0.05) : high;
    least = low;
    most = high;
    for (size_t i = 0; i < panel->rung->n_rows; i++) {
        struct bar bar = bar_of(&panel->rung->rows[i], panel->ratio);

        if (isfinite(bar.high))
            most = fmax(most, fmin(bar.high, high + room));
        if (panel->ratio && isfinite(bar.low))
            least = fmin(least, fmax(bar.low, low - room));
    }
    panel->low = panel->ratio ? fmax(least - 0.08 * (most - least), 0) : least * 1.1;
    panel->high = most > least ? most + 0.17 * (most - least) : most + 1;
}

static void put_bar(const struct chart *chart, const struct panel *panel, size_t slot,
                    const char *channel, const struct runs_row *row) {
    double width = GROUP / (double)chart->runs->n;
    double pixels = (panel->right - panel->left) / (double)panel->n_channels * width;
    double x = (double)slot + ((double)row->run - ((double)chart->runs->n - 1) / 2) * width;
    struct bar bar = bar_of(row, panel->ratio);
    bool is = isfinite(bar.value);
    CLEANUP_FREE char *number = !is            ? text_copy("")
                                : panel->ratio ? number_ratio(bar.value)
                                               : short_number(bar.value);

    fprintf(chart->bars, "%zu,%zu,", chart->n_panels, row->run + 1);
    put_text(chart->bars, channel);
    fprintf(chart->bars, ",%.6g,%.6g,", x, width * 0.92);
    put_real(chart->bars, bar.value);
    put_real(chart->bars, fmax(bar.low, panel->low) + 0 * bar.low); /* NaN stays NaN */
    put_real(chart->bars, fmin(bar.high, panel->high) + 0 * bar.high);
    put_real(chart->bars,
             is ? fmax(fmax(bar.value, panel->ratio ? panel->low : 0), fmin(bar.high, panel->high))
                : 0);
    put_text(chart->bars, (double)strlen(number) * DIGIT_PIXELS <= pixels ? number : "");
    (void)fputc(',', chart->bars);
    put_text(chart->bars, pixels >= LETTER_PIXELS ? chart->runs->labels[row->run] : "");
    (void)fputc(',', chart->bars);
    put_text(chart->bars, is ? "" : row->is_baseline && panel->ratio ? "baseline" : "no data");
    (void)fputs(",0\n", chart->bars); /* a last field that is empty would be taken for another's */
}

/* ---- panels ---- */

static char *title_of(const struct panel *panel) {
    const struct runs_rung *rung = panel->rung;
    bool better = !text_equal(rung->better, "none") && !panel->ratio;

    return text_format("%s%s%s%s%s%s", rung->probe, *rung->variant ? ", " : "", rung->variant,
                       better         ? " - "
                       : panel->ratio ? " - ratio to the run's own baseline"
                                      : "",
                       better ? rung->better : "", better ? " is better" : "");
}

static bool is_rotated(const struct panel *panel, size_t limit) {
    for (size_t i = 0; i < panel->rung->n_channels; i++)
        if (longest_part(panel->rung->channels[i].name) > limit)
            return true;
    return false;
}

/* Writes the panel with its bars; returns the pixels that are needed below it. */
static double put_panel(struct chart *chart, struct panel *panel) {
    size_t limit =
        (size_t)((panel->right - panel->left) / (double)panel->n_channels / CHARACTER_PIXELS);
    bool rotated = is_rotated(panel, limit);
    size_t lines = 1, longest = 0, slot = 0;
    CLEANUP_FREE char *labels = text_copy(""), *title = title_of(panel);
    CLEANUP_FREE char *axis = panel->ratio
                                  ? text_copy("ratio")
                                  : text_format("%s (%s)", panel->rung->metric, panel->rung->unit);

    span(panel);
    chart->n_panels++;
    for (size_t i = 0; i < panel->rung->n_channels; i++) {
        const struct runs_channel *channel = &panel->rung->channels[i];
        size_t needed = 1, width = markup_width(channel->name);
        CLEANUP_FREE char *label = NULL;

        if (!is_in(panel, channel))
            continue;
        label = wrap(channel->name, rotated ? SIZE_MAX : limit, &needed);
        lines = needed > lines ? needed : lines;
        longest = width > longest ? width : longest;
        text_append(&labels, "\t", label);
        slot++;
        for (size_t k = channel->first; k < channel->first + channel->n; k++)
            put_bar(chart, panel, slot, channel->name, &panel->rung->rows[k]);
    }
    fprintf(chart->panels, "%zu,%d,", chart->n_panels, panel->ratio);
    put_text(chart->panels, title);
    (void)fputc(',', chart->panels);
    put_text(chart->panels, axis);
    fprintf(chart->panels, ",%zu,", slot);
    put_text(chart->panels, labels);
    fprintf(chart->panels, ",%d,%.9g,%.9g,%g,%g,%g,%g\n", rotated, panel->low, panel->high,
            panel->left, panel->right, chart->top + ABOVE, chart->top + ABOVE + BODY);
    return 34 + (rotated ? 16 + 3.9 * (double)longest : 16 * (double)lines);
}

static void put_rung(struct chart *chart, const struct runs_rung *rung) {
    struct panel means = {.rung = rung, .left = LEFT, .right = RIGHT};
    struct panel ratios = {.rung = rung, .ratio = true, .left = LEFT, .right = RIGHT};
    bool beside = rung->n_channels * chart->runs->n <= BESIDE;
    double below, needed;

    means.n_channels = rung->n_channels;
    for (size_t i = 0; i < rung->n_channels; i++)
        ratios.n_channels += has_ratio(rung, &rung->channels[i]);
    if (beside && ratios.n_channels) {
        means.right = MIDDLE;
        ratios.left = MIDDLE + LEFT - 10;
    }
    below = put_panel(chart, &means);
    if (ratios.n_channels) {
        if (!beside)
            chart->top += ABOVE + BODY + below;
        needed = put_panel(chart, &ratios);
        below = beside ? fmax(below, needed) : needed;
    }
    chart->top += ABOVE + BODY + below;
}

static void put_chart(struct chart *chart) {
    (void)fputs("panel,run,channel,x,width,value,low,high,top,number,letter,gap,end\n",
                chart->bars);
    (void)fputs("panel,ratio,title,axis,channels,labels,rotated,low,high,x0,x1,y0,y1\n",
                chart->panels);
    (void)fputs("run,text,letter,x,y,height\n", chart->legend);
    chart->top = 48 + 20 * ceil((double)chart->runs->n / 2);
    for (size_t i = 0; i < chart->runs->n_rungs; i++)
        put_rung(chart, &chart->runs->rungs[i]);
    for (size_t i = 0; i < chart->runs->n; i++) {
        CLEANUP_FREE char *text =
            text_format("%s: %s", chart->runs->labels[i], runs_name(chart->runs, i));

        fprintf(chart->legend, "%zu,", i + 1);
        put_text(chart->legend, text);
        fprintf(chart->legend, ",\"%s\",%zu,%zu,%g\n", chart->runs->labels[i], 15 + 440 * (i % 2),
                46 + 20 * (i / 2), chart->top + 6);
    }
}

/* ---- files ---- */

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
        put_chart(&(struct chart){files[0], files[1], files[2], runs, 0, 0});
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        int closed = files[i] ? close_file(files[i], data, error) : 0;

        r = r < 0 ? r : closed;
    }
    return r;
}
