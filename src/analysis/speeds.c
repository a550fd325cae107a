#include "analysis/source.h"

#include <string.h>
#include <unistd.h>

/* More rows than any run has, of hosts and of measurements: the others are left out. */
#define MAX_SPEEDS     1000
#define MAX_OPERATIONS 262144

static bool has_room(struct source *source, size_t n, size_t most) {
    if (n == most && !strstr(source->dataset->warnings, source->reader->path))
        source_warn(source, "%s: only the first %zu rows are used", source->reader->path, most);
    return n < most;
}

/* ---- speed.csv: what a host does by itself ---- */

enum { S_HOST, S_ALGORITHM, S_OPERATION, S_BYTES, S_UNIT, S_VALUE };

static void take_speed(struct source *source, void *context) {
    struct dataset *dataset = source->dataset;
    struct dataset_speed speed = {.bytes = source_count(source, S_BYTES)};
    double value = source_real(source, S_VALUE);

    (void)context;
    if (!(value > 0))
        source_reject(source, S_VALUE, "is no speed");
    if (!(speed.bytes >= 0) || (speed.bytes > 0) != text_equal(source_text(source, S_UNIT), "MB/s"))
        source_reject(source, S_UNIT, "does not go with its bytes");
    if (source->r < 0 || !has_room(source, dataset->n_speeds, MAX_SPEEDS))
        return;
    speed.host = source_keep(source, S_HOST);
    speed.algorithm = source_keep(source, S_ALGORITHM);
    speed.operation = source_keep(source, S_OPERATION);
    speed.per_s = speed.bytes > 0 ? value * 1e6 / speed.bytes : value;
    dataset->speeds = memory_room(dataset->speeds, dataset->n_speeds, sizeof(speed));
    dataset->speeds[dataset->n_speeds++] = speed;
}

/* ---- operations.csv: what a probe's processes do ---- */

enum {
    O_HOST,
    O_CHANNEL,
    O_PROBE,
    O_VARIANT,
    O_PROCESS,
    O_PER,
    O_WHEN,
    O_ALGORITHM,
    O_OPERATION,
    O_BYTES,
    O_COUNT
};

static void take_operation(struct source *source, void *context) {
    struct dataset *dataset = source->dataset;
    const char *name = source_text(source, O_CHANNEL);
    int channel = dataset_find_channel(dataset, name),
        probe = dataset_find_probe(dataset, source_text(source, O_PROBE));
    struct dataset_operation one = {.probe = (size_t)probe,
                                    .channel = *name ? (size_t)channel : dataset->n_channels,
                                    .bytes = source_count(source, O_BYTES),
                                    .count = source_real(source, O_COUNT)};

    (void)context;
    if ((channel < 0 && *name) || probe < 0)
        return; /* of what the scenario does not have: nothing is predicted by it */
    if (!(one.bytes >= 0))
        source_reject(source, O_BYTES, "is no number of bytes");
    if (!(one.count > 0))
        source_reject(source, O_COUNT, "is no number of operations");
    if (source->r < 0 || !has_room(source, dataset->n_operations, MAX_OPERATIONS))
        return;
    one.variant = source_keep(source, O_VARIANT);
    one.host = source_keep(source, O_HOST);
    one.process = source_keep(source, O_PROCESS);
    one.per = source_keep(source, O_PER);
    one.when = source_keep(source, O_WHEN);
    one.algorithm = source_keep(source, O_ALGORITHM);
    one.operation = source_keep(source, O_OPERATION);
    dataset->operations = memory_room(dataset->operations, dataset->n_operations, sizeof(one));
    dataset->operations[dataset->n_operations++] = one;
}

/* ---- both ---- */

int speeds_read(struct source *source) {
    static const char *const speeds[] = {"host", "algorithm", "operation", "bytes",
                                         "unit", "value",     NULL};
    static const char *const operations[] = {"host",      "channel", "probe", "variant",
                                             "process",   "per",     "when",  "algorithm",
                                             "operation", "bytes",   "count", NULL};
    static const struct {
        const char *file, *const *names;
        void (*take)(struct source *source, void *context);
    } files[] = {{"speed.csv", speeds, take_speed}, {"operations.csv", operations, take_operation}};

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        CLEANUP_FREE char *path = text_format("%s/%s", source->run_dir, files[i].file);
        int r = access(path, F_OK) == 0
                    ? source_read(source, files[i].file, files[i].names, files[i].take, NULL)
                    : 0;

        if (r < 0)
            return r;
    }
    return 0;
}
