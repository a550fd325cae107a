/* The published values of a scenario, [reference]. */
#include "model/scenario_loader.h"

#include <errno.h>
#include <math.h>
#include <string.h>

int unknown_probe(struct loader *loader, const char *place) {
    CLEANUP_FREE char *known = registry_names(loader->registry, SETTING_PROBE, "probe.");

    return error_set(loader->error, -EINVAL, "%s: unknown probe; known are %s", place, known);
}

/* Published values are no settings, yet must be the same when they are written and read again. */
struct published {
    char *text;
};

static const struct setting published_row = {.type = SETTING_TEXT, .fallback = ""};

static int check_published(struct loader *loader, const struct assignment *assignment) {
    struct published published = {NULL};
    int r = setting_assign(&published_row, &published, assignment->value, loader->error);

    free(published.text);
    return r < 0 ? error_prefix(loader->error, r, "%s", assignment->place) : 0;
}

/* The name may be that of a channel that this scenario does not measure. */
static int check_reference_name(struct loader *loader, const struct assignment *assignment,
                                const char *channel) {
    int r = check_name(channel, loader->error);

    if (r == 0 && strlen(assignment->path) - strlen("reference.") > 48)
        r = error_set(loader->error, -EINVAL, "is too long; PROBE.CHANNEL is read up to 48 bytes");
    return r < 0 ? error_prefix(loader->error, r, "%s", assignment->place) : 0;
}

/* PROBE.CHANNEL = NUMBER */
static int add_reference(struct loader *loader, const struct assignment *assignment) {
    const char *name = assignment->path + strlen("reference."), *dot = strchr(name, '.');
    CLEANUP_FREE char *probe = dot ? strndup(name, (size_t)(dot - name)) : NULL;
    CLEANUP_FREE char *group = text_format("probe.%s", probe ? probe : "");
    struct scenario *scenario = loader->scenario;
    double value;
    char *end;
    int r;

    if (!dot)
        return error_set(loader->error, -EINVAL,
                         "%s: neither `source` nor PROBE.CHANNEL, as in path.plain",
                         assignment->place);
    if (!registry_group(loader->registry, SETTING_PROBE, group))
        return unknown_probe(loader, assignment->place);
    r = check_reference_name(loader, assignment, dot + 1);
    if (r < 0)
        return r;
    value = strtod(assignment->value, &end);
    if (end == assignment->value || *end || !isfinite(value) || value <= 0)
        return error_set(loader->error, -EINVAL, "%s: '%s' is not a positive number, as in 13.4",
                         assignment->place, assignment->value);
    for (size_t i = 0; i < scenario->n_references; i++) {
        struct reference *old = &scenario->references[i];

        if (text_equal(old->probe, probe) && text_equal(old->channel, dot + 1)) {
            old->value = value;
            text_replace(&old->text, assignment->value);
            return 0;
        }
    }
    scenario->references =
        memory_room(scenario->references, scenario->n_references, sizeof(*scenario->references));
    scenario->references[scenario->n_references++] =
        (struct reference){probe, text_copy(dot + 1), value, text_copy(assignment->value)};
    probe = NULL;
    return 0;
}

int apply_published(struct loader *loader, const struct assignment *assignment) {
    int r = check_published(loader, assignment);

    if (r < 0)
        return r;
    if (!text_equal(assignment->path, "reference.source"))
        return add_reference(loader, assignment);
    text_replace(&loader->scenario->reference_source, assignment->value);
    return 0;
}
