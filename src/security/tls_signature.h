/*
 * tls_signature - what the ends of a TLS connection have signed their handshake with, by IANA's
 * names of signature schemes (RFC 8446, 4.2.3): "ecdsa_secp256r1_sha256".
 */
#ifndef BENCH_SECURITY_TLS_SIGNATURE_H
#define BENCH_SECURITY_TLS_SIGNATURE_H

#include "security/openssl.h"

/* What the server of a connection has signed with, or its client, whichever end this is; up to size
 * bytes. Empty: nothing, as with a shared key, in a session that was resumed, and of a client
 * without a certificate. "unknown": a scheme that IANA has no name for. */
void tls_signature_of(SSL *ssl, bool servers, char *ret, size_t size);

#endif
