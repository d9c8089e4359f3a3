/* The transforms of Winograd's F(3x3,3x3), F(4x4,3x3) and F(6x6,3x3), one dimension at a time, on vectors of channels
 * (Lavin and Gray 2015); from the points infinity, 0, 1, -1, 2, from the fourth on -2, and from the sixth on 1/2 and
 * -1/2. A name with _t is its transpose. For the files that are compiled once for each instruction set. */
#ifndef WEFT_MODEL_KERNELS_WINOGRAD_TRANSFORM_H
#define WEFT_MODEL_KERNELS_WINOGRAD_TRANSFORM_H

#include "model/kernels/simd.h"

INLINE void input_transform_3(vec o[5], const vec d[5])
{
    vec a = d[3] - d[2], b = d[3] - d[1];
    o[0] = 2 * (d[0] - d[2]) + b;
    o[1] = a - 2 * d[1];
    o[2] = a + 2 * (d[1] - d[2]);
    o[3] = b;
    o[4] = d[4] - d[2] - 2 * b;
}

INLINE void output_transform_3(vec o[3], const vec m[5])
{
    vec p = m[1] + m[2];
    o[0] = m[0] + p + m[3];
    o[1] = m[1] - m[2] + 2 * m[3];
    o[2] = p + 4 * m[3] + m[4];
}

INLINE void weight_transform_3(vec o[5], const vec g[3])
{
    vec a = g[0] + g[2];
    o[0] = 0.5f * g[0];
    o[1] = -0.5f * (a + g[1]);
    o[2] = (g[1] - a) * (1 / 6.f);
    o[3] = g[0] * (1 / 6.f) + g[1] * (1 / 3.f) + g[2] * (2 / 3.f);
    o[4] = g[2];
}

INLINE void input_transform_4(vec o[6], const vec d[6])
{
    vec a = d[4] - 4 * d[2], b = d[3] - 4 * d[1], c = d[4] - d[2], e = 2 * (d[3] - d[1]);
    o[0] = 4 * d[0] - 5 * d[2] + d[4];
    o[1] = a + b;
    o[2] = a - b;
    o[3] = c + e;
    o[4] = c - e;
    o[5] = 4 * d[1] - 5 * d[3] + d[5];
}

INLINE void input_transform_4_t(vec o[6], const vec m[6])
{
    vec p = m[1] + m[2], q = m[2] - m[1], r = m[3] + m[4], s = m[4] - m[3];
    o[0] = 4 * m[0];
    o[1] = 4 * (q + m[5]) + 2 * s;
    o[2] = -5 * m[0] - 4 * p - r;
    o[3] = -5 * m[5] - q - 2 * s;
    o[4] = m[0] + p + r;
    o[5] = m[5];
}

INLINE void output_transform_4(vec o[4], const vec m[6])
{
    vec p = m[1] + m[2], q = m[1] - m[2], r = m[3] + m[4], s = m[3] - m[4];
    o[0] = m[0] + p + r;
    o[1] = q + 2 * s;
    o[2] = p + 4 * r;
    o[3] = q + 8 * s + m[5];
}

INLINE void output_transform_4_t(vec o[6], const vec y[4])
{
    vec p = y[0] + y[2], q = y[1] + y[3], r = y[0] + 4 * y[2], s = 2 * y[1] + 8 * y[3];
    o[0] = y[0];
    o[1] = p + q;
    o[2] = p - q;
    o[3] = r + s;
    o[4] = r - s;
    o[5] = y[3];
}

INLINE void weight_transform_4(vec o[6], const vec g[3])
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

INLINE void weight_transform_4_t(vec o[3], const vec u[6])
{
    vec p = u[1] + u[2], q = u[2] - u[1], r = u[3] + u[4], s = u[3] - u[4];
    o[0] = 0.25f * u[0] - p * (1 / 6.f) + r * (1 / 24.f);
    o[1] = q * (1 / 6.f) + s * (1 / 12.f);
    o[2] = (r - p) * (1 / 6.f) + u[5];
}

INLINE void input_transform_6(vec o[8], const vec d[8])
{
    vec a = d[2] + d[6] - 4.25f * d[4], b = d[1] + d[5] - 4.25f * d[3];
    vec p = d[6] + 0.25f * d[2] - 1.25f * d[4], q = 0.5f * d[1] - 2.5f * d[3] + 2 * d[5];
    vec r = d[6] + 4 * d[2] - 5 * d[4], s = 2 * d[1] - 2.5f * d[3] + 0.5f * d[5];
    o[0] = d[0] - d[6] + 5.25f * (d[4] - d[2]);
    o[1] = a + b;
    o[2] = a - b;
    o[3] = p + q;
    o[4] = p - q;
    o[5] = r + s;
    o[6] = r - s;
    o[7] = d[7] - d[1] + 5.25f * (d[3] - d[5]);
}

INLINE void output_transform_6(vec o[6], const vec m[8])
{
    vec p = m[1] + m[2], q = m[1] - m[2], r = m[3] + m[4], s = m[3] - m[4], t = m[5] + m[6], u = m[5] - m[6];
    o[0] = m[0] + p + r + 32 * t;
    o[1] = q + 2 * s + 16 * u;
    o[2] = p + 4 * r + 8 * t;
    o[3] = q + 8 * s + 4 * u;
    o[4] = p + 16 * r + 2 * t;
    o[5] = q + 32 * s + u + m[7];
}

INLINE void weight_transform_6(vec o[8], const vec g[3])
{
    vec a = (g[0] + g[2]) * (-2 / 9.f), b = g[1] * (2 / 9.f), c = g[0] * (1 / 90.f) + g[2] * (2 / 45.f),
        d = g[1] * (1 / 45.f), e = g[0] * (1 / 45.f) + g[2] * (1 / 180.f), f = g[1] * (1 / 90.f);
    o[0] = g[0];
    o[1] = a - b;
    o[2] = a + b;
    o[3] = c + d;
    o[4] = c - d;
    o[5] = e + f;
    o[6] = e - f;
    o[7] = g[2];
}

#endif
