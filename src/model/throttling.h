/*
 * throttling - what the bits of a Raspberry Pi's `vcgencmd get_throttled` say: bits 0 to 3 what is
 * so now, bits 16 to 19 what has been so since the start.
 */
#ifndef BENCH_MODEL_THROTTLING_H
#define BENCH_MODEL_THROTTLING_H

#define THROTTLING_BITS 0xfu

/* What happened between two readings, as bits 0 to 3: what either says is so now, and what only the
 * later says has been so. */
unsigned throttling_between(unsigned before, unsigned after);

/* Bits 0 to 3 in words: "under-voltage, throttled"; "" for none. The caller's. */
char *throttling_words(unsigned bits);

#endif
