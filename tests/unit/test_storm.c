/* probes/storm, with a conductor of the test's: a link that was cut is joined again, whatever fails
 * meanwhile. */
#include "workshop.h"

#include "base/clock.h"
#include "probes/conductor.h"
#include "probes/storm.h"

struct fake {
    struct conductor conductor; /* first: a probe's conductor is this */
    const char *fails;          /* the word, or verb, that fails */
    bool is_cut;
    int n_cuts;
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
    (void)whom;
    json_decref(facts);
    return fail_at(conductor, word, error);
}

static int hear(struct conductor *conductor, enum conductor_whom whom, int64_t limit_ns,
                json_t **ret, struct error *error) {
    (void)whom;
    (void)limit_ns;
    (void)error;
    if (ret)
        *ret = json_pack("[{s:I}]", "up", (json_int_t)conductor->fleet->clients);
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
    (void)conductor;
    (void)name;
    (void)value;
}

static void test_link_is_joined(void **state) {
    static const char *const failures[] = {"drop", "cut_link"};
    static const struct conductor_verbs verbs = {
        .tell = tell, .hear = hear, .cut_link = cut_link, .metric = metric};
    const struct fleet_plan fleet = {.clients = 3};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
        struct fake fake = {.conductor = {.verbs = &verbs, .fleet = &fleet}, .fails = failures[i]};
        void *block = setting_block_new(probe_storm.group);
        struct error error;

        assert_int_equal(
            setting_assign(setting_find(probe_storm.group, "kind"), block, "cut", &error), 0);
        assert_int_equal(probe_storm.conduct(&fake.conductor, block, &error), -ECANCELED);
        assert_string_equal(error.text, failures[i]);
        assert_int_equal(fake.n_cuts, 1);
        assert_false(fake.is_cut);
        setting_block_free(probe_storm.group, block);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_link_is_joined)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
