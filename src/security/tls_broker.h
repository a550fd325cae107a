/*
 * tls_broker - what the broker's side of a tls_config is in Mosquitto's words, and in those of the
 * OpenSSL configuration that it starts under.
 *
 * Mosquitto's own version is a minimum only, and it has no words for groups and tickets.
 */
#ifndef BENCH_SECURITY_TLS_BROKER_H
#define BENCH_SECURITY_TLS_BROKER_H

#include "model/client_config.h"

#include <stdio.h>

/* Lines of mosquitto.conf: version, ciphers, suites. */
void tls_broker_lines(const struct tls_config *tls, FILE *lines);
/* Lines of openssl.cnf: the newest version, groups, tickets. */
void tls_broker_openssl(const struct tls_config *tls, FILE *lines);

#endif
