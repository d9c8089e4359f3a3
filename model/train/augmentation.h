/* Small random changes to a training image that leave its class as it is. */
#ifndef WEFT_MODEL_TRAIN_AUGMENTATION_H
#define WEFT_MODEL_TRAIN_AUGMENTATION_H

#include <stddef.h>
#include <stdint.h>

#include "model/train/layer.h"
#include "model/train/random.h"
#include "model/train/recipe.h"

/* Writes pixels (C, H, W) to image, likewise, changed at random as the recipe's augmentation says: shifted (what comes
 * in is black), mirrored half of the time, and a rectangle erased (Zhong et al., "Random erasing data augmentation",
 * 2017). mean (C) is what is filled in where the recipe wants that. */
void weft_augment(const struct weft_recipe *recipe, struct weft_random *random, struct weft_shape shape,
                  const uint8_t *mean, const uint8_t *pixels, uint8_t *image);

/* Draws whether an image is mixed with another as the recipe says, and the share of the other; 0: not mixed. */
float weft_mix_draw(const struct weft_recipe *recipe, struct weft_random *random);

/* Moves pixels (C, H, W) of image towards those of other by share of their difference (Zhang et al., "mixup: beyond
 * empirical risk minimization", 2018). */
void weft_mix(struct weft_shape shape, const uint8_t *other, float share, uint8_t *image);

/* Writes pixels (C, H, W) to image, likewise, left to right. */
void weft_mirror(struct weft_shape shape, const uint8_t *pixels, uint8_t *image);

#endif
