#include "model/data/inversion.h"

#include <math.h>

static const double half = 0.5;
static const double clear = 0.1; /* how far from the half the mean of the training images must be */

/* Mean brightness, 0..1, of the outermost pixels all around: the ground, even where the thing touches a side or two. */
static double border_brightness(const uint8_t *pixels, size_t height, size_t width)
{
    uint64_t sum = 0;
    size_t count = 0;
    for (size_t y = 0; y < height; y++) {
        bool whole_row = y == 0 || y == height - 1;
        for (size_t x = 0; x < width; x += whole_row || width == 1 ? 1 : width - 1) {
            sum += pixels[y * width + x];
            count++;
        }
    }
    return (double)sum / (255 * (double)count);
}

bool weft_image_is_inverted(const struct weft_network_info *info, const uint8_t *pixels)
{
    const double mean = (double)info->mean[0];
    if (info->channels != 1 || mean <= 0 || fabs(mean - half) < clear)
        return false;
    bool dark_ground = mean < half;
    double border = border_brightness(pixels, info->height, info->width);
    return dark_ground ? border > half : border < half;
}

void weft_image_invert(uint8_t *pixels, size_t size)
{
    for (size_t i = 0; i < size; i++)
        pixels[i] = (uint8_t)(255 - pixels[i]);
}
