/*
 * tls_context - the only builder of an SSL_CTX: from a tls_config, for every use of TLS here (the
 * MQTT client, the transport probe, the proofs).
 *
 * Nothing falls back: versions are a floor and a ceiling, the peer is verified, and a client checks
 * the name or address that the broker's certificate is for.
 */
#ifndef BENCH_SECURITY_TLS_CONTEXT_H
#define BENCH_SECURITY_TLS_CONTEXT_H

#include "model/client_config.h"
#include "model/trial.h"
#include "security/openssl.h"

/* A client's context; config->expected_host is checked unless it is empty. The caller's to free.
 * Its info callback makes the connections of a library ask for config->server_name; who puts
 * another in its place calls tls_context_ask_for() before each handshake. */
int tls_context_client(SSL_CTX **ret, const struct client_config *config, struct error *error);
void tls_context_ask_for(SSL *ssl, SSL_CTX *context);
/* A server's; clients must show a certificate when tls.require_peer is set. */
int tls_context_server(SSL_CTX **ret, const struct client_config *config, struct error *error);

/* Makes a client's connection whose context a library has built, before its handshake, as one under
 * `model`, a context of tls_context_client() with the same config: versions, ciphers, suites,
 * groups, whom it asks for, trusts and expects, and what it shows; but for a shared key. */
int tls_context_impose(SSL *ssl, SSL_CTX *model, const struct client_config *config,
                       struct error *error);

/* Whether a host is given by its name: not empty, and no address of IPv4 or IPv6. */
bool tls_context_is_name(const char *host);

/* Whether this OpenSSL knows the ciphers, suites and groups, and may use them; the message names
 * the setting. auth: as of tls_algorithms_check(). */
int tls_context_check(const struct tls_config *tls, int auth, struct error *error);

/* What a connection negotiated. */
void tls_context_session(SSL *ssl, struct tls_session *ret);

/* ---- resumption ---- */

/* What a later connection can be resumed by, NULL when the server has given nothing; the caller's,
 * SSL_SESSION_free() ends it. TLS 1.3 gives it behind the handshake: ask when an answer of the
 * server was read. */
SSL_SESSION *tls_context_take_session(SSL *ssl);
/* Offers it to the server; before the handshake. SSL_session_reused() tells what came of it. */
int tls_context_offer_session(SSL *ssl, SSL_SESSION *session, struct error *error);

#endif
