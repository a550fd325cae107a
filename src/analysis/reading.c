#include "analysis/reading.h"

#include "analysis/factors.h"
#include "analysis/metrics.h"
#include "analysis/records.h"
#include "analysis/source.h"
#include "analysis/trials.h"
#include "base/inifile.h"
#include "model/scenario.h"
#include "model/setting.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- scenario.ini ---- */

#define MOST_PPM INT64_C(10000000) /* of any share that a scenario may name: 1000 % */

/* "2%" as 0.02; `missing` where there is none. An archive may hold what no scenario would. */
static int take_share(const struct inifile *file, const char *section, const char *key,
                      const char *missing, double *ret, struct error *error) {
    const char *text = inifile_get(file, section, key);
    int64_t ppm;

    text = text && *text ? text : missing;
    if (setting_number_parse(SETTING_PERCENT, text, &ppm, NULL) < 0 || ppm > MOST_PPM)
        return error_set(error, -EINVAL, "%s: [%s] %s: '%s' is no share like 2%%", file->path,
                         section, key, text);
    *ret = (double)ppm / 1e6;
    return 0;
}

static int add_channel(struct dataset *dataset, const struct inifile *file, const char *name,
                       struct error *error) {
    CLEANUP_FREE char *section = text_format("channel.%s", name);
    const char *description = inifile_get(file, section, "description");
    const char *control = inifile_get(file, section, "control");

    dataset->channels =
        memory_resize(dataset->channels, dataset->n_channels + 1, sizeof(*dataset->channels));
    dataset->channels[dataset->n_channels++] = (struct dataset_channel){
        .name = text_copy(name),
        .base = text_copy(name),
        .variant = text_copy(""),
        .description = text_copy(description ? description : ""),
        .control = control && text_equal(control, "same")     ? DATASET_SAME
                   : control && text_equal(control, "slowed") ? DATASET_SLOWED
                                                              : DATASET_SUBJECT,
        .tls = text_copy(""),
    };
    return take_share(file, section, "loss", "0%", &dataset->channels[dataset->n_channels - 1].loss,
                      error);
}

static int take_names(struct dataset *dataset, const struct inifile *file, struct error *error) {
    const char *channels = inifile_get(file, "scenario", "channels"), *word;
    const char *probes = inifile_get(file, "scenario", "probes");
    size_t length;

    while ((word = text_next_word(&channels, &length))) {
        CLEANUP_FREE char *name = text_format("%.*s", (int)length, word);
        int r = add_channel(dataset, file, name, error);

        if (r < 0)
            return r;
    }
    while ((word = text_next_word(&probes, &length))) {
        dataset->probes =
            memory_resize(dataset->probes, dataset->n_probes + 1, sizeof(*dataset->probes));
        dataset->probes[dataset->n_probes++] =
            (struct dataset_probe){.name = text_format("%.*s", (int)length, word)};
    }
    if (!dataset->n_channels || !dataset->n_probes)
        return error_set(error, -EINVAL, "%s: [scenario] %s: missing or empty", file->path,
                         dataset->n_channels ? "probes" : "channels");
    return 0;
}

/* PROBE.CHANNEL = VALUE; what the run did not measure is passed over. */
static int take_reference(struct dataset *dataset, const struct inifile *file,
                          const struct inifile_entry *entry, struct error *error) {
    const char *dot = strchr(entry->key, '.');
    CLEANUP_FREE char *name = text_format("%.*s", (int)(dot ? dot - entry->key : 0), entry->key);
    int probe, channel;
    double value;
    char *end;

    if (text_equal(entry->key, "source")) {
        text_replace(&dataset->reference_source, entry->value);
        return 0;
    }
    value = strtod(entry->value, &end);
    if (!dot || end == entry->value || *end || !isfinite(value) || value < 0)
        return error_set(error, -EINVAL,
                         "%s:%d: [reference] %s: '%s' is no published value; it "
                         "would be PROBE.CHANNEL = NUMBER",
                         file->path, entry->line, entry->key, entry->value);
    probe = dataset_find_probe(dataset, name);
    channel = dataset_find_channel(dataset, dot + 1);
    if (probe < 0 || channel < 0)
        return 0;
    dataset->probes[probe].has_reference = true;
    dataset->references[(size_t)probe * dataset->n_channels + (size_t)channel] = value;
    return 0;
}

/* Who measured, and over which address when it was named; where the program lies is no matter. */
static void take_host(struct dataset *dataset, const struct inifile_entry *entry) {
    CLEANUP_FREE char *host = NULL;

    if (!*entry->value || !text_has_word("broker publisher address", entry->key))
        return;
    host = text_format("%s %s", entry->key, entry->value);
    text_append(&dataset->hosts, ", ", host);
}

/* A newer program may mean something else by what stands in its runs. A stranger's may have a link
 * or a pipe in the place of a file. */
static int check_format(const char *path, struct error *error) {
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    char line[64] = "";
    struct stat status;
    int format = 1;

    if (fd < 0 || fstat(fd, &status) < 0 || read(fd, line, sizeof(line) - 1) < 0)
        return error_errno(error, -errno, "%s", path);
    if (!S_ISREG(status.st_mode))
        return error_set(error, -EBADMSG, "%s: not a regular file", path);
    (void)sscanf(line, "# format: %d", &format);
    if (format <= SCENARIO_FORMAT)
        return 0;
    return error_set(error, -EBADMSG,
                     "%s:1: a run of format %d, which a newer version has made; this one reads "
                     "runs up to format %d",
                     path, format, SCENARIO_FORMAT);
}

/* How many blocks, or how narrow the intervals: as model/scenario.h has it. */
static int take_repetitions(struct dataset *dataset, const struct inifile *file,
                            struct error *error) {
    const char *text = inifile_get(file, "scenario", "repetitions");
    struct repetitions repetitions = {0, 0, 0};
    struct error what;

    if (text && repetitions_parse(text, &repetitions, &what) < 0)
        return error_set(error, -EINVAL, "%s: [scenario] repetitions: %s", file->path, what.text);
    dataset->repetitions = (long)repetitions.largest;
    dataset->precision = repetitions.precision;
    return 0;
}

/* [scenario] key, "" without it; the caller's. */
static char *get_text(const struct inifile *file, const char *key) {
    const char *text = inifile_get(file, "scenario", key);

    return text_copy(text ? text : "");
}

static int take_settings(struct dataset *dataset, const struct inifile *file, struct error *error) {
    const char *order = inifile_get(file, "scenario", "order");
    const char *seed = inifile_get(file, "scenario", "seed");
    int r;

    dataset->sequential = order && text_equal(order, "sequential");
    dataset->seed = seed ? strtoull(seed, NULL, 10) : 0;
    dataset->scenario = get_text(file, "name");
    dataset->baseline = get_text(file, "baseline");
    r = take_share(file, "scenario", "margin", SCENARIO_MARGIN, &dataset->margin, error);
    return r < 0 ? r : take_repetitions(dataset, file, error);
}

static int take_references(struct dataset *dataset, const struct inifile *file,
                           struct error *error) {
    size_t n = dataset->n_probes * dataset->n_channels;
    int r = 0;

    dataset->references = memory_new(n, sizeof(*dataset->references));
    for (size_t i = 0; i < n; i++)
        dataset->references[i] = NAN;
    for (size_t i = 0; i < file->n_entries && r == 0; i++)
        if (text_equal(file->entries[i].section, "reference"))
            r = take_reference(dataset, file, &file->entries[i], error);
    return r;
}

static int read_scenario(struct dataset *dataset, const char *run_dir, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/scenario.ini", run_dir);
    CLEANUP_FREE char *factors = text_format("%s/factors.csv", run_dir);
    CLEANUP(inifile_freep) struct inifile *file = NULL;
    int r = check_format(path, error);

    if (r == 0)
        r = inifile_read(&file, path, error);
    if (r == 0)
        r = take_settings(dataset, file, error);
    if (r == 0)
        r = take_names(dataset, file, error);
    if (r == 0 && access(factors, F_OK) == 0)
        r = factors_read(dataset, run_dir, error);
    if (r < 0)
        return r;
    for (size_t i = 0; i < file->n_entries; i++)
        if (text_equal(file->entries[i].section, "hosts"))
            take_host(dataset, &file->entries[i]);
    return take_references(dataset, file, error);
}

/* ---- definitions.csv ---- */

enum { PROBE, METRIC, UNIT, BETTER, HEADLINE, HELP, RUNG, SENDER, RECEIVER };

/* What runs of format 1 do not say of their probes. */
static const struct {
    const char *probe;
    size_t rung;
    const char *sender, *receiver;
} format_1[] = {
    {"path", 1, "client2.sender", "broker.receiver"},
    {"transport", 2, "client2.sender", "broker.receiver"},
    {"transport-per-unit", 3, "client2.sender", "broker.receiver"},
    {"delivery", 4, "client2.sender", "client1.receiver"},
    {"latency", 0, "client2.client", "client2.client"},
    {"connect", 0, "client2.client", "client2.client"},
};

static void complete(struct dataset_probe *probe) {
    for (size_t i = 0; i < ARRAY_SIZE(format_1); i++) {
        if (!text_equal(format_1[i].probe, probe->name))
            continue;
        probe->rung = format_1[i].rung;
        text_replace(&probe->sender, format_1[i].sender);
        text_replace(&probe->receiver, format_1[i].receiver);
    }
}

static void take_definition(struct source *source) {
    int place = dataset_find_probe(source->dataset, source_text(source, PROBE));
    struct dataset_probe *probe = place < 0 ? NULL : &source->dataset->probes[place];

    if (!text_has_word("yes no", source_text(source, HEADLINE)))
        source_reject(source, HEADLINE, "is neither yes nor no");
    if (!text_has_word("higher lower none", source_text(source, BETTER)))
        source_reject(source, BETTER, "is none of higher, lower, none");
    if (!probe || text_equal(source_text(source, HEADLINE), "no"))
        return;
    if (probe->metric)
        source_reject(source, PROBE, "has a second headline metric");
    if (*source_text(source, RUNG))
        probe->rung = (size_t)source_integer(source, RUNG);
    if (source->r < 0)
        return;
    probe->metric = text_copy(source_text(source, METRIC));
    probe->unit = text_copy(source_text(source, UNIT));
    probe->better = text_copy(source_text(source, BETTER));
    probe->help = text_copy(source_text(source, HELP));
    probe->sender = text_copy(source_text(source, SENDER));
    probe->receiver = text_copy(source_text(source, RECEIVER));
    if (!source_has(source, RUNG))
        complete(probe);
}

static int read_definitions(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {"probe", "metric", "unit",    "better",    "headline",
                                        "help",  "?rung",  "?sender", "?receiver", NULL};
    CLEANUP(source_close) struct source source;

    source_open(&source, dataset, run_dir, "definitions.csv", names, error);
    while (source_next(&source))
        take_definition(&source);
    for (size_t i = 0; source.r == 0 && i < dataset->n_probes; i++)
        if (!dataset->probes[i].metric)
            return error_set(error, -EBADMSG,
                             "%s: probe '%s' of the scenario has no headline metric",
                             source.reader->path, dataset->probes[i].name);
    return source.r;
}

/* ---- the whole ---- */

static int name_run(struct dataset *dataset, const char *run_dir, struct error *error) {
    CLEANUP_FREE char *path = realpath(run_dir, NULL);
    struct stat status;

    if (!path || stat(path, &status) < 0)
        return error_errno(error, -errno, "%s: no run folder", run_dir);
    if (!S_ISDIR(status.st_mode))
        return error_set(error, -ENOTDIR, "%s: not a run folder but a file", run_dir);
    dataset->run_name = text_copy(strrchr(path, '/') + 1);
    return 0;
}

int dataset_read(struct dataset **ret, const char *run_dir, struct error *error) {
    static int (*const steps[])(struct dataset *, const char *, struct error *) = {
        name_run, read_scenario, read_definitions, trials_read, metrics_read, records_read,
    };
    CLEANUP(dataset_freep) struct dataset *dataset = memory_new(1, sizeof(*dataset));
    int r = 0;

    dataset->warnings = text_copy("");
    dataset->hosts = text_copy("");
    dataset->reference_source = text_copy("");
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++)
        r = steps[i](dataset, run_dir, error);
    if (r < 0)
        return r;
    *ret = dataset;
    dataset = NULL;
    return 0;
}
