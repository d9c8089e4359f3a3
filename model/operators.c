/* The operators of ONNX that weft computes: attributes and inputs checked, shapes inferred. What each one means is said
 * in ONNX's operator reference; what is not supported is refused here by name. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/node_reader.h"

/* Windows of convolutions and pools, along y (0) and x (1). */

struct windows {
    size_t kernel[2], stride[2], dilation[2], before[2], out[2];
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
        w->out[i] = steps / w->stride[i] + 1;
        /* A window more where steps are left over, if it still begins inside. */
        if (ceil_mode && steps % w->stride[i] != 0 && w->out[i] * w->stride[i] < size[i] + before)
            w->out[i]++;
    }
    return 0;
}

static int read_conv(const struct weft_node_reader *r)
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
    if (w.kernel[0] > WEFT_GRAPH_SIDE_MAX || w.kernel[1] > WEFT_GRAPH_SIDE_MAX)
        return WEFT_NODE_REFUSE(r, "its kernel is larger than %d", WEFT_GRAPH_SIDE_MAX);
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
    /* What kernels need beside the output: the padded input, its columns for GEMM, weights filled up to whole vectors.
     */
    size_t taps = shape.channels * shape.kernel_height * shape.kernel_width, size;
    if (!weft_graph_product(shape.channels, weft_conv_padded_height(&shape), WEFT_GRAPH_DATA_MAX, &size) ||
        !weft_graph_product(size, weft_conv_padded_width(&shape), WEFT_GRAPH_DATA_MAX, &size) ||
        !weft_graph_product(taps, shape.out_height, WEFT_GRAPH_DATA_MAX, &size) ||
        !weft_graph_product(size, shape.out_width, WEFT_GRAPH_DATA_MAX, &size) ||
        !weft_graph_product(filters + shape.groups * WEFT_LANES_MAX, taps, WEFT_GRAPH_WEIGHTS_MAX, &size))
        return WEFT_NODE_REFUSE(r, "it is too large");
    r->node->op = WEFT_GRAPH_CONV;
    r->node->as.conv.shape = shape;
    r->node->as.conv.weights = weft_graph_floats(weights, r->err);
    if (!r->node->as.conv.weights)
        return -1;
    if (weft_node_has_input(r, 2) && !(r->node->as.conv.bias = weft_node_floats(r, 2, filters)))
        return -1;
    return weft_node_output(r, 3, (size_t[]){filters, w.out[0], w.out[1]});
}

static int read_batch_normalization(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_data(r, 0);
    int64_t training;
    if (!x || weft_node_int(r, "training_mode", 0, &training) != 0 ||
        weft_node_float(r, "epsilon", 1e-5f, &r->node->as.scale.epsilon) != 0)
        return -1;
    if (training)
        return WEFT_NODE_REFUSE(r, "it is in training mode; export the model for inference");
    r->node->op = WEFT_GRAPH_SCALE;
    size_t channels = x->dims[0];
    if (!(r->node->as.scale.gamma = weft_node_floats(r, 1, channels)) ||
        !(r->node->as.scale.beta = weft_node_floats(r, 2, channels)) ||
        !(r->node->as.scale.mean = weft_node_floats(r, 3, channels)) ||
        !(r->node->as.scale.variance = weft_node_floats(r, 4, channels)))
        return -1;
    for (size_t i = 0; i < channels; i++)
        if (!(r->node->as.scale.variance[i] + r->node->as.scale.epsilon > 0))
            return WEFT_NODE_REFUSE(r, "its variance is not positive");
    return weft_node_output_like(r, x);
}

static int read_relu(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_data(r, 0);
    if (!x)
        return -1;
    r->node->op = WEFT_GRAPH_CLAMP;
    r->node->as.clamp.low = 0;
    r->node->as.clamp.high = INFINITY;
    return weft_node_output_like(r, x);
}

static int read_clip(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_data(r, 0);
    float *bounds[] = {&r->node->as.clamp.low, &r->node->as.clamp.high};
    if (!x || weft_node_float(r, "min", -INFINITY, bounds[0]) != 0 ||
        weft_node_float(r, "max", INFINITY, bounds[1]) != 0)
        return -1;
    for (size_t i = 0; i < 2; i++) {
        const float *bound = NULL;
        if (weft_node_has_input(r, i + 1) && !(bound = weft_node_floats(r, i + 1, 1)))
            return -1;
        if (bound)
            *bounds[i] = *bound;
    }
    r->node->op = WEFT_GRAPH_CLAMP;
    return weft_node_output_like(r, x);
}

/* Whether the constant, broadcast against a batch of data, gives one number for all (single) or for each channel. */
static bool is_per_channel(const struct weft_graph_value *constant, const struct weft_graph_value *data, bool *single)
{
    *single = constant->size == 1 && constant->rank <= data->rank + 1;
    if (*single)
        return true;
    for (size_t i = 0; i < constant->rank; i++)
        if (constant->dims[i] != (constant->rank - i == data->rank ? data->dims[0] : 1))
            return false;
    return constant->rank >= data->rank && constant->rank <= data->rank + 1;
}

static int read_add(const struct weft_node_reader *r)
{
    const struct weft_graph_value *a = weft_node_input(r, 0), *b = a ? weft_node_input(r, 1) : NULL;
    if (!b)
        return -1;
    if (!a->tensor && !b->tensor) {
        r->node->op = WEFT_GRAPH_ADD;
        if (!weft_node_data(r, 0) || !weft_node_data(r, 1))
            return -1;
        if (a->rank != b->rank || memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) != 0)
            return WEFT_NODE_REFUSE(r, "its inputs differ in shape");
        return weft_node_output_like(r, a);
    }
    const struct weft_graph_value *constant = a->tensor ? a : b, *data = weft_node_data(r, a->tensor ? 1 : 0);
    if (!data)
        return -1;
    r->node->op = WEFT_GRAPH_ADD_CONSTANT;
    if (!is_per_channel(constant, data, &r->node->as.add_constant.single))
        return WEFT_NODE_REFUSE(r, "constant '%.100s' is not one number for each channel", constant->name);
    r->node->as.add_constant.shift = weft_graph_floats(constant, r->err);
    return r->node->as.add_constant.shift ? weft_node_output_like(r, data) : -1;
}

static int read_pool(const struct weft_node_reader *r, bool mean, bool whole)
{
    const struct weft_graph_value *x = weft_node_image(r, 0);
    int64_t ceil_mode, count_padded = 0, storage_order = 0;
    if (!x)
        return -1;
    struct windows w = {.kernel = {x->dims[1], x->dims[2]}, .stride = {1, 1}, .out = {1, 1}};
    if (!whole && (weft_node_int(r, "ceil_mode", 0, &ceil_mode) != 0 ||
                   weft_node_int(r, "count_include_pad", 0, &count_padded) != 0 ||
                   weft_node_int(r, "storage_order", 0, &storage_order) != 0))
        return -1;
    if (!whole && !weft_node_attribute(r, "kernel_shape"))
        return WEFT_NODE_REFUSE(r, "attribute kernel_shape is missing");
    if (!whole &&
        (weft_node_sizes(r, "kernel_shape", 2, 1, 1, w.kernel) != 0 || place_windows(r, x->dims + 1, &w) != 0))
        return -1;
    if (!whole && (w.dilation[0] != 1 || w.dilation[1] != 1))
        return WEFT_NODE_REFUSE(r, "dilated pooling is not supported");
    if (!whole && ceil_mode && count_padded)
        return WEFT_NODE_REFUSE(r, "ceil_mode together with count_include_pad is not supported");
    r->node->op = WEFT_GRAPH_POOL;
    r->node->as.pool = (struct weft_pool_shape){.mean = mean,
                                                .count_padded = count_padded != 0,
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
                                                .pad_left = w.before[1]};
    return weft_node_output(r, 3, (size_t[]){x->dims[0], w.out[0], w.out[1]});
}

static int read_max_pool(const struct weft_node_reader *r)
{
    return read_pool(r, false, false);
}

static int read_average_pool(const struct weft_node_reader *r)
{
    return read_pool(r, true, false);
}

static int read_global_average_pool(const struct weft_node_reader *r)
{
    return read_pool(r, true, true);
}

static int read_identity(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_data(r, 0);
    r->node->op = WEFT_GRAPH_RESHAPE;
    return x ? weft_node_output_like(r, x) : -1;
}

static int read_dropout(const struct weft_node_reader *r)
{
    if (weft_node_has_input(r, 2)) {
        const struct weft_graph_value *training = weft_node_constant(r, 2);
        if (!training)
            return -1;
        const Onnx__TensorProto *tensor = training->tensor;
        bool off = (tensor->has_raw_data && tensor->raw_data.len == 1 && tensor->raw_data.data[0] == 0) ||
                   (!tensor->has_raw_data && tensor->n_int32_data == 1 && tensor->int32_data[0] == 0);
        if (!off)
            return WEFT_NODE_REFUSE(r, "it is in training mode; export the model for inference");
    }
    return read_identity(r);
}

static int read_flatten(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_data(r, 0);
    int64_t axis;
    if (!x || weft_node_int(r, "axis", 1, &axis) != 0)
        return -1;
    if (axis != 1 && axis != -(int64_t)x->rank)
        return WEFT_NODE_REFUSE(r, "axis %lld would mix the images of a batch; only 1 is supported", (long long)axis);
    r->node->op = WEFT_GRAPH_RESHAPE;
    return weft_node_output(r, 1, &x->size);
}

static int read_reshape(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_data(r, 0), *target = x ? weft_node_constant(r, 1) : NULL;
    const int64_t *shape = target ? weft_graph_integers(target, r->err) : NULL;
    int64_t allow_zero;
    if (!shape || weft_node_int(r, "allowzero", 0, &allow_zero) != 0)
        return -1;
    if (target->rank != 1 || target->size < 2 || target->size > WEFT_GRAPH_RANK_MAX || allow_zero)
        return WEFT_NODE_REFUSE(r, "its target '%.100s' is not a shape of 2 to %d dimensions", target->name,
                                WEFT_GRAPH_RANK_MAX);
    size_t rank = target->size - 1, dims[WEFT_GRAPH_RANK_MAX], known = 1, open = rank;
    for (size_t i = 0; i < rank; i++) {
        int64_t dim = shape[i + 1];
        if (dim == 0 && i < x->rank)
            dim = (int64_t)x->dims[i];
        if (dim == -1 && open == rank) {
            open = i;
            continue;
        }
        if (dim < 1 || !weft_graph_product(known, (size_t)dim, WEFT_GRAPH_DATA_MAX, &known))
            return WEFT_NODE_REFUSE(r, "its target has a dimension of %lld", (long long)dim);
        dims[i] = (size_t)dim;
    }
    if (open < rank) {
        dims[open] = x->size / known;
        known *= dims[open];
    }
    bool keeps_batch =
        shape[0] == 0 || (shape[0] == -1 && open == rank) || (r->graph->batch && shape[0] == (int64_t)r->graph->batch);
    if (!keeps_batch || known != x->size)
        return WEFT_NODE_REFUSE(
            r,
            "its target does not keep the %zu numbers of an image together; the first dimension must be 0 "
            "or -1 for the batch",
            x->size);
    r->node->op = WEFT_GRAPH_RESHAPE;
    return weft_node_output(r, rank, dims);
}

static int read_dense(const struct weft_node_reader *r, bool transposed, float alpha, float beta)
{
    const struct weft_graph_value *x = weft_node_data(r, 0), *weights = x ? weft_node_constant(r, 1) : NULL;
    if (!weights)
        return -1;
    if (x->rank != 1 || weights->rank != 2 || weights->dims[transposed ? 1 : 0] != x->size)
        return WEFT_NODE_REFUSE(
            r, "weights of %zu dimensions (%zu, %zu) do not fit data of %zu dimensions and %zu numbers", weights->rank,
            weights->rank > 0 ? weights->dims[0] : 0, weights->rank > 1 ? weights->dims[1] : 0, x->rank + 1, x->size);
    size_t outputs = weights->dims[transposed ? 0 : 1], size;
    if (!weft_graph_product(outputs + WEFT_LANES_MAX, x->size, WEFT_GRAPH_WEIGHTS_MAX, &size))
        return WEFT_NODE_REFUSE(r, "it is too large");
    r->node->op = WEFT_GRAPH_DENSE;
    r->node->as.dense.inputs = x->size;
    r->node->as.dense.outputs = outputs;
    r->node->as.dense.transposed = transposed;
    r->node->as.dense.alpha = alpha;
    r->node->as.dense.beta = beta;
    if (!(r->node->as.dense.weights = weft_graph_floats(weights, r->err)))
        return -1;
    if (weft_node_has_input(r, 2)) {
        struct weft_graph_value y = {.rank = 1, .dims = {outputs}, .size = outputs};
        const struct weft_graph_value *bias = weft_node_constant(r, 2);
        if (bias && !is_per_channel(bias, &y, &r->node->as.dense.single_bias))
            return WEFT_NODE_REFUSE(r, "bias '%.100s' does not fit %zu outputs", bias->name, outputs);
        if (!bias || !(r->node->as.dense.bias = weft_graph_floats(bias, r->err)))
            return -1;
    }
    return weft_node_output(r, 1, &outputs);
}

static int read_gemm(const struct weft_node_reader *r)
{
    int64_t trans_a, trans_b;
    float alpha, beta;
    if (weft_node_int(r, "transA", 0, &trans_a) != 0 || weft_node_int(r, "transB", 0, &trans_b) != 0 ||
        weft_node_float(r, "alpha", 1, &alpha) != 0 || weft_node_float(r, "beta", 1, &beta) != 0)
        return -1;
    if (trans_a || !isfinite(alpha) || !isfinite(beta))
        return WEFT_NODE_REFUSE(r, "transA or a factor that is not finite is not supported");
    return read_dense(r, trans_b != 0, alpha, beta);
}

static int read_mat_mul(const struct weft_node_reader *r)
{
    return read_dense(r, false, 1, 1);
}

static int read_transpose(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_data(r, 0);
    const Onnx__AttributeProto *order = weft_node_attribute(r, "perm");
    if (!x)
        return -1;
    size_t dims[WEFT_GRAPH_RANK_MAX];
    unsigned seen = 1;
    if (!order || order->n_ints != x->rank + 1 || order->ints[0] != 0)
        return WEFT_NODE_REFUSE(r, "only transpositions that leave the batch in front are supported");
    for (size_t i = 0; i < x->rank; i++) {
        int64_t axis = order->ints[i + 1];
        if (axis < 1 || axis > (int64_t)x->rank || seen & 1u << axis)
            return WEFT_NODE_REFUSE(r, "attribute perm is not a permutation");
        seen |= 1u << axis;
        r->node->as.transpose.axes[i] = (size_t)axis - 1;
        dims[i] = x->dims[axis - 1];
    }
    r->node->op = WEFT_GRAPH_TRANSPOSE;
    return weft_node_output(r, x->rank, dims);
}

static int read_softmax(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_data(r, 0);
    int64_t axis;
    /* Up to opset 12 all dimensions from the axis on are one vector, and the axis is 1 unless said otherwise. */
    bool flat = r->opset < 13;
    if (!x || weft_node_int(r, "axis", flat ? 1 : -1, &axis) != 0)
        return -1;
    if (axis < 0)
        axis += (int64_t)x->rank + 1;
    if (axis != 1 || (!flat && x->dims[0] != x->size))
        return WEFT_NODE_REFUSE(r, "it does not go over all numbers of an image");
    r->node->op = WEFT_GRAPH_SOFTMAX;
    r->node->as.softmax.logarithm = strcmp(r->proto->op_type, "LogSoftmax") == 0;
    return weft_node_output_like(r, x);
}

static int read_concat(const struct weft_node_reader *r)
{
    int64_t axis = 0;
    if (!weft_node_attribute(r, "axis") || weft_node_int(r, "axis", 0, &axis) != 0)
        return WEFT_NODE_REFUSE(r, "attribute axis is missing");
    const struct weft_graph_value *first = weft_node_data(r, 0);
    if (!first)
        return -1;
    if (axis < 0)
        axis += (int64_t)first->rank + 1;
    if (axis < 1 || axis > (int64_t)first->rank)
        return WEFT_NODE_REFUSE(r, "its axis is not one within an image");
    size_t at = (size_t)axis - 1, dims[WEFT_GRAPH_RANK_MAX];
    memcpy(dims, first->dims, sizeof dims);
    for (size_t i = 1; i < r->proto->n_input; i++) {
        const struct weft_graph_value *x = weft_node_data(r, i);
        if (!x)
            return -1;
        for (size_t k = 0; k < first->rank; k++)
            if (x->rank != first->rank || (k != at && x->dims[k] != first->dims[k]))
                return WEFT_NODE_REFUSE(r, "its inputs differ in shape beside the axis");
        dims[at] += x->dims[at];
    }
    r->node->op = WEFT_GRAPH_CONCAT;
    r->node->as.concat.axis = at;
    return weft_node_output(r, first->rank, dims);
}

static int read_constant(const struct weft_node_reader *r)
{
    const Onnx__AttributeProto *a = weft_node_attribute(r, "value");
    if (!a || !a->t || r->proto->n_output != 1 || a->t->n_dims > WEFT_GRAPH_RANK_MAX)
        return WEFT_NODE_REFUSE(r, "only constants given as a tensor are supported");
    struct weft_graph_value value = {.name = r->proto->output[0], .tensor = a->t, .rank = a->t->n_dims};
    for (size_t i = 0; i < value.rank; i++)
        value.dims[i] = a->t->dims[i] < 0 ? 0 : (size_t)a->t->dims[i];
    return weft_graph_add(r->graph, value, WEFT_GRAPH_WEIGHTS_MAX, r->err) < 0 ? -1 : 0;
}

static const struct {
    const char *type;
    int (*read)(const struct weft_node_reader *r);
} operators[] = {
    {"Add", read_add},
    {"AveragePool", read_average_pool},
    {"BatchNormalization", read_batch_normalization},
    {"Clip", read_clip},
    {"Concat", read_concat},
    {"Constant", read_constant},
    {"Conv", read_conv},
    {"Dropout", read_dropout},
    {"Flatten", read_flatten},
    {"Gemm", read_gemm},
    {"GlobalAveragePool", read_global_average_pool},
    {"Identity", read_identity},
    {"LogSoftmax", read_softmax},
    {"MatMul", read_mat_mul},
    {"MaxPool", read_max_pool},
    {"Relu", read_relu},
    {"Reshape", read_reshape},
    {"Softmax", read_softmax},
    {"Transpose", read_transpose},
};

int weft_graph_read_node(struct weft_graph *graph, const Onnx__NodeProto *proto, int opset,
                         struct weft_graph_node *node, bool *is_node, struct weft_error *err)
{
    struct weft_node_reader r = {graph, proto, opset, node, err};
    bool own = !proto->domain || !*proto->domain || strcmp(proto->domain, "ai.onnx") == 0;
    node->name = proto->name ? proto->name : "";
    node->inputs = calloc(proto->n_input + 1, sizeof *node->inputs);
    if (!node->inputs)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory");
    for (size_t i = 0; own && proto->op_type && i < sizeof operators / sizeof *operators; i++) {
        if (strcmp(operators[i].type, proto->op_type) == 0) {
            node->type = operators[i].type;
            *is_node = operators[i].read != read_constant;
            int failed = operators[i].read(&r);
            if (!failed && !*is_node) {
                free(node->inputs);
                *node = (struct weft_graph_node){0};
            }
            return failed;
        }
    }
    return weft_error_set(err, WEFT_ERROR_CONFIG, "weft does not compute this operator");
}
