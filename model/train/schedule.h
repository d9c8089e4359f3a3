/* The learning rate over the steps of a run: a linear warm-up, then a half cosine down to zero (Loshchilov and Hutter,
 * "SGDR", 2017). */
#ifndef WEFT_MODEL_TRAIN_SCHEDULE_H
#define WEFT_MODEL_TRAIN_SCHEDULE_H

#include <stddef.h>

struct weft_schedule {
    double peak;
    size_t warmup_steps; /* peak is reached with the last of them */
    size_t steps;        /* in all, warm-up included */
};

/* step counts from 0. */
double weft_schedule_rate(const struct weft_schedule *schedule, size_t step);

#endif
