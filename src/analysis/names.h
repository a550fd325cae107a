/*
 * names - numbers for names: the same name always has the same number, counted from 0 in the order
 * in which they were first asked for. Quick for many names, and for many questions.
 */
#ifndef BENCH_ANALYSIS_NAMES_H
#define BENCH_ANALYSIS_NAMES_H

#include "base/memory.h"

#include <stdint.h>

struct names {
    char **texts; /* by number; each ends with a zero */
    size_t n;
    struct names_slot *slots; /* a power of two of them; more than half are free */
    size_t n_slots;
};

/* A name is `length` bytes, which may hold zeros. */
size_t names_number(struct names *names, const char *name, size_t length);

/* Hands out the texts, *ret_n of them, which the caller frees; no name is known then. */
char **names_take(struct names *names, size_t *ret_n);

/* Frees what names hold, as CLEANUP() wants it. */
void names_clear(struct names *names);

#endif
