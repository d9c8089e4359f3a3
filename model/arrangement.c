#include "model/arrangement.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PASSES_MAX = 8 };

/* What a layer reads and gives. A residual lies as the output does. */
enum form {
    PLANES,
    MIXED, /* from planes to pixels */
    PIXELS,
    FORMS
};

struct arranger {
    struct weft_layers *layers;
    const struct weft_variant *variant;
    size_t (*costs)[FORMS]; /* of each layer; SIZE_MAX where it cannot */
    size_t *conversions;    /* of each tensor: what it costs to convert it */
    size_t *giver;          /* the layer that gives a tensor; count for the network's input */
    unsigned char *forms;   /* of each layer */
    size_t (*readers)[2];   /* of each tensor: how many want it in planes, and in pixels */
    size_t *converted;      /* of each tensor: the one that has the other layout, or 0 */
};

static enum weft_layout in_layout(enum form form)
{
    return form == PIXELS ? WEFT_LAYOUT_PIXELS : WEFT_LAYOUT_PLANES;
}

static enum weft_layout out_layout(enum form form)
{
    return form == PLANES ? WEFT_LAYOUT_PLANES : WEFT_LAYOUT_PIXELS;
}

static enum weft_layout other_layout(enum weft_layout layout)
{
    return layout == WEFT_LAYOUT_PLANES ? WEFT_LAYOUT_PIXELS : WEFT_LAYOUT_PLANES;
}

static enum weft_layout input_layout(const struct weft_layer *layer, enum form form, size_t input)
{
    return layer->kind == WEFT_LAYER_CONV && input == 0 ? in_layout(form) : out_layout(form);
}

static enum weft_layout tensor_layout(const struct arranger *a, size_t tensor)
{
    size_t giver = a->giver[tensor];
    return giver < a->layers->count ? out_layout(a->forms[giver]) : WEFT_LAYOUT_PLANES;
}

static bool is_image(const struct weft_tensor *tensor, size_t channels, size_t height, size_t width)
{
    return tensor->channels == channels && tensor->height == height && tensor->width == width;
}

static bool is_alike(const struct weft_tensor *a, const struct weft_tensor *b)
{
    return a->channels > 0 && is_image(a, b->channels, b->height, b->width);
}

static bool conv_fits(const struct arranger *a, const struct weft_layer *layer)
{
    const struct weft_tensor *tensors = a->layers->tensors, *in = &tensors[layer->inputs[0]];
    const struct weft_tensor *out = &tensors[layer->output];
    const struct weft_conv_shape *s = &layer->as.conv.shape;
    const struct weft_pool_shape *pool = &layer->as.conv.pool;
    size_t filters = s->groups * s->filters;
    return is_image(in, s->groups * s->channels, s->height, s->width) &&
           (!layer->as.conv.has_residual ||
            is_image(&tensors[layer->inputs[1]], filters, s->out_height, s->out_width)) &&
           (layer->as.conv.has_pool ? is_image(out, filters, pool->out_height, pool->out_width)
                                    : is_image(out, filters, s->out_height, s->out_width));
}

/* Pixel by pixel, the inputs are copied behind each other: only the last one may be filled up. */
static bool concat_fits(const struct arranger *a, const struct weft_layer *layer)
{
    const struct weft_tensor *tensors = a->layers->tensors, *out = &tensors[layer->output];
    size_t channels = 0;
    if (layer->as.concat.outer != 1 || out->channels == 0)
        return false;
    for (size_t i = 0; i < layer->input_count; i++) {
        const struct weft_tensor *in = &tensors[layer->inputs[i]];
        channels += in->channels;
        if (in->channels == 0 || in->height != out->height || in->width != out->width ||
            (i + 1 < layer->input_count && in->channels % a->variant->lanes != 0))
            return false;
    }
    return channels == out->channels;
}

/* Whether the layer sees its tensors as the images that they are, and could work on their pixels. */
static bool fits_pixels(const struct arranger *a, const struct weft_layer *layer)
{
    const struct weft_tensor *tensors = a->layers->tensors, *in = &tensors[layer->inputs[0]];
    const struct weft_tensor *out = &tensors[layer->output];
    switch (layer->kind) {
    case WEFT_LAYER_CONV: return conv_fits(a, layer);
    case WEFT_LAYER_POOL:
        return is_image(in, layer->as.pool.channels, layer->as.pool.height, layer->as.pool.width) &&
               is_image(out, layer->as.pool.channels, layer->as.pool.out_height, layer->as.pool.out_width);
    case WEFT_LAYER_ADD: return is_alike(in, out) && is_alike(&tensors[layer->inputs[1]], out);
    case WEFT_LAYER_SCALE: return is_alike(in, out) && in->channels == layer->as.scale.channels;
    case WEFT_LAYER_CONCAT: return concat_fits(a, layer);
    default: return false;
    }
}

static size_t tensor_size(const struct arranger *a, size_t tensor, enum weft_layout layout)
{
    const struct weft_tensor *t = &a->layers->tensors[tensor];
    return layout == WEFT_LAYOUT_PLANES ? t->size
                                        : weft_layout_filled(t->channels, a->variant->lanes) * t->height * t->width;
}

/* Gives the layer the layouts of the form. */
static void set_form(const struct arranger *a, struct weft_layer *layer, enum form form)
{
    for (size_t i = 0; i < layer->input_count; i++)
        layer->input_sizes[i] = tensor_size(a, layer->inputs[i], input_layout(layer, form, i));
    layer->output_size = tensor_size(a, layer->output, out_layout(form));
    switch (layer->kind) {
    case WEFT_LAYER_CONV:
        layer->as.conv.shape.in = in_layout(form);
        layer->as.conv.shape.out = layer->as.conv.pool.layout = out_layout(form);
        break;
    case WEFT_LAYER_POOL: layer->as.pool.layout = out_layout(form); break;
    case WEFT_LAYER_SCALE: layer->as.scale.layout = out_layout(form); break;
    case WEFT_LAYER_CONCAT:
        if (form == PIXELS) {
            const struct weft_tensor *out = &a->layers->tensors[layer->output];
            layer->as.concat.outer = out->height * out->width;
        }
        break;
    default: break;
    }
}

static struct weft_layer conversion(const struct arranger *a, size_t tensor)
{
    const struct weft_tensor *t = &a->layers->tensors[tensor];
    return (struct weft_layer){
        .kind = WEFT_LAYER_CONVERT,
        .as.convert = {.channels = t->channels,
                       .pixels = t->height * t->width,
                       .to = other_layout(tensor_layout(a, tensor))},
    };
}

/* Of all that may be chosen, once: the search then only adds. */
static void find_costs(const struct arranger *a)
{
    for (size_t i = 0; i < a->layers->tensor_count; i++) {
        struct weft_layer convert = conversion(a, i);
        a->conversions[i] = weft_layer_cost(&convert, a->variant);
    }
    for (size_t i = 0; i < a->layers->count; i++) {
        struct weft_layer *layer = &a->layers->layers[i];
        bool fits = fits_pixels(a, layer);
        for (enum form form = PLANES; form < FORMS; form++) {
            a->costs[i][form] = SIZE_MAX;
            if (form != PLANES && (!fits || (form == MIXED && layer->kind != WEFT_LAYER_CONV)))
                continue;
            struct weft_layer tried = *layer;
            set_form(a, &tried, form);
            a->costs[i][form] = weft_layer_cost(&tried, a->variant);
        }
        set_form(a, layer, PLANES);
    }
}

static bool is_converted(const struct arranger *a, size_t tensor)
{
    return a->readers[tensor][other_layout(tensor_layout(a, tensor))] > 0;
}

static size_t conversion_cost(const struct arranger *a, size_t tensor)
{
    return is_converted(a, tensor) ? a->conversions[tensor] : 0;
}

/* What the form of a layer has to do with: itself, and conversions of the tensors around it. */
static size_t cost_around(const struct arranger *a, size_t i)
{
    const struct weft_layer *layer = &a->layers->layers[i];
    size_t cost = a->costs[i][a->forms[i]] + conversion_cost(a, layer->output);
    for (size_t k = 0; k < layer->input_count; k++)
        cost += conversion_cost(a, layer->inputs[k]);
    return cost;
}

static void change_form(const struct arranger *a, size_t i, unsigned char form)
{
    const struct weft_layer *layer = &a->layers->layers[i];
    for (size_t k = 0; k < layer->input_count; k++) {
        a->readers[layer->inputs[k]][input_layout(layer, a->forms[i], k)]--;
        a->readers[layer->inputs[k]][input_layout(layer, form, k)]++;
    }
    a->forms[i] = form;
}

/* Changes the form of one layer at a time, as long as that helps; what all costs then. */
static size_t descend(const struct arranger *a)
{
    bool changed = true;
    for (int pass = 0; pass < PASSES_MAX && changed; pass++) {
        changed = false;
        for (size_t i = 0; i < a->layers->count; i++) {
            for (unsigned char form = PLANES; form < FORMS; form++) {
                unsigned char old = a->forms[i];
                if (form == old || a->costs[i][form] == SIZE_MAX)
                    continue;
                size_t before = cost_around(a, i);
                change_form(a, i, form);
                if (cost_around(a, i) < before)
                    changed = true;
                else
                    change_form(a, i, old);
            }
        }
    }
    size_t total = 0;
    for (size_t i = 0; i < a->layers->count; i++)
        total += a->costs[i][a->forms[i]];
    for (size_t i = 0; i < a->layers->tensor_count; i++)
        total += conversion_cost(a, i);
    return total;
}

/* With everything in planes, which is where all forms begin. */
static void count_readers(const struct arranger *a)
{
    for (size_t i = 0; i < a->layers->count; i++)
        for (size_t k = 0; k < a->layers->layers[i].input_count; k++)
            a->readers[a->layers->layers[i].inputs[k]][WEFT_LAYOUT_PLANES]++;
    a->readers[a->layers->output][WEFT_LAYOUT_PLANES]++;
}

/* From everything in planes and from everything in pixels where that can be, to the better end of both. */
static int choose_forms(const struct arranger *a)
{
    size_t count = a->layers->count;
    unsigned char *from_planes = calloc(count + 1, sizeof *from_planes);
    if (!from_planes)
        return -1;
    size_t cost = descend(a);
    memcpy(from_planes, a->forms, count);
    for (size_t i = 0; i < count; i++)
        change_form(a, i, a->costs[i][PIXELS] < SIZE_MAX ? PIXELS : a->costs[i][MIXED] < SIZE_MAX ? MIXED : PLANES);
    if (descend(a) >= cost)
        for (size_t i = 0; i < count; i++)
            change_form(a, i, from_planes[i]);
    free(from_planes);
    return 0;
}

/* Appends the layer that converts the tensor, unless it is there already; the converted tensor, or 0 without memory. */
static size_t convert(struct arranger *a, struct weft_layer *to, size_t *count, size_t tensor)
{
    struct weft_layers *layers = a->layers;
    if (a->converted[tensor])
        return a->converted[tensor];
    struct weft_layer *layer = &to[*count];
    *layer = conversion(a, tensor);
    layer->inputs = calloc(1, sizeof *layer->inputs);
    layer->input_sizes = calloc(1, sizeof *layer->input_sizes);
    ++*count;
    if (!layer->inputs || !layer->input_sizes)
        return 0;
    layer->inputs[0] = tensor;
    layer->input_count = 1;
    layer->output = a->converted[tensor] = layers->tensor_count++;
    layers->tensors[layer->output] = layers->tensors[tensor];
    layer->input_sizes[0] = tensor_size(a, tensor, tensor_layout(a, tensor));
    layer->output_size = tensor_size(a, tensor, layer->as.convert.to);
    return layer->output;
}

/* The layers in their forms, with the conversions that these want before them. */
static int insert_conversions(struct arranger *a)
{
    struct weft_layers *layers = a->layers;
    size_t conversions = 0, count = 0, old_count = layers->count;
    for (size_t i = 0; i < layers->tensor_count; i++)
        conversions += is_converted(a, i);
    if (conversions == 0)
        return 0;
    struct weft_tensor *tensors =
        realloc(layers->tensors, (layers->tensor_count + conversions) * sizeof *layers->tensors);
    if (!tensors)
        return -1;
    layers->tensors = tensors;
    struct weft_layer *to = calloc(old_count + conversions, sizeof *to), *from = layers->layers;
    int result = to ? 0 : -1;
    for (size_t i = 0; to && i < old_count; i++) {
        for (size_t k = 0; k < from[i].input_count; k++) {
            size_t tensor = from[i].inputs[k];
            if (result == 0 && input_layout(&from[i], a->forms[i], k) != tensor_layout(a, tensor))
                result = (from[i].inputs[k] = convert(a, to, &count, tensor)) ? 0 : -1;
        }
        to[count++] = from[i];
    }
    if (result == 0 && tensor_layout(a, layers->output) != WEFT_LAYOUT_PLANES)
        result = (layers->output = convert(a, to, &count, layers->output)) ? 0 : -1;
    if (to) {
        free(from);
        layers->layers = to;
        layers->count = count;
    }
    return result;
}

int weft_arrange(struct weft_layers *layers, const struct weft_variant *variant)
{
    size_t count = layers->count, tensors = layers->tensor_count;
    struct arranger a = {
        .layers = layers,
        .variant = variant,
        .costs = calloc(count + 1, sizeof *a.costs),
        .conversions = calloc(tensors, sizeof *a.conversions),
        .giver = calloc(tensors, sizeof *a.giver),
        .forms = calloc(count + 1, sizeof *a.forms),
        .readers = calloc(tensors, sizeof *a.readers),
        .converted = calloc(tensors, sizeof *a.converted),
    };
    int result = -1;
    if (!a.costs || !a.conversions || !a.giver || !a.forms || !a.readers || !a.converted)
        goto out;
    for (size_t i = 0; i < tensors; i++)
        a.giver[i] = count;
    for (size_t i = 0; i < count; i++)
        a.giver[layers->layers[i].output] = i;
    find_costs(&a);
    count_readers(&a);
    if (choose_forms(&a) != 0)
        goto out;
    for (size_t i = 0; i < count; i++)
        set_form(&a, &layers->layers[i], a.forms[i]);
    result = insert_conversions(&a);
out:
    free(a.costs);
    free(a.conversions);
    free(a.giver);
    free(a.forms);
    free(a.readers);
    free(a.converted);
    return result;
}
