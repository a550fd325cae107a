/*
 * wireguard - one end of a WireGuard tunnel: an interface of this network namespace, by the kernel
 * or by wireguard-go, with a fresh private key that never leaves this process and the interface.
 *
 * Whatever has the tunnel's address may leave by the tunnel only. Nothing but what is ours is ever
 * touched: interfaces are called bench-wg0, bench-wg1 ..., each held by an abstract socket of that
 * name in the same network namespace. What nobody holds any more was left by a kill, and is removed
 * by whoever makes the next one.
 */
#ifndef BENCH_SECURITY_WIREGUARD_H
#define BENCH_SECURITY_WIREGUARD_H

#include "base/error.h"
#include "base/memory.h"

#include <stdint.h>

enum wireguard_kind { WIREGUARD_AUTO, WIREGUARD_KERNEL, WIREGUARD_GO };
#define WIREGUARD_KINDS "auto kernel wireguard-go"

struct wireguard_plan {
    enum wireguard_kind kind;
    const char *network; /* "10.229.77.0/30" */
    const char *address; /* ours in it */
    int64_t port, mtu;   /* port 0: a free one */
};

struct wireguard;

/* Whether this process may and can make one: 0 and in words how (the caller's), or -EOPNOTSUPP and
 * what is missing. */
int wireguard_available(enum wireguard_kind kind, char **ret_how, struct error *error);

/* The interface, up and without a peer. -EOPNOTSUPP as above; -EADDRINUSE when something else has a
 * route into the network. */
int wireguard_make(struct wireguard **ret, const struct wireguard_plan *plan, struct error *error);
/* Whether text is a public key: 32 bytes in base64. */
bool wireguard_is_key(const char *text);
/* Lets in the peer of that public key, who has that address in the tunnel. endpoint ("host:port"):
 * where to reach it, or NULL when it will come. */
int wireguard_meet(struct wireguard *wireguard, const char *key, const char *address,
                   const char *endpoint, struct error *error);
void wireguard_remove(struct wireguard *wireguard);
DEFINE_CLEANUP(struct wireguard *, wireguard_remove)

const char *wireguard_key(const struct wireguard *wireguard); /* public, in base64 */
int64_t wireguard_port(const struct wireguard *wireguard);    /* of UDP */

/* What wireguard-go has taken so far; NaN when the kernel does the work. */
double wireguard_cpu_s(const struct wireguard *wireguard);

/* ---- for wireguard.c ---- */

/* Whether a line of `ip route show` speaks of a default route, which leads everywhere. */
bool wireguard_route_is_default(const char *line);

#endif
