/* Probes that direct many processes, with a conductor of the test's: a link that was cut is joined
 * again, whatever fails meanwhile; what is subtracted covers all that is counted, however long it
 * takes to look at all hosts; what members that are absent do not publish is not the broker's
 * limit; a client's memory is also what it takes before it connects. */
#include "workshop.h"

#include "near.h"

#include "base/clock.h"
#include "probes/conductor.h"
#include "probes/fleet.h"
#include "probes/hold.h"
#include "probes/storm.h"
#include "probes/told_histogram.h"

#include <math.h>

#define CLIENTS 100
/* How long all hosts are looked at, and what comes back is awaited. */
#define HOSTS_NS (2 * NS_PER_S)
#define STORM_NS (5 * NS_PER_S)

/* A broker that takes one core all the time, and one byte a nanosecond comes from its clients. */
struct fake {
    struct conductor conductor; /* first: a probe's conductor is this */
    const char *fails;          /* the word, or verb, that fails */
    bool is_cut;
    int n_cuts;
    int64_t now_ns;
    const char *word; /* told last */
    double up;
    int absent, absent_from; /* so many do not come up, from that time on that all are to connect */
    json_t *metrics;
};

static struct fake *fake_of(struct conductor *conductor) {
    return (struct fake *)conductor;
}

static int fail_at(struct conductor *conductor, const char *what, struct error *error) {
    return text_equal(what, fake_of(conductor)->fails) ? error_set(error, -ECANCELED, "%s", what)
                                                       : 0;
}

static int tell(struct conductor *conductor, enum conductor_whom whom, const char *word,
                json_t *facts, struct error *error) {
    struct fake *fake = fake_of(conductor);

    (void)whom;
    fake->word = word;
    if (text_equal(word, "connect"))
        fake->up = ceil(CLIENTS * json_number_value(json_object_get(facts, "share"))) -
                   (fake->absent_from-- > 0 ? 0 : fake->absent);
    json_decref(facts);
    return fail_at(conductor, word, error);
}

/* All are back at once, and each was let in. */
static json_t *say_back(void) {
    CLEANUP_FREE struct histogram *back = memory_new(1, sizeof(*back));

    for (int i = 0; i < CLIENTS; i++)
        histogram_record(back, NS_PER_MS);
    return histogram_to_json(back);
}

static int hear(struct conductor *conductor, enum conductor_whom whom, int64_t limit_ns,
                json_t **ret, struct error *error) {
    struct fake *fake = fake_of(conductor);
    bool back = text_equal(fake->word, "storm");

    (void)whom;
    (void)limit_ns;
    (void)error;
    fake->now_ns += back ? STORM_NS : 0;
    if (!ret)
        return 0;
    if (text_equal(fake->word, "open")) {
        *ret = json_pack("[{s:i,s:i},{s:i,s:i}]", "made", 1, "made_bytes", 5000, "made", 3,
                         "made_bytes", 23000);
        return 0;
    }
    *ret = json_pack("[{s:f,s:f,s:i,s:f,s:{s:i}}]", "up", fake->up, "wire_bytes",
                     (double)fake->now_ns, "accepted", back ? CLIENTS : 0, "memory",
                     1e6 + 100 * fake->up, "reasons", "closed", (int)(CLIENTS - fake->up));
    if (back)
        (void)json_object_set_new(json_array_get(*ret, 0), "back", say_back());
    return 0;
}

static int wait_until(struct conductor *conductor, int64_t until_ns, struct error *error) {
    struct fake *fake = fake_of(conductor);

    (void)error;
    if (until_ns > fake->now_ns)
        fake->now_ns = until_ns;
    return 0;
}

static int look(struct conductor *conductor, struct conductor_look *ret, struct error *error) {
    struct fake *fake = fake_of(conductor);

    (void)error;
    *ret = (struct conductor_look){.at_ns = fake->now_ns,
                                   .cpu_s = (double)fake->now_ns / 1e9,
                                   .memory_bytes = fake->up,
                                   .group_bytes = NAN};
    return 0;
}

static int look_at_hosts(struct conductor *conductor, struct error *error) {
    (void)error;
    fake_of(conductor)->now_ns += HOSTS_NS;
    return 0;
}

static int restart_broker(struct conductor *conductor, struct error *error) {
    (void)conductor;
    (void)error;
    return 0;
}

/* Fails as one of several hosts would, when others have cut theirs already. */
static int cut_link(struct conductor *conductor, bool cut, bool *ret, struct error *error) {
    struct fake *fake = fake_of(conductor);

    fake->is_cut = cut;
    fake->n_cuts += cut;
    *ret = true;
    return cut ? fail_at(conductor, "cut_link", error) : 0;
}

static void metric(struct conductor *conductor, const char *name, double value) {
    (void)json_object_set_new(fake_of(conductor)->metrics, name, json_real(value));
}

static void distribution(struct conductor *conductor, const char *name, const char *unit,
                         const struct histogram *histogram, double scale) {
    (void)conductor;
    (void)name;
    (void)unit;
    (void)histogram;
    (void)scale;
}

static void interval(struct conductor *conductor, int64_t start_ns, int64_t end_ns, int64_t bytes) {
    (void)conductor;
    (void)start_ns;
    (void)end_ns;
    (void)bytes;
}

/* With these settings, "NAME VALUE ..."; what the probe returns. */
static int conduct(struct fake *fake, const struct probe *probe, const char *const *settings,
                   struct error *error) {
    static const struct conductor_verbs verbs = {
        .tell = tell,
        .hear = hear,
        .wait = wait_until,
        .look = look,
        .restart_broker = restart_broker,
        .cut_link = cut_link,
        .begin = look_at_hosts,
        .end = look_at_hosts,
        .metric = metric,
        .distribution = distribution,
        .interval = interval,
    };
    static const struct fleet_plan fleet = {.clients = CLIENTS, .keepalive_ns = 5 * NS_PER_S};
    void *block = setting_block_new(probe->group);
    int r;

    for (; *settings; settings += 2)
        assert_int_equal(
            setting_assign(setting_find(probe->group, settings[0]), block, settings[1], error), 0);
    fake->conductor = (struct conductor){.verbs = &verbs, .fleet = &fleet};
    fake->now_ns = clock_monotonic_ns();
    fake->metrics = json_object();
    r = probe->conduct(&fake->conductor, block, error);
    setting_block_free(probe->group, block);
    return r;
}

static double value_of(const struct fake *fake, const char *name) {
    return json_number_value(json_object_get(fake->metrics, name));
}

static void test_link_is_joined(void **state) {
    static const char *const failures[] = {"drop", "cut_link"};
    static const char *const settings[] = {"kind", "cut", NULL};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
        struct fake fake = {.fails = failures[i]};
        struct error error;

        assert_int_equal(conduct(&fake, &probe_storm, settings, &error), -ECANCELED);
        assert_string_equal(error.text, failures[i]);
        assert_int_equal(fake.n_cuts, 1);
        assert_false(fake.is_cut);
        json_decref(fake.metrics);
    }
}

/* While the hosts are looked at, the storm may have begun: what the broker takes counts. */
static void test_storm_window(void **state) {
    static const char *const settings[] = {NULL};
    struct fake fake = {.fails = NULL};
    struct error error;

    (void)state;
    assert_int_equal(conduct(&fake, &probe_storm, settings, &error), 0);
    near(value_of(&fake, "connect_cpu"), (double)(HOSTS_NS + STORM_NS) / 1e3 / CLIENTS, 1);
    json_decref(fake.metrics);
}

/* Bytes and CPU time are of the time that they are divided by. */
static void test_hold_window(void **state) {
    static const char *const settings[] = {"duration", "10s", NULL};
    struct fake fake = {.fails = NULL};
    struct error error;

    (void)state;
    assert_int_equal(conduct(&fake, &probe_hold, settings, &error), 0);
    near(value_of(&fake, "keepalive_bytes_per_hour"), 3600e9 / CLIENTS, 1e6);
    near(value_of(&fake, "keepalive_cpu_per_hour"), 0, 1e-3);
    json_decref(fake.metrics);
}

/* A client takes memory when it is made, 7000 B here, and more when it connects. */
static void test_hold_clients(void **state) {
    static const char *const settings[] = {NULL};
    struct fake fake = {.fails = NULL};
    struct error error;

    (void)state;
    assert_int_equal(conduct(&fake, &probe_hold, settings, &error), 0);
    near(value_of(&fake, "memory_per_connection"), 1, 1e-6);
    near(value_of(&fake, "client_memory_per_connection"), 7100, 1e-6);
    json_decref(fake.metrics);
}

/* Nothing arrives at any rate. Members may be absent from the beginning, or be lost on the way. */
static void test_capacity_of_absent(void **state) {
    static const char *const settings[] = {"rate", "capacity", NULL};
    static const struct {
        int absent, absent_from;
        const char *words;
    } cases[] = {
        {1, 0, "99 of 100 members were up: 1 closed"},
        {5, 3, "95 of 100 members were up: 5 closed"},
        {0, 0,
         "the broker carries no rate within probe.fleet.limit: even 1 messages/s were too many"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fake fake = {.absent = cases[i].absent, .absent_from = cases[i].absent_from};
        struct error error = {""};

        assert_true(conduct(&fake, &probe_fleet, settings, &error) < 0);
        assert_string_equal(error.text, cases[i].words);
        json_decref(fake.metrics);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_is_joined),     cmocka_unit_test(test_storm_window),
        cmocka_unit_test(test_hold_window),        cmocka_unit_test(test_hold_clients),
        cmocka_unit_test(test_capacity_of_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
