/* What a model computes on its way for up to capacity images, and the gradients on the way back: one for each thread.
 *
 *     fill weft_tape_images(tape); weft_tape_forward(tape, weights, n, &mode); read weft_tape_logits(tape);
 *     fill weft_tape_logit_gradients(tape); weft_tape_backward(tape, weights, n, weight_gradients); */
#ifndef WEFT_MODEL_TRAIN_TAPE_H
#define WEFT_MODEL_TRAIN_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/train/model.h"

struct weft_tape;

/* How a forward pass is meant. */
struct weft_tape_mode {
    bool training; /* false: running statistics, no dropout */
    float portion; /* images of this pass / images of the whole batch; 1 where it is not divided */
    uint64_t seed; /* of dropout: another one for each pass, from step and share, say */
};

/* The model must outlive the tape. */
struct weft_tape *weft_tape_new(const struct weft_model *model, size_t capacity, struct weft_error *err);
void weft_tape_destroy(struct weft_tape *tape); /* accepts NULL */

size_t weft_tape_capacity(const struct weft_tape *tape);

float *weft_tape_images(struct weft_tape *tape);             /* (capacity, H, W, C): channels last */
const float *weft_tape_logits(const struct weft_tape *tape); /* (capacity, class_count) */
float *weft_tape_logit_gradients(struct weft_tape *tape);    /* (capacity, class_count); backward spoils them */
const float *weft_tape_image_gradients(const struct weft_tape *tape); /* (capacity, H, W, C); NULL unless asked for */

/* From now on the gradient by the images is computed too, which training does not need. */
int weft_tape_want_image_gradients(struct weft_tape *tape);

/* mode may be NULL: evaluation. */
void weft_tape_forward(struct weft_tape *tape, const float *weights, size_t n, const struct weft_tape_mode *mode);

/* Adds to weight_gradients what the images of the last forward pass give, in its mode. What is added for parameters of
 * kind WEFT_PARAMETER_AVERAGE is portion * the statistic of these images; none in evaluation. */
void weft_tape_backward(struct weft_tape *tape, const float *weights, size_t n, float *weight_gradients);

#endif
