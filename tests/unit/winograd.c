/* Winograd's convolution and its backward pass against plain loops, in every variant. */
#include "model/kernels/winograd.h"

#include <math.h>
#include <stdlib.h>

#include "model/kernels/variant.h"
#include "tests/support/floats.h"
#include "tests/support/suite.h"

enum { SIDE_MAX = 13, IMAGES = 3 };

static const size_t tiles[] = {3, 4, 6};

/* One convolution with everything that it reads, and what plain loops give. */
struct job {
    const struct weft_variant *variant;
    struct weft_winograd_shape shape;
    size_t n;
    float *x, *w, *y;                      /* w (3, 3, channels, filters) */
    float *bias, *residual, *dy, *dx, *dw; /* gradients of sum(y * dy) */
    float *transformed, *transposed, *transformed_gradient, *scratch;
};

static size_t x_size(const struct job *j)
{
    return j->n * j->shape.height * j->shape.width * j->shape.channels;
}

static size_t y_size(const struct job *j)
{
    return j->n * j->shape.out_height * j->shape.out_width * j->shape.filters;
}

static size_t w_size(const struct job *j)
{
    return 9 * j->shape.channels * j->shape.filters;
}

static void job_begin(struct job *j)
{
    const size_t points = weft_winograd_weight_count(&j->shape);
    j->x = random_floats(x_size(j));
    j->w = random_floats(w_size(j));
    j->dy = random_floats(y_size(j));
    j->bias = random_floats(j->shape.filters);
    j->residual = random_floats(y_size(j));
    j->y = aligned_floats(y_size(j));
    j->dx = aligned_floats(x_size(j));
    j->dw = aligned_floats(w_size(j));
    j->transformed = aligned_floats(points);
    j->transposed = aligned_floats(points);
    j->transformed_gradient = aligned_floats(points);
    j->scratch = aligned_floats(weft_winograd_scratch(&j->shape));
    j->variant->winograd_weights(j->transformed, j->w, j->shape.tile, j->shape.channels, j->shape.filters);
    float *flipped = aligned_floats(w_size(j));
    for (size_t tap = 0; tap < 9; tap++)
        for (size_t c = 0; c < j->shape.channels; c++)
            for (size_t k = 0; k < j->shape.filters; k++)
                flipped[(tap * j->shape.filters + k) * j->shape.channels + c] =
                    j->w[(tap * j->shape.channels + c) * j->shape.filters + k];
    j->variant->winograd_weights(j->transposed, flipped, j->shape.tile, j->shape.filters, j->shape.channels);
    free(flipped);
}

static void job_end(struct job *j)
{
    float *all[] = {j->x,  j->w,           j->y,          j->bias, j->residual, j->dy,
                    j->dx, j->transformed, j->transposed, j->dw,   j->scratch,  j->transformed_gradient};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* Calls visit for every product that the convolution is made of, with indices into x, w and y. */
static void each_product(const struct job *j,
                         void (*visit)(const struct job *j, size_t x, size_t w, size_t y, double *into), double *into)
{
    const struct weft_winograd_shape *s = &j->shape;
    for (size_t i = 0; i < j->n; i++)
        for (size_t oy = 0; oy < s->out_height; oy++)
            for (size_t ox = 0; ox < s->out_width; ox++)
                for (size_t tap = 0; tap < 9; tap++) {
                    size_t iy = oy + tap / 3 - s->pad_top, ix = ox + tap % 3 - s->pad_left;
                    if (iy >= s->height || ix >= s->width) /* also those below 0, which wrap */
                        continue;
                    for (size_t c = 0; c < s->channels; c++)
                        for (size_t k = 0; k < s->filters; k++)
                            visit(j, ((i * s->height + iy) * s->width + ix) * s->channels + c,
                                  (tap * s->channels + c) * s->filters + k,
                                  ((i * s->out_height + oy) * s->out_width + ox) * s->filters + k, into);
                }
}

static void visit_y(const struct job *j, size_t x, size_t w, size_t y, double *into)
{
    into[y] += (double)j->x[x] * (double)j->w[w];
}

static void visit_dx(const struct job *j, size_t x, size_t w, size_t y, double *into)
{
    into[x] += (double)j->dy[y] * (double)j->w[w];
}

static void visit_dw(const struct job *j, size_t x, size_t w, size_t y, double *into)
{
    into[w] += (double)j->x[x] * (double)j->dy[y];
}

static void expect_close(const struct job *j, const float *got, const double *want, size_t count, const char *what)
{
    double largest = 0, worst = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(want[i]));
        worst = fmax(worst, fabs((double)got[i] - want[i]));
    }
    ck_assert_msg(worst <= 5e-5 * largest, "%s of %s, %zux%zu, %zu to %zu channels, tiles of %zu: off by %g of %g",
                  what, j->variant->name, j->shape.height, j->shape.width, j->shape.channels, j->shape.filters,
                  j->shape.tile, worst, largest);
}

/* Calls check for each variant and for shapes with whole and cut tiles, one and several vectors of channels. */
static void each_job(size_t tile, void (*check)(struct job *j))
{
    static const size_t sides[][2] = {{1, 1}, {4, 4}, {7, 5}, {8, 12}, {6, 12}, {SIDE_MAX, 6}}, vectors[] = {1, 2, 3};
    for (size_t v = 0; weft_variant_at(v); v++)
        for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
            for (size_t c = 0; c < 3; c++)
                for (size_t pad = i < 2 ? 1 : 0; pad <= 1; pad++) {
                    struct job j = {.variant = weft_variant_at(v), .n = IMAGES};
                    j.shape = (struct weft_winograd_shape){
                        .height = sides[i][0],
                        .width = sides[i][1],
                        .channels = vectors[c] * j.variant->lanes,
                        .out_height = sides[i][0] + 2 * pad - 2,
                        .out_width = sides[i][1] + 2 * pad - 2,
                        .filters = vectors[(c + i) % 3] * j.variant->lanes,
                        .pad_top = pad,
                        .pad_left = pad,
                        .tile = tile,
                    };
                    job_begin(&j);
                    check(&j);
                    job_end(&j);
                }
}

static void check_forward(struct job *j)
{
    double *want = calloc(y_size(j), sizeof *want);
    each_product(j, visit_y, want);
    const struct weft_winograd_epilogue plain = {.low = -INFINITY, .high = INFINITY};
    j->variant->winograd_forward(&j->shape, j->y, j->x, j->n, j->transformed, &plain, j->scratch);
    expect_close(j, j->y, want, y_size(j), "output");
    free(want);
}

START_TEST(forward_is_the_convolution)
{
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++)
        each_job(tiles[i], check_forward);
}
END_TEST

static void check_epilogue(struct job *j)
{
    double *want = calloc(y_size(j), sizeof *want);
    each_product(j, visit_y, want);
    const struct weft_winograd_epilogue all = {.bias = j->bias, .residual = j->residual, .low = 0, .high = 6};
    j->variant->winograd_forward(&j->shape, j->y, j->x, j->n, j->transformed, &all, j->scratch);
    for (size_t i = 0; i < y_size(j); i++) {
        double sum = want[i] + (double)j->bias[i % j->shape.filters] + (double)j->residual[i];
        want[i] = fmin(fmax(sum, 0), 6);
    }
    expect_close(j, j->y, want, y_size(j), "output with bias, residual and clamp");
    free(want);
}

START_TEST(bias_residual_and_clamp_are_applied_on_the_way_out)
{
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++)
        each_job(tiles[i], check_epilogue);
}
END_TEST

static void check_backward(struct job *j)
{
    double *dx = calloc(x_size(j), sizeof *dx), *dw = calloc(w_size(j), sizeof *dw);
    each_product(j, visit_dx, dx);
    each_product(j, visit_dw, dw);
    j->variant->winograd_backward(&j->shape, j->dx, j->transformed_gradient, j->x, j->dy, j->n, j->transposed,
                                  j->scratch);
    j->variant->winograd_weight_gradient(j->dw, j->transformed_gradient, j->shape.channels, j->shape.filters);
    expect_close(j, j->dx, dx, x_size(j), "input gradient");
    expect_close(j, j->dw, dw, w_size(j), "weight gradient");
    free(dx);
    free(dw);
}

START_TEST(backward_gives_both_gradients)
{
    each_job(WEFT_WINOGRAD_TILE, check_backward);
}
END_TEST

static void check_adding(struct job *j)
{
    double *dx = calloc(x_size(j), sizeof *dx), *dw = calloc(w_size(j), sizeof *dw);
    each_product(j, visit_dx, dx);
    each_product(j, visit_dw, dw);
    for (size_t i = 0; i < x_size(j); i++)
        dx[i] = 2 * dx[i] + 1;
    for (size_t i = 0; i < w_size(j); i++)
        dw[i] = 3 * dw[i] + 1;
    for (size_t i = 0; i < x_size(j); i++)
        j->dx[i] = 1;
    for (size_t i = 0; i < w_size(j); i++)
        j->dw[i] = 1;
    for (int pass = 0; pass < 3; pass++)
        j->variant->winograd_backward(&j->shape, pass == 2 ? NULL : j->dx, j->transformed_gradient, j->x, j->dy, j->n,
                                      pass == 2 ? NULL : j->transposed, j->scratch);
    j->variant->winograd_weight_gradient(j->dw, j->transformed_gradient, j->shape.channels, j->shape.filters);
    expect_close(j, j->dx, dx, x_size(j), "twice the input gradient and 1");
    expect_close(j, j->dw, dw, w_size(j), "three times the weight gradient and 1");
    free(dx);
    free(dw);
}

START_TEST(backward_adds_to_what_is_there)
{
    each_job(WEFT_WINOGRAD_TILE, check_adding);
}
END_TEST

SUITE("winograd", TEST(forward_is_the_convolution), TEST(bias_residual_and_clamp_are_applied_on_the_way_out),
      TEST(backward_gives_both_gradients), TEST(backward_adds_to_what_is_there))
