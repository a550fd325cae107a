/*
 * attempt - one try of an MQTT client to get in, made by hand so that the exact reason of a refusal
 * is known: for proofs. A library's error codes are too vague for that.
 *
 * Causes are words with a number, so that a proof can name those that it accepts:
 *   "connack 0"  accepted              "connack 5"  refused by the broker's CONNACK; a client that
 *                                      speaks MQTT 5 sees "connack 135" (security/cause.h)
 *   "alert 116 certificate_required"   a TLS alert of the broker (RFC 8446, section 6)
 *   "verify 62 hostname mismatch"      this client refused the broker's certificate (X509_V_ERR_*)
 *   "tcp 111 connection refused"       nobody listens at that address and port
 *   "closed"     the broker closed or reset the connection and said nothing
 */
#ifndef BENCH_TRANSPORT_ATTEMPT_H
#define BENCH_TRANSPORT_ATTEMPT_H

#include "base/error.h"
#include "model/client_config.h"
#include "model/trial.h"

struct attempt {
    bool accepted;
    char cause[96];
    /* For whom the broker's certificate is, in words, when that is why the client left; or "". */
    char mismatch[256];
    enum mqtt_version mqtt;     /* of the CONNACK */
    struct tls_session session; /* filled when a TLS handshake went through */
    bool resumed;               /* the handshake went on from an earlier connection's */
};

/* What an accepted client publishes (QoS 0), answered by a ping so that it is known to be on the
 * broker's side when attempt_make() returns. */
struct attempt_message {
    const char *topic, *payload;
};

/* Connects, says CONNECT, reads the CONNACK, publishes `message` unless it is NULL, leaves.
 * 0 when the attempt came to an end of which ret tells; a negative errno when it could not be made
 * (a file is missing, no answer in time). */
int attempt_make(const struct client_config *config, const struct attempt_message *message,
                 struct attempt *ret, struct error *error);

/* The same without a message, and, when the broker has given a ticket, once more with it: ret then
 * tells of the second connection. */
int attempt_resume(const struct client_config *config, bool *ret_ticket, struct attempt *ret,
                   struct error *error);

#endif
