#include "model/report/mistakes.h"

#include <gd.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 112 /* pixels, about, of an enlarged image */ };

size_t weft_mistakes_find(const struct weft_evaluation *evaluation, size_t *indices, size_t max)
{
    const struct weft_prediction *predictions = evaluation->predictions;
    size_t found = 0;
    for (size_t i = 0; i < evaluation->count; i++) {
        if (predictions[i].truth == predictions[i].answer)
            continue;
        size_t at = found < max ? found++ : max;
        for (; at > 0 && predictions[i].confidence > predictions[indices[at - 1]].confidence; at--)
            if (at < max)
                indices[at] = indices[at - 1];
        if (at < max)
            indices[at] = i;
    }
    return found;
}

static int colour_of(gdImagePtr image, const uint8_t *pixel, size_t channels, size_t plane)
{
    int red = pixel[0], green = channels == 3 ? pixel[plane] : red, blue = channels == 3 ? pixel[2 * plane] : red;
    return gdImageColorResolve(image, red, green, blue); /* a palette of greys, or true colour */
}

uint8_t *weft_mistake_png(const uint8_t *pixels, size_t channels, size_t height, size_t width, size_t *size,
                          struct weft_error *err)
{
    const size_t longer = width > height ? width : height;
    const int scale = longer < SIDE ? (int)(SIDE / longer) : 1;
    const int image_width = (int)width * scale, image_height = (int)height * scale;
    uint8_t *copy = NULL;
    int length = 0;
    void *png = NULL;
    gdImagePtr image =
        channels == 3 ? gdImageCreateTrueColor(image_width, image_height) : gdImageCreate(image_width, image_height);
    for (size_t y = 0; image && y < height; y++) {
        for (size_t x = 0; x < width; x++) {
            int colour = colour_of(image, pixels + y * width + x, channels, height * width);
            int left = (int)x * scale, top = (int)y * scale;
            gdImageFilledRectangle(image, left, top, left + scale - 1, top + scale - 1, colour);
        }
    }
    png = image ? gdImagePngPtr(image, &length) : NULL;
    copy = png ? malloc((size_t)length) : NULL;
    if (copy)
        memcpy(copy, png, *size = (size_t)length);
    else
        weft_error_set(err, WEFT_ERROR_INTERNAL, "cannot make a PNG of an image of %zu x %zu", width, height);
    gdFree(png);
    if (image)
        gdImageDestroy(image);
    return copy;
}
