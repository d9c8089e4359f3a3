#include "model/fold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct folder {
    const struct weft_graph *graph;
    struct weft_layers *out;
    size_t *root;    /* the tensor in which a value lies: its own, or that of what it reshapes */
    size_t *uses;    /* how many layers, or the caller, look at a tensor */
    long *giver;     /* the layer that gives a tensor, -1 for the graph's input */
    float **factors; /* of each layer: those of its rows that its weights do not have yet; or NULL */
};

static float *floats_copy(const float *floats, size_t count)
{
    float *copy = malloc(count * sizeof *copy);
    if (copy)
        memcpy(copy, floats, count * sizeof *copy);
    return copy;
}

static float *floats_new(size_t count, float value)
{
    float *floats = malloc(count * sizeof *floats);
    for (size_t i = 0; floats && i < count; i++)
        floats[i] = value;
    return floats;
}

/* The layer that gives the node's input i, if nothing but this node looks at it; else NULL. */
static struct weft_layer *only_giver(const struct folder *f, const struct weft_graph_node *node, size_t i)
{
    size_t tensor = f->root[node->inputs[i]];
    return f->giver[tensor] >= 0 && f->uses[tensor] == 1 ? &f->out->layers[f->giver[tensor]] : NULL;
}

/* The node goes into a layer that there is already: what the layer gives is now the node's output. */
static void absorb(struct folder *f, struct weft_layer *layer, const struct weft_graph_node *node)
{
    layer->output = node->output;
    layer->output_size = f->graph->values[node->output].size;
    f->giver[node->output] = layer - f->out->layers;
}

static struct weft_layer *append(struct folder *f, const struct weft_graph_node *node, enum weft_layer_kind kind)
{
    struct weft_layer *layer = &f->out->layers[f->out->count];
    *layer = (struct weft_layer){
        .kind = kind,
        .inputs = calloc(node->input_count + 1, sizeof *layer->inputs), /* one more, for a residual */
        .input_sizes = calloc(node->input_count + 1, sizeof *layer->input_sizes),
        .input_count = node->input_count,
        .low = -INFINITY,
        .high = INFINITY,
    };
    f->out->count++;
    if (!layer->inputs || !layer->input_sizes)
        return NULL;
    for (size_t i = 0; i < node->input_count; i++) {
        layer->inputs[i] = f->root[node->inputs[i]];
        layer->input_sizes[i] = f->graph->values[node->inputs[i]].size;
    }
    absorb(f, layer, node);
    return layer;
}

/* Whether weights of the layer can still take in what is linear. */
static bool is_open(const struct weft_layer *layer)
{
    return layer && layer->low == -INFINITY && layer->high == INFINITY &&
           (layer->kind == WEFT_LAYER_DENSE || layer->kind == WEFT_LAYER_SCALE ||
            (layer->kind == WEFT_LAYER_CONV && !layer->as.conv.has_residual && !layer->as.conv.has_pool));
}

/* Outputs of the layer that have weights of their own: filters, outputs, channels. */
static size_t row_count(const struct weft_layer *layer)
{
    return layer->kind == WEFT_LAYER_CONV    ? layer->as.conv.shape.groups * layer->as.conv.shape.filters
           : layer->kind == WEFT_LAYER_DENSE ? layer->as.dense.outputs
                                             : layer->as.scale.channels;
}

/* y = y * factor + summand in each row. Weights wait for scale_weights: there may be very many factors for them. */
static int scale_rows(struct folder *f, struct weft_layer *layer, const float *factor, const float *summand)
{
    size_t rows = row_count(layer);
    float *to = layer->weights;
    if (layer->kind != WEFT_LAYER_SCALE) {
        float **factors = &f->factors[layer - f->out->layers];
        if (!*factors && !(*factors = floats_new(rows, 1)))
            return -1;
        to = *factors;
    }
    for (size_t i = 0; i < rows; i++) {
        to[i] *= factor[i];
        layer->bias[i] = layer->bias[i] * factor[i] + summand[i];
    }
    return 0;
}

static void scale_weights(struct weft_layer *layer, const float *factors)
{
    bool dense = layer->kind == WEFT_LAYER_DENSE, across = dense && !layer->as.dense.transposed;
    const struct weft_conv_shape *s = &layer->as.conv.shape;
    size_t rows = row_count(layer), stride = across ? rows : 1;
    size_t count = dense ? layer->as.dense.inputs : s->channels * s->kernel_height * s->kernel_width;
    for (size_t row = 0; row < rows; row++) {
        float *weights = layer->weights + (across ? row : row * count);
        for (size_t i = 0; i < count; i++)
            weights[i * stride] *= factors[row];
    }
}

/* The layer before the node if it can take in a factor and a summand for each of rows, else a new one. */
static struct weft_layer *scalable(struct folder *f, const struct weft_graph_node *node, size_t rows)
{
    struct weft_layer *layer = only_giver(f, node, 0);
    if (is_open(layer) && row_count(layer) == rows) {
        absorb(f, layer, node);
        return layer;
    }
    layer = append(f, node, WEFT_LAYER_SCALE);
    if (!layer)
        return NULL;
    layer->as.scale.channels = rows;
    layer->weights = floats_new(rows, 1);
    layer->bias = floats_new(rows, 0);
    return layer->weights && layer->bias ? layer : NULL;
}

/* Makes a layer that pads with zeros the convolution that reads it, so that this one pads itself; NULL where that
 * cannot be: kernels take no padding as large as their reach. */
static struct weft_layer *become_conv(struct folder *f, const struct weft_graph_node *node)
{
    const struct weft_conv_shape *s = &node->as.conv.shape;
    struct weft_layer *layer = only_giver(f, node, 0);
    if (!layer || layer->kind != WEFT_LAYER_PAD || layer->as.pad.value != 0)
        return NULL;
    const size_t *in = layer->as.pad.in, *out = layer->as.pad.out, *before = layer->as.pad.before;
    size_t top = s->pad_top + before[1], left = s->pad_left + before[2];
    struct weft_conv_shape padding = *s;
    padding.height = in[1];
    padding.width = in[2];
    padding.pad_top = top;
    padding.pad_left = left;
    if (in[0] != out[0] || out[1] != s->height || out[2] != s->width || top > (s->kernel_height - 1) * s->dilation_y ||
        left > (s->kernel_width - 1) * s->dilation_x || out[1] - in[1] > top + (s->kernel_height - 1) * s->dilation_y ||
        out[2] - in[2] > left + (s->kernel_width - 1) * s->dilation_x)
        return NULL;
    layer->kind = WEFT_LAYER_CONV;
    memset(&layer->as, 0, sizeof layer->as);
    layer->as.conv.shape = padding;
    absorb(f, layer, node);
    return layer;
}

static int fold_conv(struct folder *f, const struct weft_graph_node *node)
{
    const struct weft_conv_shape *s = &node->as.conv.shape;
    struct weft_layer *layer = become_conv(f, node);
    bool pads = layer != NULL;
    if (!pads)
        layer = append(f, node, WEFT_LAYER_CONV);
    size_t filters = s->groups * s->filters, taps = s->channels * s->kernel_height * s->kernel_width;
    if (!layer)
        return -1;
    if (!pads)
        layer->as.conv.shape = *s;
    layer->weights = floats_copy(node->as.conv.weights, filters * taps);
    layer->bias = node->as.conv.bias ? floats_copy(node->as.conv.bias, filters) : floats_new(filters, 0);
    f->out->parameter_count += filters * (taps + (node->as.conv.bias ? 1 : 0));
    f->out->multiply_adds += (uint64_t)filters * taps * s->out_height * s->out_width;
    return layer->weights && layer->bias ? 0 : -1;
}

static int fold_dense(struct folder *f, const struct weft_graph_node *node)
{
    struct weft_layer *layer = append(f, node, WEFT_LAYER_DENSE);
    size_t inputs = node->as.dense.inputs, outputs = node->as.dense.outputs;
    if (!layer)
        return -1;
    layer->as.dense.inputs = inputs;
    layer->as.dense.outputs = outputs;
    layer->as.dense.transposed = node->as.dense.transposed;
    layer->weights = floats_copy(node->as.dense.weights, inputs * outputs);
    layer->bias = floats_new(outputs, 0);
    if (!layer->weights || !layer->bias)
        return -1;
    for (size_t i = 0; i < inputs * outputs; i++)
        layer->weights[i] *= node->as.dense.alpha;
    for (size_t i = 0; node->as.dense.bias && i < outputs; i++)
        layer->bias[i] = node->as.dense.beta * node->as.dense.bias[node->as.dense.single_bias ? 0 : i];
    f->out->parameter_count += inputs * outputs;
    if (node->as.dense.bias)
        f->out->parameter_count += node->as.dense.single_bias ? 1 : outputs;
    f->out->multiply_adds += (uint64_t)inputs * outputs;
    return 0;
}

static int fold_scale(struct folder *f, const struct weft_graph_node *node)
{
    struct weft_layer *layer = scalable(f, node, node->as.scale.count);
    if (!layer || scale_rows(f, layer, node->as.scale.factor, node->as.scale.summand) != 0)
        return -1;
    f->out->parameter_count += node->as.scale.parameter_count;
    return 0;
}

static float clamp(float value, float low, float high)
{
    return fminf(fmaxf(value, low), high);
}

/* Clamping after a maximum pool gives the same as before it. */
static int fold_clamp(struct folder *f, const struct weft_graph_node *node)
{
    struct weft_layer *layer = only_giver(f, node, 0);
    bool clamps = layer && (layer->kind == WEFT_LAYER_CONV || layer->kind == WEFT_LAYER_DENSE ||
                            layer->kind == WEFT_LAYER_ADD || layer->kind == WEFT_LAYER_SCALE);
    if (clamps)
        absorb(f, layer, node);
    else if (!(layer = scalable(f, node, f->graph->values[node->inputs[0]].dims[0])))
        return -1;
    layer->low = clamp(layer->low, node->as.clamp.low, node->as.clamp.high);
    layer->high = clamp(layer->high, node->as.clamp.low, node->as.clamp.high);
    return 0;
}

/* An addition goes into the convolution that gives one side, if the other one is there before that convolution. */
static int fold_add(struct folder *f, const struct weft_graph_node *node)
{
    for (size_t i = 0; i < 2; i++) {
        struct weft_layer *layer = only_giver(f, node, i);
        size_t other = f->root[node->inputs[1 - i]];
        if (is_open(layer) && layer->kind == WEFT_LAYER_CONV && f->giver[other] < layer - f->out->layers) {
            layer->as.conv.has_residual = true;
            layer->inputs[1] = other;
            layer->input_sizes[1] = layer->output_size;
            layer->input_count = 2;
            absorb(f, layer, node);
            return 0;
        }
    }
    return append(f, node, WEFT_LAYER_ADD) ? 0 : -1;
}

static int fold_pool(struct folder *f, const struct weft_graph_node *node)
{
    struct weft_layer *layer = only_giver(f, node, 0);
    if (layer && layer->kind == WEFT_LAYER_CONV && !layer->as.conv.has_pool && !node->as.pool.mean) {
        layer->as.conv.has_pool = true;
        layer->as.conv.pool = node->as.pool;
        absorb(f, layer, node);
        return 0;
    }
    layer = append(f, node, WEFT_LAYER_POOL);
    if (layer)
        layer->as.pool = node->as.pool;
    return layer ? 0 : -1;
}

static int fold_pick(struct folder *f, const struct weft_graph_node *node)
{
    const struct weft_graph_value *y = &f->graph->values[node->output];
    struct weft_layer *layer = append(f, node, WEFT_LAYER_PICK);
    if (!layer)
        return -1;
    layer->as.pick.rank = y->rank;
    layer->as.pick.offset = node->as.pick.offset;
    memcpy(layer->as.pick.dims, y->dims, sizeof y->dims);
    memcpy(layer->as.pick.strides, node->as.pick.strides, sizeof node->as.pick.strides);
    return 0;
}

static int fold_pad(struct folder *f, const struct weft_graph_node *node)
{
    const struct weft_graph_value *x = &f->graph->values[node->inputs[0]], *y = &f->graph->values[node->output];
    struct weft_layer *layer = append(f, node, WEFT_LAYER_PAD);
    if (!layer)
        return -1;
    layer->as.pad.value = node->as.pad.value;
    for (size_t i = 0; i < 3; i++) {
        bool is_there = i + x->rank >= 3;
        layer->as.pad.in[i] = is_there ? x->dims[i + x->rank - 3] : 1;
        layer->as.pad.out[i] = is_there ? y->dims[i + x->rank - 3] : 1;
        layer->as.pad.before[i] = node->as.pad.before[i];
    }
    return 0;
}

static int fold_softmax(struct folder *f, const struct weft_graph_node *node)
{
    struct weft_layer *layer = append(f, node, WEFT_LAYER_SOFTMAX);
    if (layer)
        layer->as.softmax.logarithm = node->as.softmax.logarithm;
    return layer ? 0 : -1;
}

static int fold_concat(struct folder *f, const struct weft_graph_node *node)
{
    struct weft_layer *layer = append(f, node, WEFT_LAYER_CONCAT);
    if (!layer)
        return -1;
    layer->as.concat.outer = 1;
    for (size_t i = 0; i < node->as.concat.axis; i++)
        layer->as.concat.outer *= f->graph->values[node->output].dims[i];
    return 0;
}

static int fold_node(struct folder *f, const struct weft_graph_node *node)
{
    switch (node->op) {
    case WEFT_GRAPH_CONV: return fold_conv(f, node);
    case WEFT_GRAPH_SCALE: return fold_scale(f, node);
    case WEFT_GRAPH_CLAMP: return fold_clamp(f, node);
    case WEFT_GRAPH_ADD: return fold_add(f, node);
    case WEFT_GRAPH_POOL: return fold_pool(f, node);
    case WEFT_GRAPH_DENSE: return fold_dense(f, node);
    case WEFT_GRAPH_RESHAPE: return 0;
    case WEFT_GRAPH_PICK: return fold_pick(f, node);
    case WEFT_GRAPH_PAD: return fold_pad(f, node);
    case WEFT_GRAPH_SOFTMAX: return fold_softmax(f, node);
    case WEFT_GRAPH_CONCAT: return fold_concat(f, node);
    }
    return -1;
}

/* Which tensor each value lies in, and how many look at it. */
static void find_roots(struct folder *f)
{
    const struct weft_graph *graph = f->graph;
    for (size_t i = 0; i < graph->value_count; i++) {
        f->root[i] = i;
        f->giver[i] = -1;
    }
    for (size_t i = 0; i < graph->node_count; i++) {
        const struct weft_graph_node *node = &graph->nodes[i];
        if (node->op == WEFT_GRAPH_RESHAPE)
            f->root[node->output] = f->root[node->inputs[0]];
        else
            for (size_t k = 0; k < node->input_count; k++)
                f->uses[f->root[node->inputs[k]]]++;
    }
    f->uses[f->root[graph->output]]++;
}

static void describe_tensors(struct weft_layers *layers, const struct weft_graph *graph)
{
    for (size_t i = 0; i < graph->value_count; i++) {
        const struct weft_graph_value *value = &graph->values[i];
        layers->tensors[i].size = value->size;
        if (value->rank == 3 && !value->tensor)
            layers->tensors[i] = (struct weft_tensor){value->size, value->dims[0], value->dims[1], value->dims[2]};
    }
}

int weft_fold(struct weft_layers *layers, const struct weft_graph *graph, struct weft_error *err)
{
    int result = -1;
    struct folder f = {
        .graph = graph,
        .out = layers,
        .root = calloc(graph->value_count, sizeof *f.root),
        .uses = calloc(graph->value_count, sizeof *f.uses),
        .giver = calloc(graph->value_count, sizeof *f.giver),
        .factors = calloc(graph->node_count, sizeof *f.factors),
    };
    *layers = (struct weft_layers){
        .layers = calloc(graph->node_count, sizeof *layers->layers),
        .tensors = calloc(graph->value_count, sizeof *layers->tensors),
        .tensor_count = graph->value_count,
    };
    if (!f.root || !f.uses || !f.giver || !f.factors || !layers->layers || !layers->tensors)
        goto out;
    describe_tensors(layers, graph);
    find_roots(&f);
    for (size_t i = 0; i < graph->node_count; i++)
        if (fold_node(&f, &graph->nodes[i]) != 0)
            goto out;
    for (size_t i = 0; i < layers->count; i++)
        if (f.factors[i])
            scale_weights(&layers->layers[i], f.factors[i]);
    layers->input = graph->input;
    layers->output = f.root[graph->output];
    result = 0;
out:
    if (result != 0) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for its layers");
        weft_layers_clear(layers);
    }
    for (size_t i = 0; f.factors && i < graph->node_count; i++)
        free(f.factors[i]);
    free(f.factors);
    free(f.root);
    free(f.uses);
    free(f.giver);
    return result;
}

void weft_layers_clear(struct weft_layers *layers)
{
    for (size_t i = 0; i < layers->count; i++)
        weft_layer_clear(&layers->layers[i]);
    free(layers->layers);
    free(layers->tensors);
    *layers = (struct weft_layers){0};
}
