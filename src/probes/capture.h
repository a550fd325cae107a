/*
 * capture - all that this host sends and receives on the link below a tunnel, to look for what must
 * not be readable there. Needs CAP_NET_RAW, as the tunnel itself does.
 *
 * It shows that it sees by a control: a text that is sent in clear over the same link, after all
 * that is looked for, and must be found.
 */
#ifndef BENCH_PROBES_CAPTURE_H
#define BENCH_PROBES_CAPTURE_H

#include "base/error.h"
#include "base/memory.h"

#include <stdint.h>

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
