/*
 * token - instead of a password a token of its own for each connection, in CONNECT's password; the
 * broker's plugin (plugin/token.c) lets each in once. What a token is, token_scheme.c says.
 *
 * credentials is what a client shows in CONNECT when it connects now: its user name and password,
 * or a token made for this one connection. Whoever makes a CONNECT asks here.
 */
#ifndef BENCH_SECURITY_TOKEN_H
#define BENCH_SECURITY_TOKEN_H

#include "security/mechanism.h"
#include "security/token_scheme.h"

struct credentials {
    const char *username, *password; /* username empty: nothing is shown */
    char token[TOKEN_TEXT_SIZE];
};

/* The texts belong to config or to *ret, which must stay where it is. Nothing is allocated but by
 * libcrypto. */
int credentials_now(struct credentials *ret, const struct client_config *config,
                    struct error *error);

/* For proofs: makes config show one and the same token at every connection, that which it would
 * show now, so that it is known what passes the wire. */
int credentials_settle(struct client_config *config, struct error *error);

#endif
