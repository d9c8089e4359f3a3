#include "model/train/tape.h"

#include <stdlib.h>
#include <string.h>

struct weft_tape {
    const struct weft_model *model;
    size_t capacity;
    float **values;    /* layer_count + 1 of them: images, then each layer's output */
    float **gradients; /* likewise */
    float *scratch;    /* as much as the hungriest layer needs */
};

struct weft_tape *weft_tape_new(const struct weft_model *model, size_t capacity, struct weft_error *err)
{
    const size_t value_count = model->layer_count + 1;
    size_t scratch = 1;
    struct weft_tape *tape = calloc(1, sizeof *tape);
    if (!tape)
        goto fail;
    tape->model = model;
    tape->capacity = capacity;
    tape->values = calloc(value_count, sizeof *tape->values);
    tape->gradients = calloc(value_count, sizeof *tape->gradients);
    if (!tape->values || !tape->gradients)
        goto fail;
    for (size_t v = 0; v < value_count; v++) {
        size_t size = weft_shape_size(weft_model_shape(model, v));
        tape->values[v] = calloc(capacity * size, sizeof(float));
        if (!tape->values[v])
            goto fail;
        if (v == WEFT_MODEL_IMAGES)
            continue;
        tape->gradients[v] = calloc(capacity * size, sizeof(float));
        if (!tape->gradients[v])
            goto fail;
        if (model->layers[v - 1].scratch > scratch)
            scratch = model->layers[v - 1].scratch;
    }
    tape->scratch = calloc(scratch, sizeof *tape->scratch);
    if (!tape->scratch)
        goto fail;
    return tape;

fail:
    weft_tape_destroy(tape);
    weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory to train on %zu images at a time", capacity);
    return NULL;
}

void weft_tape_destroy(struct weft_tape *tape)
{
    if (!tape)
        return;
    for (size_t v = 0; v <= tape->model->layer_count; v++) {
        if (tape->values)
            free(tape->values[v]);
        if (tape->gradients)
            free(tape->gradients[v]);
    }
    free(tape->values);
    free(tape->gradients);
    free(tape->scratch);
    free(tape);
}

size_t weft_tape_capacity(const struct weft_tape *tape)
{
    return tape->capacity;
}

float *weft_tape_images(struct weft_tape *tape)
{
    return tape->values[WEFT_MODEL_IMAGES];
}

const float *weft_tape_logits(const struct weft_tape *tape)
{
    return tape->values[tape->model->layer_count];
}

float *weft_tape_logit_gradients(struct weft_tape *tape)
{
    return tape->gradients[tape->model->layer_count];
}

const float *weft_tape_image_gradients(const struct weft_tape *tape)
{
    return tape->gradients[WEFT_MODEL_IMAGES];
}

int weft_tape_want_image_gradients(struct weft_tape *tape)
{
    float **gradient = &tape->gradients[WEFT_MODEL_IMAGES];
    if (!*gradient)
        *gradient = calloc(tape->capacity * weft_shape_size(tape->model->input), sizeof **gradient);
    return *gradient ? 0 : -1;
}

static struct weft_pass pass_of(const struct weft_tape *tape, size_t index, const float *weights, size_t n)
{
    const struct weft_train_layer *layer = &tape->model->layers[index];
    struct weft_pass pass = {
        .n = n,
        .weights = weights,
        .y = tape->values[index + 1],
        .dy = tape->gradients[index + 1],
        .scratch = tape->scratch,
    };
    for (size_t k = 0; k < layer->input_count; k++) {
        pass.x[k] = tape->values[layer->inputs[k]];
        pass.dx[k] = tape->gradients[layer->inputs[k]];
    }
    return pass;
}

void weft_tape_forward(struct weft_tape *tape, const float *weights, size_t n)
{
    for (size_t i = 0; i < tape->model->layer_count; i++) {
        struct weft_pass pass = pass_of(tape, i, weights, n);
        tape->model->layers[i].type->forward(&tape->model->layers[i], &pass);
    }
}

void weft_tape_backward(struct weft_tape *tape, const float *weights, size_t n, float *weight_gradients)
{
    /* Layers add to the gradients of their inputs, because a value may have several readers. */
    for (size_t v = 0; v < tape->model->layer_count; v++) {
        size_t size = weft_shape_size(weft_model_shape(tape->model, v));
        if (tape->gradients[v])
            memset(tape->gradients[v], 0, n * size * sizeof(float));
    }
    for (size_t i = tape->model->layer_count; i-- > 0;) {
        struct weft_pass pass = pass_of(tape, i, weights, n);
        pass.weight_gradients = weight_gradients;
        tape->model->layers[i].type->backward(&tape->model->layers[i], &pass);
    }
}
