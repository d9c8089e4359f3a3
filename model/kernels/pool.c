#include "model/kernels/pool.h"

#include <math.h>

/* The part of a window that lies inside the image, along one axis. */
struct span {
    size_t from, to;
    size_t counted; /* by a mean, which divides by it */
};

static struct span window(size_t out, size_t stride, size_t pad, size_t kernel, size_t size)
{
    size_t start = out * stride, end = start + kernel;
    struct span inside = {start > pad ? start - pad : 0, end > pad ? end - pad : 0, 0};
    if (inside.to > size)
        inside.to = size;
    inside.counted = inside.to - inside.from;
    return inside;
}

static struct span rows_of(const struct weft_pool_shape *s, size_t y)
{
    struct span rows = window(y, s->stride_y, s->pad_top, s->kernel_height, s->height);
    if (s->count_padded)
        rows.counted = s->kernel_height - (y + 1 == s->out_height ? s->overhang_y : 0);
    return rows;
}

static struct span columns_of(const struct weft_pool_shape *s, size_t x)
{
    struct span columns = window(x, s->stride_x, s->pad_left, s->kernel_width, s->width);
    if (s->count_padded)
        columns.counted = s->kernel_width - (x + 1 == s->out_width ? s->overhang_x : 0);
    return columns;
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
    return s->mean ? sum / (float)(y.counted * x.counted) : most;
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

static void run_planes(const struct weft_pool_shape *s, const struct weft_variant *variant, float *out, const float *in)
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
            struct span rows = rows_of(s, y);
            for (size_t x = 0; x < s->out_width; x++)
                *out++ = pool_window(s, in, rows, columns_of(s, x));
        }
    }
}

static void run_pixels(const struct weft_pool_shape *s, const struct weft_variant *variant, float *out, const float *in)
{
    size_t filled = weft_layout_filled(s->channels, variant->lanes);
    for (size_t y = 0; y < s->out_height; y++) {
        struct span rows = rows_of(s, y);
        for (size_t x = 0; x < s->out_width; x++, out += filled) {
            struct span columns = columns_of(s, x);
            variant->pool_pixel(out, in + (rows.from * s->width + columns.from) * filled, rows.to - rows.from,
                                columns.to - columns.from, s->width * filled, filled, s->mean,
                                1 / (float)(rows.counted * columns.counted));
        }
    }
}

void weft_pool_run(const struct weft_pool_shape *s, const struct weft_variant *variant, float *out, const float *in)
{
    if (s->layout == WEFT_LAYOUT_PIXELS)
        run_pixels(s, variant, out, in);
    else
        run_planes(s, variant, out, in);
}

/* A vector load and operation for each element of a window in pixels, and one for each element otherwise, unless there
 * is a kernel for it. */
size_t weft_pool_cost(const struct weft_pool_shape *s, size_t lanes)
{
    size_t windows = s->out_height * s->out_width, whole = s->kernel_height * s->kernel_width;
    if (s->layout == WEFT_LAYOUT_PIXELS)
        return windows * (whole * weft_layout_filled(s->channels, lanes) / lanes + 10);
    if (is_max_2x2(s) || is_whole_mean(s))
        return s->channels * (s->height * s->width / lanes + s->height);
    return s->channels * windows * (2 * whole + 5);
}
