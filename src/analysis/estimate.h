/*
 * estimate - what many devices would take of a broker on each channel of a run: from what the run
 * measured of one message, one connection and one held connection (settings and rows below).
 *
 * For D devices, each of which publishes every T seconds and reconnects R times a second:
 *
 *   load        D/T * broker_cpu_per_message + D*R * connect_cpu
 *                 + (D - tau*D/T) * keepalive_cpu_per_hour/3600        in cores
 *   cores       load / utilisation
 *   brokers     cores, rounded up: a Mosquitto broker is one thread, so it fills one core
 *   machines    the larger of brokers / broker_cores and memory / broker_memory, rounded up
 *   memory      D * memory_per_connection
 *   bandwidth   D/T * message_bytes + D*R * connect_bytes
 *                 + (D - tau*D/T) * keepalive_bytes_per_hour/3600      at the broker, both ways
 *   storm_time  D * connect_cpu / brokers: all reconnect at once, and nothing else is done
 *   message_rate  of a broker: D/T / brokers; measured_rate: at which a message's cost was measured
 *
 * tau is the time between two messages of a device in the run (clients_up / published_rate): what
 * was measured of a message contains the keep-alive of that time, which must not count twice.
 * What an idle broker takes by itself is in the cost of a message alone.
 * Where several variants of a probe were measured, each cost is that of the dearest; but what a
 * message costs falls with the number of messages, so that is of the variant whose rate is nearest
 * to what one broker gets, and the dearest of those with that rate. Controls are left out.
 *
 * Intervals. Each quantity is a sum of costs with exact factors. The half-widths of the costs' 95 %
 * intervals, times their factors, are added in quadrature: the law of propagation of uncertainty
 * for independent quantities, JCGM 100:2008 (GUM), 5.1.2, with intervals for its standard
 * uncertainties (all have the same level). Those towards the low and the high end are added each by
 * itself. They say how well the run knows its own costs, not how right the model is. A cost that
 * one trial has measured has no interval, but the one that its probe may give it (METRIC_low,
 * METRIC_high); a sum has none where one of its costs has none.
 */
#ifndef BENCH_ANALYSIS_ESTIMATE_H
#define BENCH_ANALYSIS_ESTIMATE_H

#include "analysis/summary.h"
#include "model/setting.h"

struct estimate_settings {
    int64_t devices;
    int64_t interval_ns;
    char *reconnects;     /* of a device: "1/day" */
    int64_t broker_cores; /* of a machine; 0: not said */
    int64_t broker_memory_bytes;
    int64_t utilisation_ppm; /* of each core, at most */
};
extern const struct setting_group estimate_group;

/* How often a second "1/day" is: a number, and s, min, h, day or week. */
int estimate_reconnects(const char *text, double *ret_per_s, struct error *error);

/* A row of estimate.csv. */
struct estimate_row {
    const char *channel; /* "": what was asked for, with the estimate's devices */
    int64_t devices;
    double interval_s;
    const char *quantity, *unit;
    double value, ci_low, ci_high; /* NaN: the run does not tell */
};

struct estimate {
    struct estimate_row
        *rows; /* the settings; then by channel, quantity, devices (the last: all) */
    size_t n;
    char *missing; /* costs that no channel of the run has, by blanks; "" for none */
};

/* The estimate belongs to the caller, and points into the summary's dataset. The settings'
 * reconnects must be right. */
struct estimate *estimate_new(const struct summary *summary,
                              const struct estimate_settings *settings);
void estimate_free(struct estimate *estimate);
DEFINE_CLEANUP(struct estimate *, estimate_free)

/* Analyses the run and writes estimate.csv into its folder. -ENODATA when a cost was not measured
 * on any channel: *ret_missing has their names then, which are the caller's. Other errors are those
 * of dataset_read(), and of writing. */
int estimate_write(const char *run_dir, const struct estimate_settings *settings,
                   char **ret_missing, struct error *error);

#endif
