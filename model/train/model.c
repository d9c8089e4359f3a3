#include "model/train/model.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/onnx/onnx_write.h"

struct weft_model *weft_model_new(struct weft_shape input, size_t class_count, struct weft_error *err)
{
    struct weft_model *model = calloc(1, sizeof *model);
    if (!model) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for a model");
        return NULL;
    }
    model->input = input;
    model->class_count = class_count;
    model->variant = weft_variant_best();
    return model;
}

void weft_model_destroy(struct weft_model *model)
{
    if (!model)
        return;
    free(model->layers);
    free(model->parameters);
    free(model->weights);
    free(model);
}

int weft_model_fail(struct weft_model *model, const char *format, ...)
{
    if (weft_model_failed(model))
        return -1;
    char message[256];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return weft_error_set(&model->fault, WEFT_ERROR_CONFIG, "%s", message);
}

bool weft_model_failed(const struct weft_model *model)
{
    return model->fault.class != WEFT_ERROR_NONE;
}

struct weft_shape weft_model_shape(const struct weft_model *model, size_t value)
{
    return value == WEFT_MODEL_IMAGES ? model->input : model->layers[value - 1].out;
}

size_t weft_model_add(struct weft_model *model, struct weft_train_layer layer)
{
    if (weft_model_failed(model))
        return WEFT_MODEL_IMAGES;
    size_t number = 1;
    for (size_t i = 0; i < model->layer_count; i++)
        number += model->layers[i].type == layer.type;
    snprintf(layer.name, sizeof layer.name, "%s%zu", layer.type->prefix, number);
    if (weft_shape_size(layer.out) == 0) {
        weft_model_fail(model, "%s: its input of %zux%zu is too small for a window of %zux%zu", layer.name,
                        layer.in.height, layer.in.width, layer.window.kernel, layer.window.kernel);
        return WEFT_MODEL_IMAGES;
    }
    struct weft_train_layer *more = realloc(model->layers, (model->layer_count + 1) * sizeof *more);
    if (!more) {
        weft_model_fail(model, "no memory for the layers of a model");
        return WEFT_MODEL_IMAGES;
    }
    model->layers = more;
    model->layers[model->layer_count] = layer;
    return ++model->layer_count;
}

size_t weft_model_add_parameter(struct weft_model *model, struct weft_parameter parameter)
{
    if (weft_model_failed(model))
        return 0;
    struct weft_parameter *more = realloc(model->parameters, (model->parameter_count + 1) * sizeof *more);
    if (!more) {
        weft_model_fail(model, "no memory for the parameters of a model");
        return 0;
    }
    parameter.offset = model->weight_count;
    model->parameters = more;
    model->parameters[model->parameter_count++] = parameter;
    model->weight_count += parameter.count;
    return parameter.offset;
}

static bool is_read(const struct weft_model *model, size_t value)
{
    for (size_t i = value; i < model->layer_count; i++)
        for (size_t k = 0; k < model->layers[i].input_count; k++)
            if (model->layers[i].inputs[k] == value)
                return true;
    return false;
}

static void check(struct weft_model *model)
{
    const size_t outputs = weft_shape_size(weft_model_shape(model, model->layer_count));
    if (outputs != model->class_count)
        weft_model_fail(model, "the last layer gives %zu values for %zu classes", outputs, model->class_count);
    for (size_t v = 1; v < model->layer_count; v++)
        if (!is_read(model, v))
            weft_model_fail(model, "no layer reads what %s makes", model->layers[v - 1].name);
}

static void draw(struct weft_model *model, struct weft_random *random)
{
    for (size_t p = 0; p < model->parameter_count; p++) {
        const struct weft_parameter *parameter = &model->parameters[p];
        float *values = model->weights + parameter->offset;
        const float bound = parameter->fan_in ? sqrtf(6.0f / (float)parameter->fan_in) : 0;
        for (size_t i = 0; i < parameter->count; i++)
            values[i] = parameter->fan_in ? weft_random_between(random, -bound, bound) : parameter->start;
    }
}

int weft_model_finish(struct weft_model *model, struct weft_random *random, struct weft_error *err)
{
    if (!weft_model_failed(model))
        check(model);
    if (!weft_model_failed(model)) {
        model->weights = calloc(model->weight_count, sizeof *model->weights);
        if (!model->weights)
            weft_model_fail(model, "no memory for %zu weights", model->weight_count);
    }
    if (weft_model_failed(model))
        return weft_error_set(err, model->fault.class, "%s", model->fault.message);
    draw(model, random);
    return 0;
}

size_t weft_model_trained_count(const struct weft_model *model)
{
    size_t count = 0;
    for (size_t p = 0; p < model->parameter_count; p++)
        if (model->parameters[p].kind != WEFT_PARAMETER_AVERAGE)
            count += model->parameters[p].count;
    return count;
}

size_t weft_model_multiply_adds(const struct weft_model *model)
{
    size_t count = 0;
    for (size_t i = 0; i < model->layer_count; i++)
        count += model->layers[i].multiply_adds;
    return count;
}

void weft_model_write(const struct weft_model *model, const float *weights, struct weft_onnx_writer *writer)
{
    weft_onnx_writer_input(writer, "input", model->input.channels, model->input.height, model->input.width);
    for (size_t i = 0; i < model->layer_count; i++) {
        const struct weft_train_layer *layer = &model->layers[i];
        char names[WEFT_TRAIN_INPUTS_MAX][40], output[40];
        const char *inputs[WEFT_TRAIN_INPUTS_MAX];
        for (size_t k = 0; k < layer->input_count; k++) {
            size_t value = layer->inputs[k];
            if (value == WEFT_MODEL_IMAGES)
                snprintf(names[k], sizeof names[k], "input");
            else
                snprintf(names[k], sizeof names[k], "%s.output", model->layers[value - 1].name);
            inputs[k] = names[k];
        }
        if (i + 1 == model->layer_count)
            snprintf(output, sizeof output, "logits");
        else
            snprintf(output, sizeof output, "%s.output", layer->name);
        layer->type->write(layer, weights, inputs, output, writer);
    }
    weft_onnx_writer_output(writer, "logits", model->class_count);
}
