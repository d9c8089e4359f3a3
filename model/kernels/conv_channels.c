/* Convolution with the vector across filters: a lane is a filter, an input is broadcast to all of them.
 *
 * The input is planes; the output is planes, or pixels, which is what the sums are already. A tile is R rows x P pixels
 * x B vectors of filters of the output; its sums stay in registers while channels and kernel positions go by. The last
 * tile of a row or column is moved back to end with the image, and some outputs are computed twice, so that few tile
 * sizes serve all images. Strides 1 and 2 along x, any along y. */
#include "model/kernels/conv.h"
#include "model/kernels/simd.h"

struct tile {
    const struct weft_conv_shape *shape;
    size_t padded_width, padded_plane, out_plane;
    size_t filters;              /* of this block that are real */
    size_t pixel;                /* floats of an output pixel, or 1 for planes */
    const float *out, *residual; /* pixels: the first output, and what is added to it, or NULL */
};

/* Stores the sums as pixels. */
INLINE void tile_store(const struct tile *t, float *out, vec sum[2][14][2], const int vectors, const int rows,
                       const int pixels)
{
    const struct weft_conv_shape *s = t->shape;
    foreach (r, rows) {
        float *to = out + (size_t)r * s->out_width * t->pixel;
        foreach (p, pixels) {
            foreach (b, vectors) {
                vec y = sum[r][p][b];
                if (t->residual)
                    y += vec_load(t->residual + (to - t->out) + b * WEFT_LANES);
                vec_store(to + b * WEFT_LANES, vec_clamp(y, s->low, s->high));
            }
            to += t->pixel;
        }
    }
}

/* Stores the sums as planes: from pixels of filters to filters of pixels. */
INLINE void tile_store_turned(const struct tile *t, float *out, vec sum[2][14][2], const int vectors, const int rows,
                              const int pixels)
{
    const struct weft_conv_shape *s = t->shape;
    float turned[2][14][2 * WEFT_LANES];
    foreach (r, rows) {
        foreach (p, pixels) {
            foreach (b, vectors)
                vec_store(turned[r][p] + b * WEFT_LANES, vec_clamp(sum[r][p][b], s->low, s->high));
        }
    }
    size_t filters = t->filters < (size_t)vectors * WEFT_LANES ? t->filters : (size_t)vectors * WEFT_LANES;
    for (size_t k = 0; k < filters; k++) {
        foreach (r, rows) {
            float *to = out + k * t->out_plane + (size_t)r * s->out_width;
            foreach (p, pixels)
                to[p] = turned[r][p][k];
        }
    }
}

INLINE void tile_run(const struct tile *t, float *out, const float *in, const float *weights, const float *bias,
                     const int vectors, const int rows, const int pixels, const int stride)
{
    const struct weft_conv_shape *s = t->shape;
    vec sum[2][14][2];
    foreach (r, rows) {
        foreach (p, pixels) {
            foreach (b, vectors)
                sum[r][p][b] = vec_load(bias + b * WEFT_LANES);
        }
    }
    for (size_t c = 0; c < s->channels; c++) {
        for (size_t ky = 0; ky < s->kernel_height; ky++) {
            const float *row = in + c * t->padded_plane + ky * s->dilation_y * t->padded_width;
            for (size_t kx = 0; kx < s->kernel_width; kx++, weights += vectors * WEFT_LANES) {
                vec w[2];
                foreach (b, vectors)
                    w[b] = vec_load(weights + b * WEFT_LANES);
                foreach (r, rows) {
                    const float *x = row + (size_t)r * s->stride_y * t->padded_width + kx * s->dilation_x;
                    foreach (p, pixels) {
                        foreach (b, vectors)
                            sum[r][p][b] += w[b] * x[p * stride];
                    }
                }
            }
        }
    }
    if (s->out == WEFT_LAYOUT_PIXELS)
        tile_store(t, out, sum, vectors, rows, pixels);
    else
        tile_store_turned(t, out, sum, vectors, rows, pixels);
}

/* X(vectors, rows, pixels): the tiles there are, as many as registers hold; the last one fits every image. */
/* clang-format off */
#if WEFT_LANES == 16
#define TILES(X)                                                                                                       \
    X(1, 2, 14) X(1, 2, 12) X(1, 2, 10) X(1, 2, 8) X(1, 2, 7) X(1, 2, 5) X(1, 2, 4) X(1, 1, 14) X(1, 1, 8) X(1, 1, 4)  \
    X(1, 1, 1)                                                                                                         \
    X(2, 2, 7) X(2, 2, 5) X(2, 2, 4) X(2, 1, 14) X(2, 1, 12) X(2, 1, 10) X(2, 1, 8) X(2, 1, 7) X(2, 1, 4) X(2, 1, 1)
#else
#define TILES(X)                                                                                                       \
    X(1, 2, 5) X(1, 2, 4) X(1, 1, 12) X(1, 1, 10) X(1, 1, 8) X(1, 1, 7) X(1, 1, 4) X(1, 1, 1)                          \
    X(2, 2, 2) X(2, 1, 6) X(2, 1, 5) X(2, 1, 4) X(2, 1, 1)
#endif
/* clang-format on */

/* What a plane costs with this tile: a step takes rows * pixels multiply-adds a vector, and the loads beside them. */
INLINE size_t tile_cost(const struct weft_conv_shape *s, size_t vectors, size_t rows, size_t pixels)
{
    if (rows > s->out_height || pixels > s->out_width)
        return SIZE_MAX;
    size_t tiles = (s->out_height + rows - 1) / rows * ((s->out_width + pixels - 1) / pixels);
    size_t multiplies = rows * pixels * vectors;
    return tiles * ((multiplies < 8 ? 8 : multiplies) + 2 * vectors);
}

INLINE void block_run(const struct tile *t, float *out, const float *padded, const float *weights, const float *bias,
                      const int vectors, const int rows, const int pixels)
{
    const struct weft_conv_shape *s = t->shape;
    for (size_t y = 0, last_y = 0; !last_y; y += (size_t)rows) {
        last_y = y + (size_t)rows >= s->out_height;
        if (last_y)
            y = s->out_height - (size_t)rows;
        for (size_t x = 0, last_x = 0; !last_x; x += (size_t)pixels) {
            last_x = x + (size_t)pixels >= s->out_width;
            if (last_x)
                x = s->out_width - (size_t)pixels;
            float *to = out + (y * s->out_width + x) * t->pixel;
            const float *from = padded + y * s->stride_y * t->padded_width + x * s->stride_x;
            if (s->stride_x == 1)
                tile_run(t, to, from, weights, bias, vectors, rows, pixels, 1);
            else
                tile_run(t, to, from, weights, bias, vectors, rows, pixels, 2);
        }
    }
}

#define BLOCK(vectors, rows, pixels)                                                                                   \
    static void block_##vectors##_##rows##_##pixels(const struct tile *t, float *out, const float *padded,             \
                                                    const float *weights, const float *bias)                           \
    {                                                                                                                  \
        block_run(t, out, padded, weights, bias, vectors, rows, pixels);                                               \
    }
TILES(BLOCK)

typedef void block_function(const struct tile *, float *, const float *, const float *, const float *);

static block_function *block_best(const struct weft_conv_shape *s, size_t vectors)
{
    static const struct {
        size_t vectors, rows, pixels;
        block_function *run;
    } tiles[] = {
#define ENTRY(vectors, rows, pixels) {vectors, rows, pixels, block_##vectors##_##rows##_##pixels},
        TILES(ENTRY)};
    size_t best = 0, best_cost = SIZE_MAX;
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        size_t cost = tile_cost(s, vectors, tiles[i].rows, tiles[i].pixels);
        if (tiles[i].vectors == vectors && cost < best_cost) {
            best = i;
            best_cost = cost;
        }
    }
    return tiles[best].run;
}

void SIMD_NAME(weft_conv_channels)(const struct weft_conv_shape *shape, float *out, const float *padded,
                                   const float *weights, const float *bias, const float *residual)
{
    bool pixels = shape->out == WEFT_LAYOUT_PIXELS;
    struct tile t = {
        .shape = shape,
        .padded_width = weft_conv_padded_width(shape),
        .padded_plane = weft_conv_padded_width(shape) * weft_conv_padded_height(shape),
        .out_plane = shape->out_width * shape->out_height,
        .pixel = pixels ? weft_layout_filled(shape->filters, WEFT_LANES) : 1,
        .out = out,
        .residual = residual,
    };
    for (size_t k = 0, block; k < shape->filters; k += block) {
        block = weft_conv_channels_block(shape->filters - k, WEFT_LANES);
        t.filters = block < shape->filters - k ? block : shape->filters - k;
        block_best(shape, block / WEFT_LANES)(&t, out, padded, weights, bias);
        out += block * (pixels ? 1 : t.out_plane);
        weights += block * shape->channels * shape->kernel_height * shape->kernel_width;
        bias += block;
    }
}
