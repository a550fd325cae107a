/*
 * identity - what a host is known by: for client identifiers.
 */
#ifndef BENCH_HOSTS_IDENTITY_H
#define BENCH_HOSTS_IDENTITY_H

#include <jansson.h>

/* {"mac": "b8:27:eb:01:02:03", "serial": "10000000abcdef01"}, the MAC address of the interface that
 * leads to `address`; where that has none (lo), of the first that has one. What cannot be read is
 * absent. The caller's. */
json_t *identity_collect(const char *address);

#endif
