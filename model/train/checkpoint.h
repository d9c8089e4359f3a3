/* The whole state of a run in a file, from which it goes on as if it had never been interrupted.
 *
 * The file is for weft on the same kind of machine, not for exchange: numbers lie in it as they lie in memory, behind a
 * header with version, size and checksum. */
#ifndef WEFT_MODEL_TRAIN_CHECKPOINT_H
#define WEFT_MODEL_TRAIN_CHECKPOINT_H

#include "model/train/loss.h"
#include "model/trainer.h"

/* How far a run is. */
struct weft_train_state {
    size_t epoch, step;       /* the next one, both from 0; step of the epoch */
    struct weft_loss running; /* over the steps of the epoch so far */
    double epoch_seconds;     /* of these steps */
    double seconds;           /* of the whole run so far */
    size_t best_epoch;        /* from 1; 0: none yet */
    double best_accuracy, best_loss;
};

enum { WEFT_CHECKPOINT_ARRAYS_MAX = 4 };

struct weft_checkpoint {
    /* What the run is of: another run's checkpoint is refused. */
    const struct weft_recipe *recipe;
    const char *data;    /* checksum */
    const char *teacher; /* likewise, or "" */

    /* What is written, and read back into the same places. */
    struct weft_train_state *state;
    struct weft_train_epoch *epochs; /* room for all epochs of the recipe; state->epoch of them are there */
    struct {
        float *values;
        size_t count;
    } arrays[WEFT_CHECKPOINT_ARRAYS_MAX];
};

/* Writes the file whole or not at all. */
int weft_checkpoint_save(const struct weft_checkpoint *checkpoint, const char *path, struct weft_error *err);

/* WEFT_ERROR_CORRUPT when the file is not whole, WEFT_ERROR_CONFLICT, which names what differs, when it is of another
 * run. Then nothing has been read into the checkpoint's places. */
int weft_checkpoint_load(const struct weft_checkpoint *checkpoint, const char *path, struct weft_error *err);

#endif
