/* The variants of a scenario's channels and probes: each combination of their varied settings. */
#include "model/scenario_loader.h"

#include <errno.h>
#include <string.h>

/* Of every block. */
#define MAX_TRIALS 256

/* ---- what a varied setting is called ---- */

/* Whether both can be part of the same trial's variant. */
static bool meet(const struct factor *a, const struct factor *b) {
    if (a->channel && b->channel)
        return text_equal(a->channel, b->channel);
    return a->channel || b->channel || a->group == b->group;
}

/* The last so many parts of a dotted path. */
static const char *last_parts(const char *path, size_t n) {
    const char *start = path + strlen(path);

    for (;;) {
        while (start > path && start[-1] != '.')
            start--;
        if (start == path || --n == 0)
            return start;
        start--;
    }
}

static void label(struct scenario *scenario, struct factor *factor) {
    for (size_t n = 1;; n++) {
        const char *text = last_parts(factor->path, n);
        bool shared = false;

        for (size_t i = 0; i < scenario->n_factors; i++) {
            const struct factor *other = &scenario->factors[i];

            shared = shared || (other != factor && meet(factor, other) &&
                                text_equal(last_parts(other->path, n), text));
        }
        if (shared && text != factor->path)
            continue;
        factor->label = text_copy(text);
        return;
    }
}

/* ---- combinations ---- */

/* The varied settings of one channel or probe. */
struct factors {
    const struct factor **list;
    size_t n, n_variants; /* MAX_TRIALS + 1: too many */
};

static void add_factor(struct factors *factors, const struct factor *factor) {
    factors->list = memory_room(factors->list, factors->n, sizeof(const struct factor *));
    factors->list[factors->n++] = factor;
    factors->n_variants *= factor->n_values;
    if (factors->n_variants > MAX_TRIALS)
        factors->n_variants = MAX_TRIALS + 1;
}

static struct factors factors_of_channel(const struct scenario *scenario,
                                         const struct channel *channel) {
    struct factors factors = {NULL, 0, 1};

    for (size_t i = 0; i < scenario->n_factors; i++)
        if (factor_of_channel(&scenario->factors[i], channel))
            add_factor(&factors, &scenario->factors[i]);
    return factors;
}

static struct factors factors_of_probe(const struct scenario *scenario,
                                       const struct measurement *measurement) {
    struct factors factors = {NULL, 0, 1};

    for (size_t i = 0; i < scenario->n_factors; i++)
        if (factor_of_probe(&scenario->factors[i], measurement))
            add_factor(&factors, &scenario->factors[i]);
    return factors;
}

static void factors_clear(struct factors *factors) {
    free(factors->list);
}

/* The value of the factor at `place` in a variant: the last factor's changes fastest. */
static const char *value_in(const struct factors *factors, size_t place, size_t variant) {
    for (size_t i = factors->n - 1; i > place; i--)
        variant /= factors->list[i]->n_values;
    return factors->list[place]->values[variant % factors->list[place]->n_values];
}

/* "suites=TLS_AES_128_GCM_SHA256 groups=X25519" */
static char *name_variant(const struct factors *factors, size_t variant) {
    char *name = text_copy("");

    for (size_t i = 0; i < factors->n; i++) {
        CLEANUP_FREE char *one =
            text_format("%s=%s", factors->list[i]->label, value_in(factors, i, variant));

        text_append(&name, " ", one);
    }
    return name;
}

/* ---- probes ---- */

static struct measurement measurement_of(const struct scenario *scenario, const char *probe) {
    CLEANUP_FREE char *name = text_format("probe.%s", probe);
    const struct setting_group *group =
        registry_group(scenario->settings.registry, SETTING_PROBE, name);

    return (struct measurement){.probe = probe, .group = group};
}

/* The values were checked when they were read. */
static void add_measurements(struct scenario *scenario, const char *probe) {
    struct measurement measurement = measurement_of(scenario, probe);
    CLEANUP(factors_clear) struct factors factors = factors_of_probe(scenario, &measurement);

    scenario->measurements =
        memory_resize(scenario->measurements, scenario->n_measurements + factors.n_variants,
                      sizeof(*scenario->measurements));
    for (size_t v = 0; v < factors.n_variants; v++) {
        measurement.variant = name_variant(&factors, v);
        measurement.settings = setting_block_copy(
            measurement.group, settings_get(&scenario->settings, measurement.group));
        for (size_t i = 0; i < factors.n; i++)
            (void)setting_assign(factors.list[i]->row, measurement.settings,
                                 value_in(&factors, i, v), NULL);
        scenario->measurements[scenario->n_measurements++] = measurement;
    }
}

/* ---- channels ---- */

static const char *place_of(const struct loader *loader, const struct factor *factor) {
    CLEANUP_FREE char *path = text_format("vary.%s", factor->path);

    return assignments_find(&loader->given, path)->place;
}

/* "tls.suites" of "channel.mutual-tls.tls.suites" */
static const char *key_of(const struct factor *factor) {
    return factor->path + strlen("channel.") + strlen(factor->channel) + 1;
}

/* What a check complains of starts with a key: if that is varied, its line is meant. */
static int blame_variant(struct loader *loader, const struct factors *factors, const char *variant,
                         int code) {
    const struct factor *blamed = factors->list[0];
    size_t length = strcspn(loader->error->text, ":");

    for (size_t i = 0; i < factors->n; i++)
        if (strlen(key_of(factors->list[i])) == length &&
            strncmp(key_of(factors->list[i]), loader->error->text, length) == 0)
            blamed = factors->list[i];
    return error_prefix(loader->error, code, "%s: with %s", place_of(loader, blamed), variant);
}

/* One variant of a channel. */
static int vary_channel(struct loader *loader, const struct factors *factors, size_t variant,
                        struct channel *channel) {
    int r = 0;

    free(channel->variant);
    channel->variant = name_variant(factors, variant);
    for (size_t i = 0; i < factors->n && r == 0; i++)
        r = channel_assign(channel, key_of(factors->list[i]), value_in(factors, i, variant),
                           loader->error);
    if (r == 0)
        r = channel_check(channel, loader->error);
    return r < 0 ? blame_variant(loader, factors, channel->variant, r) : 0;
}

/* Appends the variants of a channel to the list; what is in it belongs to it also on failure. */
static int add_variants(struct loader *loader, const struct channel *channel, struct channel **list,
                        size_t *n) {
    CLEANUP(factors_clear) struct factors factors = factors_of_channel(loader->scenario, channel);
    int r = 0;

    *list = memory_resize(*list, *n + factors.n_variants, sizeof(**list));
    for (size_t v = 0; v < factors.n_variants && r == 0; v++) {
        channel_copy(&(*list)[*n], channel->name, channel);
        if (factors.n)
            r = vary_channel(loader, &factors, v, &(*list)[*n]);
        ++*n;
    }
    return r;
}

static int expand_channels(struct loader *loader) {
    struct scenario *scenario = loader->scenario;
    struct channel *list = NULL;
    size_t n = 0;
    int r = 0;

    for (size_t i = 0; i < scenario->n_channels && r == 0; i++)
        r = add_variants(loader, &scenario->channels[i], &list, &n);
    for (size_t i = 0; i < scenario->n_channels; i++)
        channel_clear(&scenario->channels[i]);
    free(scenario->channels);
    scenario->channels = list;
    scenario->n_channels = n;
    return r;
}

/* ---- all of it ---- */

static int check_size(struct loader *loader) {
    const struct scenario *scenario = loader->scenario;
    size_t channels = 0, measurements = 0;

    for (size_t i = 0; i < scenario->n_channels; i++) {
        CLEANUP(factors_clear)
        struct factors factors = factors_of_channel(scenario, &scenario->channels[i]);

        channels += factors.n_variants;
    }
    for (size_t i = 0; i < scenario->n_probes; i++) {
        struct measurement measurement = measurement_of(scenario, scenario->probes[i]);
        CLEANUP(factors_clear) struct factors factors = factors_of_probe(scenario, &measurement);

        measurements += factors.n_variants;
    }
    if (!scenario->n_factors || channels * measurements <= MAX_TRIALS)
        return 0;
    return error_set(loader->error, -EINVAL,
                     "%s: with what else is varied this makes more than %d trials of every block; "
                     "vary less at a time",
                     place_of(loader, &scenario->factors[scenario->n_factors - 1]), MAX_TRIALS);
}

int build_variants(struct loader *loader) {
    struct scenario *scenario = loader->scenario;
    int r = read_factors(loader);

    if (r == 0)
        r = check_size(loader);
    if (r < 0)
        return r;
    for (size_t i = 0; i < scenario->n_factors; i++)
        label(scenario, &scenario->factors[i]);
    for (size_t i = 0; i < scenario->n_probes; i++)
        add_measurements(scenario, scenario->probes[i]);
    return expand_channels(loader);
}
