#include "analysis/cumulative.h"

#include "analysis/statistics.h"
#include "base/csv.h"

#include <math.h>
#include <string.h>

#define FEW    300   /* points of a series that are all kept */
#define POINTS 200.0 /* of a series below its last percent */
#define TAIL   25.0  /* ... and from there on, for each power of ten by which values are rarer */

struct point {
    const char *probe, *variant, *channel, *metric, *unit;
    double value, share;
};

static const struct csv_column columns[] = {
    CSV_COLUMN(CSV_TEXT, struct point, probe),   CSV_COLUMN(CSV_TEXT, struct point, variant),
    CSV_COLUMN(CSV_TEXT, struct point, channel), CSV_COLUMN(CSV_TEXT, struct point, metric),
    CSV_COLUMN(CSV_TEXT, struct point, unit),    CSV_COLUMN(CSV_REAL, struct point, value),
    CSV_COLUMN(CSV_REAL, struct point, share),
};

/* In which part of the series a share lies; of each part one point is kept. */
static double part_of(double share) {
    return share < 0.99 ? floor(share * POINTS)
                        : POINTS + floor(-log10(fmax(1 - share, 1e-12)) * TAIL);
}

/* `buckets` rise; `total` values there are in all, those that never arrived included. */
static void put_series(struct csv_writer *writer, struct point point,
                       const struct dataset_bucket *buckets, size_t n, double total) {
    double part = -1;
    int64_t below = 0;

    for (size_t i = 0; i < n; i++) {
        below += buckets[i].count;
        point.value = buckets[i].upper_bound;
        point.share = (double)below / total;
        if (n > FEW && i > 0 && i + 1 < n && part_of(point.share) == part)
            continue;
        part = part_of(point.share);
        csv_row(writer, columns, ARRAY_SIZE(columns), &point);
    }
}

static void put_telemetry(struct csv_writer *writer, const struct dataset *dataset,
                          size_t channel) {
    const struct dataset_channel *one = &dataset->channels[channel];
    CLEANUP_FREE double *values = memory_new(dataset->n_latencies, sizeof(*values));
    CLEANUP_FREE struct dataset_bucket *buckets =
        memory_new(dataset->n_latencies, sizeof(*buckets));
    size_t n = 0;

    for (size_t i = 0; i < dataset->n_latencies; i++)
        if (dataset->latencies[i].channel == channel)
            values[n++] = dataset->latencies[i].ms;
    statistics_sort(values, n);
    for (size_t i = 0; i < n; i++)
        buckets[i] = (struct dataset_bucket){values[i], 1};
    put_series(writer, (struct point){"telemetry", "", one->name, "latency", "ms", NAN, NAN},
               buckets, n, fmax((double)n, (double)(one->messages - one->duplicates)));
}

int cumulative_write(const struct dataset *dataset, const char *path, struct error *error) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = NULL;
    int r = csv_table_open(&writer, path, columns, ARRAY_SIZE(columns), error);

    if (r < 0)
        return r;
    for (size_t channel = 0; channel < dataset->n_channels; channel++)
        put_telemetry(writer, dataset, channel);
    for (size_t i = 0; i < dataset->n_distributions; i++) {
        const struct dataset_distribution *one = &dataset->distributions[i];

        put_series(
            writer,
            (struct point){dataset->probes[one->probe].name, dataset_variant(dataset, one->variant),
                           dataset->channels[one->channel].name, one->metric, one->unit, NAN, NAN},
            one->buckets, one->n, (double)one->total);
    }
    return csv_flush(writer, true, error);
}
