/*
 * broker - which kind of broker a channel has: one of our own (mosquitto.h), or somebody else's
 * (external.c). A row a kind in broker.c.
 *
 * Mechanisms do not ask for it: they say what takes a broker of our own (mechanism.own_broker,
 * mechanism.broker_secret, proof.own_broker, proof.own_ca), and a kind that is not ours goes by
 * that.
 */
#ifndef BENCH_BROKER_BROKER_H
#define BENCH_BROKER_BROKER_H

#include "security/mechanism.h"

struct broker; /* a process of ours: mosquitto.h */

struct broker_kind {
    /* Its name in `use` of the channels that have it; NULL: the kind of all others. */
    const struct setting_group *group;
    const char *help;
    /* Whether its settings make sense together, and with the channel's mechanisms; or NULL. */
    int (*check)(const struct channel *channel, struct error *error);
    /* Whether the files that its settings name for this client, on this host, are what they must
     * be; or NULL. */
    int (*check_files)(const struct channel *channel, enum party who, struct error *error);
    /* What a client's config gets behind what mechanisms have filled in; or NULL. */
    void (*client)(const struct channel *channel, enum party who, struct client_config *config);
    /* Whether that proof can be demanded of it; NULL: every one. */
    bool (*proves)(const struct channel *channel, const struct proof *proof);
    /* Whether what a proof shows of the configuration alone (proof.configured, what is negotiated)
     * is a remark where it does not hold; NULL: it breaks the proof. */
    bool (*tolerates)(const struct channel *channel);
    /* Whether each client may have one connection at a time; NULL: as many as it needs. */
    bool (*one_session)(const struct channel *channel);
    /* By which it may turn a client away, beside the causes that a proof names; NULL: nothing. */
    const char *causes;
    /* Returns when it accepts connections at the address; settings: a block of broker_group. *ret
     * stays NULL when it is no process of ours, *ret_told when there is nothing to tell of it;
     * else "port", "pid", "version". */
    int (*start)(struct broker **ret, struct bringup *bringup, const char *address,
                 const json_t *settings, json_t **ret_told, struct error *error);
    /* What it has used until now, as far as can be known ("cpu_s", "peak_memory", "at_ns"), the
     * number and "congestion" control of its "connections", its "memory" now (process_own_memory())
     * and who came "uninvited"; `broker` is what start() has left. -ESRCH when it has gone. */
    int (*usage)(const struct channel *channel, struct broker *broker, json_t **ret,
                 struct error *error);
};

/* All kinds, that of our own first. */
extern const struct broker_kind *const broker_kinds[];
extern const size_t n_broker_kinds;

const struct broker_kind *broker_kind_of(const struct channel *channel);

/* The registry's settle_channel: of the mechanisms. */
void broker_settle_channel(struct channel *channel);
/* The registry's check_channel: of the mechanisms, then of the broker. */
int broker_check_channel(const struct channel *channel, struct error *error);

/* Whether the channel can have such a fleet; the message does not name the channel. */
int broker_check_fleet(const struct channel *channel, const struct fleet_plan *fleet,
                       struct error *error);

/* The right client_config of a party on this channel, with this broker; belongs to the caller. */
struct client_config *broker_client_config(const struct bringup *bringup, enum party party,
                                           const char *address, int64_t port);
/* The same of a member of the fleet, with a client identifier of its own. */
struct client_config *broker_member_config(const struct bringup *bringup, int64_t member,
                                           const char *address, int64_t port);

#endif
