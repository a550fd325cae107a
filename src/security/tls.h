#ifndef BENCH_SECURITY_TLS_H
#define BENCH_SECURITY_TLS_H

#include "security/mechanism.h"
#include "security/pki.h"

/* The certificates of a channel that uses tls, and the folder of their store; the folder's name
 * belongs to the caller. */
struct pki_chain tls_chain(const struct channel *channel);
/* How its certificates are issued. Borrowed from both. */
struct pki_options tls_pki_options(const struct channel *channel, struct issuer *issuer);
char *tls_store(const struct channel *channel, const char *certs);

/* What a type of key is in TLS. */
struct tls_key {
    const char *algorithm; /* of its signatures, in security/speed.h */
    int auth; /* what ciphers of TLS 1.2 call a signature by it; NID_undef: none has one */
    const char *schemes; /* by which it signs a handshake, first the usual one, and certificates */
    /* How those begin by which it can sign a handshake, and further ones in TLS 1.2 (or NULL): TLS
     * 1.3 fixes the curve with the scheme, and RSA's padding. */
    const char *begins, *begins_1_2;
};
/* Of a channel's certificates, or of their CA. */
const struct tls_key *tls_key(const struct channel *channel, bool ca);

/* Adds to a channel's certificates what the mechanism certificate says of tokens: whether the
 * clients' keys are in one, and in which. Borrowed from the channel. */
void certificate_name_token(const struct channel *channel, struct pki_chain *chain);
/* Whether a wrong PIN may be tried in the token: one of ours, or the user permits it. */
bool certificate_may_try_pin(const struct channel *channel);

/* Whether no classical key may sign its handshakes, neither of the type of its CA. */
bool tls_takes_no_classical(const struct channel *channel);

#endif
