/*
 * interface - by which interface of this host packets leave for another.
 */
#ifndef BENCH_BASE_INTERFACE_H
#define BENCH_BASE_INTERFACE_H

#include "base/error.h"

#include <net/if.h>

/* The name of the interface that has the source address of packets to that address or host name. */
int interface_toward(const char *address, char ret[IF_NAMESIZE], struct error *error);

#endif
