/*
 * doctor - what each host of an experiment has and lacks, for people: facts, readings, programs,
 * and whether the hosts go together.
 */
#ifndef BENCH_RUN_DOCTOR_H
#define BENCH_RUN_DOCTOR_H

#include "model/scenario.h"

/* Prints a part for each host: those that the scenario names, and the driver's. certs: the folder
 * of the PKI; scripts: that of the scripts, see facts.h. Returns 1 when something that a run needs
 * is missing, a host is out of reach, or the data could not take the way between them. */
int doctor_examine(const struct scenario *scenario, const char *certs, const char *scripts);

#endif
