#include "model/train/normalisation.h"

#include <math.h>

static double rounded(double x)
{
    return round(x * 1e4) / 1e4;
}

struct weft_normalisation weft_normalisation_of(const struct weft_dataset *dataset)
{
    struct weft_normalisation result;
    const size_t plane = dataset->height * dataset->width;
    for (size_t c = 0; c < dataset->channels; c++) {
        /* Whole numbers, so that the order of adding does not matter. */
        uint64_t sum = 0, squares = 0;
        for (size_t i = 0; i < dataset->count; i++) {
            const uint8_t *pixels = weft_dataset_image(dataset, i) + c * plane;
            for (size_t p = 0; p < plane; p++) {
                sum += pixels[p];
                squares += (uint64_t)pixels[p] * pixels[p];
            }
        }
        const double n = (double)dataset->count * (double)plane;
        const double mean = (double)sum / n;
        const double std = rounded(sqrt(fmax(0, (double)squares / n - mean * mean)) / 255);
        result.mean[c] = rounded(mean / 255);
        result.mean_pixel[c] = (uint8_t)lround(mean);
        result.std[c] = std > 0 ? std : 1;
        for (size_t v = 0; v < 256; v++)
            result.table[c][v] = (float)(((double)v / 255 - result.mean[c]) / result.std[c]);
    }
    return result;
}

void weft_normalise(const struct weft_normalisation *normalisation, struct weft_shape shape, const uint8_t *pixels,
                    float *image)
{
    const size_t plane = shape.height * shape.width;
    for (size_t c = 0; c < shape.channels; c++) {
        const float *table = normalisation->table[c];
        for (size_t p = 0; p < plane; p++)
            image[p * shape.channels + c] = table[pixels[c * plane + p]];
    }
}
