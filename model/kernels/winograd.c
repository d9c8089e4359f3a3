/* Winograd's F(4x4,3x3), with vectors over channels. A group of tiles goes through three steps: its inputs are
 * transformed (V = B' d B), for each of the 36 points a small matrix product with the transformed weights is taken
 * (M = V U), and its outputs are transformed back (Y = A' M A). The backward pass is the same three steps transposed.
 *
 * Transformed tiles lie as (36, group, channels), see weft_winograd_point. */
#include "model/kernels/winograd.h"

#include <stdbool.h>

#include "model/kernels/simd.h"
#include "model/kernels/variant.h"
#include "model/kernels/winograd_transform.h"

enum { POINTS = WEFT_WINOGRAD_POINTS, GROUP = WEFT_WINOGRAD_GROUP };

/* A tile of one image: its first output. */
struct tile {
    size_t image, y, x;
};

struct group {
    size_t count;
    struct tile tiles[GROUP];
};

/* Fills the group with the tiles from next on, and moves next behind them; false when there are none left of n images.
 */
static bool next_group(const struct weft_winograd_shape *s, size_t n, struct tile *next, struct group *group)
{
    for (group->count = 0; group->count < GROUP && next->image < n; group->count++) {
        group->tiles[group->count] = *next;
        next->x += TILE;
        if (next->x >= s->out_width) {
            next->x = 0;
            next->y += TILE;
        }
        if (next->y >= s->out_height) {
            next->y = 0;
            next->image++;
        }
    }
    return group->count > 0;
}

/* The pixels of size that a window of REACH or TILE touches, as bits, when it begins at first - pad. */
INLINE unsigned inside(size_t first, size_t pad, size_t reach, size_t size)
{
    unsigned bits = 0;
    for (size_t i = 0; i < reach; i++)
        bits |= (unsigned)(first + i >= pad && first + i - pad < size) << i;
    return bits;
}

/* The images on one side of the convolution. */
struct side {
    size_t height, width, channels, pad_top, pad_left;
};

static struct side input_side(const struct weft_winograd_shape *s)
{
    return (struct side){s->height, s->width, s->channels, s->pad_top, s->pad_left};
}

static struct side output_side(const struct weft_winograd_shape *s)
{
    return (struct side){s->out_height, s->out_width, s->filters, 0, 0};
}

/* The window of a tile, one vector of channels of it. */
struct window {
    ptrdiff_t origin, row, pixel; /* floats from the first image's beginning; from row to row; from pixel to pixel */
    unsigned rows, columns;       /* that lie inside the image, as bits */
    bool whole;
};

INLINE struct window window_of(const struct tile *t, const struct side *s, size_t reach)
{
    struct window w = {
        .row = (ptrdiff_t)(s->width * s->channels),
        .pixel = (ptrdiff_t)s->channels,
        .rows = inside(t->y, s->pad_top, reach, s->height),
        .columns = inside(t->x, s->pad_left, reach, s->width),
    };
    w.origin =
        (ptrdiff_t)(t->image * s->height + t->y - s->pad_top) * w.row + (ptrdiff_t)(t->x - s->pad_left) * w.pixel;
    w.whole = (w.rows & w.columns) == (1U << reach) - 1;
    return w;
}

/* to[point] (6x6) = T d T' of the window d of reach x reach, whose first pixel is at image. */
INLINE void transform_in(float *to, size_t point, const float *image, ptrdiff_t row, ptrdiff_t pixel, const int reach,
                         void (*transform)(vec *o, const vec *d))
{
    vec half[REACH][REACH];
    foreach (i, reach) {
        vec d[REACH];
        foreach (j, reach)
            d[j] = vec_load(image + j * pixel);
        transform(half[i], d);
        image += row;
    }
    foreach (j, REACH) {
        vec d[REACH], o[REACH];
        foreach (i, reach)
            d[i] = half[i][j];
        transform(o, d);
        foreach (i, REACH)
            vec_store(to + (size_t)(i * REACH) * point, o[i]);
        to += point;
    }
}

/* v = B' d B. A function of its own, as the three others: in its caller's loop the compiler would keep 72 addresses
 * instead of computing them. */
static __attribute__((noinline)) void tile_in(float *v, size_t point, const float *image, ptrdiff_t row,
                                              ptrdiff_t pixel)
{
    transform_in(v, point, image, row, pixel, REACH, input_transform);
}

/* z = A dy A', the transpose of tile_out. */
static __attribute__((noinline)) void tile_out_t(float *z, size_t point, const float *dy, ptrdiff_t row,
                                                 ptrdiff_t pixel)
{
    transform_in(z, point, dy, row, pixel, TILE, output_transform_t);
}

/* A window of reach x reach with what lies outside of the image as zeros. */
INLINE void window_copy(float *copy, const struct window *w, const float *image, const int reach)
{
    static const vec nothing;
    foreach (i, reach) {
        foreach (j, reach) {
            bool there = w->rows >> i & 1 && w->columns >> j & 1;
            vec_store(copy + (i * reach + j) * WEFT_LANES,
                      vec_load(there ? image + w->origin + i * w->row + j * w->pixel : (const float *)&nothing));
        }
    }
}

INLINE void group_transform_in(float *to, const struct group *group, const float *images, const struct side *s,
                               const int reach, void (*tile)(float *, size_t, const float *, ptrdiff_t, ptrdiff_t))
{
    const size_t point = weft_winograd_point(s->channels);
    for (size_t t = 0; t < group->count; t++, to += s->channels) {
        struct window w = window_of(&group->tiles[t], s, (size_t)reach);
        for (size_t c = 0; c < s->channels; c += WEFT_LANES) {
            if (w.whole) {
                tile(to + c, point, images + w.origin + c, w.row, w.pixel);
            } else {
                float copy[REACH * REACH * WEFT_LANES];
                window_copy(copy, &w, images + c, reach);
                tile(to + c, point, copy, reach * WEFT_LANES, WEFT_LANES);
            }
        }
    }
}

static void group_in(const struct weft_winograd_shape *s, float *v, const struct group *group, const float *in)
{
    const struct side side = input_side(s);
    group_transform_in(v, group, in, &side, REACH, tile_in);
}

static void group_out_t(const struct weft_winograd_shape *s, float *z, const struct group *group, const float *dy)
{
    const struct side side = output_side(s);
    group_transform_in(z, group, dy, &side, TILE, tile_out_t);
}

/* half (reach x 6) = T m of m[point] (6x6). */
INLINE void transform_out(vec half[][REACH], const float *m, size_t point, const int reach,
                          void (*transform)(vec *o, const vec *d))
{
    foreach (j, REACH) {
        vec d[REACH], o[REACH];
        foreach (i, REACH)
            d[i] = vec_load(m + (size_t)(i * REACH) * point);
        transform(o, d);
        foreach (i, reach)
            half[i][j] = o[i];
        m += point;
    }
}

/* y = A' M A of m[point], with the epilogue; to and residual are the window's first output, and what is added to it or
 * NULL. */
static __attribute__((noinline)) void tile_out(const struct window *w, float *to, const float *m, size_t point,
                                               vec bias, const float *residual, float low, float high)
{
    vec half[TILE][REACH];
    transform_out(half, m, point, TILE, output_transform);
    foreach (i, TILE) {
        vec o[TILE];
        if (!(w->rows >> i & 1))
            return;
        output_transform(o, half[i]);
        foreach (j, TILE) {
            if (!(w->columns >> j & 1))
                break;
            vec y = o[j] + bias;
            if (residual)
                y += vec_load(residual + j * w->pixel);
            vec_store(to + j * w->pixel, vec_clamp(y, low, high));
        }
        to += w->row;
        if (residual)
            residual += w->row;
    }
}

static void group_out(const struct weft_winograd_shape *s, float *out, const struct group *group, const float *m,
                      const struct weft_winograd_epilogue *e)
{
    const struct side side = output_side(s);
    for (size_t t = 0; t < group->count; t++, m += s->filters) {
        struct window w = window_of(&group->tiles[t], &side, TILE);
        for (size_t k = 0; k < s->filters; k += WEFT_LANES) {
            vec bias = e->bias ? vec_load(e->bias + k) : (vec){0};
            const size_t at = (size_t)w.origin + k;
            tile_out(&w, out + at, m + k, weft_winograd_point(s->filters), bias, e->residual ? e->residual + at : NULL,
                     e->low, e->high);
        }
    }
}

/* dx += B m B', the transpose of tile_in; dx is the window's first pixel, of which only what lies inside the image is
 * touched. Windows of neighbours overlap. */
static __attribute__((noinline)) void tile_in_t(const struct window *w, float *dx, const float *m, size_t point)
{
    vec half[REACH][REACH];
    transform_out(half, m, point, REACH, input_transform_t);
    foreach (i, REACH) {
        if (w->rows >> i & 1) {
            vec o[REACH];
            input_transform_t(o, half[i]);
            foreach (j, REACH) {
                if (w->columns >> j & 1)
                    vec_store(dx + j * w->pixel, vec_load(dx + j * w->pixel) + o[j]);
            }
        }
        dx += w->row;
    }
}

static void group_in_t(const struct weft_winograd_shape *s, float *dx, const struct group *group, const float *m)
{
    const struct side side = input_side(s);
    for (size_t t = 0; t < group->count; t++, m += s->channels) {
        struct window w = window_of(&group->tiles[t], &side, REACH);
        for (size_t c = 0; c < s->channels; c += WEFT_LANES)
            tile_in_t(&w, dx + w.origin + c, m + c, weft_winograd_point(s->channels));
    }
}

/* A matrix product c (rows, columns) = a b, or c += a b: a[row * row_step + d * depth_step], b (depth, columns). */
struct product {
    float *c;
    const float *a, *b;
    size_t rows, columns, depth, row_step, depth_step;
    bool adds;
};

/* Sums of rows x vectors stay in registers while the depth goes by. */
INLINE void product_block(const struct product *p, size_t row, size_t column, const int rows, const int vectors)
{
    vec sum[12][2];
    float *c = p->c + row * p->columns + column;
    foreach (i, rows) {
        foreach (v, vectors)
            sum[i][v] = p->adds ? vec_load(c + (size_t)i * p->columns + v * WEFT_LANES) : (vec){0};
    }
    /* Rows by threes, so that their addresses fit in registers: a base, and once and twice the step behind it. */
    const float *a[4], *b = p->b + column;
    const size_t step = p->row_step, depth_step = p->depth_step, columns = p->columns;
    foreach (i, (rows + 2) / 3)
        a[i] = p->a + (row + 3 * (size_t)i) * step;
    for (size_t d = p->depth; d > 0; d--, b += columns) {
        vec across[2];
        foreach (v, vectors)
            across[v] = vec_load(b + v * WEFT_LANES);
        foreach (i, rows) {
            foreach (v, vectors)
                sum[i][v] += across[v] * a[i / 3][(size_t)(i % 3) * step];
        }
        foreach (i, (rows + 2) / 3)
            a[i] += depth_step;
    }
    foreach (i, rows) {
        foreach (v, vectors)
            vec_store(c + (size_t)i * p->columns + v * WEFT_LANES, sum[i][v]);
    }
}

#define PRODUCT_BLOCK(rows, vectors)                                                                                   \
    static                                                                                                             \
        __attribute__((noinline)) void product_##rows##_##vectors(const struct product *p, size_t row, size_t column)  \
    {                                                                                                                  \
        product_block(p, row, column, rows, vectors);                                                                  \
    }
#if WEFT_LANES == 16
PRODUCT_BLOCK(12, 2)
PRODUCT_BLOCK(12, 1)
#endif
PRODUCT_BLOCK(4, 2)
PRODUCT_BLOCK(4, 1)
PRODUCT_BLOCK(1, 2)
PRODUCT_BLOCK(1, 1)

/* Blocks of columns outside, so that what they take of b stays in the first-level cache. */
static void product(const struct product *p)
{
    for (size_t column = 0; column < p->columns;) {
        const bool two = p->columns - column >= 2 * WEFT_LANES;
        size_t row = 0;
#if WEFT_LANES == 16
        for (; row + 12 <= p->rows; row += 12)
            two ? product_12_2(p, row, column) : product_12_1(p, row, column);
#endif
        for (; row + 4 <= p->rows; row += 4)
            two ? product_4_2(p, row, column) : product_4_1(p, row, column);
        for (; row < p->rows; row++)
            two ? product_1_2(p, row, column) : product_1_1(p, row, column);
        column += two ? 2 * WEFT_LANES : WEFT_LANES;
    }
}

/* out (36, tiles, to) = in (36, tiles, from) * weights (36, from, to). */
static void group_multiply(float *out, const float *in, const float *weights, size_t tiles, size_t from, size_t to)
{
    for (size_t i = 0; i < POINTS; i++) {
        product(&(struct product){
            .c = out + i * weft_winograd_point(to),
            .a = in + i * weft_winograd_point(from),
            .b = weights + i * from * to,
            .rows = tiles,
            .columns = to,
            .depth = from,
            .row_step = from,
            .depth_step = 1,
        });
    }
}

/* gradient (36, channels, filters) += v (36, tiles, channels) transposed * z (36, tiles, filters). */
static void group_gradient(float *gradient, const float *v, const float *z, size_t tiles, size_t channels,
                           size_t filters)
{
    for (size_t i = 0; i < POINTS; i++) {
        product(&(struct product){
            .c = gradient + i * channels * filters,
            .a = v + i * weft_winograd_point(channels),
            .b = z + i * weft_winograd_point(filters),
            .rows = channels,
            .columns = filters,
            .depth = tiles,
            .row_step = 1,
            .depth_step = channels,
            .adds = true,
        });
    }
}

void SIMD_NAME(weft_winograd_forward)(const struct weft_winograd_shape *s, float *out, const float *in, size_t n,
                                      const float *transformed, const struct weft_winograd_epilogue *epilogue,
                                      float *scratch)
{
    float *v = scratch, *m = scratch + POINTS * weft_winograd_point(s->channels);
    struct tile next = {0};
    struct group group;
    while (next_group(s, n, &next, &group)) {
        group_in(s, v, &group, in);
        group_multiply(m, v, transformed, group.count, s->channels, s->filters);
        group_out(s, out, &group, m, epilogue);
    }
}

void SIMD_NAME(weft_winograd_backward)(const struct weft_winograd_shape *s, float *dx, float *transformed_gradient,
                                       const float *x, const float *dy, size_t n, const float *transposed,
                                       float *scratch)
{
    float *v = scratch, *z = scratch + POINTS * weft_winograd_point(s->channels);
    struct tile next = {0};
    struct group group;
    while (next_group(s, n, &next, &group)) {
        group_in(s, v, &group, x);
        group_out_t(s, z, &group, dy);
        group_gradient(transformed_gradient, v, z, group.count, s->channels, s->filters);
        if (!dx)
            continue;
        group_multiply(v, z, transposed, group.count, s->filters, s->channels);
        group_in_t(s, dx, &group, v);
    }
}

void SIMD_NAME(weft_winograd_weights)(float *transformed, const float *w, size_t channels, size_t filters)
{
    const size_t plane = channels * filters;
    for (size_t at = 0; at < plane; at += WEFT_LANES) {
        vec half[REACH][3];
        foreach (j, 3) {
            vec g[3], o[REACH];
            foreach (i, 3)
                g[i] = vec_load(w + (size_t)(i * 3 + j) * plane + at);
            weight_transform(o, g);
            foreach (i, REACH)
                half[i][j] = o[i];
        }
        foreach (i, REACH) {
            vec o[REACH];
            weight_transform(o, half[i]);
            foreach (j, REACH)
                vec_store(transformed + (size_t)(i * REACH + j) * plane + at, o[j]);
        }
    }
}

void SIMD_NAME(weft_winograd_weight_gradient)(float *w_gradient, const float *transformed_gradient, size_t channels,
                                              size_t filters)
{
    const size_t plane = channels * filters;
    for (size_t at = 0; at < plane; at += WEFT_LANES) {
        vec half[3][REACH];
        foreach (j, REACH) {
            vec u[REACH], o[3];
            foreach (i, REACH)
                u[i] = vec_load(transformed_gradient + (size_t)(i * REACH + j) * plane + at);
            weight_transform_t(o, u);
            foreach (i, 3)
                half[i][j] = o[i];
        }
        foreach (i, 3) {
            vec o[3];
            weight_transform_t(o, half[i]);
            foreach (j, 3) {
                float *to = w_gradient + (size_t)(i * 3 + j) * plane + at;
                vec_store(to, vec_load(to) + o[j]);
            }
        }
    }
}
