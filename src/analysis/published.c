#include "analysis/published.h"

#include <math.h>

const char *published_comparable(double measured, double reference) {
    double ratio = measured / reference;

    if (isnan(reference) || isnan(measured))
        return "";
    return ratio >= 1 / PUBLISHED_COMPARABLE && ratio <= PUBLISHED_COMPARABLE ? "yes" : "no";
}

/* The row of a cell and metric in the summary, which stands by cell; or NULL. */
static const struct summary_row *find_row(const struct summary *summary, size_t cell,
                                          const char *metric, bool headline) {
    size_t low = 0, high = summary->n_rows;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (summary->rows[middle].cell < cell)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < summary->n_rows && summary->rows[low].cell == cell; low++)
        if (summary->rows[low].headline == headline &&
            text_equal(summary->rows[low].metric, metric))
            return &summary->rows[low];
    return NULL;
}

/* The ratio of a cell to the one of the baseline. */
static void compare(const struct cells *cells, const struct cell *cell, const struct cell *baseline,
                    struct published_row *row) {
    size_t room = cell->n < baseline->n ? cell->n : baseline->n;
    CLEANUP_FREE double *values = memory_new(room, sizeof(*values));
    CLEANUP_FREE double *others = memory_new(room, sizeof(*others));

    row->blocks = cells_pairs(cells, cell, baseline, row->series, values, others);
    paired_ratio(values, others, row->blocks, PAIRED_LEVEL, &row->ratio, &row->ratio_low,
                 &row->ratio_high);
}

/* The channels of one probe and variant, whose first cell is `first`. */
static void add_variant(struct published *published, const struct cells *cells,
                        const struct summary *summary, const struct published_row *group,
                        size_t first) {
    const struct dataset *dataset = cells->dataset;

    for (size_t channel = 0; channel < dataset->n_channels; channel++) {
        const struct summary_row *found =
            find_row(summary, first + channel, group->metric, group->series == DATASET_HEADLINE);
        struct published_row row = *group;

        row.variant = cells->list[first].variant;
        row.channel = channel;
        row.statistics = found ? found->statistics : statistics_describe(NULL, 0);
        if (group->baseline == (int)channel && row.statistics.n)
            row.ratio = 1;
        else if (group->baseline >= 0)
            compare(cells, &cells->list[first + channel],
                    &cells->list[first + (size_t)group->baseline], &row);
        row.reference = group->baseline == dataset_find_channel(dataset, dataset->baseline)
                            ? dataset_reference(dataset, group->probe, group->series, channel, -1)
                            : NAN;
        row.reference_ratio =
            group->baseline < 0
                ? NAN
                : dataset_reference(dataset, group->probe, group->series, channel, group->baseline);
        published->list = memory_room(published->list, published->n, sizeof(*published->list));
        published->list[published->n++] = row;
    }
}

/* The rows to which a published value belongs, without variant and channel. */
static struct published_row group_of(const struct dataset *dataset,
                                     const struct dataset_reference *reference) {
    const struct dataset_probe *probe = &dataset->probes[reference->probe];
    bool headline = reference->series == DATASET_HEADLINE;
    int baseline = dataset_find_channel(dataset, dataset->baseline);

    return (struct published_row){
        .probe = reference->probe,
        .series = reference->series,
        .baseline = reference->baseline < 0 ? baseline : reference->baseline,
        .in_table = headline && (reference->baseline < 0 || reference->baseline == baseline),
        .name = headline ? probe->metric : reference->metric,
        .metric = headline ? probe->metric : dataset->series[reference->series].name,
        .unit = headline ? probe->unit : dataset->series[reference->series].unit,
        .ratio = NAN,
        .ratio_low = NAN,
        .ratio_high = NAN,
    };
}

/* Whether one of the first n published values belongs to the same rows. */
static bool is_known(const struct dataset *dataset, size_t n, const struct published_row *group) {
    for (size_t i = 0; i < n; i++) {
        struct published_row other = group_of(dataset, &dataset->references[i]);

        if (other.probe == group->probe && other.series == group->series &&
            other.baseline == group->baseline)
            return true;
    }
    return false;
}

struct published *published_new(const struct cells *cells, const struct summary *summary) {
    const struct dataset *dataset = cells->dataset;
    struct published *published = memory_new(1, sizeof(*published));

    published->dataset = dataset;
    for (size_t i = 0; i < dataset->n_references; i++) {
        struct published_row group = group_of(dataset, &dataset->references[i]);

        if (is_known(dataset, i, &group))
            continue;
        for (size_t cell = 0; cell < cells->n; cell += dataset->n_channels)
            if (cells->list[cell].probe == group.probe)
                add_variant(published, cells, summary, &group, cell);
    }
    return published;
}

void published_free(struct published *published) {
    free(published->list);
    free(published);
}
