/* What changed from one schema to another, field by field, and what that means to those who read. */
#ifndef WEFT_SCHEMAS_DIFFERENCE_H
#define WEFT_SCHEMAS_DIFFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "schemas/schema.h"

enum weft_difference_kind { WEFT_DIFFERENCE_ADDED, WEFT_DIFFERENCE_REMOVED, WEFT_DIFFERENCE_CHANGED };

struct weft_difference {
    enum weft_difference_kind kind;
    char *path;        /* "PredictRequest.tags[].name" */
    char *what;        /* "int, default 0", "int -> long" */
    char *new_readers; /* what they make of old messages */
    char *old_readers; /* what they make of new messages */
};

/* {0} is empty. */
struct weft_differences {
    struct weft_difference *at;
    size_t count;
};

/* Adds the differences in the order of the new schema's fields, then what was removed. Documentation does not count. */
int weft_difference_find(const struct weft_schema *old, const struct weft_schema *new, struct weft_differences *found,
                         struct weft_error *err);
void weft_differences_clear(struct weft_differences *found);

#endif
