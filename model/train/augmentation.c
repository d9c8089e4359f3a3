#include "model/train/augmentation.h"

void weft_augment(struct weft_augmentation augmentation, struct weft_random *random,
                  const struct weft_normalisation *normalisation, struct weft_shape shape, const uint8_t *pixels,
                  float *image)
{
    /* Where the image's first pixel comes from, shifted by shift to stay positive. */
    size_t down = augmentation.shift, right = augmentation.shift;
    bool flip = false;
    if (random && augmentation.shift > 0) {
        down = weft_random_below(random, 2 * augmentation.shift + 1);
        right = weft_random_below(random, 2 * augmentation.shift + 1);
    }
    if (random && augmentation.flip)
        flip = weft_random_below(random, 2) == 1;

    const size_t height = shape.height, width = shape.width;
    for (size_t c = 0; c < shape.channels; c++) {
        const float *table = normalisation->table[c];
        for (size_t y = 0; y < height; y++) {
            /* Unsigned: what lies above or left of the image wraps to far below or right of it. */
            const size_t from_y = y + down - augmentation.shift;
            const uint8_t *row = pixels + (c * height + (from_y < height ? from_y : 0)) * width;
            for (size_t x = 0; x < width; x++) {
                size_t from_x = (flip ? width - 1 - x : x) + right - augmentation.shift;
                *image++ = table[from_y < height && from_x < width ? row[from_x] : 0];
            }
        }
    }
}
