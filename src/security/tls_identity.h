/*
 * tls_identity - what one of many clients shows that share a TLS context: its certificate and key,
 * or its shared key. Read once from its files, and given to OpenSSL while it shakes hands.
 *
 * The context serves one connection at a time, in one thread. Whose that is, its owner says in a
 * struct tls_turn before each call that may shake hands or read.
 */
#ifndef BENCH_SECURITY_TLS_IDENTITY_H
#define BENCH_SECURITY_TLS_IDENTITY_H

#include "model/client_config.h"
#include "security/openssl.h"

struct tls_identity;

struct tls_turn {
    const struct tls_identity *identity; /* borrowed; NULL: the context's own */
    SSL_SESSION *session;                /* borrowed; offered to the server; NULL: none */
    /* What has gone wrong since tls_turn_begin(). */
    int alert;       /* of the server; -1: none */
    int alert_of_us; /* that this end has sent; -1: none */
    long verify;     /* X509_V_ERR_* by which this end refuses the server's certificate */
};

static inline void tls_turn_begin(struct tls_turn *turn, const struct tls_identity *identity,
                                  SSL_SESSION *session) {
    *turn =
        (struct tls_turn){.identity = identity, .session = session, .alert = -1, .alert_of_us = -1};
}

/* A client's context (tls_context_client()) whose connections show what *turn says, which stays
 * where it is until the context is freed. */
int tls_identity_context(SSL_CTX **ret, const struct client_config *config, struct tls_turn *turn,
                         struct error *error);

/* Reads what `tls` shows, by way of a context of tls_identity_context(), whose own it becomes.
 * *ret stays NULL when it shows nothing. */
int tls_identity_load(struct tls_identity **ret, SSL_CTX *context, const struct tls_config *tls,
                      struct error *error);
void tls_identity_free(struct tls_identity *identity);
DEFINE_CLEANUP(struct tls_identity *, tls_identity_free)

/* Whether two show the same; and whether both show something of the same kind. */
bool tls_identity_is_same(const struct tls_config *one, const struct tls_config *other);
bool tls_identity_is_alike(const struct tls_config *one, const struct tls_config *other);

#endif
