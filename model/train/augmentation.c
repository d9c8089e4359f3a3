#include "model/train/augmentation.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* down and right, less shift, are where the image's first pixel comes from. */
static void move(struct weft_shape shape, const uint8_t *pixels, size_t shift, size_t down, size_t right, bool flip,
                 uint8_t *image)
{
    const size_t height = shape.height, width = shape.width;
    for (size_t c = 0; c < shape.channels; c++)
        for (size_t y = 0; y < height; y++) {
            /* Unsigned: what lies above or left of the image wraps to far below or right of it. */
            const size_t from_y = y + down - shift;
            const uint8_t *row = pixels + (c * height + (from_y < height ? from_y : 0)) * width;
            for (size_t x = 0; x < width; x++) {
                size_t from_x = (flip ? width - 1 - x : x) + right - shift;
                *image++ = from_y < height && from_x < width ? row[from_x] : 0;
            }
        }
}

/* Draws rectangles until one fits, as the paper's algorithm 1 does; a hundred in vain mean that none will. */
static void erase(const struct weft_recipe *recipe, struct weft_random *random, struct weft_shape shape,
                  const uint8_t *mean, uint8_t *image)
{
    enum { TRIES = 100 };
    const float area = (float)(shape.height * shape.width);
    for (int try = 0; try < TRIES; try++) {
        const float wanted =
            area * weft_random_between(random, (float)recipe->erase_area.low, (float)recipe->erase_area.high);
        const float aspect =
            weft_random_between(random, (float)recipe->erase_aspect.low, (float)recipe->erase_aspect.high);
        const size_t height = (size_t)lroundf(sqrtf(wanted * aspect)), width = (size_t)lroundf(sqrtf(wanted / aspect));
        if (height == 0 || width == 0 || height > shape.height || width > shape.width)
            continue;
        const size_t top = weft_random_below(random, shape.height - height + 1);
        const size_t left = weft_random_below(random, shape.width - width + 1);
        for (size_t c = 0; c < shape.channels; c++)
            for (size_t y = top; y < top + height; y++) {
                uint8_t *row = image + (c * shape.height + y) * shape.width + left;
                if (recipe->erase_fill == WEFT_ERASE_MEAN)
                    memset(row, mean[c], width);
                for (size_t x = 0; recipe->erase_fill == WEFT_ERASE_RANDOM && x < width; x++)
                    row[x] = (uint8_t)(weft_random_next(random) >> 56);
            }
        return;
    }
}

void weft_augment(const struct weft_recipe *recipe, struct weft_random *random, struct weft_shape shape,
                  const uint8_t *mean, const uint8_t *pixels, uint8_t *image)
{
    size_t down = recipe->shift, right = recipe->shift;
    bool flip = false;
    if (recipe->shift > 0) {
        down = weft_random_below(random, 2 * recipe->shift + 1);
        right = weft_random_below(random, 2 * recipe->shift + 1);
    }
    if (recipe->flip)
        flip = weft_random_below(random, 2) == 1;
    move(shape, pixels, recipe->shift, down, right, flip, image);
    if (recipe->erase_probability > 0 && weft_random_between(random, 0, 1) < (float)recipe->erase_probability)
        erase(recipe, random, shape, mean, image);
}

float weft_mix_draw(const struct weft_recipe *recipe, struct weft_random *random)
{
    if (recipe->mix_probability <= 0 || weft_random_between(random, 0, 1) >= (float)recipe->mix_probability)
        return 0;
    return weft_random_between(random, (float)recipe->mix_share.low, (float)recipe->mix_share.high);
}

void weft_mix(struct weft_shape shape, const uint8_t *other, float share, uint8_t *image)
{
    for (size_t i = 0; i < weft_shape_size(shape); i++)
        image[i] = (uint8_t)lroundf((1 - share) * (float)image[i] + share * (float)other[i]);
}

void weft_mirror(struct weft_shape shape, const uint8_t *pixels, uint8_t *image)
{
    move(shape, pixels, 0, 0, 0, true, image);
}
