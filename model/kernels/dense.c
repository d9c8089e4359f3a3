#include "model/kernels/dense.h"

#include <stdlib.h>
#include <string.h>

#include "model/kernels/conv.h"

struct weft_dense {
    const struct weft_variant *variant;
    size_t inputs, outputs;
    float low, high;
    float *weights; /* [block][input][output in block], blocks as for the convolution by channels */
    float *bias;    /* outputs, filled up to whole blocks */
};

struct weft_dense *weft_dense_new(size_t inputs, size_t outputs, const float *weights, bool transposed,
                                  const float *bias, float low, float high, const struct weft_variant *variant)
{
    size_t lanes = variant->lanes, filled = (outputs + lanes - 1) / lanes * lanes;
    struct weft_dense *dense = malloc(sizeof *dense);
    if (!dense)
        return NULL;
    *dense = (struct weft_dense){
        variant, inputs, outputs, low, high, calloc(filled, inputs * sizeof(float)), calloc(filled, sizeof(float))};
    if (!dense->weights || !dense->bias) {
        weft_dense_destroy(dense);
        return NULL;
    }
    memcpy(dense->bias, bias, outputs * sizeof *bias);
    for (size_t k = 0, block; k < outputs; k += block) {
        block = weft_conv_channels_block(outputs - k, lanes);
        float *packed = dense->weights + k * inputs;
        for (size_t i = 0; i < inputs; i++)
            for (size_t b = 0; b < block && k + b < outputs; b++)
                packed[i * block + b] = transposed ? weights[(k + b) * inputs + i] : weights[i * outputs + k + b];
    }
    return dense;
}

void weft_dense_destroy(struct weft_dense *dense)
{
    if (!dense)
        return;
    free(dense->weights);
    free(dense->bias);
    free(dense);
}

void weft_dense_run(const struct weft_dense *dense, float *out, const float *x, size_t n)
{
    dense->variant->dense(out, x, n, dense->inputs, dense->outputs, dense->weights, dense->bias, dense->low,
                          dense->high);
}
