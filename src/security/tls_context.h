/*
 * tls_context - what a tls_config asks for: judged before anything starts, made into the only
 * SSL_CTX that is used here (by the MQTT client, the transport probe, the proofs) or into the
 * broker's configuration, and held against what a connection has negotiated.
 *
 * Nothing falls back: versions are a floor and a ceiling, the peer is verified, and a client checks
 * the name or address that the broker's certificate is for.
 *
 * Lists are OpenSSL's: ciphers of TLS 1.2 in its own language ("ECDHE+AESGCM:!aNULL"), suites,
 * groups and schemes of signatures (tls_signature.h) as names separated by colons. A group may have
 * several names: P-256, prime256v1 and secp256r1 are one.
 */
#ifndef BENCH_SECURITY_TLS_CONTEXT_H
#define BENCH_SECURITY_TLS_CONTEXT_H

#include "model/client_config.h"
#include "model/trial.h"
#include "security/openssl.h"

#include <stdio.h>

/* A client's context; config->expected_host is checked unless it is empty. The caller's to free.
 * Its info callback makes the connections of a library ask for config->server_name; who puts
 * another in its place calls tls_context_ask_for() before each handshake. */
int tls_context_client(SSL_CTX **ret, const struct client_config *config, struct error *error);
void tls_context_ask_for(SSL *ssl, SSL_CTX *context);
/* A server's; clients must show a certificate when tls.require_peer is set. */
int tls_context_server(SSL_CTX **ret, const struct client_config *config, struct error *error);

/* Makes a client's connection whose context a library has built, before its handshake, as one under
 * `model`, a context of tls_context_client() with the same config: versions, ciphers, suites,
 * groups, signatures, whom it asks for, trusts and expects, and what it shows; but for a shared
 * key. */
int tls_context_impose(SSL *ssl, SSL_CTX *model, const struct client_config *config,
                       struct error *error);

/* Whether the files that it names are what they must be. */
int tls_context_check_files(const struct tls_config *tls, struct error *error);

/* Whether a host is given by its name: not empty, and no address of IPv4 or IPv6. */
bool tls_context_is_name(const char *host);

/* Whether this OpenSSL knows all ciphers, suites, groups and signatures, and may use each that is
 * asked for by name: not so at a security level that forbids it. Groups and signatures that later
 * releases have are passed over (tls_possible()). The message names the setting. auth: how
 * certificates are signed (NID_auth_ecdsa, NID_auth_rsa) or NID_auth_psk; when only TLS 1.2 is
 * asked for, a cipher must go with that. */
int tls_context_check(const struct tls_config *wanted, int auth, struct error *error);

/* What a connection negotiated; and whether version, cipher, group and signatures of it are among
 * those that were asked for. */
void tls_context_session(SSL *ssl, struct tls_session *ret);
bool tls_allows(const struct tls_config *tls, const struct tls_session *session);

/* ---- lists ---- */

/* What a channel says that leaves a list to each host's OpenSSL; a list that it leaves out is
 * pinned (mechanism.settle). */
#define TLS_BY_HOST "default"
/* The list that is asked for: empty where it is left to the hosts. */
const char *tls_asked(const char *setting);
/* Writes into a setting that was left out what it then is: the list that all brokers of our own
 * have, or that it is left to the hosts. */
void tls_settle(char **setting, bool own_broker, const char *pinned);

/* Whether a list has one of them; of ciphers, whether the list as a whole stands for one of these
 * names, which are separated by colons. */
bool tls_has_cipher(const char *ciphers, const char *names);
bool tls_has_suite(const char *suites, const char *name);
bool tls_has_group(const char *groups, const char *name);
bool tls_has_signature(const char *signatures, const char *name);
/* Whether one is of ML-KEM; of TLS 1.3 alone. */
bool tls_has_post_quantum_group(const char *groups);
/* Whether one is not of ML-DSA. */
bool tls_has_classical_signature(const char *signatures);
/* Whether this OpenSSL has those of two lists that not every one has: else -EOPNOTSUPP. */
int tls_possible(const char *groups, const char *signatures, struct error *error);
/* Whether one of the ciphers of TLS 1.2 exchanges keys in a group, or each; of an empty list, one
 * of OpenSSL's own does. */
bool tls_exchanges_in_group(const char *ciphers, bool each);

/* "TLSv1.2" */
const char *tls_version_name(int64_t version);

/* ---- keys that both ends know beforehand (RFC 4279) ---- */

/* Up to TLS 1.2: what TLS 1.3 calls a pre-shared key, Mosquitto does not speak. */
#define TLS_KEY_MIN 16 /* bytes */
#define TLS_KEY_MAX 32
/* Whether these are the hexadecimal digits of a key of a size that is permitted. */
bool tls_key_is_good(const char *digits);

/* ---- the broker's side ---- */

/* Lines of mosquitto.conf: version (a minimum only), ciphers, suites. */
void tls_broker_lines(const struct tls_config *tls, FILE *lines);
/* Lines of the openssl.cnf that it starts under, for what Mosquitto has no words: the newest
 * version, groups, signatures, tickets. */
void tls_broker_openssl(const struct tls_config *tls, FILE *lines);

/* ---- resumption ---- */

/* What a later connection can be resumed by, NULL when the server has given nothing; the caller's,
 * SSL_SESSION_free() ends it. TLS 1.3 gives it behind the handshake: ask when an answer of the
 * server was read. */
SSL_SESSION *tls_context_take_session(SSL *ssl);
/* Offers it to the server; before the handshake. SSL_session_reused() tells what came of it. */
int tls_context_offer_session(SSL *ssl, SSL_SESSION *session, struct error *error);

#endif
