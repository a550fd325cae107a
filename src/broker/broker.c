#include "broker/broker.h"

#include "broker/external.h"
#include "broker/mosquitto.h"

#include <errno.h>

const struct broker_kind *const broker_kinds[] = {&broker_mosquitto, &broker_external};
const size_t n_broker_kinds = ARRAY_SIZE(broker_kinds);

const struct broker_kind *broker_kind_of(const struct channel *channel) {
    for (size_t i = 0; i < n_broker_kinds; i++)
        if (broker_kinds[i]->group && channel_uses(channel, broker_kinds[i]->group->name))
            return broker_kinds[i];
    return &broker_mosquitto;
}

void broker_settle_channel(struct channel *channel) {
    const struct mechanism *mechanism;
    size_t cursor = 0;

    while ((mechanism = mechanism_next(channel, &cursor)))
        if (mechanism->settle)
            mechanism->settle(channel, !broker_kind_of(channel)->group);
}

int broker_check_channel(const struct channel *channel, struct error *error) {
    const struct broker_kind *kind = broker_kind_of(channel);
    int r = mechanism_check_channel(channel, error);

    const struct mechanism *mechanism;
    size_t cursor = 0;

    if (r < 0)
        return r;
    while (!kind->group && (mechanism = mechanism_next(channel, &cursor))) {
        const char *why = mechanism->other_broker ? mechanism->other_broker(channel) : NULL;

        if (why)
            return error_set(error, -EINVAL, "%s; use = external takes any", why);
    }
    return kind->check ? kind->check(channel, error) : 0;
}

/* Somebody else's broker knows neither names nor secrets that are made here for a run, and can
 * neither be asked for its memory nor be started anew. */
int broker_check_fleet(const struct channel *channel, const struct fleet_plan *fleet,
                       struct error *error) {
    const struct broker_kind *kind = broker_kind_of(channel);
    const struct mechanism *mechanism;
    size_t cursor = 0;

    if (kind->group)
        return error_set(error, -EINVAL,
                         "use: %s: somebody else's broker does not know its members, and can "
                         "neither be started anew nor asked for its memory; leave the channel out "
                         "(--channels), or hold, storm and fleet (--probes)",
                         kind->group->name);
    while ((mechanism = mechanism_next(channel, &cursor))) {
        const char *why = mechanism->no_fleet ? mechanism->no_fleet(channel, fleet) : NULL;

        if (why)
            return error_set(error, -EINVAL, "%s", why);
    }
    return 0;
}

struct client_config *broker_client_config(const struct bringup *bringup, enum party party,
                                           const char *address, int64_t port) {
    struct client_config *config = mechanism_client_config(bringup, party, address, port);
    const struct broker_kind *kind = broker_kind_of(bringup->channel);

    if (kind->client && party != PARTY_BROKER && !bringup->direct)
        kind->client(bringup->channel, party, config);
    return config;
}

struct client_config *broker_member_config(const struct bringup *bringup, int64_t member,
                                           const char *address, int64_t port) {
    struct client_config *config = broker_client_config(bringup, PARTY_CLIENT2, address, port);
    const struct mechanism *mechanism;
    size_t cursor = 0;
    char *own = fleet_member_name(config->client_id, member);

    free(config->client_id);
    config->client_id = own;
    while ((mechanism = mechanism_next(bringup->channel, &cursor)))
        if (mechanism->member)
            mechanism->member(bringup, member, config);
    return config;
}
