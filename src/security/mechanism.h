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
#include "model/fleet.h"
#include "security/seal.h"

#include <stdio.h>

/* How long certificates are good for; the owner of the keys is pki.h. */
struct certificates_settings {
    int64_t validity_ns, renew_before_ns;
};
extern const struct setting_group certificates_group;

struct pki_parties;
struct pki_fleet_way;

/* What a host is there for in a run. A client is with the broker, and with the publisher. */
enum place {
    PLACE_DRIVER, /* what is issued is issued here */
    PLACE_BROKER,
    PLACE_PUBLISHER,
};

/* What the driver issues from, once before a run: certificates and generated secrets. */
struct issuer {
    const char *certs;                 /* folder of the PKI's stores on the driver's side */
    const struct pki_parties *parties; /* the way to the holders of keys; NULL: in that folder */
    const struct pki_parties *further; /* to client2 on each further publisher's host */
    size_t n_further;
    const struct fleet_plan *fleet;      /* NULL: there is none */
    const struct pki_fleet_way *members; /* the way to its members; NULL: in that folder */
    const char *addresses;               /* where the broker is reached, separated by blanks */
    int64_t validity_ns, renew_before_ns;
    bool may_prompt; /* whether the user may be asked for the CA's passphrase */
    const char *telemetry_topic;
    /* What a party's host is known by, "mac" or "serial"; the text is the caller's. */
    int (*identify)(void *context, enum party party, const char *by, char **ret,
                    struct error *error);
    void *context;   /* of identify */
    json_t *secrets; /* filled: {"<mechanism>": {"<channel>": ...}}; goes to the hosts */
};

/* What a mechanism may draw on while a channel is brought up, on one host. All borrowed. */
struct bringup {
    const struct channel *channel;
    const char *certs;     /* folder of the PKI's stores on this host */
    const char *folder;    /* private to the broker's host and this bring-up; NULL elsewhere */
    const json_t *secrets; /* as issued, at least those of this channel */
    const struct fleet_plan *fleet; /* whose members connect, too; NULL: there are none */
    bool direct; /* this client speaks with another role, under the channel's TLS, not a broker */
};

/* One host of a run, where a mechanism prepares what must be there before its channel comes up.
 * All borrowed. */
struct prepared_host {
    const struct bringup *bringup;
    bool broker;         /* the broker's host; else the publisher's */
    bool alone;          /* all parties are on this host: no way leads from one host to another */
    const char *address; /* where the publisher's host reaches the broker's */
    const json_t *heard; /* what the mechanism has told on the other host; NULL: nothing yet */
};

/* ---- proofs ---- */

#define PROOF_TEXT_SIZE 160

/* Where the sentinels of proofs go. acl lets every client use it. */
#define PROOF_SENTINEL "bench/proof/sentinel"

/* What came of a proof, for its row of proofs.csv. */
struct proof_seen {
    bool held;
    char observed[PROOF_TEXT_SIZE], cause[PROOF_TEXT_SIZE];
};

/* A message that is published as part of a proof. */
struct proof_message {
    const char *topic;
    const void *payload;
    size_t length;
    bool raw; /* the payload is published as it is, whatever the publisher's config says */
};

/* One client watches `filter`, another publishes messages, each complete before the next, and then
 * a sentinel on the same connection: what has not arrived when the sentinel has will not. */
struct proof_exchange {
    const struct client_config *publisher, *watcher; /* of different client ids */
    const char *filter, *sentinel;                   /* a topic both may use, outside the filter */
    const struct proof_message *messages;
    size_t n_messages;
    int qos;              /* of all */
    const char *expected; /* the payload that messages are to arrive with; NULL: any will do */
};
struct proof_exchange_result {
    bool refused;                      /* the broker refused the subscription to the filter */
    int64_t arrived;                   /* of the messages */
    int64_t intact;                    /* of those, with the expected payload */
    int64_t rejected[SEAL_N_VERDICTS]; /* by the watcher, which could not open them */
    bool sentinel;                     /* has arrived: false makes the exchange say nothing */
};

/* Where a proof acts: the worker on client2's host that examines the channel, with its verbs
 * (probes/proof.c). They return a negative errno when nothing can be said at all. */
struct proof_setup {
    const struct bringup *bringup;
    const struct client_config
        *right;     /* client2's, at the broker client1's, under an id of its own */
    bool at_broker; /* on the broker's host instead, for a proof that is made there */
    /* Connects as config: whether it was let in, and the cause in transport/attempt.h's words. */
    int (*connect)(const struct client_config *config, bool *ret_accepted,
                   char ret_cause[PROOF_TEXT_SIZE], struct error *error);
    int (*exchange)(const struct proof_exchange *exchange, struct proof_exchange_result *ret,
                    struct error *error);
    /* Connects, and when the broker gives a ticket once more with it: whether it gave one, and
     * whether the second connection went on from the first; cause as of connect. */
    int (*resume)(const struct client_config *config, bool *ret_ticket, bool *ret_resumed,
                  char ret_cause[PROOF_TEXT_SIZE], struct error *error);
    /* Publishes a request and waits for the first message on the topic of answers; the text of it
     * belongs to the caller. */
    int (*ask)(const struct client_config *config, const struct proof_message *request,
               const char *answers, char **ret_answer, struct error *error);
};

/* An attempt whose outcome and cause show that the mechanism is in force: mostly a client that must
 * not get in (`alter` and `causes`), else whatever `act` does. */
struct proof {
    const char *name, *help;
    /* Turns the right client_config of client2 into the one that must not get in. */
    void (*alter)(struct client_config *config, const struct bringup *bringup);
    /* The causes that show it, separated by '|': "alert 116|alert 40", "connack 5". With `act`,
     * what is expected, in words. */
    const char *causes;
    bool (*applies)(const struct channel *channel); /* NULL: always */
    /* Shown by a broker of our own only: of another nobody asked for it, or may. */
    bool own_broker;
    bool own_ca; /* shown only where the clients' certificates are from our CA */
    /* Shows how strictly our broker is configured, and nothing of what the mechanism claims: where
     * another broker does not show it, that is a remark. */
    bool configured;
    bool fleet;     /* is about members: made only where there is a fleet */
    bool at_broker; /* made on the broker's host, by an act that connects to nothing */
    int (*act)(const struct proof_setup *setup, struct proof_seen *ret, struct error *error);
};

struct mechanism {
    const struct setting_group *group; /* its name is the mechanism's */
    const char *help;
    const char *needs;     /* mechanisms that must be in use too, or NULL */
    const char *conflicts; /* mechanisms that must not be in use beside it, or NULL */
    bool no_anonymous;     /* the broker must turn away clients that give no name */
    /* The setting whose secret the broker must know; NULL: it need not know any. */
    const char *broker_secret;
    /* Why the channel's broker must be of our own, beginning with the setting that demands it; NULL
     * when it need not be. */
    const char *(*own_broker)(const struct channel *channel);
    size_t shortest_secret; /* bytes of one that a setting "secret" takes from a file */
    /* Why a broker of ours cannot have these settings, in words, or NULL; the hook or NULL. */
    const char *(*other_broker)(const struct channel *channel);
    /* How far apart the clocks of the parties' hosts may be; NULL: that does not matter. */
    int64_t (*clocks_apart_ns)(const struct channel *channel);
    /* Writes into settings that were left out what then is, where that depends on others. */
    void (*settle)(struct channel *channel, bool own_broker);
    /* Whether the settings make sense together, settled or not; the message does not name the
     * channel. */
    int (*check)(const struct channel *channel, struct error *error);
    /* Whether this host has what the channel needs in that place: 0, or -EOPNOTSUPP and what is
     * missing here and what has it ("OpenSSL 3.0 has no ML-KEM: Debian 13 has"), and the channel's
     * trials are skipped for that reason. Asked of every host before anything is issued; other
     * errors end the run there. With `executes` it may load what the settings name, which is the
     * user's to permit; without it nothing of a scenario is executed. NULL: it is possible
     * everywhere. */
    int (*possible)(const struct channel *channel, enum place place, bool executes,
                    struct error *error);
    int (*issue)(const struct channel *channel, struct issuer *issuer, struct error *error);
    /* The address at which the broker is reached on this channel, when it is not its host's own;
     * the text is the caller's. */
    char *(*address)(const struct channel *channel);
    /* Whether this host has what the mechanism needs there, with its default settings: 0 and in
     * words what it would use (the caller's), or -EOPNOTSUPP and what is missing. */
    int (*available)(char **ret_how, struct error *error);
    /* Prepares a host, by its agent: first the broker's host, then the publisher's, which hears
     * what the first has told, then once more the broker's, which hears the other. What is told
     * travels through the driver: never a key. *state, NULL at first, is the mechanism's; also
     * after a failure it is handed to undo, when the channel goes down or the agent ends. What an
     * agent that was killed left behind is for the next one to remove. -EOPNOTSUPP: this cannot be
     * had here, and the channel's trials are skipped for that reason. */
    int (*prepare)(const struct prepared_host *host, void **state, json_t *facts,
                   struct error *error);
    void (*undo)(void *state);
    /* The CPU time that what was prepared has taken so far, in seconds; NaN where the kernel does
     * the work and nobody counts it. NULL: it takes none. */
    double (*cpu_s)(const void *state);
    /* Lines of the broker's configuration behind its `listener` line, and the files they name; but
     * for what `party` says of the broker's TLS (security/tls_context.h). */
    int (*broker)(const struct bringup *bringup, FILE *lines, struct error *error);
    void (*party)(const struct bringup *bringup, enum party party, struct client_config *config);
    /* Turns client2's client_config into that of a member of the fleet (model/fleet.h), as whom the
     * broker knows it by `broker` and bringup->fleet; NULL: members are to this mechanism what
     * client2 is. The client identifier is the member's already. */
    void (*member)(const struct bringup *bringup, int64_t member, struct client_config *config);
    /* Why this channel cannot have a fleet, in words that begin with the setting; NULL when it can,
     * and the hook where it always can. */
    const char *(*no_fleet)(const struct channel *channel, const struct fleet_plan *fleet);
    /* What client2's client_config needs besides, to receive what client2 publishes: for proofs and
     * probes that do both on one host. */
    void (*reader)(const struct bringup *bringup, struct client_config *config);
    const struct proof *proofs;
    size_t n_proofs;
};

extern const struct mechanism mechanism_tls;
extern const struct mechanism mechanism_certificate;
extern const struct mechanism mechanism_psk;
extern const struct mechanism mechanism_client_id;
extern const struct mechanism mechanism_password;
extern const struct mechanism mechanism_acl;
extern const struct mechanism mechanism_token;
extern const struct mechanism mechanism_payload;
extern const struct mechanism mechanism_tunnel;

/* All mechanisms, in the order in which their hooks are called. */
extern const struct mechanism *const mechanisms[];
extern const size_t n_mechanisms;

/* Calls every `issue` of a channel's mechanisms. */
int mechanism_issue(const struct channel *channel, struct issuer *issuer, struct error *error);

/* `needs`, `conflicts` and every check. */
int mechanism_check_channel(const struct channel *channel, struct error *error);

/* The first mechanism's no to `possible`, or 0. */
int mechanism_possible(const struct channel *channel, enum place place, bool executes,
                       struct error *error);

/* Whether its mechanisms can work with hosts whose clocks are so far apart. */
int mechanism_check_clocks(const struct channel *channel, int64_t apart_ns, struct error *error);

/* The first mechanism's answer to `address`, or NULL; belongs to the caller. */
char *mechanism_address(const struct channel *channel);
/* Whether a mechanism of the channel has something to prepare on its hosts. */
bool mechanism_prepares(const struct channel *channel);

/* The next mechanism at or after *cursor (from 0) that the channel uses, or NULL. */
const struct mechanism *mechanism_next(const struct channel *channel, size_t *cursor);

/* Whether the files with secrets that the settings name are what they must be. */
int mechanism_check_files(const struct channel *channel, struct error *error);

/* The right client_config of a party on this channel, with a broker of our own (for any:
 * broker_client_config()); belongs to the caller. */
struct client_config *mechanism_client_config(const struct bringup *bringup, enum party party,
                                              const char *address, int64_t port);
/* Calls every `reader`. */
void mechanism_make_reader(const struct bringup *bringup, struct client_config *config);

#endif
