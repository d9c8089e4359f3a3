#include "model/kernels/conv.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

struct weft_conv;

/* A way to compute a convolution. cost estimates its time in vector multiply-adds, SIZE_MAX where it cannot; pack fills
 * conv->weights and conv->bias, which are zero. run does one group from its padded input. */
struct method {
    const char *name;
    size_t (*cost)(const struct weft_conv_shape *s, size_t lanes);
    size_t (*weight_count)(const struct weft_conv_shape *s, size_t lanes); /* floats of a group */
    size_t (*filter_count)(const struct weft_conv_shape *s, size_t lanes); /* with those filled up, of a group */
    size_t (*scratch)(const struct weft_conv_shape *s);                    /* floats beside the padded input */
    void (*pack)(const struct weft_conv_shape *s, size_t lanes, float *packed, const float *weights);
    void (*run)(const struct weft_conv *conv, float *out, const float *padded, const float *weights, const float *bias,
                float *scratch);
};

struct weft_conv {
    struct weft_conv_shape shape;
    const struct weft_variant *variant;
    const struct method *method;
    float *weights, *bias; /* (groups, weight_count) and (groups, filter_count) */
    size_t weight_count, filter_count, padded_count;
};

static size_t taps(const struct weft_conv_shape *s)
{
    return s->channels * s->kernel_height * s->kernel_width;
}

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

/* Packs [filter][tap] as [block][tap][filter in block]; block sizes as next says, count filters with those filled up.
 */
static void pack_blocks(const struct weft_conv_shape *s, size_t block, size_t from, float *packed, const float *weights)
{
    for (size_t k = 0; k < block && from + k < s->filters; k++)
        for (size_t t = 0; t < taps(s); t++)
            packed[t * block + k] = weights[(from + k) * taps(s) + t];
}

static size_t rows_cost(const struct weft_conv_shape *s, size_t lanes)
{
    if (s->stride_x != 1 || s->stride_y != 1)
        return SIZE_MAX;
    return s->filters * ((s->out_width + lanes - 1) / lanes) * s->out_height;
}

static size_t rows_weight_count(const struct weft_conv_shape *s, size_t lanes)
{
    (void)lanes;
    return s->filters * taps(s);
}

static size_t rows_filter_count(const struct weft_conv_shape *s, size_t lanes)
{
    (void)lanes;
    return s->filters;
}

static void rows_pack(const struct weft_conv_shape *s, size_t lanes, float *packed, const float *weights)
{
    (void)lanes;
    for (size_t k = 0, block; k < s->filters; k += block) {
        block = weft_conv_rows_block(s->filters - k);
        pack_blocks(s, block, k, packed + k * taps(s), weights);
    }
}

static void rows_run(const struct weft_conv *conv, float *out, const float *padded, const float *weights,
                     const float *bias, float *scratch)
{
    (void)scratch;
    conv->variant->conv_rows(&conv->shape, out, padded, weights, bias);
}

static size_t channels_cost(const struct weft_conv_shape *s, size_t lanes)
{
    if (s->stride_x > 2)
        return SIZE_MAX;
    return (s->filters + lanes - 1) / lanes * s->out_width * s->out_height;
}

static size_t channels_filter_count(const struct weft_conv_shape *s, size_t lanes)
{
    return round_up(s->filters, lanes);
}

static size_t channels_weight_count(const struct weft_conv_shape *s, size_t lanes)
{
    return channels_filter_count(s, lanes) * taps(s);
}

static void channels_pack(const struct weft_conv_shape *s, size_t lanes, float *packed, const float *weights)
{
    for (size_t k = 0, block; k < s->filters; k += block) {
        block = weft_conv_channels_block(s->filters - k, lanes);
        pack_blocks(s, block, k, packed + k * taps(s), weights);
    }
}

static void channels_run(const struct weft_conv *conv, float *out, const float *padded, const float *weights,
                         const float *bias, float *scratch)
{
    (void)scratch;
    conv->variant->conv_channels(&conv->shape, out, padded, weights, bias);
}

/* For shapes without a kernel of their own: out = weights (filters, taps) * columns (taps, pixels). */
static size_t gemm_cost(const struct weft_conv_shape *s, size_t lanes)
{
    return 2 * ((s->filters * s->out_width * s->out_height + lanes - 1) / lanes) + s->out_width * s->out_height;
}

static size_t gemm_scratch(const struct weft_conv_shape *s)
{
    return taps(s) * s->out_height * s->out_width;
}

static void gemm_pack(const struct weft_conv_shape *s, size_t lanes, float *packed, const float *weights)
{
    (void)lanes;
    memcpy(packed, weights, s->filters * taps(s) * sizeof *packed);
}

static void gemm_run(const struct weft_conv *conv, float *out, const float *padded, const float *weights,
                     const float *bias, float *columns)
{
    const struct weft_conv_shape *s = &conv->shape;
    size_t width = weft_conv_padded_width(s), height = weft_conv_padded_height(s);
    size_t pixels = s->out_height * s->out_width;
    float *column = columns;
    for (size_t c = 0; c < s->channels; c++)
        for (size_t ky = 0; ky < s->kernel_height; ky++)
            for (size_t kx = 0; kx < s->kernel_width; kx++) {
                const float *from = padded + (c * height + ky * s->dilation_y) * width + kx * s->dilation_x;
                for (size_t y = 0; y < s->out_height; y++)
                    for (size_t x = 0; x < s->out_width; x++)
                        *column++ = from[y * s->stride_y * width + x * s->stride_x];
            }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)s->filters, (blasint)pixels, (blasint)taps(s), 1.0f,
                weights, (blasint)taps(s), columns, (blasint)pixels, 0.0f, out, (blasint)pixels);
    for (size_t k = 0; k < s->filters; k++)
        conv->variant->scale(out + k * pixels, out + k * pixels, pixels, 1.0f, bias[k], s->low, s->high);
}

static size_t no_scratch(const struct weft_conv_shape *s)
{
    (void)s;
    return 0;
}

static const struct method methods[] = {
    {"rows", rows_cost, rows_weight_count, rows_filter_count, no_scratch, rows_pack, rows_run},
    {"channels", channels_cost, channels_weight_count, channels_filter_count, no_scratch, channels_pack, channels_run},
    {"gemm", gemm_cost, rows_weight_count, rows_filter_count, gemm_scratch, gemm_pack, gemm_run},
};

static const struct method *method_choose(const struct weft_conv_shape *s, size_t lanes, const char *name)
{
    const struct method *best = NULL;
    size_t best_cost = SIZE_MAX;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        size_t cost = methods[i].cost(s, lanes);
        if (cost < best_cost && (!name || strcmp(name, methods[i].name) == 0)) {
            best = &methods[i];
            best_cost = cost;
        }
    }
    return best;
}

static float *floats_new(size_t count)
{
    float *floats = aligned_alloc(ALIGNMENT, round_up(count * sizeof *floats, ALIGNMENT));
    if (floats)
        memset(floats, 0, count * sizeof *floats);
    return floats;
}

struct weft_conv *weft_conv_new(const struct weft_conv_shape *shape, const float *weights, const float *bias,
                                const struct weft_variant *variant, const char *method)
{
    struct weft_conv *conv = calloc(1, sizeof *conv);
    if (!conv)
        return NULL;
    conv->shape = *shape;
    conv->variant = variant;
    conv->method = method_choose(shape, variant->lanes, method);
    if (!conv->method)
        goto fail;
    conv->weight_count = conv->method->weight_count(shape, variant->lanes);
    conv->filter_count = conv->method->filter_count(shape, variant->lanes);
    conv->padded_count = shape->channels * weft_conv_padded_height(shape) * weft_conv_padded_width(shape);
    conv->weights = floats_new(shape->groups * conv->weight_count);
    conv->bias = floats_new(shape->groups * conv->filter_count);
    if (!conv->weights || !conv->bias)
        goto fail;
    for (size_t g = 0; g < shape->groups; g++) {
        conv->method->pack(shape, variant->lanes, conv->weights + g * conv->weight_count,
                           weights + g * shape->filters * taps(shape));
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

size_t weft_conv_scratch(const struct weft_conv *conv)
{
    return conv->padded_count + WEFT_LANES_MAX + conv->method->scratch(&conv->shape);
}

/* Copies the part of an image that the convolution looks at and puts zeros around it. */
static void pad(const struct weft_conv_shape *s, float *padded, const float *in)
{
    size_t height = weft_conv_padded_height(s), width = weft_conv_padded_width(s);
    size_t left = s->pad_left < width ? s->pad_left : width;
    size_t inside = width - left < s->width ? width - left : s->width;
    for (size_t c = 0; c < s->channels; c++) {
        for (size_t y = 0; y < height; y++, padded += width) {
            if (y < s->pad_top || y >= s->pad_top + s->height) {
                memset(padded, 0, width * sizeof *padded);
                continue;
            }
            for (size_t x = 0; x < left; x++)
                padded[x] = 0;
            memcpy(padded + left, in + (c * s->height + y - s->pad_top) * s->width, inside * sizeof *padded);
            for (size_t x = left + inside; x < width; x++)
                padded[x] = 0;
        }
    }
}

void weft_conv_run(const struct weft_conv *conv, float *out, const float *in, float *scratch)
{
    const struct weft_conv_shape *s = &conv->shape;
    /* Vectors may be read past the end; what is there must not be a number that traps or slows down. */
    memset(scratch + conv->padded_count, 0, WEFT_LANES_MAX * sizeof *scratch);
    for (size_t g = 0; g < s->groups; g++) {
        pad(s, scratch, in + g * s->channels * s->height * s->width);
        conv->method->run(conv, out + g * s->filters * s->out_height * s->out_width, scratch,
                          conv->weights + g * conv->weight_count, conv->bias + g * conv->filter_count,
                          scratch + conv->padded_count + WEFT_LANES_MAX);
    }
}
