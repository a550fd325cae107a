/*
 * tls_operations - which operations of security/speed.h a TLS connection takes, and each record:
 * what is done because of the cipher suite, the group and the signature that were negotiated, by
 * the names that TLS gives them. Counted after RFC 8446 (TLS 1.3) and RFC 5246 (TLS 1.2).
 *
 * Left out, so that a sum is what the cryptography takes at least: the handshake's own records and
 * transcript, certificates taken apart, memory, system calls, a second key share that was offered
 * in vain, and in TLS 1.3 the session tickets.
 */
#ifndef BENCH_SECURITY_TLS_OPERATIONS_H
#define BENCH_SECURITY_TLS_OPERATIONS_H

#include "security/mechanism.h"

struct tls_operation {
    const char *when; /* this name is among those that were negotiated */
    const char *algorithm, *operation;
    int64_t bytes; /* of one */
    double count;
};

/* Takes one; it is good during the call. */
typedef void tls_operation_put(void *context, const struct tls_operation *operation);

/* Of a connection with a whole handshake, at a client or at the broker, on any channel. */
void tls_operations_connect(bool broker, tls_operation_put *put, void *context);
/* The signatures of this channel, by the types of its keys. Nothing of one without certificates, or
 * of who signs by a token: then not even what it verifies, so that no sum lacks a part unseen. */
void tls_operations_sign(const struct channel *channel, bool broker, tls_operation_put *put,
                         void *context);
/* Of a byte in records of so many: "encrypt" or "decrypt". */
void tls_operations_byte(const char *operation, int64_t bytes, tls_operation_put *put,
                         void *context);

#endif
