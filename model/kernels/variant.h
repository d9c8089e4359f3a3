/* The innermost loops, in one variant for each instruction set; the widest that this processor has is chosen once. */
#ifndef WEFT_MODEL_KERNELS_VARIANT_H
#define WEFT_MODEL_KERNELS_VARIANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weft_column_gradient;
struct weft_column_scale;
struct weft_conv_shape;
struct weft_narrow_shape;
struct weft_pool_windows;
struct weft_winograd_shape;
struct weft_winograd_epilogue;

enum { WEFT_LANES_MAX = 16 };

struct weft_variant {
    const char *name;
    size_t lanes; /* floats in a vector */

    /* One group of one image; see conv.h for shapes and packing. padded may be read up to lanes floats past its end. */
    void (*conv_rows)(const struct weft_conv_shape *shape, float *out, const float *padded, const float *weights,
                      const float *bias);
    void (*conv_channels)(const struct weft_conv_shape *shape, float *out, const float *padded, const float *weights,
                          const float *bias, const float *residual); /* NULL for planes */

    /* n images in pixels (layout.h); residual is shaped as out, or NULL; zeros is a pixel of the input. */
    void (*conv_direct)(const struct weft_conv_shape *shape, float *out, const float *in, size_t n,
                        const float *weights, const float *bias, const float *residual, const float *zeros);

    /* Winograd's 3x3 convolution; see winograd.h.
     * weights: transformed (points, channels, filters) from w (3, 3, channels, filters).
     * forward: out (n, out_height, out_width, filters) of in (n, height, width, channels).
     * backward, of F(4x4,3x3): what the gradient by the output, dy, gives for the input (added to dx, NULL where nobody
     * wants it) and for the transformed weights (added to transformed_gradient, (36, channels, filters)). transposed
     * are the weights (3, 3, filters, channels) transformed; NULL with dx. weight_gradient: adds to w_gradient (3, 3,
     * channels, filters) what the transformed gradient stands for. */
    void (*winograd_weights)(float *transformed, const float *w, size_t tile, size_t channels, size_t filters);
    void (*winograd_forward)(const struct weft_winograd_shape *shape, float *out, const float *in, size_t n,
                             const float *transformed, const struct weft_winograd_epilogue *epilogue, float *scratch);
    void (*winograd_backward)(const struct weft_winograd_shape *shape, float *dx, float *transformed_gradient,
                              const float *x, const float *dy, size_t n, const float *transposed, float *scratch);
    void (*winograd_weight_gradient)(float *w_gradient, const float *transformed_gradient, size_t channels,
                                     size_t filters);

    /* Convolution with few filters, of one image x that has its padding around it; see narrow.h. Packed weights are
     * filled up to whole vectors with zeros.
     * forward: y (out_height, out_width, filters); weights (vectors of filters, kernel, run, lanes), bias (vectors,
     * lanes). weight_gradient: adds to dw (kernel, kernel, channels, filters). input_gradient: adds to dx, which is
     * shaped as x with lanes floats behind it; transposed (vectors of the run, filters, kernel, lanes). */
    void (*narrow_forward)(const struct weft_narrow_shape *shape, float *y, const float *x, const float *weights,
                           const float *bias);
    void (*narrow_weight_gradient)(const struct weft_narrow_shape *shape, float *dw, const float *x, const float *dy);
    void (*narrow_input_gradient)(const struct weft_narrow_shape *shape, float *dx, const float *dy,
                                  const float *transposed);

    /* Of x and dy (rows, channels), by channel; see train_vectors.h.
     * moments: adds the sums of x - pivot and of its square. scale: y; residual, unless NULL, is added before the ReLU.
     * gradient_sums: adds the sums of g and of g * (x - mean). gradient: dx, which may be dy. */
    void (*column_moments)(double *sum, double *squares, const float *x, const float *pivot, size_t rows,
                           size_t channels);
    void (*column_scale)(float *y, const float *x, const float *residual, const struct weft_column_scale *scale,
                         size_t rows, size_t channels);
    void (*column_gradient_sums)(double *sum, double *products, const float *dy, const float *x,
                                 const struct weft_column_gradient *gradient, size_t rows, size_t channels);
    void (*column_gradient)(float *dx, const float *dy, const float *x, const struct weft_column_gradient *gradient,
                            size_t rows, size_t channels);

    /* dx[i] = dy[i] where y[i] is positive, or else 0; adds: to dx. dx may be dy. */
    void (*relu_gradient)(float *dx, const float *dy, const float *y, size_t n, bool adds);

    /* Pixels y of a pool over windows from x on: the largest, or the sum times factor; and, added to what is under the
     * windows from dx on, or put there, the gradient. The largest is the first of equal ones. */
    void (*pool_largest)(float *y, const float *x, const struct weft_pool_windows *windows);
    void (*pool_largest_gradient)(float *dx, const float *dy, const float *x, const float *y,
                                  const struct weft_pool_windows *windows, bool adds);
    void (*pool_sum)(float *y, const float *x, float factor, const struct weft_pool_windows *windows);
    void (*pool_sum_gradient)(float *dx, const float *dy, float factor, const struct weft_pool_windows *windows);

    /* out (n, outputs) = clamp(x (n, inputs) * weights + bias); see dense.h for the packing. */
    void (*dense)(float *out, const float *x, size_t n, size_t inputs, size_t outputs, const float *weights,
                  const float *bias, float low, float high);

    /* out (height / 2, width / 2) of one plane (height, width); an odd last row or column is left out. */
    void (*max_pool_2x2)(float *out, const float *plane, size_t height, size_t width);

    /* Images in pixels, channels filled up. One pixel of a pool over rows x columns from first on: the maximum, or the
     * sum times factor; row_step leads to the next row. And out = clamp(x * scale + shift), both of them by channel. */
    void (*pool_pixel)(float *out, const float *first, size_t rows, size_t columns, size_t row_step, size_t channels,
                       bool mean, float factor);
    void (*scale_pixels)(float *out, const float *x, size_t pixels, size_t channels, const float *scale,
                         const float *shift, float low, float high);

    float (*sum)(const float *x, size_t n);

    /* out[i] = clamp(a[i] + b[i]); out may be a or b. */
    void (*add)(float *out, const float *a, const float *b, size_t n, float low, float high);

    /* out[i] = clamp(x[i] * scale + shift); out may be x. */
    void (*scale)(float *out, const float *x, size_t n, float scale, float shift, float low, float high);

    /* out[i] = bytes[i] * scale + shift. */
    void (*from_bytes)(float *out, const uint8_t *bytes, size_t n, float scale, float shift);
};

/* The widest variant that this processor can run. */
const struct weft_variant *weft_variant_best(void);

/* The i-th variant that this processor can run, widest first; NULL past the last. For tests and benchmarks. */
const struct weft_variant *weft_variant_at(size_t i);

#endif
