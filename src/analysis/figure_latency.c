/* The distribution function of telemetry latency, a line a channel. What was lost never arrives, so
 * a line ends below 100 %. */
#include "analysis/figure.h"

#include "analysis/figure_thin.h"
#include "analysis/statistics.h"

#include <math.h>
#include <string.h>

#define MARKS 10 /* on each line, so that it is known without its colour */

struct messages {
    double *ms; /* upwards */
    size_t n;
};

static struct messages messages_of(const struct dataset *dataset, size_t channel) {
    struct messages messages = {memory_new(dataset->n_latencies, sizeof(double)), 0};

    for (size_t i = 0; i < dataset->n_latencies; i++)
        if (dataset->latencies[i].channel == channel && isfinite(dataset->latencies[i].ms))
            messages.ms[messages.n++] = dataset->latencies[i].ms;
    statistics_sort(messages.ms, messages.n);
    return messages;
}

/* The smallest latency that a logarithmic axis can show; 0 when there is none. */
static double least_positive(const struct dataset *dataset) {
    double least = 0;

    for (size_t i = 0; i < dataset->n_latencies; i++) {
        double ms = dataset->latencies[i].ms;

        if (ms > 0 && isfinite(ms) && (!(least > 0) || ms < least))
            least = ms;
    }
    return least;
}

static void put_point(struct figure_file *file, size_t channel, double ms, double share) {
    figure_put_integer(file, (int64_t)channel + 1);
    figure_put_real(file, ms);
    figure_put_real(file, share);
    figure_end_row(file);
}

struct latency {
    struct figure *figure;
    const struct dataset *dataset;
    struct figure_file line, marks;
    struct figure_range range;
    double least;
    size_t step, not_positive;
};

/* How many messages a channel has sent: each has one row, but for those that came twice. */
static size_t count_sent(const struct dataset_channel *channel, size_t delivered) {
    size_t sent = channel->messages - channel->duplicates;

    return sent > delivered ? sent : delivered;
}

/* The channels' marks stand at different heights, so that they do not hide each other. */
static void put_marks(struct latency *all, size_t channel, const struct messages *messages,
                      size_t sent) {
    double height = ((double)channel + 0.5) / (double)all->dataset->n_channels;

    for (size_t i = 0; i < MARKS; i++) {
        size_t rank = (size_t)ceil(((double)i + height) / MARKS * (double)sent);

        if (rank >= 1 && rank <= messages->n)
            put_point(&all->marks, channel, fmax(messages->ms[rank - 1], all->least),
                      100 * (double)rank / (double)sent);
    }
}

static void put_channel(struct latency *all, size_t channel, const struct messages *messages) {
    const struct dataset *dataset = all->dataset;
    size_t sent = count_sent(&dataset->channels[channel], messages->n);
    size_t room = FIGURE_POINTS / dataset->n_channels + 1;
    size_t step = messages->n > room ? (messages->n + room - 1) / room : 1;
    CLEANUP_FREE bool *keep = memory_new(messages->n, sizeof(*keep));

    figure_thin_every(messages->ms, messages->n, step, keep);
    all->step = step > all->step ? step : all->step;
    if (messages->n)
        put_point(&all->line, channel, fmax(messages->ms[0], all->least), 0);
    for (size_t i = 0; i < messages->n; i++) {
        all->not_positive += messages->ms[i] <= 0;
        figure_range_add(&all->range, fmax(messages->ms[i], all->least));
        if (keep[i])
            put_point(&all->line, channel, fmax(messages->ms[i], all->least),
                      100 * (double)(i + 1) / (double)sent);
    }
    put_marks(all, channel, messages, sent);
}

static void add_entry(struct figure *figure, const struct dataset *dataset, size_t place,
                      size_t delivered) {
    const struct dataset_channel *channel = &dataset->channels[place];
    char *text = text_format("%s: %zu messages", channel->name, count_sent(channel, delivered));

    if (channel->lost) {
        CLEANUP_FREE char *lost = text_format("%zu lost", channel->lost);

        text_append(&text, ", ", lost);
    }
    if (channel->duplicates) {
        CLEANUP_FREE char *twice = text_format("%zu twice", channel->duplicates);

        text_append(&text, ", ", twice);
    }
    figure_add_entry(figure, place + 1, text);
}

static char *note_of(const struct latency *all) {
    char *note = text_copy("");

    if (all->step > 1) {
        CLEANUP_FREE char *thinned =
            text_format("One message in %zu is drawn, and the first and last.", all->step);

        text_append(&note, " ", thinned);
    }
    if (all->not_positive) {
        CLEANUP_FREE char *clocks =
            text_format("%zu latencies of 0 or less (clocks that differ) are drawn as the smallest "
                        "above.",
                        all->not_positive);

        text_append(&note, " ", clocks);
    }
    if (!*note) {
        free(note);
        return NULL;
    }
    return note;
}

static void put_channels(struct latency *all) {
    for (size_t c = 0; c < all->dataset->n_channels; c++) {
        struct messages messages = messages_of(all->dataset, c);

        if (messages.n || all->dataset->channels[c].messages) {
            put_channel(all, c, &messages);
            add_entry(all->figure, all->dataset, c, messages.n);
        }
        free(messages.ms);
    }
}

static int make(struct figure *figure, const struct figure_sources *sources, struct error *error) {
    struct latency all = {figure,
                          sources->dataset,
                          {.path = NULL},
                          {.path = NULL},
                          FIGURE_RANGE_NONE,
                          least_positive(sources->dataset),
                          1,
                          0};
    int closed,
        r = figure_file_open(&all.line, sources->folder, "latency.csv", "channel,ms,share", error);

    if (r == 0)
        r = figure_file_open(&all.marks, sources->folder, "latency-marks.csv", "channel,ms,share",
                             error);
    if (r == 0 && all.least > 0) {
        put_channels(&all);
        figure_add_panel(figure, FIGURE_NO_PROBE, 0,
                         text_copy("Latency, from the time a message was due to its arrival (ms)"),
                         figure_axis_fit(all.range, 1.05));
        figure->note = note_of(&all);
    } else {
        figure->why = text_copy(sources->dataset->n_latencies
                                    ? "no latency is above 0: the clocks differ by more than that"
                                    : "no telemetry message arrived");
    }
    closed = figure_file_close(&all.line, r < 0 ? NULL : error);
    r = r < 0 ? r : closed;
    closed = figure_file_close(&all.marks, r < 0 ? NULL : error);
    return r < 0 ? r : closed;
}

const struct figure_kind figure_latency = {"latency", make};
