#include "probes/fleet.h"

#include "base/clock.h"
#include "base/histogram.h"
#include "base/suggestion.h"
#include "model/topic.h"
#include "probes/capacity.h"
#include "probes/conductor.h"
#include "probes/fleet_clients.h"
#include "probes/fleet_message.h"
#include "probes/fleet_subscribers.h"
#include "probes/sequence.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* From the driver's word until the first message may be due: all hosts have heard it by then. */
#define AHEAD_NS (300 * NS_PER_MS)
/* What is on its way when a step is over may need a while. */
#define DRAIN_NS (600 * NS_PER_S)

struct fleet_probe_settings {
    struct worker_window window;
    int64_t payload_bytes, interval_ns, qos, subscribers, per_topic, limit_ns;
    char *rate, *topic;
};

#define RATE_INTERVAL "interval"
#define RATE_CAPACITY "capacity"

static int check_rate(const char *value, struct error *error) {
    CLEANUP_FREE char *meant = NULL;
    char *end;
    long long rate;

    if (text_equal(value, RATE_INTERVAL) || text_equal(value, RATE_CAPACITY))
        return 0;
    errno = 0;
    rate = strtoll(value, &end, 10);
    if (*value >= '0' && *value <= '9' && !*end && errno == 0 && rate >= 1 &&
        rate <= CAPACITY_MAX_RATE)
        return 0;
    meant = suggestion(value, RATE_INTERVAL " " RATE_CAPACITY);
    return error_set(error, -EINVAL,
                     "'%s' is no rate%s; right would be " RATE_INTERVAL " (of the interval), "
                     "a number of messages a second from 1 to %lld, or " RATE_CAPACITY,
                     value, meant, (long long)CAPACITY_MAX_RATE);
}

#define AT(member) .offset = offsetof(struct fleet_probe_settings, member)
static const struct setting rows[] = {
    {"duration", SETTING_DURATION, "10s", "100ms", "24h",
     .help = "measured time of a trial, or of each step of rate = capacity",
     AT(window.duration_ns)},
    {"warmup", SETTING_DURATION, "1s", "0s", "10min",
     .help = "time before that, whose messages do not count", AT(window.warmup_ns)},
    {"payload", SETTING_BYTES, "30B", "24B", "1MiB", .help = "payload of a message",
     AT(payload_bytes)},
    {"interval", SETTING_DURATION, "3s", "1ms", "24h",
     .help = "each member publishes once in it, at a phase of its own", AT(interval_ns)},
    {"rate", SETTING_TEXT, RATE_INTERVAL,
     .help = "messages a second of all members: " RATE_INTERVAL
             ", fleet.clients in each interval; a number, which then decides the interval; "
             "or " RATE_CAPACITY ", the largest that is carried",
     AT(rate), .check = check_rate},
    {"qos", SETTING_CHOICE, "0", .choices = "0 1 2", .help = "quality of service, both hops",
     AT(qos)},
    {"subscribers", SETTING_COUNT, "1", "1", "64",
     .help = "connections that take shares of the members' topics", AT(subscribers)},
    {"subscribers_per_topic", SETTING_COUNT, "1", "1", "64",
     .help = "so many of them for each share: a message goes to all of these", AT(per_topic)},
    {"limit", SETTING_DURATION, "500ms", "1ms", "1min",
     .help = "with rate = capacity: 99 of 100 messages must arrive in that time", AT(limit_ns)},
    {"topic", SETTING_TEXT, "bench/fleet", .help = "where members publish, each below it",
     AT(topic), .check = topic_check},
};
static const struct setting_group group =
    SETTING_GROUP("probe.fleet", SETTING_PROBE, rows, struct fleet_probe_settings);

/* ---- one rate ---- */

/* What came of a rate that was tried. */
struct step {
    double rate;
    int64_t begin_ns, end_ns; /* its measured time */
    struct conductor_look looks[2];
    json_t *clients, *subscriber; /* answers */
    struct histogram *latency;
};

static struct step *step_new(double rate) {
    struct step *step = memory_new(1, sizeof(*step));

    step->rate = rate;
    step->latency = memory_new(1, sizeof(*step->latency));
    return step;
}

static void step_free(struct step *step) {
    json_decref(step->clients);
    json_decref(step->subscriber);
    free(step->latency);
    free(step);
}
DEFINE_CLEANUP(struct step *, step_free)

/* How far the clock of each process with members is ahead of the subscribers'. */
static json_t *describe_parts(const struct conductor *conductor) {
    json_t *list = json_array();

    for (size_t i = 0; i < conductor->n_parts; i++)
        (void)json_array_append_new(
            list, json_pack("{s:I,s:I}", "first", (json_int_t)conductor->parts[i].members.first,
                            "ahead_ns", (json_int_t)conductor->parts[i].ahead_ns));
    return list;
}

static json_t *describe_window(const struct worker_window *window, int64_t at_ns, int number) {
    return json_pack("{s:I,s:I,s:I,s:i}", "at_ns", (json_int_t)at_ns, "warmup_ns",
                     (json_int_t)window->warmup_ns, "duration_ns", (json_int_t)window->duration_ns,
                     "step", number);
}

static int look_at(struct conductor *conductor, int64_t instant_ns, bool begins,
                   struct conductor_look *ret, struct error *error) {
    int r = conductor->verbs->wait(conductor, instant_ns, error);

    if (r == 0)
        r = conductor->verbs->look(conductor, ret, error);
    if (r < 0)
        return r;
    return begins ? conductor->verbs->begin(conductor, error)
                  : conductor->verbs->end(conductor, error);
}

/* Members publish at the rate of the step, which is the trial's `number`th, from 1. */
static int publish(struct conductor *conductor, const struct fleet_probe_settings *settings,
                   struct step *step, int number, struct error *error) {
    double interval_ns = (double)conductor->fleet->clients * 1e9 / step->rate;
    int64_t at_ns = clock_monotonic_ns() + AHEAD_NS;
    json_t *begin = describe_window(&settings->window, at_ns, number);
    json_t *order = json_deep_copy(begin);
    int r;

    step->begin_ns = at_ns + settings->window.warmup_ns;
    step->end_ns = step->begin_ns + settings->window.duration_ns;
    (void)json_object_set_new(begin, "parts", describe_parts(conductor));
    (void)json_object_set_new(order, "interval_ns", json_real(interval_ns));
    r = conductor_ask(conductor, CONDUCTOR_SUBSCRIBERS, "begin", begin, CONDUCTOR_SLACK_NS,
                      &step->subscriber, error);
    if (r < 0) {
        json_decref(order);
        return r;
    }
    r = conductor->verbs->tell(conductor, CONDUCTOR_CLIENTS, "publish", order, error);
    if (r == 0)
        r = look_at(conductor, step->begin_ns, true, &step->looks[0], error);
    if (r == 0)
        r = look_at(conductor, step->end_ns, false, &step->looks[1], error);
    return r < 0 ? r
                 : conductor->verbs->hear(conductor, CONDUCTOR_CLIENTS, DRAIN_NS, &step->clients,
                                          error);
}

/* Bytes that the subscribers had on the wire before, which their answer to "begin" told. */
static void keep_before(json_t *answer, const json_t *begun) {
    (void)json_object_set(answer, "before", json_array_get(begun, 0));
}

/* What has arrived in the end. */
static int collect(struct conductor *conductor, struct step *step, struct error *error) {
    json_auto_t *begun = step->subscriber;
    json_t *ended = NULL;
    int r;

    step->subscriber = NULL;
    r = conductor_ask(conductor, CONDUCTOR_SUBSCRIBERS, "end",
                      json_pack("{s:I}", "sent", (json_int_t)conductor_sum(step->clients, "sent")),
                      DRAIN_NS, &ended, error);
    if (r < 0)
        return r;
    keep_before(json_array_get(ended, 0), begun);
    step->subscriber = ended;
    conductor_add(ended, "latency", step->latency);
    return 0;
}

static int try_rate(struct conductor *conductor, const struct fleet_probe_settings *settings,
                    struct step *step, int number, struct error *error) {
    int r = publish(conductor, settings, step, number, error);

    return r < 0 ? r : collect(conductor, step, error);
}

/* ---- what a step says ---- */

static struct capacity_result result_of(const struct step *step,
                                        const struct fleet_probe_settings *settings) {
    double published = conductor_sum(step->clients, "published");

    return (struct capacity_result){
        .offered = conductor_sum(step->clients, "offered"),
        .published = published,
        .late = conductor_sum(step->clients, "late"),
        .due = published * (double)settings->per_topic,
        .arrived = conductor_sum(step->subscriber, "arrived"),
        .in_window = conductor_sum(step->subscriber, "in_window"),
        .p99_ns = histogram_percentile(step->latency, 0.99),
        .limit_ns = (double)settings->limit_ns,
        .qos = settings->qos,
    };
}

/* Growth of what an answer says against its "before". */
static double grown(const json_t *answers, const char *name) {
    const json_t *answer;
    double sum = 0;
    size_t i;

    json_array_foreach(answers, i, answer) {
        const json_t *before = json_object_get(answer, "before");

        sum += json_number_value(json_object_get(answer, name)) -
               json_number_value(json_object_get(before, name));
    }
    return sum;
}

static double latency_bound_ms(const struct conductor *conductor) {
    int64_t bound_ns = 0;

    for (size_t i = 0; i < conductor->n_parts; i++)
        if (conductor->parts[i].bound_ns > bound_ns)
            bound_ns = conductor->parts[i].bound_ns;
    return (double)bound_ns / 1e6;
}

static void put_latency(struct conductor *conductor, const struct step *step) {
    static const struct {
        const char *name;
        double share;
    } percentiles[] = {{"latency_p50", 0.5}, {"latency_p99", 0.99}};

    for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++)
        if (histogram_supports(step->latency->n, percentiles[i].share))
            conductor->verbs->metric(conductor, percentiles[i].name,
                                     histogram_percentile(step->latency, percentiles[i].share) /
                                         1e6);
    conductor->verbs->metric(conductor, "latency_max", (double)step->latency->max / 1e6);
    conductor->verbs->metric(conductor, "latency_bound", latency_bound_ms(conductor));
    conductor->verbs->distribution(conductor, "latency", "ms", step->latency, 1e6);
}

static void put_costs(struct conductor *conductor, const struct fleet_probe_settings *settings,
                      const struct step *step) {
    double duration_s = (double)settings->window.duration_ns / 1e9;
    double elapsed_s = (double)(step->looks[1].at_ns - step->looks[0].at_ns) / 1e9;
    double broker_s = (step->looks[1].cpu_s - step->looks[0].cpu_s) / elapsed_s * duration_s;
    double delivered = conductor_sum(step->subscriber, "in_window") / (double)settings->per_topic;
    double wire = grown(step->clients, "wire_bytes") + grown(step->subscriber, "wire_bytes");

    conductor->verbs->metric(conductor, "broker_cpu_per_message", broker_s * 1e6 / delivered);
    conductor->verbs->metric(conductor, "client_cpu_per_message",
                             conductor_sum(step->clients, "cpu_s") * 1e6 /
                                 conductor_sum(step->clients, "published"));
    conductor->verbs->metric(conductor, "message_bytes",
                             wire / conductor_sum(step->clients, "sent"));
}

static void put_flow(struct conductor *conductor, const struct fleet_probe_settings *settings,
                     const struct step *step) {
    double duration_s = (double)settings->window.duration_ns / 1e9;
    struct capacity_result result = result_of(step, settings);

    conductor->verbs->metric(conductor, "delivered_rate",
                             conductor_sum(step->subscriber, "in_window") / duration_s);
    conductor->verbs->metric(conductor, "offered_rate", result.offered / duration_s);
    conductor->verbs->metric(conductor, "published_rate",
                             conductor_sum(step->clients, "in_window") / duration_s);
    conductor->verbs->metric(conductor, "messages_published", result.published);
    conductor->verbs->metric(conductor, "messages_received", result.arrived);
    conductor->verbs->metric(conductor, "messages_duplicated",
                             conductor_sum(step->subscriber, "duplicated"));
    conductor->verbs->metric(conductor, "messages_reordered",
                             conductor_sum(step->subscriber, "reordered"));
    conductor->verbs->metric(conductor, "loss", capacity_loss(&result));
    conductor->verbs->metric(conductor, "late", capacity_late(&result));
    conductor->verbs->metric(conductor, "fan_out", result.arrived / result.published);
}

/* Steps of the measured time, at the subscribers. */
static void put_steps(struct conductor *conductor, const struct step *step) {
    const json_t *steps = json_object_get(json_array_get(step->subscriber, 0), "steps"), *bytes;
    int64_t step_ns = fleet_subscribers_step_ns(step->end_ns - step->begin_ns);
    int64_t start_ns = step->begin_ns;
    size_t i;

    json_array_foreach(steps, i, bytes) {
        int64_t end_ns = start_ns + step_ns;

        if (end_ns > step->end_ns)
            end_ns = step->end_ns;
        conductor->verbs->interval(conductor, start_ns, end_ns, json_integer_value(bytes));
        start_ns = end_ns;
    }
}

static void remark_late(struct conductor *conductor, const struct capacity_result *result) {
    CLEANUP_FREE char *words = NULL;

    if (!(capacity_late(result) > CAPACITY_LATE_PERCENT))
        return;
    words = text_format("%.1f %% of all publications were late by %d ms or more: the load "
                        "generator was the limit, not the broker; more publishers' hosts "
                        "(hosts.publishers) would do",
                        capacity_late(result), (int)(FLEET_LATE_NS / NS_PER_MS));
    conductor->verbs->remark(conductor, words);
}

static int put_step(struct conductor *conductor, const struct fleet_probe_settings *settings,
                    const struct step *step, struct error *error) {
    struct capacity_result result = result_of(step, settings);
    CLEANUP_FREE char *why = conductor_reasons(step->clients);

    if (!(result.arrived > 0))
        return error_set(error, -ENODATA,
                         "nothing arrived of %.0f messages that were published%s%s",
                         result.published, *why ? "; " : "", why);
    if (settings->qos != 1 && conductor_sum(step->subscriber, "duplicated") > 0)
        return error_set(error, -EIO, "%.0f messages came twice at QoS %d",
                         conductor_sum(step->subscriber, "duplicated"), (int)settings->qos);
    if (settings->qos && result.arrived < result.due && !(conductor_sum(step->clients, "lost") > 0))
        return error_set(error, -EIO, "%.0f messages were lost at QoS %d",
                         result.due - result.arrived, (int)settings->qos);
    put_flow(conductor, settings, step);
    put_latency(conductor, step);
    put_costs(conductor, settings, step);
    conductor_put_counts(conductor, step->clients);
    conductor_remark_absent(conductor, step->clients);
    remark_late(conductor, &result);
    /* With rate = capacity all is the largest good step's. */
    conductor->window_ns = settings->window.duration_ns;
    conductor->units = (int64_t)result.in_window;
    return 0;
}

/* ---- the largest rate ---- */

/* A step as a row of intervals. */
static void put_tried(struct conductor *conductor, const struct step *step, int64_t payload_bytes) {
    conductor->verbs->interval(conductor, step->begin_ns, step->end_ns,
                               (int64_t)conductor_sum(step->subscriber, "in_window") *
                                   payload_bytes);
}

/* Where the rate above the largest good one was too much for whoever publishes. */
static void remark_generator(struct conductor *conductor, const struct capacity *capacity,
                             const struct capacity_result *bad) {
    CLEANUP_FREE char *words = NULL;

    if (capacity_outcome(bad) != CAPACITY_GENERATOR)
        return;
    words =
        text_format("the load generator was the limit, not the broker: of %lld messages/s "
                    "%.1f %% were late by %d ms or more; the broker carries what is given "
                    "here, or more; more publishers' hosts (hosts.publishers) would show",
                    (long long)capacity->bad, capacity_late(bad), (int)(FLEET_LATE_NS / NS_PER_MS));
    conductor->verbs->remark(conductor, words);
}

static int say_none(const struct capacity *capacity, const struct capacity_result *bad,
                    struct error *error) {
    if (capacity_outcome(bad) == CAPACITY_GENERATOR)
        return error_set(error, -ENODATA,
                         "the load generator keeps to no rate: even of %lld messages/s %.1f %% "
                         "were late by %d ms or more; nothing is known of the broker",
                         (long long)capacity->bad, capacity_late(bad),
                         (int)(FLEET_LATE_NS / NS_PER_MS));
    return error_set(error, -ENODATA,
                     "the broker carries no rate within probe.fleet.limit: even %lld messages/s "
                     "were too many",
                     (long long)capacity->bad);
}

/* Every rate is tried with all members up: what others do not publish would pass for the broker's
 * limit. */
static int find_capacity(struct conductor *conductor, const struct fleet_probe_settings *settings,
                         int64_t first_rate, struct step **ret, struct error *error) {
    CLEANUP(step_freep) struct step *best = NULL;
    struct capacity_result result, bad = {.offered = 0};
    struct capacity capacity;
    bool more = true;

    capacity_begin(&capacity, first_rate);
    while (more) {
        CLEANUP(step_freep) struct step *step = step_new((double)capacity.rate);
        int r = conductor_connect_all(conductor, error);
        bool good;

        if (r < 0)
            return r;
        r = try_rate(conductor, settings, step, capacity.steps + 1, error);
        if (r < 0)
            return error_prefix(error, r, "at %lld messages/s", (long long)capacity.rate);
        put_tried(conductor, step, settings->payload_bytes);
        result = result_of(step, settings);
        good = capacity_outcome(&result) == CAPACITY_CARRIED;
        more = capacity_judge(&capacity, good);
        if (!good) {
            bad = result; /* the last one is that of the smallest rate */
            continue;
        }
        conductor->verbs->keep(conductor);
        step_freep(&best);
        best = step;
        step = NULL;
    }
    if (!best)
        return say_none(&capacity, &bad, error);
    conductor->verbs->metric(conductor, "capacity_tried", (double)capacity.steps);
    conductor->verbs->metric(conductor, "capacity_above",
                             capacity.bad ? (double)capacity.bad : NAN);
    if (capacity.bad)
        remark_generator(conductor, &capacity, &bad);
    *ret = best;
    best = NULL;
    return 0;
}

/* ---- the probe ---- */

static int open_all(struct conductor *conductor, const struct fleet_probe_settings *settings,
                    struct error *error) {
    json_t *facts = json_pack("{s:I,s:I,s:I}", "qos", (json_int_t)settings->qos, "payload",
                              (json_int_t)settings->payload_bytes, "subscribers",
                              (json_int_t)settings->subscribers);
    json_t *own = json_deep_copy(facts);
    int r;

    (void)json_object_set_new(own, "per_topic", json_integer(settings->per_topic));
    (void)json_object_set_new(own, "answer_ns", json_integer(conductor->answer_ns));
    r = conductor_ask(conductor, CONDUCTOR_SUBSCRIBERS, "open", own,
                      CONDUCTOR_SLACK_NS + conductor->answer_ns, NULL, error);
    if (r < 0) {
        json_decref(facts);
        return r;
    }
    return conductor_open(conductor, 0, facts, NULL, error);
}

/* Messages a second; of several rates the one that is tried first. */
static double first_rate(const struct fleet_plan *fleet,
                         const struct fleet_probe_settings *settings) {
    double usual = (double)fleet->clients * 1e9 / (double)settings->interval_ns;
    struct capacity capacity;

    if (text_equal(settings->rate, RATE_INTERVAL))
        return usual;
    if (!text_equal(settings->rate, RATE_CAPACITY))
        return strtod(settings->rate, NULL);
    capacity_begin(&capacity, (int64_t)usual);
    return (double)capacity.rate;
}

static int conduct(struct conductor *conductor, const void *block, struct error *error) {
    const struct fleet_probe_settings *settings = block;
    double rate = first_rate(conductor->fleet, settings);
    CLEANUP(step_freep) struct step *step = NULL;
    int r = open_all(conductor, settings, error);

    if (r < 0)
        return r;
    if (text_equal(settings->rate, RATE_CAPACITY)) {
        r = find_capacity(conductor, settings, (int64_t)rate, &step, error);
    } else {
        step = step_new(rate);
        r = conductor_connect(conductor, 1, NULL, error);
        if (r == 0)
            r = try_rate(conductor, settings, step, 1, error);
        if (r == 0)
            put_steps(conductor, step);
    }
    return r < 0 ? r : put_step(conductor, settings, step, error);
}

static int64_t subscribers(const void *block) {
    const struct fleet_probe_settings *settings = block;

    return settings->subscribers * settings->per_topic;
}

/* A broker must not seem to carry what it only puts off. */
static int check_duration(const struct fleet_probe_settings *settings, struct error *error) {
    int64_t duration_ns = settings->window.duration_ns, limit_ns = settings->limit_ns;
    CLEANUP_FREE char *duration = setting_number_format(SETTING_DURATION, duration_ns);
    CLEANUP_FREE char *limit = setting_number_format(SETTING_DURATION, limit_ns);
    CLEANUP_FREE char *least = setting_number_format(SETTING_DURATION, CAPACITY_LIMITS * limit_ns);

    if (duration_ns >= CAPACITY_LIMITS * limit_ns)
        return 0;
    return error_set(error, -EINVAL,
                     "probe.fleet.duration: %s are too short for probe.fleet.limit, %s: with rate "
                     "= " RATE_CAPACITY
                     " a broker could fall behind all the time; right would be at "
                     "least %s, or a shorter limit",
                     duration, limit, least);
}

static int say_nothing_due(const struct fleet_probe_settings *settings, int64_t clients,
                           double rate, struct error *error) {
    int64_t duration_ns = settings->window.duration_ns;
    double messages = rate * (double)duration_ns / 1e9;
    CLEANUP_FREE char *duration = setting_number_format(SETTING_DURATION, duration_ns);
    CLEANUP_FREE char *interval = setting_number_format(SETTING_DURATION, settings->interval_ns);
    CLEANUP_FREE char *most = NULL;

    if (!text_equal(settings->rate, RATE_INTERVAL))
        return error_set(error, -EINVAL,
                         "probe.fleet.rate: nothing may fall due in the measured time: %g "
                         "messages/s are %.3g in %s; right would be a longer duration",
                         rate, messages, duration);
    most = setting_number_format(SETTING_DURATION, clients * duration_ns);
    return error_set(error, -EINVAL,
                     "probe.fleet.interval: nothing may fall due in the measured time: %lld "
                     "members with an interval of %s publish %.3g messages in %s; right would be "
                     "an interval of at most %s, or a longer duration",
                     (long long)clients, interval, messages, duration, most);
}

static int check(const void *block, const struct fleet_plan *fleet, struct error *error) {
    const struct fleet_probe_settings *settings = block;
    double rate = first_rate(fleet, settings);

    /* But for what the arithmetic rounds. */
    if (rate * (double)settings->window.duration_ns / 1e9 < 1 - 1e-9)
        return say_nothing_due(settings, fleet->clients, rate, error);
    return text_equal(settings->rate, RATE_CAPACITY) ? check_duration(settings, error) : 0;
}

/* At a rate that is given all channels deliver the same, until one cannot. */
static const char *headline(const void *block) {
    const struct fleet_probe_settings *settings = block;

    return text_equal(settings->rate, RATE_CAPACITY) ? "delivered_rate" : NULL;
}

static int64_t planned_ns(const void *block) {
    const struct fleet_probe_settings *settings = block;
    int64_t one_ns = settings->window.warmup_ns + settings->window.duration_ns;

    return text_equal(settings->rate, RATE_CAPACITY) ? one_ns * CAPACITY_USUAL_STEPS : one_ns;
}

static const struct metric metrics[] = {
    {"broker_cpu_per_message", "us", METRIC_LOWER, true,
     "CPU time of the broker for a message, received and sent to all that have its topic"},
    {"delivered_rate", "1/s", METRIC_HIGHER, false,
     "messages a second that arrived at subscribers, each copy counted; with rate = capacity at "
     "the largest rate that was good"},
    {"offered_rate", "1/s", METRIC_NONE, false, "messages a second that were due"},
    {"published_rate", "1/s", METRIC_NONE, false,
     "messages a second that members published within the measured time, or late by less than "
     "10 ms at its end"},
    {"loss", "%", METRIC_LOWER, false, "of the copies that were to arrive"},
    {"latency_p50", "ms", METRIC_LOWER, false,
     "from when a message is due, by its publisher's clock, to its arrival: median"},
    {"latency_p99", "ms", METRIC_LOWER, false, "99 of 100; none with fewer messages"},
    {"latency_max", "ms", METRIC_LOWER, false, "the slowest message"},
    {"latency_bound", "ms", METRIC_NONE, false,
     "the largest error of these, where clocks of several machines are in it; 0 with one clock"},
    {"late", "%", METRIC_LOWER, false,
     "publications that began 10 ms or more after they were due: above 1 % the load generator was "
     "the limit, not the broker"},
    METRICS_OF_FLEET,
    {"messages_published", "messages", METRIC_NONE, false,
     "due in the measured time, and published within a second of its end"},
    {"messages_received", "messages", METRIC_NONE, false, "copies of these"},
    {"messages_duplicated", "messages", METRIC_LOWER, false, "received again, warm-up included"},
    {"messages_reordered", "messages", METRIC_LOWER, false,
     "received after a later one of the same member, warm-up included"},
    {"fan_out", "copies", METRIC_NONE, false, "that arrived of each message"},
    {"client_cpu_per_message", "us", METRIC_LOWER, false,
     "CPU time of the processes with members for a message"},
    {"message_bytes", "B", METRIC_LOWER, false,
     "bytes of TCP and of its and IP's headers that a message takes at the broker, both ways "
     "(estimate: " FLEET_HEADERS ")"},
    {"capacity_tried", "steps", METRIC_NONE, false, "rates that were tried, with rate = capacity"},
    {"capacity_above", "1/s", METRIC_NONE, false, "the smallest of them that was bad, twice"},
    METRICS_OF_PROCESS,
};
static const struct role roles[] = {
    {.name = "fleet-subscriber",
     .party = PARTY_CLIENT1,
     .run = fleet_subscribers_run,
     .many_files = true},
    FLEET_CLIENTS_ROLE("fleet-clients"),
};

const struct probe probe_fleet = {
    .group = &group,
    .help = "many clients publish, each on a schedule of its own: rate, latency, costs",
    .metrics = metrics,
    .n_metrics = ARRAY_SIZE(metrics),
    .roles = roles,
    .n_roles = ARRAY_SIZE(roles),
    .fleet = true,
    .in_channel = true,
    .subscribers = subscribers,
    .headline = headline,
    .check = check,
    .planned_ns = planned_ns,
    .conduct = conduct,
};
