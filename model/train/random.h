/* Seeded random numbers: the same on every machine, and a separate stream for each purpose.
 *
 * xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), its state filled by
 * splitmix64 as they advise. */
#ifndef WEFT_MODEL_TRAIN_RANDOM_H
#define WEFT_MODEL_TRAIN_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct weft_random {
    uint64_t state[4];
};

/* Streams of one seed are independent of each other: drawing more from one changes nothing in another. */
struct weft_random weft_random_of(uint64_t seed, uint64_t stream);

uint64_t weft_random_next(struct weft_random *random);

/* 0 .. limit-1, all equally likely; limit is at least 1. */
size_t weft_random_below(struct weft_random *random, size_t limit);

/* low <= x < high. */
float weft_random_between(struct weft_random *random, float low, float high);

/* Fisher-Yates. */
void weft_random_shuffle(struct weft_random *random, size_t *items, size_t count);

#endif
