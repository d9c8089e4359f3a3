/* Dense layers, pooling and what is done element by element; and the table of this variant's functions. Loops without
 * vec are left to the compiler's vectoriser. */
#include "model/kernels/conv.h"
#include "model/kernels/simd.h"
#include "model/kernels/winograd.h"

void SIMD_NAME(weft_conv_rows)(const struct weft_conv_shape *shape, float *out, const float *padded,
                               const float *weights, const float *bias);
void SIMD_NAME(weft_conv_channels)(const struct weft_conv_shape *shape, float *out, const float *padded,
                                   const float *weights, const float *bias, const float *residual);
void SIMD_NAME(weft_conv_direct)(const struct weft_conv_shape *shape, float *out, const float *in, size_t n,
                                 const float *weights, const float *bias, const float *residual, const float *zeros);
void SIMD_NAME(weft_narrow_forward)(const struct weft_narrow_shape *s, float *y, const float *x, const float *weights,
                                    const float *bias);
void SIMD_NAME(weft_narrow_weight_gradient)(const struct weft_narrow_shape *s, float *dw, const float *x,
                                            const float *dy);
void SIMD_NAME(weft_narrow_input_gradient)(const struct weft_narrow_shape *s, float *dx, const float *dy,
                                           const float *transposed);
void SIMD_NAME(weft_pool_pixel)(float *out, const float *first, size_t rows, size_t columns, size_t row_step,
                                size_t channels, bool mean, float factor);
void SIMD_NAME(weft_winograd_weights)(float *transformed, const float *w, size_t tile, size_t channels, size_t filters);
void SIMD_NAME(weft_winograd_forward)(const struct weft_winograd_shape *shape, float *out, const float *in, size_t n,
                                      const float *transformed, const struct weft_winograd_epilogue *epilogue,
                                      float *scratch);
void SIMD_NAME(weft_winograd_backward)(const struct weft_winograd_shape *shape, float *dx, float *transformed_gradient,
                                       const float *x, const float *dy, size_t n, const float *transposed,
                                       float *scratch);
void SIMD_NAME(weft_winograd_weight_gradient)(float *w_gradient, const float *transformed_gradient, size_t channels,
                                              size_t filters);
void SIMD_NAME(weft_scale_pixels)(float *out, const float *x, size_t pixels, size_t channels, const float *scale,
                                  const float *shift, float low, float high);

void SIMD_NAME(weft_column_moments)(double *sum, double *squares, const float *x, const float *pivot, size_t rows,
                                    size_t channels);
void SIMD_NAME(weft_column_scale)(float *y, const float *x, const float *residual,
                                  const struct weft_column_scale *scale, size_t rows, size_t channels);
void SIMD_NAME(weft_column_gradient_sums)(double *sum, double *products, const float *dy, const float *x,
                                          const struct weft_column_gradient *gradient, size_t rows, size_t channels);
void SIMD_NAME(weft_column_gradient)(float *dx, const float *dy, const float *x,
                                     const struct weft_column_gradient *gradient, size_t rows, size_t channels);
void SIMD_NAME(weft_relu_gradient)(float *dx, const float *dy, const float *y, size_t n, bool adds);
void SIMD_NAME(weft_pool_largest)(float *y, const float *x, const struct weft_pool_windows *windows);
void SIMD_NAME(weft_pool_largest_gradient)(float *dx, const float *dy, const float *x, const float *y,
                                           const struct weft_pool_windows *windows, bool adds);
void SIMD_NAME(weft_pool_sum)(float *y, const float *x, float factor, const struct weft_pool_windows *windows);
void SIMD_NAME(weft_pool_sum_gradient)(float *dx, const float *dy, float factor,
                                       const struct weft_pool_windows *windows);

INLINE float clamp(float v, float low, float high)
{
    v = v > low ? v : low;
    return v < high ? v : high;
}

struct dense_job {
    float *out;
    const float *x, *weights, *bias;
    size_t inputs, outputs, filled;
    float low, high;
};

/* images x (vectors of outputs), from image m on: sums stay in registers while inputs go by. */
INLINE void dense_tile(const struct dense_job *j, size_t m, const int images, const int vectors)
{
    vec sum[8][2];
    foreach (i, images) {
        foreach (b, vectors)
            sum[i][b] = vec_load(j->bias + b * WEFT_LANES);
    }
    const float *row[8], *weights = j->weights;
    foreach (i, images)
        row[i] = j->x + (m + (size_t)i) * j->inputs;
    for (size_t input = 0; input < j->inputs; input++, weights += vectors * WEFT_LANES) {
        vec w[2];
        foreach (b, vectors)
            w[b] = vec_load(weights + b * WEFT_LANES);
        foreach (i, images) {
            foreach (b, vectors)
                sum[i][b] += w[b] * row[i][input];
        }
    }
    foreach (i, images) {
        foreach (b, vectors) {
            size_t at = (size_t)b * WEFT_LANES, left = j->filled - at;
            vec_store_part(j->out + (m + (size_t)i) * j->outputs + at, vec_clamp(sum[i][b], j->low, j->high),
                           left < WEFT_LANES ? left : WEFT_LANES);
        }
    }
}

/* Functions of their own, so that the compiler allots registers for each tile alone. */
#define DENSE_TILE(images, vectors)                                                                                    \
    static __attribute__((noinline)) void dense_##images##_##vectors(const struct dense_job *j, size_t m)              \
    {                                                                                                                  \
        dense_tile(j, m, images, vectors);                                                                             \
    }
DENSE_TILE(8, 2)
DENSE_TILE(8, 1)
DENSE_TILE(4, 2)
DENSE_TILE(4, 1)
DENSE_TILE(1, 2)
DENSE_TILE(1, 1)

static void dense(float *out, const float *x, size_t n, size_t inputs, size_t outputs, const float *weights,
                  const float *bias, float low, float high)
{
    struct dense_job j = {out, x, weights, bias, inputs, outputs, 0, low, high};
    for (size_t k = 0, block; k < outputs; k += block) {
        block = weft_conv_channels_block(outputs - k, WEFT_LANES);
        j.filled = block < outputs - k ? block : outputs - k;
        size_t m = 0;
        for (; WEFT_LANES == 16 && m + 8 <= n; m += 8)
            block > WEFT_LANES ? dense_8_2(&j, m) : dense_8_1(&j, m);
        for (; m + 4 <= n; m += 4)
            block > WEFT_LANES ? dense_4_2(&j, m) : dense_4_1(&j, m);
        for (; m < n; m++)
            block > WEFT_LANES ? dense_1_2(&j, m) : dense_1_1(&j, m);
        j.out += block;
        j.bias += block;
        j.weights += block * inputs;
    }
}

static void max_pool_2x2(float *restrict out, const float *restrict plane, size_t height, size_t width)
{
    size_t half = width / 2;
    for (size_t y = 0; y + 1 < height; y += 2, out += half) {
        const float *upper = plane + y * width, *lower = upper + width;
        for (size_t x = 0; x < half; x++) {
            float a = upper[2 * x] > lower[2 * x] ? upper[2 * x] : lower[2 * x];
            float b = upper[2 * x + 1] > lower[2 * x + 1] ? upper[2 * x + 1] : lower[2 * x + 1];
            out[x] = a > b ? a : b;
        }
    }
}

static float sum(const float *x, size_t n)
{
    vec sums[4] = {{0}};
    size_t i = 0;
    for (; i + 4 * WEFT_LANES <= n; i += 4 * WEFT_LANES) {
        foreach (k, 4)
            sums[k] += vec_load(x + i + k * WEFT_LANES);
    }
    sums[0] += sums[1] + (sums[2] + sums[3]);
    float total = 0;
    for (int k = 0; k < WEFT_LANES; k++)
        total += sums[0][k];
    for (; i < n; i++)
        total += x[i];
    return total;
}

static void add(float *out, const float *a, const float *b, size_t n, float low, float high)
{
    for (size_t i = 0; i < n; i++)
        out[i] = clamp(a[i] + b[i], low, high);
}

static void scale_shift(float *out, const float *x, size_t n, float scale, float shift, float low, float high)
{
    for (size_t i = 0; i < n; i++)
        out[i] = clamp(x[i] * scale + shift, low, high);
}

static void from_bytes(float *restrict out, const uint8_t *restrict bytes, size_t n, float scale, float shift)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)bytes[i] * scale + shift;
}

extern const struct weft_variant SIMD_NAME(weft_variant);
const struct weft_variant SIMD_NAME(weft_variant) = {
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
    .name = TEXT(WEFT_VARIANT),
    .lanes = WEFT_LANES,
    .conv_rows = SIMD_NAME(weft_conv_rows),
    .conv_channels = SIMD_NAME(weft_conv_channels),
    .conv_direct = SIMD_NAME(weft_conv_direct),
    .pool_pixel = SIMD_NAME(weft_pool_pixel),
    .scale_pixels = SIMD_NAME(weft_scale_pixels),
    .winograd_weights = SIMD_NAME(weft_winograd_weights),
    .winograd_forward = SIMD_NAME(weft_winograd_forward),
    .winograd_backward = SIMD_NAME(weft_winograd_backward),
    .winograd_weight_gradient = SIMD_NAME(weft_winograd_weight_gradient),
    .column_moments = SIMD_NAME(weft_column_moments),
    .column_scale = SIMD_NAME(weft_column_scale),
    .column_gradient_sums = SIMD_NAME(weft_column_gradient_sums),
    .column_gradient = SIMD_NAME(weft_column_gradient),
    .narrow_forward = SIMD_NAME(weft_narrow_forward),
    .narrow_weight_gradient = SIMD_NAME(weft_narrow_weight_gradient),
    .narrow_input_gradient = SIMD_NAME(weft_narrow_input_gradient),
    .relu_gradient = SIMD_NAME(weft_relu_gradient),
    .pool_largest = SIMD_NAME(weft_pool_largest),
    .pool_largest_gradient = SIMD_NAME(weft_pool_largest_gradient),
    .pool_sum = SIMD_NAME(weft_pool_sum),
    .pool_sum_gradient = SIMD_NAME(weft_pool_sum_gradient),
    .dense = dense,
    .max_pool_2x2 = max_pool_2x2,
    .sum = sum,
    .add = add,
    .scale = scale_shift,
    .from_bytes = from_bytes,
};
