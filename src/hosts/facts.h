/*
 * facts - what this host is: for environment.json and `bench doctor`. What cannot be read is
 * absent, never invented.
 */
#ifndef BENCH_HOSTS_FACTS_H
#define BENCH_HOSTS_FACTS_H

#include <jansson.h>

/* A flat object of texts and numbers. address: the measured one, whose interface is looked up. */
json_t *facts_collect(const char *address);

#endif
