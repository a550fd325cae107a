/* The latency probe's distribution, a line a channel, all trials that count together: how many
 * messages took no longer, on a scale of nines, on which the slowest messages can be seen. */
#include "analysis/figure.h"

#include <math.h>
#include <string.h>

struct latency_probe {
    struct figure *figure;
    const struct dataset *dataset;
    struct figure_file line, marks;
};

static bool is_latency(const struct dataset_distribution *distribution) {
    return text_equal(distribution->metric, "latency") && distribution->total > 0;
}

/* 1 for 90 %, 2 for 99 %, ... of `total` values, so many are at or below. One more is reckoned
 * with: of the largest value nobody knows how rare it is. */
static double nines(int64_t below, int64_t total) {
    return -log10(1 - (double)below / ((double)total + 1));
}

static void put_point(struct figure_file *file, const struct latency_probe *all, size_t channel,
                      double value, double height) {
    figure_put_integer(file, (int64_t)all->figure->n_panels + 1);
    figure_put_integer(file, (int64_t)channel + 1);
    figure_put_real(file, value);
    figure_put_real(file, height);
    figure_end_row(file);
}

/* Buckets are thinned where there are more than can be told apart; the slowest all stay. The marks
 * tell lines apart without their colours. */
static void put_line(struct latency_probe *all, const struct dataset_distribution *distribution) {
    size_t room = FIGURE_POINTS / all->dataset->n_channels + 1, n = distribution->n;
    size_t step = n > room ? (n + room - 1) / room : 1;
    int64_t below = 0;
    double next = ((double)distribution->channel + 1) / (double)(all->dataset->n_channels + 1) / 2;

    put_point(&all->line, all, distribution->channel, distribution->buckets[0].upper_bound, 0);
    for (size_t i = 0; i < n; i++) {
        double value = distribution->buckets[i].upper_bound, height;

        below += distribution->buckets[i].count;
        height = nines(below, distribution->total);
        if (i % step == 0 || height > 2)
            put_point(&all->line, all, distribution->channel, value, height);
        if (height >= next) {
            put_point(&all->marks, all, distribution->channel, value, height);
            next = floor(2 * height + 1) / 2 + fmod(next, 0.5);
        }
    }
}

/* All channels of a probe and variant, from the first distribution of them. */
static void put_panel(struct latency_probe *all, const struct dataset_distribution *first) {
    const struct dataset *dataset = all->dataset;
    struct figure_range range = FIGURE_RANGE_NONE;

    for (size_t c = 0; c < dataset->n_channels; c++)
        for (size_t i = 0; i < dataset->n_distributions; i++) {
            const struct dataset_distribution *one = &dataset->distributions[i];

            if (one->probe != first->probe || one->variant != first->variant || one->channel != c ||
                !is_latency(one))
                continue;
            put_line(all, one);
            figure_range_add(&range, one->buckets[0].upper_bound);
            figure_range_add(&range, one->buckets[one->n - 1].upper_bound);
        }
    figure_add_panel(
        all->figure, first->probe, first->variant,
        text_format("Latency, from the time a message was due to its arrival (%s)", first->unit),
        figure_axis_fit(range, 1.05));
}

/* Whether no distribution before it is of the same probe and variant. */
static bool is_first(const struct dataset *dataset, size_t place) {
    const struct dataset_distribution *list = dataset->distributions;

    for (size_t i = 0; i < place; i++)
        if (is_latency(&list[i]) && list[i].probe == list[place].probe &&
            list[i].variant == list[place].variant)
            return false;
    return is_latency(&list[place]);
}

static int make(struct figure *figure, const struct figure_sources *sources, struct error *error) {
    struct latency_probe all = {figure, sources->dataset, {.path = NULL}, {.path = NULL}};
    const struct dataset *dataset = sources->dataset;
    static const char header[] = "panel,channel,value,nines";
    int closed,
        r = figure_file_open(&all.line, sources->folder, "latency-probe.csv", header, error);

    if (r == 0)
        r = figure_file_open(&all.marks, sources->folder, "latency-probe-marks.csv", header, error);
    for (size_t i = 0; r == 0 && i < dataset->n_distributions; i++)
        if (is_first(dataset, i))
            put_panel(&all, &dataset->distributions[i]);
    if (figure->n_panels)
        figure_add_channels(figure, dataset);
    else
        figure->why = text_copy(dataset_find_probe(dataset, "latency") < 0
                                    ? FIGURE_UNASKED
                                    : "no trial of this run has kept a distribution of latency");
    closed = figure_file_close(&all.line, r < 0 ? NULL : error);
    r = r < 0 ? r : closed;
    closed = figure_file_close(&all.marks, r < 0 ? NULL : error);
    return r < 0 ? r : closed;
}

const struct figure_kind figure_latency_probe = {"latency-probe", make};
