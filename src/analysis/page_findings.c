/* What may be concluded, and what limits it: the findings' sentences, in their order. */
#include "analysis/page_parts.h"
#include "analysis/validity.h"

/* More sentences than that are not read one by one. */
#define MAX_UNFOLDED 24

static size_t count_kind(const struct page *page, enum finding_kind kind) {
    const struct findings *findings = page->analysis->findings;
    size_t n = 0;

    for (size_t i = 0; i < findings->n; i++)
        n += findings->list[i].kind == kind;
    return n;
}

static size_t count_ok(const struct dataset *dataset) {
    size_t n = 0;

    for (size_t i = 0; i < dataset->n_trials; i++)
        n += dataset->trials[i].used && dataset->trials[i].status == DATASET_OK;
    return n;
}

/* The colour of a verdict; that of a control says whether it came out as it must, or failed. */
static const char *colour_of(const struct page *page, const struct comparison *comparison) {
    if (comparison->failed)
        return "failed";
    switch (dataset_demand(page->dataset, comparison->probe, comparison->channel)) {
    case DATASET_SAME:
        return comparison->verdict == VERDICT_EQUIVALENT ? "as-it-must" : "undecided";
    case DATASET_SLOWED:
        return comparison->verdict == VERDICT_SLOWER ? "as-it-must" : "undecided";
    default:
        return verdict_word(comparison->verdict);
    }
}

static void put_sentence(FILE *out, const struct page *page, const struct finding *finding) {
    const struct comparison *comparison = finding->comparison;

    fputs("<li>", out);
    if (comparison)
        html_put(out, "<span class=\"verdict %s\">%s</span> ", colour_of(page, comparison),
                 verdict_word(comparison->verdict));
    html_put(out, "<span>%s</span></li>\n", finding->text);
}

/* ---- lists ---- */

static bool is_same_rung(const struct comparison *a, const struct comparison *b) {
    return a && b ? a->probe == b->probe && a->variant == b->variant : a == b;
}

/* Where those that are of the kind and rung of the first-th end. */
static size_t end_of_group(const struct findings *findings, size_t first) {
    size_t end = first + 1;

    while (end < findings->n && findings->list[end].kind == findings->list[first].kind &&
           is_same_rung(findings->list[end].comparison, findings->list[first].comparison))
        end++;
    return end;
}

/* "path: 3 equivalent, 1 slower" */
static void put_counts(FILE *out, const struct page *page, size_t first, size_t end) {
    static const enum verdict order[] = {VERDICT_EQUIVALENT, VERDICT_SLOWER, VERDICT_FASTER,
                                         VERDICT_UNDECIDED};
    const struct finding *list = page->analysis->findings->list;
    CLEANUP_FREE char *rung =
        dataset_rung(page->dataset, list[first].comparison->probe, list[first].comparison->variant);
    CLEANUP_FREE char *text = text_copy("");

    for (size_t k = 0; k < ARRAY_SIZE(order); k++) {
        CLEANUP_FREE char *piece = NULL;
        size_t n = 0;

        for (size_t i = first; i < end; i++)
            n += list[i].comparison->verdict == order[k];
        if (!n)
            continue;
        piece = text_format("%zu %s", n, verdict_word(order[k]));
        text_append(&text, ", ", piece);
    }
    html_put(out, "<summary>%s: %s</summary>\n", rung, text);
}

/* All of one kind; a list for each rung, which the sentences name. Where there are very many, each
 * list is folded. */
static void put_list(FILE *out, const struct page *page, enum finding_kind kind) {
    const struct findings *findings = page->analysis->findings;
    bool many = count_kind(page, kind) > MAX_UNFOLDED;

    for (size_t i = 0, end; i < findings->n; i = end) {
        bool folded = many && findings->list[i].comparison;

        end = end_of_group(findings, i);
        if (findings->list[i].kind != kind)
            continue;
        fputs(folded ? "<details>\n" : "", out);
        if (folded)
            put_counts(out, page, i, end);
        fputs("<ul class=\"findings\">\n", out);
        for (size_t k = i; k < end; k++)
            put_sentence(out, page, &findings->list[k]);
        fputs(folded ? "</ul>\n</details>\n" : "</ul>\n", out);
    }
}

/* Why there is no verdict at all. */
static const char *why_none(const struct dataset *dataset) {
    if (!count_ok(dataset))
        return "No trial of this run is ok: nothing was measured, so there is nothing to conclude.";
    if (dataset->n_channels < 2)
        return "The run has a single channel: there is none to compare it with.";
    if (dataset_find_channel(dataset, dataset->baseline) < 0)
        return "The scenario names no baseline: no comparison was declared beforehand.";
    return "No channel could be compared with the baseline.";
}

void page_conclusions(FILE *out, const struct page *page) {
    if (count_kind(page, FINDING_VERDICT))
        put_list(out, page, FINDING_VERDICT);
    else
        html_put(out, "<p>%s</p>\n", why_none(page->dataset));
    if (count_kind(page, FINDING_CONTROL)) {
        fputs("<h3>Controls</h3>\n", out);
        put_list(out, page, FINDING_CONTROL);
    }
}

void page_unsteady(FILE *out, const struct page *page) {
    const struct findings *findings = page->analysis->findings;

    for (size_t i = 0; i < findings->n; i++)
        if (findings->list[i].kind <= FINDING_LIMIT)
            html_put(out, "<p class=\"%s\" role=\"note\">%s</p>\n",
                     findings->list[i].kind == FINDING_UNSTEADY ? "alert" : "limit",
                     findings->list[i].text);
}

/* ---- validity ---- */

void page_validity(FILE *out, const struct page *page) {
    const struct dataset *dataset = page->dataset;

    if (!count_ok(dataset))
        fputs("<p>Without trials that are ok, nothing can be said of their validity.</p>\n", out);
    else if (count_kind(page, FINDING_CAUTION))
        put_list(out, page, FINDING_CAUTION);
    else if (count_kind(page, FINDING_UNSTEADY) + count_kind(page, FINDING_LIMIT))
        fputs("<p>Nothing further was found; what limits the conclusions stands at the top."
              "</p>\n",
              out);
    else if (!*dataset->warnings)
        fputs("<p>Nothing was found that speaks against these results.</p>\n", out);
    html_put(
        out,
        "<p class=\"looked\">Looked for: %s. What a host does not report cannot be seen.</p>\n",
        validity_looked_for());
    if (*dataset->warnings)
        html_put(out, "<p>Rows that could not be used:</p>\n<pre>%s</pre>\n", dataset->warnings);
}
