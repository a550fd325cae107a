#include "probes/told_histogram.h"

#include "base/jsonline.h"

json_t *histogram_to_json(const struct histogram *histogram) {
    json_t *buckets = json_array(), *counts = json_array();

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (!histogram->counts[i])
            continue;
        (void)json_array_append_new(buckets, json_integer((json_int_t)i));
        (void)json_array_append_new(counts, json_integer(histogram->counts[i]));
    }
    return json_pack("{s:o,s:o,s:I,s:I,s:f}", "buckets", buckets, "counts", counts, "min",
                     (json_int_t)histogram->min, "max", (json_int_t)histogram->max, "sum",
                     histogram->sum);
}

void histogram_add_json(struct histogram *histogram, const json_t *told) {
    const json_t *counts = json_object_get(told, "counts"), *bucket;
    int64_t min = jsonline_integer(told, "min", 0), max = jsonline_integer(told, "max", 0);
    int64_t n = 0;
    size_t i;

    json_array_foreach(json_object_get(told, "buckets"), i, bucket) {
        json_int_t place = json_integer_value(bucket);
        int64_t count = json_integer_value(json_array_get(counts, i));

        if (place < 0 || place >= HISTOGRAM_BUCKETS || count <= 0)
            continue;
        histogram->counts[place] += count;
        n += count;
    }
    if (!n)
        return;
    histogram->min = histogram->n && histogram->min < min ? histogram->min : min;
    histogram->max = histogram->n && histogram->max > max ? histogram->max : max;
    histogram->n += n;
    histogram->sum += json_number_value(json_object_get(told, "sum"));
}
