/*
 * pki - the certificates of figure 5: one CA, and for the broker and both clients a key, a request
 * and a certificate, in one store (a folder tree) for each type of key:
 *
 *   <store>/ca/         ca.key (under a passphrase), ca.crt, broker.crt, client1.crt, client2.crt
 *   <store>/broker/     broker.key, broker.csr, broker.crt, ca.crt; client1/ and client2/ likewise
 *   <store>/proof/      certificates that a broker must refuse, see below
 *   <folder>/lock, <folder>/ca/passphrase      shared by all stores below the root folder
 *
 * In proof/: `expired` is client1's certificate in all but its key and its dates, signed by the
 * right CA, past before any right certificate of its day begins; `stranger` is client1's
 * certificate signed by another CA (other-ca.crt, whose key nobody keeps). Both have .key, .csr
 * and .crt.
 *
 * Private keys and the passphrase are files of mode 0600 in folders of mode 0700. Every file is
 * replaced whole (rename), and runs exclude each other by the lock, so that a run killed at any
 * instant leaves a store that is valid or that the next pki_ensure() repairs.
 *
 * Durations are nanoseconds, instants nanoseconds since 1970 UTC. What is handed out belongs to
 * the caller.
 */
#ifndef BENCH_SECURITY_PKI_H
#define BENCH_SECURITY_PKI_H

#include "base/error.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PKI_KEY_TYPES        "ec:P-256 rsa:2048 rsa:3072 ed25519"
#define PKI_DEFAULT_KEY_TYPE "ec:P-256"

struct pki_options {
    const char *folder;   /* the root of all stores, "certs"; made when missing, its parent not */
    const char *key_type; /* a word of PKI_KEY_TYPES */
    int64_t validity_ns;  /* from now; certificates begin one day earlier */
    int64_t renew_before_ns; /* less left than this: renewed; smaller than validity_ns */
    /* Names and IP addresses, blank-separated, at which the broker is reached; 127.0.0.1, ::1 and
     * localhost are always added. NULL: none. The zone of an IPv6 address (%eth0) is left out. */
    const char *addresses;
    /* Gives the passphrase of ca.key, called only when the CA must sign; creating: there is no
     * key yet. pki_ensure() wipes and frees the text. NULL: pki_passphrase() without a prompt. */
    int (*passphrase)(void *context, bool creating, char **ret, struct error *error);
    void *context;
    bool force; /* renew every certificate, valid or not; keys stay */
};

/* What was done; all zero when everything was in order. */
struct pki_outcome {
    unsigned issued; /* certificates signed, those of CAs included */
    bool ca_created; /* ca.crt is new, and so is every certificate below it */
};

/* The folder of the store for a type of key: the root itself for the default type, else
 * "<folder>/rsa-2048" and the like. */
char *pki_store(const char *folder, const char *key_type);

/* Makes what is missing, renews what has expired, soon will, or no longer fits (key, CA, type of
 * key, the broker's addresses). Renewing keeps keys. Waits for another run that is at it. */
int pki_ensure(const struct pki_options *options, struct pki_outcome *ret, struct error *error);

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
    char *name; /* "broker" */
    char *path;
    char *subject, *issuer; /* RFC 2253: "CN=broker" */
    char *key_type;         /* a word of PKI_KEY_TYPES, or OpenSSL's name of another type */
    int64_t not_before_ns, not_after_ns;
    char *addresses;   /* the subject's alternative names, blank-separated; "" when none */
    char *fingerprint; /* SHA-256, "AB:CD:..." */
};

/* The certificates that are in a store, CA first; 0 of them when there is no such store. */
int pki_list(const char *store, struct pki_entry **ret, size_t *ret_n, struct error *error);
void pki_list_free(struct pki_entry *entries, size_t n);

#endif
