#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "model/kernels/train_vectors.h"
#include "model/onnx/onnx_write.h"
#include "model/train/layers.h"

static const double epsilon = 1e-5; /* ONNX's default, so that it need not be written */

/* What forward keeps, (channels) each. */
struct statistics {
    float *mean, *variance, *inverse; /* 1 / sqrt(variance + epsilon) */
};

static struct statistics kept_statistics(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t channels = layer->in.channels;
    return (struct statistics){pass->kept, pass->kept + channels, pass->kept + 2 * channels};
}

/* Scratch memory, (channels) each. */
struct scratch {
    double *sum, *products;
    float *scale, *shift, *of_dy, *of_x, *constant;
};

static struct scratch split_scratch(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const size_t channels = layer->in.channels;
    double *doubles = (void *)pass->scratch;
    float *floats = (void *)(doubles + 2 * channels);
    memset(doubles, 0, 2 * channels * sizeof *doubles);
    return (struct scratch){doubles,
                            doubles + channels,
                            floats,
                            floats + channels,
                            floats + 2 * channels,
                            floats + 3 * channels,
                            floats + 4 * channels};
}

static size_t scratch_size(size_t channels)
{
    return channels * (2 * sizeof(double) / sizeof(float) + 5);
}

static size_t rows_of(const struct weft_train_layer *layer, size_t images)
{
    return images * layer->in.height * layer->in.width;
}

static void measure(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const struct statistics s = kept_statistics(layer, pass);
    const struct scratch scratch = split_scratch(layer, pass);
    const size_t rows = rows_of(layer, pass->n);
    /* Sums of differences from some value of the channel: squares of its values could drown their variance. */
    const float *pivot = pass->x[0];
    pass->variant->column_moments(scratch.sum, scratch.products, pass->x[0], pivot, rows, layer->in.channels);
    for (size_t c = 0; c < layer->in.channels; c++) {
        const double mean = scratch.sum[c] / (double)rows;
        const double variance = fmax(scratch.products[c] / (double)rows - mean * mean, 0);
        s.mean[c] = (float)((double)pivot[c] + mean);
        s.variance[c] = (float)variance;
        s.inverse[c] = (float)(1 / sqrt(variance + epsilon));
    }
}

static void recall(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const struct statistics s = kept_statistics(layer, pass);
    for (size_t c = 0; c < layer->in.channels; c++) {
        s.mean[c] = pass->weights[layer->mean + c];
        s.variance[c] = pass->weights[layer->variance + c];
        s.inverse[c] = (float)(1 / sqrt((double)s.variance[c] + epsilon));
    }
}

/* y = weight * (x - mean) * inverse + bias, as one product and one sum. */
static struct weft_column_scale scale_of(const struct weft_train_layer *layer, const struct weft_pass *pass,
                                         const struct scratch *scratch)
{
    const struct statistics s = kept_statistics(layer, pass);
    for (size_t c = 0; c < layer->in.channels; c++) {
        scratch->scale[c] = pass->weights[layer->weight + c] * s.inverse[c];
        scratch->shift[c] = pass->weights[layer->bias + c] - s.mean[c] * scratch->scale[c];
    }
    return (struct weft_column_scale){scratch->scale, scratch->shift, layer->relu};
}

static void forward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    if (pass->training)
        measure(layer, pass);
    else
        recall(layer, pass);
    const struct scratch scratch = split_scratch(layer, pass);
    const struct weft_column_scale scale = scale_of(layer, pass, &scratch);
    pass->variant->column_scale(pass->y, pass->x[0], pass->x[1], &scale, rows_of(layer, pass->n), layer->in.channels);
}

/* Adds to the sums of g and g * (x - mean), where g is what came through the ReLU. With a residual, whose value decides
 * with x whether the ReLU let it through, g is also what the residual is given, and takes the place of dy. */
static void sum_gradients(const struct weft_train_layer *layer, const struct weft_pass *pass,
                          const struct scratch *scratch, const struct weft_column_gradient *gradient)
{
    const size_t size = weft_shape_size(layer->in), channels = layer->in.channels;
    if (layer->input_count == 1) {
        pass->variant->column_gradient_sums(scratch->sum, scratch->products, pass->dy, pass->x[0], gradient,
                                            rows_of(layer, pass->n), channels);
        return;
    }
    for (size_t i = 0; i < pass->n; i++) { /* image by image: each stays in the cache */
        float *dy = pass->dy + i * size, *residual = pass->dx[1] ? pass->dx[1] + i * size : NULL;
        if (layer->relu)
            pass->variant->relu_gradient(dy, dy, pass->y + i * size, size, false);
        pass->variant->column_gradient_sums(scratch->sum, scratch->products, dy, pass->x[0] + i * size, gradient,
                                            rows_of(layer, 1), channels);
        if (residual && pass->dx_adds[1])
            pass->variant->add(residual, residual, dy, size, -INFINITY, INFINITY);
        else if (residual && residual != dy)
            memcpy(residual, dy, size * sizeof *dy);
    }
}

/* With h = (x - mean) * inverse, dx = weight * inverse * (g - mean of g - h * mean of g * h). */
static void backward(const struct weft_train_layer *layer, const struct weft_pass *pass)
{
    const struct statistics s = kept_statistics(layer, pass);
    const struct scratch scratch = split_scratch(layer, pass);
    const size_t rows = rows_of(layer, pass->n);
    struct weft_column_gradient gradient = {
        .scale = scale_of(layer, pass, &scratch),
        .mean = s.mean,
        .of_dy = scratch.of_dy,
        .of_x = scratch.of_x,
        .constant = scratch.constant,
        .adds = pass->dx_adds[0],
    };
    if (layer->input_count == 2)
        gradient.scale.relu = false; /* done by sum_gradients */
    sum_gradients(layer, pass, &scratch, &gradient);

    const double bessel = rows > 1 ? (double)rows / (double)(rows - 1) : 1;
    for (size_t c = 0; c < layer->in.channels; c++) {
        const double inverse = (double)s.inverse[c], sum = scratch.sum[c], product = scratch.products[c] * inverse;
        pass->weight_gradients[layer->weight + c] += (float)product;
        pass->weight_gradients[layer->bias + c] += (float)sum;
        scratch.of_dy[c] = scratch.scale[c];
        scratch.of_x[c] = scratch.constant[c] = 0;
        if (!pass->training)
            continue;
        scratch.of_x[c] = (float)(-(double)scratch.scale[c] * inverse * product / (double)rows);
        scratch.constant[c] = (float)(-(double)scratch.scale[c] * sum / (double)rows);
        pass->weight_gradients[layer->mean + c] += pass->portion * s.mean[c];
        pass->weight_gradients[layer->variance + c] += pass->portion * (float)(bessel * (double)s.variance[c]);
    }
    if (pass->dx[0])
        pass->variant->column_gradient(pass->dx[0], pass->dy, pass->x[0], &gradient, rows, layer->in.channels);
}

static void write(const struct weft_train_layer *layer, const float *weights, const char *const inputs[],
                  const char *output, struct weft_onnx_writer *writer)
{
    static const char *const roles[] = {"scale", "bias", "mean", "variance"};
    const size_t begins[] = {layer->weight, layer->bias, layer->mean, layer->variance};
    const bool has_residual = layer->input_count == 2;
    char name[40], normalised[48], sum[48];
    snprintf(normalised, sizeof normalised, "%s.normalised", layer->name);
    snprintf(sum, sizeof sum, "%s.sum", layer->name);
    const char *names[5] = {inputs[0]};
    for (size_t i = 0; i < 4; i++)
        names[1 + i] = weft_onnx_writer_tensor(writer, layer->name, roles[i], weights + begins[i],
                                               (const int64_t[]){(int64_t)layer->in.channels}, 1);
    weft_onnx_writer_node(writer, "BatchNormalization", layer->name, names, 5,
                          has_residual || layer->relu ? normalised : output);
    const char *made = normalised;
    if (has_residual) {
        snprintf(name, sizeof name, "%s.add", layer->name);
        weft_onnx_writer_node(writer, "Add", name, (const char *[]){made, inputs[1]}, 2, layer->relu ? sum : output);
        made = sum;
    }
    if (layer->relu) {
        snprintf(name, sizeof name, "%s.relu", layer->name);
        weft_onnx_writer_node(writer, "Relu", name, &made, 1, output);
    }
}

static const struct weft_train_layer_type type = {"norm", forward, backward, write};

static size_t add_parameter(struct weft_model *model, size_t count, enum weft_parameter_kind kind, float start)
{
    return weft_model_add_parameter(model, (struct weft_parameter){.count = count, .kind = kind, .start = start});
}

static size_t add(struct weft_model *model, struct weft_train_layer layer, struct weft_batch_norm norm)
{
    const size_t channels = layer.in.channels;
    layer.type = &type;
    layer.out = layer.in;
    layer.relu = norm.relu;
    layer.weight = add_parameter(model, channels, WEFT_PARAMETER_PLAIN, norm.starts_at_zero ? 0 : 1);
    layer.bias = add_parameter(model, channels, WEFT_PARAMETER_PLAIN, 0);
    layer.mean = add_parameter(model, channels, WEFT_PARAMETER_AVERAGE, 0);
    layer.variance = add_parameter(model, channels, WEFT_PARAMETER_AVERAGE, 1);
    layer.kept_once = 3 * channels;
    layer.scratch = scratch_size(channels);
    return weft_model_add(model, layer);
}

size_t weft_batch_norm_add(struct weft_model *model, size_t input, struct weft_batch_norm norm)
{
    return add(model,
               (struct weft_train_layer){
                   .inputs = {input}, .input_count = 1, .sharing = 0, .in = weft_model_shape(model, input)},
               norm);
}

size_t weft_batch_norm_residual_add(struct weft_model *model, size_t input, size_t residual,
                                    struct weft_batch_norm norm)
{
    const struct weft_shape a = weft_model_shape(model, input), b = weft_model_shape(model, residual);
    if (!weft_shapes_equal(a, b) || input == residual)
        weft_model_fail(model, "%zux%zux%zu and a residual of %zux%zux%zu cannot be added", a.channels, a.height,
                        a.width, b.channels, b.height, b.width);
    return add(model, (struct weft_train_layer){.inputs = {input, residual}, .input_count = 2, .sharing = 1, .in = a},
               norm);
}
