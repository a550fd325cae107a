#include "analysis/reading.h"

#include "analysis/source.h"
#include "base/file.h"
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

/* [section] key, "" without it. */
static const char *take_text(struct dataset *dataset, const struct inifile *file,
                             const char *section, const char *key) {
    const char *text = inifile_get(file, section, key);

    return text ? dataset_keep(dataset, text_copy(text)) : "";
}

static int add_channel(struct dataset *dataset, const struct inifile *file, const char *name,
                       struct error *error) {
    CLEANUP_FREE char *section = text_format("channel.%s", name);
    const char *control = inifile_get(file, section, "control");
    struct dataset_channel channel = {
        .name = name,
        .base = name,
        .variant = "",
        .description = take_text(dataset, file, section, "description"),
        .control = text_equal(control, "same")     ? DATASET_SAME
                   : text_equal(control, "slowed") ? DATASET_SLOWED
                                                   : DATASET_SUBJECT,
        .tls = "",
    };
    int r = take_share(file, section, "loss", "0%", &channel.loss, error);

    if (r < 0)
        return r;
    dataset->channels =
        memory_room(dataset->channels, dataset->n_channels, sizeof(*dataset->channels));
    dataset->channels[dataset->n_channels++] = channel;
    return 0;
}

static int take_names(struct dataset *dataset, const struct inifile *file, struct error *error) {
    const char *channels = inifile_get(file, "scenario", "channels"), *word;
    const char *probes = inifile_get(file, "scenario", "probes");
    size_t length;

    while ((word = text_next_word(&channels, &length))) {
        const char *name = dataset_keep(dataset, text_format("%.*s", (int)length, word));
        int r = add_channel(dataset, file, name, error);

        if (r < 0)
            return r;
    }
    while ((word = text_next_word(&probes, &length))) {
        dataset->probes = memory_room(dataset->probes, dataset->n_probes, sizeof(*dataset->probes));
        dataset->probes[dataset->n_probes++] = (struct dataset_probe){
            .name = dataset_keep(dataset, text_format("%.*s", (int)length, word))};
    }
    if (!dataset->n_channels || !dataset->n_probes)
        return error_set(error, -EINVAL, "%s: [scenario] %s: missing or empty", file->path,
                         dataset->n_channels ? "probes" : "channels");
    return 0;
}

/* [reference]; what the run did not measure is passed over. 1: there is no room for it. */
static int take_reference(struct dataset *dataset, const struct inifile *file,
                          const struct inifile_entry *entry, struct error *error) {
    CLEANUP(reference_clear) struct reference said = {.probe = NULL};
    int probe, channel, baseline;
    double value;

    if (text_equal(entry->key, "source")) {
        dataset->reference_source = dataset_keep(dataset, text_copy(entry->value));
        return 0;
    }
    if (!reference_split(entry->key, &said) || !text_real(entry->value, &value) || value < 0)
        return error_set(error, -EINVAL,
                         "%s:%d: [reference] %s: '%s' is no published value; it "
                         "would be PROBE.CHANNEL = NUMBER",
                         file->path, entry->line, entry->key, entry->value);
    probe = dataset_find_probe(dataset, said.probe);
    channel = dataset_find_channel(dataset, said.channel);
    baseline = said.baseline ? dataset_find_channel(dataset, said.baseline) : -1;
    if (probe < 0 || channel < 0 || (said.baseline && baseline < 0))
        return 0;
    if (dataset->n_references == SCENARIO_MAX_REFERENCES)
        return 1;
    dataset->references =
        memory_room(dataset->references, dataset->n_references, sizeof(*dataset->references));
    dataset->references[dataset->n_references++] = (struct dataset_reference){
        .probe = (size_t)probe,
        .channel = (size_t)channel,
        .metric = said.metric ? dataset_keep(dataset, text_copy(said.metric)) : NULL,
        .baseline = baseline,
        .value = value,
        .line = entry->line,
    };
    return 0;
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
    (void)sscanf(line + file_mark_bytes(line), "# format: %d", &format);
    if (format <= SCENARIO_FORMAT)
        return 0;
    return error_set(
        error, -EBADMSG,
        "%s:1: a run of format %d, which a newer version has made; this one (" BENCH_VERSION
        ") reads runs up to format %d: update it, as by git pull",
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

static int take_settings(struct dataset *dataset, const struct inifile *file, struct error *error) {
    const char *order = inifile_get(file, "scenario", "order");
    const char *seed = inifile_get(file, "scenario", "seed");
    int r;

    dataset->sequential = text_equal(order, "sequential");
    dataset->seed = seed ? strtoull(seed, NULL, 10) : 0;
    dataset->baseline = take_text(dataset, file, "scenario", "baseline");
    r = take_share(file, "scenario", "margin", SCENARIO_MARGIN, &dataset->margin, error);
    return r < 0 ? r : take_repetitions(dataset, file, error);
}

static int take_references(struct source *source, const struct inifile *file) {
    int r = 0;

    for (size_t i = 0; i < file->n_entries && r == 0; i++)
        if (text_equal(file->entries[i].section, "reference"))
            r = take_reference(source->dataset, file, &file->entries[i], source->error);
    if (r > 0)
        source_warn(source, "%s: [reference]: only the first %d published values are used",
                    file->path, SCENARIO_MAX_REFERENCES);
    return r < 0 ? r : 0;
}

/* ---- factors.csv: which settings are varied ---- */

#define MAX_VARIANTS 1024 /* more than any scenario makes */

struct factor_row {
    size_t channel; /* place in the dataset's list, as the scenario names them */
    const char *variant, *setting;
};

struct factors {
    struct factor_row *rows;
    const char **settings; /* of channels */
    size_t *of_channel;    /* by channel: how many of its own settings are varied */
    size_t n, n_settings;
};

static void factors_clear(struct factors *factors) {
    free(factors->rows);
    free(factors->settings);
    free(factors->of_channel);
}

enum { CHANNEL, VARIANT, FACTOR };

static void take_factor(struct source *source, void *context) {
    struct factors *factors = context;
    const char *setting = source_keep(source, FACTOR);
    int channel = dataset_find_channel(source->dataset, source_text(source, CHANNEL));
    size_t known = factors->n_settings;

    if (channel < 0) {
        source_reject(source, CHANNEL, "is no channel of scenario.ini");
        return;
    }
    if (strncmp(setting, "channel.", 8) == 0)
        (void)dataset_place(source->dataset, &factors->settings, &factors->n_settings, setting,
                            strlen(setting));
    factors->of_channel[channel] += factors->n_settings - known;
    factors->rows = memory_room(factors->rows, factors->n, sizeof(*factors->rows));
    factors->rows[factors->n++] =
        (struct factor_row){(size_t)channel, source_keep(source, VARIANT), setting};
}

/* How much of a row's variant is the channel's own part: a word for each of its varied settings. */
static size_t own_length(const struct factors *factors, const struct factor_row *row) {
    const char *cursor = row->variant;
    size_t length;

    for (size_t i = 0; i < factors->of_channel[row->channel]; i++)
        (void)text_next_word(&cursor, &length);
    return (size_t)(cursor - row->variant);
}

/* Each channel becomes one for each of its variants, in the order of their first row. */
static void expand_channels(struct dataset *dataset, const struct factors *factors) {
    CLEANUP_FREE struct dataset_channel *old = dataset->channels;
    size_t n_old = dataset->n_channels;

    dataset->channels = NULL;
    dataset->n_channels = 0;
    for (size_t c = 0; c < n_old; c++) {
        CLEANUP_FREE const char **variants = NULL;
        size_t n = 0;

        for (size_t i = 0; i < factors->n; i++) {
            const struct factor_row *row = &factors->rows[i];

            if (row->channel == c && own_length(factors, row))
                (void)dataset_place(dataset, &variants, &n, row->variant, own_length(factors, row));
        }
        dataset->channels = memory_resize(dataset->channels, dataset->n_channels + n + 1,
                                          sizeof(*dataset->channels));
        if (!n)
            dataset->channels[dataset->n_channels++] = old[c];
        for (size_t v = 0; v < n; v++) {
            struct dataset_channel *channel = &dataset->channels[dataset->n_channels++];

            *channel = old[c];
            channel->variant = variants[v];
            channel->name =
                dataset_keep(dataset, text_format("%s %s", old[c].name, channel->variant));
        }
    }
}

/* How many settings of the link are varied. */
static size_t count_link_settings(struct dataset *dataset, const struct factors *factors) {
    CLEANUP_FREE const char **settings = NULL;
    size_t n = 0;

    for (size_t i = 0; i < factors->n; i++)
        if (strncmp(factors->rows[i].setting, "lab.", 4) == 0)
            (void)dataset_place(dataset, &settings, &n, factors->rows[i].setting,
                                strlen(factors->rows[i].setting));
    return n;
}

static size_t count_words(const char *text) {
    size_t length, n = 0;

    while (text_next_word(&text, &length))
        n++;
    return n;
}

/* The variants of one probe: what the rows of its settings have behind the channel's part; of a
 * probe without any, what those of the link's have there when nothing else is. */
static void count_variants(struct dataset *dataset, struct dataset_probe *probe,
                           const struct factors *factors) {
    CLEANUP_FREE char *prefix = text_format("probe.%s.", probe->name);
    CLEANUP_FREE const char **variants = NULL, **links = NULL;
    size_t n_words = count_link_settings(dataset, factors), n = 0, n_links = 0;

    for (size_t i = 0; i < factors->n; i++) {
        const struct factor_row *row = &factors->rows[i];
        const char *rest = row->variant + own_length(factors, row);

        rest += *rest == ' ';
        if (strncmp(row->setting, prefix, strlen(prefix)) == 0)
            (void)dataset_place(dataset, &variants, &n, rest, strlen(rest));
        else if (strncmp(row->setting, "lab.", 4) == 0 && count_words(rest) == n_words)
            (void)dataset_place(dataset, &links, &n_links, rest, strlen(rest));
    }
    probe->n_variants = n ? n : n_links ? n_links : 1;
}

static int read_factors(struct source *source) {
    static const char *const names[] = {"channel", "variant", "factor", NULL};
    struct dataset *dataset = source->dataset;
    CLEANUP(factors_clear) struct factors factors = {.n = 0};
    CLEANUP_FREE const char **variants = NULL;
    size_t n = 0;
    int r;

    factors.of_channel = memory_new(dataset->n_channels, sizeof(*factors.of_channel));
    r = source_read(source, "factors.csv", names, take_factor, &factors);
    if (r < 0)
        return r;
    for (size_t i = 0; i < factors.n; i++)
        (void)dataset_place(dataset, &variants, &n, factors.rows[i].variant,
                            strlen(factors.rows[i].variant));
    if (n > MAX_VARIANTS)
        return error_set(source->error, -EBADMSG, "%s: %zu variants; at most %d can be read",
                         source->reader->path, n, MAX_VARIANTS);
    for (size_t i = 0; i < dataset->n_probes; i++)
        count_variants(dataset, &dataset->probes[i], &factors);
    expand_channels(dataset, &factors);
    return 0;
}

static int read_scenario(struct source *source) {
    CLEANUP_FREE char *path = text_format("%s/scenario.ini", source->run_dir);
    CLEANUP_FREE char *factors = text_format("%s/factors.csv", source->run_dir);
    CLEANUP(inifile_freep) struct inifile *file = NULL;
    int r = check_format(path, source->error);

    if (r < 0)
        return r;
    r = inifile_read(&file, path, source->error);
    if (r < 0)
        return r;
    r = take_settings(source->dataset, file, source->error);
    if (r < 0)
        return r;
    r = take_names(source->dataset, file, source->error);
    if (r < 0)
        return r;
    r = access(factors, F_OK) == 0 ? read_factors(source) : 0;
    return r < 0 ? r : take_references(source, file);
}

/* ---- definitions.csv ---- */

enum { PROBE, METRIC, UNIT, BETTER, HEADLINE, RUNG, SENDER, RECEIVER };

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
        probe->sender = format_1[i].sender;
        probe->receiver = format_1[i].receiver;
    }
}

static void take_definition(struct source *source, void *context) {
    int place = dataset_find_probe(source->dataset, source_text(source, PROBE));
    struct dataset_probe *probe = place < 0 ? NULL : &source->dataset->probes[place];

    (void)context;
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
    probe->metric = source_keep(source, METRIC);
    probe->unit = source_keep(source, UNIT);
    probe->better = source_keep(source, BETTER);
    probe->sender = source_keep(source, SENDER);
    probe->receiver = source_keep(source, RECEIVER);
    if (!source_has(source, RUNG))
        complete(probe);
}

static int read_definitions(struct source *source) {
    static const char *const names[] = {"probe", "metric",  "unit",      "better", "headline",
                                        "?rung", "?sender", "?receiver", NULL};
    const struct dataset *dataset = source->dataset;
    int r = source_read(source, "definitions.csv", names, take_definition, NULL);

    for (size_t i = 0; r == 0 && i < dataset->n_probes; i++)
        if (!dataset->probes[i].metric)
            return error_set(source->error, -EBADMSG,
                             "%s: probe '%s' of the scenario has no headline metric",
                             source->reader->path, dataset->probes[i].name);
    return r;
}

/* ---- what published values are of ---- */

/* Finds the series of a published value. Returns how many there are: only one can be meant. */
static size_t find_series(const struct dataset *dataset, struct dataset_reference *reference) {
    size_t n = 0;

    reference->series = DATASET_HEADLINE;
    if (!reference->metric ||
        text_equal(reference->metric, dataset->probes[reference->probe].metric))
        return 1;
    for (size_t i = 0; i < dataset->n_series; i++)
        if (dataset_is_called(dataset->series[i].name, reference->metric) &&
            dataset_is_of_probe(dataset, i, reference->probe)) {
            reference->series = (int)i;
            n++;
        }
    return n;
}

/* The first of n published values that is for the same; NULL when there is none. */
static const struct dataset_reference *find_published(const struct dataset *dataset, size_t n,
                                                      const struct dataset_reference *one) {
    for (size_t i = 0; i < n; i++) {
        const struct dataset_reference *other = &dataset->references[i];

        if (other->probe == one->probe && other->series == one->series &&
            other->channel == one->channel && other->baseline == one->baseline)
            return other;
    }
    return NULL;
}

/* Those of metrics that the run has not are passed over, too. */
static int settle_references(struct source *source) {
    struct dataset *dataset = source->dataset;
    size_t n = 0;

    for (size_t i = 0; i < dataset->n_references; i++) {
        struct dataset_reference one = dataset->references[i];
        size_t found = find_series(dataset, &one);
        const struct dataset_reference *before;

        if (found > 1)
            source_warn(
                source,
                "%s/scenario.ini:%d: [reference]: several processes have a %s; name one, as "
                "%s",
                source->run_dir, one.line, one.metric, dataset->series[one.series].name);
        if (found != 1)
            continue;
        before = find_published(dataset, n, &one);
        if (before) {
            source_warn(source,
                        "%s/scenario.ini:%d: [reference]: was published before, in line %d, which "
                        "counts",
                        source->run_dir, one.line, before->line);
            continue;
        }
        dataset->probes[one.probe].has_reference = true;
        dataset->references[n++] = one;
    }
    dataset->n_references = n;
    return 0;
}

/* ---- the whole ---- */

static int check_folder(struct source *source) {
    CLEANUP_FREE char *scenario = text_format("%s/scenario.ini", source->run_dir);
    struct stat status;

    if (stat(source->run_dir, &status) < 0)
        return error_errno(source->error, -errno, "%s: no run folder", source->run_dir);
    if (!S_ISDIR(status.st_mode))
        return error_set(source->error, -ENOTDIR, "%s: not a run folder but a file",
                         source->run_dir);
    if (stat(scenario, &status) < 0 && errno == ENOENT)
        return error_set(source->error, -ENOENT, "%s: no such file: this is no run folder",
                         scenario);
    return 0;
}

int dataset_read(struct dataset **ret, const char *run_dir, struct error *error) {
    static int (*const steps[])(struct source *) = {
        check_folder, read_scenario, read_definitions,  trials_read,
        metrics_read, records_read,  settle_references, speeds_read,
    };
    CLEANUP(dataset_freep) struct dataset *dataset = memory_new(1, sizeof(*dataset));
    CLEANUP(source_close)
    struct source source = {.dataset = dataset, .run_dir = run_dir, .error = error};

    dataset->warnings = text_copy("");
    dataset->reference_source = "";
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        int r = steps[i](&source);

        if (r < 0)
            return r;
    }
    *ret = dataset;
    dataset = NULL;
    return 0;
}
