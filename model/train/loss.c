#include "model/train/loss.h"

#include <math.h>

static size_t largest(const float *values, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (values[i] > values[best])
            best = i;
    return best;
}

struct weft_loss weft_cross_entropy(const float *logits, const int32_t *labels, size_t n, size_t classes,
                                    float smoothing, float scale, float *gradients)
{
    struct weft_loss loss = {0};
    const float spread = smoothing / (float)classes;
    for (size_t i = 0; i < n; i++) {
        const float *z = logits + i * classes;
        const size_t label = (size_t)labels[i], best = largest(z, classes);
        /* Less the largest, so that no exponential overflows. */
        double sum = 0, mean = 0;
        for (size_t c = 0; c < classes; c++) {
            sum += exp((double)z[c] - (double)z[best]);
            mean += (double)z[c] / (double)classes;
        }
        const double log_sum = (double)z[best] + log(sum);
        loss.sum += log_sum - (1 - (double)smoothing) * (double)z[label] - (double)smoothing * mean;
        loss.correct += best == label;
        if (!gradients)
            continue;
        for (size_t c = 0; c < classes; c++) {
            float target = spread + (c == label ? 1 - smoothing : 0);
            gradients[i * classes + c] = scale * ((float)exp((double)z[c] - log_sum) - target);
        }
    }
    return loss;
}
