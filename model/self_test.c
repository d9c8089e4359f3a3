#include "model/self_test.h"

#include <math.h>
#include <stdlib.h>

#include "model/network.h"

/* Kernels and trainer add in another order. */
#define TOLERANCE 2e-3F

void weft_self_test_image(size_t index, size_t channels, size_t height, size_t width, uint8_t *image)
{
    uint32_t noise = 1;
    for (size_t c = 0; c < channels; c++)
        for (size_t y = 0; y < height; y++)
            for (size_t x = 0; x < width; x++) {
                /* Multiplier and increment of "Numerical Recipes in C", 1992, section 7.1. */
                noise = noise * 1664525U + 1013904223U;
                const size_t of_image[WEFT_SELF_TEST_IMAGES] = {0, x * 255 / width, 255 - y * 255 / height,
                                                                noise >> 24};
                *image++ = (uint8_t)of_image[index];
            }
}

static int compare(const struct weft_network_info *info, const float *probabilities, struct weft_error *err)
{
    for (size_t i = 0; i < WEFT_SELF_TEST_IMAGES; i++) {
        float sum = 0;
        for (size_t c = 0; c < info->class_count; c++) {
            const size_t at = i * info->class_count + c;
            const float p = probabilities[at];
            if (!isfinite(p) || p < 0)
                return weft_error_set(err, WEFT_ERROR_CONFIG, "self-test: image %zu gets %g for class %s", i, (double)p,
                                      info->labels[c]);
            if (info->self_test && fabsf(p - info->self_test[at]) > TOLERANCE)
                return weft_error_set(err, WEFT_ERROR_CONFIG,
                                      "self-test: image %zu gets %.4f for class %s, the file says %.4f", i, (double)p,
                                      info->labels[c], (double)info->self_test[at]);
            sum += p;
        }
        if (fabsf(sum - 1) > TOLERANCE)
            return weft_error_set(err, WEFT_ERROR_CONFIG, "self-test: the probabilities of image %zu add up to %g", i,
                                  (double)sum);
    }
    return 0;
}

int weft_self_test(const struct weft_network *network, struct weft_error *err)
{
    const struct weft_network_info *info = weft_network_info(network);
    const uint8_t *images[WEFT_SELF_TEST_IMAGES];
    uint8_t *pixels = malloc(WEFT_SELF_TEST_IMAGES * info->image_size);
    float *probabilities = calloc(WEFT_SELF_TEST_IMAGES * info->class_count, sizeof *probabilities);
    struct weft_workspace *workspace = weft_workspace_new(network, WEFT_SELF_TEST_IMAGES, err);
    int result = -1;
    if (!pixels || !probabilities || !workspace) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for the self-test");
        goto out;
    }
    for (size_t i = 0; i < WEFT_SELF_TEST_IMAGES; i++) {
        weft_self_test_image(i, info->channels, info->height, info->width, pixels + i * info->image_size);
        images[i] = pixels + i * info->image_size;
    }
    weft_network_run(network, workspace, images, WEFT_SELF_TEST_IMAGES, probabilities);
    result = compare(info, probabilities, err);
out:
    weft_workspace_destroy(workspace);
    free(probabilities);
    free(pixels);
    return result;
}
