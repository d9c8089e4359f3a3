/* What a model computes on its way for up to capacity images, and the gradients on the way back: one for each thread.
 *
 *     fill weft_tape_images(tape); weft_tape_forward(tape, weights, n); read weft_tape_logits(tape);
 *     fill weft_tape_logit_gradients(tape); weft_tape_backward(tape, weights, n, weight_gradients); */
#ifndef WEFT_MODEL_TRAIN_TAPE_H
#define WEFT_MODEL_TRAIN_TAPE_H

#include <stddef.h>

#include "base/error.h"
#include "model/train/model.h"

struct weft_tape;

/* The model must outlive the tape. */
struct weft_tape *weft_tape_new(const struct weft_model *model, size_t capacity, struct weft_error *err);
void weft_tape_destroy(struct weft_tape *tape); /* accepts NULL */

size_t weft_tape_capacity(const struct weft_tape *tape);

float *weft_tape_images(struct weft_tape *tape);                      /* (capacity, C, H, W) */
const float *weft_tape_logits(const struct weft_tape *tape);          /* (capacity, class_count) */
float *weft_tape_logit_gradients(struct weft_tape *tape);             /* (capacity, class_count) */
const float *weft_tape_image_gradients(const struct weft_tape *tape); /* NULL unless asked for below */

/* From now on the gradient by the images is computed too, which training does not need. */
int weft_tape_want_image_gradients(struct weft_tape *tape);

void weft_tape_forward(struct weft_tape *tape, const float *weights, size_t n);

/* Adds to weight_gradients what the images of the last forward pass give. */
void weft_tape_backward(struct weft_tape *tape, const float *weights, size_t n, float *weight_gradients);

#endif
