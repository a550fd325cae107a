/*
 * hostlist - several hosts in one text: names as Slurm writes them (node[1-8]), or specifications
 * one behind the other.
 *
 * What a list holds belongs to it. A list that was filled names each host once, and no more than
 * HOSTLIST_MAX.
 */
#ifndef BENCH_MODEL_HOSTLIST_H
#define BENCH_MODEL_HOSTLIST_H

#include "base/error.h"
#include "base/memory.h"

/* The publishers' hosts of a run. */
#define HOSTLIST_MAX 64

struct hostlist {
    char **names;
    size_t n;
};

void hostlist_clear(struct hostlist *list);

/* "node[1-8] pi-[01-03,7]": names that are separated by blanks or commas; in brackets numbers and
 * ranges of them, which keep the width of their first. -EINVAL with what is wrong. */
int hostlist_expand(const char *text, struct hostlist *ret, struct error *error);

/* "local exec:srun -w node1 exec:srun -w node2": a word that begins a host ends the one before; the
 * others belong to it. */
int hostlist_split(const char *text, bool (*begins)(const char *word), struct hostlist *ret,
                   struct error *error);

/* Puts each name into the template, in the place of every %h. */
void hostlist_launch(struct hostlist *list, const char *launcher);

#endif
