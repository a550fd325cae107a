/*
 * tls_shared_key - TLS in which both ends know a key beforehand (RFC 4279): what a context needs
 * for it. Up to TLS 1.2: what TLS 1.3 calls a pre-shared key, Mosquitto does not speak.
 */
#ifndef BENCH_SECURITY_TLS_SHARED_KEY_H
#define BENCH_SECURITY_TLS_SHARED_KEY_H

#include "base/error.h"
#include "model/client_config.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define TLS_SHARED_KEY_MIN 16 /* bytes */
#define TLS_SHARED_KEY_MAX 32

/* Whether these are the hexadecimal digits of a key of a size that is permitted. */
bool tls_shared_key_is_good(const char *digits);

/* Lets either side of a context speak with tls->psk_key as tls->psk_identity; nothing when that is
 * empty. The context has a copy of its own, wiped when it is freed. */
int tls_shared_key_set(SSL_CTX *context, const struct tls_config *tls, struct error *error);

#endif
