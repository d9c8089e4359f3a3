/* Arrays of floats for tests of kernels: made at random, the same in each run; laid out, and compared. */
#ifndef WEFT_TESTS_SUPPORT_FLOATS_H
#define WEFT_TESTS_SUPPORT_FLOATS_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/kernels/layout.h"
#include "support/suite.h"

static uint32_t random_state = 12345;

/* From low to high. */
static inline size_t pick(size_t low, size_t high)
{
    random_state = random_state * 1664525u + 1013904223u;
    return low + (random_state >> 8) % (high - low + 1);
}

/* Exactly count zeros, aligned as tensors are; the caller frees. */
static inline float *aligned_floats(size_t count)
{
    void *floats = NULL;
    ck_assert_int_eq(posix_memalign(&floats, 64, (count ? count : 1) * sizeof(float)), 0);
    memset(floats, 0, count * sizeof(float));
    return floats;
}

/* Between -1 and 1, aligned likewise; the caller frees. */
static inline float *random_floats(size_t count)
{
    float *floats = aligned_floats(count);
    for (size_t i = 0; i < count; i++)
        floats[i] = (float)pick(0, 20000) / 10000.0f - 1;
    return floats;
}

static inline float limit(double value, float low, float high)
{
    return (float)fmin(fmax(value, low), high);
}

static inline void assert_close(const float *got, const float *expected, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(fabsf(got[i] - expected[i]) <= 1e-4f * (1 + fabsf(expected[i])), "%s: [%zu] is %g, expected %g",
                      what, i, (double)got[i], (double)expected[i]);
}

/* (n, channels, pixels) in the layout. What fills up pixels is not zero: no kernel may take it for an input. The
 * caller frees. */
static inline float *laid_out(const float *planes, size_t n, size_t channels, size_t pixels, enum weft_layout layout,
                              size_t lanes)
{
    size_t filled = layout == WEFT_LAYOUT_PIXELS ? weft_layout_filled(channels, lanes) : channels;
    float *out = aligned_floats(n * pixels * filled);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < filled; c++)
            for (size_t p = 0; p < pixels; p++) {
                size_t to =
                    layout == WEFT_LAYOUT_PIXELS ? (i * pixels + p) * filled + c : (i * channels + c) * pixels + p;
                out[to] = c < channels ? planes[(i * channels + c) * pixels + p] : 3;
            }
    return out;
}

/* Back from the layout. */
static inline float *from_layout(const float *laid, size_t n, size_t channels, size_t pixels, enum weft_layout layout,
                                 size_t lanes)
{
    float *planes = aligned_floats(n * channels * pixels);
    if (layout == WEFT_LAYOUT_PIXELS)
        weft_layout_to_planes(planes, laid, n, channels, pixels, lanes);
    else
        memcpy(planes, laid, n * channels * pixels * sizeof *planes);
    return planes;
}

#endif
