/* model/scenario: everything that is refused, and that the message names file, line, section and
 * key. What is accepted: test_scenario. */
#include "workshop.h"

#define PLAIN "[scenario]\nchannels = plain\n"

/* The folder of a test: channel files, main.ini with the text, hosts.ini unless it is NULL. */
static char *folder_with(const char *text, const char *hosts) {
    char *folder = workshop_make();

    workshop_put(folder, "channels/plain.ini", "[channel]\nuse =\n");
    workshop_put(folder, "channels/mutual.ini", "[channel]\nuse = tls certificate\n");
    workshop_put(folder, "channels/bad-key.ini", "[channel]\nuse = tls\n[tls]\nversion = 1.3\n");
    workshop_put(folder, "channels/bad-use.ini", "[channel]\nuse = certificate\n");
    workshop_put(folder, "channels/unused.ini", "[channel]\nuse =\n\n[tls]\nmin_version = 1.2\n");
    workshop_put(folder, "main.ini", text);
    if (hosts)
        workshop_put(folder, "hosts.ini", hosts);
    return folder;
}

/* The message, with the folder in it called "@"; belongs to the caller. */
static char *message_of(const char *text, const char *hosts, const char *name,
                        const struct scenario_override *overrides, size_t n) {
    CLEANUP(workshop_removep) char *folder = folder_with(text, hosts);
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    struct error error = {""};
    char *place, *message;
    int r = scenario_load(&scenario, workshop_registry(), folder, name, overrides, n, &error);

    if (r != -EINVAL && r != -ERANGE)
        fail_msg("%d (%s) for:\n%s", r, error.text, text);
    assert_null(scenario);
    message = text_copy(error.text);
    place = strstr(message, folder);
    if (place) {
        *place = '@';
        memmove(place + 1, place + strlen(folder), strlen(place + strlen(folder)) + 1);
    }
    return message;
}

struct refusal {
    const char *text, *message; /* the message's start */
};

static void assert_refused(const struct refusal *refusal) {
    CLEANUP_FREE char *message = message_of(refusal->text, NULL, "main", NULL, 0);

    if (strncmp(message, refusal->message, strlen(refusal->message)) != 0)
        fail_msg("'%s' does not begin with '%s'", message, refusal->message);
}

#define ASSERT_REFUSED(refusals)                                                                   \
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)                                              \
    assert_refused(&(refusals)[i])

static void test_keys_and_values(void **state) {
    static const struct refusal refusals[] = {
        {PLAIN "repititions = 5\n",
         "@/main.ini:3: [scenario] repititions: unknown key (did you mean repetitions?); `bench "
         "list settings` shows all"},
        {PLAIN "repetitions = 0\n", "@/main.ini:3: [scenario] repetitions: '0' is out of bounds; "
                                    "right would be a number from 1 to 100000"},
        {PLAIN "repetitions = 5x\n", "@/main.ini:3: [scenario] repetitions: '5x' has the wrong"},
        {PLAIN "repetitions =\n", "@/main.ini:3: [scenario] repetitions: has no value; leave"},
        {PLAIN "order = random\n", "@/main.ini:3: [scenario] order: 'random' is none of: "
                                   "shuffled sequential"},
        {PLAIN "margin = 2\n", "@/main.ini:3: [scenario] margin: '2' lacks a unit (%)"},
        {PLAIN "margin = 60%\n", "@/main.ini:3: [scenario] margin: '60%' is out of bounds; right "
                                 "would be a share from 0.01% to 50%"},
        {PLAIN "margin = 0%\n", "@/main.ini:3: [scenario] margin: '0%' is out of bounds"},
        {PLAIN "seed = 4294967296\n", "@/main.ini:3: [scenario] seed: '4294967296' is out of"},
        {PLAIN "probes = path path\n", "@/main.ini:3: [scenario] probes: names 'path' twice"},
        {PLAIN "\n# x\n[probe.path]\nduration = 10\n",
         "@/main.ini:6: [probe.path] duration: '10' lacks a unit (us, ms, s, min, h or d); write, "
         "say, 10s"},
        {PLAIN "[telemetry]\npayload = 30b\n", "@/main.ini:4: [telemetry] payload: '30b' has the "
                                               "wrong unit"},
        {PLAIN "channels = plain\n", "@/main.ini:3: [scenario] channels: was set before, in line "
                                     "2; keep one"},
        {PLAIN "oops\n", "@/main.ini:3: neither a [section] nor 'key = value'"},
        {PLAIN "[channel.x]\nuse = tls\ntls.max_version = 1.1\n",
         "@/main.ini:5: [channel.x] tls.max_version: '1.1' is none of: 1.2 1.3"},
        {PLAIN "[channel.x]\nuse =\nusing = tls\n", "@/main.ini:5: [channel.x] using: unknown key"},
        {PLAIN "[channel.x]\nuse = tls\ntsl.groups = X25519\n",
         "@/main.ini:5: [channel.x] tsl.groups: unknown mechanism (did you mean tls?); known are "},
    };

    (void)state;
    ASSERT_REFUSED(refusals);
}

static void test_sections(void **state) {
    static const struct refusal refusals[] = {
        {PLAIN "[tls]\nmin_version = 1.2\n", "@/main.ini:4: [tls] min_version: unknown section"},
        {PLAIN "[Scenario]\nseed = 1\n", "@/main.ini:4: [Scenario] seed: unknown section"},
        {PLAIN "[client]\nport = 1\n", "@/main.ini:4: [client] port: unknown section"},
        {PLAIN "[channel]\nuse = tls\n", "@/main.ini:4: [channel] use: unknown section"},
        {PLAIN "[channel.]\nuse = tls\n", "@/main.ini:4: [channel.] use: unknown section"},
        {PLAIN "[probe.paths]\nduration = 1s\n",
         "@/main.ini:4: [probe.paths] duration: unknown probe (did you mean path?); known are "
         "path, transport, "
         "transport-per-unit, delivery"},
        {PLAIN "[probe]\npath = 1s\n", "@/main.ini:4: [probe] path: unknown probe; known are path"},
        {PLAIN "[vary]\nchannels = plain mutual\n",
         "@/main.ini:4: [vary] channels: no setting that can be varied"},
    };

    (void)state;
    ASSERT_REFUSED(refusals);
}

static void test_channel_files(void **state) {
    static const struct refusal refusals[] = {
        {"[scenario]\nchannels = bad-key\n",
         "@/channels/bad-key.ini:4: [tls] version: unknown key"},
        {PLAIN "[channel.x]\ninherits = bad-key\n",
         "@/channels/bad-key.ini:4: [tls] version: unknown key"},
        {PLAIN "[channel.bad-key]\ndescription = unlisted, and checked all the same\n",
         "@/channels/bad-key.ini:4: [tls] version: unknown key"},
    };

    (void)state;
    ASSERT_REFUSED(refusals);
}

/* A setting of a mechanism that is not used would silently mean nothing. */
static void test_settings_without_their_mechanism(void **state) {
    static const struct refusal refusals[] = {
        {PLAIN "[channel.plain]\ntls.min_version = 1.2\n",
         "@/main.ini:4: [channel.plain] tls.min_version: the channel does not use tls (use = )"},
        {PLAIN "[channel.x]\npassword.user = u\ninherits = mutual\n",
         "@/main.ini:4: [channel.x] password.user: the channel does not use password (use = tls "
         "certificate)"},
        {PLAIN "[channel.x]\ninherits = mutual\nuse = password\ntls.groups = X25519\n",
         "@/main.ini:6: [channel.x] tls.groups: the channel does not use tls (use = password)"},
    };

    (void)state;
    ASSERT_REFUSED(refusals);
}

static void test_settings_without_their_mechanism_in_a_file(void **state) {
    static const struct refusal refusals[] = {
        {"[scenario]\nchannels = unused\n",
         "@/channels/unused.ini:5: [tls] min_version: the channel does not use tls"},
    };

    (void)state;
    ASSERT_REFUSED(refusals);
}

/* So many can be reported, and no more are kept. */
static void test_too_many_references(void **state) {
    CLEANUP_FREE char *text = text_copy(PLAIN "[reference]\n");

    (void)state;
    for (int i = 0; i <= SCENARIO_MAX_REFERENCES; i++) {
        CLEANUP_FREE char *line = text_format("path.plain-%d = 1\n", i);

        text_append(&text, "", line);
    }
    assert_refused(&(struct refusal){text, "@/main.ini:1004: [reference] path.plain-1000: is the "
                                           "1001st published value; at most 1000 can be reported"});
}

static void test_references(void **state) {
    static const struct refusal refusals[] = {
        {PLAIN "[reference]\npath = 1\n", "@/main.ini:4: [reference] path: none of `source`, "
                                          "PROBE.CHANNEL, PROBE.METRIC.CHANNEL and "
                                          "ratio.PROBE.METRIC.CHANNEL.BASELINE, as path.plain, "
                                          "connect.tls_time.tls and "},
        {PLAIN "[reference]\nratio.path.psk.plain = 1\n",
         "@/main.ini:4: [reference] ratio.path.psk.plain: none of `source`, "},
        {PLAIN "[reference]\nratio = 1\n", "@/main.ini:4: [reference] ratio: none of `source`, "},
        {PLAIN "[reference]\nratio. = 1\n", "@/main.ini:4: [reference] ratio.: none of "},
        {PLAIN "[reference]\nratio.... = 1\n", "@/main.ini:4: [reference] ratio....: unknown "
                                               "probe; known are path"},
        {PLAIN "[reference]\npath.. = 1\n", "@/main.ini:4: [reference] path..: unknown metric ''; "
                                            "path has throughput, "},
        {PLAIN "[reference]\nconnect.tsl_time.tls = 1\n",
         "@/main.ini:4: [reference] connect.tsl_time.tls: unknown metric 'tsl_time' (did you mean "
         "tls_time?); connect has "
         "connections_per_s, connect_time, "},
        {PLAIN "[reference]\nratio.path.tls_time.psk.plain = 1\n",
         "@/main.ini:4: [reference] ratio.path.tls_time.psk.plain: unknown metric 'tls_time'; path "
         "has throughput, "},
        {PLAIN "[reference]\nratio.connect.tls_time.tls.tls = 1\n",
         "@/main.ini:4: [reference] ratio.connect.tls_time.tls.tls: the ratio of a channel to "
         "itself is always 1"},
        {PLAIN "[reference]\nratio.connect.tls_time.tls.t+s = 1\n",
         "@/main.ini:4: [reference] ratio.connect.tls_time.tls.t+s: 't+s' is no name: "},
        {PLAIN "[reference]\nconnect.my client.tls_time.tls = 1\n",
         "@/main.ini:4: [reference] connect.my client.tls_time.tls: 'my client' is no name: "},
        {PLAIN "[reference]\nconnect..tls_time.tls = 1\n",
         "@/main.ini:4: [reference] connect..tls_time.tls: '' is no name: "},
        {PLAIN "[reference]\nratio.connect.tls_time.psk.tls = 0\n",
         "@/main.ini:4: [reference] ratio.connect.tls_time.psk.tls: '0' is not a positive number"},
        {PLAIN "[reference]\npath.plain = 1\npath.throughput.plain = 1\n",
         "@/main.ini:5: [reference] path.throughput.plain: is the same as path.plain; keep one"},
        {PLAIN "[reference]\nratio.path.throughput.a.b = 1\nratio.path.throughput.a.b = 1\n",
         "@/main.ini:5: [reference] ratio.path.throughput.a.b: was set before, in line 4; keep "
         "one"},
        {PLAIN "[reference]\npath.plain = fast\n", "@/main.ini:4: [reference] path.plain: 'fast' "
                                                   "is not a positive number, as in 13.4"},
        {PLAIN "[reference]\npath.plain = 13.4 Mbit/s\n", "@/main.ini:4: [reference] path.plain: "},
        {PLAIN "[reference]\npath.plain = -1\n", "@/main.ini:4: [reference] path.plain: "},
        {PLAIN "[reference]\npath.plain = 0\n", "@/main.ini:4: [reference] path.plain: "},
        {PLAIN "[reference]\npath.plain = nan\n", "@/main.ini:4: [reference] path.plain: "},
        {PLAIN "[reference]\npath.plain = 1e999\n", "@/main.ini:4: [reference] path.plain: "},
        {PLAIN "[reference]\npath.plain =\n", "@/main.ini:4: [reference] path.plain: "},
        {PLAIN "[reference]\npath.a b = 1\n", "@/main.ini:4: [reference] path.a b: 'a b' is no "
                                              "name"},
        {PLAIN "[reference]\nsource = \xff\n", "@/main.ini:4: [reference] source: is no UTF-8"},
    };

    (void)state;
    ASSERT_REFUSED(refusals);
}

/* A misspelt probe would silently be drawn nowhere. */
/* What could not be read again from the resolved scenario, by the report after hours. */
static void test_overridden_references(void **state) {
#define ZEROES "00000000000000000000000000000000000000000000000000"
    static const struct {
        const char *path, *value, *message;
    } rows[] = {
        {"reference.source", "a\n[x]", "neither ' ;' nor a line end can be part of a value"},
        {"reference.source", "a ; b", "neither ' ;' nor a line end can be part of a value"},
        {"reference.source", " a", "has blanks around it"},
        {"reference.path.plain", "1." ZEROES ZEROES ZEROES, "is too long; at most 150 bytes"},
        {"reference.path.plain", " 1", "has blanks around it"},
        {"reference.path.a=b", "1", "'a=b' is no name: letters, digits, '-' and '_' make one"},
        {"reference.path.", "1", "'' is no name: 1 to 40 bytes make one"},
        {"reference.ratio.path.client2.sender.tcp_per_payload_theory."
         "a234567890123456789012345678901234567890."
         "b234567890123456789012345678901234567890",
         "1",
         "is too long; a name of at most 120 bytes, in a line of at most 190, can be read again"},
        {"reference.ratio.path.throughput.a234567890123456789012345678901234567890.b",
         "1." ZEROES ZEROES "0000000000000000000000000000000000000000000",
         "is too long; a name of at most 120 bytes, in a line of at most 190, can be read again"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct scenario_override override = {"--set", rows[i].path, rows[i].value};
        CLEANUP_FREE char *message = message_of(PLAIN, NULL, "main", &override, 1);
        CLEANUP_FREE char *expected = text_format("--set %s: %s", rows[i].path, rows[i].message);

        assert_string_equal(message, expected);
    }
}

static void test_reference_of_unknown_probe(void **state) {
    static const struct refusal refusals[] = {
        {PLAIN "[reference]\npaht.plain = 13.4\n", "@/main.ini:4: [reference] paht.plain: unknown "
                                                   "probe (did you mean path?); known are path"},
    };

    (void)state;
    ASSERT_REFUSED(refusals);
}

static void test_inheritance(void **state) {
    static const char cycle[] = PLAIN "[channel.a]\ninherits = b\n[channel.b]\ninherits = a\n";
    static const char self[] = PLAIN "[channel.plain]\ninherits = plain\n";
    CLEANUP_FREE char *circle = message_of(cycle, NULL, "main", NULL, 0);
    CLEANUP_FREE char *loop = message_of(self, NULL, "main", NULL, 0);
    CLEANUP_FREE char *chain = text_copy(PLAIN);

    (void)state;
    assert_string_equal(circle,
                        "@/main.ini:4: [channel.a] inherits: inherits itself, or too deep a chain");
    assert_string_equal(
        loop, "@/main.ini:4: [channel.plain] inherits: inherits itself, or too deep a chain");
    for (int i = 0; i < 9; i++) { /* c0 inherits c1, ..., c8 inherits c9, which is plain's file */
        char *longer = text_format("%s[channel.c%d]\ninherits = c%d\n", chain, i, i + 1);

        free(chain);
        chain = longer;
    }
    free(message_of(chain, NULL, "main", NULL, 0));
}

static void test_command_line(void **state) {
    static const struct {
        struct scenario_override override;
        const char *message;
    } cases[] = {
        {{"--repetitions", "scenario.repetitions", "many"}, "--repetitions: 'many' is not"},
        {{"--set", "scenario.color", "red"}, "--set scenario.color: unknown key"},
        {{"--set", "seed", "1"}, "--set seed: unknown section"},
        {{"--set", "channel.plain.tls.groups", "X25519"},
         "--set channel.plain.tls.groups: the channel does not use tls (use = )"},
        {{"--set", "channel.gone.description", "x"},
         "--set channel.gone.description: unknown channel 'gone': a [channel.gone] of its own "
         "needs `use = MECHANISM...` or `inherits = CHANNEL`; known channels are bad-key, bad-use, "
         "mutual, plain, unused"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *message = message_of(PLAIN, NULL, "main", &cases[i].override, 1);

        if (strncmp(message, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("'%s' does not begin with '%s'", message, cases[i].message);
    }
}

static void test_files(void **state) {
    CLEANUP_FREE char *unknown = message_of(PLAIN, NULL, "papre", NULL, 0);
    CLEANUP_FREE char *no_file = message_of(PLAIN, NULL, "/nonexistent/x.ini", NULL, 0);
    CLEANUP_FREE char *empty = message_of("# nothing\n", NULL, "main", NULL, 0);
    CLEANUP_FREE char *hosts =
        message_of(PLAIN, "[hosts]\nbroker = local\n[scenario]\nseed = 1\n", "main", NULL, 0);
    CLEANUP_FREE char *key = message_of(PLAIN, "[hosts]\nbrokers = x\n", "main", NULL, 0);

    (void)state;
    assert_string_equal(unknown, "unknown scenario 'papre'; known are main");
    assert_string_equal(no_file, "/nonexistent/x.ini: No such file or directory");
    assert_string_equal(empty, "@/main.ini: empty: no scenario in it");
    assert_string_equal(hosts, "@/hosts.ini:4: [scenario]: only [hosts] belongs here");
    assert_string_equal(
        key,
        "@/hosts.ini:2: [hosts] brokers: unknown key (did you mean broker?); `bench list settings` "
        "shows all");
}

/* The caller may not want the words (error.h). */
static void test_without_words(void **state) {
    static const char *const texts[] = {
        PLAIN "repititions = 5\n",
        PLAIN "probes = paht\n",
        PLAIN "[channel.x]\ninherits = gone\n",
        PLAIN "[channel.x]\nuse = certificate\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        CLEANUP(workshop_removep) char *folder = folder_with(texts[i], NULL);
        struct scenario *scenario = NULL;

        assert_int_equal(
            scenario_load(&scenario, workshop_registry(), folder, "main", NULL, 0, NULL), -EINVAL);
        assert_null(scenario);
    }
}

/* Complaints about what several keys say together name the file, the line and a key as well. */
static void test_every_message_names_its_place(void **state) {
    static const struct refusal refusals[] = {
        {"[scenario]\nchannels =\n", "@/main.ini:2: [scenario] channels: "},
        {"[scenario]\nchannels = plain gone\n", "@/main.ini:2: [scenario] channels: "},
        {"[scenario]\nchannels = ../plain\n", "@/main.ini:2: [scenario] channels: "},
        {PLAIN "probes = path paht\n", "@/main.ini:3: [scenario] probes: "},
        {PLAIN "baseline = mutual\n", "@/main.ini:3: [scenario] baseline: "},
        {PLAIN "name = a/b\n", "@/main.ini:3: [scenario] name: "},
        {PLAIN "[channel.a!b]\nuse =\n", "@/main.ini:4: [channel.a!b] use: "},
        {PLAIN "[channel.x]\nuse = tsl\n", "@/main.ini:4: [channel.x] use: "},
        {PLAIN "[channel.x]\nuse = certificate\n", "@/main.ini:4: [channel.x] use: "},
        {PLAIN "[channel.x]\ndescription = y\ninherits = gone\n",
         "@/main.ini:5: [channel.x] inherits: "},
        {PLAIN "[channel.x]\ninherits = mutual\ntls.groups = P-999\n",
         "@/main.ini:5: [channel.x] tls.groups: "},
        {"[scenario]\nchannels = bad-use\n", "@/channels/bad-use.ini:2: [channel] use: "},
    };
    size_t bad = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        CLEANUP_FREE char *message = message_of(refusals[i].text, NULL, "main", NULL, 0);

        if (strncmp(message, refusals[i].message, strlen(refusals[i].message)) == 0)
            continue;
        print_message("# '%s' does not begin with '%s'\n", message, refusals[i].message);
        bad++;
    }
    assert_int_equal(bad, 0);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_and_values),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_channel_files),
        cmocka_unit_test(test_settings_without_their_mechanism),
        cmocka_unit_test(test_settings_without_their_mechanism_in_a_file),
        cmocka_unit_test(test_too_many_references),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_overridden_references),
        cmocka_unit_test(test_reference_of_unknown_probe),
        cmocka_unit_test(test_inheritance),
        cmocka_unit_test(test_command_line),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_every_message_names_its_place),
        cmocka_unit_test(test_without_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
