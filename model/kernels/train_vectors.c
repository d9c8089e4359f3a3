/* Passes over tensors whose channels are last, mostly as (rows, channels). Sums over rows are taken of a few rows in
 * single precision and of all in double, so that they are accurate however many rows there are. */
#include "model/kernels/train_vectors.h"

#include <stdint.h>

#include "model/kernels/simd.h"

/* Rows of a block: with the channels of a convolution they fit the first-level cache, which the blocks of channels then
 * read. */
enum { BLOCK = 64, SUMS = 4 };

typedef int32_t mask __attribute__((vector_size(4 * WEFT_LANES)));

INLINE vec positive_part(vec v)
{
#if defined(__AVX512F__)
    return _mm512_max_ps(v, _mm512_setzero_ps());
#else
    return (vec)((mask)v & (v > 0));
#endif
}

/* v where sign is positive, or else 0. */
INLINE vec where_positive(vec sign, vec v)
{
#if defined(__AVX512F__)
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(sign, _mm512_setzero_ps(), _CMP_GT_OQ), v);
#else
    return (vec)((mask)v & (sign > 0));
#endif
}

INLINE void add_to_doubles(double *sums, vec v, const size_t part)
{
    for (size_t i = 0; i < (part ? part : WEFT_LANES); i++)
        sums[i] += (double)v[i];
}

/* Calls run(job, row, rows, channel, part) for blocks of rows and, in each, for vectors of channels. From the last
 * block to the first, where the pass before went the other way: what it has read last is still in the cache. */
#define FOR_BLOCKS(run, job, row_count, channels, backwards)                                                           \
    for (size_t block = 0, count = ((row_count) + BLOCK - 1) / BLOCK; block < count; block++) {                        \
        const size_t row = ((backwards) ? count - 1 - block : block) * BLOCK;                                          \
        const size_t rows = (row_count)-row < BLOCK ? (row_count)-row : BLOCK;                                         \
        size_t channel = 0;                                                                                            \
        for (; channel + WEFT_LANES <= (channels); channel += WEFT_LANES)                                              \
            run(job, row, rows, channel, 0);                                                                           \
        if (channel < (channels))                                                                                      \
            run(job, row, rows, channel, (channels)-channel);                                                          \
    }

struct moments_job {
    double *sum, *squares;
    const float *x, *pivot;
    size_t channels;
};

INLINE void moments_block(const struct moments_job *j, size_t row, size_t rows, size_t channel, const size_t part)
{
    const float *x = j->x + row * j->channels + channel;
    const vec pivot = vec_load_part(j->pivot + channel, part);
    vec sum[SUMS] = {{0}}, squares[SUMS] = {{0}};
    size_t r = 0;
    for (; r + SUMS <= rows; r += SUMS) {
        foreach (k, SUMS) {
            const vec v = vec_load_part(x + (r + (size_t)k) * j->channels, part) - pivot;
            sum[k] += v;
            squares[k] += v * v;
        }
    }
    for (; r < rows; r++) {
        const vec v = vec_load_part(x + r * j->channels, part) - pivot;
        sum[0] += v;
        squares[0] += v * v;
    }
    add_to_doubles(j->sum + channel, (sum[0] + sum[1]) + (sum[2] + sum[3]), part);
    add_to_doubles(j->squares + channel, (squares[0] + squares[1]) + (squares[2] + squares[3]), part);
}

void SIMD_NAME(weft_column_moments)(double *sum, double *squares, const float *x, const float *pivot,
                                    size_t rows_in_all, size_t channels)
{
    const struct moments_job job = {sum, squares, x, pivot, channels};
    FOR_BLOCKS(moments_block, &job, rows_in_all, channels, false)
}

struct scale_job {
    float *y;
    const float *x, *residual;
    const struct weft_column_scale *scale;
    size_t channels;
};

INLINE void scale_block_of(const struct scale_job *j, size_t row, size_t rows, size_t channel, const size_t part,
                           const bool has_residual, const bool relu)
{
    const vec scale = vec_load_part(j->scale->scale + channel, part),
              shift = vec_load_part(j->scale->shift + channel, part);
    for (size_t r = row; r < row + rows; r++) {
        const size_t at = r * j->channels + channel;
        vec v = vec_load_part(j->x + at, part) * scale + shift;
        if (has_residual)
            v += vec_load_part(j->residual + at, part);
        vec_store_part(j->y + at, relu ? positive_part(v) : v, part);
    }
}

INLINE void scale_block(const struct scale_job *j, size_t row, size_t rows, size_t channel, const size_t part)
{
    if (j->residual && j->scale->relu)
        scale_block_of(j, row, rows, channel, part, true, true);
    else if (j->residual)
        scale_block_of(j, row, rows, channel, part, true, false);
    else if (j->scale->relu)
        scale_block_of(j, row, rows, channel, part, false, true);
    else
        scale_block_of(j, row, rows, channel, part, false, false);
}

void SIMD_NAME(weft_column_scale)(float *y, const float *x, const float *residual,
                                  const struct weft_column_scale *scale, size_t rows_in_all, size_t channels)
{
    const struct scale_job job = {y, x, residual, scale, channels};
    FOR_BLOCKS(scale_block, &job, rows_in_all, channels, true)
}

struct gradient_job {
    double *sum, *products; /* of the sums */
    float *dx;              /* of the gradient */
    const float *dy, *x;
    const struct weft_column_gradient *gradient;
    size_t channels;
};

INLINE void sums_block_of(const struct gradient_job *j, size_t row, size_t rows, size_t channel, const size_t part,
                          const bool relu)
{
    const struct weft_column_scale *s = &j->gradient->scale;
    const vec scale = vec_load_part(s->scale + channel, part), shift = vec_load_part(s->shift + channel, part);
    const vec mean = vec_load_part(j->gradient->mean + channel, part);
    const float *x = j->x + row * j->channels + channel, *dy = j->dy + row * j->channels + channel;
    vec sum[SUMS] = {{0}}, products[SUMS] = {{0}};
    size_t r = 0;
    for (; r + SUMS <= rows; r += SUMS) {
        foreach (k, SUMS) {
            const size_t at = (r + (size_t)k) * j->channels;
            const vec v = vec_load_part(x + at, part);
            vec g = vec_load_part(dy + at, part);
            g = relu ? where_positive(v * scale + shift, g) : g;
            sum[k] += g;
            products[k] += g * (v - mean);
        }
    }
    for (; r < rows; r++) {
        const vec v = vec_load_part(x + r * j->channels, part);
        vec g = vec_load_part(dy + r * j->channels, part);
        g = relu ? where_positive(v * scale + shift, g) : g;
        sum[0] += g;
        products[0] += g * (v - mean);
    }
    add_to_doubles(j->sum + channel, (sum[0] + sum[1]) + (sum[2] + sum[3]), part);
    add_to_doubles(j->products + channel, (products[0] + products[1]) + (products[2] + products[3]), part);
}

INLINE void sums_block(const struct gradient_job *j, size_t row, size_t rows, size_t channel, const size_t part)
{
    if (j->gradient->scale.relu)
        sums_block_of(j, row, rows, channel, part, true);
    else
        sums_block_of(j, row, rows, channel, part, false);
}

void SIMD_NAME(weft_column_gradient_sums)(double *sum, double *products, const float *dy, const float *x,
                                          const struct weft_column_gradient *gradient, size_t rows_in_all,
                                          size_t channels)
{
    const struct gradient_job job = {sum, products, NULL, dy, x, gradient, channels};
    FOR_BLOCKS(sums_block, &job, rows_in_all, channels, false)
}

INLINE void gradient_block_of(const struct gradient_job *j, size_t row, size_t rows, size_t channel, const size_t part,
                              const bool relu, const bool adds)
{
    const struct weft_column_scale *s = &j->gradient->scale;
    const vec scale = vec_load_part(s->scale + channel, part), shift = vec_load_part(s->shift + channel, part);
    const vec mean = vec_load_part(j->gradient->mean + channel, part),
              constant = vec_load_part(j->gradient->constant + channel, part);
    const vec of_dy = vec_load_part(j->gradient->of_dy + channel, part),
              of_x = vec_load_part(j->gradient->of_x + channel, part);
    for (size_t r = row; r < row + rows; r++) {
        const size_t at = r * j->channels + channel;
        const vec v = vec_load_part(j->x + at, part);
        vec g = vec_load_part(j->dy + at, part);
        g = relu ? where_positive(v * scale + shift, g) : g;
        g = g * of_dy + ((v - mean) * of_x + constant);
        vec_store_part(j->dx + at, adds ? vec_load_part(j->dx + at, part) + g : g, part);
    }
}

INLINE void gradient_block(const struct gradient_job *j, size_t row, size_t rows, size_t channel, const size_t part)
{
    const bool adds = j->gradient->adds;
    if (j->gradient->scale.relu)
        adds ? gradient_block_of(j, row, rows, channel, part, true, true)
             : gradient_block_of(j, row, rows, channel, part, true, false);
    else
        adds ? gradient_block_of(j, row, rows, channel, part, false, true)
             : gradient_block_of(j, row, rows, channel, part, false, false);
}

void SIMD_NAME(weft_column_gradient)(float *dx, const float *dy, const float *x,
                                     const struct weft_column_gradient *gradient, size_t rows_in_all, size_t channels)
{
    const struct gradient_job job = {NULL, NULL, dx, dy, x, gradient, channels};
    FOR_BLOCKS(gradient_block, &job, rows_in_all, channels, true)
}

void SIMD_NAME(weft_relu_gradient)(float *dx, const float *dy, const float *y, size_t n, bool adds)
{
    size_t i = 0;
    if (adds)
        for (; i + WEFT_LANES <= n; i += WEFT_LANES)
            vec_store(dx + i, vec_load(dx + i) + where_positive(vec_load(y + i), vec_load(dy + i)));
    else
        for (; i + WEFT_LANES <= n; i += WEFT_LANES)
            vec_store(dx + i, where_positive(vec_load(y + i), vec_load(dy + i)));
    for (; i < n; i++)
        dx[i] = (adds ? dx[i] : 0) + (y[i] > 0 ? dy[i] : 0);
}

/* Calls run(windows, x, y, part, ...) for vectors of the channels of each window, which begin at x floats from the
 * first window's pixels and y floats from its output. */
#define FOR_WINDOWS(windows, run, ...)                                                                                 \
    for (size_t w = 0; w < (windows)->count; w++) {                                                                    \
        const size_t x_at = w * (windows)->step, y_at = w * (windows)->channels;                                       \
        size_t channel = 0;                                                                                            \
        for (; channel + WEFT_LANES <= (windows)->channels; channel += WEFT_LANES)                                     \
            run(windows, x_at + channel, y_at + channel, 0, __VA_ARGS__);                                              \
        if (channel < (windows)->channels)                                                                             \
            run(windows, x_at + channel, y_at + channel, (windows)->channels - channel, __VA_ARGS__);                  \
    }

INLINE void largest_of(const struct weft_pool_windows *a, size_t x_at, size_t y_at, const size_t part, float *y,
                       const float *x)
{
    vec largest = vec_load_part(x + x_at, part);
    for (size_t r = 0; r < a->rows; r++)
        for (size_t k = 0; k < a->columns; k++)
            largest = vec_max(vec_load_part(x + x_at + r * a->row_step + k * a->channels, part), largest);
    vec_store_part(y + y_at, largest, part);
}

void SIMD_NAME(weft_pool_largest)(float *y, const float *x,
                                  const struct weft_pool_windows *windows){FOR_WINDOWS(windows, largest_of, y, x)}

/* Of equal ones the first is given dy. */
INLINE void give_largest(const struct weft_pool_windows *a, size_t x_at, size_t y_at, const size_t part, float *dx,
                         const float *dy, const float *x, const float *y, const bool adds)
{
    const vec largest = vec_load_part(y + y_at, part);
    vec left = vec_load_part(dy + y_at, part);
    for (size_t r = 0; r < a->rows; r++)
        for (size_t k = 0; k < a->columns; k++) {
            const size_t at = x_at + r * a->row_step + k * a->channels;
            const vec given = (vec)((mask)left & (vec_load_part(x + at, part) == largest));
            vec_store_part(dx + at, adds ? vec_load_part(dx + at, part) + given : given, part);
            left -= given;
        }
}

void SIMD_NAME(weft_pool_largest_gradient)(float *dx, const float *dy, const float *x, const float *y,
                                           const struct weft_pool_windows *windows, bool adds)
{
    if (adds)
        FOR_WINDOWS(windows, give_largest, dx, dy, x, y, true)
    else
        FOR_WINDOWS(windows, give_largest, dx, dy, x, y, false)
}

INLINE void sum_of(const struct weft_pool_windows *a, size_t x_at, size_t y_at, const size_t part, float *y,
                   const float *x, float factor)
{
    vec sum = {0};
    for (size_t r = 0; r < a->rows; r++)
        for (size_t k = 0; k < a->columns; k++)
            sum += vec_load_part(x + x_at + r * a->row_step + k * a->channels, part);
    vec_store_part(y + y_at, sum * factor, part);
}

void SIMD_NAME(weft_pool_sum)(float *y, const float *x, float factor,
                              const struct weft_pool_windows *windows){FOR_WINDOWS(windows, sum_of, y, x, factor)}

INLINE void give_all(const struct weft_pool_windows *a, size_t x_at, size_t y_at, const size_t part, float *dx,
                     const float *dy, float factor)
{
    const vec given = vec_load_part(dy + y_at, part) * factor;
    for (size_t r = 0; r < a->rows; r++)
        for (size_t k = 0; k < a->columns; k++) {
            const size_t at = x_at + r * a->row_step + k * a->channels;
            vec_store_part(dx + at, vec_load_part(dx + at, part) + given, part);
        }
}

void SIMD_NAME(weft_pool_sum_gradient)(float *dx, const float *dy, float factor,
                                       const struct weft_pool_windows *windows)
{
    FOR_WINDOWS(windows, give_all, dx, dy, factor)
}
