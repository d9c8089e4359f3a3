/* Operators that look at windows of an image: convolution, pools, and reductions, which are pools of one window. */
#include <math.h>
#include <string.h>

#include "model/onnx/constants.h"
#include "model/onnx/operators.h"

/* Along y (0) and x (1). */
struct windows {
    size_t kernel[2], stride[2], dilation[2], before[2], out[2];
    size_t overhang[2]; /* of the last window, past the padding */
};

static int place_windows(const struct weft_node_reader *r, const size_t size[2], struct windows *w)
{
    const Onnx__AttributeProto *automatic = weft_node_attribute(r, "auto_pad");
    int64_t ceil_mode;
    size_t pads[4];
    if (weft_node_sizes(r, "strides", 2, 1, 1, w->stride) != 0 ||
        weft_node_sizes(r, "dilations", 2, 1, 1, w->dilation) != 0 || weft_node_sizes(r, "pads", 4, 0, 0, pads) != 0 ||
        weft_node_int(r, "ceil_mode", 0, &ceil_mode) != 0)
        return -1;
    if (automatic && weft_node_text_is(automatic, "NOTSET"))
        automatic = NULL;
    for (int i = 0; i < 2; i++) {
        size_t reach = (w->kernel[i] - 1) * w->dilation[i] + 1, before = pads[i], after = pads[i + 2];
        if (automatic && weft_node_text_is(automatic, "VALID")) {
            before = after = 0;
        } else if (automatic) {
            bool lower = weft_node_text_is(automatic, "SAME_LOWER");
            if (!lower && !weft_node_text_is(automatic, "SAME_UPPER"))
                return WEFT_NODE_REFUSE(r, "attribute auto_pad has an unknown value");
            size_t out = (size[i] + w->stride[i] - 1) / w->stride[i], needed = (out - 1) * w->stride[i] + reach;
            size_t all = needed > size[i] ? needed - size[i] : 0;
            before = lower ? all - all / 2 : all / 2;
            after = all - before;
        }
        if (before >= reach || after >= reach)
            return WEFT_NODE_REFUSE(r, "padding of %zu is not smaller than the kernel's reach of %zu",
                                    before > after ? before : after, reach);
        if (size[i] + before + after < reach)
            return WEFT_NODE_REFUSE(r, "its kernel reaches over %zu, its padded input has only %zu", reach,
                                    size[i] + before + after);
        size_t steps = size[i] + before + after - reach;
        w->before[i] = before;
        w->overhang[i] = 0;
        w->out[i] = steps / w->stride[i] + 1;
        /* A window more where steps are left over, if it still begins inside. */
        if (ceil_mode && steps % w->stride[i] != 0 && w->out[i] * w->stride[i] < size[i] + before) {
            w->overhang[i] = w->out[i] * w->stride[i] - steps;
            w->out[i]++;
        }
    }
    return 0;
}

int weft_operator_conv(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_image(r, 0), *weights = x ? weft_node_constant(r, 1) : NULL;
    struct windows w;
    int64_t groups;
    if (!weights || weft_node_int(r, "group", 1, &groups) != 0)
        return -1;
    if (weights->rank != 4)
        return WEFT_NODE_REFUSE(r, "its weights have %zu dimensions instead of 4", weights->rank);
    size_t filters = weights->dims[0];
    if (groups < 1 || groups > (int64_t)x->dims[0] || x->dims[0] % (size_t)groups || filters % (size_t)groups ||
        weights->dims[1] != x->dims[0] / (size_t)groups)
        return WEFT_NODE_REFUSE(r, "weights (%zu, %zu, %zu, %zu) do not fit %zu channels in %lld groups", filters,
                                weights->dims[1], weights->dims[2], weights->dims[3], x->dims[0], (long long)groups);
    if (weft_node_sizes(r, "kernel_shape", 2, 1, 1, w.kernel) != 0)
        return -1;
    if (weft_node_attribute(r, "kernel_shape") && (w.kernel[0] != weights->dims[2] || w.kernel[1] != weights->dims[3]))
        return WEFT_NODE_REFUSE(r, "kernel_shape is not that of its weights");
    memcpy(w.kernel, weights->dims + 2, sizeof w.kernel);
    for (int i = 0; i < 2; i++)
        if (w.kernel[i] < 1 || w.kernel[i] > WEFT_GRAPH_SIDE_MAX)
            return WEFT_NODE_REFUSE(r, "its kernel has a side of %zu, which is not within 1..%d", w.kernel[i],
                                    WEFT_GRAPH_SIDE_MAX);
    if (place_windows(r, x->dims + 1, &w) != 0)
        return -1;
    struct weft_conv_shape shape = {.groups = (size_t)groups,
                                    .channels = weights->dims[1],
                                    .height = x->dims[1],
                                    .width = x->dims[2],
                                    .filters = filters / (size_t)groups,
                                    .out_height = w.out[0],
                                    .out_width = w.out[1],
                                    .kernel_height = w.kernel[0],
                                    .kernel_width = w.kernel[1],
                                    .stride_y = w.stride[0],
                                    .stride_x = w.stride[1],
                                    .dilation_y = w.dilation[0],
                                    .dilation_x = w.dilation[1],
                                    .pad_top = w.before[0],
                                    .pad_left = w.before[1],
                                    .low = -INFINITY,
                                    .high = INFINITY};
    /* What kernels need beside the output: the padded input, its columns for GEMM, and packed weights. */
    size_t taps = weft_conv_taps(&shape), size;
    if (!weft_graph_product(shape.channels, weft_conv_padded_height(&shape), WEFT_GRAPH_DATA_MAX, &size) ||
        !weft_graph_product(size, weft_conv_padded_width(&shape), WEFT_GRAPH_DATA_MAX, &size) ||
        !weft_graph_product(taps, shape.out_height, WEFT_GRAPH_DATA_MAX, &size) ||
        !weft_graph_product(size, shape.out_width, WEFT_GRAPH_DATA_MAX, &size) ||
        !weft_graph_take_weights(r->graph, filters + shape.groups * WEFT_LANES_MAX,
                                 weft_conv_filter_weights_max(&shape)))
        return WEFT_NODE_REFUSE(r, "it is too large");
    r->node->op = WEFT_GRAPH_CONV;
    r->node->as.conv.shape = shape;
    r->node->as.conv.weights = weft_constant_floats(weights, r->err);
    if (!r->node->as.conv.weights)
        return -1;
    if (weft_node_has_input(r, 2) && !(r->node->as.conv.bias = weft_node_floats(r, 2, filters)))
        return -1;
    return weft_node_output(r, 3, (size_t[]){filters, w.out[0], w.out[1]});
}

/* The windows of MaxPool or AveragePool. */
static int read_windows(const struct weft_node_reader *r, const size_t size[2], struct windows *w, bool *count_padded)
{
    int64_t counted, storage_order;
    if (weft_node_int(r, "count_include_pad", 0, &counted) != 0 ||
        weft_node_int(r, "storage_order", 0, &storage_order) != 0)
        return -1;
    if (!weft_node_attribute(r, "kernel_shape"))
        return WEFT_NODE_REFUSE(r, "attribute kernel_shape is missing");
    if (weft_node_sizes(r, "kernel_shape", 2, 1, 1, w->kernel) != 0 || place_windows(r, size, w) != 0)
        return -1;
    if (w->dilation[0] != 1 || w->dilation[1] != 1)
        return WEFT_NODE_REFUSE(r, "dilated pooling is not supported");
    *count_padded = counted != 0;
    return 0;
}

static int read_pool(const struct weft_node_reader *r, bool mean, bool whole)
{
    const struct weft_graph_value *x = weft_node_image(r, 0);
    bool count_padded = false;
    if (!x)
        return -1;
    struct windows w = {.kernel = {x->dims[1], x->dims[2]}, .stride = {1, 1}, .out = {1, 1}};
    if (!whole && read_windows(r, x->dims + 1, &w, &count_padded) != 0)
        return -1;
    r->node->op = WEFT_GRAPH_POOL;
    r->node->as.pool = (struct weft_pool_shape){.mean = mean,
                                                .count_padded = count_padded,
                                                .channels = x->dims[0],
                                                .height = x->dims[1],
                                                .width = x->dims[2],
                                                .out_height = w.out[0],
                                                .out_width = w.out[1],
                                                .kernel_height = w.kernel[0],
                                                .kernel_width = w.kernel[1],
                                                .stride_y = w.stride[0],
                                                .stride_x = w.stride[1],
                                                .pad_top = w.before[0],
                                                .pad_left = w.before[1],
                                                .overhang_y = w.overhang[0],
                                                .overhang_x = w.overhang[1]};
    return weft_node_output(r, 3, (size_t[]){x->dims[0], w.out[0], w.out[1]});
}

int weft_operator_max_pool(const struct weft_node_reader *r)
{
    return read_pool(r, false, false);
}

int weft_operator_average_pool(const struct weft_node_reader *r)
{
    return read_pool(r, true, false);
}

int weft_operator_global_max_pool(const struct weft_node_reader *r)
{
    return read_pool(r, false, true);
}

int weft_operator_global_average_pool(const struct weft_node_reader *r)
{
    return read_pool(r, true, true);
}

/* ReduceMean and ReduceMax over neighbouring dimensions: a pool over the rows of (before, reduced, after). */
static int read_reduction(const struct weft_node_reader *r, bool mean)
{
    const struct weft_graph_value *x = weft_node_data(r, 0);
    unsigned axes;
    int64_t keep;
    if (!x || weft_node_axes(r, 1, x->rank + 1, false, &axes) != 0 || weft_node_int(r, "keepdims", 1, &keep) != 0)
        return -1;
    size_t sizes[3] = {1, 1, 1}, rank = 0, dims[WEFT_GRAPH_RANK_MAX];
    bool begun = false, ended = false, apart = false;
    for (size_t i = 0; i < x->rank; i++) {
        bool reduced = axes >> (i + 1) & 1;
        apart = apart || (reduced && ended);
        ended = ended || (begun && !reduced);
        begun = begun || reduced;
        sizes[reduced ? 1 : begun ? 2 : 0] *= x->dims[i];
        if (!reduced || keep)
            dims[rank++] = reduced ? 1 : x->dims[i];
    }
    if (axes & 1 || !begun || apart || rank == 0)
        return WEFT_NODE_REFUSE(r, "only neighbouring dimensions within an image can be reduced, and not all of them");
    r->node->op = WEFT_GRAPH_POOL;
    r->node->as.pool = (struct weft_pool_shape){.mean = mean,
                                                .channels = sizes[0],
                                                .height = sizes[1],
                                                .width = sizes[2],
                                                .out_height = 1,
                                                .out_width = sizes[2],
                                                .kernel_height = sizes[1],
                                                .kernel_width = 1,
                                                .stride_y = 1,
                                                .stride_x = 1};
    if (x->rank == 3 && sizes[0] == x->dims[0] && sizes[2] == 1) { /* the planes of an image, as they are */
        r->node->as.pool.height = r->node->as.pool.kernel_height = x->dims[1];
        r->node->as.pool.width = r->node->as.pool.kernel_width = x->dims[2];
    }
    return weft_node_output(r, rank, dims);
}

int weft_operator_reduce_mean(const struct weft_node_reader *r)
{
    return read_reduction(r, true);
}

int weft_operator_reduce_max(const struct weft_node_reader *r)
{
    return read_reduction(r, false);
}
