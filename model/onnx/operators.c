/* The operators of ONNX that weft computes: attributes and inputs checked, shapes inferred. What each one means is said
 * in ONNX's operator reference; what is not supported is refused here by name. Here are those that need no window and
 * keep the shape, or make a vector; the others are beside this file. */
#include "model/onnx/operators.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/onnx/constants.h"

int weft_operator_batch_normalization(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_data(r, 0);
    const float *parts[4]; /* scale, bias, mean, variance */
    int64_t training;
    float epsilon;
    if (!x || weft_node_int(r, "training_mode", 0, &training) != 0 ||
        weft_node_float(r, "epsilon", 1e-5f, &epsilon) != 0)
        return -1;
    if (training)
        return WEFT_NODE_REFUSE(r, "it is in training mode; export the model for inference");
    size_t channels = x->dims[0];
    for (size_t i = 0; i < 4; i++)
        if (!(parts[i] = weft_node_floats(r, i + 1, channels)))
            return -1;
    float *factor = weft_graph_keep(r->graph, channels, sizeof *factor, r->err), *summand;
    if (!factor || !(summand = weft_graph_keep(r->graph, channels, sizeof *summand, r->err)))
        return -1;
    for (size_t i = 0; i < channels; i++) {
        if (!(parts[3][i] + epsilon > 0))
            return WEFT_NODE_REFUSE(r, "its variance is not positive");
        factor[i] = parts[0][i] / sqrtf(parts[3][i] + epsilon);
        summand[i] = parts[1][i] - parts[2][i] * factor[i];
    }
    r->node->op = WEFT_GRAPH_SCALE;
    r->node->as.scale.count = channels;
    r->node->as.scale.factor = factor;
    r->node->as.scale.summand = summand;
    r->node->as.scale.parameter_count = 2 * channels;
    return weft_node_output_like(r, x);
}

/* Where nothing before it can clamp, it becomes a scale with a factor and a summand for each channel. */
static int give_clamped(const struct weft_node_reader *r, const struct weft_graph_value *x)
{
    r->node->op = WEFT_GRAPH_CLAMP;
    if (!weft_graph_take_weights(r->graph, 2, x->dims[0]))
        return WEFT_NODE_REFUSE(r, "it is too large");
    return weft_node_output_like(r, x);
}

int weft_operator_relu(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_data(r, 0);
    if (!x)
        return -1;
    r->node->as.clamp.low = 0;
    r->node->as.clamp.high = INFINITY;
    return give_clamped(r, x);
}

int weft_operator_clip(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_data(r, 0);
    float *bounds[] = {&r->node->as.clamp.low, &r->node->as.clamp.high};
    if (!x || weft_node_float(r, "min", -INFINITY, bounds[0]) != 0 ||
        weft_node_float(r, "max", INFINITY, bounds[1]) != 0)
        return -1;
    for (size_t i = 0; i < 2; i++) {
        const struct weft_graph_value *bound = weft_node_has_input(r, i + 1) ? weft_node_constant(r, i + 1) : NULL;
        if (weft_node_has_input(r, i + 1) && (!bound || weft_constant_number(bound, bounds[i], r->err) != 0))
            return -1;
    }
    return give_clamped(r, x);
}

/* Max or Min with one number. */
static int read_bound(const struct weft_node_reader *r, bool low)
{
    const struct weft_graph_value *a = weft_node_input(r, 0), *b = a ? weft_node_input(r, 1) : NULL;
    if (!b || !weft_node_data(r, a->tensor ? 1 : 0))
        return -1;
    if (r->proto->n_input != 2 || (!a->tensor && !b->tensor))
        return WEFT_NODE_REFUSE(r, "it is supported only with one number as its second input");
    r->node->as.clamp.low = -INFINITY;
    r->node->as.clamp.high = INFINITY;
    if (weft_constant_number(a->tensor ? a : b, low ? &r->node->as.clamp.low : &r->node->as.clamp.high, r->err) != 0)
        return -1;
    return give_clamped(r, a->tensor ? b : a);
}

int weft_operator_max(const struct weft_node_reader *r)
{
    return read_bound(r, true);
}

int weft_operator_min(const struct weft_node_reader *r)
{
    return read_bound(r, false);
}

int weft_operator_dropout(const struct weft_node_reader *r)
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
    return weft_operator_identity(r);
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
    size_t outputs = weights->dims[transposed ? 0 : 1];
    if (!weft_graph_take_weights(r->graph, outputs + WEFT_LANES_MAX, x->size))
        return WEFT_NODE_REFUSE(r, "it is too large");
    r->node->op = WEFT_GRAPH_DENSE;
    r->node->as.dense.inputs = x->size;
    r->node->as.dense.outputs = outputs;
    r->node->as.dense.transposed = transposed;
    r->node->as.dense.alpha = alpha;
    r->node->as.dense.beta = beta;
    if (!(r->node->as.dense.weights = weft_constant_floats(weights, r->err)))
        return -1;
    if (weft_node_has_input(r, 2)) {
        const struct weft_graph_value *bias = weft_node_constant(r, 2);
        if (!bias)
            return -1;
        bool fits = bias->rank <= 2 && (bias->rank < 2 || bias->dims[0] == 1);
        r->node->as.dense.single_bias = bias->size == 1;
        if (!fits || (bias->size != 1 && bias->size != outputs))
            return WEFT_NODE_REFUSE(r, "bias '%.100s' does not fit %zu outputs", bias->name, outputs);
        if (!(r->node->as.dense.bias = weft_constant_floats(bias, r->err)))
            return -1;
    }
    return weft_node_output(r, 1, &outputs);
}

int weft_operator_gemm(const struct weft_node_reader *r)
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

int weft_operator_mat_mul(const struct weft_node_reader *r)
{
    return read_dense(r, false, 1, 1);
}

int weft_operator_softmax(const struct weft_node_reader *r)
{
    const struct weft_graph_value *x = weft_node_data(r, 0);
    int64_t axis;
    /* Up to opset 12 all dimensions from the axis on are one vector, and the axis is 1 unless said otherwise. */
    bool flat = r->opset < 13;
    if (!x || weft_node_int(r, "axis", flat ? 1 : -1, &axis) != 0)
        return -1;
    if (axis < 0)
        axis += (int64_t)x->rank + 1;
    size_t along = 1;
    for (int64_t i = axis; i >= 1 && i <= (int64_t)x->rank && (flat || i == axis); i++)
        along *= x->dims[i - 1];
    if (axis < 1 || along != x->size)
        return WEFT_NODE_REFUSE(r, "axis %lld does not take in all numbers of an image", (long long)axis);
    r->node->op = WEFT_GRAPH_SOFTMAX;
    r->node->as.softmax.logarithm = strcmp(r->proto->op_type, "LogSoftmax") == 0;
    return weft_node_output_like(r, x);
}

static const struct {
    const char *type;
    int (*read)(const struct weft_node_reader *r);
} operators[] = {
    {"Add", weft_operator_add},
    {"AveragePool", weft_operator_average_pool},
    {"BatchNormalization", weft_operator_batch_normalization},
    {"Cast", weft_operator_cast},
    {"Clip", weft_operator_clip},
    {"Concat", weft_operator_concat},
    {"Constant", weft_operator_constant},
    {"ConstantOfShape", weft_operator_constant_of_shape},
    {"Conv", weft_operator_conv},
    {"Div", weft_operator_div},
    {"Dropout", weft_operator_dropout},
    {"Flatten", weft_operator_flatten},
    {"Gather", weft_operator_gather},
    {"Gemm", weft_operator_gemm},
    {"GlobalAveragePool", weft_operator_global_average_pool},
    {"GlobalMaxPool", weft_operator_global_max_pool},
    {"Identity", weft_operator_identity},
    {"LogSoftmax", weft_operator_softmax},
    {"MatMul", weft_operator_mat_mul},
    {"Max", weft_operator_max},
    {"MaxPool", weft_operator_max_pool},
    {"Min", weft_operator_min},
    {"Mul", weft_operator_mul},
    {"Pad", weft_operator_pad},
    {"ReduceMax", weft_operator_reduce_max},
    {"ReduceMean", weft_operator_reduce_mean},
    {"Relu", weft_operator_relu},
    {"Reshape", weft_operator_reshape},
    {"Shape", weft_operator_shape},
    {"Slice", weft_operator_slice},
    {"Softmax", weft_operator_softmax},
    {"Squeeze", weft_operator_squeeze},
    {"Sub", weft_operator_sub},
    {"Transpose", weft_operator_transpose},
    {"Unsqueeze", weft_operator_unsqueeze},
};

int weft_operator_read(struct weft_graph *graph, const Onnx__NodeProto *proto, int opset, struct weft_graph_node *node,
                       bool *is_node, struct weft_error *err)
{
    struct weft_node_reader r = {graph, proto, opset, node, is_node, err};
    bool own = !proto->domain || !*proto->domain || strcmp(proto->domain, "ai.onnx") == 0;
    *is_node = true;
    node->name = proto->name ? proto->name : "";
    node->inputs = calloc(proto->n_input + 1, sizeof *node->inputs);
    if (!node->inputs)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory");
    if (proto->n_output == 0)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "it has no output");
    for (size_t i = 0; own && proto->op_type && i < sizeof operators / sizeof *operators; i++) {
        if (strcmp(operators[i].type, proto->op_type) != 0)
            continue;
        node->type = operators[i].type;
        int failed = operators[i].read(&r);
        if (!failed && !*is_node) {
            free(node->inputs);
            *node = (struct weft_graph_node){0};
        }
        return failed;
    }
    return weft_error_set(err, WEFT_ERROR_CONFIG,
                          "weft does not compute this operator; docs/models.md lists those that it does");
}
