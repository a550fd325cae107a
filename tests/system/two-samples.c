/*
 * two-samples FILE FILE - what the report computes of two samples (a number a line), in the order
 * of Debian's ministat: for each "N min max median mean sd", then "difference -+ half".
 *
 * The difference of two means and its interval are a straight line through two points in time: the
 * first sample at hour 0, the second at hour 1. Its slope is the difference, and the t interval of
 * a slope, with n - 2 degrees of freedom, is there the two-sample one with the pooled standard
 * deviation.
 */
#include "analysis/statistics.h"
#include "base/memory.h"

#include <gsl/gsl_sort.h>

struct sample {
    double values[1000];
    size_t n;
};

static bool sample_read(struct sample *sample, const char *path) {
    FILE *file = fopen(path, "r");

    if (!file)
        return false;
    while (sample->n < ARRAY_SIZE(sample->values) &&
           fscanf(file, "%lf", &sample->values[sample->n]) == 1)
        sample->n++;
    (void)fclose(file);
    return sample->n > 0;
}

static void sample_print(const struct sample *sample) {
    struct statistics statistics = statistics_describe(sample->values, sample->n);
    struct sample sorted = *sample;

    gsl_sort(sorted.values, 1, sorted.n);
    printf("%zu %.8g %.8g %.8g %.8g %.8g\n", statistics.n, sorted.values[0],
           sorted.values[sorted.n - 1], statistics.median, statistics.mean, statistics.sd);
}

int main(int argc, char **argv) {
    static struct sample samples[2];
    static double hours[2000], values[2000];
    struct statistics_drift line;
    size_t n = 0;

    for (int i = 0; i < 2; i++) {
        if (argc != 3 || !sample_read(&samples[i], argv[i + 1])) {
            fprintf(stderr, "usage: two-samples FILE FILE, of a number a line\n");
            return 2;
        }
        sample_print(&samples[i]);
        for (size_t k = 0; k < samples[i].n; k++) {
            hours[n] = i;
            values[n++] = samples[i].values[k];
        }
    }
    line = statistics_drift(hours, values, n);
    printf("%.8g %.8g\n", line.per_hour, (line.high - line.low) / 2);
    return 0;
}
