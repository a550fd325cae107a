#include "analysis/page_parts.h"

#include "base/csv.h"

#include <math.h>
#include <string.h>

const char *page_setting(const struct page *page, const char *section, const char *key) {
    const char *value = page->scenario ? inifile_get(page->scenario, section, key) : NULL;

    return value ? value : "";
}

/* ---- numbers ---- */

void page_number(FILE *out, double value, char *shown) {
    char exact[CSV_REAL_SIZE];

    csv_real_text(value, exact);
    if (*exact)
        html_put(out, "<data value=\"%s\">%s</data>", exact, shown);
    else
        fputs("-", out);
    free(shown);
}

void page_cell(FILE *out, const char *column, double value, char *shown) {
    html_put(out, "<td data-column=\"%s\">", column);
    page_number(out, value, shown);
    fputs("</td>", out);
}

void page_interval(FILE *out, double low, double high, char *shown_low, char *shown_high) {
    if (isfinite(low) && isfinite(high)) {
        page_number(out, low, shown_low);
        fputs(" .. ", out);
        page_number(out, high, shown_high);
        return;
    }
    fputs("-", out);
    free(shown_low);
    free(shown_high);
}

/* ---- tables ---- */

void page_table_begin(FILE *out, const char *caption, const char *const *headers) {
    html_put(out,
             "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">\n<table>\n"
             "<caption>%s</caption>\n<thead><tr>",
             caption, caption);
    for (; *headers; headers++) {
        bool words = **headers == '<';

        html_put(out,
                 words ? "<th scope=\"col\" class=\"words\">%s</th>" : "<th scope=\"col\">%s</th>",
                 *headers + words);
    }
    fputs("</tr></thead>\n", out);
}

void page_table_end(FILE *out) {
    fputs("</table>\n</div>\n", out);
}

void page_channel(FILE *out, const struct dataset_channel *channel) {
    html_put(out, "%s", channel->base);
    if (*channel->variant)
        html_put(out, " <span class=\"aside\">%s</span>", channel->variant);
}

void page_control(FILE *out, const struct dataset_channel *channel) {
    if (channel->control == DATASET_SAME)
        fputs(" <span class=\"aside\">control: the same once more</span>", out);
    if (channel->control == DATASET_SLOWED)
        fputs(" <span class=\"aside\">control: slowed on purpose</span>", out);
}
