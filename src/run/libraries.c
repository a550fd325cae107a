#include "run/libraries.h"

#include "base/jsonline.h"
#include "probes/telemetry.h"

#include <errno.h>

/* Whether a group has a setting `library`, and it is Paho. */
static bool is_paho(const struct setting_group *group, const void *block) {
    const struct setting *row = setting_find(group, "library");
    CLEANUP_FREE char *word = row ? setting_format(row, block) : NULL;

    return text_equal(word, "paho");
}

static bool wants_paho(const struct scenario *scenario) {
    bool wants = is_paho(&telemetry_group, settings_get(&scenario->settings, &telemetry_group));

    for (size_t i = 0; i < scenario->n_measurements; i++)
        wants =
            wants || is_paho(scenario->measurements[i].group, scenario->measurements[i].settings);
    return wants;
}

int libraries_check(const struct scenario *scenario, const json_t *environment,
                    struct error *error) {
    const json_t *hosts = json_object_get(environment, "hosts"), *host;
    size_t i;

    if (!wants_paho(scenario))
        return 0;
    json_array_foreach(hosts, i, host) {
        if (!json_object_get(json_object_get(host, "versions"), "paho"))
            return error_set(error, -EOPNOTSUPP,
                             "host %s: its bench was built without Paho C, which library = paho "
                             "needs; there: apt-get install libpaho-mqtt-dev, remove the build "
                             "folder (build/), start ./bench again",
                             jsonline_text(host, "spec", "?"));
    }
    return 0;
}
