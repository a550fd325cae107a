/* model/scenario: what is read from files and the command line, which of it counts, and that the
 * resolved scenario is the same experiment again. What is refused: test_scenario_errors. */
#include "workshop.h"

#define LONG_NAME "a-channel-whose-name-is-long-but-fits-into-a-list"

/* A folder with channel files, and main.ini with the text. */
static char *folder_with(const char *text) {
    char *folder = workshop_make();

    workshop_put(folder, "channels/plain.ini", "[channel]\ndescription = open\nuse =\n");
    workshop_put(
        folder, "channels/mutual.ini",
        "[channel]\nuse = tls certificate\n[tls]\nmin_version = 1.2\ngroups = X25519:P-256\n");
    workshop_put(folder, "channels/" LONG_NAME ".ini", "[channel]\nuse =\n");
    workshop_put(folder, "main.ini", text);
    return folder;
}

static struct scenario *load(const char *folder, const char *name,
                             const struct scenario_override *overrides, size_t n) {
    struct scenario *scenario = NULL;
    struct error error = {""};

    if (scenario_load(&scenario, workshop_registry(), folder, name, overrides, n, &error) != 0)
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

/* The resolved text of main.ini with this text, under overrides. */
static char *resolve(const char *text, const struct scenario_override *overrides, size_t n) {
    CLEANUP(workshop_removep) char *folder = folder_with(text);
    CLEANUP(scenario_freep) struct scenario *scenario = load(folder, "main", overrides, n);

    return resolved(scenario);
}

/* Loads the resolved text in a folder with nothing else: the same text comes out. */
static void assert_stable(const char *text) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    CLEANUP_FREE char *again = NULL, *path = text_format("%s/scenario.ini", folder);
    struct error error = {""};

    workshop_put(folder, "scenario.ini", text);
    if (scenario_load(&scenario, workshop_registry(), "/nonexistent", path, NULL, 0, &error) != 0)
        fail_msg("%s\nin:\n%s", error.text, text);
    again = resolved(scenario);
    assert_string_equal(again, text);
}

static void test_defaults(void **state) {
    CLEANUP(workshop_removep) char *folder = folder_with("[scenario]\nchannels = plain mutual\n");
    CLEANUP(scenario_freep) struct scenario *scenario = load(folder, "main", NULL, 0);
    const struct scenario_settings *own = scenario_own(scenario);
    const struct hosts_settings *hosts = settings_get(&scenario->settings, &hosts_group);

    (void)state;
    assert_string_equal(own->name, "main");
    assert_string_equal(own->baseline, "plain");
    assert_int_equal(scenario_repetitions(scenario).smallest, 50);
    assert_int_equal(scenario_repetitions(scenario).largest, 50);
    assert_true(scenario_repetitions(scenario).precision == 0);
    assert_int_equal(own->seed, 2022);
    assert_int_equal(own->order, ORDER_SHUFFLED);
    assert_int_equal(own->margin_ppm, 20000);
    assert_string_equal(hosts->broker, "local");
    assert_int_equal(scenario->n_channels, 2);
    assert_string_equal(scenario->channels[0].name, "plain");
    assert_string_equal(channel_own(&scenario->channels[0])->description, "open");
    assert_string_equal(channel_own(&scenario->channels[1])->use, "tls certificate");
    assert_int_equal(scenario->n_probes, 3);
    assert_string_equal(scenario->probes[2], "delivery");
    assert_int_equal(scenario->n_references, 0);
}

/* By name in the folder, by path with and without ".ini"; channels beside the file come first. */
static void test_where_files_are(void **state) {
    CLEANUP(workshop_removep) char *folder = folder_with("[scenario]\nchannels = plain\n");
    CLEANUP(workshop_removep) char *other = workshop_make();
    CLEANUP_FREE char *path = text_format("%s/mine.ini", other);
    CLEANUP(scenario_freep) struct scenario *named = load(folder, "main", NULL, 0), *mine = NULL;

    (void)state;
    workshop_put(other, "mine.ini", "[scenario]\nchannels = plain mutual\n");
    workshop_put(other, "channels/plain.ini", "[channel]\nuse = password\n");
    mine = load(folder, path, NULL, 0);
    assert_string_equal(scenario_own(mine)->name, "mine");
    assert_string_equal(channel_own(&named->channels[0])->use, "");
    assert_string_equal(channel_own(&mine->channels[0])->use, "password");
    assert_string_equal(channel_own(&mine->channels[1])->use, "tls certificate");
}

static void test_name(void **state) {
    CLEANUP(workshop_removep)
    char *folder = folder_with("[scenario]\nname = other-name\nchannels = plain\n");
    CLEANUP(scenario_freep) struct scenario *scenario = load(folder, "main", NULL, 0);

    (void)state;
    assert_string_equal(scenario_own(scenario)->name, "other-name");
}

/* hosts.ini < file < command line, and of the command line the last. */
static void test_precedence(void **state) {
    static const struct scenario_override overrides[] = {
        {"option", "scenario.repetitions", "7"},
        {"--set", "scenario.repetitions", "8"},
        {"--set", "hosts.publisher", "lab:b"},
        {"--set", "probe.path.duration", "3s"},
    };
    CLEANUP(workshop_removep)
    char *folder = folder_with("[scenario]\nchannels = plain\nrepetitions = 2\nseed = 5\n"
                               "[hosts]\nbroker = ssh://file\npublisher = ssh://file\n"
                               "[probe.path]\nwarmup = 2s\n");
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    const struct hosts_settings *hosts;
    CLEANUP_FREE char *text = NULL;

    (void)state;
    workshop_put(folder, "hosts.ini", "[hosts]\nbroker = ssh://mine\naddress = 192.0.2.1\n");
    scenario = load(folder, "main", overrides, ARRAY_SIZE(overrides));
    hosts = settings_get(&scenario->settings, &hosts_group);
    assert_int_equal(scenario_repetitions(scenario).largest, 8);
    assert_int_equal(scenario_own(scenario)->seed, 5);
    assert_string_equal(hosts->broker, "ssh://file");
    assert_string_equal(hosts->publisher, "lab:b");
    assert_string_equal(hosts->address, "192.0.2.1");
    text = resolved(scenario);
    assert_has(text, "[probe.path]\nduration = 3s\nwarmup = 2s\n");
}

static void test_channel_of_the_scenario_overrides_its_file(void **state) {
    static const struct scenario_override overrides[] = {
        {"--set", "channel.mutual.tls.suites", "TLS_AES_128_GCM_SHA256"},
        {"--set", "channel.plain.use", "password"},
    };
    CLEANUP_FREE char *text =
        resolve("[scenario]\nchannels = plain mutual\nprobes = path\n"
                "[channel.mutual]\ndescription = mine\ntls.min_version = 1.3\n",
                overrides, ARRAY_SIZE(overrides));

    (void)state;
    assert_has(text, "\n[channel.plain]\ndescription = \nuse = password\ncontrol = none\n"
                     "loss = 0%\nmqtt = 3.1.1\npassword.user = User1\n");
    assert_has(text, "\n[channel.mutual]\ndescription = mine\nuse = tls certificate\n"
                     "control = none\nloss = 0%\nmqtt = 3.1.1\n"
                     "tls.min_version = 1.3\ntls.max_version = 1.3\ntls.ciphers = \n"
                     "tls.suites = TLS_AES_128_GCM_SHA256\ntls.groups = X25519:P-256\n");
    assert_stable(text);
}

static void test_inheritance(void **state) {
    CLEANUP_FREE char *text = resolve(
        "[scenario]\nchannels = c b\nprobes = path\n"
        "[channel.a]\ninherits = mutual\ntls.max_version = 1.2\n"
        "[channel.b]\ninherits = a\ntls.groups = P-256\ndescription = of b\n"
        "[channel.c]\ninherits = b\nuse = tls\ntls.ciphers = ECDHE-ECDSA-AES128-GCM-SHA256\n",
        NULL, 0);

    (void)state;
    assert_has(text, "\nbaseline = c\n");
    assert_has(text, "\n[channel.c]\ndescription = of b\nuse = tls\ncontrol = none\nloss = "
                     "0%\nmqtt = 3.1.1\ntls.min_version = 1.2\n"
                     "tls.max_version = 1.2\ntls.ciphers = ECDHE-ECDSA-AES128-GCM-SHA256\n"
                     "tls.suites = \ntls.groups = P-256\n");
    assert_has(text, "\n[channel.b]\ndescription = of b\nuse = tls certificate\n");
    assert_has_not(text, "channel.a");
    assert_has_not(text, "inherits");
    assert_stable(text);
}

static void test_references(void **state) {
    CLEANUP(workshop_removep)
    char *folder = folder_with("[scenario]\nchannels = plain\nprobes = path\n[reference]\n"
                               "source = table 1\npath.plain = 13.40\npath.mutual-tls = 8.48\n");
    CLEANUP(scenario_freep) struct scenario *scenario = load(folder, "main", NULL, 0);
    CLEANUP_FREE char *text = resolved(scenario);

    (void)state;
    assert_int_equal(scenario->n_references, 2);
    assert_string_equal(scenario->reference_source, "table 1");
    assert_string_equal(scenario->references[0].probe, "path");
    assert_string_equal(scenario->references[1].channel, "mutual-tls");
    assert_string_equal(scenario->references[0].text, "13.40");
    assert_has(text, "\n[reference]\nsource = table 1\npath.plain = 13.40\n"
                     "path.mutual-tls = 8.48\n");
    assert_stable(text);
}

/* Of any metric of a probe, also of one process of several; and ratios to another channel. */
static void test_references_of_metrics(void **state) {
    CLEANUP(workshop_removep)
    char *folder = folder_with("[scenario]\nchannels = plain\nprobes = path\n[reference]\n"
                               "connect.connections_per_s.plain = 1e3\n"
                               "connect.tls_bytes_sent.mutual-tls-pq-kex = 615\n"
                               "connect.client2.client.cpu_s.plain = 2\n"
                               "ratio.connect.tls_time.mutual-tls-pq-kex.mutual-tls = 1.25\n"
                               "ratio.path.throughput.psk.plain = 0.9\n");
    CLEANUP(scenario_freep) struct scenario *scenario = load(folder, "main", NULL, 0);
    CLEANUP_FREE char *text = resolved(scenario);
    const struct reference *list = scenario->references;

    (void)state;
    assert_int_equal(scenario->n_references, 5);
    assert_null(list[0].metric);
    assert_string_equal(list[0].probe, "connect");
    assert_string_equal(list[0].channel, "plain");
    assert_string_equal(list[1].metric, "tls_bytes_sent");
    assert_string_equal(list[1].channel, "mutual-tls-pq-kex");
    assert_null(list[1].baseline);
    assert_string_equal(list[2].metric, "client2.client.cpu_s");
    assert_string_equal(list[3].metric, "tls_time");
    assert_string_equal(list[3].channel, "mutual-tls-pq-kex");
    assert_string_equal(list[3].baseline, "mutual-tls");
    assert_string_equal(list[3].text, "1.25");
    assert_string_equal(list[4].metric, "throughput");
    assert_string_equal(list[4].baseline, "plain");
    assert_has(text, "\nconnect.connections_per_s.plain = 1e3\n");
    assert_has(text, "\nconnect.client2.client.cpu_s.plain = 2\n"
                     "ratio.connect.tls_time.mutual-tls-pq-kex.mutual-tls = 1.25\n");
    assert_stable(text);
}

/* The command line overrides a published value too, by whichever of its names; it does not add a
 * second one. */
static void test_reference_is_overridden(void **state) {
    static const struct scenario_override override = {"--set", "reference.path.plain", "14"};
    CLEANUP_FREE char *text = resolve("[scenario]\nchannels = plain\nprobes = path\n[reference]\n"
                                      "source = table 1\npath.plain = 13.4\n",
                                      &override, 1);

    (void)state;
    assert_stable(text);
    assert_has(text, "path.plain = 14\n");
    assert_has_not(text, "13.4");
}

static void test_reference_is_overridden_by_its_long_name(void **state) {
    static const struct scenario_override override = {"--set", "reference.path.throughput.plain",
                                                      "14"};
    CLEANUP_FREE char *text = resolve("[scenario]\nchannels = plain\nprobes = path\n[reference]\n"
                                      "source = table 1\npath.plain = 13.4\n",
                                      &override, 1);

    (void)state;
    assert_stable(text);
    assert_has(text, "path.throughput.plain = 14\n");
    assert_has_not(text, "13.4");
}

static void test_resolved_is_stable(void **state) {
    CLEANUP_FREE char *text =
        resolve("[scenario]\nchannels = mutual plain\nprobes = delivery path\norder = sequential\n"
                "description = 100 % \xd2\x9b = [a] # b\nbaseline = plain\nseed = 0\n"
                "[telemetry]\npayload = 1KiB\n[probe.delivery]\nduration = 1500ms\n"
                "[channel.plain]\ndescription = a;b\nuse =\n",
                NULL, 0);

    (void)state;
    assert_has(text, "\ndescription = 100 % \xd2\x9b = [a] # b\n");
    assert_has(text, "\nprobes = delivery path\n");
    assert_stable(text);
}

/* Whatever is accepted is the same when it has been written and read again; refusing is good too.
 */
static void assert_refused_or_stable(const char *main, const char *path, const char *value) {
    struct scenario_override override = {"--set", path, value};
    CLEANUP(workshop_removep) char *folder = folder_with(main);
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;
    CLEANUP_FREE char *text = NULL;
    struct error error;

    if (scenario_load(&scenario, workshop_registry(), folder, "main", &override, 1, &error) < 0)
        return;
    text = resolved(scenario);
    assert_stable(text);
}

static void assert_value_survives(const char *path, const char *value) {
    assert_refused_or_stable("[scenario]\nchannels = mutual\nprobes = path\n"
                             "[channel.mutual]\ninherits = old\n"
                             "[channel.old]\nuse = tls\ntls.min_version = 1.2\n",
                             path, value);
}

static void test_values_survive(void **state) {
    static const char path[] = "scenario.description";

    (void)state;
    assert_value_survives(path, "plain words");
    assert_value_survives(path, "a ; comment?");
    assert_value_survives(path, "two\nlines");
    assert_value_survives(path, "\"quoted\"");
    assert_value_survives(path, "= [x]");
}

static void test_odd_blanks_survive(void **state) {
    static const char path[] = "scenario.description";

    (void)state;
    assert_value_survives(path, ";begins like a comment");
    assert_value_survives(path, "a\t;b");
    assert_value_survives(path, " blanks around ");
    assert_value_survives(path, "carriage\r");
}

/* A resolved line is longer than the line that was read ("key=value", [tls] ciphers). */
static void test_long_values_survive(void **state) {
    CLEANUP_FREE char *ciphers = text_copy("ECDHE-ECDSA-AES128-GCM-SHA256");
    CLEANUP_FREE char *wide = text_format("%0178d", 7), *text = NULL;

    (void)state;
    for (int i = 0; i < 5; i++) {
        char *longer = text_format("%s:ECDHE-ECDSA-AES256-GCM-SHA384", ciphers);

        free(ciphers);
        ciphers = longer;
    }
    assert_value_survives("channel.mutual.tls.ciphers", ciphers);
    text = text_format("[scenario]\nchannels=plain\nprobes=path\n[channel.plain]\nuse=\n"
                       "description=%s\n",
                       wide);
    assert_refused_or_stable(text, "scenario.seed", "1");
}

/* scenarios/.ini is the scenario "". */
static void test_nameless_file(void **state) {
    CLEANUP(workshop_removep) char *folder = workshop_make();
    CLEANUP(scenario_freep) struct scenario *scenario = NULL;

    (void)state;
    workshop_put(folder, "channels/plain.ini", "[channel]\nuse =\n");
    workshop_put(folder, ".ini", "[scenario]\nchannels = plain\n");
    scenario = load(folder, "", NULL, 0);
    assert_string_equal(scenario_own(scenario)->name, "scenario");
}

/* The section of a channel in the resolved scenario must be one that can be read. */
static void test_long_channel_name(void **state) {
    (void)state;
    assert_refused_or_stable("[scenario]\nchannels = plain\nprobes = path\n", "scenario.channels",
                             LONG_NAME);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_where_files_are),
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_channel_of_the_scenario_overrides_its_file),
        cmocka_unit_test(test_inheritance),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_references_of_metrics),
        cmocka_unit_test(test_reference_is_overridden),
        cmocka_unit_test(test_reference_is_overridden_by_its_long_name),
        cmocka_unit_test(test_resolved_is_stable),
        cmocka_unit_test(test_values_survive),
        cmocka_unit_test(test_odd_blanks_survive),
        cmocka_unit_test(test_long_values_survive),
        cmocka_unit_test(test_nameless_file),
        cmocka_unit_test(test_long_channel_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
