/* Small random changes to a training image that leave its class as it is. */
#ifndef WEFT_MODEL_TRAIN_AUGMENTATION_H
#define WEFT_MODEL_TRAIN_AUGMENTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/train/layer.h"
#include "model/train/normalisation.h"
#include "model/train/random.h"

struct weft_augmentation {
    size_t shift; /* up to so many pixels in each direction; what comes in is black */
    bool flip;    /* left to right, half of the time */
};

/* Normalises pixels (C, H, W) into image (C, H, W), changed at random; random may be NULL: as they are. */
void weft_augment(struct weft_augmentation augmentation, struct weft_random *random,
                  const struct weft_normalisation *normalisation, struct weft_shape shape, const uint8_t *pixels,
                  float *image);

#endif
