/* Every way to compute a convolution, in every variant that this processor runs, against a loop that only follows
 * the definition. Buffers have exactly the size that a kernel may touch, so that the address sanitizer sees one step
 * too far. */
#include "model/kernels/conv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/kernels/conv_method.h"
#include "support/floats.h"
#include "support/suite.h"

static double conv_at(const struct weft_conv_shape *s, const float *in, const float *weights, size_t g, size_t k,
                      size_t y, size_t x)
{
    double sum = 0;
    for (size_t c = 0; c < s->channels; c++)
        for (size_t ky = 0; ky < s->kernel_height; ky++)
            for (size_t kx = 0; kx < s->kernel_width; kx++) {
                size_t iy = y * s->stride_y + ky * s->dilation_y, ix = x * s->stride_x + kx * s->dilation_x;
                if (iy < s->pad_top || ix < s->pad_left || iy - s->pad_top >= s->height || ix - s->pad_left >= s->width)
                    continue;
                float w =
                    weights[(((g * s->filters + k) * s->channels + c) * s->kernel_height + ky) * s->kernel_width + kx];
                sum += w * in[((g * s->channels + c) * s->height + iy - s->pad_top) * s->width + ix - s->pad_left];
            }
    return sum;
}

/* Before clamping. */
static float *conv_naive(const struct weft_conv_shape *s, const float *in, const float *weights, const float *bias)
{
    float *out = random_floats(s->groups * s->filters * s->out_height * s->out_width), *next = out;
    for (size_t g = 0; g < s->groups; g++)
        for (size_t k = 0; k < s->filters; k++)
            for (size_t y = 0; y < s->out_height; y++)
                for (size_t x = 0; x < s->out_width; x++)
                    *next++ = (float)(conv_at(s, in, weights, g, k, y, x) + bias[g * s->filters + k]);
    return out;
}

/* n images of a convolution by the method, with a residual if has_residual, against the naive loop. */
static void compare_conv(const struct weft_conv *conv, const struct weft_conv_shape *s, size_t lanes, size_t n,
                         const float *weights, const float *bias, bool has_residual, const char *what)
{
    size_t filters = s->groups * s->filters, channels = s->groups * s->channels;
    size_t in_pixels = s->height * s->width, pixels = s->out_height * s->out_width, size = filters * pixels;
    float *in = random_floats(n * channels * in_pixels), *residual = random_floats(n * size);
    float *expected = random_floats(n * size), *scratch = aligned_floats(weft_conv_scratch(conv));
    float *laid_in = laid_out(in, n, channels, in_pixels, s->in, lanes);
    float *laid_residual = laid_out(residual, n, filters, pixels, s->out, lanes);
    float *laid = laid_out(expected, n, filters, pixels, s->out, lanes);
    weft_conv_run(conv, laid, laid_in, has_residual ? laid_residual : NULL, n, scratch);
    float *got = from_layout(laid, n, filters, pixels, s->out, lanes);
    for (size_t i = 0; i < n; i++) {
        float *one = conv_naive(s, in + i * channels * in_pixels, weights, bias);
        for (size_t k = 0; k < size; k++)
            expected[i * size + k] =
                limit(one[k] + (has_residual ? (double)residual[i * size + k] : 0), s->low, s->high);
        free(one);
    }
    assert_close(got, expected, n * size, what);
    free(in);
    free(residual);
    free(expected);
    free(scratch);
    free(laid_in);
    free(laid_residual);
    free(laid);
    free(got);
}

/* False when the method does not do the shape. */
static bool conv_agrees(const struct weft_conv_shape *s, const struct weft_variant *variant, const char *method)
{
    size_t filters = s->groups * s->filters;
    size_t taps = s->channels * s->kernel_height * s->kernel_width;
    float *weights = random_floats(filters * taps), *bias = random_floats(filters);
    for (size_t i = 0; i < filters * taps; i++)
        weights[i] /= sqrtf((float)taps); /* outputs are about as large as inputs, as in a trained network */
    struct weft_conv *conv = weft_conv_new(s, weights, bias, variant, method);
    if (conv) {
        char what[200];
        snprintf(what, sizeof what, "%s %s, %zu x %zu -> %zu, %zux%zu, kernel %zux%zu, stride %zu,%zu", variant->name,
                 weft_conv_method(conv), s->groups, s->channels, s->filters, s->height, s->width, s->kernel_height,
                 s->kernel_width, s->stride_y, s->stride_x);
        compare_conv(conv, s, variant->lanes, pick(1, 3), weights, bias, pick(0, 1), what);
    }
    weft_conv_destroy(conv);
    free(weights);
    free(bias);
    return conv != NULL;
}

static struct weft_conv_shape random_conv(size_t stride_max, enum weft_layout in, enum weft_layout out)
{
    struct weft_conv_shape s = {.groups = pick(0, 3) ? 1 : pick(2, 4),
                                .channels = pick(1, 5),
                                .height = pick(1, 40),
                                .width = pick(1, 40),
                                .filters = pick(0, 4) ? pick(1, 20) : pick(30, 70),
                                .kernel_height = pick(1, 5),
                                .kernel_width = pick(1, 5),
                                .stride_y = pick(1, stride_max),
                                .stride_x = pick(1, stride_max),
                                .dilation_y = pick(0, 3) ? 1 : 2,
                                .dilation_x = pick(0, 3) ? 1 : 2,
                                .low = pick(0, 1) ? 0 : -INFINITY,
                                .high = pick(0, 1) ? 2.5f : INFINITY,
                                .in = in,
                                .out = out};
    if (out == WEFT_LAYOUT_PIXELS)
        s.groups = 1;
    if (in == WEFT_LAYOUT_PIXELS && pick(0, 2) == 0)
        s.channels = pick(6, 40);
    size_t reach_y = (s.kernel_height - 1) * s.dilation_y + 1, reach_x = (s.kernel_width - 1) * s.dilation_x + 1;
    s.pad_top = pick(0, reach_y - 1);
    s.pad_left = pick(0, reach_x - 1);
    size_t height = s.height + s.pad_top + pick(0, reach_y - 1), width = s.width + s.pad_left + pick(0, reach_x - 1);
    height = height < reach_y ? reach_y : height;
    width = width < reach_x ? reach_x : width;
    s.out_height = (height - reach_y) / s.stride_y + 1;
    s.out_width = (width - reach_x) / s.stride_x + 1;
    return s;
}

static void check_method(const char *method, size_t stride_max, enum weft_layout in, enum weft_layout out)
{
    const struct weft_variant *variant;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++) {
        size_t compared = 0;
        for (int i = 0; i < 60; i++) {
            struct weft_conv_shape shape = random_conv(stride_max, in, out);
            compared += conv_agrees(&shape, variant, method);
        }
        ck_assert_uint_ge(compared, 50);
    }
}

START_TEST(convolution_along_rows_equals_the_naive_loop)
{
    check_method("rows", 1, WEFT_LAYOUT_PLANES, WEFT_LAYOUT_PLANES);
}
END_TEST

START_TEST(convolution_across_filters_equals_the_naive_loop)
{
    check_method("channels", 2, WEFT_LAYOUT_PLANES, WEFT_LAYOUT_PLANES);
}
END_TEST

START_TEST(convolution_from_planes_to_pixels_equals_the_naive_loop)
{
    check_method("channels", 2, WEFT_LAYOUT_PLANES, WEFT_LAYOUT_PIXELS);
}
END_TEST

START_TEST(direct_convolution_of_pixels_equals_the_naive_loop)
{
    check_method("direct", 4, WEFT_LAYOUT_PIXELS, WEFT_LAYOUT_PIXELS);
}
END_TEST

/* Also with paddings and sizes that no tile divides. */
START_TEST(convolution_by_winograd_equals_the_naive_loop)
{
    const struct weft_variant *variant;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++) {
        for (int i = 0; i < 40; i++) {
            struct weft_conv_shape s = random_conv(1, WEFT_LAYOUT_PIXELS, WEFT_LAYOUT_PIXELS);
            s.channels = pick(1, 40);
            s.kernel_height = s.kernel_width = 3;
            s.dilation_y = s.dilation_x = 1;
            s.height += 2;
            s.width += 2;
            s.pad_top = pick(0, 2);
            s.pad_left = pick(0, 2);
            s.out_height = s.height + s.pad_top + pick(0, 2) - 2;
            s.out_width = s.width + s.pad_left + pick(0, 2) - 2;
            ck_assert(conv_agrees(&s, variant, "winograd"));
        }
    }
}
END_TEST

START_TEST(convolution_by_gemm_equals_the_naive_loop)
{
    check_method("gemm", 4, WEFT_LAYOUT_PLANES, WEFT_LAYOUT_PLANES);
}
END_TEST

START_TEST(the_chosen_convolution_equals_the_naive_loop)
{
    check_method(NULL, 4, WEFT_LAYOUT_PLANES, WEFT_LAYOUT_PLANES);
    check_method(NULL, 2, WEFT_LAYOUT_PLANES, WEFT_LAYOUT_PIXELS);
    check_method(NULL, 4, WEFT_LAYOUT_PIXELS, WEFT_LAYOUT_PIXELS);
}
END_TEST

/* The limit on what a file may make weft allocate stands on it. */
START_TEST(packed_weights_take_no_more_than_is_said)
{
    const struct weft_variant *variant;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++)
        for (int i = 0; i < 400; i++) {
            struct weft_conv_shape s = random_conv(2, i % 2 ? WEFT_LAYOUT_PIXELS : WEFT_LAYOUT_PLANES,
                                                   i % 4 < 2 ? WEFT_LAYOUT_PIXELS : WEFT_LAYOUT_PLANES);
            if (s.groups == 1)
                s.channels = pick(1, 70);
            if (i % 3) {
                s.kernel_height = s.kernel_width = 3;
                s.stride_y = s.stride_x = s.dilation_y = s.dilation_x = 1;
                s.out_height = s.out_width = pick(0, 1) ? 12 : pick(1, 13); /* 12: large tiles */
                s.height = s.out_height + 2;
                s.width = s.out_width + 2;
                s.filters = pick(1, 70);
            }
            float *weights = random_floats(s.groups * s.filters * weft_conv_taps(&s));
            float *bias = random_floats(s.groups * s.filters);
            struct weft_conv *conv = weft_conv_new(&s, weights, bias, variant, NULL);
            if (conv) {
                const size_t most = (s.filters + WEFT_LANES_MAX) * weft_conv_filter_weights_max(&s);
                ck_assert_msg(conv->weight_count <= most, "%s %s, %zu -> %zu channels: %zu instead of %zu",
                              variant->name, weft_conv_method(conv), s.channels, s.filters, conv->weight_count, most);
            }
            weft_conv_destroy(conv);
            free(weights);
            free(bias);
        }
}
END_TEST

/* The method that is chosen for a kernel of 3x3 in these layouts. */
static const char *chosen(const struct weft_variant *variant, size_t channels, size_t side, size_t stride,
                          enum weft_layout in, enum weft_layout out)
{
    static float weights[64 * 64 * 9], bias[64];
    struct weft_conv_shape shape = {.groups = 1,
                                    .channels = channels,
                                    .height = side,
                                    .width = side,
                                    .filters = channels,
                                    .out_height = (side - 1) / stride + 1,
                                    .out_width = (side - 1) / stride + 1,
                                    .kernel_height = 3,
                                    .kernel_width = 3,
                                    .stride_y = stride,
                                    .stride_x = stride,
                                    .dilation_y = 1,
                                    .dilation_x = 1,
                                    .pad_top = 1,
                                    .pad_left = 1,
                                    .high = INFINITY,
                                    .in = in,
                                    .out = out};
    struct weft_conv *conv = weft_conv_new(&shape, weights, bias, variant, NULL);
    ck_assert_ptr_nonnull(conv);
    const char *method = weft_conv_method(conv);
    weft_conv_destroy(conv);
    return method;
}

START_TEST(the_method_is_chosen_by_the_shape)
{
    const enum weft_layout planes = WEFT_LAYOUT_PLANES, pixels = WEFT_LAYOUT_PIXELS;
    const struct weft_variant *variant;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++) {
        ck_assert_str_eq(chosen(variant, 1, 32, 1, planes, planes), "rows");
        ck_assert_str_eq(chosen(variant, 16, 7, 1, planes, planes), "channels");
        ck_assert_str_eq(chosen(variant, 4, 9, 3, planes, planes), "gemm");
        ck_assert_str_eq(chosen(variant, 16, 28, 1, planes, pixels), "channels");
        ck_assert_str_eq(chosen(variant, 64, 8, 1, pixels, pixels), "winograd");
        ck_assert_str_eq(chosen(variant, 64, 8, 2, pixels, pixels), "direct");
    }
}
END_TEST

SUITE("conv", TEST(convolution_along_rows_equals_the_naive_loop),
      TEST(convolution_across_filters_equals_the_naive_loop),
      TEST(convolution_from_planes_to_pixels_equals_the_naive_loop),
      TEST(direct_convolution_of_pixels_equals_the_naive_loop), TEST(convolution_by_winograd_equals_the_naive_loop),
      TEST(convolution_by_gemm_equals_the_naive_loop), TEST(the_chosen_convolution_equals_the_naive_loop),
      TEST(the_method_is_chosen_by_the_shape), TEST(packed_weights_take_no_more_than_is_said))
