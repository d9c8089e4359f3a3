/* Convolution as a matrix product: under each output pixel lie depth input pixels of its group, one row of the columns;
 * of so many images at a time that they stay in the cache. Takes every convolution. */
#include <math.h>
#include <string.h>

#include "model/train/convolution_method.h"
#include "model/train/gemm.h"

enum { COLUMN_FLOATS = 1 << 16 };

/* Images whose columns are made together. */
static size_t column_images(const struct weft_train_layer *layer)
{
    const size_t floats = weft_convolution_pixels(layer) * weft_convolution_depth(layer);
    return floats > 0 && floats < COLUMN_FLOATS ? COLUMN_FLOATS / floats : 1;
}

/* The input itself is the columns. */
static bool is_pointwise(const struct weft_train_layer *layer)
{
    return layer->window.kernel == 1 && layer->window.stride == 1 && layer->window.padding == 0;
}

/* columns (pixels, depth) of one image and group; zero in the padding. */
static void image_to_columns(const struct weft_train_layer *layer, size_t group, const float *image, float *columns)
{
    const size_t channels = layer->in.channels, part = weft_convolution_group_channels(layer),
                 kernel = layer->window.kernel;
    image += group * part;
    for (size_t oy = 0; oy < layer->out.height; oy++) {
        const struct weft_window_part ys = weft_window_part(layer->window, oy, layer->in.height);
        for (size_t ox = 0; ox < layer->out.width; ox++) {
            const struct weft_window_part xs = weft_window_part(layer->window, ox, layer->in.width);
            const bool whole = xs.last - xs.first == kernel && ys.last - ys.first == kernel;
            if (!whole)
                memset(columns, 0, kernel * kernel * part * sizeof *columns);
            for (size_t y = ys.first; y < ys.last; y++) {
                float *to = columns + ((ys.skipped + y - ys.first) * kernel + xs.skipped) * part;
                const float *from = image + (y * layer->in.width + xs.first) * channels;
                const size_t pixels = xs.last - xs.first;
                if (part == channels)
                    memcpy(to, from, pixels * part * sizeof *to);
                else
                    for (size_t x = 0; x < pixels; x++)
                        memcpy(to + x * part, from + x * channels, part * sizeof *to);
            }
            columns += kernel * kernel * part;
        }
    }
}

/* The transpose of image_to_columns: adds each column's value to the pixel it came from. */
static void add_columns_to_image(const struct weft_train_layer *layer, const struct weft_variant *variant, size_t group,
                                 const float *columns, float *image)
{
    const size_t channels = layer->in.channels, part = weft_convolution_group_channels(layer),
                 kernel = layer->window.kernel;
    image += group * part;
    for (size_t oy = 0; oy < layer->out.height; oy++) {
        const struct weft_window_part ys = weft_window_part(layer->window, oy, layer->in.height);
        for (size_t ox = 0; ox < layer->out.width; ox++, columns += kernel * kernel * part) {
            const struct weft_window_part xs = weft_window_part(layer->window, ox, layer->in.width);
            for (size_t y = ys.first; y < ys.last; y++) {
                const float *from = columns + ((ys.skipped + y - ys.first) * kernel + xs.skipped) * part;
                float *to = image + (y * layer->in.width + xs.first) * channels;
                const size_t pixels = xs.last - xs.first;
                if (part == channels)
                    variant->add(to, to, from, pixels * part, -INFINITY, INFINITY);
                else
                    for (size_t x = 0; x < pixels; x++)
                        for (size_t c = 0; c < part; c++)
                            to[x * channels + c] += from[x * part + c];
            }
        }
    }
}

/* A part of a pass as matrices: columns (rows, depth) of one group. */
struct columns {
    size_t rows;
    struct weft_matrix matrix;
};

/* Of images first..first+n-1; lie in scratch, unless the input is as good. */
static struct columns columns_of(const struct weft_train_layer *layer, const struct weft_pass *pass, size_t group,
                                 size_t first, size_t n)
{
    const size_t pixels = weft_convolution_pixels(layer), depth = weft_convolution_depth(layer);
    const float *images = pass->x[0] + first * weft_shape_size(layer->in);
    if (is_pointwise(layer))
        return (struct columns){n * pixels, {images + group * depth, layer->in.channels, CblasNoTrans}};
    for (size_t i = 0; i < n; i++)
        image_to_columns(layer, group, images + i * weft_shape_size(layer->in), pass->scratch + i * pixels * depth);
    return (struct columns){n * pixels, {pass->scratch, depth, CblasNoTrans}};
}

/* y = columns W. */
static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t depth = weft_convolution_depth(layer), filters = layer->out.channels, part = filters / layer->groups;
    for (size_t first = 0, n; first < pass->n; first += n) {
        n = column_images(layer) < pass->n - first ? column_images(layer) : pass->n - first;
        for (size_t g = 0; g < layer->groups; g++) {
            const struct columns columns = columns_of(layer, pass, g, first, n);
            const struct weft_matrix weights = {pass->weights + layer->weight + g * part, filters, CblasNoTrans};
            weft_gemm(columns.rows, part, depth, columns.matrix, weights, 0,
                      pass->y + first * weft_shape_size(layer->out) + g * part, filters);
        }
    }
}

/* dW += columns^T dy, dcolumns = dy W^T. */
static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t depth = weft_convolution_depth(layer), filters = layer->out.channels, part = filters / layer->groups;
    const size_t in = weft_shape_size(layer->in), pixels = weft_convolution_pixels(layer);
    for (size_t first = 0, n; first < pass->n; first += n) {
        n = column_images(layer) < pass->n - first ? column_images(layer) : pass->n - first;
        float *dx = pass->dx[0] ? pass->dx[0] + first * in : NULL;
        if (dx && !is_pointwise(layer) && !pass->dx_adds[0])
            memset(dx, 0, n * in * sizeof *dx);
        for (size_t g = 0; g < layer->groups; g++) {
            struct columns columns = columns_of(layer, pass, g, first, n);
            const struct weft_matrix dy = {pass->dy + first * weft_shape_size(layer->out) + g * part, filters,
                                           CblasNoTrans};
            columns.matrix.op = CblasTrans;
            weft_gemm(depth, part, columns.rows, columns.matrix, dy, 1,
                      pass->weight_gradients + layer->weight + g * part, filters);
            if (!dx)
                continue;
            const struct weft_matrix weights = {pass->weights + layer->weight + g * part, filters, CblasTrans};
            if (is_pointwise(layer)) {
                weft_gemm(columns.rows, depth, part, dy, weights, pass->dx_adds[0] ? 1 : 0, dx + g * depth,
                          layer->in.channels);
                continue;
            }
            weft_gemm(columns.rows, depth, part, dy, weights, 0, pass->scratch, depth);
            for (size_t i = 0; i < n; i++)
                add_columns_to_image(layer, pass->variant, g, pass->scratch + i * pixels * depth, dx + i * in);
        }
    }
}

static size_t scratch(const struct weft_train_layer *layer, const struct weft_variant *variant)
{
    (void)variant;
    return is_pointwise(layer) ? 0
                               : column_images(layer) * weft_convolution_pixels(layer) * weft_convolution_depth(layer);
}

const struct weft_convolution_method weft_convolution_columns = {
    .scratch = scratch, .forward = forward, .backward = backward};
