/* The data of the grouped chart, laid out so that gnuplot only draws: panels.csv, bars.csv and
 * legend.csv. Each rung has a panel of means (a group a channel, a bar a run, always at the same
 * place of its group) and one of the ratios to each run's own baseline, beside it or, when there
 * are too many bars for that, below it. Lengths are pixels of a page 900 wide. */
#include "analysis/figure_file.h"
#include "analysis/number.h"
#include "analysis/runs.h"

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
#define CHARACTER_PIXELS 8.0
#define GROUP            0.8 /* of the distance of two groups is taken by bars */
#define LETTER_PIXELS    7   /* the least width of a bar that has its letter below it */
#define DIGIT_PIXELS     6.8 /* of the number above a bar */

struct chart {
    struct figure_file bars, panels, legend;
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
    bool numbers; /* above the bars: if all of them have room */
};

/* The longest part of a label that cannot be broken: where that does not fit, labels are turned. */
static size_t longest_part(const char *name) {
    size_t longest = 0, used = 0;

    for (; *name; name++) {
        used += ((unsigned char)*name & 0xc0) != 0x80;
        longest = used > longest ? used : longest;
        if (figure_breaks(*name))
            used = 0;
    }
    return longest;
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

/* The number above a bar; the caller's. */
static char *number_of(const struct bar *bar, bool ratio) {
    return !isfinite(bar->value) ? text_copy("")
           : ratio               ? number_ratio(bar->value)
                                 : figure_number(bar->value);
}

static bool has_room(const struct panel *panel, double pixels) {
    for (size_t i = 0; i < panel->rung->n_rows; i++) {
        struct bar bar = bar_of(&panel->rung->rows[i], panel->ratio);
        CLEANUP_FREE char *number = number_of(&bar, panel->ratio);

        if ((double)strlen(number) * DIGIT_PIXELS > pixels)
            return false;
    }
    return true;
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

static void put_bar(struct chart *chart, const struct panel *panel, size_t slot,
                    const char *channel, const struct runs_row *row) {
    struct figure_file *file = &chart->bars;
    double width = GROUP / (double)chart->runs->n;
    double pixels = (panel->right - panel->left) / (double)panel->n_channels * width;
    double x = (double)slot + ((double)row->run - ((double)chart->runs->n - 1) / 2) * width;
    struct bar bar = bar_of(row, panel->ratio);
    bool is = isfinite(bar.value);
    CLEANUP_FREE char *number = number_of(&bar, panel->ratio);
    double high = fmin(bar.high, panel->high); /* of a number and NaN, the number */

    figure_put_integer(file, (int64_t)chart->n_panels);
    figure_put_integer(file, (int64_t)row->run + 1);
    figure_put_text(file, channel);
    figure_put_real(file, x);
    figure_put_real(file, width * 0.92);
    figure_put_real(file, bar.value);
    figure_put_real(file, isfinite(bar.low) ? fmax(bar.low, panel->low) : NAN);
    figure_put_real(file, isfinite(bar.high) ? high : NAN);
    figure_put_real(file, !is                  ? 0
                          : isfinite(bar.high) ? fmax(bar.value, high)
                                               : fmax(bar.value, panel->low));
    figure_put_text(file, panel->numbers ? number : "");
    figure_put_text(file, pixels >= LETTER_PIXELS ? chart->runs->labels[row->run] : "");
    figure_put_text(file, is ? "" : row->is_baseline && panel->ratio ? "baseline" : "no data");
    figure_end_row(file);
}

/* ---- panels ---- */

static char *title_of(const struct panel *panel) {
    const struct runs_rung *rung = panel->rung;
    bool better = !text_equal(rung->better, "none") && !panel->ratio;
    const char *baseline = *rung->variant ? " - ratio to own baseline" /* half a page is narrow */
                                          : " - ratio to the run's own baseline";

    return text_format("%s%s%s%s%s%s", rung->probe, *rung->variant ? ", " : "", rung->variant,
                       better         ? " - "
                       : panel->ratio ? baseline
                                      : "",
                       better ? rung->better : "", better ? " is better" : "");
}

static bool is_rotated(const struct panel *panel, size_t limit) {
    for (size_t i = 0; i < panel->rung->n_channels; i++)
        if (longest_part(panel->rung->channels[i].name) > limit)
            return true;
    return false;
}

/* The labels of the groups, with tabs between; *below: the pixels that they need. */
static char *label_groups(const struct panel *panel, bool rotated, size_t limit, double *below) {
    char *labels = text_copy("");
    size_t lines = 1, longest = 0;

    for (size_t i = 0; i < panel->rung->n_channels; i++) {
        const char *name = panel->rung->channels[i].name;
        CLEANUP_FREE char *label = rotated ? text_copy(name) : figure_wrap(name, limit);

        if (!is_in(panel, &panel->rung->channels[i]))
            continue;
        lines = figure_lines(label) > lines ? figure_lines(label) : lines;
        longest = figure_width(name) > longest ? figure_width(name) : longest;
        text_append(&labels, "\t", label);
    }
    *below = 34 + (rotated ? 16 + 3.9 * (double)longest : 16 * (double)lines);
    return labels;
}

static void put_bars(struct chart *chart, const struct panel *panel) {
    size_t slot = 0;

    for (size_t i = 0; i < panel->rung->n_channels; i++) {
        const struct runs_channel *channel = &panel->rung->channels[i];

        if (!is_in(panel, channel))
            continue;
        slot++;
        for (size_t k = channel->first; k < channel->first + channel->n; k++)
            put_bar(chart, panel, slot, channel->name, &panel->rung->rows[k]);
    }
}

/* Writes the panel with its bars; returns the pixels that are needed below it. */
static double put_panel(struct chart *chart, struct panel *panel) {
    struct figure_file *file = &chart->panels;
    double distance = (panel->right - panel->left) / (double)panel->n_channels, below;
    size_t limit = (size_t)(distance / CHARACTER_PIXELS);
    bool rotated = is_rotated(panel, limit);
    CLEANUP_FREE char *labels = label_groups(panel, rotated, limit, &below);
    CLEANUP_FREE char *title = title_of(panel), *axis = NULL;

    axis = panel->ratio ? text_copy("ratio")
                        : text_format("%s (%s)", panel->rung->metric, panel->rung->unit);
    span(panel);
    panel->numbers = has_room(panel, distance * GROUP / (double)chart->runs->n);
    chart->n_panels++;
    put_bars(chart, panel);
    figure_put_integer(file, (int64_t)chart->n_panels);
    figure_put_integer(file, panel->ratio);
    figure_put_text(file, title);
    figure_put_text(file, axis);
    figure_put_integer(file, (int64_t)panel->n_channels);
    figure_put_tic(file, labels);
    figure_put_integer(file, rotated);
    figure_put_real(file, panel->low);
    figure_put_real(file, panel->high);
    figure_put_real(file, panel->left);
    figure_put_real(file, panel->right);
    figure_put_real(file, chart->top + ABOVE);
    figure_put_real(file, chart->top + ABOVE + BODY);
    figure_end_row(file);
    return below;
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

static void put_legend(struct chart *chart) {
    for (size_t i = 0; i < chart->runs->n; i++) {
        CLEANUP_FREE char *text =
            text_format("%s: %s", chart->runs->labels[i], runs_name(chart->runs, i));

        figure_put_integer(&chart->legend, (int64_t)i + 1);
        figure_put_text(&chart->legend, text);
        figure_put_text(&chart->legend, chart->runs->labels[i]);
        figure_put_integer(&chart->legend, 15 + 440 * (int64_t)(i % 2));
        figure_put_integer(&chart->legend, 46 + 20 * (int64_t)(i / 2));
        figure_put_real(&chart->legend, chart->top + 6);
        figure_end_row(&chart->legend);
    }
}

static int open_files(struct chart *chart, const char *data, struct error *error) {
    int r =
        figure_file_open(&chart->bars, data, "bars.csv",
                         "panel,run,channel,x,width,value,low,high,top,number,letter,gap", error);

    if (r == 0)
        r = figure_file_open(&chart->panels, data, "panels.csv",
                             "panel,ratio,title,axis,channels,labels,rotated,low,high,x0,x1,y0,y1",
                             error);
    if (r == 0)
        r = figure_file_open(&chart->legend, data, "legend.csv", "run,text,letter,x,y,height",
                             error);
    return r;
}

int runs_write_chart(const struct runs *runs, const char *folder, struct error *error) {
    struct chart chart = {.runs = runs, .top = 48 + 20 * ceil((double)runs->n / 2)};
    struct figure_file *files[] = {&chart.bars, &chart.panels, &chart.legend};
    CLEANUP_FREE char *data = text_format("%s/data", folder);
    int r;

    if (mkdir(data, 0755) < 0 && errno != EEXIST)
        return error_errno(error, -errno, "%s", data);
    r = open_files(&chart, data, error);
    if (r == 0) {
        for (size_t i = 0; i < runs->n_rungs; i++)
            put_rung(&chart, &runs->rungs[i]);
        put_legend(&chart);
    }
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        int closed = figure_file_close(files[i], r < 0 ? NULL : error);

        r = r < 0 ? r : closed;
    }
    return r;
}
