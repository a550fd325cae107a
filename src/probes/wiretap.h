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

/* ---- the link below a tunnel ---- */

/* All that this host sends and receives there, to look for what must not be readable. Needs
 * CAP_NET_RAW, as the tunnel itself does.
 *
 * It shows that it sees by a control: a text that is sent in clear over the same link, after all
 * that is looked for, and must be found. */
struct capture;

/* Begins with the interface by which packets leave for the other host's address. */
int capture_open(struct capture **ret, const char *address, struct error *error);
/* Sends the control and looks through everything up to it. An error when it does not come, or when
 * the kernel could not keep all: then nothing can be said. */
int capture_finish(struct capture *capture, const char *const *texts, size_t n_texts,
                   struct error *error);
/* Whether texts[i] passed. */
bool capture_saw(const struct capture *capture, size_t i);
/* How many datagrams passed that have WireGuard's form. */
int64_t capture_datagrams(const struct capture *capture);

void capture_free(struct capture *capture);
DEFINE_CLEANUP(struct capture *, capture_free)

/* Whether an IP packet, from its header on, is a datagram of WireGuard's form: UDP whose payload
 * begins with a type from 1 to 4 and three zero bytes. */
bool capture_is_wireguard(const unsigned char *packet, size_t length);

#endif
