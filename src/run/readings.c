#include "run/readings.h"

#include "base/clock.h"
#include "base/jsonline.h"

#include <math.h>

void readings_open(struct readings *readings, struct site *site, const json_t *environment) {
    const json_t *hosts = json_object_get(environment, "hosts");

    *readings = (struct readings){.site = site};
    for (size_t i = 0; i < ARRAY_SIZE(readings->interfaces); i++)
        readings->interfaces[i] = text_copy(
            jsonline_text(json_object_get(json_array_get(hosts, i), "network"), "interface", ""));
}

static void forget(struct readings *readings) {
    for (size_t i = 0; i < ARRAY_SIZE(readings->before); i++) {
        json_decref(readings->before[i]);
        readings->before[i] = NULL;
    }
}

void readings_close(struct readings *readings) {
    forget(readings);
    for (size_t i = 0; i < ARRAY_SIZE(readings->interfaces); i++)
        free(readings->interfaces[i]);
}

static void put_ms(json_t *taken, const char *metric, int64_t ns) {
    (void)json_object_set_new(
        taken, metric,
        json_pack("{s:f,s:s}", "value", (double)ns / (double)NS_PER_MS, "unit", "ms"));
}

/* The clock of this kernel needs no comparison. */
static void add_clock(const struct readings *readings, size_t host, json_t *taken) {
    struct host_clock clock;

    if (host_compare_clocks(readings->site->workers->hosts[host], &clock, NULL) < 0 ||
        !clock.bound_ns)
        return;
    put_ms(taken, "clock_ahead", clock.realtime_ahead_ns);
    put_ms(taken, "clock_bound", clock.bound_ns);
}

/* NULL when the host is lost. */
static json_t *take(const struct readings *readings, size_t host) {
    const struct workers *workers = readings->site->workers;
    json_t *taken = NULL;

    if (host >= workers->n_hosts ||
        host_order(workers->hosts[host], "readings",
                   json_pack("{s:s}", "interface", readings->interfaces[host]), &taken, NULL) < 0)
        return NULL;
    add_clock(readings, host, taken);
    return taken;
}

void readings_before(struct readings *readings) {
    forget(readings);
    for (size_t i = 0; i < readings->site->workers->n_hosts; i++)
        readings->before[i] = take(readings, i);
}

static double value_of(const json_t *taken, const char *metric) {
    const json_t *value = json_object_get(json_object_get(taken, metric), "value");

    return value ? json_number_value(value) : NAN;
}

void readings_after(struct readings *readings, struct journal *journal, int block, int attempt) {
    for (size_t i = 0; i < readings->site->workers->n_hosts; i++) {
        json_auto_t *after = take(readings, i), *all = json_object();
        const char *metric;
        json_t *reading;

        (void)json_object_update(all, readings->before[i]);
        (void)json_object_update(all, after);
        json_object_foreach(all, metric, reading) {
            journal_reading(journal, block, attempt, host_spec(readings->site->workers->hosts[i]),
                            metric, jsonline_text(reading, "unit", ""),
                            value_of(readings->before[i], metric), value_of(after, metric));
        }
    }
    forget(readings);
}
