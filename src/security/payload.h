/*
 * payload - the payload of every PUBLISH is sealed (security/seal.h); topic, user name and all else
 * stay as they are. With a shared secret both clients seal what they publish; with the subscriber's
 * key pair client2 does, the publisher of all that is measured, and what client1 answers (the
 * credits of delivery) is clear.
 *
 * payload_client seals what a client publishes and opens what it receives, as its client_config
 * asks. For all that speaks MQTT (mqtt/client.c, transport/attempt.c); one for a connection.
 */
#ifndef BENCH_SECURITY_PAYLOAD_H
#define BENCH_SECURITY_PAYLOAD_H

#include "security/mechanism.h"

/* What its proofs publish to, and watch. acl lets every client use it. */
#define PAYLOAD_PROOF_TOPIC  "bench/proof/payload"
#define PAYLOAD_PROOF_FILTER PAYLOAD_PROOF_TOPIC "/#"

/* A message that was sealed or opened; the room grows with the largest. */
struct payload_buffer {
    unsigned char *bytes;
    size_t room;
};

struct payload_client {
    struct sealer *sealer; /* NULL: what is published is clear */
    struct opener *opener; /* NULL: what comes is taken as it is */
    size_t overhead;       /* what sealing adds to a payload */
    struct payload_buffer sealed, opened;
    int64_t rejected[SEAL_N_VERDICTS]; /* what could not be opened; [SEAL_OPENED] stays 0 */
};

int payload_client_new(struct payload_client **ret, const struct payload_config *config,
                       struct error *error);
void payload_client_free(struct payload_client *client);
DEFINE_CLEANUP(struct payload_client *, payload_client_free)

/* Both replace *payload and *length by what is to be sent, or was meant. The payload is in a buffer
 * of the client's then, good until the next call of the same; nothing else allocates. Without a key
 * for it, a payload stays what it is. */
int payload_client_seal(struct payload_client *client, const char *topic, const void **payload,
                        size_t *length, struct error *error);
/* False: it could not be opened, which has been counted. */
bool payload_client_open(struct payload_client *client, const char *topic, const void **payload,
                         size_t *length);

/* "3 changed or of another key, 1 replayed", or "none"; the caller's. */
char *payload_rejected_words(const int64_t rejected[SEAL_N_VERDICTS]);
/* What cannot be opened is no loss: something is wrong with the channel, -EBADMSG. What comes twice
 * is not opened twice, which is as it should be. */
int payload_check_rejected(const int64_t rejected[SEAL_N_VERDICTS], struct error *error);

#endif
