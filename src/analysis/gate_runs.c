#include "analysis/gate_runs.h"

#include "analysis/cells.h"
#include "analysis/reading.h"
#include "analysis/source.h"
#include "base/inifile.h"
#include "base/jsonline.h"
#include "base/place.h"
#include "base/suggestion.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A run while it is matched with the others. */
struct member {
    struct dataset *dataset;
    struct cells *cells;
    struct inifile *scenario;
    json_t *environment;
};

/* Of one row what each of the runs has. */
struct values {
    double **logs; /* of each run, the first included */
    struct gate_run *runs;
};

struct work {
    const struct gate_question *question;
    struct member *members;
    size_t n;
    struct gate_answer *answer;
    struct gate_series *series;
    struct values *values; /* both: a row each */
    struct error *error;
};

static void work_clear(struct work *work) {
    for (size_t i = 0; i < work->n; i++) {
        cells_freep(&work->members[i].cells);
        dataset_freep(&work->members[i].dataset);
        inifile_freep(&work->members[i].scenario);
        json_decref(work->members[i].environment);
    }
    for (size_t i = 0; i < work->answer->n_rows; i++) {
        for (size_t k = 0; k < work->n; k++)
            free(work->values[i].logs[k]);
        free(work->values[i].logs);
        free(work->values[i].runs);
    }
    free(work->members);
    free(work->series);
    free(work->values);
}

static const char *keep(struct gate_answer *answer, char *text) {
    answer->texts = memory_room(answer->texts, answer->n_texts, sizeof(*answer->texts));
    return answer->texts[answer->n_texts++] = text;
}

static void add_line(char **lines, char *line) {
    text_append(lines, "\n", line);
    free(line);
}

/* Whether a list has this item, whole. */
static bool has_item(const char *list, const char *separator, const char *item) {
    for (const char *end; *list; list = *end ? end + strlen(separator) : end) {
        end = strstr(list, separator);
        end = end ? end : list + strlen(list);
        if (strlen(item) == (size_t)(end - list) && strncmp(list, item, strlen(item)) == 0)
            return true;
    }
    return false;
}

/* The same; what another baseline, or another host, has said already is dropped. */
static void add_once(char **lines, char *line) {
    if (has_item(*lines, "\n", line))
        free(line);
    else
        add_line(lines, line);
}

static const char *folder_of(const struct work *work, size_t member) {
    return work->answer->members[member].folder;
}

/* ---- reading ---- */

static int check_twice(const struct work *work, size_t member) {
    CLEANUP_FREE char *path = realpath(folder_of(work, member), NULL);

    for (size_t i = 0; i < member; i++) {
        CLEANUP_FREE char *other = realpath(folder_of(work, i), NULL);

        if (path && text_equal(path, other))
            return error_set(work->error, -EINVAL,
                             i ? "%s: this baseline is given twice"
                               : "%s: this is the run to be judged; it cannot be its own baseline",
                             folder_of(work, member));
    }
    return 0;
}

static int read_member(struct work *work, size_t i) {
    struct member *member = &work->members[i];
    struct gate_member *told = &work->answer->members[i];
    CLEANUP_FREE char *scenario = text_format("%s/scenario.ini", told->folder);
    struct source source = {.run_dir = told->folder};
    int r = check_twice(work, i);

    if (r < 0)
        return r;
    r = dataset_read(&member->dataset, told->folder, work->error);
    if (r == -ENOTDIR)
        return error_set(work->error, r,
                         "%s: not a run folder but a file; an archive is unpacked by %s report "
                         "FILE",
                         told->folder, place_call());
    if (r < 0)
        return r;
    r = inifile_read(&member->scenario, scenario, work->error);
    if (r < 0)
        return r;
    member->cells = cells_new(member->dataset);
    member->environment = source_environment(&source);
    told->blocks = member->dataset->n_counted;
    if (*member->dataset->warnings)
        text_append(&work->answer->warnings, "\n", member->dataset->warnings);
    return 0;
}

/* ---- the machines ---- */

static const char *const fingerprint[] = {"model",      "virtual",          "processor",
                                          "processors", "machine",          "aes_instructions",
                                          "governor",   "frequency_max_mhz"};
static const char *const software[] = {"system",
                                       "kernel",
                                       "versions.openssl",
                                       "versions.libmosquitto",
                                       "versions.paho",
                                       "versions.libc",
                                       "versions.mosquitto",
                                       "versions.bench",
                                       "congestion_control"};

/* A fact as words: "4", "Cortex-A76"; "not known"; the caller's. */
static char *fact_words(const json_t *host, const char *path) {
    bool is_version = strncmp(path, "versions.", 9) == 0;
    const json_t *value = is_version ? json_object_get(json_object_get(host, "versions"), path + 9)
                                     : json_object_get(host, path);

    if (json_is_string(value) && json_string_length(value) > 0)
        return text_copy(json_string_value(value));
    return value && !json_is_string(value)
               ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9))
               : text_copy("not known");
}

/* "lab" of "lab:a": what kind of host it is; the caller's. */
static char *kind_words(const json_t *host) {
    const char *spec = jsonline_text(host, "spec", "");

    return text_format("%.*s", (int)strcspn(spec, ":"), spec);
}

/* " of lab:a"; "" where there is no other host; the caller's. */
static char *host_words(const json_t *hosts, size_t host) {
    return json_array_size(hosts) < 2
               ? text_copy("")
               : text_format(" of %s", jsonline_text(json_array_get(hosts, host), "spec", ""));
}

static void compare_fact(const struct work *work, size_t member, const char *name,
                         const char *of_host, char *now, char *before, bool *ret_same) {
    if (!text_equal(now, before)) {
        *ret_same = false;
        add_line(&work->answer->machines,
                 text_format("%s: %s%s is %s, here %s", folder_of(work, member), name, of_host,
                             before, now));
    }
    free(now);
    free(before);
}

/* Whether a baseline's machines are those of the run; says what is not. */
static bool compare_machines(const struct work *work, size_t member) {
    const json_t *now = json_object_get(work->members[0].environment, "hosts"),
                 *before = json_object_get(work->members[member].environment, "hosts");
    bool same = json_array_size(now) > 0 && json_array_size(now) == json_array_size(before);

    if (!same)
        add_line(&work->answer->machines,
                 text_format("%s: %zu host%s known, here %zu", folder_of(work, member),
                             json_array_size(before),
                             json_array_size(before) == 1 ? " is" : "s are", json_array_size(now)));
    for (size_t i = 0; i < json_array_size(now) && i < json_array_size(before); i++) {
        const json_t *a = json_array_get(now, i), *b = json_array_get(before, i);
        CLEANUP_FREE char *of_host = host_words(now, i);

        compare_fact(work, member, "the kind", *of_host ? of_host : " of host", kind_words(a),
                     kind_words(b), &same);
        for (size_t k = 0; k < ARRAY_SIZE(fingerprint); k++)
            compare_fact(work, member, fingerprint[k], of_host, fact_words(a, fingerprint[k]),
                         fact_words(b, fingerprint[k]), &same);
    }
    return same;
}

/* "6.18 (before: 6.12)"; "": it is the same in all runs; the caller's. */
static char *change_words(const struct work *work, size_t host, const char *name) {
    const json_t *hosts = json_object_get(work->members[0].environment, "hosts");
    CLEANUP_FREE char *now = fact_words(json_array_get(hosts, host), name);
    CLEANUP_FREE char *others = text_copy("");

    for (size_t i = 1; i < work->n; i++) {
        const json_t *theirs = json_object_get(work->members[i].environment, "hosts");
        CLEANUP_FREE char *before = fact_words(json_array_get(theirs, host), name);

        if (!text_equal(before, now) && !has_item(others, ", ", before))
            text_append(&others, ", ", before);
    }
    return *others ? text_format("%s (before: %s)", now, others) : text_copy("");
}

/* "kernel: 6.18 (before: 6.12)" where that is so of all hosts, else "kernel of lab:a: ...". */
static void compare_software(const struct work *work, const char *name) {
    const json_t *hosts = json_object_get(work->members[0].environment, "hosts");
    const char *plain = strncmp(name, "versions.", 9) == 0 ? name + 9 : name;
    CLEANUP_FREE char *first = change_words(work, 0, name);
    bool same = true;

    for (size_t host = 1; same && host < json_array_size(hosts); host++) {
        CLEANUP_FREE char *change = change_words(work, host, name);

        same = text_equal(change, first);
    }
    for (size_t host = 0; host < (same ? 1 : json_array_size(hosts)); host++) {
        CLEANUP_FREE char *of_host = same ? text_copy("") : host_words(hosts, host);
        CLEANUP_FREE char *change = change_words(work, host, name);

        if (*change)
            add_line(&work->answer->differences, text_format("%s%s: %s", plain, of_host, change));
    }
}

static void compare_hosts(struct work *work) {
    for (size_t i = 1; i < work->n; i++)
        work->answer->members[i].same_machines = compare_machines(work, i);
    work->answer->members[0].same_machines = true;
    for (size_t k = 0; k < ARRAY_SIZE(software); k++)
        compare_software(work, software[k]);
}

/* ---- whether it is the same experiment ---- */

/* The cell of these; NULL as channel: of any. */
static const struct cell *find_cell(const struct member *member, const char *probe,
                                    const char *variant, const char *channel) {
    const struct dataset *dataset = member->dataset;

    for (size_t i = 0; i < member->cells->n; i++) {
        const struct cell *cell = &member->cells->list[i];

        if (text_equal(dataset->probes[cell->probe].name, probe) &&
            (!channel || text_equal(dataset->channels[cell->channel].name, channel)) &&
            text_equal(dataset_variant(dataset, cell->variant), variant))
            return cell;
    }
    return NULL;
}

/* "cpu_s" of "client2.sender.cpu_s". */
static const char *last_word(const char *series) {
    const char *dot = strrchr(series, '.');

    return dot ? dot + 1 : series;
}

static bool is_asked(const struct work *work, const char *probe) {
    const struct gate_question *question = work->question;

    for (size_t i = 0; i < question->n_metrics; i++) {
        const char *asked = question->metrics[i];

        if (strcspn(asked, ".") == strlen(probe) && strncmp(asked, probe, strlen(probe)) == 0)
            return true;
    }
    return !question->n_metrics;
}

/* What it means that a setting is not the same: the first row that fits its section and key counts;
 * without one, nothing. */
static const struct rule {
    const char *section, *key; /* the section up to a '.'; NULL: any key */
    const char *probes;        /* it concerns these; NULL: all, or the one of [probe.NAME] */
    enum { IGNORED, SAID, DECIDES } meaning;
} rules[] = {
    {"broker", NULL, NULL, SAID},       {"channel", "description", NULL, IGNORED},
    {"channel", NULL, NULL, SAID},      {"fleet", NULL, "hold storm fleet", DECIDES},
    {"hosts", "address", NULL, SAID},   {"hosts", "congestion", NULL, DECIDES},
    {"hosts", "meter", NULL, SAID},     {"lab", NULL, NULL, DECIDES},
    {"probe", NULL, NULL, DECIDES},     {"scenario", "order", NULL, DECIDES},
    {"telemetry", NULL, NULL, DECIDES},
};

/* Whether one of these probes is measured, and judged. */
static bool is_judged(const struct work *work, const char *probes) {
    const struct dataset *dataset = work->members[0].dataset;

    for (size_t i = 0; i < dataset->n_probes; i++)
        if (text_has_word(probes, dataset->probes[i].name) &&
            is_asked(work, dataset->probes[i].name))
            return true;
    return false;
}

static int meaning_of(const struct work *work, const char *section, const char *key) {
    size_t length = strcspn(section, ".");

    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        const struct rule *rule = &rules[i];
        const char *probes = strncmp(section, "probe.", 6) == 0 ? section + 6 : rule->probes;

        if (strlen(rule->section) == length && strncmp(rule->section, section, length) == 0 &&
            (!rule->key || text_equal(rule->key, key)))
            return !probes || is_judged(work, probes) ? (int)rule->meaning : IGNORED;
    }
    return IGNORED;
}

static int compare_setting(struct work *work, size_t member, const struct inifile_entry *entry) {
    const char *before = inifile_get(work->members[member].scenario, entry->section, entry->key);

    if (!before || text_equal(before, entry->value))
        return 0;
    switch (meaning_of(work, entry->section, entry->key)) {
    case DECIDES:
        return error_set(work->error, -EINVAL,
                         "%s/scenario.ini: [%s] %s is '%s', in %s '%s': they did not measure the "
                         "same",
                         folder_of(work, member), entry->section, entry->key, before,
                         folder_of(work, 0), entry->value);
    case SAID:
        add_once(&work->answer->differences,
                 text_format("%s.%s: %s (before: %s)", entry->section, entry->key,
                             *entry->value ? entry->value : "empty", *before ? before : "empty"));
        return 0;
    default:
        return 0;
    }
}

static void say_absent(const struct work *work, const char *kind, const char *name) {
    add_once(&work->answer->differences,
             text_format("%s%s: not measured (before: measured)", kind, name));
}

/* Of a probe that both have: its variants. */
static void compare_variants(const struct work *work, size_t member, size_t probe) {
    const struct dataset *before = work->members[member].dataset;
    const struct cells *cells = work->members[member].cells;

    for (size_t i = 0; i < cells->n; i++) {
        const struct cell *cell = &cells->list[i];
        CLEANUP_FREE char *rung = NULL;

        if (cell->probe != probe || cell->variant == before->n_variants ||
            find_cell(&work->members[0], before->probes[probe].name,
                      dataset_variant(before, cell->variant), NULL))
            continue;
        rung = dataset_rung(before, probe, cell->variant);
        say_absent(work, "probe ", rung);
    }
}

/* The series of a metric that is no headline. */
static void compare_series(const struct work *work, size_t member, const char *asked) {
    const struct dataset *now = work->members[0].dataset, *before = work->members[member].dataset;
    CLEANUP_FREE char *name = text_format("%.*s", (int)strcspn(asked, "."), asked);
    const char *metric = asked + strlen(name) + (asked[strlen(name)] == '.');
    int probe = dataset_find_probe(now, name), old = dataset_find_probe(before, name);

    for (size_t i = 0; probe >= 0 && old >= 0 && i < before->n_series; i++) {
        const char *one = before->series[i].name;
        CLEANUP_FREE char *whole = text_format("%s.%s", name, one);
        int series = dataset_find_series(now, one);

        if (dataset_is_called(one, metric) && !text_equal(now->probes[probe].metric, metric) &&
            dataset_is_of_probe(before, i, (size_t)old) &&
            (series < 0 || !dataset_is_of_probe(now, (size_t)series, (size_t)probe)))
            say_absent(work, "", whole);
    }
}

/* What a baseline has and the run has not is not judged, which must not go unnoticed. */
static void compare_names(const struct work *work, size_t member) {
    const struct dataset *now = work->members[0].dataset, *before = work->members[member].dataset;

    for (size_t i = 0; i < before->n_channels; i++)
        if (before->channels[i].control == DATASET_SUBJECT &&
            dataset_find_channel(now, before->channels[i].name) < 0)
            say_absent(work, "channel ", before->channels[i].name);
    for (size_t i = 0; i < before->n_probes; i++) {
        const char *name = before->probes[i].name;

        if (!is_asked(work, name))
            continue;
        if (dataset_find_probe(now, name) < 0)
            say_absent(work, "probe ", name);
        else
            compare_variants(work, member, i);
    }
    for (size_t i = 0; i < work->question->n_metrics; i++)
        compare_series(work, member, work->question->metrics[i]);
}

static int compare_scenarios(struct work *work) {
    const struct inifile *scenario = work->members[0].scenario;
    const char *baseline = work->members[0].dataset->baseline;

    for (size_t i = 1; i < work->n; i++) {
        if (!text_equal(work->members[i].dataset->baseline, baseline))
            return error_set(work->error, -EINVAL,
                             "%s/scenario.ini: [scenario] baseline is '%s', in %s '%s': ratios to "
                             "different channels cannot be compared",
                             folder_of(work, i), work->members[i].dataset->baseline,
                             folder_of(work, 0), baseline);
        for (size_t k = 0; k < scenario->n_entries; k++) {
            int r = compare_setting(work, i, &scenario->entries[k]);

            if (r < 0)
                return r;
        }
        compare_names(work, i);
    }
    return 0;
}

/* ---- what is judged ---- */

/* A control in each of the runs that have it. */
static bool is_control(const struct work *work, const char *channel) {
    for (size_t i = 0; i < work->n; i++) {
        const struct dataset *dataset = work->members[i].dataset;
        int place = dataset_find_channel(dataset, channel);

        if (place >= 0 && dataset->channels[place].control == DATASET_SUBJECT)
            return false;
    }
    return true;
}

/* The logarithms of a row's values in one run, by block; NULL and *ret_remark where one is 0. */
static double *take_logs(const struct member *member, const struct gate_row *row, size_t *ret_n,
                         const char **ret_remark) {
    const struct cell *cell = find_cell(member, row->probe, row->variant, row->channel), *base;
    int series =
        row->headline ? DATASET_HEADLINE : dataset_find_series(member->dataset, row->metric);
    size_t blocks = member->dataset->n_counted, n = 0;
    CLEANUP_FREE double *values = NULL, *bases = NULL;
    double *logs;

    base = find_cell(member, row->probe, row->variant, member->dataset->baseline);
    if (!cell || (row->kind == GATE_RATIO && !base) || (!row->headline && series < 0))
        return NULL;
    values = cells_by_block(member->cells, cell, series);
    bases = row->kind == GATE_RATIO ? cells_by_block(member->cells, base, series) : NULL;
    logs = memory_new(blocks, sizeof(*logs));
    for (size_t i = 0; i < blocks; i++) {
        double divisor = bases ? bases[i] : 1;

        if (isnan(values[i]) || isnan(divisor))
            continue;
        if (!(values[i] > 0 && divisor > 0)) {
            *ret_remark = "a value is 0, so there is no ratio";
            free(logs);
            return NULL;
        }
        logs[n++] = log(values[i] / divisor);
    }
    *ret_n = n;
    return logs;
}

/* What is asked twice is judged once. */
static bool has_row(const struct gate_answer *answer, const struct gate_row *row) {
    for (size_t i = 0; i < answer->n_rows; i++) {
        const struct gate_row *one = &answer->rows[i];

        if (one->kind == row->kind && text_equal(one->probe, row->probe) &&
            text_equal(one->variant, row->variant) && text_equal(one->channel, row->channel) &&
            text_equal(one->metric, row->metric))
            return true;
    }
    return false;
}

static void add_row(struct work *work, const struct gate_row *row) {
    struct gate_answer *answer = work->answer;
    size_t place = answer->n_rows;
    const char *of_run = "", *of_baselines = "";
    struct values *values;
    struct gate_row *added;

    answer->rows = memory_room(answer->rows, place, sizeof(*answer->rows));
    work->values = memory_room(work->values, place, sizeof(*work->values));
    work->series = memory_room(work->series, place, sizeof(*work->series));
    added = &answer->rows[answer->n_rows++];
    values = &work->values[place];
    *added = *row;
    values->logs = memory_new(work->n, sizeof(*values->logs));
    values->runs = memory_new(work->n, sizeof(*values->runs));
    for (size_t i = 0; i < work->n; i++) {
        size_t n = 0;

        if (row->kind == GATE_RATIO || answer->members[i].same_machines)
            values->logs[i] = take_logs(&work->members[i], row, &n, i ? &of_baselines : &of_run);
        values->runs[i] = (struct gate_run){values->logs[i], n};
        added->baselines += i > 0 && n >= GATE_BLOCKS;
    }
    added->remark = *of_run || added->baselines >= GATE_BASELINES ? of_run : of_baselines;
    added->blocks = values->runs[0].n;
    added->is_amount = dataset_is_amount(last_word(row->metric), row->unit, row->better);
    work->series[place] = (struct gate_series){row->kind, text_equal(row->better, "lower"),
                                               values->runs[0], values->runs + 1, work->n - 1};
}

/* All channels of one probe and metric, of one kind. */
static void add_rows(struct work *work, struct gate_row row, size_t probe) {
    const struct member *first = &work->members[0];
    const struct dataset *dataset = first->dataset;

    for (size_t i = 0; i < first->cells->n; i++) {
        const struct cell *cell = &first->cells->list[i];

        row.variant = keep(work->answer, text_copy(dataset_variant(dataset, cell->variant)));
        row.channel = keep(work->answer, text_copy(dataset->channels[cell->channel].name));
        if (cell->probe != probe || is_control(work, row.channel) ||
            (row.kind == GATE_RATIO && text_equal(row.channel, dataset->baseline)) ||
            has_row(work->answer, &row))
            continue;
        add_row(work, &row);
    }
}

/* ---- which metrics are asked for ---- */

/* The `better` of a metric that is no headline; the caller's. */
static int find_better(const struct work *work, const char *probe, const char *metric, char **ret) {
    CLEANUP_FREE char *path = text_format("%s/definitions.csv", folder_of(work, 0));
    CLEANUP(csv_reader_closep) struct csv_reader *reader = NULL;
    static const char *const names[] = {"probe", "metric", "better"};
    int columns[ARRAY_SIZE(names)], r = csv_reader_open(&reader, path, work->error);

    for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(names); i++)
        r = columns[i] = csv_reader_column(reader, names[i], work->error);
    while (r >= 0 && (r = csv_reader_next(reader, work->error)) > 0)
        if (text_equal(reader->fields[columns[0]], probe) &&
            text_equal(reader->fields[columns[1]], metric)) {
            *ret = text_copy(reader->fields[columns[2]]);
            return 0;
        }
    if (r == 0)
        *ret = text_copy("none");
    return r < 0 ? r : 0;
}

/* Series are listed by what all of a process are called. */
static int refuse_metric(const struct work *work, const char *asked, size_t probe,
                         const char *metric) {
    const struct dataset *dataset = work->members[0].dataset;
    CLEANUP_FREE char *all = text_copy(""), *words = text_copy(dataset->probes[probe].metric);
    CLEANUP_FREE char *meant = NULL;

    for (size_t i = 0; i < dataset->n_series; i++) {
        const char *name = dataset->series[i].name, *last = last_word(name);

        if (!dataset_is_of_probe(dataset, i, probe))
            continue;
        text_append(&all, " ", name);
        if (!text_has_word(words, last))
            text_append(&words, " ", last);
    }
    text_append(&all, " ", words);
    meant = suggestion(metric, all);
    return error_set(work->error, -EINVAL, "--metric %s: %s has no such metric%s; of %s it has: %s",
                     asked, folder_of(work, 0), meant, dataset->probes[probe].name, words);
}

static int refuse_better(const struct work *work, const char *asked) {
    return error_set(work->error, -EINVAL,
                     "--metric %s: neither more nor less of it is better; `bench list metrics "
                     "%.*s` says of which one is",
                     asked, (int)strcspn(asked, "."), asked);
}

/* The rows of one metric: the headline (`metric` is NULL), or all series that are called so. */
static int add_metric(struct work *work, const char *asked, size_t probe, const char *metric,
                      enum gate_kind kind) {
    const struct dataset *dataset = work->members[0].dataset;
    const struct dataset_probe *one = &dataset->probes[probe];
    struct gate_row row = {.kind = kind, .probe = keep(work->answer, text_copy(one->name))};
    bool found = false;

    if (!metric || text_equal(metric, one->metric)) {
        row.metric = keep(work->answer, text_copy(one->metric));
        row.unit = keep(work->answer, text_copy(one->unit));
        row.better = keep(work->answer, text_copy(one->better));
        if (text_equal(row.better, "none"))
            return asked ? refuse_better(work, asked) : 0;
        row.headline = true;
        add_rows(work, row, probe);
        return 0;
    }
    for (size_t i = 0; i < dataset->n_series; i++) {
        const char *name = dataset->series[i].name;
        char *better = NULL;
        int r;

        if (!dataset_is_called(name, metric) || !dataset_is_of_probe(dataset, i, probe))
            continue;
        r = find_better(work, one->name, last_word(name), &better);
        if (r < 0)
            return r;
        row.better = keep(work->answer, better);
        if (text_equal(better, "none"))
            return refuse_better(work, asked);
        row.metric = keep(work->answer, text_copy(name));
        row.unit = keep(work->answer, text_copy(dataset->series[i].unit));
        add_rows(work, row, probe);
        found = true;
    }
    return found ? 0 : refuse_metric(work, asked, probe, metric);
}

/* "--metric path.cpu_s or --metric delivery.cpu_s": what is called so, by probe; "" : nothing. */
static char *metrics_called(const struct dataset *dataset, const char *metric) {
    char *words = text_copy("");

    for (size_t i = 0; i < dataset->n_probes; i++) {
        const struct dataset_probe *probe = &dataset->probes[i];
        CLEANUP_FREE char *one = text_format("--metric %s.%s", probe->name, metric);
        bool found = text_equal(probe->metric, metric);

        for (size_t k = 0; k < dataset->n_series && !found; k++)
            found = dataset_is_called(dataset->series[k].name, metric) &&
                    dataset_is_of_probe(dataset, k, i);
        if (found)
            text_append(&words, " or ", one);
    }
    return words;
}

static int add_asked(struct work *work, const char *asked, enum gate_kind kind) {
    const struct dataset *dataset = work->members[0].dataset;
    CLEANUP_FREE char *name = text_format("%.*s", (int)strcspn(asked, "."), asked);
    const char *metric = asked[strlen(name)] ? asked + strlen(name) + 1 : NULL;
    int probe = dataset_find_probe(dataset, name);
    CLEANUP_FREE char *words = text_copy(""), *meant = NULL, *called = NULL;

    if (probe >= 0)
        return add_metric(work, asked, (size_t)probe, metric, kind);
    called = metrics_called(dataset, asked);
    if (*called)
        return error_set(work->error, -EINVAL,
                         "--metric %s: a metric stands behind its probe; write %s", asked, called);
    for (size_t i = 0; i < dataset->n_probes; i++)
        text_append(&words, " ", dataset->probes[i].name);
    meant = suggestion(name, words);
    return error_set(work->error, -EINVAL, "--metric %s: %s has no probe '%s'%s; it has: %s", asked,
                     folder_of(work, 0), name, meant, words);
}

static int add_kind(struct work *work, enum gate_kind kind) {
    const struct gate_question *question = work->question;
    int r = 0;

    for (size_t i = 0; r == 0 && i < question->n_metrics; i++)
        r = add_asked(work, question->metrics[i], kind);
    for (size_t i = 0; r == 0 && !question->n_metrics && i < work->members[0].dataset->n_probes;
         i++)
        r = add_metric(work, NULL, i, NULL, kind);
    return r;
}

/* ---- all of it ---- */

static int match(struct work *work) {
    struct gate_answer *answer = work->answer;
    const struct dataset *dataset = work->members[0].dataset;
    size_t alike = 0;
    int r = compare_scenarios(work);

    if (r < 0)
        return r;
    compare_hosts(work);
    for (size_t i = 1; i < work->n; i++)
        alike += answer->members[i].same_machines;
    answer->absolute = alike >= GATE_BASELINES && !work->question->ratios_only;
    answer->baseline = keep(answer, text_copy(dataset->baseline));
    r = add_kind(work, GATE_RATIO);
    if (r == 0 && answer->absolute)
        r = add_kind(work, GATE_ABSOLUTE);
    if (r == 0 && !answer->n_rows)
        return error_set(work->error, -EINVAL,
                         "%s: nothing can be judged: no channel besides the baseline '%s', and %s",
                         folder_of(work, 0), answer->baseline,
                         work->question->ratios_only
                             ? "absolute values are left out"
                             : "fewer than three baselines of the same machines");
    return r;
}

static void judge(struct work *work) {
    struct gate_answer *answer = work->answer;
    CLEANUP_FREE struct gate_judgement *judgements =
        memory_new(answer->n_rows, sizeof(*judgements));

    gate_judge(work->series, answer->n_rows, answer->margin, work->members[0].dataset->seed,
               judgements);
    for (size_t i = 0; i < answer->n_rows; i++) {
        struct gate_row *row = &answer->rows[i];

        row->judgement = judgements[i];
        if (*row->remark) /* more of them would not help */
            row->judgement.blocks_missing = row->judgement.baselines_missing = 0;
    }
    answer->verdict = gate_conclude(judgements, answer->n_rows);
}

int gate_answer_new(struct gate_answer **ret, const struct gate_question *question,
                    struct error *error) {
    CLEANUP(gate_answer_freep) struct gate_answer *answer = memory_new(1, sizeof(*answer));
    CLEANUP(work_clear)
    struct work work = {.question = question, .answer = answer, .error = error};
    int r = 0;

    work.n = answer->n_members = question->n_baselines + 1;
    work.members = memory_new(work.n, sizeof(*work.members));
    answer->members = memory_new(work.n, sizeof(*answer->members));
    answer->margin = question->margin;
    answer->machines = text_copy("");
    answer->differences = text_copy("");
    answer->warnings = text_copy("");
    for (size_t i = 0; i < work.n; i++)
        answer->members[i].folder = text_copy(i ? question->baselines[i - 1] : question->run);
    for (size_t i = 0; r == 0 && i < work.n; i++)
        r = read_member(&work, i);
    if (r == 0)
        r = match(&work);
    if (r < 0)
        return r;
    judge(&work);
    *ret = answer;
    answer = NULL;
    return 0;
}

void gate_answer_free(struct gate_answer *answer) {
    for (size_t i = 0; i < answer->n_members; i++)
        free(answer->members[i].folder);
    for (size_t i = 0; i < answer->n_texts; i++)
        free(answer->texts[i]);
    free(answer->members);
    free(answer->rows);
    free(answer->texts);
    free(answer->machines);
    free(answer->differences);
    free(answer->warnings);
    free(answer);
}
