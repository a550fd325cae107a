#include "analysis/dataset_source.h"

#include <errno.h>
#include <math.h>
#include <string.h>

void dataset_warn(struct dataset *dataset, const char *line) {
    char *warnings = text_format("%s%s\n", dataset->warnings, line);

    free(dataset->warnings);
    dataset->warnings = warnings;
}

int source_open(struct source *source, struct dataset *dataset, const char *run_dir,
                const char *file, const char *const *names) {
    CLEANUP_FREE char *path = text_format("%s/%s", run_dir, file);
    int r = csv_reader_open(&source->reader, path, source->error);

    source->dataset = dataset;
    for (size_t i = 0; r >= 0 && names[i]; i++)
        r = source->columns[i] = csv_reader_column(source->reader, names[i], source->error);
    return r < 0 ? r : 0;
}

int source_next(struct source *source) {
    int r = csv_reader_next(source->reader, source->error);

    if (r == 0 && source->reader->half_last_line) {
        CLEANUP_FREE char *line = text_format(
            "%s: the last line is only half written; it was left out", source->reader->path);

        dataset_warn(source->dataset, line);
    }
    return r;
}

bool source_has(struct source *source, int name, const char *column) {
    source->columns[name] = csv_reader_column(source->reader, column, NULL);
    return source->columns[name] >= 0;
}

/* "file:line: column: 'field' is wrong like that" */
int source_reject(const struct source *source, int name, const char *why) {
    const struct csv_reader *reader = source->reader;

    return error_set(source->error, -EBADMSG, "%s:%zu: %s: '%s' %s", reader->path, reader->line,
                     reader->names[source->columns[name]], source_text(source, name), why);
}

int source_integer(const struct source *source, int name, long *ret) {
    const char *field = source_text(source, name);
    long value = 0;
    size_t length = 0;

    for (; field[length] >= '0' && field[length] <= '9' && length < 9; length++)
        value = value * 10 + (field[length] - '0');
    if (length == 0 || field[length])
        return source_reject(source, name, "is not a whole number");
    *ret = value;
    return 0;
}

int source_real(const struct source *source, int name, double *ret) {
    return csv_reader_real(source->reader, source->columns[name], ret, source->error);
}

int source_count(const struct source *source, int name, double *ret) {
    int r = source_real(source, name, ret);

    if (r == 0 && !isnan(*ret) && (*ret < 0 || *ret != floor(*ret)))
        return source_reject(source, name, "is no number of bytes");
    return r;
}

int source_trial(const struct source *source, const struct dataset_trial **ret) {
    const struct dataset *dataset = source->dataset;
    struct dataset_trial key;
    int r = source_integer(source, 0, &key.trial);

    if (r == 0)
        r = source_integer(source, 1, &key.attempt);
    if (r < 0)
        return r;
    *ret = !dataset->n_trials ? NULL
                              : bsearch(&key, dataset->trials, dataset->n_trials, sizeof(key),
                                        dataset_compare_ids);
    return 0;
}

static int compare_blocks(const void *key, const void *element) {
    const long *block = key;
    const struct dataset_attempt *attempt = element;

    return (*block > attempt->block) - (*block < attempt->block);
}

int source_attempt(const struct source *source, long *ret_block, bool *ret_counts) {
    const struct dataset *dataset = source->dataset;
    const struct dataset_attempt *counted;
    long attempt;
    int r = source_integer(source, 0, ret_block);

    if (r == 0)
        r = source_integer(source, 1, &attempt);
    if (r < 0)
        return r;
    counted = !dataset->n_counted ? NULL
                                  : bsearch(ret_block, dataset->counted, dataset->n_counted,
                                            sizeof(*counted), compare_blocks);
    *ret_counts = counted && counted->attempt == attempt;
    return 0;
}
