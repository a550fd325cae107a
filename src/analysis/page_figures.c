/* The figures, as far as they were drawn: in the page as SVG, with links to their other forms. */
#include "analysis/page_parts.h"
#include "analysis/page_svg.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A larger one would make the page slow; it stays beside it. */
#define MAX_FIGURE_BYTES ((size_t)4 << 20)

/* In the order in which they are looked at. Any other SVG of the folder comes behind them. */
static const struct figure {
    const char *name, *title, *caption;
} figures[] = {
    {"throughput", "Throughput",
     "Mean throughput of every channel on each rung, with its 95 % interval; published values, "
     "where "
     "there are some, stand beside the rung they belong to."},
    {"ladder", "The ladder",
     "For every channel, what is left of the path's throughput on each rung, with its 95 % "
     "interval, "
     "and what that rung took."},
    {"connect", "What a connection takes",
     "Mean time of a new connection to the broker and its parts; bytes each way."},
    {"ratios", "Ratios to the baseline",
     "Each channel's ratio to the baseline with its 95 % interval, and thick its 90 % interval: "
     "when "
     "that lies within the band, the channel is shown to be equivalent."},
    {"distribution", "Distribution",
     "Every trial as a dot, with quartiles and median: outliers and skew that a mean hides."},
    {"trials", "Trials in the order of time",
     "Every trial when it was measured. A slope is drift, a step is a disturbance; in a steady run "
     "the dots lie in a level band."},
    {"latency", "Latency of telemetry",
     "The share of telemetry messages that arrived within a time, during the trials. Further left "
     "is "
     "sooner."},
    {"latency-probe", "Latency of messages at a fixed rate",
     "What share of the latency probe's messages took no longer than a time, all trials together; "
     "the scale opens towards the slowest. Further left is sooner."},
    {"cpu", "Processor time",
     "Seconds of processor time for a gigabyte of payload, at sender, receiver and broker."},
};

/* The text of a file of at most `most` bytes, which belongs to the caller, or NULL. */
static char *read_text(const char *path, size_t most) {
    CLEANUP(fclosep) FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t length = 0;

    while (file && length <= most) {
        size_t n;

        text = memory_resize(text, length + 65537, 1);
        n = fread(text + length, 1, 65536, file);
        length += n;
        text[length] = '\0';
        if (n == 0)
            break;
    }
    if (text && (length > most || ferror(file))) {
        free(text);
        text = NULL;
    }
    return text;
}

static void put_links(FILE *out, const struct page *page, const char *name) {
    static const char *const forms[] = {"svg", "png", "pdf"};
    const char *separator = " <span class=\"links\">";

    for (size_t i = 0; i < ARRAY_SIZE(forms) && page->plots; i++) {
        CLEANUP_FREE char *file = text_format("%s.%s", name, forms[i]);
        CLEANUP_FREE char *path = text_format("%s/%s", page->plot_dir, file);

        if (access(path, R_OK) < 0)
            continue;
        fprintf(out, "%s<a href=\"%s", separator, page->plots);
        html_address(out, file);
        html_put(out, "\">%s</a>", forms[i]);
        separator = " ";
    }
    if (separator[1] == '\0')
        fputs("</span>", out);
}

/* Returns whether there is such a figure. */
static bool put_figure(FILE *out, const struct page *page, const struct figure *figure) {
    CLEANUP_FREE char *path = text_format("%s/%s.svg", page->plot_dir, figure->name);
    CLEANUP_FREE char *prefix = text_format("figure-%s-", figure->name);
    CLEANUP_FREE char *label = text_format("%s: %s", figure->title, figure->caption);
    CLEANUP_FREE char *text = read_text(path, MAX_FIGURE_BYTES), *markup = NULL;
    struct error error = {""};

    if (access(path, R_OK) < 0)
        return false;
    markup = text ? page_svg(text, prefix, label, &error) : NULL;
    html_put(out, "<figure id=\"figure-%s\">\n", figure->name);
    if (markup)
        fprintf(
            out,
            "<div class=\"card\" tabindex=\"0\" role=\"region\" aria-label=\"figure\">%s</div>\n",
            markup);
    else
        html_put(out, "<p>%s.svg %s.</p>\n", figure->name,
                 text ? error.text : "is too large to stand in the page");
    html_put(out, "<figcaption><strong>%s.</strong> %s", figure->title, figure->caption);
    put_links(out, page, figure->name);
    fputs("</figcaption>\n</figure>\n", out);
    return true;
}

static bool is_known(const char *name) {
    for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
        if (text_equal(figures[i].name, name))
            return true;
    return false;
}

static int is_svg(const struct dirent *entry) {
    const char *end = strrchr(entry->d_name, '.');

    return end && end != entry->d_name && strcmp(end, ".svg") == 0;
}

/* Figures that somebody added: their name is all that is known. */
static size_t put_others(FILE *out, const struct page *page) {
    struct dirent **entries;
    int n = scandir(page->plot_dir, &entries, is_svg, alphasort);
    size_t drawn = 0;

    for (int i = 0; i < n; i++) {
        CLEANUP_FREE char *name =
            text_format("%.*s", (int)(strlen(entries[i]->d_name) - 4), entries[i]->d_name);
        struct figure figure = {name, name, "A figure of this run."};

        if (!is_known(name))
            drawn += put_figure(out, page, &figure);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return drawn;
}

void page_figures(FILE *out, const struct page *page) {
    size_t drawn = 0;

    for (size_t i = 0; i < ARRAY_SIZE(figures) && page->plot_dir; i++)
        drawn += put_figure(out, page, &figures[i]);
    if (page->plot_dir)
        drawn += put_others(out, page);
    if (!drawn)
        fputs("<p>No figure was drawn for this run.</p>\n", out);
}
