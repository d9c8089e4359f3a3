#include "model/train/loss.h"

#include <math.h>

/* Below this a teacher's probability is rounding. */
static const double PROBABILITY_MIN = 1e-30;

size_t weft_first_largest(const float *values, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (values[i] > values[best])
            best = i;
    return best;
}

/* log sum exp(z / temperature), less the largest so that no exponential overflows. */
static double log_sum(const float *z, size_t classes, double temperature)
{
    const double largest = (double)z[weft_first_largest(z, classes)];
    double sum = 0;
    for (size_t c = 0; c < classes; c++)
        sum += exp(((double)z[c] - largest) / temperature);
    return largest / temperature + log(sum);
}

void weft_probabilities(const float *logits, size_t classes, float *probabilities)
{
    const double sum = log_sum(logits, classes, 1);
    for (size_t c = 0; c < classes; c++)
        probabilities[c] = (float)exp((double)logits[c] - sum);
}

/* Against the labels of image i: log sum - sum of target * z. Its gradient is softmax(z) - target. */
static double against_label(const float *z, const struct weft_target *truth, size_t i, size_t classes, double scale,
                            float *gradients)
{
    const double sum = log_sum(z, classes, 1), spread = truth->smoothing / (double)classes;
    const size_t label = (size_t)truth->labels[i], other = truth->others ? (size_t)truth->others[i] : label;
    const double share = truth->others ? (double)truth->shares[i] : 0;
    double expected = 0;
    for (size_t c = 0; c < classes; c++) {
        const double certain = (c == label ? 1 - share : 0) + (c == other ? share : 0);
        const double target = spread + (1 - truth->smoothing) * certain;
        expected += target * (double)z[c];
        if (gradients)
            gradients[c] = (float)(scale * (exp((double)z[c] - sum) - target));
    }
    return sum - expected;
}

/* Against the teacher, who gives p^(1/T) before they are made to sum up to 1: that is the softmax of its logits / T.
 * The gradient of T^2 * loss is T * (softmax(z / T) - target), and is added. */
static double against_teacher(const float *z, const float *teacher, size_t classes, double temperature, double scale,
                              float *gradients)
{
    const double sum = log_sum(z, classes, temperature);
    double all = 0, expected = 0;
    for (size_t c = 0; c < classes; c++)
        all += pow(fmax((double)teacher[c], PROBABILITY_MIN), 1 / temperature);
    for (size_t c = 0; c < classes; c++) {
        const double target = pow(fmax((double)teacher[c], PROBABILITY_MIN), 1 / temperature) / all;
        expected += target * (double)z[c] / temperature;
        if (gradients)
            gradients[c] += (float)(scale * temperature * (exp((double)z[c] / temperature - sum) - target));
    }
    return temperature * temperature * (sum - expected);
}

struct weft_loss weft_cross_entropy(const float *logits, const struct weft_target *target, size_t n, size_t classes,
                                    double scale, float *gradients)
{
    struct weft_loss loss = {0};
    const double weight = target->teacher ? target->weight : 0;
    for (size_t i = 0; i < n; i++) {
        const float *z = logits + i * classes;
        float *dz = gradients ? gradients + i * classes : NULL;
        loss.sum += (1 - weight) * against_label(z, target, i, classes, scale * (1 - weight), dz);
        if (weight > 0)
            loss.sum += weight * against_teacher(z, target->teacher + i * classes, classes, target->temperature,
                                                 scale * weight, dz);
        loss.correct += weft_first_largest(z, classes) == (size_t)target->labels[i];
    }
    return loss;
}
