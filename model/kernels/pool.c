#include "model/kernels/pool.h"

#include <math.h>

/* The part of a window that lies inside the image, along one axis. */
struct span {
    size_t from, to;
};

static struct span window(size_t out, size_t stride, size_t pad, size_t kernel, size_t size)
{
    size_t start = out * stride, end = start + kernel;
    struct span inside = {start > pad ? start - pad : 0, end > pad ? end - pad : 0};
    if (inside.to > size)
        inside.to = size;
    return inside;
}

static float pool_window(const struct weft_pool_shape *s, const float *plane, struct span y, struct span x)
{
    float sum = 0, most = -INFINITY;
    for (size_t i = y.from; i < y.to; i++) {
        for (size_t j = x.from; j < x.to; j++) {
            float value = plane[i * s->width + j];
            sum += value;
            most = value > most ? value : most;
        }
    }
    size_t count = s->count_padded ? s->kernel_height * s->kernel_width : (y.to - y.from) * (x.to - x.from);
    return s->mean ? sum / (float)count : most;
}

static bool is_max_2x2(const struct weft_pool_shape *s)
{
    return !s->mean && s->kernel_height == 2 && s->kernel_width == 2 && s->stride_y == 2 && s->stride_x == 2 &&
           s->pad_top == 0 && s->pad_left == 0 && s->out_height == s->height / 2 && s->out_width == s->width / 2;
}

static bool is_whole_mean(const struct weft_pool_shape *s)
{
    return s->mean && s->kernel_height == s->height && s->kernel_width == s->width && s->out_height == 1 &&
           s->out_width == 1 && s->pad_top == 0 && s->pad_left == 0;
}

void weft_pool_run(const struct weft_pool_shape *s, const struct weft_variant *variant, float *out, const float *in)
{
    bool max_2x2 = is_max_2x2(s), whole_mean = is_whole_mean(s);
    size_t plane = s->height * s->width;
    for (size_t c = 0; c < s->channels; c++, in += plane) {
        if (max_2x2) {
            variant->max_pool_2x2(out, in, s->height, s->width);
            out += s->out_height * s->out_width;
            continue;
        }
        if (whole_mean) {
            *out++ = variant->sum(in, plane) / (float)plane;
            continue;
        }
        for (size_t y = 0; y < s->out_height; y++) {
            struct span rows = window(y, s->stride_y, s->pad_top, s->kernel_height, s->height);
            for (size_t x = 0; x < s->out_width; x++)
                *out++ = pool_window(s, in, rows, window(x, s->stride_x, s->pad_left, s->kernel_width, s->width));
        }
    }
}
