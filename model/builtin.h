/* The models of model/zoo/, compiled into the program: wherever a model's path is taken, "builtin:NAME" names one. */
#ifndef WEFT_MODEL_BUILTIN_H
#define WEFT_MODEL_BUILTIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The one that is used where nobody names a model. */
#define WEFT_BUILTIN_DEFAULT "builtin:fast"

#define WEFT_BUILTIN_PREFIX "builtin:"

struct weft_builtin {
    const char *name;     /* without the prefix */
    const uint8_t *bytes; /* of the ONNX file */
    size_t size;
};

/* Whether path names a builtin model, known or not, instead of a file. */
bool weft_builtin_is(const char *path);

/* The model that path names. WEFT_ERROR_CONFIG lists the known ones where it is not among them. */
const struct weft_builtin *weft_builtin_find(const char *path, struct weft_error *err);

/* The index-th of them, in the order of their names; NULL past the last. */
const struct weft_builtin *weft_builtin_at(size_t index);

#endif
