/* Methods that read planes: along rows and by GEMM into planes, across filters into planes or pixels. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "model/kernels/conv_method.h"

static bool gives_planes(const struct weft_conv_shape *s)
{
    return s->in == WEFT_LAYOUT_PLANES && s->out == WEFT_LAYOUT_PLANES;
}

static size_t padded_count(const struct weft_conv_shape *s)
{
    return s->channels * weft_conv_padded_height(s) * weft_conv_padded_width(s);
}

/* The padded input of a group; vectors may be read past its end. */
static size_t padded_scratch(const struct weft_conv_shape *s, size_t lanes)
{
    (void)lanes;
    return padded_count(s) + WEFT_LANES_MAX;
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

/* Computes one group from its padded input; residual as for weft_conv_run. */
typedef void group_run(const struct weft_conv *conv, const struct weft_conv_shape *s, float *out, const float *padded,
                       const float *residual, const float *weights, const float *bias, float *scratch);

static void run_groups(const struct weft_conv *conv, float *out, const float *in, const float *residual, size_t n,
                       float *scratch, group_run *run)
{
    const struct weft_conv_shape *s = &conv->shape;
    size_t filters = s->out == WEFT_LAYOUT_PLANES ? s->filters : weft_layout_filled(s->filters, conv->variant->lanes);
    size_t padded = padded_count(s), size = filters * s->out_height * s->out_width;
    memset(scratch + padded, 0, WEFT_LANES_MAX * sizeof *scratch);
    for (size_t i = 0; i < n * s->groups; i++, in += s->channels * s->height * s->width, out += size) {
        size_t g = i % s->groups;
        pad(s, scratch, in);
        run(conv, s, out, scratch, residual ? residual + i * size : NULL, conv->weights + g * conv->weight_count,
            conv->bias + g * conv->filter_count, scratch + padded + WEFT_LANES_MAX);
    }
}

/* For kernels that know nothing of a residual: they must not clamp before it is added. */
static struct weft_conv_shape without_clamp(const struct weft_conv_shape *s, const float *residual)
{
    struct weft_conv_shape open = *s;
    open.low = residual ? -INFINITY : s->low;
    open.high = residual ? INFINITY : s->high;
    return open;
}

static void add_residual(const struct weft_conv *conv, float *out, const float *residual)
{
    const struct weft_conv_shape *s = &conv->shape;
    if (residual)
        conv->variant->add(out, out, residual, s->filters * s->out_height * s->out_width, s->low, s->high);
}

/* Packs [filter][tap] as [tap][filter in block]. */
static void pack_block(const struct weft_conv_shape *s, size_t block, size_t from, float *packed, const float *weights)
{
    size_t taps = weft_conv_taps(s);
    for (size_t k = 0; k < block && from + k < s->filters; k++)
        for (size_t t = 0; t < taps; t++)
            packed[t * block + k] = weights[(from + k) * taps + t];
}

static size_t rows_cost(const struct weft_conv_shape *s, size_t lanes)
{
    if (!gives_planes(s) || s->stride_x != 1 || s->stride_y != 1)
        return SIZE_MAX;
    return s->filters * ((s->out_width + lanes - 1) / lanes) * s->out_height * weft_conv_taps(s);
}

static size_t rows_weight_count(const struct weft_conv_shape *s, size_t lanes)
{
    (void)lanes;
    return s->filters * weft_conv_taps(s);
}

static size_t rows_filter_count(const struct weft_conv_shape *s, size_t lanes)
{
    (void)lanes;
    return s->filters;
}

static int rows_pack(const struct weft_conv_shape *s, const struct weft_variant *variant, float *packed,
                     const float *weights)
{
    (void)variant;
    for (size_t k = 0, block; k < s->filters; k += block) {
        block = weft_conv_rows_block(s->filters - k);
        pack_block(s, block, k, packed + k * weft_conv_taps(s), weights);
    }
    return 0;
}

static void rows_group(const struct weft_conv *conv, const struct weft_conv_shape *s, float *out, const float *padded,
                       const float *residual, const float *weights, const float *bias, float *scratch)
{
    struct weft_conv_shape open = without_clamp(s, residual);
    (void)scratch;
    conv->variant->conv_rows(&open, out, padded, weights, bias);
    add_residual(conv, out, residual);
}

static void rows_run(const struct weft_conv *conv, float *out, const float *in, const float *residual, size_t n,
                     float *scratch)
{
    run_groups(conv, out, in, residual, n, scratch, rows_group);
}

static size_t channels_cost(const struct weft_conv_shape *s, size_t lanes)
{
    if (s->in != WEFT_LAYOUT_PLANES || s->stride_x > 2 || (s->out == WEFT_LAYOUT_PIXELS && s->groups > 1))
        return SIZE_MAX;
    return (s->filters + lanes - 1) / lanes * s->out_width * s->out_height * weft_conv_taps(s);
}

static size_t channels_filter_count(const struct weft_conv_shape *s, size_t lanes)
{
    return weft_layout_filled(s->filters, lanes);
}

static size_t channels_weight_count(const struct weft_conv_shape *s, size_t lanes)
{
    return channels_filter_count(s, lanes) * weft_conv_taps(s);
}

static int channels_pack(const struct weft_conv_shape *s, const struct weft_variant *variant, float *packed,
                         const float *weights)
{
    for (size_t k = 0, block; k < s->filters; k += block) {
        block = weft_conv_channels_block(s->filters - k, variant->lanes);
        pack_block(s, block, k, packed + k * weft_conv_taps(s), weights);
    }
    return 0;
}

static void channels_group(const struct weft_conv *conv, const struct weft_conv_shape *s, float *out,
                           const float *padded, const float *residual, const float *weights, const float *bias,
                           float *scratch)
{
    (void)scratch;
    if (s->out == WEFT_LAYOUT_PIXELS) {
        conv->variant->conv_channels(s, out, padded, weights, bias, residual);
        return;
    }
    struct weft_conv_shape open = without_clamp(s, residual);
    conv->variant->conv_channels(&open, out, padded, weights, bias, NULL);
    add_residual(conv, out, residual);
}

static void channels_run(const struct weft_conv *conv, float *out, const float *in, const float *residual, size_t n,
                         float *scratch)
{
    run_groups(conv, out, in, residual, n, scratch, channels_group);
}

/* For shapes without a kernel of their own: out = weights (filters, taps) * columns (taps, pixels). */
static size_t gemm_cost(const struct weft_conv_shape *s, size_t lanes)
{
    size_t pixels = s->out_width * s->out_height;
    if (!gives_planes(s))
        return SIZE_MAX;
    return (2 * ((s->filters * pixels + lanes - 1) / lanes) + pixels) * weft_conv_taps(s);
}

static size_t gemm_scratch(const struct weft_conv_shape *s, size_t lanes)
{
    return padded_scratch(s, lanes) + weft_conv_taps(s) * s->out_height * s->out_width;
}

static int gemm_pack(const struct weft_conv_shape *s, const struct weft_variant *variant, float *packed,
                     const float *weights)
{
    (void)variant;
    memcpy(packed, weights, s->filters * weft_conv_taps(s) * sizeof *packed);
    return 0;
}

static void gemm_group(const struct weft_conv *conv, const struct weft_conv_shape *s, float *out, const float *padded,
                       const float *residual, const float *weights, const float *bias, float *columns)
{
    size_t width = weft_conv_padded_width(s), height = weft_conv_padded_height(s);
    size_t pixels = s->out_height * s->out_width, taps = weft_conv_taps(s);
    struct weft_conv_shape open = without_clamp(s, residual);
    float *column = columns;
    for (size_t c = 0; c < s->channels; c++)
        for (size_t ky = 0; ky < s->kernel_height; ky++)
            for (size_t kx = 0; kx < s->kernel_width; kx++) {
                const float *from = padded + (c * height + ky * s->dilation_y) * width + kx * s->dilation_x;
                for (size_t y = 0; y < s->out_height; y++)
                    for (size_t x = 0; x < s->out_width; x++)
                        *column++ = from[y * s->stride_y * width + x * s->stride_x];
            }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)s->filters, (blasint)pixels, (blasint)taps, 1.0f,
                weights, (blasint)taps, columns, (blasint)pixels, 0.0f, out, (blasint)pixels);
    for (size_t k = 0; k < s->filters; k++)
        conv->variant->scale(out + k * pixels, out + k * pixels, pixels, 1.0f, bias[k], open.low, open.high);
    add_residual(conv, out, residual);
}

static void gemm_run(const struct weft_conv *conv, float *out, const float *in, const float *residual, size_t n,
                     float *scratch)
{
    run_groups(conv, out, in, residual, n, scratch, gemm_group);
}

const struct weft_conv_method weft_conv_rows = {
    "rows", rows_cost, rows_weight_count, rows_filter_count, padded_scratch, rows_pack, rows_run,
};

const struct weft_conv_method weft_conv_channels = {
    "channels",     channels_cost, channels_weight_count, channels_filter_count,
    padded_scratch, channels_pack, channels_run,
};

const struct weft_conv_method weft_conv_gemm = {
    "gemm", gemm_cost, rows_weight_count, rows_filter_count, gemm_scratch, gemm_pack, gemm_run,
};
