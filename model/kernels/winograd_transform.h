/* The transforms of Winograd's F(4x4,3x3), one dimension at a time, on vectors of channels; from the points 0, 1, -1,
 * 2, -2 and infinity (Lavin and Gray 2015). A name with _t is its transpose. For the files that are compiled once for
 * each instruction set. */
#ifndef WEFT_MODEL_KERNELS_WINOGRAD_TRANSFORM_H
#define WEFT_MODEL_KERNELS_WINOGRAD_TRANSFORM_H

#include "model/kernels/simd.h"
#include "model/kernels/winograd.h"

enum { TILE = WEFT_WINOGRAD_TILE, REACH = TILE + 2 }; /* outputs, and the inputs that they look at */

INLINE void input_transform(vec o[REACH], const vec d[REACH])
{
    vec a = d[4] - 4 * d[2], b = d[3] - 4 * d[1], c = d[4] - d[2], e = 2 * (d[3] - d[1]);
    o[0] = 4 * d[0] - 5 * d[2] + d[4];
    o[1] = a + b;
    o[2] = a - b;
    o[3] = c + e;
    o[4] = c - e;
    o[5] = 4 * d[1] - 5 * d[3] + d[5];
}

INLINE void input_transform_t(vec o[REACH], const vec m[REACH])
{
    vec p = m[1] + m[2], q = m[2] - m[1], r = m[3] + m[4], s = m[4] - m[3];
    o[0] = 4 * m[0];
    o[1] = 4 * (q + m[5]) + 2 * s;
    o[2] = -5 * m[0] - 4 * p - r;
    o[3] = -5 * m[5] - q - 2 * s;
    o[4] = m[0] + p + r;
    o[5] = m[5];
}

INLINE void output_transform(vec o[TILE], const vec m[REACH])
{
    vec p = m[1] + m[2], q = m[1] - m[2], r = m[3] + m[4], s = m[3] - m[4];
    o[0] = m[0] + p + r;
    o[1] = q + 2 * s;
    o[2] = p + 4 * r;
    o[3] = q + 8 * s + m[5];
}

INLINE void output_transform_t(vec o[REACH], const vec y[TILE])
{
    vec p = y[0] + y[2], q = y[1] + y[3], r = y[0] + 4 * y[2], s = 2 * y[1] + 8 * y[3];
    o[0] = y[0];
    o[1] = p + q;
    o[2] = p - q;
    o[3] = r + s;
    o[4] = r - s;
    o[5] = y[3];
}

INLINE void weight_transform(vec o[REACH], const vec g[3])
{
    vec a = (g[0] + g[2]) * (-1 / 6.f), b = g[1] * (1 / 6.f), c = g[0] * (1 / 24.f) + g[2] * (1 / 6.f),
        d = g[1] * (1 / 12.f);
    o[0] = g[0] * 0.25f;
    o[1] = a - b;
    o[2] = a + b;
    o[3] = c + d;
    o[4] = c - d;
    o[5] = g[2];
}

INLINE void weight_transform_t(vec o[3], const vec u[REACH])
{
    vec p = u[1] + u[2], q = u[2] - u[1], r = u[3] + u[4], s = u[3] - u[4];
    o[0] = 0.25f * u[0] - p * (1 / 6.f) + r * (1 / 24.f);
    o[1] = q * (1 / 6.f) + s * (1 / 12.f);
    o[2] = (r - p) * (1 / 6.f) + u[5];
}

#endif
