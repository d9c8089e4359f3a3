/* The learning rate over the steps of a run. */
#ifndef WEFT_MODEL_TRAIN_SCHEDULE_H
#define WEFT_MODEL_TRAIN_SCHEDULE_H

#include <stddef.h>

struct weft_schedule {
    int shape;           /* WEFT_SCHEDULE_COSINE: rises linearly, falls in a half cosine (Loshchilov and Hutter, "SGDR",
                            2017). WEFT_SCHEDULE_ONE_CYCLE: rises in a half cosine too, from a 25th (Smith and Topin,
                            "Super-convergence", 2019, as PyTorch's OneCycleLR has it) */
    double peak, final;  /* final: of the peak, at the end */
    size_t warmup_steps; /* peak is reached with the last of them */
    size_t steps;        /* in all, warm-up included */
};

/* step counts from 0. */
double weft_schedule_rate(const struct weft_schedule *schedule, size_t step);

#endif
