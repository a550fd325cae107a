/* model/scenario: varied settings, [vary]: their channels and measurements, what these are called,
 * and what is refused. run/journal: what each variant stands for, in factors.csv. */
#include "workshop.h"

#include "run/journal.h"

#define BASE                                                                                       \
    "[scenario]\nchannels = plain mutual login\nprobes = path delivery\n"                          \
    "[channel.login]\nuse = password\n"
#define GROUPS "channel.mutual.tls.groups"

static char *folder_with(const char *text) {
    char *folder = workshop_make();

    workshop_put(folder, "channels/plain.ini", "[channel]\nuse =\n");
    workshop_put(folder, "channels/again.ini", "[channel]\ninherits = plain\ncontrol = same\n");
    workshop_put(folder, "channels/mutual.ini", "[channel]\nuse = tls certificate\n");
    workshop_put(folder, "main.ini", text);
    return folder;
}

static struct scenario *load(const char *text, const struct scenario_override *overrides,
                             size_t n) {
    CLEANUP(workshop_removep) char *folder = folder_with(text);
    struct scenario *scenario = NULL;
    struct error error = {""};

    if (scenario_load(&scenario, workshop_registry(), folder, "main", overrides, n, &error) != 0)
        fail_msg("%s", error.text);
    return scenario;
}

static char *resolved(const struct scenario *scenario) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    scenario_write(scenario, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* "plain|mutual groups=X25519|...": the channels as they are measured. */
static void assert_channels(const struct scenario *scenario, const char *expected) {
    CLEANUP_FREE char *list = text_copy("");

    for (size_t i = 0; i < scenario->n_channels; i++) {
        CLEANUP_FREE char *label = channel_label(&scenario->channels[i]);

        text_append(&list, "|", label);
    }
    assert_string_equal(list, expected);
}

static void assert_measurements(const struct scenario *scenario, const char *expected) {
    CLEANUP_FREE char *list = text_copy("");

    for (size_t i = 0; i < scenario->n_measurements; i++) {
        const struct measurement *measurement = &scenario->measurements[i];
        CLEANUP_FREE char *one = text_format("%s %s", measurement->probe, measurement->variant);

        text_append(&list, "|", one);
    }
    assert_string_equal(list, expected);
}

/* What a channel's or measurement's settings really are. */
static void assert_value(const struct setting_group *group, const char *key, const void *settings,
                         const char *expected) {
    CLEANUP_FREE char *value = setting_format(setting_find(group, key), settings);

    assert_string_equal(value, expected);
}

static const struct setting_group *tls_group(void) {
    return registry_group(workshop_registry(), SETTING_CHANNEL, "tls");
}

/* ---- what there is to measure ---- */

static void test_nothing_is_varied(void **state) {
    CLEANUP(scenario_freep) struct scenario *scenario = load(BASE, NULL, 0);
    CLEANUP_FREE char *text = resolved(scenario);

    (void)state;
    assert_channels(scenario, "plain|mutual|login");
    assert_measurements(scenario, "path |delivery ");
    assert_has_not(text, "[vary]");
}

/* The last factor changes fastest, in the order of the file. */
static void test_channel_is_varied(void **state) {
    CLEANUP(scenario_freep)
    struct scenario *scenario = load(BASE "[vary]\n" GROUPS " = X25519 P-256\n"
                                          "channel.mutual.tls.key_type = ed25519 rsa:2048\n",
                                     NULL, 0);
    const struct channel *third;

    (void)state;
    assert_channels(scenario, "plain|mutual groups=X25519 key_type=ed25519|"
                              "mutual groups=X25519 key_type=rsa:2048|"
                              "mutual groups=P-256 key_type=ed25519|"
                              "mutual groups=P-256 key_type=rsa:2048|login");
    third = &scenario->channels[3];
    assert_value(tls_group(), "groups", settings_get(&third->settings, tls_group()), "P-256");
    assert_value(tls_group(), "key_type", settings_get(&third->settings, tls_group()), "ed25519");
    assert_measurements(scenario, "path |delivery ");
}

static void test_probe_is_varied(void **state) {
    CLEANUP(scenario_freep)
    struct scenario *scenario =
        load(BASE "[vary]\nprobe.delivery.payload = 1024B 30B\nprobe.delivery.qos = 0 1\n"
                  "probe.path.duration = 1s 2000ms\n",
             NULL, 0);
    const struct measurement *last;

    (void)state;
    assert_measurements(scenario, "path duration=1s|path duration=2s|"
                                  "delivery payload=1KiB qos=0|delivery payload=1KiB qos=1|"
                                  "delivery payload=30B qos=0|delivery payload=30B qos=1");
    last = &scenario->measurements[5];
    assert_value(last->group, "payload", last->settings, "30B");
    assert_value(last->group, "qos", last->settings, "1");
    assert_value(last->group, "window", last->settings, "0B");
    assert_channels(scenario, "plain|mutual|login");
}

static void test_variant_of_a_trial(void **state) {
    CLEANUP(scenario_freep)
    struct scenario *scenario =
        load(BASE "[vary]\nprobe.delivery.qos = 0 1\n" GROUPS " = X25519 P-256\n", NULL, 0);
    CLEANUP_FREE char *none = NULL, *channel = NULL, *probe = NULL, *both = NULL;

    (void)state;
    none = scenario_variant(&scenario->channels[0], &scenario->measurements[0]);
    channel = scenario_variant(&scenario->channels[1], &scenario->measurements[0]);
    probe = scenario_variant(&scenario->channels[0], &scenario->measurements[2]);
    both = scenario_variant(&scenario->channels[2], &scenario->measurements[2]);
    assert_string_equal(none, "");
    assert_string_equal(channel, "groups=X25519");
    assert_string_equal(probe, "qos=1");
    assert_string_equal(both, "groups=P-256 qos=1");
}

/* ---- names that would read the same ---- */

struct size_settings {
    int64_t bytes;
};
static const struct setting size_rows[] = {
    {"size", SETTING_BYTES, "1B", "1B", "1KiB", .help = "",
     .offset = offsetof(struct size_settings, bytes)},
};
static const struct setting_group one_group =
    SETTING_GROUP("one", SETTING_CHANNEL, size_rows, struct size_settings);
static const struct setting_group other_group =
    SETTING_GROUP("other", SETTING_CHANNEL, size_rows, struct size_settings);
static const struct setting_group probe_group =
    SETTING_GROUP("probe.p", SETTING_PROBE, size_rows, struct size_settings);

static void test_names_are_told_apart(void **state) {
    static const struct setting_group *const groups[] = {
        &scenario_group, &hosts_group, &probe_group, &channel_group, &one_group, &other_group};
    static const struct registry registry = {.groups = groups, .n_groups = ARRAY_SIZE(groups)};
    CLEANUP(workshop_removep)
    char *folder = folder_with("[scenario]\nchannels = plain a b\nprobes = p\n"
                               "[channel.a]\nuse = one other\n[channel.b]\nuse = one\n"
                               "[vary]\nchannel.a.one.size = 1B 2B\nchannel.a.other.size = 3B\n"
                               "channel.b.one.size = 4B\n");
    CLEANUP(scenario_freep) struct scenario *scenario = NULL, *second = NULL;
    struct scenario_override probe = {"--set", "vary.probe.p.size", "5B"};
    struct error error = {""};

    (void)state;
    assert_int_equal(scenario_load(&scenario, &registry, folder, "main", NULL, 0, &error), 0);
    assert_channels(scenario, "plain|a one.size=1B other.size=3B|a one.size=2B other.size=3B|"
                              "b size=4B");
    assert_int_equal(scenario_load(&second, &registry, folder, "main", &probe, 1, &error), 0);
    assert_channels(second, "plain|a one.size=1B other.size=3B|a one.size=2B other.size=3B|"
                            "b one.size=4B");
    assert_measurements(second, "p p.size=5B");
}

/* ---- the resolved scenario, the command line ---- */

static void test_resolved_is_the_same_experiment(void **state) {
    CLEANUP(scenario_freep)
    struct scenario *scenario = load(
        BASE "[vary]\nprobe.delivery.payload = 1024B 30B\n" GROUPS " = P-256 X25519\n", NULL, 0);
    CLEANUP_FREE char *text = resolved(scenario), *again = NULL;
    CLEANUP(scenario_freep) struct scenario *second = load(text, NULL, 0);

    (void)state;
    again = resolved(second);
    assert_string_equal(again, text);
    assert_has(text, "\n[vary]\nprobe.delivery.payload = 1KiB 30B\n" GROUPS " = P-256 X25519\n");
    assert_has(text, "\n[channel.mutual]\n");
    assert_has(text, "\ntls.groups = P-256\n");
    assert_null(strstr(strstr(text, "[channel.mutual]") + 1, "[channel.mutual]"));
    assert_channels(second, "plain|mutual groups=P-256|mutual groups=X25519|login");
}

/* Values take as many lines as they need, in a scenario and in the resolved one. */
static void test_resolved_in_several_lines(void **state) {
    CLEANUP_FREE char *value = text_copy(""), *text = NULL, *again = NULL;
    struct scenario_override given = {"--set", "vary.probe.path.duration", NULL};
    CLEANUP(scenario_freep) struct scenario *scenario = NULL, *second = NULL;

    (void)state;
    for (int i = 101; i < 141; i++) {
        CLEANUP_FREE char *one = text_format("%dms", i);

        text_append(&value, " ", one);
    }
    given.value = value;
    scenario = load(BASE, &given, 1);
    text = resolved(scenario);
    assert_has(text, "\nprobe.path.duration = 101ms 102ms ");
    assert_has(text, "\nprobe.path.duration += ");
    second = load(text, NULL, 0);
    again = resolved(second);
    assert_string_equal(again, text);
    assert_int_equal(second->factors[0].n_values, 40);
}

static void test_command_line_varies(void **state) {
    static const struct scenario_override overrides[] = {
        {"--set", "vary." GROUPS, "X448"},
        {"--set", "vary.probe.path.duration", "1s 2s"},
    };
    CLEANUP(scenario_freep)
    struct scenario *scenario =
        load(BASE "[vary]\n" GROUPS " = X25519 P-256\n", overrides, ARRAY_SIZE(overrides));

    (void)state;
    assert_channels(scenario, "plain|mutual groups=X448|login");
    assert_measurements(scenario, "path duration=1s|path duration=2s|delivery ");
}

static void test_command_line_leaves_out(void **state) {
    static const struct scenario_override overrides[] = {
        {"--channels", "scenario.channels", "plain login"},
        {"--probes", "scenario.probes", "path"},
    };
    CLEANUP(scenario_freep)
    struct scenario *scenario =
        load(BASE "[vary]\n" GROUPS " = X25519 P-256\nprobe.delivery.qos = 0 1\n", overrides,
             ARRAY_SIZE(overrides));
    CLEANUP_FREE char *text = resolved(scenario);

    (void)state;
    assert_channels(scenario, "plain|login");
    assert_measurements(scenario, "path ");
    assert_has_not(text, "[vary]");
}

/* ---- factors.csv ---- */

static void test_factors(void **state) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    CLEANUP(scenario_freep)
    struct scenario *scenario =
        load("[scenario]\nchannels = plain mutual\nprobes = path delivery\n[vary]\n" GROUPS
             " = X25519 P-256\nprobe.path.duration = 1s\nprobe.delivery.duration = 1s\n",
             NULL, 0);
    json_auto_t *environment = json_object();
    CLEANUP(journal_closep) struct journal *journal = NULL;
    CLEANUP_FREE char *text = NULL;

    (void)state;
    assert_int_equal(journal_create(&journal, folder, scenario, environment, NULL), 0);
    text = workshop_get(journal_folder(journal), "factors.csv");
    assert_string_equal(text, "channel,variant,factor,value\n"
                              "plain,duration=1s,probe.path.duration,1s\n"
                              "plain,duration=1s,probe.delivery.duration,1s\n"
                              "mutual,groups=X25519," GROUPS ",X25519\n"
                              "mutual,groups=X25519 duration=1s," GROUPS ",X25519\n"
                              "mutual,groups=X25519 duration=1s,probe.path.duration,1s\n"
                              "mutual,groups=X25519 duration=1s,probe.delivery.duration,1s\n"
                              "mutual,groups=P-256," GROUPS ",P-256\n"
                              "mutual,groups=P-256 duration=1s," GROUPS ",P-256\n"
                              "mutual,groups=P-256 duration=1s,probe.path.duration,1s\n"
                              "mutual,groups=P-256 duration=1s,probe.delivery.duration,1s\n");
}

/* ---- what is refused ---- */

static void assert_refused(const char *text, const struct scenario_override *override,
                           const char *expected) {
    CLEANUP(workshop_removep) char *folder = folder_with(text);
    CLEANUP_FREE char *start =
        *expected == '@' ? text_format("%s%s", folder, expected + 1) : text_copy(expected);
    struct scenario *scenario = NULL;
    struct error error = {""};
    int r = scenario_load(&scenario, workshop_registry(), folder, "main", override,
                          override ? 1 : 0, &error);

    if (r != -EINVAL && r != -ERANGE)
        fail_msg("%d (%s) for:\n%s", r, error.text, text);
    assert_null(scenario);
    if (strncmp(error.text, start, strlen(start)) != 0)
        fail_msg("'%s' does not begin with '%s'", error.text, start);
}

static void test_refused(void **state) {
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"nothing = 1", "nothing: no setting that can be varied; right would be, say, "},
        {"scenario.seed = 1 2", "scenario.seed: is the same for a whole run; settings of"},
        {"hosts.broker = local lab:a", "hosts.broker: is the same for a whole run; "},
        {"channel.plain.tls.groups = X25519", "channel.plain.tls.groups: plain is the baseline,"},
        {"channel.again.tls.groups = X25519", "channel.again.tls.groups: again is a control,"},
        {"channel.gone.tls.groups = X25519",
         "channel.gone.tls.groups: 'gone' is none of the channels (plain mutual again)"},
        {"channel.mutual = 1", "channel.mutual: only settings of mechanisms can be varied"},
        {"channel.mutual.use = tls", "channel.mutual.use: only settings of mechanisms can be"},
        {"channel.mutual.tsl.groups = 1",
         "channel.mutual.tsl.groups: unknown mechanism (did you mean tls?); known"},
        {"channel.mutual.tls.group = 1",
         "channel.mutual.tls.group: unknown key (did you mean groups?); "},
        {"channel.mutual.password.user = a b",
         "channel.mutual.password.user: the channel does not use password (use = tls certificate)"},
        {"probe.paths.duration = 1s",
         "probe.paths.duration: unknown probe (did you mean path?); known are path, "},
        {"probe.transport.duration = 1s",
         "probe.transport.duration: 'transport' is none of the probes (path delivery)"},
        {"probe.path.size = 1s", "probe.path.size: unknown key; "},
        {"probe.path.duration =", "probe.path.duration: has no value; right would be some"},
        {"probe.path.duration = 1s 1x", "probe.path.duration: "},
        {"probe.path.duration = 1s 2h", "probe.path.duration: '2h' is out of bounds; "},
        {"probe.path.duration = 1s 1000ms", "probe.path.duration: names '1000ms' twice"},
        {"channel.mutual.tls.max_version = 1.3 1.2",
         "channel.mutual.tls.max_version: with max_version=1.2: tls.max_version: is below"},
        {"channel.mutual.tls.suites = TLS_NONE",
         "channel.mutual.tls.suites: with suites=TLS_NONE: tls.suites: "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *text = text_format("[scenario]\nchannels = plain mutual again\n"
                                              "probes = path delivery\n[vary]\n%s\n",
                                              cases[i].line);
        CLEANUP_FREE char *message = text_format("@/main.ini:5: [vary] %s", cases[i].message);

        assert_refused(text, NULL, message);
    }
}

/* The line that a check complains of, and of several the first. */
static void test_refused_combination(void **state) {
    (void)state;
    assert_refused(BASE "[vary]\nchannel.mutual.tls.min_version = 1.2 1.3\n"
                        "channel.mutual.tls.max_version = 1.2 1.3\n",
                   NULL,
                   "@/main.ini:8: [vary] channel.mutual.tls.max_version: with min_version=1.3 "
                   "max_version=1.2: tls.max_version: is below tls.min_version");
    assert_refused(BASE "[vary]\nchannel.mutual.tls.groups = X25519\n"
                        "channel.mutual.tls.max_version = 1.2\n"
                        "channel.mutual.tls.min_version = 1.2\n"
                        "[channel.mutual]\ntls.suites = TLS_AES_128_GCM_SHA256\n",
                   NULL,
                   "@/main.ini:7: [vary] channel.mutual.tls.groups: with groups=X25519 "
                   "max_version=1.2 min_version=1.2: tls.suites: are of TLS 1.3");
}

static void test_refused_on_the_command_line(void **state) {
    static const struct scenario_override override = {"--set", "vary.channel.x.tls.groups", "1"};

    (void)state;
    assert_refused(BASE, &override, "--set vary.channel.x.tls.groups: 'x' is none of the channels");
}

/* Three channels and 2 x 12 x 9 measurements. */
static void test_too_many(void **state) {
    (void)state;
    assert_refused(BASE "[vary]\nprobe.delivery.qos = 0 1\n"
                        "probe.delivery.payload = 8B 9B 10B 11B 12B 13B 14B 15B 16B 17B 18B 19B\n"
                        "probe.delivery.duration = 1s 2s 3s 4s 5s 6s 7s 8s 9s\n",
                   NULL,
                   "@/main.ini:9: [vary] probe.delivery.duration: with what else is varied this "
                   "makes more than 256 trials of every block; vary less at a time");
}

/* A path that cannot be a key of the resolved scenario. */
static void test_too_long(void **state) {
    static const char name[] = "a-name-of-forty-bytes-which-is-the-limit";
    CLEANUP_FREE char *path = text_format("vary.channel.%s.tls.suites", name);
    CLEANUP_FREE char *text = text_format("[scenario]\nchannels = plain %s\nprobes = path\n"
                                          "[channel.%s]\ninherits = mutual\n",
                                          name, name);
    CLEANUP_FREE char *message = text_format("--set %s: is too long; a path of", path);
#define SUITE_NAMES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
    const struct scenario_override override = {"--set", path,
                                               SUITE_NAMES ":" SUITE_NAMES ":" SUITE_NAMES};

    (void)state;
    assert_refused(text, &override, message);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_varied),
        cmocka_unit_test(test_channel_is_varied),
        cmocka_unit_test(test_probe_is_varied),
        cmocka_unit_test(test_variant_of_a_trial),
        cmocka_unit_test(test_names_are_told_apart),
        cmocka_unit_test(test_resolved_is_the_same_experiment),
        cmocka_unit_test(test_resolved_in_several_lines),
        cmocka_unit_test(test_command_line_varies),
        cmocka_unit_test(test_command_line_leaves_out),
        cmocka_unit_test(test_factors),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_refused_combination),
        cmocka_unit_test(test_refused_on_the_command_line),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
