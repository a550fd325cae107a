/* [reference] of a scenario: published values, which are no settings, yet must be the same when
 * they are written and read again. Their channels may be some that this scenario does not measure.
 */
#include "model/scenario_load.h"

#include "base/inifile.h"
#include "base/suggestion.h"

#include <errno.h>
#include <string.h>

#define RATIO "ratio."

/* Cuts what stands behind the last dot off; NULL: there is none. The caller's. */
static char *cut_last(char *name) {
    char *dot = strrchr(name, '.');

    if (!dot)
        return NULL;
    *dot = '\0';
    return text_copy(dot + 1);
}

bool reference_split(const char *key, struct reference *ret) {
    bool is_ratio = strncmp(key, RATIO, strlen(RATIO)) == 0;
    CLEANUP_FREE char *rest = text_copy(key + (is_ratio ? strlen(RATIO) : 0));
    char *dot;

    if (is_ratio)
        ret->baseline = cut_last(rest);
    ret->channel = cut_last(rest);
    dot = strchr(rest, '.');
    ret->metric = dot ? text_copy(dot + 1) : NULL;
    if (dot)
        *dot = '\0';
    ret->probe = text_copy(rest);
    return ret->channel && (!is_ratio || (ret->baseline && ret->metric));
}

/* "a, b, c"; the caller's. */
static char *known_metrics(const struct metric *metrics, size_t n) {
    char *known = text_copy("");

    for (size_t i = 0; i < n; i++)
        text_append(&known, ", ", metrics[i].name);
    return known;
}

/* "client2.client", in front of a metric. */
static int check_process(const struct loader *loader, const char *process, const char *end) {
    const char *next;
    int r = 0;

    for (; process <= end && r == 0; process = next + 1) {
        CLEANUP_FREE char *part = text_copy(process);

        next = strchr(process, '.');
        part[next - process] = '\0';
        r = check_name(part, loader->error);
    }
    return r;
}

/* Whether the probe measures that. The headline needs no name. */
static int check_metric(const struct loader *loader, const struct setting_group *probe,
                        struct reference *reference) {
    CLEANUP_FREE char *known = NULL, *meant = NULL;
    size_t n;
    const struct metric *metrics = loader->registry->metrics(probe, &n);
    const char *dot = reference->metric ? strrchr(reference->metric, '.') : NULL;
    const char *name = dot ? dot + 1 : reference->metric;

    for (size_t i = 0; name && i < n; i++) {
        if (!text_equal(metrics[i].name, name))
            continue;
        if (dot)
            return check_process(loader, reference->metric, dot);
        if (metrics[i].headline && !reference->baseline) {
            free(reference->metric);
            reference->metric = NULL;
        }
        return 0;
    }
    if (!name)
        return 0;
    known = known_metrics(metrics, n);
    meant = suggestion(name, known);
    return error_set(loader->error, -EINVAL, "unknown metric '%s'%s; %s has %s", name, meant,
                     reference->probe, known);
}

static int check_channels(const struct loader *loader, const struct reference *reference) {
    int r = check_name(reference->channel, loader->error);

    if (r == 0 && reference->baseline)
        r = check_name(reference->baseline, loader->error);
    if (r == 0 && text_equal(reference->channel, reference->baseline))
        return error_set(loader->error, -EINVAL, "the ratio of a channel to itself is always 1");
    return r;
}

/* It is written in one line, which must be read again. */
static int check_value(const struct loader *loader, const struct reference *reference) {
    size_t length = strlen(reference->key);
    double value;

    if (!text_real(reference->text, &value) || value <= 0)
        return error_set(loader->error, -EINVAL, "'%s' is not a positive number, as in 13.4",
                         reference->text);
    if (length > INIFILE_MAX_KEY || length + 3 + strlen(reference->text) > INIFILE_MAX_LINE)
        return error_set(loader->error, -EINVAL,
                         "is too long; a name of at most %d bytes, in a line of at most %d, can be "
                         "read again",
                         INIFILE_MAX_KEY, INIFILE_MAX_LINE);
    return 0;
}

static int check(struct loader *loader, const struct assignment *assignment,
                 struct reference *reference) {
    CLEANUP_FREE char *group_name = text_format("probe.%s", reference->probe);
    const struct setting_group *group = registry_group(loader->registry, SETTING_PROBE, group_name);
    int r;

    if (!group)
        return unknown_probe(loader, assignment->place, reference->probe);
    r = check_metric(loader, group, reference);
    if (r == 0)
        r = check_channels(loader, reference);
    if (r == 0)
        r = check_value(loader, reference);
    return r < 0 ? error_prefix(loader->error, r, "%s", assignment->place) : 0;
}

/* What already says the same, or NULL. */
static struct reference *find(const struct scenario *scenario, const struct reference *reference) {
    for (size_t i = 0; i < scenario->n_references; i++) {
        struct reference *other = &scenario->references[i];

        if (text_equal(other->probe, reference->probe) &&
            text_equal(other->metric, reference->metric) &&
            text_equal(other->channel, reference->channel) &&
            text_equal(other->baseline, reference->baseline))
            return other;
    }
    return NULL;
}

/* Takes over the reference. Of two files, or of file and command line, the later counts; one file
 * that names a headline metric once and leaves it out once has said two things of it. */
static int keep(struct loader *loader, const struct assignment *assignment,
                struct reference *reference) {
    struct scenario *scenario = loader->scenario;
    struct reference *before = find(scenario, reference);

    if (before && !is_of_command_line(assignment) && !text_equal(before->key, reference->key))
        return error_set(loader->error, -EINVAL, "%s: is the same as %s; keep one",
                         assignment->place, before->key);
    if (!before && scenario->n_references == SCENARIO_MAX_REFERENCES)
        return error_set(loader->error, -EINVAL,
                         "%s: is the %dst published value; at most %d can be reported",
                         assignment->place, SCENARIO_MAX_REFERENCES + 1, SCENARIO_MAX_REFERENCES);
    if (!before) {
        scenario->references = memory_room(scenario->references, scenario->n_references,
                                           sizeof(*scenario->references));
        before = &scenario->references[scenario->n_references++];
        *before = (struct reference){.probe = NULL};
    }
    reference_clear(before);
    *before = *reference;
    *reference = (struct reference){.probe = NULL};
    return 0;
}

int take_reference(struct loader *loader, const struct assignment *assignment) {
    static const struct setting row = {.type = SETTING_TEXT, .fallback = ""};
    CLEANUP(reference_clear) struct reference reference = {.probe = NULL};
    CLEANUP_FREE char *text = NULL;
    int r = setting_assign(&row, &text, assignment->value, loader->error);

    if (r < 0)
        return error_prefix(loader->error, r, "%s", assignment->place);
    if (text_equal(assignment->path, "reference.source")) {
        text_replace(&loader->scenario->reference_source, text);
        return 0;
    }
    reference.key = text_copy(assignment->path + strlen("reference."));
    reference.text = text_copy(text);
    if (!reference_split(reference.key, &reference)) {
        CLEANUP_FREE char *meant = suggestion(reference.key, "source");

        return error_set(loader->error, -EINVAL,
                         "%s%s: none of `source`, PROBE.CHANNEL, PROBE.METRIC.CHANNEL and "
                         "ratio.PROBE.METRIC.CHANNEL.BASELINE, as path.plain, "
                         "connect.tls_time.tls and ratio.connect.tls_time.mutual-tls.tls",
                         assignment->place, meant);
    }
    r = check(loader, assignment, &reference);
    return r < 0 ? r : keep(loader, assignment, &reference);
}
