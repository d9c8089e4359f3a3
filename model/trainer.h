/* Trains a network on labelled images and writes it as an ONNX file.
 *
 *     struct weft_train_options options = weft_train_defaults();
 *     weft_recipe_read(&options.recipe, "model/recipes/lenet.yaml", &err);
 *     weft_recipe_set(&options.recipe, "data", "data/fashion-mnist", &err);
 *     if (weft_train(&options, &hooks, "lenet.onnx", &result, &err) != 0) ...
 *
 * A share of the training images is held out; the epoch whose weights are kept is the one that does best on it. The
 * test set is read once, at the end. The same recipe on the same kind of processor gives the same file, bit for bit,
 * on any number of threads and however often it was stopped and resumed. */
#ifndef WEFT_MODEL_TRAINER_H
#define WEFT_MODEL_TRAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/train/recipe.h"

struct weft_train_options {
    struct weft_recipe
        recipe; /* with data, as model/data/dataset.h has it; where it holds no test images, nothing is tested */
    const char *const *labels; /* names of the classes; NULL: those of the data, or their numbers */
    size_t label_count;
    size_t threads;         /* the default: as many as there are processors */
    const char *checkpoint; /* file that is written after each epoch and when stopped, and removed when all is done;
                               NULL: none. WEFT_ERROR_CONFLICT when it is there already, but for resume */
    bool resume;            /* goes on from the checkpoint, where there is one */
    const char *history;    /* CSV file with a line an epoch; NULL: none */
};

/* Everything but data, which the caller must set. */
struct weft_train_options weft_train_defaults(void);

struct weft_train_epoch {
    size_t epoch, epochs; /* counted from 1 */
    double learning_rate; /* of the last step */
    double loss;          /* mean over the epoch's training images, as they were augmented */
    double train_accuracy;
    double validation_loss, validation_accuracy; /* of the averaged weights, where the recipe wants an average */
    double seconds;                              /* of training, without the validation */
    double images_per_second;                    /* likewise */
    double seconds_left;                         /* until all epochs are done */
    bool best;                                   /* of all so far */
};

struct weft_train_hooks {
    void (*epoch)(void *context, const struct weft_train_epoch *epoch); /* may be NULL */
    bool (*stop)(void *context); /* may be NULL; asked after each batch whether to end there */
    void *context;
};

struct weft_train_result {
    size_t parameters;
    size_t train_images, validation_images, test_images;
    size_t resumed; /* epochs that were complete in the checkpoint */
    size_t epochs;  /* complete now */
    size_t best_epoch;
    double validation_accuracy;    /* of the best epoch */
    double test_accuracy;          /* of the best epoch; -1 without a test set, and when stopped */
    double test_accuracy_mirrored; /* the same, the answer being the mean of those for the image and its mirror image */
    double seconds;                /* of all parts of the run */
    bool stopped;
    bool written; /* false when stopped before the first epoch was complete */
};

/* hooks and result may be NULL. path is written at the end, whole or not at all; when stopped, with the best weights so
 * far, which are not tested. WEFT_ERROR_USAGE for an option out of its range; faults of data, recipe, checkpoint and
 * paths are found before any training. */
int weft_train(const struct weft_train_options *options, const struct weft_train_hooks *hooks, const char *path,
               struct weft_train_result *result, struct weft_error *err);

#endif
