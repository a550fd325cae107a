#ifndef BENCH_SECURITY_TLS_H
#define BENCH_SECURITY_TLS_H

#include "security/mechanism.h"
#include "security/pki.h"

/* The types of the keys of a channel that uses tls. */
struct pki_chain tls_chain(const struct channel *channel);

/* The PKI's store for the key type of a channel that uses tls; belongs to the caller. */
char *tls_store(const struct channel *channel, const char *certs);

#endif
