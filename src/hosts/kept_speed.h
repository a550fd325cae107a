/*
 * kept_speed - what this host's processor does (security/speed.h), kept from one run to the next in
 * $XDG_CACHE_HOME/mqtt-security-bench (~/.cache/...), as long as it is the same processor, the same
 * OpenSSL and the same table, and for KEPT_SPEED_DAYS. Where nothing can be kept, nothing is.
 */
#ifndef BENCH_HOSTS_KEPT_SPEED_H
#define BENCH_HOSTS_KEPT_SPEED_H

#include "base/error.h"

#include <jansson.h>

#define KEPT_SPEED_DAYS 30

/* {"openssl", "facts": {"processor", "aes_instructions", ...}}, and where it is kept "rows" and
 * "measured_s", since 1970. The caller's. */
json_t *kept_speed_read(void);

/* Looks whether the processor is throttled, for kept_speed_write(): before and after each
 * measurement, as firmware tells what is so now, and what has been so since the start only once. */
void kept_speed_look(void);

/* Keeps rows that were measured just now. -EAGAIN when a look since the last such call has found
 * the processor throttled, so that they are not what it can do; or another errno where it cannot be
 * written. */
int kept_speed_write(const json_t *rows, struct error *error);

#endif
