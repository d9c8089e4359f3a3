/* Vectors of floats for the files that are compiled once for each instruction set (see model/CMakeLists.txt).
 *
 * GCC's vector extensions, which clang shares: WEFT_LANES floats in a vector, one register wide. Names in those files
 * go through SIMD_NAME, so that the variants can stand beside each other in one program. */
#ifndef WEFT_MODEL_KERNELS_SIMD_H
#define WEFT_MODEL_KERNELS_SIMD_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#if defined(__AVX512F__)
#define WEFT_LANES 16
#elif defined(__AVX2__)
#define WEFT_LANES 8
#else
#define WEFT_LANES 4
#endif

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Registers that sums may take, so that operands still fit beside them. */
#define WEFT_SUMS (WEFT_LANES == 16 ? 28 : 12)

#define SIMD_JOIN_(name, variant) name##_##variant
#define SIMD_JOIN(name, variant) SIMD_JOIN_(name, variant)
#define SIMD_NAME(name) SIMD_JOIN(name, WEFT_VARIANT)

#define INLINE static inline __attribute__((always_inline))

/* A loop with a constant number of turns, unrolled: without that arrays of sums would live in memory. */
#ifdef __clang__
#define foreach(i, n) _Pragma("clang loop unroll(full)") for (int i = 0; i < (n); i++)
#else
#define foreach(i, n) _Pragma("GCC unroll 64") for (int i = 0; i < (n); i++)
#endif

typedef float vec __attribute__((vector_size(4 * WEFT_LANES)));
typedef float vec_anywhere __attribute__((vector_size(4 * WEFT_LANES), aligned(4), may_alias));

INLINE vec vec_load(const float *p)
{
    return *(const vec_anywhere *)p;
}

INLINE void vec_store(float *p, vec v)
{
    *(vec_anywhere *)p = v;
}

/* Zeros where it is not there, and nothing is read then. */
INLINE vec vec_load_if(bool there, const float *p)
{
#if defined(__AVX512F__)
    return _mm512_maskz_loadu_ps(there ? 0xffff : 0, p);
#else
    static const vec zeros;
    return vec_load(there ? p : (const float *)&zeros);
#endif
}

/* The first part lanes, the others 0; all where part is 0 or all, which costs nothing where it is a constant. */
INLINE vec vec_load_part(const float *p, size_t part)
{
    if (part % WEFT_LANES == 0)
        return vec_load(p);
#if defined(__AVX512F__)
    return _mm512_maskz_loadu_ps((__mmask16)((1u << part) - 1), p);
#else
    vec v = {0};
    memcpy(&v, p, part * sizeof *p);
    return v;
#endif
}

INLINE void vec_store_part(float *p, vec v, size_t part)
{
    if (part % WEFT_LANES == 0)
        vec_store(p, v);
    else
#if defined(__AVX512F__)
        _mm512_mask_storeu_ps(p, (__mmask16)((1u << part) - 1), v);
#else
        memcpy(p, &v, part * sizeof *p);
#endif
}

/* Subtracting 0 changes no number, so that the compiler leaves it out; adding it would turn -0 into 0. */
INLINE vec vec_all(float x)
{
    return x - (vec){0};
}

INLINE vec vec_max(vec a, vec b)
{
#if defined(__AVX512F__)
    return _mm512_max_ps(a, b);
#elif defined(__AVX2__)
    return _mm256_max_ps(a, b);
#elif defined(__SSE2__)
    return _mm_max_ps(a, b);
#else
    for (int i = 0; i < WEFT_LANES; i++)
        a[i] = a[i] > b[i] ? a[i] : b[i];
    return a;
#endif
}

INLINE vec vec_clamp(vec v, float low, float high)
{
#if defined(__AVX512F__)
    return _mm512_min_ps(_mm512_max_ps(v, _mm512_set1_ps(low)), _mm512_set1_ps(high));
#elif defined(__AVX2__)
    return _mm256_min_ps(_mm256_max_ps(v, _mm256_set1_ps(low)), _mm256_set1_ps(high));
#elif defined(__SSE2__)
    return _mm_min_ps(_mm_max_ps(v, _mm_set1_ps(low)), _mm_set1_ps(high));
#else
    for (int i = 0; i < WEFT_LANES; i++) {
        v[i] = v[i] > low ? v[i] : low;
        v[i] = v[i] < high ? v[i] : high;
    }
    return v;
#endif
}

#endif
