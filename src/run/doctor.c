#include "run/doctor.h"

#include "base/jsonline.h"
#include "base/terminal.h"
#include "hosts/facts.h"
#include "model/throttling.h"
#include "run/site.h"

#include <stdbool.h>
#include <string.h>

/* A host, once, with all that it is there for. */
struct checked_host {
    const char *spec;
    bool broker, publisher, driver;
};
#define MAX_CHECKED (2 + SCENARIO_MAX_PUBLISHERS)

/* ---- values as text; each the caller's ---- */

static char *value_text(const json_t *value) {
    if (json_is_string(value))
        return text_copy(json_string_value(value));
    if (json_is_boolean(value))
        return text_copy(json_is_true(value) ? "yes" : "no");
    if (json_is_number(value))
        return text_format("%.10g", json_number_value(value));
    return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
}

/* The piece is taken. */
static void append(char **list, char *piece) {
    text_append(list, ", ", piece);
    free(piece);
}

/* {"a": 1, "b": "x"} as "a 1, b x" */
static char *object_text(json_t *object) {
    char *list = text_copy("");
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value) {
        CLEANUP_FREE char *text = value_text(value);

        append(&list, text_format("%s %s", key, text));
    }
    return list;
}

static char *addresses_text(const json_t *addresses) {
    char *list = text_copy("");
    size_t i;
    json_t *one;

    json_array_foreach(addresses, i, one) {
        append(&list, text_format("%s (%s)", jsonline_text(one, "address", "?"),
                                  jsonline_text(one, "interface", "?")));
    }
    return list;
}

static char *throttled_text(unsigned bits) {
    CLEANUP_FREE char *now = throttling_words(throttling_between(bits, bits));
    CLEANUP_FREE char *since = throttling_words(throttling_between(0, bits));

    if (!*since)
        return text_copy("throttled never");
    return text_format("throttled now: %s; since the start: %s", *now ? now : "no", since);
}

/* {"temperature": {"value": 48.3, "unit": "C"}} as "temperature 48.3 C" */
static char *readings_text(json_t *readings) {
    char *list = text_copy("");
    const char *metric;
    json_t *reading;

    json_object_foreach(readings, metric, reading) {
        double value = json_number_value(json_object_get(reading, "value"));

        append(&list,
               text_equal(metric, "throttled")
                   ? throttled_text((unsigned)value)
                   : text_format("%s %.4g %s", metric, value, jsonline_text(reading, "unit", "")));
    }
    return list;
}

/* ---- one host ---- */

static void print_styled(enum style style, const char *key, const char *text) {
    terminal_print(stdout, style, "  %-22s %s", key, text);
    (void)putchar('\n');
}

static void print_row(const char *key, const char *text) {
    print_styled(STYLE_PLAIN, key, text);
}

/* What is in an object of its own, and what its rows begin with. */
static const struct {
    const char *key, *prefix;
} parts[] = {
    {"versions", "version"},
    {"mechanisms", "mechanism"},
    {"network", "network"},
};

static void print_part(json_t *part, const char *prefix) {
    const char *key;
    json_t *value;

    json_object_foreach(part, key, value) {
        CLEANUP_FREE char *name = text_format("%s.%s", prefix, key);
        CLEANUP_FREE char *text = json_is_array(value)    ? addresses_text(value)
                                  : json_is_object(value) ? object_text(value)
                                                          : value_text(value);

        if (!text_equal(name, "network.machine"))
            print_row(name, text);
    }
}

/* Programs come last, by themselves. */
static void print_facts(json_t *facts) {
    CLEANUP_FREE char *readings = readings_text(json_object_get(facts, "readings"));
    const char *key;
    json_t *value;

    json_object_foreach(facts, key, value) {
        CLEANUP_FREE char *text = json_is_object(value) ? NULL : value_text(value);

        if (text)
            print_row(key, text);
    }
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        print_part(json_object_get(facts, parts[i].key), parts[i].prefix);
    print_row("readings", *readings ? readings : "none");
}

static bool is_needed(const struct checked_host *checked, enum facts_need need) {
    return need == NEED_EVERY_HOST || (need == NEED_BROKER_HOST && checked->broker) ||
           (need == NEED_DRIVER && checked->driver);
}

/* Returns 1 when one is missing without which the host cannot do its part. */
static int print_programs(const struct checked_host *checked, const struct facts_programs *programs,
                          const json_t *facts) {
    const json_t *paths = json_object_get(facts, "programs");
    const char *model = jsonline_text(facts, "model", "");
    int missing = 0;

    for (size_t i = 0; i < programs->n; i++) {
        const struct facts_program *program = &programs->rows[i];
        CLEANUP_FREE char *name = text_format("program.%s", program->name), *text = NULL;
        bool needed = is_needed(checked, program->need);
        const char *path = jsonline_text(paths, program->name, NULL);

        if (!path && program->model && strncmp(model, program->model, strlen(program->model)) != 0)
            continue;
        text = path
                   ? text_copy(path)
                   : text_format("%s, for %s: apt-get install %s", needed ? "MISSING" : "not there",
                                 program->purpose, program->package);
        print_styled(path ? STYLE_PLAIN : needed ? STYLE_BAD : STYLE_DOUBTFUL, name, text);
        missing |= !path && needed;
    }
    return missing;
}

static void print_heading(const struct checked_host *checked) {
    CLEANUP_FREE char *purposes = text_copy("");

    if (checked->broker)
        text_append(&purposes, ", ", "broker, subscriber");
    if (checked->publisher)
        text_append(&purposes, ", ", "publisher");
    if (checked->driver)
        text_append(&purposes, ", ", "driver");
    text_print(stdout, "%s: %s\n", checked->spec, purposes);
}

static void relay(void *context, const char *spec, const char *line) {
    (void)context;
    text_print(stderr, "%s: %s\n", spec, line);
}

/* The run's own host where it is one of these; else, or when they do not go together and none is
 * open, it is examined alone. */
static int ask(const struct site *site, const char *spec, const char *address, json_t **ret,
               struct error *error) {
    CLEANUP(host_closep) struct host *alone = NULL;
    struct host *host = NULL;
    int r = 0;

    for (size_t i = 0; i < site->workers->n_hosts; i++)
        if (text_equal(host_spec(site->workers->hosts[i]), spec))
            host = site->workers->hosts[i];
    if (!host)
        r = host_open(&alone, spec, &site->options, NULL, error);
    return r < 0 ? r
                 : host_order(host ? host : alone, "facts", json_pack("{s:s}", "address", address),
                              ret, error);
}

static int examine(const struct site *site, const struct checked_host *checked,
                   const struct facts_programs *programs, const char *address) {
    /* The data does not pass where only the driver is. */
    bool passed = checked->broker || checked->publisher;
    json_auto_t *facts = NULL;
    struct error error;
    int r;

    print_heading(checked);
    (void)fflush(stdout); /* a host can take a while to answer */
    r = ask(site, checked->spec, passed ? address : "", &facts, &error);
    if (r < 0) {
        print_styled(STYLE_BAD, "OUT OF REACH", error.text);
        return 1;
    }
    print_facts(facts);
    return print_programs(checked, programs, facts);
}

/* ---- all of them ---- */

static struct checked_host *admit(struct checked_host *checked, const char *spec) {
    size_t i = 0;

    while (checked[i].spec && !text_equal(checked[i].spec, spec))
        i++;
    checked[i].spec = spec;
    return &checked[i];
}

/* Those on other machines only: one machine has one clock. */
static void print_clocks(const struct site *site) {
    for (size_t i = 0; i < site->workers->n_hosts; i++) {
        const struct host_clock *clock = &site->clocks[i];
        CLEANUP_FREE char *text = NULL;

        if (!clock->bound_ns)
            continue;
        text = text_format("%s is %.3g s ahead, give or take %.2g ms",
                           host_spec(site->workers->hosts[i]),
                           (double)clock->realtime_ahead_ns / 1e9, (double)clock->bound_ns / 1e6);
        print_row("clock", text);
    }
}

/* Which channels' trials will be skipped. */
static void print_lacking(const struct site *site) {
    for (size_t i = 0; i < site->scenario->n_channels; i++) {
        const char *reason = site_lacking(site, i);
        CLEANUP_FREE char *label = channel_label(&site->scenario->channels[i]);
        CLEANUP_FREE char *key = text_format("skipped.%s", label);

        if (reason)
            print_styled(STYLE_DOUBTFUL, key, reason);
    }
}

/* Whether they fit together, as a run would check it; `apart` is why they could not be opened. */
static int examine_together(struct site *site, const char *apart) {
    struct error error;

    text_print(stdout, "\ntogether:\n");
    if (apart) {
        print_styled(STYLE_BAD, "IMPOSSIBLE", apart);
        return 1;
    }
    print_row("address", site->address);
    print_clocks(site);
    if (site_describe(site, NULL, &error) < 0 || site_check_channels(site, &error) < 0) {
        print_styled(STYLE_BAD, "IMPOSSIBLE", error.text);
        return 1;
    }
    print_lacking(site);
    print_row("network", site->workers->n_hosts == 1 ? "one host: the data stays within it"
                                                     : "the data crosses it, there and back");
    return 0;
}

int doctor_examine(const struct scenario *scenario, const char *certs, const char *scripts) {
    CLEANUP(facts_programs_close) struct facts_programs programs;
    const struct hosts_settings *hosts = settings_get(&scenario->settings, &hosts_group);
    struct checked_host checked[MAX_CHECKED] = {{.spec = NULL}};
    struct workers workers = {.n_hosts = 0};
    struct site site = {
        .scenario = scenario,
        .workers = &workers,
        .options = {.certs = certs, .folder = hosts->folder, .cancel_fd = -1, .relay = relay}};
    struct error error;
    bool apart = site_open(&site, &error) < 0;
    int bad = 0;

    if (apart)
        site_close(&site);
    facts_programs_open(&programs, scripts);
    admit(checked, hosts->broker)->broker = true;
    for (size_t i = 0; i < scenario->publishers.n; i++)
        admit(checked, scenario->publishers.names[i])->publisher = true;
    admit(checked, "local")->driver = true;
    for (size_t i = 0; i < MAX_CHECKED && checked[i].spec; i++) {
        text_print(stdout, "%s", i ? "\n" : "");
        bad |= examine(&site, &checked[i], &programs, apart ? hosts->address : site.address);
    }
    bad |= examine_together(&site, apart ? error.text : NULL);
    site_close(&site);
    return bad;
}
