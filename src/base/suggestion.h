/*
 * suggestion - what was probably meant by a word that is none of those known. Every message that
 * lists what is expected, or says where that is listed, asks here.
 */
#ifndef BENCH_BASE_SUGGESTION_H
#define BENCH_BASE_SUGGESTION_H

#include <stddef.h>

/* How many letters must be put in, left out, replaced or exchanged with their neighbour to make one
 * word of the other (Damerau and Levenshtein; no letter is moved twice), whatever their case;
 * SIZE_MAX when one of them is too long to be a name. */
size_t suggestion_distance(const char *a, const char *b);

/* " (did you mean NAME?)" with the nearest of `known`, names with blanks or commas between them; of
 * those equally near the first. "" when none is near: two letters may be wrong, but no more than
 * half of them (wrong case is no wrong letter); and for one that is known. The caller's. */
char *suggestion(const char *word, const char *known);
/* Of names with colons, @, blanks or commas between them: for the first that has one. */
char *suggestion_of_list(const char *names, const char *known);

#endif
