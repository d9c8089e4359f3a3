/* Images worked through in shares, on all threads: a training step, or a look at how well the weights do.
 *
 * A batch is cut into shares of about as many images as the recipe says; a share has its own statistics in batch
 * normalisations and its own sum of gradients. Threads take one share after the other; what the shares give is added in
 * their order, so that the number of threads changes nothing, not even the rounding. */
#ifndef WEFT_MODEL_TRAIN_SHARES_H
#define WEFT_MODEL_TRAIN_SHARES_H

#include "base/error.h"
#include "model/train/loss.h"
#include "model/train/material.h"
#include "model/train/model.h"
#include "model/train/optimizer.h"
#include "model/train/teacher.h"

struct weft_shares;

/* All must outlive the shares; teacher may be NULL. */
struct weft_shares *weft_shares_new(const struct weft_recipe *recipe, size_t threads,
                                    const struct weft_material *material, struct weft_model *model,
                                    struct weft_optimizer *optimizer, const struct weft_teacher *teacher,
                                    struct weft_error *err);
void weft_shares_destroy(struct weft_shares *shares); /* accepts NULL */

struct weft_step {
    const size_t *images; /* of the training images, those of the batch */
    size_t count;
    size_t epoch, step; /* from 0; step over all epochs */
    double rate;        /* of learning */
};

/* Learns from a batch, of at most as many images as the recipe says. Gives the loss before the step. */
struct weft_loss weft_shares_learn(struct weft_shares *shares, const struct weft_step *step);

/* Looks at images of data, which is the material's training or test set: images[0..count-1], or the first count where
 * images is NULL. The loss is that against the labels alone. mirrored: the answer is the mean of those for the image
 * and its mirror image. */
struct weft_loss weft_shares_score(struct weft_shares *shares, const float *weights, const struct weft_dataset *data,
                                   const size_t *images, size_t count, bool mirrored);

#endif
