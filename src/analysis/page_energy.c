/* What the trials have cost in energy, if a meter was there. */
#include "analysis/number.h"
#include "analysis/page_parts.h"

#include <math.h>

#define ENERGY "meter.all.energy"

static const char *const metrics[] = {ENERGY, "meter.all.power", "meter.all.energy_per_unit"};

/* The row of another metric of the same cell, or NULL; they stand behind each other. */
static const struct summary_row *find_beside(const struct summary *summary,
                                             const struct summary_row *row, const char *metric) {
    const struct summary_row *end = summary->rows + summary->n_rows, *first = row;

    while (first > summary->rows && first[-1].cell == row->cell)
        first--;
    for (; first < end && first->cell == row->cell; first++)
        if (text_equal(first->metric, metric))
            return first;
    return NULL;
}

static void put_figure(FILE *out, const struct summary_row *row) {
    const struct statistics *statistics = row ? &row->statistics : NULL;

    if (!row || !isfinite(statistics->mean)) {
        fputs("<td>-</td>", out);
        return;
    }
    html_put(out,
             "<td data-file=\"summary.csv\" data-metric=\"%s\" data-column=\"mean ci_low "
             "ci_high\">",
             row->metric);
    page_number(out, statistics->mean, text_format("%.4g", statistics->mean));
    fputs(" <span class=\"interval\">", out);
    page_interval(out, statistics->ci_low, statistics->ci_high,
                  text_format("%.4g", statistics->ci_low),
                  text_format("%.4g", statistics->ci_high));
    fputs("</span></td>", out);
}

/* Of a cell whose meter was silent at times. */
static void put_shortfall(FILE *out, const struct page *page, const struct summary_row *row) {
    const struct summary_row *all =
        summary_find(page->analysis->summary, row->probe, row->channel, row->variant);

    if (all && all->statistics.n > row->statistics.n)
        html_put(out, " <span class=\"aside\">%zu of %zu trials</span>", row->statistics.n,
                 all->statistics.n);
}

static void put_row(FILE *out, const struct page *page, const struct summary_row *row) {
    const struct dataset *dataset = page->dataset;
    const struct dataset_channel *channel = &dataset->channels[row->channel];
    CLEANUP_FREE char *rung = dataset_rung(dataset, row->probe, row->variant);

    html_put(out,
             "<tr data-probe=\"%s\" data-channel=\"%s\" data-variant=\"%s\"><th scope=\"row\">%s",
             dataset->probes[row->probe].name, channel->name,
             dataset_variant(dataset, row->variant), channel->name);
    page_control(out, channel);
    html_put(out, "</th><td class=\"words\">%s", rung);
    put_shortfall(out, page, row);
    fputs("</td>", out);
    for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
        put_figure(out, find_beside(page->analysis->summary, row, metrics[i]));
    fputs("</tr>\n", out);
}

void page_energy(FILE *out, const struct page *page) {
    static const char *const headers[] = {"<channel",      "<rung",        "a trial, J",
                                          "mean power, W", "a message, J", NULL};
    const struct summary *summary = page->analysis->summary;
    size_t n = 0;

    for (size_t i = 0; i < summary->n_rows; i++)
        n += text_equal(summary->rows[i].metric, ENERGY) && summary->rows[i].statistics.n > 0;
    if (n == 0) {
        fputs("<p>Not measured: that takes a meter (<code>hosts.meter</code>).</p>\n", out);
        return;
    }
    html_put(out,
             "<p>As the meter tells it (<code>%s</code>), in the measured time of each trial, idle "
             "power included. A message, or else a block of bulk data or a connection. Beside each "
             "mean stands its 95 %% interval.</p>\n",
             page_setting(page, "hosts", "meter"));
    page_table_begin(out, "Energy of the trials", headers);
    fputs("<tbody>\n", out);
    for (size_t i = 0; i < summary->n_rows; i++)
        if (text_equal(summary->rows[i].metric, ENERGY) && summary->rows[i].statistics.n > 0)
            put_row(out, page, &summary->rows[i]);
    fputs("</tbody>\n", out);
    page_table_end(out);
}
