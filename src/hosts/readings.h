/*
 * readings - what changes on this host while it measures: clock, temperature, throttling, the radio
 * link. They are taken before and after each block. What cannot be read is left out.
 */
#ifndef BENCH_HOSTS_READINGS_H
#define BENCH_HOSTS_READINGS_H

#include <jansson.h>
#include <stdbool.h>

/* {METRIC: {"value", "unit"}}; "throttled" is the number whose bits model/throttling.h explains.
 * interface: the one that the data takes, NULL or "" when not known. The caller's. */
json_t *readings_collect(const char *interface);

/* The number in what `vcgencmd` says: "throttled=0x50005", "temp=48.3'C",
 * "frequency(48)=1500345728"; label is what must stand in front of it, up to '=' or '('. */
bool readings_parse_vcgencmd(const char *text, const char *label, double *ret);

#endif
