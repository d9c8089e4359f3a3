#include "model/train/random.h"

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t x, unsigned by)
{
    return (x << by) | (x >> (64 - by));
}

struct weft_random weft_random_of(uint64_t seed, uint64_t stream)
{
    struct weft_random random;
    uint64_t state = stream;
    state = splitmix64(&state) ^ seed;
    for (size_t i = 0; i < 4; i++)
        random.state[i] = splitmix64(&state);
    return random;
}

uint64_t weft_random_next(struct weft_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

size_t weft_random_below(struct weft_random *random, size_t limit)
{
    /* What lies above the last whole multiple of limit is drawn again, or small numbers would come too often. */
    uint64_t excess = (UINT64_MAX % limit + 1) % limit;
    uint64_t x;
    do
        x = weft_random_next(random);
    while (x > UINT64_MAX - excess);
    return (size_t)(x % limit);
}

float weft_random_between(struct weft_random *random, float low, float high)
{
    float unit = (float)(weft_random_next(random) >> 40) * 0x1p-24f;
    return low + (high - low) * unit;
}

void weft_random_shuffle(struct weft_random *random, size_t *items, size_t count)
{
    for (size_t left = count; left > 1; left--) {
        size_t at = weft_random_below(random, left);
        size_t item = items[at];
        items[at] = items[left - 1];
        items[left - 1] = item;
    }
}
