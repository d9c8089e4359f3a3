#include "model/kernels/layout.h"

void weft_layout_to_pixels(float *out, const float *in, size_t n, size_t channels, size_t pixels, size_t lanes)
{
    size_t filled = weft_layout_filled(channels, lanes);
    for (size_t i = 0; i < n; i++, in += channels * pixels)
        for (size_t p = 0; p < pixels; p++, out += filled)
            for (size_t c = 0; c < filled; c++)
                out[c] = c < channels ? in[c * pixels + p] : 0;
}

void weft_layout_to_planes(float *out, const float *in, size_t n, size_t channels, size_t pixels, size_t lanes)
{
    size_t filled = weft_layout_filled(channels, lanes);
    for (size_t i = 0; i < n; i++, in += filled * pixels)
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < pixels; p++)
                *out++ = in[p * filled + c];
}
