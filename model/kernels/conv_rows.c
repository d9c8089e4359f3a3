/* Convolution with the vector along the image's row: for few filters, where a vector of filters would be half empty.
 *
 * A tile is R rows x 2 vectors (or 1) x K filters of the output; its sums stay in registers while channels and kernel
 * positions go by. The last tile of a row or column is moved back to end with the image, and some outputs are
 * computed twice; only rows that are shorter than a vector need a partial store. Stride 1. */
#include "model/kernels/conv.h"
#include "model/kernels/simd.h"

struct tile {
    const struct weft_conv_shape *shape;
    size_t padded_width, padded_plane, out_plane;
    size_t second; /* where the second vector starts, from the first */
    size_t part;   /* lanes to store of a single vector */
};

INLINE void tile_run(const struct tile *t, float *out, const float *in, const float *weights, const float *bias,
                     const int filters, const int vectors, const int rows)
{
    const struct weft_conv_shape *s = t->shape;
    vec sum[2][2][8];
    foreach (r, rows) {
        foreach (v, vectors) {
            foreach (k, filters)
                sum[r][v][k] = vec_all(bias[k]);
        }
    }
    for (size_t c = 0; c < s->channels; c++) {
        for (size_t ky = 0; ky < s->kernel_height; ky++) {
            const float *row = in + c * t->padded_plane + ky * s->dilation_y * t->padded_width;
            for (size_t kx = 0; kx < s->kernel_width; kx++, weights += filters) {
                vec x[2][2];
                foreach (r, rows) {
                    foreach (v, vectors)
                        x[r][v] =
                            vec_load(row + (size_t)r * t->padded_width + kx * s->dilation_x + (v ? t->second : 0));
                }
                foreach (k, filters) {
                    vec w = vec_all(weights[k]);
                    foreach (r, rows) {
                        foreach (v, vectors)
                            sum[r][v][k] += w * x[r][v];
                    }
                }
            }
        }
    }
    foreach (k, filters) {
        foreach (r, rows) {
            foreach (v, vectors) {
                float *to = out + (size_t)k * t->out_plane + (size_t)r * s->out_width + (v ? t->second : 0);
                vec y = vec_clamp(sum[r][v][k], s->low, s->high);
                if (vectors == 1)
                    vec_store_part(to, y, t->part);
                else
                    vec_store(to, y);
            }
        }
    }
}

/* All tiles of a block of filters. */
INLINE void block_run(const struct tile *t, float *out, const float *padded, const float *weights, const float *bias,
                      const int filters)
{
    const struct weft_conv_shape *s = t->shape;
    const int two_vectors = filters * 2 <= WEFT_SUMS, two_rows = filters * 4 <= WEFT_SUMS;
    const int two_rows_of_one = filters * 2 <= WEFT_SUMS;
    size_t width = s->out_width, height = s->out_height;
    size_t step = t->second && two_vectors ? t->second + WEFT_LANES : WEFT_LANES;
    for (size_t x = 0, last_x = 0; !last_x; x += step) {
        last_x = x + step >= width;
        if (last_x && width >= step)
            x = width - step;
        size_t rows = (step > WEFT_LANES ? two_rows : two_rows_of_one) && height > 1 ? 2 : 1;
        for (size_t y = 0, last_y = 0; !last_y; y += rows) {
            last_y = y + rows >= height;
            if (last_y)
                y = height - rows;
            float *to = out + y * width + x;
            const float *from = padded + y * t->padded_width + x;
            if (step > WEFT_LANES && rows == 2)
                tile_run(t, to, from, weights, bias, filters, 2, 2);
            else if (step > WEFT_LANES)
                tile_run(t, to, from, weights, bias, filters, 2, 1);
            else if (rows == 2)
                tile_run(t, to, from, weights, bias, filters, 1, 2);
            else
                tile_run(t, to, from, weights, bias, filters, 1, 1);
        }
    }
}

void SIMD_NAME(weft_conv_rows)(const struct weft_conv_shape *shape, float *out, const float *padded,
                               const float *weights, const float *bias)
{
    size_t width = shape->out_width;
    struct tile t = {
        .shape = shape,
        .padded_width = weft_conv_padded_width(shape),
        .padded_plane = weft_conv_padded_width(shape) * weft_conv_padded_height(shape),
        .out_plane = width * shape->out_height,
        .second = width >= 2 * WEFT_LANES ? WEFT_LANES
                  : width > WEFT_LANES    ? width - WEFT_LANES
                                          : 0,
        .part = width < WEFT_LANES ? width : WEFT_LANES,
    };
    for (size_t k = 0, block; k < shape->filters; k += block) {
        block = weft_conv_rows_block(shape->filters - k);
        switch (block) {
        case 8: block_run(&t, out, padded, weights, bias, 8); break;
        case 6: block_run(&t, out, padded, weights, bias, 6); break;
        case 4: block_run(&t, out, padded, weights, bias, 4); break;
        case 2: block_run(&t, out, padded, weights, bias, 2); break;
        default: block_run(&t, out, padded, weights, bias, 1); break;
        }
        out += block * t.out_plane;
        weights += block * shape->channels * shape->kernel_height * shape->kernel_width;
        bias += block;
    }
}
