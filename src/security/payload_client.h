/*
 * payload_client - seals what a client publishes and opens what it receives, as its client_config
 * asks. For all that speaks MQTT (mqtt/client.c, transport/attempt.c); one for a connection.
 */
#ifndef BENCH_SECURITY_PAYLOAD_CLIENT_H
#define BENCH_SECURITY_PAYLOAD_CLIENT_H

#include "base/error.h"
#include "base/memory.h"
#include "model/client_config.h"
#include "security/seal.h"

struct payload_client;

int payload_client_new(struct payload_client **ret, const struct payload_config *config,
                       struct error *error);
void payload_client_free(struct payload_client *client);
DEFINE_CLEANUP(struct payload_client *, payload_client_free)

/* Both replace *payload and *length by what is to be sent, or was meant. The payload is in a buffer
 * of the client's then, good until the next call of the same; it grows with the largest message,
 * and nothing else allocates. Without a key for it, a payload stays what it is. */
int payload_client_seal(struct payload_client *client, const char *topic, const void **payload,
                        size_t *length, struct error *error);
/* False: it could not be opened, which has been counted. */
bool payload_client_open(struct payload_client *client, const char *topic, const void **payload,
                         size_t *length);

/* The length of a sealed payload. */
int64_t payload_client_sealed_bytes(const struct payload_client *client, int64_t length);
/* Whether what comes must be opened. */
bool payload_client_opens(const struct payload_client *client);
/* By enum seal_verdict; [SEAL_OPENED] stays 0. The client's. */
const int64_t *payload_client_rejected(const struct payload_client *client);

/* "3 changed or of another key, 1 replayed", or "none"; the caller's. */
char *payload_rejected_words(const int64_t rejected[SEAL_N_VERDICTS]);
/* What cannot be opened is no loss: something is wrong with the channel, -EBADMSG. What comes twice
 * is not opened twice, which is as it should be. */
int payload_check_rejected(const int64_t rejected[SEAL_N_VERDICTS], struct error *error);

#endif
