/* What a scenario compares: its baseline, controls that are one, and enough blocks of them. */
#include "model/scenario_loader.h"

#include <errno.h>
#include <string.h>

/* The file's baseline, when the command line has left that channel out. */
static bool is_outdated_baseline(const struct loader *loader, const struct scenario_settings *own) {
    const struct assignment *channels = assignments_find(&loader->given, "scenario.channels");
    const struct assignment *baseline = assignments_find(&loader->given, "scenario.baseline");

    return channels && baseline && strncmp(channels->place, "--", 2) == 0 &&
           strncmp(baseline->place, "--", 2) != 0 && !text_has_word(own->channels, own->baseline);
}

/* The first that is no control; the first where all are. */
static const char *first_subject(const struct scenario *scenario) {
    for (size_t i = 0; i < scenario->n_channels; i++)
        if (channel_own(&scenario->channels[i])->control == CONTROL_NONE)
            return scenario->channels[i].name;
    return scenario->channels[0].name;
}

static const struct channel *find_channel(const struct scenario *scenario, const char *name) {
    for (size_t i = 0; i < scenario->n_channels; i++)
        if (text_equal(scenario->channels[i].name, name))
            return &scenario->channels[i];
    return NULL;
}

/* Why a channel is no control of the baseline; remedy: what the user may rather have meant. */
static int check_control(struct loader *loader, const struct channel *channel,
                         const struct channel *baseline, const char *remedy) {
    CLEANUP(channel_difference_clear) struct channel_difference difference = {NULL, NULL, NULL};

    if (channel == baseline)
        (void)error_set(loader->error, -EINVAL,
                        "a control cannot be the baseline itself; %s, or leave %s out", remedy,
                        channel->name);
    else if (channel_differs(channel, baseline, &difference))
        (void)error_set(loader->error, -EINVAL,
                        "a control is the baseline once more, but %s differs from %s in %s ('%s' "
                        "instead of '%s'); %s, or leave %s out",
                        channel->name, baseline->name, difference.path, difference.value,
                        difference.other, remedy, channel->name);
    else
        return 0;
    return blame_channel_key(loader, channel->name, "control", -EINVAL);
}

static int check_controls(struct loader *loader, const char *left_out) {
    const struct scenario *scenario = loader->scenario;
    const struct channel *baseline = find_channel(scenario, scenario_own(scenario)->baseline);
    CLEANUP_FREE char *remedy = left_out ? text_format("add %s to the channels", left_out)
                                         : text_copy("let it inherit the baseline, unchanged");
    int r = 0;

    for (size_t i = 0; i < scenario->n_channels && r == 0; i++)
        if (channel_own(&scenario->channels[i])->control != CONTROL_NONE)
            r = check_control(loader, &scenario->channels[i], baseline, remedy);
    return r;
}

/* `until` looks at the comparison with the baseline after each block. */
static int check_until(struct loader *loader) {
    const struct scenario_settings *own = scenario_own(loader->scenario);
    const struct repetitions repetitions = scenario_repetitions(loader->scenario);
    const char *path = "scenario.repetitions";

    if (!repetitions.precision)
        return 0;
    if (own->order != ORDER_SHUFFLED) {
        (void)error_set(loader->error, -EINVAL,
                        "'%s' needs order = shuffled, where block after block is complete; leave "
                        "order out, or give a number",
                        own->repetitions);
    } else if (loader->scenario->n_channels < 2) {
        (void)error_set(loader->error, -EINVAL,
                        "'%s' needs a channel to compare with the baseline, %s; add one, or give "
                        "a number",
                        own->repetitions, own->baseline);
    } else if (repetitions.smallest > repetitions.largest) {
        path = assignments_find(&loader->given, "scenario.repetitions_min")
                   ? "scenario.repetitions_min"
                   : "scenario.repetitions_max";
        (void)error_set(loader->error, -EINVAL,
                        "at least %lld blocks (repetitions_min) are more than at most %lld "
                        "(repetitions_max)",
                        (long long)repetitions.smallest, (long long)repetitions.largest);
    } else {
        return 0;
    }
    return blame_setting(loader, path, -EINVAL);
}

int check_design(struct loader *loader) {
    struct scenario_settings *own = settings_edit(&loader->scenario->settings, &scenario_group);
    CLEANUP_FREE char *left_out =
        is_outdated_baseline(loader, own) ? text_copy(own->baseline) : NULL;

    if (!*own->baseline || left_out)
        text_replace(&own->baseline, first_subject(loader->scenario));
    if (text_has_word(own->channels, own->baseline)) {
        int r = check_controls(loader, left_out);

        return r < 0 ? r : check_until(loader);
    }
    (void)error_set(loader->error, -EINVAL,
                    "'%s' is none of the channels (%s); name one of them, or leave it out",
                    own->baseline, own->channels);
    return blame_setting(loader, "scenario.baseline", -EINVAL);
}
