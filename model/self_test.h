/* Whether a network that has been loaded answers as it should.
 *
 * The trainer scores a few fixed images with its own arithmetic and writes the probabilities into the model's file
 * (metadata weft.self_test). Whoever loads the file scores the same images: a damaged file, or kernels that are wrong
 * on this machine, do not come out alike. */
#ifndef WEFT_MODEL_SELF_TEST_H
#define WEFT_MODEL_SELF_TEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct weft_network;

enum { WEFT_SELF_TEST_IMAGES = 4 };

/* The index-th image, (channels, height, width): black, a ramp to the right, a ramp upwards, noise. */
void weft_self_test_image(size_t index, size_t channels, size_t height, size_t width, uint8_t *image);

/* Scores them. WEFT_ERROR_CONFIG when an answer is not what the file says; where the file says nothing, when it is no
 * distribution: finite, none below 0, their sum 1. */
int weft_self_test(const struct weft_network *network, struct weft_error *err);

#endif
