#include "model/kernels/train_vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/kernels/variant.h"
#include "model/train/random.h"
#include "support/suite.h"

enum { ROWS_MAX = 150, CHANNELS_MAX = 40, FLOATS = ROWS_MAX * CHANNELS_MAX };

/* Around whole vectors of each variant, and around the rows that are summed at a time. */
static const size_t channel_counts[] = {1, 3, 4, 7, 8, 15, 16, 17, 24, 40};
static const size_t row_counts[] = {1, 3, 63, 64, 65, 150};

struct fixture {
    const struct weft_variant *variant;
    size_t rows, channels;
    float x[FLOATS], dy[FLOATS], other[FLOATS]; /* random; all beyond rows * channels is NAN */
    float scale[CHANNELS_MAX], shift[CHANNELS_MAX], mean[CHANNELS_MAX], factor[CHANNELS_MAX];
};

static void fill(float *values, size_t count, size_t size, struct weft_random *random)
{
    for (size_t i = 0; i < size; i++)
        values[i] = i < count ? weft_random_between(random, -1, 1) : NAN;
}

/* Calls check with every variant, and all counts of rows and channels. */
static void with_all(void (*check)(const struct fixture *f))
{
    struct weft_random random = weft_random_of(2, 0);
    static struct fixture f;
    for (size_t v = 0; (f.variant = weft_variant_at(v)); v++)
        for (size_t c = 0; c < sizeof channel_counts / sizeof *channel_counts; c++)
            for (size_t r = 0; r < sizeof row_counts / sizeof *row_counts; r++) {
                f.rows = row_counts[r];
                f.channels = channel_counts[c];
                fill(f.x, f.rows * f.channels, FLOATS, &random);
                fill(f.dy, f.rows * f.channels, FLOATS, &random);
                fill(f.other, f.rows * f.channels, FLOATS, &random);
                fill(f.scale, f.channels, CHANNELS_MAX, &random);
                fill(f.shift, f.channels, CHANNELS_MAX, &random);
                fill(f.mean, f.channels, CHANNELS_MAX, &random);
                fill(f.factor, f.channels, CHANNELS_MAX, &random);
                check(&f);
            }
}

static void assert_near(const struct fixture *f, size_t at, double expected, double found)
{
    if (!(fabs(expected - found) <= 1e-5 * (1 + fabs(expected)))) /* an assertion of each would take its time */
        ck_abort_msg("%s, %zu rows of %zu channels, at %zu: %g expected, %g found", f->variant->name, f->rows,
                     f->channels, at, expected, found);
}

/* Nothing is written behind the tensor. */
static void assert_untouched(const float *values, size_t count)
{
    for (size_t i = count; i < FLOATS; i++)
        if (values[i] != 7)
            ck_abort_msg("%g is written %zu floats behind the tensor", (double)values[i], i - count);
}

static void start_at_seven(float *values)
{
    for (size_t i = 0; i < FLOATS; i++)
        values[i] = 7;
}

static double scaled(const struct fixture *f, size_t i)
{
    return (double)f->x[i] * (double)f->scale[i % f->channels] + (double)f->shift[i % f->channels];
}

static void check_moments(const struct fixture *f)
{
    double sum[CHANNELS_MAX], squares[CHANNELS_MAX], expected_sum[CHANNELS_MAX], expected_squares[CHANNELS_MAX];
    for (size_t c = 0; c < CHANNELS_MAX; c++) /* added to what is there */
        sum[c] = squares[c] = expected_sum[c] = expected_squares[c] = (double)c;
    f->variant->column_moments(sum, squares, f->x, f->mean, f->rows, f->channels);
    for (size_t i = 0; i < f->rows * f->channels; i++) {
        const double difference = (double)f->x[i] - (double)f->mean[i % f->channels];
        expected_sum[i % f->channels] += difference;
        expected_squares[i % f->channels] += difference * difference;
    }
    for (size_t c = 0; c < CHANNELS_MAX; c++) {
        assert_near(f, c, expected_sum[c], sum[c]);
        assert_near(f, c, expected_squares[c], squares[c]);
    }
}

START_TEST(moments_equal_naive_sums)
{
    with_all(check_moments);
}
END_TEST

static void check_scale(const struct fixture *f)
{
    static float y[FLOATS];
    const size_t count = f->rows * f->channels;
    for (int k = 0; k < 4; k++) {
        const bool relu = k & 1;
        const float *residual = k & 2 ? f->other : NULL;
        const struct weft_column_scale scale = {f->scale, f->shift, relu};
        start_at_seven(y);
        f->variant->column_scale(y, f->x, residual, &scale, f->rows, f->channels);
        assert_untouched(y, count);
        for (size_t i = 0; i < count; i++) {
            const double expected = scaled(f, i) + (residual ? (double)residual[i] : 0);
            assert_near(f, i, relu ? fmax(expected, 0) : expected, (double)y[i]);
        }
    }
}

START_TEST(scale_equals_naive_loops)
{
    with_all(check_scale);
}
END_TEST

static struct weft_column_gradient gradient_of(const struct fixture *f, bool relu, bool adds)
{
    return (struct weft_column_gradient){{f->scale, f->shift, relu}, f->mean, f->factor, f->scale, f->shift, adds};
}

/* What comes through the ReLU. The fixture leaves no sum so close to zero that its rounding could decide. */
static double passed(const struct fixture *f, size_t i, bool relu)
{
    if (fabs(scaled(f, i)) < 1e-7)
        ck_abort_msg("%g is too close to zero", scaled(f, i));
    return !relu || scaled(f, i) > 0 ? (double)f->dy[i] : 0;
}

static void check_gradient_sums(const struct fixture *f)
{
    for (int relu = 0; relu <= 1; relu++) {
        double sum[CHANNELS_MAX] = {0}, products[CHANNELS_MAX] = {0};
        double expected_sum[CHANNELS_MAX] = {0}, expected_products[CHANNELS_MAX] = {0};
        const struct weft_column_gradient gradient = gradient_of(f, relu, false);
        f->variant->column_gradient_sums(sum, products, f->dy, f->x, &gradient, f->rows, f->channels);
        for (size_t i = 0; i < f->rows * f->channels; i++) {
            expected_sum[i % f->channels] += passed(f, i, relu);
            expected_products[i % f->channels] +=
                passed(f, i, relu) * ((double)f->x[i] - (double)f->mean[i % f->channels]);
        }
        for (size_t c = 0; c < CHANNELS_MAX; c++) {
            assert_near(f, c, expected_sum[c], sum[c]);
            assert_near(f, c, expected_products[c], products[c]);
        }
    }
}

START_TEST(sums_of_gradients_equal_naive_sums)
{
    with_all(check_gradient_sums);
}
END_TEST

static void check_gradient(const struct fixture *f)
{
    static float dx[FLOATS], in_place[FLOATS];
    const size_t count = f->rows * f->channels;
    for (int k = 0; k < 4; k++) {
        const bool relu = k & 1, adds = k & 2;
        const struct weft_column_gradient gradient = gradient_of(f, relu, adds);
        start_at_seven(dx);
        memcpy(in_place, f->dy, sizeof in_place);
        f->variant->column_gradient(dx, f->dy, f->x, &gradient, f->rows, f->channels);
        assert_untouched(dx, count);
        if (!adds)
            f->variant->column_gradient(in_place, in_place, f->x, &gradient, f->rows, f->channels);
        for (size_t i = 0; i < count; i++) {
            const size_t c = i % f->channels;
            const double expected = passed(f, i, relu) * (double)f->factor[c] +
                                    ((double)f->x[i] - (double)f->mean[c]) * (double)f->scale[c] + (double)f->shift[c];
            assert_near(f, i, adds ? expected + 7 : expected, (double)dx[i]);
            if (!adds)
                assert_near(f, i, expected, (double)in_place[i]);
        }
    }
}

START_TEST(gradients_equal_naive_loops_in_place_too)
{
    with_all(check_gradient);
}
END_TEST

static void check_relu_gradient(const struct fixture *f)
{
    static float dx[FLOATS];
    const size_t count = f->rows * f->channels;
    for (int adds = 0; adds <= 1; adds++) {
        start_at_seven(dx);
        f->variant->relu_gradient(dx, f->dy, f->x, count, adds);
        assert_untouched(dx, count);
        for (size_t i = 0; i < count; i++)
            assert_near(f, i, (double)(f->x[i] > 0 ? f->dy[i] : 0) + (adds ? 7 : 0), (double)dx[i]);
    }
}

START_TEST(gradients_of_relu_equal_naive_loops)
{
    with_all(check_relu_gradient);
}
END_TEST

/* Windows of all sizes that fit into an image of rows pixels, 5 to a line; beside each other as many as fit. */
static void check_pools(const struct fixture *f)
{
    enum { WIDTH = 5, MOST = WIDTH * CHANNELS_MAX, ADDED = 0, PUT, OF_SUM, GRADIENTS };
    static float y[2][MOST], dx[GRADIENTS][FLOATS], expected[GRADIENTS][FLOATS];
    const size_t channels = f->channels;
    for (size_t rows = 1; rows * WIDTH <= f->rows && rows <= 3; rows++)
        for (size_t columns = 1; columns <= WIDTH; columns++) {
            const struct weft_pool_windows windows = {rows,     columns,         WIDTH * channels,
                                                      channels, WIDTH / columns, columns * channels};
            for (size_t i = 0; i < GRADIENTS; i++) {
                start_at_seven(dx[i]);
                start_at_seven(expected[i]);
            }
            f->variant->pool_largest(y[0], f->x, &windows);
            f->variant->pool_sum(y[1], f->x, 0.5f, &windows);
            f->variant->pool_largest_gradient(dx[ADDED], f->dy, f->x, y[0], &windows, true);
            f->variant->pool_largest_gradient(dx[PUT], f->dy, f->x, y[0], &windows, false);
            f->variant->pool_sum_gradient(dx[OF_SUM], f->dy, 0.5f, &windows);
            for (size_t i = 0; i < windows.count * channels; i++) {
                const size_t first = i / channels * windows.step + i % channels;
                size_t best = first;
                double total = 0;
                for (size_t k = 0; k < rows * columns; k++) {
                    const size_t at = first + (k / columns * WIDTH + k % columns) * channels;
                    best = f->x[at] > f->x[best] ? at : best;
                    total += (double)f->x[at];
                    expected[PUT][at] = 0;
                    expected[OF_SUM][at] += f->dy[i] / 2;
                }
                expected[PUT][best] = f->dy[i];
                expected[ADDED][best] += f->dy[i];
                ck_assert_float_eq(y[0][i], f->x[best]);
                assert_near(f, i, total / 2, (double)y[1][i]);
            }
            for (size_t i = 0; i < GRADIENTS; i++) {
                assert_untouched(dx[i], f->rows * channels);
                for (size_t k = 0; k < f->rows * channels; k++)
                    assert_near(f, k, (double)expected[i][k], (double)dx[i][k]);
            }
        }
}

START_TEST(pools_and_their_gradients_equal_naive_loops)
{
    with_all(check_pools);
}
END_TEST

START_TEST(of_equal_largest_pixels_the_first_is_given_the_gradient)
{
    for (size_t v = 0; weft_variant_at(v); v++) {
        const float x[] = {1, 2, 2, 2}, dy = 3;
        float y, dx[4] = {0};
        const struct weft_pool_windows window = {2, 2, 2, 1, 1, 0};
        weft_variant_at(v)->pool_largest(&y, x, &window);
        weft_variant_at(v)->pool_largest_gradient(dx, &dy, x, &y, &window, true);
        ck_assert_mem_eq(dx, ((const float[]){0, 3, 0, 0}), sizeof dx);
    }
}
END_TEST

START_TEST(moments_of_many_rows_far_from_zero_are_accurate)
{
    enum { MANY = 1 << 20 };
    float *x = malloc(MANY * sizeof *x);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < MANY; i++)
        x[i] = 1000 + (i % 2 ? 0.5f : 0);
    for (size_t v = 0; weft_variant_at(v); v++) {
        sum = squares = 0;
        weft_variant_at(v)->column_moments(&sum, &squares, x, x, MANY, 1);
        ck_assert_double_eq(sum / MANY, 0.25);
        ck_assert_double_eq(squares / MANY, 0.125);
    }
    free(x);
}
END_TEST

SUITE("train_vectors", TEST(moments_equal_naive_sums), TEST(scale_equals_naive_loops),
      TEST(sums_of_gradients_equal_naive_sums), TEST(gradients_equal_naive_loops_in_place_too),
      TEST(gradients_of_relu_equal_naive_loops), TEST(pools_and_their_gradients_equal_naive_loops),
      TEST(of_equal_largest_pixels_the_first_is_given_the_gradient),
      TEST(moments_of_many_rows_far_from_zero_are_accurate))
