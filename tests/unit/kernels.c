/* Every kernel but the convolutions, in every variant that this processor runs, against a loop that only follows the
 * definition. Buffers have exactly the size that a kernel may touch, so that the address sanitizer sees one step too
 * far. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/kernels/dense.h"
#include "model/kernels/layout.h"
#include "model/kernels/pool.h"
#include "model/kernels/variant.h"
#include "support/floats.h"
#include "support/suite.h"

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

SUITE("kernels", TEST(a_dense_layer_equals_the_naive_loop), TEST(pools_of_any_window_equal_the_naive_loop),
      TEST(the_pools_with_kernels_of_their_own_equal_the_naive_loop),
      TEST(what_is_done_element_by_element_equals_the_naive_loop),
      TEST(a_scale_by_channel_of_pixels_equals_the_naive_loop),
      TEST(there_and_back_between_planes_and_pixels_changes_nothing),
      TEST(variants_come_widest_first_and_end_with_the_plain_one))
