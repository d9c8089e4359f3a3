/* The ways to compute a convolution, among which conv.c chooses. */
#ifndef WEFT_MODEL_KERNELS_CONV_METHOD_H
#define WEFT_MODEL_KERNELS_CONV_METHOD_H

#include <stdbool.h>

#include "model/kernels/conv.h"

struct weft_conv_method {
    const char *name; /* those that differ in the size of their tiles share one */

    /* Estimates the time of one group in vector multiply-adds; SIZE_MAX where shape or layouts are not for it. */
    size_t (*cost)(const struct weft_conv_shape *s, size_t lanes);

    /* Of a group, floats of packed weights, and filters with those that fill up. */
    size_t (*weight_count)(const struct weft_conv_shape *s, size_t lanes);
    size_t (*filter_count)(const struct weft_conv_shape *s, size_t lanes);

    size_t (*scratch)(const struct weft_conv_shape *s, size_t lanes); /* floats */

    /* Packs (filters, channels, kernel_height, kernel_width) of a group; packed is zero. -1 when memory is short. */
    int (*pack)(const struct weft_conv_shape *s, const struct weft_variant *variant, float *packed,
                const float *weights);

    /* All of weft_conv_run. */
    void (*run)(const struct weft_conv *conv, float *out, const float *in, const float *residual, size_t n,
                float *scratch);
};

struct weft_conv {
    struct weft_conv_shape shape;
    const struct weft_variant *variant;
    const struct weft_conv_method *method;
    float *weights, *bias; /* (groups, weight_count) and (groups, filter_count) */
    size_t weight_count, filter_count;
};

extern const struct weft_conv_method weft_conv_rows, weft_conv_channels, weft_conv_gemm; /* conv_planes.c */
extern const struct weft_conv_method weft_conv_direct;                                   /* conv_pixels.c */
extern const struct weft_conv_method weft_conv_winograd_3, weft_conv_winograd_4, weft_conv_winograd_6; /* there too */

/* Floats of one filter's transformed weights at most; 0 where Winograd's algorithm is not for the shape. */
size_t weft_conv_winograd_weights_max(const struct weft_conv_shape *s);

#endif
