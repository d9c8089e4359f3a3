/* Pixels to floats of mean 0 and deviation 1: (pixel / 255 - mean) / std for each channel. */
#ifndef WEFT_MODEL_TRAIN_NORMALISATION_H
#define WEFT_MODEL_TRAIN_NORMALISATION_H

#include "model/data/dataset.h"
#include "model/train/layer.h"

enum { WEFT_CHANNELS_MAX = 4 };

struct weft_normalisation {
    double mean[WEFT_CHANNELS_MAX], std[WEFT_CHANNELS_MAX]; /* of pixel / 255 */
    uint8_t mean_pixel[WEFT_CHANNELS_MAX];
    float table[WEFT_CHANNELS_MAX][256]; /* what each pixel becomes */
};

/* Measured on the data set, which has at most WEFT_CHANNELS_MAX channels, and rounded to four digits, so that what is
 * written into a file is exactly what was trained with. A channel of one colour keeps a deviation of 1. */
struct weft_normalisation weft_normalisation_of(const struct weft_dataset *dataset);

/* pixels (C, H, W) to image (H, W, C), channels last as the layers have it. */
void weft_normalise(const struct weft_normalisation *normalisation, struct weft_shape shape, const uint8_t *pixels,
                    float *image);

#endif
