/* How the images of a tensor lie in memory.
 *
 * planes: (channels, height, width), as ONNX has them; good where channels are few.
 * pixels: (height, width, filled), the channels of a pixel beside each other and filled up to whole vectors, so that a
 * vector holds channels and no row has a rest. What fills up is finite and meets only zeros in weights. */
#ifndef WEFT_MODEL_KERNELS_LAYOUT_H
#define WEFT_MODEL_KERNELS_LAYOUT_H

#include <stddef.h>

enum weft_layout { WEFT_LAYOUT_PLANES, WEFT_LAYOUT_PIXELS };

/* Floats of a pixel. */
static inline size_t weft_layout_filled(size_t channels, size_t lanes)
{
    return (channels + lanes - 1) / lanes * lanes;
}

/* From the one layout to the other, n images of so many pixels; what fills up becomes zero. */
void weft_layout_to_pixels(float *out, const float *in, size_t n, size_t channels, size_t pixels, size_t lanes);
void weft_layout_to_planes(float *out, const float *in, size_t n, size_t channels, size_t pixels, size_t lanes);

#endif
