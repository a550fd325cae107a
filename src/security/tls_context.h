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

#include <openssl/ssl.h>

DEFINE_CLEANUP(SSL_CTX *, SSL_CTX_free)
DEFINE_CLEANUP(SSL *, SSL_free)

/* A client's context; config->expected_host is checked unless it is empty. The caller's to free. */
int tls_context_client(SSL_CTX **ret, const struct client_config *config, struct error *error);
/* A server's; clients must show a certificate when tls.require_peer is set. */
int tls_context_server(SSL_CTX **ret, const struct client_config *config, struct error *error);

/* Whether this OpenSSL knows the ciphers, suites and groups; the message names the setting. */
int tls_context_check(const struct tls_config *tls, struct error *error);

/* What a connection negotiated. */
void tls_context_session(SSL *ssl, struct tls_session *ret);

/* The newest error of OpenSSL's queue in words; the queue is empty afterwards. */
const char *tls_context_reason(void);

#endif
