/* A network in training: layers in the order they run, and all weights in one array.
 *
 * Being one array, the weights can be copied, averaged, saved and stepped by an optimizer that knows no layers. */
#ifndef WEFT_MODEL_TRAIN_MODEL_H
#define WEFT_MODEL_TRAIN_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/train/layer.h"
#include "model/train/random.h"

enum { WEFT_MODEL_IMAGES = 0 }; /* the value that the first layer reads */

enum weft_parameter_kind {
    WEFT_PARAMETER_DECAYS,  /* a weight: weight decay applies */
    WEFT_PARAMETER_PLAIN,   /* bias, or scale and shift of a normalisation: moved by gradients without decay */
    WEFT_PARAMETER_AVERAGE, /* a running statistic. Its slots among the gradients hold the batch's statistic s; the
                               optimizer moves it by rate * (s - value) */
};

/* A run of the weights that belong together. */
struct weft_parameter {
    size_t offset, count;
    enum weft_parameter_kind kind;
    size_t fan_in; /* inputs of one unit, for the random start; 0: all begin at start */
    float start;
};

struct weft_model {
    struct weft_shape input;
    size_t class_count;
    const struct weft_variant *variant; /* of the kernels; may be changed before layers are added */
    struct weft_train_layer *layers;
    size_t layer_count;
    struct weft_parameter *parameters;
    size_t parameter_count;
    float *weights; /* once finished; those of all parameters, running statistics included */
    size_t weight_count;
    struct weft_error fault; /* the first thing that did not fit */
};

struct weft_model *weft_model_new(struct weft_shape input, size_t class_count, struct weft_error *err);
void weft_model_destroy(struct weft_model *model); /* accepts NULL */

/* For constructors of layers. The layer comes with type, shapes, inputs and attributes; the model gives it a name. */
size_t weft_model_add(struct weft_model *model, struct weft_train_layer layer);
/* Returns where it begins. offset is filled in by the model. */
size_t weft_model_add_parameter(struct weft_model *model, struct weft_parameter parameter);
int weft_model_fail(struct weft_model *model, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool weft_model_failed(const struct weft_model *model);
struct weft_shape weft_model_shape(const struct weft_model *model, size_t value);

/* Checks that the last layer gives class_count logits and that every other layer is read by one behind it, and draws
 * the weights: uniform with variance 2 / fan_in (He et al., "Delving deep into rectifiers", 2015). */
int weft_model_finish(struct weft_model *model, struct weft_random *random, struct weft_error *err);

/* Weights that gradients move: all but the running statistics. This is what is called a network's parameters. */
size_t weft_model_trained_count(const struct weft_model *model);

/* Of a forward pass over one image, in convolutions and dense layers. */
size_t weft_model_multiply_adds(const struct weft_model *model);

/* Writes all layers as nodes from "input" to "logits", with these weights, which must outlive the writer. */
void weft_model_write(const struct weft_model *model, const float *weights, struct weft_onnx_writer *writer);

#endif
