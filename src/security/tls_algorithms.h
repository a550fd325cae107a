/*
 * tls_algorithms - the versions, ciphers, suites and groups of a tls_config: put into a context,
 * judged before anything starts, and held against what a connection has negotiated.
 *
 * Lists are OpenSSL's: ciphers of TLS 1.2 in its own language ("ECDHE+AESGCM:!aNULL"), suites and
 * groups as names separated by colons. A group may have several names: P-256, prime256v1 and
 * secp256r1 are one.
 */
#ifndef BENCH_SECURITY_TLS_ALGORITHMS_H
#define BENCH_SECURITY_TLS_ALGORITHMS_H

#include "base/error.h"
#include "model/client_config.h"
#include "model/trial.h"

#include <openssl/ssl.h>
#include <stdbool.h>

/* Puts them into a context. Unknown names are refused, which OpenSSL would leave out; the error
 * names the setting. */
int tls_algorithms_set(SSL_CTX *context, const struct tls_config *tls, struct error *error);

/* Whether connections under the context, into which they were put, can use each cipher and suite
 * that is asked for by name: not so at a security level that forbids it. auth: how certificates are
 * signed (NID_auth_ecdsa, NID_auth_rsa) or NID_auth_psk; when only TLS 1.2 is asked for, a cipher
 * must go with that. */
int tls_algorithms_check(SSL_CTX *context, const struct tls_config *tls, int auth,
                         struct error *error);

/* Whether version, cipher and group of a connection are among those that were asked for. */
bool tls_algorithms_allow(const struct tls_config *tls, const struct tls_session *session);

/* Whether a list has one of them; of ciphers, whether the list as a whole stands for it, too. */
bool tls_algorithms_has_cipher(const char *ciphers, const char *name);
bool tls_algorithms_has_suite(const char *suites, const char *name);
bool tls_algorithms_has_group(const char *groups, const char *name);

/* Whether one of the ciphers exchanges keys in this way (NID_kx_dhe); not so of an empty list. */
bool tls_algorithms_has_exchange(const char *ciphers, int exchange);

/* "TLSv1.2" */
const char *tls_algorithms_version_name(int64_t version);

#endif
