/* Softmax with cross-entropy, against labels and a teacher's answers, and how many images were classified rightly. */
#ifndef WEFT_MODEL_TRAIN_LOSS_H
#define WEFT_MODEL_TRAIN_LOSS_H

#include <stddef.h>
#include <stdint.h>

struct weft_loss {
    double sum; /* over the images */
    size_t correct;
};

/* What the logits of n images ought to be. */
struct weft_target {
    const int32_t *labels; /* (n) */
    /* (n) each: of mixed images, the label of what was mixed in and its share of the target; NULL: none. */
    const int32_t *others;
    const float *shares;
    /* The target is 1 - smoothing on the label, and smoothing spread over all classes (Szegedy et al., "Rethinking the
     * Inception architecture", 2016). */
    double smoothing;
    /* (n, classes): a teacher's probabilities; NULL: none. The loss becomes (1 - weight) * that against the labels +
     * weight * T^2 * the cross-entropy of the two answers, both softened by the temperature T (Hinton et al.,
     * "Distilling the knowledge in a neural network", 2015). */
    const float *teacher;
    double weight, temperature;
};

/* logits is (n, classes). gradients, where not NULL, is (n, classes) and becomes the gradient of scale * sum. */
struct weft_loss weft_cross_entropy(const float *logits, const struct weft_target *target, size_t n, size_t classes,
                                    double scale, float *gradients);

/* logits (classes) to probabilities (classes), which may be the same array. */
void weft_probabilities(const float *logits, size_t classes, float *probabilities);

size_t weft_first_largest(const float *values, size_t count); /* the first of them */

#endif
