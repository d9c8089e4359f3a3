/* What is done with images in pixels besides convolution; channels are filled up to whole vectors. */
#include <math.h>

#include "model/kernels/simd.h"

void SIMD_NAME(weft_pool_pixel)(float *out, const float *first, size_t rows, size_t columns, size_t row_step,
                                size_t channels, bool mean, float factor)
{
    for (size_t c = 0; c < channels; c += WEFT_LANES) {
        vec pooled = vec_all(mean ? 0 : -INFINITY);
        for (size_t y = 0; y < rows; y++) {
            const float *x = first + y * row_step + c;
            for (size_t k = 0; k < columns; k++, x += channels)
                pooled = mean ? pooled + vec_load(x) : vec_max(pooled, vec_load(x));
        }
        vec_store(out + c, mean ? pooled * factor : pooled);
    }
}

void SIMD_NAME(weft_scale_pixels)(float *out, const float *x, size_t pixels, size_t channels, const float *scale,
                                  const float *shift, float low, float high)
{
    for (size_t p = 0; p < pixels; p++, x += channels, out += channels)
        for (size_t c = 0; c < channels; c += WEFT_LANES)
            vec_store(out + c, vec_clamp(vec_load(x + c) * vec_load(scale + c) + vec_load(shift + c), low, high));
}
