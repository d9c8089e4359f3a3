/* Softmax with cross-entropy, and how many images were classified rightly. */
#ifndef WEFT_MODEL_TRAIN_LOSS_H
#define WEFT_MODEL_TRAIN_LOSS_H

#include <stddef.h>
#include <stdint.h>

struct weft_loss {
    double sum; /* over the images */
    size_t correct;
};

/* logits is (n, classes). The target is 1 - smoothing on the label, and smoothing spread over all classes (Szegedy et
 * al., "Rethinking the Inception architecture", 2016). gradients, where not NULL, is (n, classes) and becomes the
 * gradient of scale * sum. */
struct weft_loss weft_cross_entropy(const float *logits, const int32_t *labels, size_t n, size_t classes,
                                    float smoothing, float scale, float *gradients);

#endif
