/* What each epoch of a run was like, and as a CSV file for people and plots. */
#ifndef WEFT_MODEL_TRAIN_HISTORY_H
#define WEFT_MODEL_TRAIN_HISTORY_H

#include "model/trainer.h"

/* Writes the file whole or not at all. */
int weft_history_write(const struct weft_train_epoch *epochs, size_t count, const char *path, struct weft_error *err);

#endif
