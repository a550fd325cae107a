/* The table of the headline metrics, and the comparisons. */
#include "analysis/number.h"
#include "analysis/page_parts.h"

#include <math.h>

/* ---- the table ---- */

/* One rung: the headline rows of a probe and variant, by channel. */
struct rung {
    const struct page *page;
    const struct dataset_probe *probe;
    const struct summary_row **rows;
    size_t n;
    const struct table_rung *table; /* the same rung with its words; NULL: unknown */
    int decimals;
    bool published, notes, ratio;
};

static void put_statistics(FILE *out, const struct rung *rung, const struct summary_row *row) {
    const struct statistics *statistics = &row->statistics;
    int decimals = rung->decimals;

    html_put(out, "<td data-column=\"trials\"><data value=\"%zu\">%zu</data></td>", statistics->n,
             statistics->n);
    page_cell(out, "mean", statistics->mean, number_text(statistics->mean, decimals));
    fputs("<td data-column=\"ci_low ci_high\">", out);
    page_interval(out, statistics->ci_low, statistics->ci_high,
                  number_text(statistics->ci_low, decimals),
                  number_text(statistics->ci_high, decimals));
    fputs("</td>", out);
    page_cell(out, "median", statistics->median, number_text(statistics->median, decimals));
    page_cell(out, "sd", statistics->sd, number_text(statistics->sd, decimals));
    if (rung->published)
        page_cell(out, "reference", row->reference, text_format("%.6g", row->reference));
}

static void put_ratio(FILE *out, const struct paired *paired, bool interval) {
    page_number(out, paired->ratio, number_ratio(paired->ratio));
    if (!interval)
        return;
    fputs(" <span class=\"interval\">", out);
    page_interval(out, paired->ci_low, paired->ci_high, number_ratio(paired->ci_low),
                  number_ratio(paired->ci_high));
    fputs("</span>", out);
}

static void put_verdict(FILE *out, const struct comparison *comparison) {
    html_put(out, "<span data-column=\"verdict\" class=\"verdict %s\">%s</span>",
             verdict_word(comparison->verdict), verdict_word(comparison->verdict));
}

/* Ratio and verdict of a row, which are from comparisons.csv. */
static void put_comparison(FILE *out, const struct rung *rung, const struct summary_row *row) {
    const struct dataset *dataset = rung->page->dataset;
    const struct comparisons *all = rung->page->analysis->comparisons;
    const struct comparison *comparison =
        all ? comparisons_find(all, row->probe, row->variant, row->channel) : NULL;

    if (comparison) {
        bool interval = isfinite(comparison->paired.ci_low) && isfinite(comparison->paired.ci_high);

        html_put(out, "<td data-file=\"comparisons.csv\" data-baseline=\"%s\" data-column=\"%s\">",
                 dataset->baseline, interval ? "ratio ci_low ci_high" : "ratio");
        put_ratio(out, &comparison->paired, interval);
        html_put(out,
                 "</td><td data-file=\"comparisons.csv\" data-baseline=\"%s\" class=\"words\">",
                 dataset->baseline);
        put_verdict(out, comparison);
        fputs("</td>", out);
    } else if (text_equal(dataset->channels[row->channel].name, dataset->baseline)) {
        fputs("<td>1</td><td class=\"words\"><span class=\"aside\">baseline</span></td>", out);
    } else {
        fputs("<td>-</td><td class=\"words\">-</td>", out);
    }
}

static void put_row(FILE *out, const struct rung *rung, size_t i) {
    const struct dataset *dataset = rung->page->dataset;
    const struct summary_row *row = rung->rows[i];
    const struct dataset_channel *channel = &dataset->channels[row->channel];

    html_put(out,
             "<tr data-file=\"summary.csv\" data-probe=\"%s\" data-channel=\"%s\" "
             "data-variant=\"%s\" data-metric=\"%s\"><th scope=\"row\">",
             rung->probe->name, channel->name, dataset_variant(dataset, row->variant), row->metric);
    page_channel(out, channel);
    page_control(out, channel);
    fputs("</th>", out);
    put_statistics(out, rung, row);
    if (rung->ratio)
        put_comparison(out, rung, row);
    if (rung->notes)
        html_put(out, "<td class=\"words note\">%s</td>",
                 rung->table && i < rung->table->n_rows ? rung->table->rows[i].note : "");
    fputs("</tr>\n", out);
}

static void put_rung_table(FILE *out, const struct rung *rung) {
    const struct dataset *dataset = rung->page->dataset;
    CLEANUP_FREE char *title = dataset_rung(dataset, rung->rows[0]->probe, rung->rows[0]->variant);
    CLEANUP_FREE char *metric = dataset_words(rung->probe->metric);
    CLEANUP_FREE char *caption =
        text_format("%s: %s, %s%s%s%s", title, metric, rung->probe->unit,
                    text_equal(rung->probe->better, "none") ? "" : "; ",
                    text_equal(rung->probe->better, "none") ? "" : rung->probe->better,
                    text_equal(rung->probe->better, "none") ? "" : " is better");
    CLEANUP_FREE char *ratio = text_format("ratio to %s, 95 %% interval", dataset->baseline);
    const char *headers[12] = {"<channel", "trials", "mean", "95 % interval", "median", "sd"};
    size_t n = 6;

    if (rung->published)
        headers[n++] = "published";
    if (rung->ratio) {
        headers[n++] = ratio;
        headers[n++] = "<verdict";
    }
    if (rung->notes)
        headers[n++] = "<note";
    html_put(out, "<h3>%s</h3>\n", title);
    if (rung->table && *rung->table->help)
        html_put(out, "<p>%s</p>\n", rung->table->help);
    page_table_begin(out, caption, headers);
    fputs("<tbody>\n", out);
    for (size_t i = 0; i < rung->n; i++)
        put_row(out, rung, i);
    fputs("</tbody>\n", out);
    page_table_end(out);
}

/* The rung whose headline row of the first channel is `first`, the place-th of the table. */
static void put_rung(FILE *out, const struct page *page, const struct summary_row *first,
                     size_t place) {
    const struct summary *summary = page->analysis->summary;
    const struct table *table = page->table;
    const struct dataset *dataset = page->dataset;
    struct rung rung = {
        .page = page,
        .probe = &dataset->probes[first->probe],
        .table = place < table->n_rungs ? &table->rungs[place] : NULL,
        .ratio = dataset_find_channel(dataset, dataset->baseline) >= 0 && dataset->n_channels > 1,
    };

    rung.rows = memory_new(dataset->n_channels, sizeof(const struct summary_row *));
    for (size_t i = 0; i < dataset->n_channels; i++) {
        const struct summary_row *row = summary_find(summary, first->probe, i, first->variant);

        if (!row)
            continue;
        rung.rows[rung.n++] = row;
        rung.published = rung.published || isfinite(row->reference);
        rung.notes = rung.notes || (rung.table && *rung.table->rows[i].note);
    }
    rung.decimals = summary_decimals(rung.rows, rung.n);
    put_rung_table(out, &rung);
    free(rung.rows);
}

/* Whether a note is one of the findings, which have sections of their own. */
static bool is_finding(const struct page *page, const char *note) {
    const struct findings *findings = page->analysis->findings;

    for (size_t i = 0; i < findings->n; i++)
        if (page->analysis->findings->list[i].kind <= FINDING_CAUTION &&
            text_equal(findings->list[i].text, note))
            return true;
    return false;
}

static void put_notes(FILE *out, const struct page *page) {
    bool any = false;

    for (size_t i = 0; i < page->table->n_notes; i++) {
        if (is_finding(page, page->table->notes[i]))
            continue;
        fputs(any ? "" : "<ul class=\"notes\">\n", out);
        html_put(out, "<li>%s</li>\n", page->table->notes[i]);
        any = true;
    }
    fputs(any ? "</ul>\n" : "", out);
}

void page_throughput(FILE *out, const struct page *page) {
    const struct summary *summary = page->analysis->summary;
    size_t place = 0;

    html_put(out, "<p>%s.</p>\n", page->table->title);
    for (size_t i = 0; i < summary->n_rows; i++)
        if (summary->rows[i].headline && summary->rows[i].channel == 0)
            put_rung(out, page, &summary->rows[i], place++);
    put_notes(out, page);
}

/* ---- comparisons ---- */

/* "0.013"; small ones with one digit. */
static char *show_p(double p) {
    return text_format(p >= 0.001 || p == 0 ? "%.3f" : "%.1g", p);
}

static void put_pair(FILE *out, const struct page *page, const struct comparison *one) {
    const struct dataset *dataset = page->dataset;
    const struct summary_row *row =
        summary_find(page->analysis->summary, one->probe, one->channel, one->variant);
    const struct paired *paired = &one->paired;
    const struct dataset_channel *channel = &dataset->channels[one->channel];
    const char *baseline = dataset->channels[one->baseline].name;

    html_put(out,
             "<tr data-file=\"comparisons.csv\" data-probe=\"%s\" data-variant=\"%s\" "
             "data-channel=\"%s\" data-baseline=\"%s\"><th scope=\"row\">",
             dataset->probes[one->probe].name, dataset_variant(dataset, one->variant),
             channel->name, baseline);
    page_channel(out, channel);
    if (!one->declared)
        html_put(out, "<span class=\"aside\"> to %s</span>", baseline);
    fputs("</th>", out);
    html_put(out, "<td data-column=\"blocks\"><data value=\"%zu\">%zu</data></td>", paired->n,
             paired->n);
    page_cell(out, "ratio", paired->ratio, number_ratio(paired->ratio));
    fputs("<td data-column=\"ci_low ci_high\">", out);
    page_interval(out, paired->ci_low, paired->ci_high, number_ratio(paired->ci_low),
                  number_ratio(paired->ci_high));
    fputs("</td>", out);
    page_cell(out, "p_value", paired->p_value, show_p(paired->p_value));
    if (one->declared)
        page_cell(out, "p_holm", one->p_holm, show_p(one->p_holm));
    page_cell(out, "shift", paired->shift,
              number_text(paired->shift, row ? summary_decimals(&row, 1) : 3));
    page_cell(out, "cliff_delta", paired->cliff_delta, number_text(paired->cliff_delta, 2));
    fputs("<td class=\"words note\">", out);
    put_verdict(out, one);
    html_put(out, " <span data-column=\"reason\" class=\"why\">%s</span></td></tr>\n", one->reason);
}

/* Those from first on, up to `end`: a table with a group for each rung. */
static void put_pairs(FILE *out, const struct page *page, const char *caption, size_t first,
                      size_t end) {
    static const char *const declared[] = {"<channel", "blocks",  "ratio", "95 % interval",
                                           "p",        "p, Holm", "shift", "Cliff's delta",
                                           "<verdict", NULL};
    static const char *const others[] = {"<pair",         "blocks",   "ratio",
                                         "95 % interval", "p",        "shift",
                                         "Cliff's delta", "<verdict", NULL};
    const struct comparisons *all = page->analysis->comparisons;
    const struct comparison *last = NULL;

    page_table_begin(out, caption, first == 0 ? declared : others);
    for (size_t i = first; i < end; i++) {
        const struct comparison *one = &all->list[i];

        if (!last || last->probe != one->probe || last->variant != one->variant) {
            CLEANUP_FREE char *rung = dataset_rung(page->dataset, one->probe, one->variant);
            const struct dataset_probe *probe = &page->dataset->probes[one->probe];

            html_put(out, last ? "</tbody>\n<tbody>\n" : "<tbody>\n");
            html_put(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%d\">%s",
                     first == 0 ? 9 : 8, rung);
            html_put(out, " <span class=\"aside\">shift in %s</span></th></tr>\n", probe->unit);
        }
        put_pair(out, page, one);
        last = one;
    }
    fputs("</tbody>\n", out);
    page_table_end(out);
}

void page_comparisons(FILE *out, const struct page *page) {
    const struct comparisons *all = page->analysis->comparisons;
    const struct dataset *dataset = page->dataset;
    CLEANUP_FREE char *margin = number_margin(dataset->margin);

    if (all->n == 0) {
        html_put(out, "<p>%s</p>\n",
                 dataset->n_channels < 2
                     ? "The run has a single channel: there is nothing to compare it with."
                     : "No two channels have trials in the same blocks: none can be compared.");
        return;
    }
    html_put(
        out,
        "<p>A ratio is that of two channels in the same block, averaged over the blocks. "
        "<em>equivalent</em> means that its 90 %% interval lies within %s of 1: shown to be the "
        "same, as far as that margin goes. <em>slower</em> and <em>faster</em> mean a difference "
        "that chance would hardly make: p below 0.05 after Holm's correction for all "
        "comparisons with the baseline. <em>undecided</em> means neither: it does not mean that "
        "they are the same. Cliff's delta says how often one is above the other: from -1, "
        "never, by way of 0, as often as not, to 1, always.</p>\n",
        margin);
    if (all->n_declared) {
        CLEANUP_FREE char *caption = text_format("Each channel against %s", dataset->baseline);

        put_pairs(out, page, caption, 0, all->n_declared);
    } else {
        fputs("<p>No comparison was declared: the scenario names no baseline.</p>\n", out);
    }
    if (all->n > all->n_declared) {
        html_put(out, "<details>\n<summary>All other pairs (%zu)</summary>\n",
                 all->n - all->n_declared);
        fputs(
            "<p>Nobody declared these beforehand, so they are never called slower or faster: p is "
            "as it is, without correction.</p>\n",
            out);
        put_pairs(out, page, "All other pairs of channels", all->n_declared, all->n);
        fputs("</details>\n", out);
    }
}
