#include "run/conduct.h"

#include "base/clock.h"
#include "base/jsonline.h"
#include "broker/mosquitto.h"
#include "hosts/control_group.h"
#include "hosts/lab.h"
#include "hosts/protocol.h"
#include "probes/conductor.h"
#include "run/room.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* A process that is told to stop sends its members away with DISCONNECT. */
#define STOP_NS (120 * NS_PER_S)
/* For each member of the fleet a connection may take so much longer than one alone. */
#define ANSWER_NS (10 * NS_PER_MS)

struct conducting {
    struct conductor conductor; /* first: a probe's conductor is this */
    struct running_trial *trial;
    struct trial_result *result;
    struct conductor_part *parts;
    size_t n_others;       /* workers that have no members: those in front */
    struct usage looks[2]; /* of the measured time at hand */
    bool kept;             /* the trial has its own already */
    bool own_group;        /* the broker's control group is neither the driver's nor members' */
    int64_t first_ns;      /* of its intervals */
};

static struct conducting *conducting_of(struct conductor *conductor) {
    return (struct conducting *)conductor;
}

/* The workers of one kind. */
static struct worker *find_workers(struct conducting *conducting, enum conductor_whom whom,
                                   size_t *ret_n) {
    struct running_trial *trial = conducting->trial;

    *ret_n = whom == CONDUCTOR_CLIENTS ? trial->n - conducting->n_others : conducting->n_others;
    return trial->workers + (whom == CONDUCTOR_CLIENTS ? conducting->n_others : 0);
}

/* ---- words and answers ---- */

/* By the clock of its host. */
static json_t *facts_for(const struct conducting *conducting, const struct worker *worker,
                         const json_t *facts) {
    const struct site *site = &conducting->trial->run->site;
    json_t *own = facts ? json_deep_copy(facts) : json_object();
    const json_t *at = json_object_get(own, "at_ns");

    if (at && site->workers->n_hosts > 1)
        (void)json_object_set_new(
            own, "at_ns",
            json_integer(json_integer_value(at) + site->clocks[worker->host].ahead_ns));
    return own;
}

static int tell(struct conductor *conductor, enum conductor_whom whom, const char *word,
                json_t *facts, struct error *error) {
    struct conducting *conducting = conducting_of(conductor);
    json_auto_t *all = facts;
    size_t n;
    struct worker *workers = find_workers(conducting, whom, &n);
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++)
        r = workers_ask(&conducting->trial->run->workers, &workers[i], word,
                        facts_for(conducting, &workers[i], all), error);
    return r;
}

static int hear(struct conductor *conductor, enum conductor_whom whom, int64_t limit_ns,
                json_t **ret, struct error *error) {
    struct conducting *conducting = conducting_of(conductor);
    size_t n;
    struct worker *workers = find_workers(conducting, whom, &n);
    int r = workers_hear_answers(&conducting->trial->run->workers, workers, n,
                                 clock_monotonic_ns() + limit_ns, error);

    if (r < 0 || !ret)
        return r;
    *ret = json_array();
    for (size_t i = 0; i < n; i++)
        (void)json_array_append(*ret, workers[i].answer);
    return 0;
}

static int wait_until(struct conductor *conductor, int64_t until_ns, struct error *error) {
    return workers_watch(&conducting_of(conductor)->trial->run->workers, until_ns, error);
}

/* ---- the broker's control group ---- */

static int ask_group(const struct conducting *conducting, size_t host, json_t **ret,
                     struct error *error) {
    return host_order(conducting->trial->run->workers.hosts[host], "group", NULL, ret, error);
}

/* Whether the driver is in that group of the broker's machine. */
static bool holds_driver(const char *group, const char *machine) {
    CLEANUP_FREE char *boot = protocol_boot();
    CLEANUP_FREE char *own = NULL;
    double bytes;

    if (!boot || !text_equal(boot, machine))
        return false;
    own = control_group_memory("", &bytes);
    return !own || control_group_holds(group, own);
}

/* What a group takes tells something of the broker where nobody's memory is in it that grows with
 * the members as well. */
static int judge_group(struct conducting *conducting, struct error *error) {
    const struct workers *workers = &conducting->trial->run->workers;
    const char *machine = host_machine(workers->hosts[0]), *group;
    json_auto_t *broker = NULL;
    size_t first, n = workers_publishers(workers, &first);
    int r = ask_group(conducting, 0, &broker, error);

    group = jsonline_text(broker, "group", NULL);
    conducting->own_group = r == 0 && group && first > 0 && !holds_driver(group, machine);
    for (size_t i = first; i < first + n && r == 0 && conducting->own_group; i++) {
        json_auto_t *other = NULL;

        if (!text_equal(host_machine(workers->hosts[i]), machine))
            continue;
        r = ask_group(conducting, i, &other, error);
        conducting->own_group = !control_group_holds(group, jsonline_text(other, "group", group));
    }
    return r;
}

/* ---- the broker and the link ---- */

static int look(struct conductor *conductor, struct conductor_look *ret, struct error *error) {
    struct conducting *conducting = conducting_of(conductor);
    struct workers *workers = &conducting->trial->run->workers;
    json_auto_t *answer = NULL, *group = NULL;
    int64_t at_ns;
    int r = host_order(workers->hosts[0], "broker-usage", NULL, &answer, error);

    if (r == -ESRCH)
        return workers_await_cause(workers, error_set(error, -ECANCELED, "the broker ended"),
                                   error);
    at_ns = clock_monotonic_ns();
    if (r == 0 && conducting->own_group)
        r = ask_group(conducting, 0, &group, error);
    if (r < 0)
        return r;
    *ret = (struct conductor_look){.at_ns = at_ns,
                                   .cpu_s = usage_value(answer, "cpu_s"),
                                   .memory_bytes = usage_value(answer, "memory"),
                                   .group_bytes = usage_value(group, "memory_bytes")};
    return 0;
}

static int restart_broker(struct conductor *conductor, struct error *error) {
    return host_order(conducting_of(conductor)->trial->run->workers.hosts[0], "broker-restart",
                      NULL, NULL, error);
}

static int cut_link(struct conductor *conductor, bool cut, bool *ret, struct error *error) {
    struct workers *workers = &conducting_of(conductor)->trial->run->workers;
    size_t first, n = workers_publishers(workers, &first);
    int r = 0;

    *ret = lab_is(host_spec(workers->hosts[first]));
    /* All others are joined also when one is lost. */
    for (size_t i = first; *ret && i < first + n && (r == 0 || !cut); i++) {
        int one = host_order(workers->hosts[i], "lab-cut", json_pack("{s:b}", "cut", cut), NULL,
                             r < 0 ? NULL : error);

        r = r < 0 ? r : one;
    }
    if (r != -EOPNOTSUPP)
        return r;
    *ret = false; /* a relay, of which there is one link */
    return 0;
}

/* ---- the measured time ---- */

static int begin(struct conductor *conductor, struct error *error) {
    struct conducting *conducting = conducting_of(conductor);

    usage_clear(&conducting->looks[0]);
    usage_clear(&conducting->looks[1]);
    memset(conducting->looks, 0, sizeof(conducting->looks));
    return usage_look(conducting->trial->deployment, &conducting->looks[0], error);
}

static int end(struct conductor *conductor, struct error *error) {
    struct conducting *conducting = conducting_of(conductor);

    return usage_look(conducting->trial->deployment, &conducting->looks[1], error);
}

static void keep(struct conductor *conductor) {
    struct conducting *conducting = conducting_of(conductor);

    for (size_t i = 0; i < ARRAY_SIZE(conducting->looks); i++) {
        usage_clear(&conducting->trial->looks[i]);
        conducting->trial->looks[i] = conducting->looks[i];
    }
    memset(conducting->looks, 0, sizeof(conducting->looks));
    conducting->kept = true;
}

/* ---- the record ---- */

static void metric(struct conductor *conductor, const char *name, double value) {
    struct conducting *conducting = conducting_of(conductor);
    struct running_trial *trial = conducting->trial;

    if (!isfinite(value))
        return;
    journal_metric(trial->run->journal, trial->id, "client2", "fleet", name, value);
    if (text_equal(name, probe_headline(trial->probe, trial->run->scenario)->name))
        conducting->result->headline = value;
}

static void distribution(struct conductor *conductor, const char *name, const char *unit,
                         const struct histogram *histogram, double scale) {
    struct running_trial *trial = conducting_of(conductor)->trial;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (histogram->counts[i])
            journal_distribution(trial->run->journal, trial->id, name, unit,
                                 (double)histogram_upper_bound(i) / scale, histogram->counts[i]);
}

static void interval(struct conductor *conductor, int64_t start_ns, int64_t end_ns, int64_t bytes) {
    struct conducting *conducting = conducting_of(conductor);
    struct running_trial *trial = conducting->trial;

    if (!conducting->first_ns)
        conducting->first_ns = start_ns;
    journal_interval(trial->run->journal, trial->id, "client2",
                     (double)(start_ns - conducting->first_ns) / 1e9,
                     (double)(end_ns - conducting->first_ns) / 1e9, bytes);
}

static void remark(struct conductor *conductor, const char *words) {
    struct running_trial *trial = conducting_of(conductor)->trial;

    if (!trial->remarks)
        trial->remarks = text_copy("");
    text_append(&trial->remarks, "; ", words);
}

static const struct conductor_verbs verbs = {
    .tell = tell,
    .hear = hear,
    .wait = wait_until,
    .look = look,
    .restart_broker = restart_broker,
    .cut_link = cut_link,
    .begin = begin,
    .end = end,
    .keep = keep,
    .metric = metric,
    .distribution = distribution,
    .interval = interval,
    .remark = remark,
};

/* ---- the processes ---- */

/* The cores that processes with members may take on a host, a part of its machine's: other hosts of
 * publishers may be there. What control groups permit is for each host alone, but in a lab. */
static double cores_of(const struct running_trial *trial, size_t host, const json_t *busy) {
    const struct workers *workers = &trial->run->workers;
    double cores = usage_value(busy, "cores"), quota = usage_value(busy, "quota"), hosts = 0;
    size_t first, n = workers_publishers(workers, &first);

    for (size_t i = first; i < first + n; i++)
        hosts += text_equal(host_machine(workers->hosts[i]), host_machine(workers->hosts[host]));
    if (isfinite(quota) && lab_is(host_spec(workers->hosts[host])))
        quota /= hosts;
    return fmin(isfinite(cores) ? cores / hosts : 1, isfinite(quota) ? quota : INFINITY);
}

/* One for each of these cores, if there are members enough. */
static int count_processes(const struct running_trial *trial, size_t host, int64_t members,
                           int64_t *ret, struct error *error) {
    json_auto_t *busy = NULL;
    int r = host_order(trial->run->workers.hosts[host], "busy", NULL, &busy, error);

    if (r == 0)
        *ret = (int64_t)room_processes((int64_t)cores_of(trial, host, busy), members);
    return r;
}

/* How far a host's clock is ahead of the subscribers' host's. */
static void compare_clocks(const struct running_trial *trial, size_t host,
                           struct conductor_part *part) {
    const struct host_clock *clocks = trial->run->site.clocks;

    if (trial->run->workers.n_hosts == 1)
        return;
    part->ahead_ns = clocks[host].ahead_ns - clocks[0].ahead_ns;
    part->bound_ns = host ? clocks[host].bound_ns + clocks[0].bound_ns : 0;
}

/* What each process has: hosts in their order, and on each one part a process. A host's part is as
 * in the preparation of certificates (run/issue.c). hosts[i]: that of part i. */
static int plan_parts(struct conducting *conducting, size_t *hosts, struct error *error) {
    const struct running_trial *trial = conducting->trial;
    size_t first, n = workers_publishers(&trial->run->workers, &first);
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        struct fleet_part whole = fleet_part(conducting->conductor.fleet->clients, n, i);
        int64_t n_processes = 0;

        r = count_processes(trial, first + i, whole.count, &n_processes, error);
        for (int64_t k = 0; k < n_processes && r == 0; k++) {
            struct conductor_part *part = &conducting->parts[conducting->conductor.n_parts];

            part->members = fleet_part(whole.count, (size_t)n_processes, (size_t)k);
            part->members.first += whole.first;
            compare_clocks(trial, first + i, part);
            hosts[conducting->conductor.n_parts++] = first + i;
        }
    }
    return r;
}

static json_t *describe_role(const struct running_trial *trial) {
    const struct broker_settings *broker =
        settings_get(&trial->run->scenario->settings, &broker_group);
    CLEANUP_FREE char *topic = running_trial_topic(trial);

    return json_pack("{s:s,s:I,s:I}", "topic", topic, "tag", (json_int_t)running_trial_tag(trial),
                     "inflight", (json_int_t)broker->max_inflight);
}

static int start_part(struct conducting *conducting, const struct role *role, size_t host, size_t i,
                      struct error *error) {
    struct running_trial *trial = conducting->trial;
    const struct conductor_part *part = &conducting->parts[i];
    json_t *params = describe_role(trial);

    (void)json_object_set_new(params, "first", json_integer(part->members.first));
    (void)json_object_set_new(params, "count", json_integer(part->members.count));
    (void)json_object_set_new(params, "part", json_integer((json_int_t)i));
    (void)json_object_set_new(params, "n_parts",
                              json_integer((json_int_t)conducting->conductor.n_parts));
    return workers_start_on(&trial->run->workers, &trial->workers[trial->n++], role, host, params,
                            WORKER_READY, TRIAL_READY_NS, error);
}

static const struct role *fleet_role(const struct probe *probe) {
    size_t i = 0;

    while (!probe->roles[i].fleet)
        i++;
    return &probe->roles[i];
}

static int start_workers(struct conducting *conducting, const size_t *hosts, struct error *error) {
    struct running_trial *trial = conducting->trial;
    const struct probe *probe = trial->probe;
    int r = 0;

    trial->workers =
        memory_new(probe->n_roles + conducting->conductor.n_parts, sizeof(*trial->workers));
    for (size_t i = 0; i < probe->n_roles && r == 0; i++) {
        if (probe->roles[i].fleet)
            continue;
        conducting->n_others++;
        r = workers_start(&trial->run->workers, &trial->workers[trial->n++], &probe->roles[i],
                          describe_role(trial), WORKER_READY, TRIAL_READY_NS, error);
    }
    for (size_t i = 0; i < conducting->conductor.n_parts && r == 0; i++)
        r = start_part(conducting, fleet_role(probe), hosts[i], i, error);
    return r;
}

static int stop_workers(struct running_trial *trial, struct error *error) {
    int r = 0;

    for (size_t i = 0; i < trial->n && r == 0; i++)
        r = workers_signal(&trial->run->workers, &trial->workers[i], "stop", NULL, error);
    return r < 0 ? r
                 : workers_await(&trial->run->workers, trial->workers, trial->n, WORKER_RESULT,
                                 clock_monotonic_ns() + STOP_NS, error);
}

/* ---- all of it ---- */

static int conduct_all(struct conducting *conducting, struct error *error) {
    struct running_trial *trial = conducting->trial;
    CLEANUP_FREE size_t *hosts = memory_new(WORKERS_MAX, sizeof(*hosts));
    int r = restart_broker(&conducting->conductor, error);

    /* Anew: since the deployment began, clocks of several machines have drifted further apart than
     * the bound that was found then. */
    if (r == 0)
        r = site_compare_clocks(&trial->run->site, error);
    if (r == 0)
        r = judge_group(conducting, error);
    if (r == 0)
        r = plan_parts(conducting, hosts, error);
    if (r == 0)
        r = start_workers(conducting, hosts, error);
    if (r == 0)
        r = trial->probe->conduct(&conducting->conductor, trial->id->measurement->settings, error);
    if (r < 0)
        return r;
    if (!conducting->kept)
        keep(&conducting->conductor);
    trial->units = conducting->conductor.units;
    conducting->result->duration_s = (double)conducting->conductor.window_ns / 1e9;
    return stop_workers(trial, error);
}

int conduct(struct running_trial *trial, struct trial_result *result, struct error *error) {
    CLEANUP_FREE struct conductor_part *parts = memory_new(WORKERS_MAX, sizeof(*parts));
    const struct fleet_plan *fleet = settings_get(&trial->run->scenario->settings, &fleet_group);
    struct conducting conducting = {
        .conductor = {.verbs = &verbs,
                      .fleet = fleet,
                      .parts = parts,
                      .answer_ns = CLIENT_ANSWER_NS + fleet->clients * ANSWER_NS},
        .trial = trial,
        .result = result,
        .parts = parts,
    };
    int r = conduct_all(&conducting, error);

    usage_clear(&conducting.looks[0]);
    usage_clear(&conducting.looks[1]);
    return r;
}

/* Of all processes of the host: the sum. */
static double sum_of_host(const struct running_trial *trial, size_t host, const char *name) {
    double sum = 0;

    for (size_t i = 0; i < trial->n; i++)
        if (trial->workers[i].role->fleet && trial->workers[i].host == host)
            sum += json_number_value(
                json_object_get(json_object_get(trial->workers[i].result, "metrics"), name));
    return sum;
}

void conduct_write_hosts(const struct running_trial *trial) {
    const struct workers *workers = &trial->run->workers;
    const json_t *metrics = NULL, *value;
    const char *name;
    size_t first, n = workers_publishers(workers, &first);

    for (size_t i = 0; i < trial->n && !metrics; i++)
        if (trial->workers[i].role->fleet)
            metrics = json_object_get(trial->workers[i].result, "metrics");
    for (size_t host = first; host < first + n; host++) {
        json_object_foreach((json_t *)metrics, name, value) journal_host_metric(
            trial->run->journal, trial->id, "client2", "clients", host_spec(workers->hosts[host]),
            name, sum_of_host(trial, host, name));
    }
}
