/* Every kernel in every variant that this processor runs, against a loop that only follows the definition. Buffers have
 * exactly the size that a kernel may touch, so that the address sanitizer sees one step too far. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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

static float *conv_naive(const struct weft_conv_shape *s, const float *in, const float *weights, const float *bias)
{
    float *out = random_floats(s->groups * s->filters * s->out_height * s->out_width), *next = out;
    for (size_t g = 0; g < s->groups; g++)
        for (size_t k = 0; k < s->filters; k++)
            for (size_t y = 0; y < s->out_height; y++)
                for (size_t x = 0; x < s->out_width; x++)
                    *next++ = limit(conv_at(s, in, weights, g, k, y, x) + bias[g * s->filters + k], s->low, s->high);
    return out;
}

/* False when the method does not do the shape. */
static bool conv_agrees(const struct weft_conv_shape *s, const struct weft_variant *variant, const char *method)
{
    size_t filters = s->groups * s->filters, size = filters * s->out_height * s->out_width;
    float *in = random_floats(s->groups * s->channels * s->height * s->width);
    float *weights = random_floats(filters * s->channels * s->kernel_height * s->kernel_width);
    float *bias = random_floats(filters), *out = random_floats(size);
    struct weft_conv *conv = weft_conv_new(s, weights, bias, variant, method);
    if (conv) {
        float *expected = conv_naive(s, in, weights, bias), *scratch = random_floats(weft_conv_scratch(conv));
        char what[200];
        snprintf(what, sizeof what, "%s %s, %zu x %zu -> %zu, %zux%zu, kernel %zux%zu, stride %zu,%zu", variant->name,
                 weft_conv_method(conv), s->groups, s->channels, s->filters, s->height, s->width, s->kernel_height,
                 s->kernel_width, s->stride_y, s->stride_x);
        weft_conv_run(conv, out, in, scratch);
        assert_close(out, expected, size, what);
        free(expected);
        free(scratch);
    }
    weft_conv_destroy(conv);
    free(in);
    free(weights);
    free(bias);
    free(out);
    return conv != NULL;
}

static struct weft_conv_shape random_conv(size_t stride_max)
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
                                .high = pick(0, 1) ? 2.5f : INFINITY};
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

static void check_method(const char *method, size_t stride_max)
{
    const struct weft_variant *variant;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++) {
        size_t compared = 0;
        for (int i = 0; i < 60; i++) {
            struct weft_conv_shape shape = random_conv(stride_max);
            compared += conv_agrees(&shape, variant, method);
        }
        ck_assert_uint_ge(compared, 50);
    }
}

START_TEST(convolution_along_rows_equals_the_naive_loop)
{
    check_method("rows", 1);
}
END_TEST

START_TEST(convolution_across_filters_equals_the_naive_loop)
{
    check_method("channels", 2);
}
END_TEST

START_TEST(convolution_by_gemm_equals_the_naive_loop)
{
    check_method("gemm", 4);
}
END_TEST

START_TEST(the_chosen_convolution_equals_the_naive_loop)
{
    check_method(NULL, 4);
}
END_TEST

static const char *chosen(struct weft_conv_shape shape, const struct weft_variant *variant)
{
    static float weights[16 * 16 * 9], bias[16];
    shape.groups = shape.dilation_y = shape.dilation_x = 1;
    shape.high = INFINITY;
    struct weft_conv *conv = weft_conv_new(&shape, weights, bias, variant, NULL);
    ck_assert_ptr_nonnull(conv);
    const char *method = weft_conv_method(conv);
    weft_conv_destroy(conv);
    return method;
}

START_TEST(the_method_is_chosen_by_the_shape)
{
    const struct weft_variant *variant;
    for (size_t v = 0; (variant = weft_variant_at(v)); v++) {
        struct weft_conv_shape narrow = {.channels = 1,
                                         .height = 32,
                                         .width = 32,
                                         .filters = 1,
                                         .out_height = 30,
                                         .out_width = 30,
                                         .kernel_height = 3,
                                         .kernel_width = 3,
                                         .stride_y = 1,
                                         .stride_x = 1};
        struct weft_conv_shape wide = {.channels = 16,
                                       .height = 9,
                                       .width = 9,
                                       .filters = 16,
                                       .out_height = 7,
                                       .out_width = 7,
                                       .kernel_height = 3,
                                       .kernel_width = 3,
                                       .stride_y = 1,
                                       .stride_x = 1};
        struct weft_conv_shape leaping = {.channels = 4,
                                          .height = 9,
                                          .width = 9,
                                          .filters = 4,
                                          .out_height = 3,
                                          .out_width = 3,
                                          .kernel_height = 3,
                                          .kernel_width = 3,
                                          .stride_y = 3,
                                          .stride_x = 3};
        ck_assert_str_eq(chosen(narrow, variant), "rows");
        ck_assert_str_eq(chosen(wide, variant), "channels");
        ck_assert_str_eq(chosen(leaping, variant), "gemm");
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
      TEST(convolution_across_filters_equals_the_naive_loop), TEST(convolution_by_gemm_equals_the_naive_loop),
      TEST(the_chosen_convolution_equals_the_naive_loop), TEST(the_method_is_chosen_by_the_shape),
      TEST(a_dense_layer_equals_the_naive_loop), TEST(pools_of_any_window_equal_the_naive_loop),
      TEST(the_pools_with_kernels_of_their_own_equal_the_naive_loop),
      TEST(what_is_done_element_by_element_equals_the_naive_loop),
      TEST(variants_come_widest_first_and_end_with_the_plain_one))
