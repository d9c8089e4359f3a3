/* How a training went, epoch by epoch, as its history.csv has it. */
#ifndef WEFT_MODEL_REPORT_CURVE_H
#define WEFT_MODEL_REPORT_CURVE_H

#include <stddef.h>

#include "base/error.h"

/* What the file does not say is NAN. */
struct weft_curve_point {
    double epoch, learning_rate, loss, train_accuracy, validation_loss, validation_accuracy;
};

struct weft_curve {
    size_t count;
    struct weft_curve_point *points;
};

/* Reads the columns that it knows by the names in the file's first line, in any order; epoch has to be among them.
 * WEFT_ERROR_CONFIG when it cannot be read, _CORRUPT names the line. */
struct weft_curve *weft_curve_read(const char *path, struct weft_error *err);
void weft_curve_destroy(struct weft_curve *curve); /* accepts NULL */

#endif
