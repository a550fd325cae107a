/*
 * tunnel_bypass - a client that does not take the tunnel: it sends its packets for the broker's
 * address in the tunnel into the outer link, in clear text. Linux accepts what is for an address of
 * its own on every interface, so that the broker's listening there is no protection by itself.
 */
#ifndef BENCH_SECURITY_TUNNEL_BYPASS_H
#define BENCH_SECURITY_TUNNEL_BYPASS_H

#include "security/mechanism.h"

/* Held when the broker cannot be connected to in this way, and can through the tunnel. */
int tunnel_prove_bypass(const struct proof_setup *setup, struct proof_seen *ret,
                        struct error *error);

#endif
