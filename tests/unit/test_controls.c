/* model/scenario: channels whose files inherit another, and channels that are controls: the
 * baseline once more, equal to it (A/A) or slowed by a known loss. */
#include "workshop.h"

#define BOTH "[scenario]\nprobes = path\nchannels = plain again slowed\n"

/* The folder of a test: channel files, and main.ini with the text. */
static char *folder_with(const char *text) {
    char *folder = workshop_make();

    workshop_put(folder, "channels/plain.ini", "[channel]\ndescription = open\nuse =\n");
    workshop_put(folder, "channels/login.ini", "[channel]\nuse = password\n");
    workshop_put(folder, "channels/mutual.ini",
                 "[channel]\nuse = tls certificate\n[tls]\nmin_version = 1.2\n");
    workshop_put(folder, "channels/again.ini", "[channel]\ninherits = plain\ncontrol = same\n");
    workshop_put(folder, "channels/slowed.ini",
                 "[channel]\ncontrol = slowed\nloss = 5%\ninherits = plain\n");
    workshop_put(folder, "channels/mutual-again.ini",
                 "[channel]\ninherits = mutual\ncontrol = same\n[tls]\ngroups = X25519:P-256\n");
    workshop_put(folder, "channels/orphan.ini", "[channel]\n\ninherits = gone\n");
    workshop_put(folder, "channels/round.ini", "[channel]\ninherits = about\n");
    workshop_put(folder, "channels/about.ini", "[channel]\ninherits = round\n");
    workshop_put(folder, "channels/unused.ini",
                 "[channel]\ninherits = plain\n[tls]\nmin_version = 1.2\n");
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

/* The message begins with this; "@" in it stands for the folder. */
static void assert_refused_with(const char *text, const struct scenario_override *overrides,
                                size_t n, const char *expected) {
    CLEANUP(workshop_removep) char *folder = folder_with(text);
    struct scenario *scenario = NULL;
    struct error error = {""};
    const char *message = error.text;
    int r = scenario_load(&scenario, workshop_registry(), folder, "main", overrides, n, &error);

    if (r != -EINVAL && r != -ERANGE)
        fail_msg("%d (%s) for:\n%s", r, error.text, text);
    assert_null(scenario);
    if (*expected == '@') {
        assert_int_equal(strncmp(message, folder, strlen(folder)), 0);
        message += strlen(folder);
        expected++;
    }
    if (strncmp(message, expected, strlen(expected)) != 0)
        fail_msg("'%s' does not begin with '%s'", message, expected);
}

static void assert_refused(const char *text, const char *expected) {
    assert_refused_with(text, NULL, 0, expected);
}

/* ---- files that inherit ---- */

static void test_file_inherits(void **state) {
    CLEANUP(scenario_freep)
    struct scenario *scenario = load(BOTH, NULL, 0);
    const struct channel_settings *again = channel_own(&scenario->channels[1]);
    const struct channel_settings *slowed = channel_own(&scenario->channels[2]);

    (void)state;
    assert_int_equal(channel_own(&scenario->channels[0])->control, CONTROL_NONE);
    assert_string_equal(again->description, "open");
    assert_string_equal(again->use, "");
    assert_int_equal(again->control, CONTROL_SAME);
    assert_int_equal(again->loss_ppm, 0);
    assert_int_equal(slowed->control, CONTROL_SLOWED);
    assert_int_equal(slowed->loss_ppm, 50000);
}

/* The resolved scenario needs no file to inherit from, and says what the controls are. */
static void test_resolved(void **state) {
    CLEANUP(scenario_freep) struct scenario *scenario = load(BOTH, NULL, 0), *alone = NULL;
    CLEANUP(workshop_removep) char *folder = workshop_make();
    CLEANUP_FREE char *path = text_format("%s/scenario.ini", folder);
    CLEANUP_FREE char *text = resolved(scenario), *again = NULL;
    struct error error = {""};

    (void)state;
    assert_has(text, "\n[channel.again]\ndescription = open\nuse =\ncontrol = same\nloss = 0%\n");
    assert_has(text, "\n[channel.slowed]\ndescription = open\nuse =\ncontrol = slowed\n"
                     "loss = 5%\n");
    assert_has_not(text, "inherits");
    workshop_put(folder, "scenario.ini", text);
    if (scenario_load(&alone, workshop_registry(), NULL, path, NULL, 0, &error) != 0)
        fail_msg("%s", error.text);
    again = resolved(alone);
    assert_string_equal(again, text);
}

/* The mechanisms' settings come along, those of the file count. */
static void test_file_changes_what_it_inherits(void **state) {
    CLEANUP(scenario_freep)
    struct scenario *scenario = load("[scenario]\nchannels = x\nprobes = path\n"
                                     "[channel.x]\ninherits = mutual-again\ncontrol = none\n",
                                     NULL, 0);
    CLEANUP_FREE char *text = resolved(scenario);

    (void)state;
    assert_has(text, "use = tls certificate\ncontrol = none\n");
    assert_has(text, "tls.min_version = 1.2\n");
    assert_has(text, "tls.groups = X25519:P-256\n");
}

/* What a scenario changes of a channel holds for those that inherit it: the control follows. */
static void test_inherits_what_the_scenario_made_of_it(void **state) {
    static const struct scenario_override override = {"--set", "channel.plain.use", "password"};
    CLEANUP(scenario_freep)
    struct scenario *scenario = load(BOTH "[channel.plain]\ndescription = changed\n", &override, 1);

    (void)state;
    assert_string_equal(channel_own(&scenario->channels[1])->use, "password");
    assert_string_equal(channel_own(&scenario->channels[2])->description, "changed");
}

static void test_bad_files(void **state) {
    (void)state;
    assert_refused("[scenario]\nchannels = orphan\n",
                   "@/channels/orphan.ini:3: [channel] inherits: unknown channel 'gone'; known "
                   "are about, again, login, ");
    assert_refused("[scenario]\nchannels = round\n",
                   "@/channels/round.ini:2: [channel] inherits: inherits itself, or too deep a "
                   "chain");
    assert_refused("[scenario]\nchannels = unused\n",
                   "@/channels/unused.ini:4: [tls] min_version: the channel does not use tls");
}

/* ---- controls ---- */

static void test_loss_and_control_go_together(void **state) {
    (void)state;
    assert_refused(BOTH "[channel.plain]\nloss = 5%\n",
                   "@/main.ini:5: [channel.plain] loss: is imposed on a control only; add control "
                   "= slowed, or leave it out");
    assert_refused(BOTH "[channel.again]\nloss = 5%\n",
                   "@/main.ini:5: [channel.again] loss: is imposed on a control only");
    assert_refused(BOTH "[channel.again]\ncontrol = slowed\n",
                   "@/main.ini:5: [channel.again] control: slowed by nothing could not be found; "
                   "add, say, loss = 5%");
    assert_refused(BOTH "[channel.slowed]\nloss = 0%\n",
                   "@/channels/slowed.ini:2: [channel] control: slowed by nothing");
    assert_refused(BOTH "[channel.slowed]\nloss = 95%\n",
                   "@/main.ini:5: [channel.slowed] loss: '95%' is out of bounds; right would be a "
                   "share from 0% to 90%");
    assert_refused(BOTH "[channel.again]\ncontrol = yes\n",
                   "@/main.ini:5: [channel.again] control: 'yes' is none of: none same slowed");
}

static void test_control_is_the_baseline(void **state) {
    (void)state;
    assert_refused("[scenario]\nchannels = mutual mutual-again\n",
                   "@/channels/mutual-again.ini:3: [channel] control: a control is the baseline "
                   "once more, but mutual-again differs from mutual in tls.groups ('X25519:P-256' "
                   "instead of ''); let it inherit the baseline, unchanged, or leave mutual-again "
                   "out");
    assert_refused("[scenario]\nchannels = plain login again\nbaseline = login\n",
                   "@/channels/again.ini:3: [channel] control: a control is the baseline once "
                   "more, but again differs from login in use ('' instead of 'password'); ");
    assert_refused(BOTH "[channel.again]\nuse = password\ncontrol = same\n",
                   "@/main.ini:6: [channel.again] control: a control is the baseline once more, "
                   "but again differs from plain in use ('password' instead of ''); ");
    assert_refused("[scenario]\nchannels = plain again\nbaseline = again\n",
                   "@/channels/again.ini:3: [channel] control: a control cannot be the baseline "
                   "itself; ");
    assert_refused("[scenario]\nchannels = again slowed\n",
                   "@/channels/again.ini:3: [channel] control: a control cannot be the baseline "
                   "itself; ");
}

/* Names, texts and losses may differ; a channel that is not measured is compared with nothing. */
static void test_what_is_accepted(void **state) {
    static const char *const texts[] = {
        BOTH "[channel.again]\ndescription = the same\n[channel.slowed]\nloss = 0.5%\n",
        "[scenario]\nchannels = plain\n[channel.mutual-again]\ndescription = not measured\n",
        "[scenario]\nchannels = mutual x\n[channel.x]\ninherits = mutual\ncontrol = same\n",
        "[scenario]\nchannels = plain again\n[channel.x]\ninherits = login\ncontrol = same\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        scenario_free(load(texts[i], NULL, 0));
}

/* Without a baseline the first is it that is no control. */
static void test_first_subject(void **state) {
    CLEANUP(scenario_freep)
    struct scenario *scenario = load("[scenario]\nchannels = again slowed plain login\n", NULL, 0);

    (void)state;
    assert_string_equal(scenario_own(scenario)->baseline, "plain");
}

/* ---- what --channels leaves of them ---- */

static void assert_baseline(const char *channels, const char *baseline) {
    struct scenario_override override = {"--channels", "scenario.channels", channels};
    CLEANUP(scenario_freep)
    struct scenario *scenario = load(BOTH "baseline = plain\n", &override, 1);

    assert_string_equal(scenario_own(scenario)->baseline, baseline);
}

static void assert_no_control(const char *channels, const char *expected) {
    struct scenario_override override = {"--channels", "scenario.channels", channels};

    assert_refused_with(BOTH "baseline = plain\n", &override, 1, expected);
}

static void test_fewer_channels(void **state) {
    (void)state;
    assert_baseline("plain login", "plain");
    assert_baseline("again plain", "plain");
    assert_baseline("login mutual", "login");
    assert_no_control("login again",
                      "@/channels/again.ini:3: [channel] control: a control is the baseline once "
                      "more, but again differs from login in use ('' instead of 'password'); add "
                      "plain to the channels, or leave again out");
    assert_no_control("slowed login",
                      "@/channels/slowed.ini:2: [channel] control: a control is the baseline once "
                      "more, but slowed differs from login in use");
    assert_no_control("again", "@/channels/again.ini:3: [channel] control: a control cannot be the "
                               "baseline itself; add plain to the channels, or leave again out");
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_inherits),
        cmocka_unit_test(test_resolved),
        cmocka_unit_test(test_file_changes_what_it_inherits),
        cmocka_unit_test(test_inherits_what_the_scenario_made_of_it),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_loss_and_control_go_together),
        cmocka_unit_test(test_control_is_the_baseline),
        cmocka_unit_test(test_what_is_accepted),
        cmocka_unit_test(test_first_subject),
        cmocka_unit_test(test_fewer_channels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
