/* Convolution of pixels: a lane is a filter, the channels of an input pixel are broadcast one after the other.
 *
 * A tile is P outputs x B vectors of filters; its sums stay in registers while kernel positions and channels go by.
 * Outputs are numbered through rows and images, so that one P serves every shape; the last tile is moved back to end
 * with the last output, and some outputs are computed twice. Any kernel, stride, dilation and padding; one group. */
#include <stdint.h>

#include "model/kernels/conv.h"
#include "model/kernels/simd.h"

struct job {
    const struct weft_conv_shape *shape;
    float *out;
    const float *in, *weights, *bias, *residual;
    const float *zeros;        /* a pixel outside of the image */
    size_t filled, out_filled; /* floats of a pixel */
    size_t from;               /* the block's first filter */
};

/* Where an output is, and the first input that it looks at. That may lie outside: then numbers wrap around. */
struct place {
    const float *image;
    size_t y, x, top, left;
};

static struct place place_of(const struct job *j, size_t output)
{
    const struct weft_conv_shape *s = j->shape;
    size_t plane = s->out_height * s->out_width, y = output % plane / s->out_width, x = output % s->out_width;
    return (struct place){j->in + output / plane * s->height * s->width * j->filled, y, x, y * s->stride_y - s->pad_top,
                          x * s->stride_x - s->pad_left};
}

static inline void advance(const struct job *j, struct place *place)
{
    const struct weft_conv_shape *s = j->shape;
    place->left += s->stride_x;
    if (++place->x < s->out_width)
        return;
    place->x = 0;
    place->left = 0 - s->pad_left;
    place->top += s->stride_y;
    if (++place->y < s->out_height)
        return;
    place->y = 0;
    place->top = 0 - s->pad_top;
    place->image += s->height * s->width * j->filled;
}

INLINE void tile_run(const struct job *j, size_t output, struct place *next, const int vectors, const int outputs)
{
    const struct weft_conv_shape *s = j->shape;
    const float *weights = j->weights, *x[8];
    uintptr_t first[8];
    size_t top[8], left[8];
    vec sum[8][4];
    foreach (p, outputs) {
        top[p] = next->top;
        left[p] = next->left;
        first[p] = (uintptr_t)next->image + (next->top * s->width + next->left) * j->filled * sizeof(float);
        advance(j, next);
        foreach (b, vectors)
            sum[p][b] = vec_load(j->bias + b * WEFT_LANES);
    }
    for (size_t ky = 0; ky < s->kernel_height; ky++) {
        for (size_t kx = 0; kx < s->kernel_width; kx++) {
            size_t down = ky * s->dilation_y, right = kx * s->dilation_x;
            size_t offset = (down * s->width + right) * j->filled * sizeof(float);
            foreach (p, outputs) {
                bool inside = (top[p] + down < s->height) & (left[p] + right < s->width);
                x[p] = (const float *)(inside ? first[p] + offset : (uintptr_t)j->zeros);
            }
            for (size_t c = 0; c < s->channels; c++, weights += vectors * WEFT_LANES) {
                vec w[4];
                foreach (b, vectors)
                    w[b] = vec_load(weights + b * WEFT_LANES);
                foreach (p, outputs) {
                    foreach (b, vectors)
                        sum[p][b] += w[b] * x[p][c];
                }
            }
        }
    }
    foreach (p, outputs) {
        size_t to = (output + (size_t)p) * j->out_filled + j->from;
        foreach (b, vectors) {
            vec y = sum[p][b];
            if (j->residual)
                y += vec_load(j->residual + to + b * WEFT_LANES);
            vec_store(j->out + to + b * WEFT_LANES, vec_clamp(y, s->low, s->high));
        }
    }
}

INLINE void block_run(const struct job *j, size_t count, const int vectors, const int outputs)
{
    struct place next = place_of(j, 0);
    size_t output = 0, step = (size_t)outputs;
    for (; output + step <= count; output += step)
        tile_run(j, output, &next, vectors, outputs);
    if (output == count)
        return;
    if (count >= step) {
        next = place_of(j, count - step);
        tile_run(j, count - step, &next, vectors, outputs);
        return;
    }
    for (; output < count; output++)
        tile_run(j, output, &next, vectors, 1);
}

/* Functions of their own, so that the compiler allots registers for each tile alone. As many outputs as registers hold
 * sums; weft_conv_direct_block says how many vectors there can be. */
#define BLOCK(vectors, outputs)                                                                                        \
    static __attribute__((noinline)) void block_##vectors(const struct job *j, size_t count)                           \
    {                                                                                                                  \
        block_run(j, count, vectors, outputs);                                                                         \
    }
#if WEFT_LANES == 16
BLOCK(1, 8)
BLOCK(2, 8)
BLOCK(3, 8)
BLOCK(4, 6)
#else
BLOCK(1, 8)
BLOCK(2, 6)
BLOCK(3, 4)
#endif

void SIMD_NAME(weft_conv_direct)(const struct weft_conv_shape *shape, float *out, const float *in, size_t n,
                                 const float *weights, const float *bias, const float *residual, const float *zeros)
{
    struct job j = {
        .shape = shape,
        .out = out,
        .in = in,
        .weights = weights,
        .bias = bias,
        .residual = residual,
        .zeros = zeros,
        .filled = weft_layout_filled(shape->channels, WEFT_LANES),
        .out_filled = weft_layout_filled(shape->filters, WEFT_LANES),
    };
    size_t count = n * shape->out_height * shape->out_width, vectors = j.out_filled / WEFT_LANES;
    for (size_t first = 0, block; first < vectors; first += block) {
        block = weft_conv_direct_block(vectors - first, WEFT_LANES);
        j.from = first * WEFT_LANES;
        switch (block) {
        case 1: block_1(&j, count); break;
        case 2: block_2(&j, count); break;
#if WEFT_LANES == 16
        case 4: block_4(&j, count); break;
#endif
        default: block_3(&j, count); break;
        }
        j.bias += block * WEFT_LANES;
        j.weights += block * WEFT_LANES * weft_conv_taps(shape);
    }
}
