#include "model/train/tape.h"

#include <stdlib.h>

enum { ALIGNMENT = 64 };

/* Memory that gradients of values take turns in. */
struct room {
    size_t size; /* floats for one image */
    bool taken;
    float *floats;
};

struct weft_tape {
    const struct weft_model *model;
    size_t capacity;
    struct weft_tape_mode mode; /* of the last forward pass */
    float **values;             /* layer_count + 1 of them: images, then each layer's output */
    float **kept;               /* layer_count of them */
    size_t *room_of;            /* of each value's gradient, among rooms; images' have none */
    struct room *rooms;
    size_t room_count;
    float *image_gradients; /* NULL unless asked for */
    bool (*adds)[WEFT_TRAIN_INPUTS_MAX];
    float *scratch; /* as much as the hungriest layer needs */
};

static float *new_floats(size_t count)
{
    const size_t line = ALIGNMENT / sizeof(float);
    if (count > SIZE_MAX / sizeof(float) - line)
        return NULL;
    return aligned_alloc(ALIGNMENT, (count / line + 1) * line * sizeof(float));
}

/* The smallest free room that fits, or the largest free one, which grows, or a new one. */
static size_t take_room(struct weft_tape *tape, size_t size)
{
    size_t best = tape->room_count;
    for (size_t r = 0; r < tape->room_count; r++) {
        const struct room *room = &tape->rooms[r], *other = &tape->rooms[best];
        if (room->taken)
            continue;
        if (best == tape->room_count || (room->size >= size ? other->size < size || room->size < other->size
                                                            : other->size < size && room->size > other->size))
            best = r;
    }
    if (best == tape->room_count)
        tape->room_count++;
    struct room *room = &tape->rooms[best];
    room->taken = true;
    if (room->size < size)
        room->size = size;
    return best;
}

/* Walks backward as weft_tape_backward will: a gradient needs its room from the last reader of its value, which comes
 * first and need not add, until the layer that makes the value has run. */
static void plan_gradients(struct weft_tape *tape)
{
    const struct weft_model *model = tape->model;
    const size_t none = SIZE_MAX;
    for (size_t v = 0; v < model->layer_count; v++)
        tape->room_of[v] = none;
    tape->room_of[model->layer_count] = take_room(tape, weft_shape_size(weft_model_shape(model, model->layer_count)));
    bool images_written = false;
    for (size_t i = model->layer_count; i-- > 0;) {
        const struct weft_train_layer *layer = &model->layers[i];
        bool handed_on = false;
        for (size_t k = 0; k < layer->input_count; k++) {
            const size_t v = layer->inputs[k];
            tape->adds[i][k] = v == WEFT_MODEL_IMAGES ? images_written : tape->room_of[v] != none;
            images_written = images_written || v == WEFT_MODEL_IMAGES;
            if (v == WEFT_MODEL_IMAGES || tape->adds[i][k])
                continue;
            if (k == layer->sharing) {
                tape->room_of[v] = tape->room_of[i + 1];
                handed_on = true;
            } else {
                tape->room_of[v] = take_room(tape, weft_shape_size(weft_model_shape(model, v)));
            }
        }
        if (!handed_on)
            tape->rooms[tape->room_of[i + 1]].taken = false;
    }
}

static int allocate(struct weft_tape *tape)
{
    const struct weft_model *model = tape->model;
    const size_t value_count = model->layer_count + 1, capacity = tape->capacity;
    tape->values = calloc(value_count, sizeof *tape->values);
    tape->kept = calloc(value_count, sizeof *tape->kept);
    tape->room_of = calloc(value_count, sizeof *tape->room_of);
    tape->rooms = calloc(value_count, sizeof *tape->rooms);
    tape->adds = calloc(value_count, sizeof *tape->adds);
    if (!tape->values || !tape->kept || !tape->room_of || !tape->rooms || !tape->adds)
        return -1;
    plan_gradients(tape);
    for (size_t r = 0; r < tape->room_count; r++) {
        tape->rooms[r].floats = new_floats(capacity * tape->rooms[r].size);
        if (!tape->rooms[r].floats)
            return -1;
    }
    size_t scratch = 0;
    for (size_t v = 0; v < value_count; v++) {
        tape->values[v] = new_floats(capacity * weft_shape_size(weft_model_shape(model, v)));
        if (!tape->values[v])
            return -1;
        if (v == WEFT_MODEL_IMAGES)
            continue;
        const struct weft_train_layer *layer = &model->layers[v - 1];
        tape->kept[v - 1] = new_floats(layer->kept_once + capacity * layer->kept_each);
        if (!tape->kept[v - 1])
            return -1;
        scratch = layer->scratch > scratch ? layer->scratch : scratch;
    }
    tape->scratch = new_floats(scratch);
    return tape->scratch ? 0 : -1;
}

struct weft_tape *weft_tape_new(const struct weft_model *model, size_t capacity, struct weft_error *err)
{
    struct weft_tape *tape = calloc(1, sizeof *tape);
    if (tape) {
        tape->model = model;
        tape->capacity = capacity;
        if (allocate(tape) == 0)
            return tape;
    }
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
        if (tape->kept)
            free(tape->kept[v]);
    }
    for (size_t r = 0; r < tape->room_count; r++)
        free(tape->rooms[r].floats);
    free(tape->values);
    free(tape->kept);
    free(tape->room_of);
    free(tape->rooms);
    free(tape->adds);
    free(tape->image_gradients);
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

static float *gradients_of(const struct weft_tape *tape, size_t value)
{
    return value == WEFT_MODEL_IMAGES ? tape->image_gradients : tape->rooms[tape->room_of[value]].floats;
}

float *weft_tape_logit_gradients(struct weft_tape *tape)
{
    return gradients_of(tape, tape->model->layer_count);
}

const float *weft_tape_image_gradients(const struct weft_tape *tape)
{
    return tape->image_gradients;
}

int weft_tape_want_image_gradients(struct weft_tape *tape)
{
    if (!tape->image_gradients)
        tape->image_gradients = new_floats(tape->capacity * weft_shape_size(tape->model->input));
    return tape->image_gradients ? 0 : -1;
}

static struct weft_pass pass_of(const struct weft_tape *tape, size_t index, const float *weights, size_t n)
{
    const struct weft_train_layer *layer = &tape->model->layers[index];
    struct weft_pass pass = {
        .n = n,
        .training = tape->mode.training,
        .portion = tape->mode.portion,
        .random = weft_random_of(tape->mode.seed, index),
        .variant = tape->model->variant,
        .weights = weights,
        .y = tape->values[index + 1],
        .dy = gradients_of(tape, index + 1),
        .kept = tape->kept[index],
        .scratch = tape->scratch,
    };
    for (size_t k = 0; k < layer->input_count; k++) {
        pass.x[k] = tape->values[layer->inputs[k]];
        pass.dx[k] = gradients_of(tape, layer->inputs[k]);
        pass.dx_adds[k] = tape->adds[index][k];
    }
    return pass;
}

void weft_tape_forward(struct weft_tape *tape, const float *weights, size_t n, const struct weft_tape_mode *mode)
{
    tape->mode = mode ? *mode : (struct weft_tape_mode){.training = false, .portion = 1};
    for (size_t i = 0; i < tape->model->layer_count; i++) {
        struct weft_pass pass = pass_of(tape, i, weights, n);
        tape->model->layers[i].type->forward(&tape->model->layers[i], &pass);
    }
}

void weft_tape_backward(struct weft_tape *tape, const float *weights, size_t n, float *weight_gradients)
{
    for (size_t i = tape->model->layer_count; i-- > 0;) {
        struct weft_pass pass = pass_of(tape, i, weights, n);
        pass.weight_gradients = weight_gradients;
        tape->model->layers[i].type->backward(&tape->model->layers[i], &pass);
    }
}
