#include "analysis/source.h"

#include "base/jsonline.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_DIGITS 9 /* of a whole number */

bool source_is_file(const char *path) {
    struct stat status;

    return lstat(path, &status) == 0 && S_ISREG(status.st_mode);
}

void source_close(struct source *source) {
    csv_reader_closep(&source->reader);
    source->reader = NULL;
}

json_t *source_environment(const struct source *source) {
    CLEANUP_FREE char *path = text_format("%s/environment.json", source->run_dir);
    json_t *environment = NULL;

    if (source_is_file(path))
        (void)jsonline_read_file(path, &environment, NULL);
    return environment;
}

/* Versions of the program write other columns: which one made the run, and which this is. */
static int tell_version(struct source *source) {
    json_auto_t *environment = source_environment(source);
    const json_t *host = json_array_get(json_object_get(environment, "hosts"), 0);
    const char *version = jsonline_text(json_object_get(host, "versions"), "bench", NULL);
    const char *commit = jsonline_text(environment, "commit", "");
    size_t digits = strspn(commit, "0123456789abcdef");
    CLEANUP_FREE char *what = text_copy(source->error ? source->error->text : "");

    /* It goes into a command: nothing but what git calls a commit. */
    if (!version || digits < 7 || (commit[digits] && !text_equal(commit + digits, "-dirty")))
        return error_set(source->error, -EBADMSG,
                         "%s: the run is of another version than this, " BENCH_VERSION
                         ", or its file was changed; take the file as it was measured, or report "
                         "it with the program that measured it",
                         what);
    return error_set(source->error, -EBADMSG,
                     "%s: the run is of mqtt-security-bench %s, commit %s; this is " BENCH_VERSION
                     ". Unless the file was changed, report it with that commit: git checkout "
                     "%.*s",
                     what, version, commit, (int)digits, commit);
}

static int open_file(struct source *source, const char *file, const char *const *names) {
    CLEANUP_FREE char *path = text_format("%s/%s", source->run_dir, file);
    int r;

    source_close(source);
    source->last = NULL;
    if (!source_is_file(path))
        return error_errno(source->error, -ENOENT, "%s", path);
    r = csv_reader_open(&source->reader, path, source->error);
    for (size_t i = 0; names[i] && r == 0; i++) {
        bool optional = *names[i] == '?';

        source->columns[i] =
            csv_reader_column(source->reader, names[i] + optional, optional ? NULL : source->error);
        r = source->columns[i] < 0 && !optional ? tell_version(source) : 0;
    }
    return r;
}

int source_read(struct source *source, const char *file, const char *const *names,
                void (*take)(struct source *source, void *context), void *context) {
    int r = 1;

    source->r = open_file(source, file, names);
    while (source->r == 0 && r > 0) {
        r = csv_reader_next(source->reader, source->error);
        if (r > 0)
            take(source, context);
        else if (r < 0)
            source->r = r;
        else if (source->reader->half_last_line)
            source_warn(source, "%s: the last line is only half written; it was left out",
                        source->reader->path);
    }
    return source->r;
}

/* ---- fields ---- */

bool source_has(const struct source *source, int name) {
    return source->columns[name] >= 0;
}

const char *source_text(const struct source *source, int name) {
    return source_has(source, name) ? source->reader->fields[source->columns[name]] : "";
}

const char *source_keep(const struct source *source, int name) {
    const char *text = source_text(source, name);

    return *text ? dataset_keep(source->dataset, text_copy(text)) : "";
}

void source_reject(struct source *source, int name, const char *format, ...) {
    const struct csv_reader *reader = source->reader;
    CLEANUP_FREE char *why = NULL;
    va_list arguments;

    va_start(arguments, format);
    why = text_vformat(format, arguments);
    va_end(arguments);
    if (source->r == 0)
        source->r =
            error_set(source->error, -EBADMSG, "%s:%zu: %s: '%s' %s", reader->path, reader->line,
                      reader->names[source->columns[name]], source_text(source, name), why);
}

long source_integer(struct source *source, int name) {
    const char *field = source_text(source, name);
    size_t length = strspn(field, "0123456789");

    if (length == 0 || length > MOST_DIGITS || field[length]) {
        source_reject(source, name, "is not a whole number");
        return 0;
    }
    return strtol(field, NULL, 10);
}

double source_real(struct source *source, int name) {
    double value = NAN;

    if (source->r == 0 && source_has(source, name))
        source->r = csv_reader_real(source->reader, source->columns[name], &value, source->error);
    return value;
}

double source_count(struct source *source, int name) {
    double value = source_real(source, name);

    if (!isnan(value) && (value < 0 || value != floor(value)))
        source_reject(source, name, "is no number of bytes");
    return value;
}

/* ---- what a row belongs to ---- */

size_t source_channel(struct source *source, int channel, int variant, const char **ret_rest) {
    const struct dataset *dataset = source->dataset;
    const char *name = source_text(source, channel), *whole = source_text(source, variant);
    bool known = false;

    for (size_t i = 0; i < dataset->n_channels; i++) {
        const struct dataset_channel *one = &dataset->channels[i];
        size_t length = strlen(one->variant);

        if (!text_equal(one->base, name))
            continue;
        known = true;
        if (strncmp(whole, one->variant, length) != 0 ||
            (length && whole[length] && whole[length] != ' '))
            continue;
        *ret_rest = whole + length + (length && whole[length] ? 1 : 0);
        return i;
    }
    if (known && source_has(source, variant))
        source_reject(source, variant, "is no variant of its channel in factors.csv");
    else
        source_reject(source, channel, "is no channel of scenario.ini");
    *ret_rest = "";
    return 0;
}

struct dataset_trial *source_trial(struct source *source) {
    const struct dataset *dataset = source->dataset;
    struct dataset_trial key = {.trial = source_integer(source, 0),
                                .attempt = source_integer(source, 1)};

    /* It is that of the row before, mostly. */
    if (!dataset->n_trials || (source->last && dataset_compare_ids(&key, source->last) == 0))
        return source->last;
    source->last =
        bsearch(&key, dataset->trials, dataset->n_trials, sizeof(key), dataset_compare_ids);
    return source->last;
}

bool source_counts(struct source *source) {
    long block = source_integer(source, 0), attempt = source_integer(source, 1);
    const struct dataset_attempt *counted = dataset_find_block(source->dataset, block);

    return source->r == 0 && counted && counted->attempt == attempt;
}

void source_warn(struct source *source, const char *format, ...) {
    char **warnings = &source->dataset->warnings;
    CLEANUP_FREE char *line = NULL;
    va_list arguments;

    va_start(arguments, format);
    line = text_vformat(format, arguments);
    va_end(arguments);
    text_append(warnings, "", line);
    text_append(warnings, "", "\n");
}
