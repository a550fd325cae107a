/*
 * cause - the words for how an attempt to get in ended (transport/attempt.h has the list), as
 * proofs expect them.
 *
 * Proofs name the CONNACK codes of MQTT 3.1.1. MQTT 5 has codes of its own for the same reasons: a
 * client that speaks it must see those, and no others count.
 */
#ifndef BENCH_SECURITY_CAUSE_H
#define BENCH_SECURITY_CAUSE_H

#include <stdbool.h>
#include <stdint.h>

/* Causes, separated by '|', as a client that speaks this enum mqtt_version sees them: "connack 5"
 * becomes "connack 135" in MQTT 5. Belongs to the caller. */
char *cause_words(const char *causes, int64_t mqtt);

/* Whether one of the causes, separated by '|', is the start of what was seen, up to a word's end.
 */
bool cause_among(const char *causes, const char *seen);

#endif
