/*
 * pki - the certificates of figure 5: one CA, and for the broker and both clients a key, a request
 * and a certificate, in one store (a folder tree) for each kind of chain. The CA is where the
 * driver runs; each party makes its key and its request where it lives itself, and only the request
 * leaves that host. So a store is spread over the hosts, and whole where all live on one:
 *
 *   <store>/ca/         the driver: ca.key (under a passphrase), ca.crt, ca.crl, and a copy of
 *                       broker.crt, client1.crt, client2.crt
 *   <store>/broker/     the broker's host: broker.key, broker.csr, broker.crt, ca.crt, ca.crl
 *   <store>/client1/, <store>/client2/         likewise, on that client's host
 *   <store>/client2/fleet/   publishers' hosts: m0.pem, m1.pem ..., each the private key of a
 * member of the fleet and its certificate; a host has its part of the members <store>/proof/
 * client2's host: certificates that a broker must refuse, see below <folder>/lock,
 * <folder>/ca/passphrase      the driver: shared by all stores of the root folder
 *   <folder>/parties.lock                      the same for the parties of a host
 *
 * In proof/: `expired` is client1's certificate in all but its key and its dates, signed by the
 * right CA, past before any right certificate of its day begins; `revoked` is client1's
 * certificate in all but its key, and ca.crl names it; `stranger` is client1's certificate signed
 * by another CA (other-ca.crt, whose key nobody keeps); where leaves are of a post-quantum type,
 * `classical` is client1's certificate for an ec:P-256 key, signed by the right CA. Each has .key,
 * .csr and .crt. They are holders of a certificate as the parties are.
 *
 * ca.crl is the CA's list of revoked certificates. It is good for as long as a certificate and is
 * renewed as one, because a broker that looks into one that has expired lets nobody in.
 *
 * Where the clients' keys are in tokens, the store has no .key but the broker's: what is in proof/
 * is for client2's key then.
 *
 * Private keys and the passphrase are files of mode 0600 in folders of mode 0700. Every file is
 * replaced whole (rename), and runs exclude each other by the locks, so that a run killed at any
 * instant leaves a store that is valid or that the next pki_ensure() repairs. Further publishers'
 * hosts have a client2/, too, with a key of its own.
 *
 * Durations are nanoseconds, instants nanoseconds since 1970 UTC. What is handed out belongs to
 * the caller.
 */
#ifndef BENCH_SECURITY_PKI_H
#define BENCH_SECURITY_PKI_H

#include "base/error.h"
#include "base/memory.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PKI_KEY_TYPES        "ec:P-256 rsa:2048 rsa:3072 ed25519 mldsa:44 mldsa:65 mldsa:87"
#define PKI_DEFAULT_KEY_TYPE "ec:P-256"

/* The word at that place of PKI_KEY_TYPES. */
const char *pki_key_type(int64_t place);

/* Whose keys are in a token in place of files (security/key_token.h). */
enum pki_tokens { PKI_TOKENS_NONE, PKI_TOKENS_CLIENTS, PKI_TOKENS_BROKER, PKI_TOKENS_ALL };

/* The types of the keys in a store, and where they are. */
struct pki_chain {
    const char *key_type;    /* of the leaves: a word of PKI_KEY_TYPES */
    const char *ca_key_type; /* of the CA; NULL: the same */
    int64_t tokens;          /* enum pki_tokens */
    /* The user's token, its library, and the file with its PIN, on each host; NULL: our own. */
    const char *token_module, *token, *token_pin;
};

/* By what TLS finds the key of a holder: the path of its file, or the URI of a key in a token. The
 * caller's. */
char *pki_key_name(const char *folder, const struct pki_chain *chain, const char *holder);

/* A chain as it travels from the driver to an agent, and back: borrowed from the JSON. */
json_t *pki_chain_to_json(const struct pki_chain *chain);
struct pki_chain pki_chain_from_json(const json_t *object);

/* Whether it is a word of PKI_KEY_TYPES; the message names those that this OpenSSL has. */
int pki_check_key_type(const char *key_type, struct error *error);
/* The same of a chain, and whether this OpenSSL has both types: else -EOPNOTSUPP. */
int pki_check_chain(const struct pki_chain *chain, struct error *error);
/* All chains there are, but for tokens of the user's: the next one from *cursor, at first 0, on;
 * false at the end. */
bool pki_next_chain(size_t *cursor, struct pki_chain *ret);
/* Whether its signatures are to withstand quantum computers; of TLS 1.3 alone. */
bool pki_is_post_quantum(const char *key_type);

/* ---- the parties' side ---- */

/* What a holder has, as PEM text: its request, and what it was last given (`revoked`: the list of
 * revoked certificates), NULL where there is none. Never its key. */
struct pki_party_files {
    char *request, *certificate, *authority, *revoked;
};
void pki_party_files_clear(struct pki_party_files *files);

/* Steps 2 and 3 on the holder's host: makes a key when there is none of that type, a request when
 * none fits it, and tells what is there then. folder is the root of all stores of that host;
 * holder is one of broker, client1, client2, expired, revoked, classical, stranger, and any other
 * is refused. */
int pki_party_request(const char *folder, const struct pki_chain *chain, const char *holder,
                      struct pki_party_files *ret, struct error *error);
/* Step 5 on the holder's host: keeps the certificate and (not NULL) that of the CA that signed it,
 * and (not NULL, and only with the latter) its list of revoked ones. Refused when the certificate
 * is not for the key that is there, or one of both is not signed by that CA. */
int pki_party_install(const char *folder, const struct pki_chain *chain, const char *holder,
                      const char *certificate, const char *authority, const char *revoked,
                      struct error *error);

/* The way from the CA to the holders, wherever they live: the two functions above. */
struct pki_parties {
    int (*request)(void *context, const struct pki_chain *chain, const char *holder,
                   struct pki_party_files *ret, struct error *error);
    int (*install)(void *context, const struct pki_chain *chain, const char *holder,
                   const char *certificate, const char *authority, const char *revoked,
                   struct error *error);
    void *context;
};

/* ---- the CA's side ---- */

struct pki_options {
    const char *folder; /* the root of all stores, "certs"; made when missing, its parent not */
    struct pki_chain chain;
    int64_t validity_ns;     /* from now; certificates begin one day earlier */
    int64_t renew_before_ns; /* less left than this: renewed; smaller than validity_ns */
    /* Names and IP addresses, blank-separated, at which the broker is reached; 127.0.0.1, ::1 and
     * localhost are always added. NULL: none. The zone of an IPv6 address (%eth0) is left out. */
    const char *addresses;
    /* Gives the passphrase of ca.key, called only when the CA must sign; creating: there is no
     * key yet. pki_ensure() wipes and frees the text. */
    int (*passphrase)(void *context, bool creating, char **ret, struct error *error);
    void *context;
    const struct pki_parties *parties; /* NULL: all live here, in the same folder */
    bool force;                        /* renew every certificate, valid or not; keys stay */
};

/* The folder of the store for a chain: the root itself for the default type of key, else
 * "<folder>/rsa-2048" and the like, "<folder>/ec-P-256-by-mldsa-65" where the CA's type differs;
 * with keys in a token "<folder>/pkcs11-clients-softhsm" and the like. */
char *pki_store(const char *folder, const struct pki_chain *chain);

/* Makes what is missing, renews what has expired, soon will, or no longer fits (key, CA, type of
 * key, the broker's addresses). Renewing keeps keys. Waits for another run that is at it. Asks
 * every holder once, and tells only those something that lack it. In *ret_issued how many
 * certificates were signed, those of CAs included. */
int pki_ensure(const struct pki_options *options, unsigned *ret_issued, struct error *error);

/* The same on a further publisher's host, to which options->parties lead, for a store that
 * pki_ensure() has made: client2 has a key and a certificate of its own there, too, and the CA's.
 * The CA keeps no copy. */
int pki_ensure_further(const struct pki_options *options, unsigned *ret_issued,
                       struct error *error);

/* ---- members of a fleet (model/fleet.h), on the publishers' hosts ---- */

/* The file with a member's private key and its certificate; the caller's. */
char *pki_member_file(const char *folder, const struct pki_chain *chain, int64_t member);

/* Asks the host where members live for the next of them: {"first", "count", "authority", "now_s",
 * "until_s", "force"}. Where one lacks a right key it is made, on all processors of the host. The
 * answer, the caller's, is {"next": N, "requests": [[number, request]...]}: of those from first to
 * before N these need a certificate; the others have one by that CA that is good until then. N may
 * be less than what was asked for, so that no answer takes long; ask again from there. */
int pki_fleet_request(const char *folder, const struct pki_chain *chain, const json_t *question,
                      json_t **ret, struct error *error);
/* Keeps what was signed: {"authority", "certificates": [[number, certificate]...]}. Refused when
 * one is not for that member and its key, or not by that CA. */
int pki_fleet_install(const char *folder, const struct pki_chain *chain, const json_t *given,
                      struct error *error);

/* The way from the CA to the members: the two functions above, for part `part` of n_parts of them
 * (fleet_part()). */
struct pki_fleet_way {
    size_t n_parts;
    int (*request)(void *context, size_t part, const struct pki_chain *chain,
                   const json_t *question, json_t **ret, struct error *error);
    int (*install)(void *context, size_t part, const struct pki_chain *chain, const json_t *given,
                   struct error *error);
    /* So many of all have what they need; may be NULL. */
    void (*progress)(void *context, int64_t done, int64_t clients);
    void *context;
};

/* Certificates for so many members, in a store that pki_ensure() has made; what is there and good
 * stays. way NULL: all live here, in the same folder. */
int pki_fleet_ensure(const struct pki_options *options, int64_t clients,
                     const struct pki_fleet_way *way, int64_t *ret_issued, struct error *error);

/* ---- the passphrase of the CA's key ---- */

struct pki_passphrase_source {
    const char *folder; /* the root of all stores */
    bool may_prompt;    /* whether the user may be asked on /dev/tty */
};

/* For pki_options.passphrase, with a struct pki_passphrase_source as context. Takes the first of:
 * BENCH_CA_PASSPHRASE in the environment, <folder>/ca/passphrase, the user's answer, and, when
 * creating, 32 random hexadecimal digits that it leaves in <folder>/ca/passphrase. */
int pki_passphrase(void *context, bool creating, char **ret, struct error *error);

/* ---- showing a store ---- */

struct pki_entry {
    char *name;     /* "broker" */
    char *issuer;   /* RFC 2253: "CN=mqtt-security-bench CA" */
    char *key_type; /* a word of PKI_KEY_TYPES, or OpenSSL's name of another type */
    int64_t not_after_ns;
    char *addresses; /* the subject's alternative names, blank-separated; "" when none */
};

/* The certificates that are in a store, CA first; 0 of them when there is no such store. Of a party
 * that lives elsewhere, the CA's copy. */
int pki_list(const char *store, struct pki_entry **ret, size_t *ret_n, struct error *error);
void pki_list_free(struct pki_entry *entries, size_t n);

#endif
