#include "analysis/dataset.h"

#include "analysis/dataset_source.h"
#include "base/inifile.h"
#include "model/scenario.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int dataset_find_channel(const struct dataset *dataset, const char *name) {
    for (size_t i = 0; i < dataset->n_channels; i++)
        if (text_equal(dataset->channels[i].name, name))
            return (int)i;
    return -1;
}

int dataset_find_probe(const struct dataset *dataset, const char *name) {
    for (size_t i = 0; i < dataset->n_probes; i++)
        if (text_equal(dataset->probes[i].name, name))
            return (int)i;
    return -1;
}

int dataset_find_series(const struct dataset *dataset, const char *name) {
    for (size_t i = 0; i < dataset->n_series; i++)
        if (text_equal(dataset->series[i].name, name))
            return (int)i;
    return -1;
}

size_t dataset_top_rung(const struct dataset *dataset) {
    size_t top = 0;

    for (size_t i = 0; i < dataset->n_probes; i++)
        top = dataset->probes[i].rung > top ? dataset->probes[i].rung : top;
    return top;
}

char *dataset_rung(const struct dataset *dataset, size_t probe, size_t variant) {
    const char *name = dataset_variant(dataset, variant);

    return text_format("%s%s%s", dataset->probes[probe].name, *name ? ", " : "", name);
}

char *dataset_words(const char *metric) {
    char *words = text_copy(metric);

    for (char *c = words; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    return words;
}

double dataset_value(const struct dataset *dataset, size_t series, size_t trial) {
    const struct dataset_value *values = dataset->values + dataset->series[series].first;
    size_t low = 0, high = dataset->series[series].n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (values[middle].trial < trial)
            low = middle + 1;
        else
            high = middle;
    }
    return low < dataset->series[series].n && values[low].trial == trial ? values[low].value : NAN;
}

/* ---- scenario.ini ---- */

#define MOST_PERCENT 1000 /* of any share that a scenario may name */

/* "2%" as 0.02. *ret stays as it is for none; an archive may hold what no scenario would. */
static int take_share(const struct inifile *file, const char *section, const char *key,
                      const char *text, double *ret, struct error *error) {
    double percent;
    char *end;

    if (!text || !*text)
        return 0;
    percent = strtod(text, &end);
    if (end == text || !text_equal(end, "%") || !(percent >= 0 && percent <= MOST_PERCENT))
        return error_set(error, -EINVAL, "%s: [%s] %s: '%s' is no share like 2%%", file->path,
                         section, key, text);
    *ret = percent / 100;
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
    return take_share(file, section, "loss", inifile_get(file, section, "loss"),
                      &dataset->channels[dataset->n_channels - 1].loss, error);
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

/* A newer program may mean something else by what stands in its runs. */
static int check_format(const char *path, struct error *error) {
    FILE *file = fopen(path, "re");
    int format = 1;

    if (!file)
        return error_errno(error, -errno, "%s", path);
    (void)!fscanf(file, "# format: %d", &format);
    (void)fclose(file);
    if (format <= SCENARIO_FORMAT)
        return 0;
    return error_set(error, -EBADMSG,
                     "%s:1: a run of format %d, which a newer version has made; this one reads "
                     "runs up to format %d",
                     path, format, SCENARIO_FORMAT);
}

static int read_scenario(struct dataset *dataset, const char *run_dir, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/scenario.ini", run_dir);
    CLEANUP_FREE char *factors = text_format("%s/factors.csv", run_dir);
    CLEANUP(inifile_freep) struct inifile *file = NULL;
    const char *name, *baseline, *repetitions, *seed, *order;
    int r = inifile_read(&file, path, error);

    if (r == 0)
        r = check_format(path, error);
    if (r < 0)
        return r;
    name = inifile_get(file, "scenario", "name");
    baseline = inifile_get(file, "scenario", "baseline");
    repetitions = inifile_get(file, "scenario", "repetitions");
    seed = inifile_get(file, "scenario", "seed");
    order = inifile_get(file, "scenario", "order");
    dataset->sequential = order && text_equal(order, "sequential");
    dataset->seed = seed ? strtoull(seed, NULL, 10) : 0;
    dataset->scenario = text_copy(name ? name : "");
    dataset->baseline = text_copy(baseline ? baseline : "");
    dataset->repetitions = repetitions ? strtol(repetitions, NULL, 10) : 0;
    dataset->margin = 0.02;
    r = take_share(file, "scenario", "margin", inifile_get(file, "scenario", "margin"),
                   &dataset->margin, error);
    if (r == 0 && repetitions && strncmp(repetitions, "until ", 6) == 0)
        r = take_share(file, "scenario", "repetitions", repetitions + 6, &dataset->precision,
                       error);
    if (r == 0)
        r = take_names(dataset, file, error);
    if (r == 0 && access(factors, F_OK) == 0)
        r = dataset_read_factors(dataset, run_dir, error);
    if (r < 0)
        return r;
    dataset->references =
        memory_new(dataset->n_probes * dataset->n_channels, sizeof(*dataset->references));
    for (size_t i = 0; i < dataset->n_probes * dataset->n_channels; i++)
        dataset->references[i] = NAN;
    for (size_t i = 0; i < file->n_entries && r == 0; i++) {
        if (text_equal(file->entries[i].section, "reference"))
            r = take_reference(dataset, file, &file->entries[i], error);
        else if (text_equal(file->entries[i].section, "hosts"))
            take_host(dataset, &file->entries[i]);
    }
    return r;
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

static int take_probe(const struct source *source, struct dataset_probe *probe, bool format_2) {
    long rung = 0;
    int r = format_2 && *source_text(source, RUNG) ? source_integer(source, RUNG, &rung) : 0;

    probe->rung = (size_t)rung;
    probe->sender = text_copy(format_2 ? source_text(source, SENDER) : "");
    probe->receiver = text_copy(format_2 ? source_text(source, RECEIVER) : "");
    for (size_t i = 0; i < ARRAY_SIZE(format_1) && !format_2; i++) {
        if (!text_equal(format_1[i].probe, probe->name))
            continue;
        probe->rung = format_1[i].rung;
        text_replace(&probe->sender, format_1[i].sender);
        text_replace(&probe->receiver, format_1[i].receiver);
    }
    return r;
}

static int read_definitions(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const char *const names[] = {"probe",    "metric", "unit", "better",
                                        "headline", "help",   NULL};
    CLEANUP(source_close) struct source source = {.error = error};
    int r = source_open(&source, dataset, run_dir, "definitions.csv", names);
    bool format_2 = r == 0 && source_has(&source, RUNG, "rung") &&
                    source_has(&source, SENDER, "sender") &&
                    source_has(&source, RECEIVER, "receiver");

    while (r >= 0 && (r = source_next(&source)) > 0) {
        int place = dataset_find_probe(dataset, source_text(&source, PROBE));
        struct dataset_probe *probe = place < 0 ? NULL : &dataset->probes[place];

        if (!text_has_word("yes no", source_text(&source, HEADLINE)))
            return source_reject(&source, HEADLINE, "is neither yes nor no");
        if (!text_has_word("higher lower none", source_text(&source, BETTER)))
            return source_reject(&source, BETTER, "is none of higher, lower, none");
        if (!probe || text_equal(source_text(&source, HEADLINE), "no"))
            continue;
        if (probe->metric)
            return source_reject(&source, PROBE, "has a second headline metric");
        probe->metric = text_copy(source_text(&source, METRIC));
        probe->unit = text_copy(source_text(&source, UNIT));
        probe->better = text_copy(source_text(&source, BETTER));
        probe->help = text_copy(source_text(&source, HELP));
        r = take_probe(&source, probe, format_2);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; r == 0 && i < dataset->n_probes; i++)
        if (!dataset->probes[i].metric)
            r = error_set(error, -EBADMSG, "%s: probe '%s' of the scenario has no headline metric",
                          source.reader->path, dataset->probes[i].name);
    return r;
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

/* The files that not every run has. */
static int read_rest(struct dataset *dataset, const char *run_dir, struct error *error) {
    static const struct {
        const char *file;
        int (*read)(struct dataset *, const char *, struct error *);
    } rest[] = {
        {"blocks.csv", dataset_read_blocks},
        {"telemetry.csv", dataset_read_telemetry},
        {"proofs.csv", dataset_read_proofs},
        {"distributions.csv", dataset_read_distributions},
        {"intervals.csv", dataset_read_intervals},
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rest); i++) {
        CLEANUP_FREE char *path = text_format("%s/%s", run_dir, rest[i].file);

        if (access(path, F_OK) == 0)
            r = rest[i].read(dataset, run_dir, error);
    }
    return r;
}

int dataset_read(struct dataset **ret, const char *run_dir, struct error *error) {
    static int (*const steps[])(struct dataset *, const char *, struct error *) = {
        name_run,  read_scenario, read_definitions, dataset_read_trials, dataset_read_metrics,
        read_rest,
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

void dataset_channel_clear(struct dataset_channel *channel) {
    char *texts[] = {channel->name, channel->base, channel->variant, channel->description,
                     channel->tls};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        free(texts[i]);
}

void dataset_free(struct dataset *dataset) {
    for (size_t i = 0; i < dataset->n_channels; i++)
        dataset_channel_clear(&dataset->channels[i]);
    for (size_t i = 0; i < dataset->n_probes; i++) {
        struct dataset_probe *probe = &dataset->probes[i];
        char *texts[] = {probe->name, probe->metric, probe->unit,    probe->better,
                         probe->help, probe->sender, probe->receiver};

        for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
            free(texts[k]);
    }
    for (size_t i = 0; i < dataset->n_variants; i++)
        free(dataset->variants[i]);
    for (size_t i = 0; i < dataset->n_reasons; i++)
        free(dataset->reasons[i]);
    for (size_t i = 0; i < dataset->n_series; i++) {
        free(dataset->series[i].name);
        free(dataset->series[i].unit);
    }
    for (size_t i = 0; i < dataset->n_throttlings; i++)
        free(dataset->throttlings[i].host);
    for (size_t i = 0; i < dataset->n_proofs; i++) {
        struct dataset_proof *proof = &dataset->proofs[i];
        char *texts[] = {proof->name, proof->expected, proof->observed, proof->cause};

        for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
            free(texts[k]);
    }
    for (size_t i = 0; i < dataset->n_distributions; i++) {
        free(dataset->distributions[i].metric);
        free(dataset->distributions[i].unit);
        free(dataset->distributions[i].buckets);
    }
    {
        void *rest[] = {dataset->run_name,     dataset->scenario,         dataset->baseline,
                        dataset->hosts,        dataset->reference_source, dataset->channels,
                        dataset->probes,       dataset->variants,         dataset->reasons,
                        dataset->trials,       dataset->series,           dataset->counted,
                        dataset->values,       dataset->references,       dataset->warnings,
                        dataset->throttlings,  dataset->latencies,        dataset->proofs,
                        dataset->distributions};

        for (size_t i = 0; i < ARRAY_SIZE(rest); i++)
            free(rest[i]);
    }
    free(dataset);
}
