/*
 * wiretap - a relay between a client and the broker that keeps what passes, to look for what must
 * not be readable there.
 */
#ifndef BENCH_PROBES_WIRETAP_H
#define BENCH_PROBES_WIRETAP_H

#include "base/error.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

struct wiretap;

/* It is in front of the client: the broker may be on another machine. */
#define WIRETAP_ADDRESS "127.0.0.1"

/* Listens on a free port and relays the first connection to the broker's address and port. */
int wiretap_start(struct wiretap **ret, const char *address, int64_t broker_port,
                  struct error *error);
int wiretap_port(const struct wiretap *wiretap);

/* Waits until the relayed connection has ended. */
void wiretap_finish(struct wiretap *wiretap);
/* Whether the text passed in either direction. Only after wiretap_finish(). */
bool wiretap_saw(const struct wiretap *wiretap, const char *text);
/* How many bytes passed. */
int64_t wiretap_bytes(const struct wiretap *wiretap);

void wiretap_free(struct wiretap *wiretap);
DEFINE_CLEANUP(struct wiretap *, wiretap_free)

#endif
