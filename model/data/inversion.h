/* Photographs show dark things on light ground, many training sets light things on black ground: which of the two an
 * image is, and the image turned into the other. */
#ifndef WEFT_MODEL_DATA_INVERSION_H
#define WEFT_MODEL_DATA_INVERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/network.h"

/* Whether the image is the negative of what the network was trained on, judged by its border and by the mean brightness
 * of the training images. pixels is (channels, height, width) as the network takes them.
 *
 * False where the training images do not tell: no mean is known, their mean is neither clearly dark nor clearly light,
 * or they are in colour (a negative has other colours than a photograph on another ground). */
bool weft_image_is_inverted(const struct weft_network_info *info, const uint8_t *pixels);

void weft_image_invert(uint8_t *pixels, size_t size);

#endif
