/* How well a network classifies labelled images, and how fast. */
#ifndef WEFT_MODEL_EVALUATION_H
#define WEFT_MODEL_EVALUATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/calibration.h"
#include "model/data/dataset.h"
#include "model/network.h"

/* What was said of one image. */
struct weft_prediction {
    int32_t truth, answer;
    float confidence;        /* the probability of the answer */
    float truth_probability; /* the probability that the truth was given */
};

struct weft_class_score {
    size_t support;   /* images of the class */
    double precision; /* of the images taken for the class, the share that is of it; 0 where none was */
    double recall;    /* of the images of the class, the share that was found; 0 where there are none */
    double f1;        /* harmonic mean of the two; 0 where both are */
};

struct weft_evaluation {
    size_t count;                        /* images */
    struct weft_prediction *predictions; /* one for each image, in the order of the data set */
    size_t correct;
    double accuracy;                    /* correct / count */
    double accuracy_low, accuracy_high; /* its 95 % confidence interval, for other images of the same kind */
    size_t class_count;
    uint64_t *confusion;              /* (class_count, class_count): row is the truth, column the answer */
    struct weft_class_score *classes; /* class_count of them */
    double macro_f1;                  /* mean of f1 over the classes that have images */
    double log_loss;                  /* mean of -ln(probability of the truth) */
    struct weft_calibration calibration;
    double seconds; /* of scoring, on all threads together; 0 where nothing was run */
    double images_per_second;
};

struct weft_evaluation_options {
    size_t threads;
    size_t batch;      /* images that one thread scores at a time */
    bool flip_average; /* test-time augmentation: the mean of the probabilities of each image and of its mirror image */
};

/* Scores every image. WEFT_ERROR_CONFIG when data set and network do not fit each other. */
struct weft_evaluation *weft_evaluate(const struct weft_network *network, const struct weft_dataset *dataset,
                                      struct weft_evaluation_options options, struct weft_error *err);

/* The same figures from predictions that are there already, all of classes below class_count; they are copied. */
struct weft_evaluation *weft_evaluation_of(const struct weft_prediction *predictions, size_t count, size_t class_count,
                                           struct weft_error *err);

void weft_evaluation_destroy(struct weft_evaluation *evaluation); /* accepts NULL */

#endif
