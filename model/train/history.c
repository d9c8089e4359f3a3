#include "model/train/history.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/atomic_file.h"

int weft_history_write(const struct weft_train_epoch *epochs, size_t count, const char *path, struct weft_error *err)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory to write it", path);
    fputs("epoch,learning_rate,loss,train_accuracy,validation_loss,validation_accuracy,seconds,images_per_second\n",
          out);
    for (const struct weft_train_epoch *e = epochs; e < epochs + count; e++)
        fprintf(out, "%zu,%.6g,%.6f,%.6f,%.6f,%.6f,%.1f,%.0f\n", e->epoch, e->learning_rate, e->loss, e->train_accuracy,
                e->validation_loss, e->validation_accuracy, e->seconds, e->images_per_second);
    int rc = -1;
    if (fclose(out) != 0)
        weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory to write it", path);
    else
        rc = weft_atomic_file_write(path, text, size, err);
    free(text);
    return rc;
}
