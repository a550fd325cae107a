/*
 * fingerprint - what a run promises when it begins, as SHA-256 in hexadecimal: its scenario and its
 * plan. Who goes on with the run must come to the same.
 */
#ifndef BENCH_RUN_FINGERPRINT_H
#define BENCH_RUN_FINGERPRINT_H

#include "base/error.h"
#include "model/plan.h"

#define FINGERPRINT_SIZE 65

/* Of the resolved scenario, without the comment, which names the program's version. */
int fingerprint_scenario(const struct scenario *scenario, char ret[FINGERPRINT_SIZE],
                         struct error *error);

/* Of a scenario's file as it stands there, without the comments that it begins with. */
int fingerprint_file(const char *path, char ret[FINGERPRINT_SIZE], struct error *error);

/* Of every trial in order: its number, block, position, channel, probe and variant. */
int fingerprint_plan(const struct scenario *scenario, const struct plan *plan,
                     char ret[FINGERPRINT_SIZE], struct error *error);

#endif
