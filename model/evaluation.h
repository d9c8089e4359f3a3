/* How well a network classifies labelled images, and how fast. */
#ifndef WEFT_MODEL_EVALUATION_H
#define WEFT_MODEL_EVALUATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/dataset.h"
#include "model/network.h"

struct weft_class_score {
    size_t support;   /* images of the class */
    double precision; /* of the images taken for the class, the share that is of it; 0 where none was */
    double recall;    /* of the images of the class, the share that was found; 0 where there are none */
    double f1;        /* harmonic mean of the two; 0 where both are */
};

struct weft_evaluation {
    size_t count; /* images */
    size_t correct;
    double accuracy; /* correct / count */
    size_t class_count;
    uint64_t *confusion;              /* (class_count, class_count): row is the truth, column the answer */
    struct weft_class_score *classes; /* class_count of them */
    double macro_f1;                  /* mean of f1 over the classes that have images */
    double seconds;                   /* of scoring, on all threads together; 0 where nothing was run */
    double images_per_second;
};

struct weft_evaluation_options {
    size_t threads;
    size_t batch; /* images that one thread scores at a time */
};

/* Scores every image. WEFT_ERROR_CONFIG when data set and network do not fit each other. */
struct weft_evaluation *weft_evaluate(const struct weft_network *network, const struct weft_dataset *dataset,
                                      struct weft_evaluation_options options, struct weft_error *err);

/* The same figures from answers that are there already: both arrays hold count classes below class_count. */
struct weft_evaluation *weft_evaluation_of(const int32_t *truth, const int32_t *answers, size_t count,
                                           size_t class_count, struct weft_error *err);

void weft_evaluation_destroy(struct weft_evaluation *evaluation); /* accepts NULL */

#endif
