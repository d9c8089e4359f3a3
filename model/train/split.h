/* A part of the training images held out, on which the epoch is chosen: the same share of each class, drawn by seed. */
#ifndef WEFT_MODEL_TRAIN_SPLIT_H
#define WEFT_MODEL_TRAIN_SPLIT_H

#include <stddef.h>

#include "base/error.h"
#include "model/data/dataset.h"
#include "model/train/random.h"

struct weft_split {
    size_t *train, train_count; /* indices into the data set */
    size_t *validation, validation_count;
};

/* share is between 0 and 1. Of each class, share of its images (rounded) go to validation. */
struct weft_split *weft_split_new(const struct weft_dataset *dataset, double share, struct weft_random *random,
                                  struct weft_error *err);
void weft_split_destroy(struct weft_split *split); /* accepts NULL */

#endif
