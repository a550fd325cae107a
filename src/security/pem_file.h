/*
 * pem_file - files that the user brings: CAs, a certificate, its key. Each must be PEM; one that is
 * something else is named as what it is, with the command that makes the right one of it.
 *
 * Nothing here asks on a terminal: an encrypted key is opened by its passphrase, or refused.
 */
#ifndef BENCH_SECURITY_PEM_FILE_H
#define BENCH_SECURITY_PEM_FILE_H

#include "security/openssl.h"

#include "base/error.h"

/* What a context is to verify by: a file of certificates, or a folder that `openssl rehash` has
 * been through. Else -EINVAL. */
int pem_file_load_ca(SSL_CTX *context, const char *path, struct error *error);

/* The certificate that a context shows, with those that follow it in its file, and its key, which
 * may be encrypted under the first line of the file `passphrase` (empty: it is not), or be the URI
 * of one in a token (security/key_token.h). -EINVAL when
 * one cannot be read or is something else, or when they do not belong together. */
int pem_file_load_pair(SSL_CTX *context, const char *certificate, const char *key,
                       const char *passphrase, struct error *error);

#endif
