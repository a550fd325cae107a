/*
 * show - what there is on this machine: the certificates, and what the host has and lacks.
 */
#ifndef BENCH_RUN_SHOW_H
#define BENCH_RUN_SHOW_H

#include "base/error.h"

/* Prints the certificates of every store below the folder. */
int show_certificates(const char *certs, struct error *error);

/* Prints what this host is and has. Returns 1 when a program is missing that a run needs. */
int show_host(const char *address);

#endif
