/*
 * tls_proofs - what the mechanisms that speak TLS have in common to prove: clients that must be
 * turned away, and what becomes of tickets.
 *
 * Where algorithms are asked for, the broker is shown to be capped by a client that offers others;
 * negotiated-as-asked (probes/proof.c) shows only what the two agreed on.
 */
#ifndef BENCH_SECURITY_TLS_PROOFS_H
#define BENCH_SECURITY_TLS_PROOFS_H

#include "security/mechanism.h"

/* For `alter`, and how brokers say no: ours, and others. */
#define TLS_PLAINTEXT_CAUSES      "alert 70|alert 22|alert 10|closed"
#define TLS_NOTHING_SHARED_CAUSES "alert 40|alert 71"
void tls_as_plaintext(struct client_config *config, const struct bringup *bringup);
void tls_as_older_version(struct client_config *config, const struct bringup *bringup);
void tls_as_newer_version(struct client_config *config, const struct bringup *bringup);
void tls_with_other_cipher(struct client_config *config, const struct bringup *bringup);
void tls_with_other_suite(struct client_config *config, const struct bringup *bringup);
void tls_with_other_group(struct client_config *config, const struct bringup *bringup);
void tls_with_other_signature(struct client_config *config, const struct bringup *bringup);

/* Whether there are others than those of a list, which is not empty. */
bool tls_has_other_cipher(const char *ciphers, bool shared_key);
bool tls_has_other_suite(const char *suites);
bool tls_has_other_group(const char *groups);
bool tls_has_other_signature(const char *signatures);

/* For `act`. */
#define TLS_TAKES_GROUPS_CAUSES "let in with each group alone"
#define TLS_RESUMES_CAUSES      "a ticket, and resumed by it"
#define TLS_NO_TICKET_CAUSES    "no ticket"
int tls_takes_groups(const struct proof_setup *setup, struct proof_seen *ret, struct error *error);
int tls_resumes(const struct proof_setup *setup, struct proof_seen *ret, struct error *error);
int tls_gives_no_ticket(const struct proof_setup *setup, struct proof_seen *ret,
                        struct error *error);

#endif
