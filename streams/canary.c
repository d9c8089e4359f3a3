#include "streams/canary.h"

#include <stdint.h>

bool weft_canary_takes(const void *key, size_t size, int percent)
{
    const uint8_t *bytes = key;
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3U;
    return (int)((hash >> 32) % 100) < percent;
}
