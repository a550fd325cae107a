#ifndef BENCH_SECURITY_TUNNEL_H
#define BENCH_SECURITY_TUNNEL_H

#include "security/mechanism.h"

/* The addresses of the two hosts inside the network "10.229.77.0/30": its first two. Each text is
 * the caller's. -EINVAL when it is no IPv4 network with room for both. */
int tunnel_addresses(const char *network, char **ret_broker, char **ret_publisher,
                     struct error *error);

#endif
