#include "analysis/estimate.h"

#include "analysis/reading.h"
#include "base/clock.h"
#include "base/csv.h"
#include "base/suggestion.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define S_PER_HOUR 3600.0
#define S_PER_DAY  86400.0

/* ---- settings ---- */

static int check_reconnects(const char *text, struct error *error) {
    double unused;

    return estimate_reconnects(text, &unused, error);
}

#define AT(member) .offset = offsetof(struct estimate_settings, member)
static const struct setting rows[] = {
    {"devices", SETTING_COUNT, "1000000", "1", "1000000000", .help = "so many devices",
     AT(devices)},
    {"interval", SETTING_DURATION, "3s", "1ms", "365d", .help = "each publishes once in this time",
     AT(interval_ns)},
    {"reconnects", SETTING_TEXT, "1/day", .check = check_reconnects,
     .help = "each connects anew so often: N/s, N/min, N/h, N/day or N/week", AT(reconnects)},
    {"broker-cores", SETTING_COUNT, "0", "0", "65536",
     .help = "cores of a machine for brokers; 0: one machine a broker", AT(broker_cores)},
    {"broker-memory", SETTING_BYTES, "0B", "0B", "1048576GiB",
     .help = "memory of a machine for brokers; 0B: no limit", AT(broker_memory_bytes)},
    {"utilisation", SETTING_PERCENT, "100%", "1%", "100%",
     .help = "how much of a core a broker shall use at most", AT(utilisation_ppm)},
};
const struct setting_group estimate_group =
    SETTING_GROUP("estimate", SETTING_INTERNAL, rows, struct estimate_settings);

#define TIMES "s, min, h, day, week"

int estimate_reconnects(const char *text, double *ret_per_s, struct error *error) {
    static const struct {
        const char *name;
        double s;
    } units[] = {{"s", 1},         {"min", 60},        {"h", S_PER_HOUR},
                 {"d", S_PER_DAY}, {"day", S_PER_DAY}, {"week", 7 * S_PER_DAY}};
    const char *slash = strchr(text, '/');
    CLEANUP_FREE char *number = slash ? strndup(text, (size_t)(slash - text)) : NULL;
    CLEANUP_FREE char *meant = NULL;
    double count;

    if (!slash)
        return error_set(error, -EINVAL,
                         "'%s' is no number in a time; right would be, say, 1/day, 4/h or 0/day",
                         text);
    if (!text_real(number, &count) || count < 0 || count > 1e6)
        return error_set(error, -EINVAL,
                         "'%s' does not begin with a number from 0 to 1000000, as 1/day does",
                         text);
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (text_equal(units[i].name, slash + 1)) {
            *ret_per_s = count / units[i].s;
            return 0;
        }
    meant = suggestion(slash + 1, TIMES);
    return error_set(error, -EINVAL, "'%s' ends in no time that is known%s: " TIMES, text, meant);
}

/* ---- what a run measured ---- */

#define SAME_RATE 0.05 /* rates that differ by less, as a share, are alike */

enum cost {
    CONNECT_CPU,
    CONNECT_BYTES,
    MEMORY,
    MESSAGE_CPU,
    MESSAGE_BYTES,
    KEEPALIVE_CPU,
    KEEPALIVE_BYTES,
    N_COSTS
};

static const char *const cost_metrics[N_COSTS] = {
    [CONNECT_CPU] = "connect_cpu",
    [CONNECT_BYTES] = "connect_bytes",
    [MEMORY] = "memory_per_connection",
    [MESSAGE_CPU] = "broker_cpu_per_message",
    [MESSAGE_BYTES] = "message_bytes",
    [KEEPALIVE_CPU] = "keepalive_cpu_per_hour",
    [KEEPALIVE_BYTES] = "keepalive_bytes_per_hour",
};

/* In seconds or bytes. */
struct value {
    double mean, low, high;
};
static const struct value unknown = {NAN, NAN, NAN};

/* What one of a unit is in seconds or bytes; NaN of a unit that is neither. */
static double factor_of(const char *unit) {
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}, {"B", 1}, {"KiB", 1024}};

    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (text_equal(units[i].name, unit))
            return units[i].factor;
    return NAN;
}

/* The row of a metric in a cell, by its own name, whichever process has it, or by that of its
 * process, too: "fleet.clients_up"; or NULL. */
static const struct summary_row *find_row(const struct summary *summary, size_t cell,
                                          const char *metric, const char *tail) {
    CLEANUP_FREE char *name = text_format("%s%s", metric, tail);

    for (size_t i = 0; i < summary->n_rows; i++) {
        const struct summary_row *row = &summary->rows[i];

        if (row->cell == cell && row->statistics.n && dataset_is_called(row->metric, name))
            return row;
    }
    return NULL;
}

static double mean_of(const struct summary *summary, size_t cell, const char *metric,
                      const char *tail) {
    const struct summary_row *row = find_row(summary, cell, metric, tail);

    return row ? row->statistics.mean : NAN;
}

/* With the interval over trials; of one trial with that of its probe, if it gives one. */
static struct value value_of(const struct summary *summary, const struct summary_row *row,
                             const char *metric) {
    const struct statistics *found = &row->statistics;
    double factor = factor_of(row->unit), low = found->ci_low, high = found->ci_high;

    if (found->n < 2) {
        low = mean_of(summary, row->cell, metric, "_low");
        high = mean_of(summary, row->cell, metric, "_high");
    }
    return (struct value){factor * found->mean, factor * low, factor * high};
}

/* What one channel costs. */
struct costs {
    const struct summary *summary;
    size_t channel;
    struct value values[N_COSTS];
    double tau_s; /* between the messages of a device, of which the cost of one was measured */
    double rate;  /* of all of them; NaN: not known */
};

/* The next row that stands for a cell of the channel, from *cursor on; NULL: there is none. */
static const struct summary_row *next_cell(const struct costs *costs, size_t *cursor) {
    while (*cursor < costs->summary->n_rows) {
        const struct summary_row *row = &costs->summary->rows[(*cursor)++];

        if (row->headline && row->channel == costs->channel)
            return row;
    }
    return NULL;
}

static struct value cost_in(const struct summary *summary, size_t cell, enum cost cost) {
    const struct summary_row *row = find_row(summary, cell, cost_metrics[cost], "");

    return row ? value_of(summary, row, cost_metrics[cost]) : unknown;
}

/* The dearest of all cells. */
static void take_dearest(struct costs *costs, enum cost cost) {
    const struct summary_row *row;
    size_t cursor = 0;

    costs->values[cost] = unknown;
    while ((row = next_cell(costs, &cursor))) {
        struct value value = cost_in(costs->summary, row->cell, cost);

        if (value.mean > costs->values[cost].mean || isnan(costs->values[cost].mean))
            costs->values[cost] = value;
    }
}

/* Those of a message, where a broker gets so many a second: of the cell whose rate is nearest to
 * that, and of cells whose rates are alike the dearest. */
static void take_message(struct costs *costs, double rate) {
    const struct summary *summary = costs->summary;
    const struct summary_row *row;
    double nearest = INFINITY;
    size_t cursor = 0;

    costs->values[MESSAGE_CPU] = costs->values[MESSAGE_BYTES] = unknown;
    costs->rate = NAN;
    while ((row = next_cell(costs, &cursor))) {
        struct value value = cost_in(summary, row->cell, MESSAGE_CPU);
        double published = mean_of(summary, row->cell, "published_rate", "");
        double far = isnan(published) ? 0 : fabs(log(published / rate));
        double tau_s = mean_of(summary, row->cell, "fleet.clients_up", "") / published;

        if (isnan(value.mean) || far > nearest + SAME_RATE ||
            (far > nearest - SAME_RATE && value.mean < costs->values[MESSAGE_CPU].mean))
            continue;
        nearest = far;
        costs->values[MESSAGE_CPU] = value;
        costs->values[MESSAGE_BYTES] = cost_in(summary, row->cell, MESSAGE_BYTES);
        costs->tau_s = isfinite(tau_s) ? tau_s : 0;
        costs->rate = published;
    }
}

static struct costs costs_of(const struct summary *summary, size_t channel) {
    struct costs costs = {.summary = summary, .channel = channel};

    for (enum cost cost = 0; cost < N_COSTS; cost++)
        take_dearest(&costs, cost);
    return costs;
}

/* ---- the model ---- */

/* The sum of the costs, each as often as its factor says. */
static struct value sum(const struct costs *costs, const double factors[N_COSTS]) {
    double mean = 0, below = 0, above = 0;

    for (enum cost cost = 0; cost < N_COSTS; cost++) {
        const struct value *value = &costs->values[cost];
        double down = factors[cost] * (value->mean - value->low);
        double up = factors[cost] * (value->high - value->mean);

        if (factors[cost] == 0)
            continue;
        mean += factors[cost] * value->mean;
        below = hypot(below, factors[cost] > 0 ? down : up);
        above = hypot(above, factors[cost] > 0 ? up : down);
    }
    return (struct value){mean, mean - below, mean + above};
}

/* No quantity is below zero. */
static struct value scale(struct value value, double factor) {
    double low = factor * value.low;

    return (struct value){factor * value.mean, low < 0 ? 0 : low, factor * value.high};
}

/* What is counted in whole ones. A value that came out of its own division is not rounded up. */
static double whole(double value) {
    return isnan(value) ? NAN : fmax(ceil(value * (1 - 1e-12)), 1);
}

static struct value machines_of(const struct estimate_settings *settings, struct value brokers,
                                struct value memory) {
    double cores = settings->broker_cores ? (double)settings->broker_cores : 1;
    double bytes = settings->broker_memory_bytes ? (double)settings->broker_memory_bytes : INFINITY;
    const double b[] = {brokers.mean, brokers.low, brokers.high};
    const double m[] = {memory.mean, memory.low, memory.high};
    double n[3];

    for (size_t i = 0; i < ARRAY_SIZE(n); i++)
        n[i] = isnan(b[i]) || isnan(m[i]) ? NAN : fmax(whole(b[i] / cores), whole(m[i] / bytes));
    return (struct value){n[0], n[1], n[2]};
}

enum quantity {
    CORES,
    BROKERS,
    MACHINES,
    MEMORY_BYTES,
    BANDWIDTH,
    STORM_TIME,
    MESSAGE_RATE,
    MEASURED_RATE,
    N_QUANTITIES
};

static const struct {
    const char *name, *unit;
} quantities[N_QUANTITIES] = {
    [CORES] = {"cores", "cores"},
    [BROKERS] = {"brokers", ""},
    [MACHINES] = {"machines", ""},
    [MEMORY_BYTES] = {"memory", "B"},
    [BANDWIDTH] = {"bandwidth", "Mbit/s"},
    [STORM_TIME] = {"storm_time", "s"},
    [MESSAGE_RATE] = {"message_rate", "1/s"},
    [MEASURED_RATE] = {"measured_rate", "1/s"},
};

/* So many devices on a channel of these costs. */
static void predict(const struct costs *costs, const struct estimate_settings *settings,
                    double devices, struct value ret[N_QUANTITIES]) {
    double messages = devices * NS_PER_S / (double)settings->interval_ns, connections = 0;
    double held = (devices - messages * costs->tau_s) / S_PER_HOUR;
    double cpu[N_COSTS] = {0}, bytes[N_COSTS] = {0}, memory[N_COSTS] = {0}, storm[N_COSTS] = {0};

    (void)estimate_reconnects(settings->reconnects, &connections, NULL);
    connections *= devices;
    cpu[MESSAGE_CPU] = bytes[MESSAGE_BYTES] = messages;
    cpu[CONNECT_CPU] = bytes[CONNECT_BYTES] = connections;
    cpu[KEEPALIVE_CPU] = bytes[KEEPALIVE_BYTES] = held;
    memory[MEMORY] = devices;
    storm[CONNECT_CPU] = devices;
    ret[CORES] = scale(sum(costs, cpu), 1e6 / (double)settings->utilisation_ppm);
    ret[BROKERS] =
        (struct value){whole(ret[CORES].mean), whole(ret[CORES].low), whole(ret[CORES].high)};
    ret[MEMORY_BYTES] = scale(sum(costs, memory), 1);
    ret[MACHINES] = machines_of(settings, ret[BROKERS], ret[MEMORY_BYTES]);
    ret[BANDWIDTH] = scale(sum(costs, bytes), 8 / 1e6);
    ret[STORM_TIME] = scale(sum(costs, storm), 1 / ret[BROKERS].mean);
    ret[MESSAGE_RATE] = (struct value){messages / ret[BROKERS].mean, NAN, NAN};
    ret[MEASURED_RATE] = (struct value){costs->rate, NAN, NAN};
}

/* What a message costs depends on how many a broker gets, and that on what they cost: from one
 * broker for all on, until the number of brokers stays. */
#define MOST_TURNS 8
static void settle(struct costs *costs, const struct estimate_settings *settings, double devices,
                   struct value ret[N_QUANTITIES]) {
    double messages = devices * NS_PER_S / (double)settings->interval_ns, brokers = 1;

    for (int turn = 0; turn < MOST_TURNS; turn++) {
        take_message(costs, messages / brokers);
        predict(costs, settings, devices, ret);
        if (isnan(ret[BROKERS].mean) || ret[BROKERS].mean == brokers)
            return;
        brokers = ret[BROKERS].mean;
    }
}

/* ---- rows ---- */

static void add_row(struct estimate *estimate, struct estimate_row row, struct value value) {
    row.value = value.mean;
    row.ci_low = value.low;
    row.ci_high = value.high;
    estimate->rows = memory_room(estimate->rows, estimate->n, sizeof(*estimate->rows));
    estimate->rows[estimate->n++] = row;
}

static void add_settings(struct estimate *estimate, const struct estimate_settings *settings) {
    struct estimate_row row = {.channel = "",
                               .devices = settings->devices,
                               .interval_s = (double)settings->interval_ns / NS_PER_S};
    double per_s = 0;
    const struct {
        const char *name, *unit;
        double value;
    } all[] = {
        {"reconnects", "1/d", 0},
        {"broker_cores", "cores", (double)settings->broker_cores},
        {"broker_memory", "B", (double)settings->broker_memory_bytes},
        {"utilisation", "%", (double)settings->utilisation_ppm / 1e4},
    };

    (void)estimate_reconnects(settings->reconnects, &per_s, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        row.quantity = all[i].name;
        row.unit = all[i].unit;
        add_row(estimate, row, (struct value){i ? all[i].value : per_s * S_PER_DAY, NAN, NAN});
    }
}

/* Some numbers of devices up to the one that was asked for, as a figure wants them. */
static void add_quantity(struct estimate *estimate, const char *channel, struct costs *costs,
                         const struct estimate_settings *settings, enum quantity quantity) {
    static const int parts[] = {1000, 500, 200, 100, 50, 20, 10, 5, 2, 1};
    struct estimate_row row = {.channel = channel,
                               .interval_s = (double)settings->interval_ns / NS_PER_S,
                               .quantity = quantities[quantity].name,
                               .unit = quantities[quantity].unit};

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        int64_t devices = settings->devices / parts[i];
        struct value values[N_QUANTITIES];

        if (devices == row.devices)
            continue; /* few devices, or none */
        row.devices = devices;
        settle(costs, settings, (double)devices, values);
        add_row(estimate, row, values[quantity]);
    }
}

struct estimate *estimate_new(const struct summary *summary,
                              const struct estimate_settings *settings) {
    struct estimate *estimate = memory_new(1, sizeof(*estimate));
    const struct dataset *dataset = summary->dataset;
    bool has[N_COSTS] = {false};

    estimate->missing = text_copy("");
    add_settings(estimate, settings);
    for (size_t channel = 0; channel < dataset->n_channels; channel++) {
        struct costs costs = costs_of(summary, channel);

        if (dataset->channels[channel].control != DATASET_SUBJECT)
            continue;
        for (enum cost cost = 0; cost < N_COSTS; cost++)
            has[cost] = has[cost] || !isnan(costs.values[cost].mean);
        for (enum quantity quantity = 0; quantity < N_QUANTITIES; quantity++)
            add_quantity(estimate, dataset->channels[channel].name, &costs, settings, quantity);
    }
    for (enum cost cost = 0; cost < N_COSTS; cost++)
        if (!has[cost])
            text_append(&estimate->missing, " ", cost_metrics[cost]);
    return estimate;
}

void estimate_free(struct estimate *estimate) {
    free(estimate->rows);
    free(estimate->missing);
    free(estimate);
}

/* ---- the file ---- */

#define COLUMN(kind, member) CSV_COLUMN(kind, struct estimate_row, member)
static const struct csv_column columns[] = {
    COLUMN(CSV_TEXT, channel),  COLUMN(CSV_INTEGER, devices), COLUMN(CSV_REAL, interval_s),
    COLUMN(CSV_TEXT, quantity), COLUMN(CSV_TEXT, unit),       COLUMN(CSV_REAL, value),
    COLUMN(CSV_REAL, ci_low),   COLUMN(CSV_REAL, ci_high),
};

static int write_rows(const struct estimate *estimate, const char *path, struct error *error) {
    CLEANUP(csv_writer_closep) struct csv_writer *writer = NULL;
    int r;

    (void)unlink(path); /* of a process that died */
    r = csv_writer_open(&writer, path, columns, ARRAY_SIZE(columns), error);
    for (size_t i = 0; i < estimate->n && r == 0; i++)
        csv_row(writer, &estimate->rows[i]);
    return r < 0 ? r : csv_flush(writer, true, error);
}

static int replace_file(const struct estimate *estimate, const char *run_dir, struct error *error) {
    CLEANUP_FREE char *path = text_format("%s/estimate.csv", run_dir);
    CLEANUP_FREE char *draft = text_format("%s.draft", path);
    int r = write_rows(estimate, draft, error);

    if (r == 0 && rename(draft, path) < 0)
        r = error_errno(error, -errno, "%s", path);
    if (r < 0)
        (void)unlink(draft);
    return r;
}

int estimate_write(const char *run_dir, const struct estimate_settings *settings,
                   char **ret_missing, struct error *error) {
    CLEANUP(dataset_freep) struct dataset *dataset = NULL;
    CLEANUP(cells_freep) struct cells *cells = NULL;
    CLEANUP(summary_freep) struct summary *summary = NULL;
    CLEANUP(estimate_freep) struct estimate *estimate = NULL;
    int r = dataset_read(&dataset, run_dir, error);

    if (r < 0)
        return r;
    cells = cells_new(dataset);
    summary = summary_new(cells);
    estimate = estimate_new(summary, settings);
    if (*estimate->missing) {
        *ret_missing = text_copy(estimate->missing);
        return error_set(error, -ENODATA, "%s: the run has not measured %s", run_dir,
                         estimate->missing);
    }
    return replace_file(estimate, run_dir, error);
}
