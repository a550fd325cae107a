/*
 * key_proofs - that keys are in a token and nowhere else: acts of proofs, and what each expects, in
 * words. They look on the host of client2, for its key; on the broker's host for those of client1
 * and of the broker, as far as the channel has them in a token.
 */
#ifndef BENCH_SECURITY_KEY_PROOFS_H
#define BENCH_SECURITY_KEY_PROOFS_H

#include "security/mechanism.h"

#define KEY_PROOF_NO_FILE       "no file with that key in the folder of certificates"
#define KEY_PROOF_NOT_GIVEN_OUT "sensitive, not extractable"
#define KEY_PROOF_WRONG_PIN     "CKR_PIN_INCORRECT"
#define KEY_PROOF_NO_KEY        "no private key"

int key_proof_no_file(const struct proof_setup *setup, struct proof_seen *ret, struct error *error);
int key_proof_not_given_out(const struct proof_setup *setup, struct proof_seen *ret,
                            struct error *error);
int key_proof_wrong_pin(const struct proof_setup *setup, struct proof_seen *ret,
                        struct error *error);
int key_proof_no_key(const struct proof_setup *setup, struct proof_seen *ret, struct error *error);

#endif
