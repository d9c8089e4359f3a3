#include "model/kernels/conv.h"

#include <stdlib.h>
#include <string.h>

#include "model/kernels/conv_method.h"

enum { ALIGNMENT = 64 };

static const struct weft_conv_method *const methods[] = {
    &weft_conv_rows,       &weft_conv_channels,   &weft_conv_gemm,   &weft_conv_winograd_4,
    &weft_conv_winograd_3, &weft_conv_winograd_6, &weft_conv_direct,
};

static const struct weft_conv_method *method_choose(const struct weft_conv_shape *s, size_t lanes, const char *name,
                                                    size_t *best_cost)
{
    const struct weft_conv_method *best = NULL;
    *best_cost = SIZE_MAX;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        size_t cost = methods[i]->cost(s, lanes);
        if (cost < *best_cost && (!name || strcmp(name, methods[i]->name) == 0)) {
            best = methods[i];
            *best_cost = cost;
        }
    }
    return best;
}

static float *floats_new(size_t count)
{
    size_t bytes = (count * sizeof(float) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    float *floats = aligned_alloc(ALIGNMENT, bytes);
    if (floats)
        memset(floats, 0, bytes);
    return floats;
}

struct weft_conv *weft_conv_new(const struct weft_conv_shape *shape, const float *weights, const float *bias,
                                const struct weft_variant *variant, const char *method)
{
    size_t cost;
    struct weft_conv *conv = calloc(1, sizeof *conv);
    if (!conv)
        return NULL;
    conv->shape = *shape;
    conv->variant = variant;
    conv->method = method_choose(shape, variant->lanes, method, &cost);
    if (!conv->method)
        goto fail;
    conv->weight_count = conv->method->weight_count(shape, variant->lanes);
    conv->filter_count = conv->method->filter_count(shape, variant->lanes);
    conv->weights = floats_new(shape->groups * conv->weight_count);
    conv->bias = floats_new(shape->groups * conv->filter_count);
    if (!conv->weights || !conv->bias)
        goto fail;
    for (size_t g = 0; g < shape->groups; g++) {
        if (conv->method->pack(shape, variant, conv->weights + g * conv->weight_count,
                               weights + g * shape->filters * weft_conv_taps(shape)) != 0)
            goto fail;
        memcpy(conv->bias + g * conv->filter_count, bias + g * shape->filters, shape->filters * sizeof *bias);
    }
    return conv;
fail:
    weft_conv_destroy(conv);
    return NULL;
}

void weft_conv_destroy(struct weft_conv *conv)
{
    if (!conv)
        return;
    free(conv->weights);
    free(conv->bias);
    free(conv);
}

const char *weft_conv_method(const struct weft_conv *conv)
{
    return conv->method->name;
}

size_t weft_conv_cost(const struct weft_conv_shape *shape, const struct weft_variant *variant)
{
    size_t cost;
    return method_choose(shape, variant->lanes, NULL, &cost) ? shape->groups * cost : SIZE_MAX;
}

size_t weft_conv_filter_weights_max(const struct weft_conv_shape *shape)
{
    const size_t taps = weft_conv_taps(shape), transformed = weft_conv_winograd_weights_max(shape);
    return transformed > taps ? transformed : taps;
}

size_t weft_conv_scratch(const struct weft_conv *conv)
{
    return conv->method->scratch(&conv->shape, conv->variant->lanes);
}

void weft_conv_run(const struct weft_conv *conv, float *out, const float *in, const float *residual, size_t n,
                   float *scratch)
{
    conv->method->run(conv, out, in, residual, n, scratch);
}
