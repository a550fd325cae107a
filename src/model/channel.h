/*
 * channel - one security configuration of the connection between client and broker: the
 * mechanisms it uses and their settings.
 */
#ifndef BENCH_MODEL_CHANNEL_H
#define BENCH_MODEL_CHANNEL_H

#include "model/registry.h"

/* Settings that every channel has; those of its mechanisms are in their own groups. */
struct channel_settings {
    char *description;
    char *use; /* names of mechanisms */
};
extern const struct setting_group channel_group;

struct channel {
    char *name;
    struct settings settings; /* a block for every group of scope SETTING_CHANNEL */
};

void channel_init(struct channel *channel, const char *name, const struct registry *registry);
void channel_copy(struct channel *ret, const char *name, const struct channel *channel);
void channel_clear(struct channel *channel);

const char *channel_description(const struct channel *channel);
const char *channel_use(const struct channel *channel);
bool channel_uses(const struct channel *channel, const char *mechanism);

/* Sets one key by its path inside the channel ("use", "tls.min_version"). Errors do not name the
 * place. */
int channel_assign(struct channel *channel, const char *path, const char *value,
                   struct error *error);

/* Whether every mechanism in `use` exists and the registry's check agrees. */
int channel_check(const struct channel *channel, struct error *error);

/* For the agent: the name and the blocks of the mechanisms in use, as JSON, and back. */
json_t *channel_to_json(const struct channel *channel);
int channel_from_json(struct channel *ret, const struct registry *registry, const json_t *object,
                      struct error *error);

#endif
