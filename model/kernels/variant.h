/* The innermost loops, in one variant for each instruction set; the widest that this processor has is chosen once. */
#ifndef WEFT_MODEL_KERNELS_VARIANT_H
#define WEFT_MODEL_KERNELS_VARIANT_H

#include <stddef.h>
#include <stdint.h>

struct weft_conv_shape;

enum { WEFT_LANES_MAX = 16 };

struct weft_variant {
    const char *name;
    size_t lanes; /* floats in a vector */

    /* One group of one image; see conv.h for shapes and packing. padded may be read up to lanes floats past its end. */
    void (*conv_rows)(const struct weft_conv_shape *shape, float *out, const float *padded, const float *weights,
                      const float *bias);
    void (*conv_channels)(const struct weft_conv_shape *shape, float *out, const float *padded, const float *weights,
                          const float *bias);

    /* out (n, outputs) = clamp(x (n, inputs) * weights + bias); see dense.h for the packing. */
    void (*dense)(float *out, const float *x, size_t n, size_t inputs, size_t outputs, const float *weights,
                  const float *bias, float low, float high);

    /* out (height / 2, width / 2) of one plane (height, width); an odd last row or column is left out. */
    void (*max_pool_2x2)(float *out, const float *plane, size_t height, size_t width);

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
