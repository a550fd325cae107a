#include "run/usage.h"

#include "base/clock.h"
#include "base/jsonline.h"

#include <errno.h>
#include <math.h>

/* Gives each host an order; what they answer stands in their places. */
static int ask_hosts(const struct run *run, const char *order, json_t **ret, struct error *error) {
    int r = 0;

    for (size_t i = 0; i < run->workers.n_hosts && r == 0; i++)
        r = host_order(run->workers.hosts[i], order, NULL, &ret[i], error);
    return r;
}

int usage_look(const struct deployment *deployment, struct usage *ret, struct error *error) {
    struct run *run = deployment->run;
    int r = host_order(run->workers.hosts[0], "broker-usage", NULL, &ret->broker, error);

    ret->at_ns = clock_monotonic_ns();
    if (r == -ESRCH)
        return workers_await_cause(&run->workers, error_set(error, -ECANCELED, "the broker ended"),
                                   error);
    if (r == 0 && deployment->prepared)
        r = ask_hosts(run, "prepared-usage", ret->prepared, error);
    return r < 0 ? r : ask_hosts(run, "busy", ret->busy, error);
}

void usage_clear(struct usage *usage) {
    json_decref(usage->broker);
    for (size_t i = 0; i < ARRAY_SIZE(usage->busy); i++) {
        json_decref(usage->prepared[i]);
        json_decref(usage->busy[i]);
    }
}

/* ---- the record ---- */

double usage_value(const json_t *look, const char *name) {
    const json_t *value = json_object_get(look, name);

    return value ? json_number_value(value) : NAN;
}

static double growth_of(const json_t *before, const json_t *after, const char *name) {
    return usage_value(after, name) - usage_value(before, name);
}

/* Whose host it is. */
static const char *party_of(size_t host) {
    return party_name(host ? PARTY_CLIENT2 : PARTY_BROKER);
}

/* A row about what is on that host. */
static void put(const struct run *run, const struct trial_id *id, size_t host, const char *process,
                const char *metric, double value) {
    journal_host_metric(run->journal, id, party_of(host), process,
                        workers_further(&run->workers, host), metric, value);
}

static void write_prepared(struct run *run, const struct trial_id *id, size_t host,
                           const json_t *before, const json_t *after, double duration_s) {
    double elapsed_s = growth_of(before, after, "at_ns") / 1e9;
    json_t *first = json_object_get(before, "cpu_s"), *last = json_object_get(after, "cpu_s");
    const char *mechanism;
    json_t *value;

    json_object_foreach(last, mechanism, value) {
        double used_s =
            json_number_value(value) - json_number_value(json_object_get(first, mechanism));

        if (elapsed_s > 0)
            put(run, id, host, mechanism, "cpu_s", used_s / elapsed_s * duration_s);
    }
}

static void write_broker(struct run *run, const struct trial_id *id, const struct usage looks[2],
                         double duration_s, const json_t *share) {
    const json_t *before = looks[0].broker, *after = looks[1].broker;
    double cpu_s = growth_of(before, after, "cpu_s");
    double elapsed_s = growth_of(before, after, "at_ns") / 1e9;
    double in_window_s = cpu_s / elapsed_s * duration_s;

    if (!json_object_get(after, "at_ns"))
        return; /* an external broker */
    if (elapsed_s > 0) {
        journal_metric(run->journal, id, "broker", "mosquitto", "cpu_s", in_window_s);
        journal_metric(run->journal, id, "broker", "mosquitto", "cpu_share",
                       100 * cpu_s / elapsed_s);
        if (share)
            journal_metric(run->journal, id, "broker", "mosquitto",
                           jsonline_text(share, "metric", "?"),
                           in_window_s * 1e6 / (double)jsonline_integer(share, "operations", 0));
        for (size_t i = 0; i < run->workers.n_hosts; i++)
            write_prepared(run, id, i, looks[0].prepared[i], looks[1].prepared[i], duration_s);
    }
    journal_metric(run->journal, id, "broker", "mosquitto", "peak_memory",
                   (double)jsonline_integer(after, "peak_memory", 0));
    journal_metric(run->journal, id, "broker", "agent", "peak_memory",
                   (double)jsonline_integer(after, "agent_peak_memory", 0));
}

/* How busy the host was, and what of its processors the measurement may use; where that is less
 * than all of them, also the periods in which it was used up, and for how long it was stopped. */
static void write_busy(struct run *run, const struct trial_id *id, size_t host,
                       const json_t *before, const json_t *after, double duration_s) {
    double elapsed_s = growth_of(before, after, "at_ns") / 1e9;
    double periods = growth_of(before, after, "periods");
    double stopped = growth_of(before, after, "throttled_periods");
    const struct {
        const char *metric;
        double value;
    } rows[] = {
        {"busy_share", 100 * growth_of(before, after, "busy") / growth_of(before, after, "all")},
        {"cores", usage_value(after, "cores")},
        {"quota", usage_value(after, "quota")},
        {"throttled_share", periods == 0 ? 0 : 100 * stopped / periods},
        {"throttled_s", growth_of(before, after, "throttled_s") / elapsed_s * duration_s},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (isfinite(rows[i].value))
            put(run, id, host, "host", rows[i].metric, rows[i].value);
}

/* A run goes on without its meter, but not without a word. */
static void write_energy(struct run *run, const struct trial_id *id, const struct usage looks[2],
                         double duration_s, int64_t units) {
    double elapsed_s = (double)(looks[1].at_ns - looks[0].at_ns) / 1e9;
    double power_w = meter_energy_j(run->meter, looks[0].at_ns, looks[1].at_ns) / elapsed_s;

    if (!isfinite(power_w)) {
        if (run->meter && !run->meter_silent)
            progress_note(run->progress, "hosts.meter has given too few readings for this trial; "
                                         "it has no energy, and others may have none");
        run->meter_silent = true;
        return;
    }
    journal_metric(run->journal, id, "meter", "all", "energy", power_w * duration_s);
    journal_metric(run->journal, id, "meter", "all", "power", power_w);
    if (units > 0)
        journal_metric(run->journal, id, "meter", "all", "energy_per_unit",
                       power_w * duration_s / (double)units);
}

void usage_write(struct run *run, const struct trial_id *id, const struct usage looks[2],
                 double duration_s, const json_t *share, int64_t units) {
    write_broker(run, id, looks, duration_s, share);
    for (size_t i = 0; i < run->workers.n_hosts; i++)
        write_busy(run, id, i, looks[0].busy[i], looks[1].busy[i], duration_s);
    write_energy(run, id, looks, duration_s, units);
}
