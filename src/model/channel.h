/*
 * channel - one security configuration of the connection between client and broker: the
 * mechanisms it uses and their settings.
 */
#ifndef BENCH_MODEL_CHANNEL_H
#define BENCH_MODEL_CHANNEL_H

#include "model/setting.h"

/* What a channel is there for. A control is the scenario's baseline once more and shows what the
 * set-up can tell: `same` is expected to be equivalent to the baseline (A/A control); `slowed`,
 * whose sender's rate is lowered by the loss, is expected to be slower (positive control). */
enum channel_control {
    CONTROL_NONE, /* a subject of the experiment */
    CONTROL_SAME,
    CONTROL_SLOWED,
};

/* Settings that every channel has; those of its mechanisms are in their own groups. */
struct channel_settings {
    char *description;
    char *use;       /* names of mechanisms */
    int64_t control; /* enum channel_control */
    int64_t loss_ppm;
    int64_t mqtt; /* enum mqtt_version */
};
extern const struct setting_group channel_group;

struct channel {
    char *name;
    /* What is varied of it, and behind that of the link that it is measured on:
     * "suites=TLS_AES_128_GCM_SHA256 profile=lte-m"; "" for nothing. */
    char *variant;
    size_t link;              /* that one, of the scenario's */
    struct settings settings; /* a block for every group of scope SETTING_CHANNEL */
};

void channel_init(struct channel *channel, const char *name, const struct registry *registry);
void channel_copy(struct channel *ret, const char *name, const struct channel *channel);
void channel_clear(struct channel *channel);

/* "mutual-tls", or "mutual-tls suites=TLS_AES_128_GCM_SHA256"; the caller's. */
char *channel_label(const struct channel *channel);

const struct channel_settings *channel_own(const struct channel *channel);
bool channel_uses(const struct channel *channel, const char *mechanism);

/* The row of a key by its path inside the channel ("use", "tls.min_version"), and its group; NULL
 * with what is wrong, without the place. */
const struct setting *channel_setting(const struct channel *channel, const char *path,
                                      const struct setting_group **ret_group, struct error *error);
/* Sets one key by its path inside the channel. Errors do not name the place. */
int channel_assign(struct channel *channel, const char *path, const char *value,
                   struct error *error);

/* Whether every mechanism in `use` exists, a loss and its control go together, and the registry's
 * check agrees. The error begins with the key: "use: ...". */
int channel_check(const struct channel *channel, struct error *error);

/* The first key in use that two channels differ in, description, control and loss aside:
 * "tls.groups
 * ('X25519' instead of 'P-256')", the caller's; NULL when there is none. */
char *channel_difference(const struct channel *channel, const struct channel *other);

/* For the agent: the name and the blocks of the mechanisms in use, as JSON, and back. */
json_t *channel_to_json(const struct channel *channel);
int channel_from_json(struct channel *ret, const struct registry *registry, const json_t *object,
                      struct error *error);

#endif
