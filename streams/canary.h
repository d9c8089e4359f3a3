/* Which requests a canary model answers: a share of the keys, the same ones every time and everywhere. */
#ifndef WEFT_STREAMS_CANARY_H
#define WEFT_STREAMS_CANARY_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the key is among the percent (0..100): (FNV-1a, 64 bits, of its bytes) >> 32, modulo 100, is below it. A key
 * that a smaller percentage takes a larger one takes, too; and as Kafka chooses partitions by another hash, the share
 * is the same in each of them. */
bool weft_canary_takes(const void *key, size_t size, int percent);

#endif
