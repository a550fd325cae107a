/*
 * certificates - the agent's part of figure 5: its parties make keys and requests here and keep the
 * certificates that come back. No private key leaves in an answer.
 */
#ifndef BENCH_HOSTS_CERTIFICATES_H
#define BENCH_HOSTS_CERTIFICATES_H

#include "base/error.h"

#include <jansson.h>

/* {key_type, holder} -> {request, certificate?, authority?, revoked?}, all PEM: pki_party_request()
 * in the folder certs. */
int certificates_request(const char *certs, const json_t *order, json_t **ret, struct error *error);

/* {key_type, holder, certificate, authority?, revoked?} -> {}: pki_party_install() in the folder
 * certs. */
int certificates_install(const char *certs, const json_t *order, struct error *error);

#endif
