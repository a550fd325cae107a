/*
 * mechanism - a building block of a channel. One file a mechanism, one row in mechanism.c.
 *
 * A mechanism says what its settings are, what is issued for it before a run (on the driver), what
 * is prepared on the broker's host, which lines the broker's configuration gets, what each party's
 * client_config gets, and by which proofs it is shown to be in force. A hook that is NULL means
 * that the mechanism has nothing to do there.
 */
#ifndef BENCH_SECURITY_MECHANISM_H
#define BENCH_SECURITY_MECHANISM_H

#include "model/channel.h"
#include "model/client_config.h"

#include <stdio.h>

/* How long certificates are good for; the owner of the keys is pki.h. */
struct certificates_settings {
    int64_t validity_ns, renew_before_ns;
};
extern const struct setting_group certificates_group;

struct pki_parties;

/* What the driver issues from, once before a run: certificates and generated secrets. */
struct issuer {
    const char *certs;                 /* folder of the PKI's stores on the driver's side */
    const struct pki_parties *parties; /* the way to the holders of keys; NULL: in that folder */
    const char *addresses;             /* where the broker is reached, separated by blanks */
    int64_t validity_ns, renew_before_ns;
    bool may_prompt; /* whether the user may be asked for the CA's passphrase */
    json_t *secrets; /* filled: {"<mechanism>": {"<channel>": ...}}; goes to the hosts */
};

/* What a mechanism may draw on while a channel is brought up, on one host. All borrowed. */
struct bringup {
    const struct channel *channel;
    const char *certs;     /* folder of the PKI's stores on this host */
    const char *folder;    /* private to the broker's host and this bring-up; NULL elsewhere */
    const json_t *secrets; /* as issued, at least those of this channel */
};

/* What an attempt of a client came to, and why: see transport/attempt.h for the words. */
enum proof_outcome { PROOF_ACCEPTED, PROOF_REFUSED };

/* An attempt whose outcome and cause show that the mechanism is in force. */
struct proof {
    const char *name, *help;
    /* Turns the right client_config of client2 into the one that must not get in. */
    void (*alter)(struct client_config *config, const struct bringup *bringup);
    /* The causes that show it, separated by '|': "alert 116|alert 40", "connack 5". */
    const char *causes;
    bool (*applies)(const struct channel *channel); /* NULL: always */
};

struct mechanism {
    const struct setting_group *group; /* its name is the mechanism's */
    const char *help;
    const char *needs; /* mechanisms that must be in use too, or NULL */
    bool no_anonymous; /* the broker must turn away clients that give no name */
    /* Whether the settings make sense together; the message does not name the channel. */
    int (*check)(const struct channel *channel, struct error *error);
    int (*issue)(const struct channel *channel, struct issuer *issuer, struct error *error);
    /* Lines of the broker's configuration behind its `listener` line, and the files they name. */
    int (*broker)(const struct bringup *bringup, FILE *lines, struct error *error);
    /* Lines of an OpenSSL configuration ("MaxProtocol = TLSv1.2") that the broker starts under. */
    void (*broker_openssl)(const struct bringup *bringup, FILE *lines);
    void (*party)(const struct bringup *bringup, enum party party, struct client_config *config);
    const struct proof *proofs;
    size_t n_proofs;
};

/* All mechanisms, in the order in which their hooks are called. */
extern const struct mechanism *const mechanisms[];
extern const size_t n_mechanisms;

/* Calls every `issue` of a channel's mechanisms. */
int mechanism_issue(const struct channel *channel, struct issuer *issuer, struct error *error);

/* The registry's check_channel: `needs` and every check. */
int mechanism_check_channel(const struct channel *channel, struct error *error);

/* The next mechanism at or after *cursor (from 0) that the channel uses, or NULL. */
const struct mechanism *mechanism_next(const struct channel *channel, size_t *cursor);

/* The right client_config of a party on this channel; belongs to the caller. */
struct client_config *mechanism_client_config(const struct bringup *bringup, enum party party,
                                              const char *address, int64_t port);

#endif
