/* A dense layer with its weights packed once. */
#ifndef WEFT_MODEL_KERNELS_DENSE_H
#define WEFT_MODEL_KERNELS_DENSE_H

#include <stdbool.h>
#include <stddef.h>

#include "model/kernels/variant.h"

struct weft_dense;

/* Copies weights (inputs, outputs), or (outputs, inputs) when transposed, and bias (outputs). The output is clamped to
 * low..high. NULL when memory is short. */
struct weft_dense *weft_dense_new(size_t inputs, size_t outputs, const float *weights, bool transposed,
                                  const float *bias, float low, float high, const struct weft_variant *variant);
void weft_dense_destroy(struct weft_dense *dense); /* accepts NULL */

/* x is (n, inputs), out (n, outputs). */
void weft_dense_run(const struct weft_dense *dense, float *out, const float *x, size_t n);

#endif
