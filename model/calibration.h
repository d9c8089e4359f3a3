/* Whether probabilities can be believed: how often the answers given with so much confidence are right. */
#ifndef WEFT_MODEL_CALIBRATION_H
#define WEFT_MODEL_CALIBRATION_H

#include <stddef.h>

enum { WEFT_CALIBRATION_BINS = 15 }; /* of equal width, over confidences from 0 to 1 */

struct weft_calibration_bin {
    size_t count;      /* answers whose confidence lies in the bin */
    double confidence; /* their mean confidence; 0 where there are none */
    double accuracy;   /* the share of them that is right; 0 where there are none */
};

/* A bin holds what lies above its lower bound, up to and with its upper one. */
struct weft_calibration {
    struct weft_calibration_bin bins[WEFT_CALIBRATION_BINS];
    double expected_error; /* mean of |accuracy - confidence| over the bins, weighted by their counts */
};

struct weft_prediction;

/* After Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks (ICML 2017). */
void weft_calibration_of(struct weft_calibration *calibration, const struct weft_prediction *predictions, size_t count);

#endif
