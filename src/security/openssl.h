/*
 * openssl - what every user of OpenSSL needs: its objects freed with their scope, its errors in
 * words.
 */
#ifndef BENCH_SECURITY_OPENSSL_H
#define BENCH_SECURITY_OPENSSL_H

#include "base/error.h"
#include "base/memory.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(SSL_CTX *, SSL_CTX_free)
DEFINE_CLEANUP(SSL *, SSL_free)
DEFINE_CLEANUP(SSL_SESSION *, SSL_SESSION_free)

/* The newest error of OpenSSL's queue in words; the queue is empty afterwards. */
const char *openssl_reason(void);

/* "OpenSSL 3.0 has no ML-KEM: Debian 13 has", of what OpenSSL has from 3.5 on; -EOPNOTSUPP. */
int openssl_lacks(struct error *error, const char *what);

#endif
