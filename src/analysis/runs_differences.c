#include "analysis/runs.h"
#include "base/inifile.h"

#include <jansson.h>
#include <string.h>

/* "8 in A, C; 3 in B" of a value for each run (NULL: this run has no such thing, and
 * nothing is said of it); NULL when all are the same. The caller's. */
static char *describe(const struct runs *runs, char *const *values) {
    CLEANUP_FREE char *text = text_copy("");
    CLEANUP_FREE bool *told = memory_new(runs->n, sizeof(*told));
    size_t kinds = 0;

    for (size_t i = 0; i < runs->n; i++) {
        CLEANUP_FREE char *who = text_copy(""), *piece = NULL;

        if (!values[i] || told[i])
            continue;
        kinds++;
        for (size_t k = i; k < runs->n; k++)
            if (text_equal(values[k], values[i])) {
                text_append(&who, ", ", runs->labels[k]);
                told[k] = true;
            }
        piece = text_format("%s in %s", *values[i] ? values[i] : "(empty)", who);
        text_append(&text, "; ", piece);
    }
    if (kinds > 1) {
        char *kept = text;

        text = NULL;
        return kept;
    }
    return NULL;
}

static void add(struct runs *runs, char *line) {
    runs->differences =
        memory_resize(runs->differences, runs->n_differences + 1, sizeof(*runs->differences));
    runs->differences[runs->n_differences++] = line;
}

/* Adds "name: ..." if the values differ; frees them. */
static void compare(struct runs *runs, const char *name, char **values) {
    CLEANUP_FREE char *words = describe(runs, values);

    if (words)
        add(runs, text_format("%s: %s", name, words));
    for (size_t i = 0; i < runs->n; i++)
        free(values[i]);
    free(values);
}

/* ---- settings ---- */

/* Whether something of this name is compared at all. */
static bool is_shared(const struct runs *runs, const char *probe, const char *channel) {
    for (size_t i = 0; i < runs->n_rungs; i++) {
        if (probe && text_equal(runs->rungs[i].probe, probe))
            return true;
        for (size_t k = 0; channel && k < runs->rungs[i].n_channels; k++)
            if (text_equal(runs->rungs[i].channels[k].name, channel))
                return true;
    }
    return false;
}

/* What says nothing about how was measured, or is said elsewhere. */
static bool is_told(const struct runs *runs, const struct inifile_entry *entry) {
    if (text_equal(entry->section, "reference") || text_equal(entry->key, "description"))
        return true;
    if (text_equal(entry->section, "scenario"))
        return text_has_word("name channels probes seed", entry->key);
    if (strncmp(entry->section, "probe.", 6) == 0)
        return !is_shared(runs, entry->section + 6, NULL);
    if (strncmp(entry->section, "channel.", 8) == 0)
        return !is_shared(runs, NULL, entry->section + 8);
    return false;
}

static bool has_section(const struct inifile *file, const char *section) {
    for (size_t i = 0; i < file->n_entries; i++)
        if (text_equal(file->entries[i].section, section))
            return true;
    return false;
}

/* A setting over all runs. A run without its section has nothing to do with it; in one that has the
 * section, the setting may be of a later version. */
static void compare_setting(struct runs *runs, struct inifile *const *files,
                            const struct inifile_entry *entry) {
    CLEANUP_FREE char *name = text_format("%s.%s", entry->section, entry->key);
    char **values = memory_new(runs->n, sizeof(*values));

    for (size_t i = 0; i < runs->n; i++) {
        const char *value = files[i] ? inifile_get(files[i], entry->section, entry->key) : NULL;

        values[i] = value                                               ? text_copy(value)
                    : files[i] && has_section(files[i], entry->section) ? text_copy("not set")
                                                                        : NULL;
    }
    compare(runs, name, values);
}

static void compare_settings(struct runs *runs) {
    struct inifile **files = memory_new(runs->n, sizeof(*files));

    for (size_t i = 0; i < runs->n; i++) {
        CLEANUP_FREE char *path = text_format("%s/scenario.ini", runs->list[i]->run_dir);

        (void)inifile_read(&files[i], path, NULL); /* it was read a moment ago */
    }
    for (size_t i = 0; i < runs->n; i++)
        for (size_t k = 0; files[i] && k < files[i]->n_entries; k++) {
            const struct inifile_entry *entry = &files[i]->entries[k];
            bool seen = is_told(runs, entry);

            for (size_t j = 0; j < i; j++)
                seen = seen || (files[j] && inifile_get(files[j], entry->section, entry->key));
            if (!seen)
                compare_setting(runs, files, entry);
        }
    for (size_t i = 0; i < runs->n; i++)
        inifile_freep(&files[i]);
    free(files);
}

/* ---- what was measured ---- */

/* The headline of a probe, in the words of each run's definitions.csv. */
static void compare_definition(struct runs *runs, const struct dataset_probe *probe) {
    CLEANUP_FREE char *name = text_format("what %s of %s is", probe->metric, probe->name);
    char **values = memory_new(runs->n, sizeof(*values));

    for (size_t i = 0; i < runs->n; i++) {
        int place = dataset_find_probe(runs->list[i]->dataset, probe->name);

        values[i] = place < 0 ? NULL : text_copy(runs->list[i]->dataset->probes[place].help);
    }
    compare(runs, name, values);
}

static void compare_definitions(struct runs *runs) {
    for (size_t i = 0; i < runs->n; i++)
        for (size_t k = 0; k < runs->list[i]->dataset->n_probes; k++) {
            const struct dataset_probe *probe = &runs->list[i]->dataset->probes[k];
            bool seen = !is_shared(runs, probe->name, NULL);

            for (size_t j = 0; j < i; j++)
                seen = seen || dataset_find_probe(runs->list[j]->dataset, probe->name) >= 0;
            if (!seen)
                compare_definition(runs, probe);
        }
}

/* ---- hosts ---- */

/* Of what environment.json knows of a host, that which can make a difference. */
static const char *const facts[] = {
    "host",
    "model",
    "processor",
    "processors",
    "aes_instructions",
    "governor",
    "memory_mib",
    "frequency_max_mhz",
    "system",
    "kernel",
    "machine",
    "virtual",
    "congestion_control",
    "versions.bench",
    "versions.compiler",
    "commit",
    "versions.openssl",
    "versions.libmosquitto",
    "versions.mosquitto",
    "network.interface",
    "network.mtu",
    "network.speed_mbit_s",
    "network.offloads",
};

/* The host of a party in environment.json, or NULL. */
static const json_t *find_host(const json_t *environment, const char *party) {
    const json_t *hosts = json_object_get(environment, "hosts");

    for (size_t i = 0; i < json_array_size(hosts); i++) {
        const json_t *host = json_array_get(hosts, i);
        const char *parties = json_string_value(json_object_get(host, "parties"));

        if (parties && text_has_word(parties, party))
            return host;
    }
    return NULL;
}

/* A fact by its dotted path; "not known" for none. The caller's. */
static char *fact_text(const json_t *host, const char *path) {
    const char *dot = strchr(path, '.');
    CLEANUP_FREE char *first = text_format("%.*s", (int)(dot ? dot - path : 80), path);
    const json_t *value = json_object_get(host, first);

    if (dot)
        return fact_text(value, dot + 1);
    if (json_is_string(value) && text_equal(path, "commit")) /* enough to know it by */
        return text_format("%.12s%s", json_string_value(value),
                           strstr(json_string_value(value), "-dirty") ? "-dirty" : "");
    if (json_is_string(value))
        return text_copy(json_string_value(value));
    if (json_is_number(value))
        return text_format("%.10g", json_number_value(value));
    return text_copy(json_is_boolean(value) ? json_is_true(value) ? "yes" : "no" : "not known");
}

static char *describe_fact(const struct runs *runs, json_t *const *environments, const char *party,
                           const char *path) {
    char **values = memory_new(runs->n, sizeof(*values)), *words;

    for (size_t i = 0; i < runs->n; i++) {
        const json_t *host = find_host(environments[i], party);

        values[i] = host ? fact_text(host, path) : NULL;
    }
    words = describe(runs, values);
    for (size_t i = 0; i < runs->n; i++)
        free(values[i]);
    free(values);
    return words;
}

/* Once when it is the same for both hosts, as it is on one machine. */
static void compare_fact(struct runs *runs, json_t *const *environments, const char *path) {
    CLEANUP_FREE char *broker = describe_fact(runs, environments, "broker", path);
    CLEANUP_FREE char *publisher = describe_fact(runs, environments, "client2", path);

    if (broker && publisher && text_equal(broker, publisher)) {
        add(runs, text_format("hosts, %s: %s", path, broker));
        return;
    }
    if (broker)
        add(runs, text_format("broker's host, %s: %s", path, broker));
    if (publisher)
        add(runs, text_format("publisher's host, %s: %s", path, publisher));
}

static void compare_hosts(struct runs *runs) {
    json_t **environments = memory_new(runs->n, sizeof(json_t *));
    CLEANUP_FREE char *unknown = text_copy("");

    for (size_t i = 0; i < runs->n; i++) {
        CLEANUP_FREE char *path = text_format("%s/environment.json", runs->list[i]->run_dir);

        environments[i] = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
        if (!find_host(environments[i], "broker") || !find_host(environments[i], "client2"))
            text_append(&unknown, ", ", runs->labels[i]);
    }
    if (*unknown)
        runs_note(runs, text_format("Nothing is known of the hosts of %s: no environment.json, or "
                                    "it does not say.",
                                    unknown));
    for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
        compare_fact(runs, environments, facts[i]);
    for (size_t i = 0; i < runs->n; i++)
        json_decref(environments[i]);
    free(environments);
}

/* ---- what was negotiated: the same settings need not lead to the same TLS ---- */

static void compare_tls(struct runs *runs, const char *channel) {
    CLEANUP_FREE char *name = text_format("TLS negotiated by %s", channel);
    char **values = memory_new(runs->n, sizeof(*values));

    for (size_t i = 0; i < runs->n; i++) {
        const struct dataset *dataset = runs->list[i]->dataset;
        int place = dataset_find_channel(dataset, channel);

        if (place >= 0)
            values[i] =
                text_copy(*dataset->channels[place].tls ? dataset->channels[place].tls : "none");
    }
    compare(runs, name, values);
}

static void compare_negotiated(struct runs *runs) {
    for (size_t i = 0; i < runs->n; i++)
        for (size_t k = 0; k < runs->list[i]->dataset->n_channels; k++) {
            const char *name = runs->list[i]->dataset->channels[k].name;
            bool seen = !is_shared(runs, NULL, name);

            for (size_t j = 0; j < i; j++)
                seen = seen || dataset_find_channel(runs->list[j]->dataset, name) >= 0;
            if (!seen)
                compare_tls(runs, name);
        }
}

void runs_add_differences(struct runs *runs) {
    compare_settings(runs);
    compare_definitions(runs);
    compare_negotiated(runs);
    compare_hosts(runs);
}
