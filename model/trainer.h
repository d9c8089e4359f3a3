/* Trains a network on labelled images and writes it as an ONNX file.
 *
 *     struct weft_train_options options = weft_train_defaults();
 *     options.data = "data/fashion-mnist";
 *     options.seed = 7;
 *     if (weft_train(&options, &hooks, "lenet.onnx", &result, &err) != 0) ...
 *
 * A share of the training images is held out; the epoch whose weights are kept is the one that does best on it. The
 * test set is read once, at the end. The same options on the same kind of processor give the same file, bit for bit. */
#ifndef WEFT_MODEL_TRAINER_H
#define WEFT_MODEL_TRAINER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct weft_train_options {
    const char *architecture;
    const char *data;          /* a folder with train-* and t10k-* files, or one images file: then nothing is tested */
    const char *name;          /* of the model; NULL: that of the architecture */
    const char *version;       /* of the model */
    const char *const *labels; /* names of the classes; NULL: those of a known data set, or their numbers */
    size_t label_count;
    size_t epochs;
    size_t batch;           /* images a step */
    double learning_rate;   /* at its highest */
    double warmup;          /* epochs until then */
    double momentum;        /* Nesterov's */
    double weight_decay;    /* on weights, not on biases */
    double label_smoothing; /* 0: none */
    size_t shift;           /* augmentation: pixels in each direction */
    bool flip;              /* augmentation: left to right */
    double validation;      /* share of the training images held out */
    uint64_t seed;
    size_t threads;
};

/* Everything but data, which the caller must set. */
struct weft_train_options weft_train_defaults(void);

struct weft_train_epoch {
    size_t epoch, epochs; /* counted from 1 */
    double learning_rate; /* of the last step */
    double loss;          /* mean over the epoch's training images, as they were augmented */
    double train_accuracy;
    double validation_loss, validation_accuracy;
    double images_per_second; /* of training, without the validation */
    bool best;                /* of all so far */
};

struct weft_train_hooks {
    void (*epoch)(void *context, const struct weft_train_epoch *epoch); /* may be NULL */
    void *context;
    const volatile sig_atomic_t *stop; /* may be NULL; when it is not 0, training ends after the batch */
};

struct weft_train_result {
    size_t parameters;
    size_t train_images, validation_images, test_images;
    size_t epochs; /* completed */
    size_t best_epoch;
    double validation_accuracy; /* of the best epoch */
    double test_accuracy;       /* of the best epoch; -1 without a test set */
    double seconds;
    bool stopped;
    bool written; /* false when stopped before the first epoch was complete */
};

/* hooks and result may be NULL. path is written at the end, whole or not at all. WEFT_ERROR_USAGE for an option out of
 * its range; faults of data and path are found before any training. */
int weft_train(const struct weft_train_options *options, const struct weft_train_hooks *hooks, const char *path,
               struct weft_train_result *result, struct weft_error *err);

#endif
