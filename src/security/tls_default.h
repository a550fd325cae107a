/*
 * tls_default - what this host's OpenSSL negotiates where a channel names nothing: the first flight
 * of a TLS 1.3 handshake, in memory. Releases prefer different groups, and a client meets a broker
 * of another host: its ClientHello is a text that can travel there.
 */
#ifndef BENCH_SECURITY_TLS_DEFAULT_H
#define BENCH_SECURITY_TLS_DEFAULT_H

#include "model/trial.h"

/* The ClientHello of a client here, in hexadecimal digits; the caller's. NULL: OpenSSL gives none.
 */
char *tls_default_hello(void);

/* What a server here makes of a ClientHello, or of that of a client here (NULL). All texts are
 * empty when it is none, or when the two agree on nothing at once. */
void tls_default_meet(const char *hello, struct tls_session *ret);

#endif
