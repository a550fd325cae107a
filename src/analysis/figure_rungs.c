/* Figures of the ladder: what is left of the path on each rung, and what processors do for it. */
#include "analysis/figure.h"

#include <math.h>
#include <string.h>

static const char no_ladder[] =
    "that takes trials of path and of another probe that measures throughput";

static bool is_path(const struct dataset *dataset, const struct ladder_step *step) {
    return text_equal(dataset->probes[step->probe].name, "path");
}

/* The number of a step's panel, 0 when there is none yet. */
static size_t find_panel(const struct figure *figure, const struct ladder_step *step) {
    for (size_t i = 0; i < figure->n_panels; i++)
        if (figure->panels[i].probe == step->probe && figure->panels[i].variant == step->variant)
            return i + 1;
    return 0;
}

/* Widens the panel's axis, which begins at 0; an interval of more than twice its mean is cut. */
static void widen(struct figure_panel *panel, double mean, double high) {
    double end = fmin(isfinite(high) ? high : mean, 2 * mean) * 1.04;

    if (isfinite(end))
        panel->axis.high = fmax(panel->axis.high, end);
}

static struct figure_panel *panel_of(struct figure *figure, const struct ladder_step *step,
                                     const char *label, double high) {
    size_t number = find_panel(figure, step);

    return number ? &figure->panels[number - 1]
                  : figure_add_panel(figure, step->probe, step->variant, text_copy(label),
                                     (struct figure_axis){0, high, false, text_copy("")});
}

/* All panels with the same axis, so that lengths can be compared from one to the next. */
static void level_axes(struct figure *figure) {
    double high = 0;

    for (size_t i = 0; i < figure->n_panels; i++)
        high = fmax(high, figure->panels[i].axis.high);
    for (size_t i = 0; i < figure->n_panels; i++)
        figure->panels[i].axis.high = high > 0 ? high : 1;
}

/* ---- ladder ---- */

static char *loss_text(const struct ladder_step *step) {
    double percent = 100 * step->lost.mean;

    if (!isfinite(percent))
        return text_copy("");
    return text_format("%s %.1f %%", percent < -0.05 ? "gained" : "lost", fabs(percent));
}

/* "34.4 % (21872 Mbit/s, sender's processor)": with what holds it back, if that is a processor. */
static char *share_text(const struct ladder_step *step) {
    CLEANUP_FREE char *throughput = figure_number(step->throughput.mean);
    const char *limit = ladder_is_busy(step) ? ladder_limit(step) : "";

    if (!isfinite(step->of_path.mean))
        return text_copy("no data");
    return text_format("%.1f %% (%s Mbit/s%s%s)", 100 * step->of_path.mean, throughput,
                       *limit ? ", " : "", limit);
}

static void put_step(struct figure_file *file, struct figure *figure,
                     const struct ladder_step *step, const struct dataset *dataset) {
    CLEANUP_FREE char *share = share_text(step), *lost = loss_text(step),
                      *both = text_format("%s  %s", share, lost);
    double before = step->of_path.mean + step->lost.mean;

    figure_fit_gutter(figure, both);
    widen(panel_of(figure, step, "Share of the path's throughput (%)", 104),
          100 * fmax(step->of_path.mean, before), 100 * step->of_path.high);
    figure_put_integer(file, (int64_t)find_panel(figure, step));
    figure_put_integer(file, (int64_t)step->channel + 1);
    figure_put_text(file, dataset->channels[step->channel].name);
    figure_put_real(file, 100 * step->of_path.mean);
    figure_put_real(file, 100 * step->of_path.low);
    figure_put_real(file, 100 * step->of_path.high);
    figure_put_real(file, 100 * before);
    figure_put_text(file, share);
    figure_put_text(file, lost);
    figure_end_row(file);
}

static int make_ladder(struct figure *figure, const struct figure_sources *sources,
                       struct error *error) {
    const struct ladder *ladder = sources->ladder;
    struct figure_file file = {.path = NULL};
    int r = figure_file_open(&file, sources->folder, "ladder.csv",
                             "panel,channel,name,share,low,high,before,text,lost", error);

    if (r < 0)
        return r;
    for (size_t i = 0; i < ladder->n; i++)
        if (!is_path(sources->dataset, &ladder->list[i]))
            put_step(&file, figure, &ladder->list[i], sources->dataset);
    level_axes(figure);
    if (figure->n_panels) {
        figure->note = text_copy("100 %: raw TCP beside the channel, in the same block. Delivery "
                                 "has two hops. Named: a processor that was busy.");
        figure_add_entry(figure, 1, text_copy("left of the path, with 95 % interval"));
        figure_add_entry(figure, 2, text_copy("lost on this rung"));
    } else {
        figure->why = text_copy(no_ladder);
    }
    return figure_file_close(&file, error);
}

const struct figure_kind figure_ladder = {"ladder", make_ladder};

/* ---- cpu ---- */

struct costs {
    struct figure *figure;
    const struct dataset *dataset;
    struct figure_file parts, totals;
    bool seen[LADDER_N_PROCESSES];
};

/* The parts of a bar, one behind the other. Returns their sum, NaN when there is none. */
static double put_parts(struct costs *costs, const struct ladder_step *step, size_t panel) {
    double total = NAN;

    for (size_t i = 0; i < LADDER_N_PROCESSES; i++) {
        double mean = step->cpu[i].mean, from = isnan(total) ? 0 : total;

        if (!isfinite(mean))
            continue;
        total = from + mean;
        if (!(mean > 0))
            continue;
        costs->seen[i] = true;
        figure_put_integer(&costs->parts, (int64_t)panel);
        figure_put_integer(&costs->parts, (int64_t)step->channel + 1);
        figure_put_text(&costs->parts, costs->dataset->channels[step->channel].name);
        figure_put_integer(&costs->parts, (int64_t)i + 1);
        figure_put_text(&costs->parts, ladder_process_name(i));
        figure_put_real(&costs->parts, from);
        figure_put_real(&costs->parts, total);
        figure_end_row(&costs->parts);
    }
    return total;
}

static void put_costs(struct costs *costs, const struct ladder_step *step) {
    struct figure_panel *panel = panel_of(costs->figure, step, "CPU time (s per gigabyte)", 0);
    size_t number = find_panel(costs->figure, step);
    double total = put_parts(costs, step, number);
    CLEANUP_FREE char *value = figure_number(total);
    CLEANUP_FREE char *words =
        isfinite(total) ? text_format("%s s/GB", value) : text_copy("no data");

    widen(panel, total, total);
    figure_fit_gutter(costs->figure, words);
    figure_put_integer(&costs->totals, (int64_t)number);
    figure_put_integer(&costs->totals, (int64_t)step->channel + 1);
    figure_put_text(&costs->totals, words);
    figure_end_row(&costs->totals);
}

/* Whether any channel has a cost where this step is: else there is no panel. */
static bool has_costs(const struct ladder *ladder, const struct ladder_step *like) {
    for (size_t i = 0; i < ladder->n; i++)
        for (size_t k = 0; k < LADDER_N_PROCESSES; k++)
            if (ladder->list[i].probe == like->probe && ladder->list[i].variant == like->variant &&
                isfinite(ladder->list[i].cpu[k].mean))
                return true;
    return false;
}

static int make_cpu(struct figure *figure, const struct figure_sources *sources,
                    struct error *error) {
    const struct ladder *ladder = sources->ladder;
    struct costs costs = {figure, sources->dataset, {.path = NULL}, {.path = NULL}, {false}};
    int closed, r = figure_file_open(&costs.parts, sources->folder, "cpu.csv",
                                     "panel,channel,name,part,process,from,to", error);

    if (r == 0)
        r = figure_file_open(&costs.totals, sources->folder, "cpu-totals.csv", "panel,channel,text",
                             error);
    for (size_t i = 0; r == 0 && i < ladder->n; i++)
        if (has_costs(ladder, &ladder->list[i]))
            put_costs(&costs, &ladder->list[i]);
    level_axes(figure);
    for (size_t i = 0; i < LADDER_N_PROCESSES; i++)
        if (costs.seen[i])
            figure_add_entry(figure, i + 1, text_copy(ladder_process_name(i)));
    if (!figure->n_panels)
        figure->why = text_copy(ladder->n ? "no CPU time was measured" : no_ladder);
    closed = figure_file_close(&costs.parts, r < 0 ? NULL : error);
    r = r < 0 ? r : closed;
    closed = figure_file_close(&costs.totals, r < 0 ? NULL : error);
    return r < 0 ? r : closed;
}

const struct figure_kind figure_cpu = {"cpu", make_cpu};
