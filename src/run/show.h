/*
 * show - what there is on this machine: the certificates.
 */
#ifndef BENCH_RUN_SHOW_H
#define BENCH_RUN_SHOW_H

#include "base/error.h"

/* Prints the certificates of every store below the folder. */
int show_certificates(const char *certs, struct error *error);

#endif
