/* What a connection takes, step by step: a panel for each rung that measured it, a bar a channel.
 */
#include "analysis/figure.h"

#include <math.h>
#include <string.h>

/* The parts of a bar, in the order in which they happen. */
static const struct {
    const char *metric, *text;
} parts[] = {
    {"tcp_time", "TCP"},
    {"tls_time", "TLS handshake"},
    {"mqtt_time", "CONNECT to CONNACK"},
};

struct bars {
    struct figure *figure;
    const struct figure_sources *sources;
    struct figure_file parts, words;
};

/* The mean of a metric of the client's in a cell, NaN where it was not measured. */
static double mean_of(const struct summary *summary, size_t cell, const char *metric) {
    static const char process[] = "client2.client.";

    for (size_t i = 0; i < summary->n_rows; i++)
        if (summary->rows[i].cell == cell &&
            strncmp(summary->rows[i].metric, process, strlen(process)) == 0 &&
            text_equal(summary->rows[i].metric + strlen(process), metric))
            return summary->rows[i].statistics.mean;
    return NAN;
}

/* "2.72 ms; 1358 B up, 2783 B down" */
static char *describe(const struct summary *summary, size_t cell, double total) {
    CLEANUP_FREE char *time = figure_number(total);
    double up = mean_of(summary, cell, "bytes_sent"),
           down = mean_of(summary, cell, "bytes_received");

    if (!isfinite(total))
        return text_copy("no data");
    return isfinite(up) && isfinite(down)
               ? text_format("%s ms; %.0f B up, %.0f B down", time, up, down)
               : text_format("%s ms", time);
}

/* One bar: its parts, one behind the other. Returns its length, NaN when there is none. */
static double put_parts(struct bars *bars, size_t index) {
    const struct cell *cell = &bars->sources->cells->list[index];
    const struct dataset *dataset = bars->sources->dataset;
    double total = NAN;

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        double mean = mean_of(bars->sources->summary, index, parts[i].metric),
               from = isnan(total) ? 0 : total;

        if (!isfinite(mean))
            continue;
        total = from + mean;
        if (!(mean > 0))
            continue;
        figure_put_integer(&bars->parts, (int64_t)bars->figure->n_panels + 1);
        figure_put_integer(&bars->parts, (int64_t)cell->channel + 1);
        figure_put_text(&bars->parts, dataset->channels[cell->channel].name);
        figure_put_integer(&bars->parts, (int64_t)i + 1);
        figure_put_text(&bars->parts, parts[i].text);
        figure_put_real(&bars->parts, from);
        figure_put_real(&bars->parts, total);
        figure_end_row(&bars->parts);
    }
    return total;
}

static void put_words(struct bars *bars, size_t index, double total) {
    CLEANUP_FREE char *words = describe(bars->sources->summary, index, total);

    figure_fit_gutter(bars->figure, words);
    figure_put_integer(&bars->words, (int64_t)bars->figure->n_panels + 1);
    figure_put_integer(&bars->words, (int64_t)bars->sources->cells->list[index].channel + 1);
    figure_put_text(&bars->words, words);
    figure_end_row(&bars->words);
}

/* The panel of the cells from list[first], one a channel, if any of them has the parts. */
static void put_panel(struct bars *bars, size_t first) {
    const struct figure_sources *sources = bars->sources;
    size_t n = sources->dataset->n_channels;
    double longest = NAN;

    for (size_t i = first; i < first + n; i++)
        longest = fmax(longest, mean_of(sources->summary, i, parts[0].metric));
    if (!(longest > 0))
        return;
    for (size_t i = first; i < first + n; i++) {
        double total = put_parts(bars, i);

        longest = fmax(longest, total);
        put_words(bars, i, total);
    }
    figure_add_panel(bars->figure, sources->cells->list[first].probe,
                     sources->cells->list[first].variant, text_copy("Time of a connection (ms)"),
                     (struct figure_axis){0, longest * 1.04, false, text_copy("")});
}

/* Nothing is said where no probe measures connections: most runs have none. */
static int make(struct figure *figure, const struct figure_sources *sources, struct error *error) {
    struct bars bars = {figure, sources, {.path = NULL}, {.path = NULL}};
    int closed, r = figure_file_open(&bars.parts, sources->folder, "connect.csv",
                                     "panel,channel,name,part,step,from,to", error);

    if (r == 0)
        r = figure_file_open(&bars.words, sources->folder, "connect-words.csv",
                             "panel,channel,text", error);
    for (size_t i = 0; r == 0 && i < sources->cells->n; i += sources->dataset->n_channels)
        put_panel(&bars, i);
    for (size_t i = 0; i < ARRAY_SIZE(parts) && figure->n_panels; i++)
        figure_add_entry(figure, i + 1, text_copy(parts[i].text));
    if (figure->n_panels)
        figure->note = text_copy("Means. Bytes: payload of TCP, up to and with the CONNACK. Under "
                                 "TLS 1.3 a broker looks at a client's certificate when that one's "
                                 "handshake is over, so it shows in the last step.");
    closed = figure_file_close(&bars.parts, r < 0 ? NULL : error);
    r = r < 0 ? r : closed;
    closed = figure_file_close(&bars.words, r < 0 ? NULL : error);
    return r < 0 ? r : closed;
}

const struct figure_kind figure_connect = {"connect", make};
