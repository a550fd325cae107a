#include "report/dataset_source.h"

#include <errno.h>
#include <string.h>

void dataset_warn(struct dataset *dataset, const char *line) {
    char *warnings = text_format("%s%s\n", dataset->warnings, line);

    free(dataset->warnings);
    dataset->warnings = warnings;
}

int source_open(struct source *source, struct dataset *dataset, const char *run_dir,
                const char *file, const char *const *names) {
    CLEANUP_FREE char *path = text_format("%s/%s", run_dir, file);
    int r = csv_table_read(&source->table, path, source->error);

    if (r < 0)
        return r;
    if (source->table->half_last_line) {
        CLEANUP_FREE char *line = text_format(
            "%s: the last line is only half written; it was left out", source->table->path);

        dataset_warn(dataset, line);
    }
    for (size_t i = 0; names[i]; i++) {
        source->columns[i] = csv_table_column(source->table, names[i], source->error);
        if (source->columns[i] < 0)
            return source->columns[i];
    }
    return 0;
}

bool source_has(struct source *source, int name, const char *column) {
    source->columns[name] = csv_table_column(source->table, column, NULL);
    return source->columns[name] >= 0;
}

const char *source_text(const struct source *source, size_t row, int name) {
    return csv_table_field(source->table, row, source->columns[name]);
}

/* "file:line: column: 'field' is wrong like that" */
int source_reject(const struct source *source, size_t row, int name, const char *why) {
    return error_set(source->error, -EBADMSG, "%s:%zu: %s: '%s' %s", source->table->path,
                     source->table->lines[row + 1], source->table->fields[source->columns[name]],
                     source_text(source, row, name), why);
}

int source_integer(const struct source *source, size_t row, int name, long *ret) {
    const char *field = source_text(source, row, name);
    size_t length = strlen(field);

    if (length == 0 || length > 9 || strspn(field, "0123456789") != length)
        return source_reject(source, row, name, "is not a whole number");
    *ret = strtol(field, NULL, 10);
    return 0;
}

int source_real(const struct source *source, size_t row, int name, double *ret) {
    return csv_table_real(source->table, row, source->columns[name], ret, source->error);
}

static int compare_blocks(const void *key, const void *element) {
    const long *block = key;
    const struct dataset_attempt *attempt = element;

    return (*block > attempt->block) - (*block < attempt->block);
}

int source_attempt(const struct source *source, const struct dataset *dataset, size_t row,
                   long *ret_block, bool *ret_counts) {
    const struct dataset_attempt *counted;
    long attempt;
    int r = source_integer(source, row, 0, ret_block);

    if (r == 0)
        r = source_integer(source, row, 1, &attempt);
    if (r < 0)
        return r;
    counted =
        bsearch(ret_block, dataset->counted, dataset->n_counted, sizeof(*counted), compare_blocks);
    *ret_counts = counted && counted->attempt == attempt;
    return 0;
}
