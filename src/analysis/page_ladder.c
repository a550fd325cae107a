/* The ladder: what is lost from rung to rung, and what each costs. */
#include "analysis/number.h"
#include "analysis/page_parts.h"

#include <math.h>
#include <string.h>

/* "94.5" of "94.5 %": the other end of the interval names the unit. */
static char *without_unit(char *shown) {
    shown[strcspn(shown, " ")] = '\0';
    return shown;
}

/* A mean with its interval below it, in one cell, by the names of their columns. */
static void put_estimate(FILE *out, const char *column, const struct estimate *estimate,
                         char *show(double value)) {
    bool interval = isfinite(estimate->low) && isfinite(estimate->high);

    html_put(out, interval ? "<td data-column=\"%s %s_low %s_high\">" : "<td data-column=\"%s\">",
             column, column, column);
    page_number(out, estimate->mean, show(estimate->mean));
    if (interval) {
        fputs("<span class=\"interval\">", out);
        page_interval(out, estimate->low, estimate->high, without_unit(show(estimate->low)),
                      show(estimate->high));
        fputs("</span>", out);
    }
    fputs("</td>", out);
}

static char *show_mbit_s(double value) {
    double unknown = NAN;

    return number_text(value, number_decimals(&value, &unknown, 1));
}

static char *show_seconds(double value) {
    return number_text(value, fabs(value) < 10 ? 3 : 2);
}

static char *show_wire(double value) {
    return number_text(value, 4);
}

/* What was measured, and what the formula says. */
static void put_wire(FILE *out, const struct ladder_step *step) {
    fputs("<td><span data-column=\"wire\">", out);
    page_number(out, step->wire.mean, show_wire(step->wire.mean));
    fputs("</span>", out);
    if (isfinite(step->wire_theory)) {
        fputs("<span class=\"interval\">formula <span data-column=\"wire_theory\">", out);
        page_number(out, step->wire_theory, show_wire(step->wire_theory));
        fputs("</span></span>", out);
    }
    fputs("</td>", out);
}

/* Whether any step knows its bytes on the wire: else there is no column for them. */
static bool knows_wire(const struct ladder *ladder) {
    for (size_t i = 0; i < ladder->n; i++)
        if (isfinite(ladder->list[i].wire.mean) || isfinite(ladder->list[i].wire_theory))
            return true;
    return false;
}

static void put_step(FILE *out, const struct page *page, const struct ladder_step *step,
                     bool wire) {
    const struct dataset *dataset = page->dataset;

    html_put(out,
             "<tr data-file=\"ladder.csv\" data-channel=\"%s\" data-variant=\"%s\" "
             "data-probe=\"%s\"><th scope=\"row\">%s</th>",
             dataset->channels[step->channel].name, dataset_variant(dataset, step->variant),
             dataset->probes[step->probe].name, dataset->probes[step->probe].name);
    put_estimate(out, "mbit_s", &step->throughput, show_mbit_s);
    put_estimate(out, "of_path", &step->of_path, number_percent);
    put_estimate(out, "lost", &step->lost, number_percent);
    for (size_t i = 0; i < LADDER_N_PROCESSES; i++) {
        CLEANUP_FREE char *column =
            text_format("%s_s_per_gb", ladder_process_name((enum ladder_process)i));

        put_estimate(out, column, &step->cpu[i], show_seconds);
    }
    if (wire)
        put_wire(out, step);
    html_put(out, "<td data-column=\"limit\" class=\"words\">%s</td></tr>\n", ladder_limit(step));
}

static bool is_same_ladder(const struct ladder_step *a, const struct ladder_step *b) {
    return a->channel == b->channel && a->variant == b->variant;
}

void page_ladder(FILE *out, const struct page *page) {
    static const char *const with_wire[] = {
        "<rung",          "Mbit/s",       "of the path", "lost here",   "sender, s/GB",
        "receiver, s/GB", "broker, s/GB", "wire",        "<limited by", NULL};
    static const char *const without[] = {"<rung",        "Mbit/s",       "of the path",
                                          "lost here",    "sender, s/GB", "receiver, s/GB",
                                          "broker, s/GB", "<limited by",  NULL};
    const struct ladder *ladder = page->analysis->ladder;
    const struct dataset *dataset = page->dataset;
    bool wire = knows_wire(ladder);

    if (ladder->n == 0) {
        fputs("<p>There is no ladder: that takes trials of path and of another probe that measures "
              "throughput.</p>\n",
              out);
        return;
    }
    html_put(
        out,
        "<p>From rung to rung more stands between sender and receiver: the bare path, the "
        "channel's transport, the broker. <em>Of the path</em> is what is left of the path's "
        "throughput in the same block, <em>lost here</em> what this rung takes of it. Seconds are "
        "of processor time for 10<sup>9</sup> bytes of payload; what the kernel does for a packet "
        "that "
        "arrives counts for the process that it interrupts: on one machine, loopback or lab, that "
        "is mostly the sender. %sBelow each mean stands its "
        "95 %% interval over blocks.</p>\n",
        wire ? "Wire is bytes on the wire for one of payload, estimated from the segments "
               "that were sent; below it, by formula. "
             : "");
    page_table_begin(out, "The ladder of each channel", wire ? with_wire : without);
    for (size_t i = 0; i < ladder->n; i++) {
        const struct ladder_step *step = &ladder->list[i];
        const char *variant = dataset_variant(dataset, step->variant);

        if (i == 0 || !is_same_ladder(step, step - 1)) {
            fputs(i ? "</tbody>\n<tbody>\n" : "<tbody>\n", out);
            html_put(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%d\">%s%s%s",
                     wire ? 9 : 8, dataset->channels[step->channel].name, *variant ? ", " : "",
                     variant);
            page_control(out, &dataset->channels[step->channel]);
            fputs("</th></tr>\n", out);
        }
        put_step(out, page, step, wire);
    }
    fputs("</tbody>\n", out);
    page_table_end(out);
}
