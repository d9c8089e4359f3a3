/* Winograd's algorithm with vectors over channels. A group of tiles goes through three steps: its inputs are
 * transformed (V = B' d B), for each point a small matrix product with the transformed weights is taken (M = V U), and
 * its outputs are transformed back (Y = A' M A). The backward pass is the same three steps transposed.
 *
 * Transformed tiles lie as (points, group, channels), see weft_winograd_point. */
#include "model/kernels/winograd.h"

#include <stdbool.h>

#include "model/kernels/simd.h"
#include "model/kernels/variant.h"
#include "model/kernels/winograd_transform.h"

enum { GROUP = WEFT_WINOGRAD_GROUP, TILE_MAX = WEFT_WINOGRAD_TILE_MAX, REACH_MAX = TILE_MAX + 2 };

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
        next->x += s->tile;
        if (next->x >= s->out_width) {
            next->x = 0;
            next->y += s->tile;
        }
        if (next->y >= s->out_height) {
            next->y = 0;
            next->image++;
        }
    }
    return group->count > 0;
}

/* The pixels of size that a window touches, as bits, when it begins at first - pad. */
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
    return w;
}

/* to[point] (points x points) = T d T' of the window d of reach x reach; images as the window's origin counts. Pixels
 * outside of the image are zeros. */
INLINE void transform_in(float *to, size_t point, const float *images, const struct window *w, const int reach,
                         const int points, void (*transform)(vec *o, const vec *d))
{
    vec half[REACH_MAX][REACH_MAX];
    const float *row = images + w->origin;
    foreach (i, reach) {
        const unsigned columns = w->rows >> i & 1 ? w->columns : 0;
        vec d[REACH_MAX];
        foreach (j, reach)
            d[j] = vec_load_if(columns >> j & 1, row + j * w->pixel);
        transform(half[i], d);
        row += w->row;
    }
    foreach (j, points) {
        vec d[REACH_MAX], o[REACH_MAX];
        foreach (i, reach)
            d[i] = half[i][j];
        transform(o, d);
        foreach (i, points)
            vec_store(to + (size_t)(i * points) * point, o[i]);
        to += point;
    }
}

/* half (outputs x points) = T m of m[point] (points x points). */
INLINE void transform_out(vec half[][REACH_MAX], const float *m, size_t point, const int outputs, const int points,
                          void (*transform)(vec *o, const vec *d))
{
    foreach (j, points) {
        vec d[REACH_MAX], o[REACH_MAX];
        foreach (i, points)
            d[i] = vec_load(m + (size_t)(i * points) * point);
        transform(o, d);
        foreach (i, outputs)
            half[i][j] = o[i];
        m += point;
    }
}

/* What is done with the outputs of one vector of filters; residual as the window's origin counts. */
struct finish {
    vec bias;
    const float *residual; /* or NULL */
    float low, high;
};

/* y = A' M A of m[point]; images as the window's origin counts. */
INLINE void transform_to_image(float *images, const struct window *w, const float *m, size_t point,
                               const struct finish *finish, const int tile, void (*transform)(vec *o, const vec *d))
{
    vec half[TILE_MAX][REACH_MAX];
    transform_out(half, m, point, tile, tile + 2, transform);
    ptrdiff_t row = w->origin;
    foreach (i, tile) {
        vec o[TILE_MAX];
        if (!(w->rows >> i & 1))
            return;
        transform(o, half[i]);
        foreach (j, tile) {
            if (!(w->columns >> j & 1))
                break;
            const ptrdiff_t at = row + j * w->pixel;
            vec y = o[j] + finish->bias;
            if (finish->residual)
                y += vec_load(finish->residual + at);
            vec_store(images + at, vec_clamp(y, finish->low, finish->high));
        }
        row += w->row;
    }
}

/* u (points x points, plane) = G g G' of g (3, 3, plane). */
INLINE void transform_weights(float *u, const float *g, size_t plane, const int points,
                              void (*transform)(vec *o, const vec *d))
{
    for (size_t at = 0; at < plane; at += WEFT_LANES) {
        vec half[REACH_MAX][3];
        foreach (j, 3) {
            vec d[3], o[REACH_MAX];
            foreach (i, 3)
                d[i] = vec_load(g + (size_t)(i * 3 + j) * plane + at);
            transform(o, d);
            foreach (i, points)
                half[i][j] = o[i];
        }
        foreach (i, points) {
            vec o[REACH_MAX];
            transform(o, half[i]);
            foreach (j, points)
                vec_store(u + (size_t)(i * points + j) * plane + at, o[j]);
        }
    }
}

/* Functions of their own, as the two of the backward pass: in a caller's loop the compiler would keep the addresses of
 * all points instead of computing them. */
#define TRANSFORMS(tile, points)                                                                                       \
    static __attribute__((noinline)) void tile_in_##tile(float *v, size_t point, const float *images,                  \
                                                         const struct window *w)                                       \
    {                                                                                                                  \
        transform_in(v, point, images, w, points, points, input_transform_##tile);                                     \
    }                                                                                                                  \
    static __attribute__((noinline)) void tile_out_##tile(float *images, const struct window *w, const float *m,       \
                                                          size_t point, const struct finish *finish)                   \
    {                                                                                                                  \
        transform_to_image(images, w, m, point, finish, tile, output_transform_##tile);                                \
    }                                                                                                                  \
    static void weights_##tile(float *u, const float *g, size_t plane)                                                 \
    {                                                                                                                  \
        transform_weights(u, g, plane, points, weight_transform_##tile);                                               \
    }
TRANSFORMS(3, 5)
TRANSFORMS(4, 6)
TRANSFORMS(6, 8)

/* By the size of the tile. */
static const struct {
    void (*in)(float *v, size_t point, const float *images, const struct window *w);
    void (*out)(float *images, const struct window *w, const float *m, size_t point, const struct finish *finish);
    void (*weights)(float *u, const float *g, size_t plane);
} transforms[TILE_MAX + 1] = {
    [3] = {tile_in_3, tile_out_3, weights_3},
    [4] = {tile_in_4, tile_out_4, weights_4},
    [6] = {tile_in_6, tile_out_6, weights_6},
};

/* v[point] of each tile's window of reach x reach. */
static void group_in(float *v, const struct group *group, const float *images, const struct side *side, size_t reach,
                     void (*in)(float *, size_t, const float *, const struct window *))
{
    const size_t point = weft_winograd_point(side->channels);
    for (size_t t = 0; t < group->count; t++, v += side->channels) {
        const struct window w = window_of(&group->tiles[t], side, reach);
        for (size_t c = 0; c < side->channels; c += WEFT_LANES)
            in(v + c, point, images + c, &w);
    }
}

static void group_out(const struct weft_winograd_shape *s, float *out, const struct group *group, const float *m,
                      const struct weft_winograd_epilogue *e)
{
    const struct side side = output_side(s);
    for (size_t t = 0; t < group->count; t++, m += s->filters) {
        const struct window w = window_of(&group->tiles[t], &side, s->tile);
        for (size_t k = 0; k < s->filters; k += WEFT_LANES) {
            const struct finish finish = {e->bias ? vec_load(e->bias + k) : (vec){0},
                                          e->residual ? e->residual + k : NULL, e->low, e->high};
            transforms[s->tile].out(out + k, &w, m + k, weft_winograd_point(s->filters), &finish);
        }
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

/* out (points, tiles, to) = in (points, tiles, from) * weights (points, from, to). */
static void group_multiply(float *out, const float *in, const float *weights, size_t points, size_t tiles, size_t from,
                           size_t to)
{
    for (size_t i = 0; i < points; i++) {
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

void SIMD_NAME(weft_winograd_weights)(float *transformed, const float *w, size_t tile, size_t channels, size_t filters)
{
    transforms[tile].weights(transformed, w, channels * filters);
}

void SIMD_NAME(weft_winograd_forward)(const struct weft_winograd_shape *s, float *out, const float *in, size_t n,
                                      const float *transformed, const struct weft_winograd_epilogue *epilogue,
                                      float *scratch)
{
    const size_t points = weft_winograd_points(s->tile);
    const struct side side = input_side(s);
    float *v = scratch, *m = scratch + points * weft_winograd_point(s->channels);
    struct tile next = {0};
    struct group group;
    while (next_group(s, n, &next, &group)) {
        group_in(v, &group, in, &side, s->tile + 2, transforms[s->tile].in);
        group_multiply(m, v, transformed, points, group.count, s->channels, s->filters);
        group_out(s, out, &group, m, epilogue);
    }
}

enum { TILE = WEFT_WINOGRAD_TILE, REACH = TILE + 2, POINTS = REACH * REACH }; /* of the backward pass */

/* z = A dy A', the transpose of tile_out. */
static __attribute__((noinline)) void tile_out_t(float *z, size_t point, const float *dy, const struct window *w)
{
    transform_in(z, point, dy, w, TILE, REACH, output_transform_4_t);
}

/* dx += B m B', the transpose of tile_in; dx is the window's first pixel, of which only what lies inside the image is
 * touched. Windows of neighbours overlap. */
static __attribute__((noinline)) void tile_in_t(const struct window *w, float *dx, const float *m, size_t point)
{
    vec half[REACH][REACH_MAX];
    transform_out(half, m, point, REACH, REACH, input_transform_4_t);
    foreach (i, REACH) {
        if (w->rows >> i & 1) {
            vec o[REACH];
            input_transform_4_t(o, half[i]);
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

void SIMD_NAME(weft_winograd_backward)(const struct weft_winograd_shape *s, float *dx, float *transformed_gradient,
                                       const float *x, const float *dy, size_t n, const float *transposed,
                                       float *scratch)
{
    const struct side inputs = input_side(s), outputs = output_side(s);
    float *v = scratch, *z = scratch + POINTS * weft_winograd_point(s->channels);
    struct tile next = {0};
    struct group group;
    while (next_group(s, n, &next, &group)) {
        group_in(v, &group, x, &inputs, REACH, tile_in_4);
        group_in(z, &group, dy, &outputs, TILE, tile_out_t);
        group_gradient(transformed_gradient, v, z, group.count, s->channels, s->filters);
        if (!dx)
            continue;
        group_multiply(v, z, transposed, POINTS, group.count, s->filters, s->channels);
        group_in_t(s, dx, &group, v);
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
            weight_transform_4_t(o, u);
            foreach (i, 3)
                half[i][j] = o[i];
        }
        foreach (i, 3) {
            vec o[3];
            weight_transform_4_t(o, half[i]);
            foreach (j, 3) {
                float *to = w_gradient + (size_t)(i * 3 + j) * plane + at;
                vec_store(to, vec_load(to) + o[j]);
            }
        }
    }
}
