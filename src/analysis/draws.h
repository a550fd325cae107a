/*
 * draws - random numbers for random signs: SplitMix64 (Steele, Lea, Flood: "Fast splittable
 * pseudorandom number generators", 2014). One 64-bit word of state, any seed will do, and the same
 * numbers on every processor; a word costs about a nanosecond. Not for secrets.
 */
#ifndef BENCH_ANALYSIS_DRAWS_H
#define BENCH_ANALYSIS_DRAWS_H

#include <stdint.h>

struct draws {
    uint64_t state; /* at first the seed */
};

/* The next 64 random bits. */
static inline uint64_t draws_word(struct draws *draws) {
    uint64_t word = draws->state += 0x9e3779b97f4a7c15;

    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    return word ^ word >> 31;
}

#endif
