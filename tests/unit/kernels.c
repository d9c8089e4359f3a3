/* Every kernel in every variant that this processor runs, against a loop that only follows the definition. Buffers have
 * exactly the size that a kernel may touch, so that the address sanitizer sees one step too far. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/kernels/conv.h"
#include "model/kernels/dense.h"
#include "model/kernels/pool.h"
#include "support/suite.h"

static uint32_t random_state = 12345;

static size_t pick(size_t low, size_t high)
{
    random_state = random_state * 1664525u + 1013904223u;
    return low + (random_state >> 8) % (high - low + 1);
}

static float *random_floats(size_t count)
{
    float *floats = malloc((count ? count : 1) * sizeof *floats);
    ck_assert_ptr_nonnull(floats);
    for (size_t i = 0; i < count; i++)
        floats[i] = (float)pick(0, 20000) / 10000.0f - 1;
    return floats;
}

/* Exactly count floats, aligned as tensors are. */
static float *aligned_floats(size_t count)
{
    void *floats = NULL;
    ck_assert_int_eq(posix_memalign(&floats, 64, (count ? count : 1) * sizeof(float)), 0);
    memset(floats, 0, count * sizeof(float));
    return floats;
}

static float limit(double value, float low, float high)
{
    return (float)fmin(fmax(value, low), high);
}

static void assert_close(const float *got, const float *expected, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(fabsf(got[i] - expected[i]) <= 1e-4f * (1 + fabsf(expected[i])), "%s: [%zu] is %g, expected %g",
                      what, i, (double)got[i], (double)expected[i]);
}

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

/* (n, channels, pixels) in the layout. What fills up pixels is not zero: no kernel may take it for an input. */
static float *laid_out(const float *planes, size_t n, size_t channels, size_t pixels, enum weft_layout layout,
                       size_t lanes)
{
    size_t filled = layout == WEFT_LAYOUT_PIXELS ? weft_layout_filled(channels, lanes) : channels;
    float *out = aligned_floats(n * pixels * filled);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < filled; c++)
            for (size_t p = 0; p < pixels; p++) {
                size_t to =
                    layout == WEFT_LAYOUT_PIXELS ? (i * pixels + p) * filled + c : (i * channels + c) * pixels + p;
                out[to] = c < channels ? planes[(i * channels + c) * pixels + p] : 3;
            }
    return out;
}

static float *from_layout(const float *laid, size_t n, size_t channels, size_t pixels, enum weft_layout layout,
                          size_t lanes)
{
    float *planes = aligned_floats(n * channels * pixels);
    if (layout == WEFT_LAYOUT_PIXELS)
        weft_layout_to_planes(planes, laid, n, channels, pixels, lanes);
    else
        memcpy(planes, laid, n * channels * pixels * sizeof *planes);
    return planes;
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

static void check_dense(const struct weft_variant *variant, size_t n, size_t inputs, size_t outputs, bool transposed)
{
    float *x = random_floats(n * inputs), *weights = random_floats(inputs * outputs), *bias = random_floats(outputs);
    float *out = random_floats(n * outputs), *expected = random_floats(n * outputs);
    struct weft_dense *dense = weft_dense_new(inputs, outputs, weights, transposed, bias, -1, 1.5f, variant);
    ck_assert_ptr_nonnull(dense);
    weft_dense_run(dense, out, x, n);
    for (size_t m = 0; m < n; m++)
        for (size_t k = 0; k < outputs; k++) {
            double sum = bias[k];
            for (size_t i = 0; i < inputs; i++)
                sum += x[m * inputs + i] * weights[transposed ? k * inputs + i : i * outputs + k];
            expected[m * outputs + k] = limit(sum, -1, 1.5f);
        }
    assert_close(out, expected, n * outputs, "dense");
    weft_dense_destroy(dense);
    free(x);
    free(weights);
    free(bias);
    free(out);
    free(expected);
}

START_TEST(a_dense_layer_equals_the_naive_loop)
{
    const struct weft_variant *variant;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++)
        for (int i = 0; i < 100; i++)
            check_dense(variant, pick(1, 20), pick(1, 90), pick(1, 90), pick(0, 1));
}
END_TEST

static float pool_at(const struct weft_pool_shape *s, const float *plane, size_t y, size_t x)
{
    double sum = 0, most = -INFINITY, count = 0;
    for (size_t ky = 0; ky < s->kernel_height; ky++)
        for (size_t kx = 0; kx < s->kernel_width; kx++) {
            size_t iy = y * s->stride_y + ky, ix = x * s->stride_x + kx;
            if (iy < s->pad_top || ix < s->pad_left || iy - s->pad_top >= s->height || ix - s->pad_left >= s->width)
                continue;
            double value = plane[(iy - s->pad_top) * s->width + ix - s->pad_left];
            sum += value;
            most = fmax(most, value);
            count++;
        }
    if (s->count_padded)
        count = (double)(s->kernel_height * s->kernel_width);
    return (float)(s->mean ? sum / count : most);
}

static void check_pool(const struct weft_variant *variant, const struct weft_pool_shape *s)
{
    size_t size = s->channels * s->out_height * s->out_width;
    float *in = random_floats(s->channels * s->height * s->width), *out = random_floats(size);
    float *expected = random_floats(size);
    for (size_t i = 0; i < size; i++)
        expected[i] = pool_at(s, in + i / (s->out_height * s->out_width) * s->height * s->width,
                              i / s->out_width % s->out_height, i % s->out_width);
    weft_pool_run(s, variant, out, in);
    assert_close(out, expected, size, "pool");
    struct weft_pool_shape of_pixels = *s;
    size_t in_pixels = s->height * s->width, pixels = s->out_height * s->out_width;
    of_pixels.layout = WEFT_LAYOUT_PIXELS;
    float *laid_in = laid_out(in, 1, s->channels, in_pixels, WEFT_LAYOUT_PIXELS, variant->lanes);
    float *laid = laid_out(out, 1, s->channels, pixels, WEFT_LAYOUT_PIXELS, variant->lanes);
    weft_pool_run(&of_pixels, variant, laid, laid_in);
    float *planes = from_layout(laid, 1, s->channels, pixels, WEFT_LAYOUT_PIXELS, variant->lanes);
    assert_close(planes, expected, size, "pool of pixels");
    free(laid_in);
    free(laid);
    free(planes);
    free(in);
    free(out);
    free(expected);
}

START_TEST(pools_of_any_window_equal_the_naive_loop)
{
    const struct weft_variant *variant;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++) {
        for (int i = 0; i < 100; i++) {
            struct weft_pool_shape s = {.mean = pick(0, 1),
                                        .count_padded = pick(0, 1),
                                        .channels = pick(1, 4),
                                        .height = pick(3, 20),
                                        .width = pick(3, 20),
                                        .kernel_height = pick(1, 3),
                                        .kernel_width = pick(1, 3),
                                        .stride_y = pick(1, 3),
                                        .stride_x = pick(1, 3)};
            s.pad_top = pick(0, s.kernel_height - 1);
            s.pad_left = pick(0, s.kernel_width - 1);
            s.out_height = (s.height + s.pad_top - s.kernel_height) / s.stride_y + 1;
            s.out_width = (s.width + s.pad_left - s.kernel_width) / s.stride_x + 1;
            check_pool(variant, &s);
        }
    }
}
END_TEST

START_TEST(the_pools_with_kernels_of_their_own_equal_the_naive_loop)
{
    const struct weft_variant *variant;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++) {
        for (int i = 0; i < 60; i++) {
            size_t height = pick(2, 40), width = pick(2, 40), channels = pick(1, 3);
            struct weft_pool_shape halving = {.channels = channels,
                                              .height = height,
                                              .width = width,
                                              .out_height = height / 2,
                                              .out_width = width / 2,
                                              .kernel_height = 2,
                                              .kernel_width = 2,
                                              .stride_y = 2,
                                              .stride_x = 2};
            struct weft_pool_shape whole = {.mean = true,
                                            .channels = channels,
                                            .height = height,
                                            .width = width,
                                            .out_height = 1,
                                            .out_width = 1,
                                            .kernel_height = height,
                                            .kernel_width = width,
                                            .stride_y = 1,
                                            .stride_x = 1};
            check_pool(variant, &halving);
            check_pool(variant, &whole);
        }
    }
}
END_TEST

START_TEST(what_is_done_element_by_element_equals_the_naive_loop)
{
    const struct weft_variant *variant;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++) {
        for (size_t n = 1; n < 70; n++) {
            float *a = random_floats(n), *b = random_floats(n), *out = random_floats(n), *expected = random_floats(n);
            uint8_t *bytes = malloc(n);
            for (size_t i = 0; i < n; i++) {
                bytes[i] = (uint8_t)pick(0, 255);
                expected[i] = (float)bytes[i] * 0.02f - 1.5f;
            }
            variant->from_bytes(out, bytes, n, 0.02f, -1.5f);
            assert_close(out, expected, n, "from_bytes");
            for (size_t i = 0; i < n; i++)
                expected[i] = limit((double)a[i] * 3 + 0.5, -1, 2);
            variant->scale(out, a, n, 3, 0.5f, -1, 2);
            assert_close(out, expected, n, "scale");
            for (size_t i = 0; i < n; i++)
                expected[i] = limit((double)a[i] + b[i], 0, 1);
            variant->add(a, a, b, n, 0, 1);
            assert_close(a, expected, n, "add in place");
            free(a);
            free(b);
            free(out);
            free(expected);
            free(bytes);
        }
    }
}
END_TEST

START_TEST(a_scale_by_channel_of_pixels_equals_the_naive_loop)
{
    const struct weft_variant *variant;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++) {
        for (size_t vectors = 1; vectors < 4; vectors++) {
            size_t channels = vectors * variant->lanes, pixels = pick(1, 9), n = channels * pixels;
            float *x = random_floats(n), *factors = random_floats(channels), *summands = random_floats(channels);
            float *expected = random_floats(n);
            for (size_t i = 0; i < n; i++)
                expected[i] = limit((double)x[i] * factors[i % channels] + summands[i % channels], -0.5f, 0.5f);
            variant->scale_pixels(x, x, pixels, channels, factors, summands, -0.5f, 0.5f);
            assert_close(x, expected, n, "scale_pixels");
            free(x);
            free(factors);
            free(summands);
            free(expected);
        }
    }
}
END_TEST

START_TEST(there_and_back_between_planes_and_pixels_changes_nothing)
{
    for (size_t lanes = 4; lanes <= WEFT_LANES_MAX; lanes *= 2) {
        size_t n = 2, channels = pick(1, 40), pixels = pick(2, 30), filled = weft_layout_filled(channels, lanes);
        float *planes = random_floats(n * channels * pixels), *back = random_floats(n * channels * pixels);
        float *in_pixels = random_floats(n * filled * pixels);
        weft_layout_to_pixels(in_pixels, planes, n, channels, pixels, lanes);
        ck_assert(in_pixels[(pixels + 1) * filled + channels - 1] == planes[(2 * channels - 1) * pixels + 1]);
        for (size_t i = 0; i < n * filled * pixels; i++)
            ck_assert(i % filled < channels || in_pixels[i] == 0);
        weft_layout_to_planes(back, in_pixels, n, channels, pixels, lanes);
        ck_assert_mem_eq(back, planes, n * channels * pixels * sizeof *planes);
        free(planes);
        free(back);
        free(in_pixels);
    }
}
END_TEST

START_TEST(variants_come_widest_first_and_end_with_the_plain_one)
{
    const struct weft_variant *variant, *last = NULL;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++) {
        ck_assert(!last || variant->lanes < last->lanes);
        last = variant;
    }
    ck_assert_ptr_nonnull(last);
    ck_assert_str_eq(last->name, "plain");
    ck_assert_ptr_eq(weft_variant_best(), weft_variant_at(0));
}
END_TEST

SUITE("kernels", TEST(convolution_along_rows_equals_the_naive_loop),
      TEST(convolution_across_filters_equals_the_naive_loop),
      TEST(convolution_from_planes_to_pixels_equals_the_naive_loop),
      TEST(direct_convolution_of_pixels_equals_the_naive_loop), TEST(convolution_by_winograd_equals_the_naive_loop),
      TEST(convolution_by_gemm_equals_the_naive_loop), TEST(the_chosen_convolution_equals_the_naive_loop),
      TEST(the_method_is_chosen_by_the_shape), TEST(a_dense_layer_equals_the_naive_loop),
      TEST(pools_of_any_window_equal_the_naive_loop), TEST(the_pools_with_kernels_of_their_own_equal_the_naive_loop),
      TEST(what_is_done_element_by_element_equals_the_naive_loop),
      TEST(a_scale_by_channel_of_pixels_equals_the_naive_loop),
      TEST(there_and_back_between_planes_and_pixels_changes_nothing),
      TEST(variants_come_widest_first_and_end_with_the_plain_one))
