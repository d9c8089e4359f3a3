/* A decode plan: how to find the fields that weft wants in messages written with one particular schema.
 *
 * A plan is compiled once from the writer's schema, the fields wanted and our own schema of them, by Avro's rules of
 * schema resolution: fields in any order, fields that nobody asked for (skipped), fields that lack (our default, or
 * absent where that is allowed), aliases of ours, int where a long is wanted, string for bytes and the other way round,
 * unions. Running it copies nothing: what it finds points into the message, or into the plan for a default. It takes
 * whatever weft_compatibility_read takes, and more: names of types are not compared, fields decide, and a branch of a
 * union that cannot be read spoils only the messages that choose it.
 *
 * A plan is read-only once compiled: threads may share it. */
#ifndef WEFT_SCHEMAS_PLAN_H
#define WEFT_SCHEMAS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum weft_plan_kind {
    WEFT_PLAN_STRING, /* string or bytes that are UTF-8 */
    WEFT_PLAN_BYTES,  /* bytes or string */
    WEFT_PLAN_INT,
    WEFT_PLAN_LONG,   /* int or long */
    WEFT_PLAN_FLOATS, /* array of float, int or long */
};

/* A field that is wanted. */
struct weft_plan_field {
    const char *path; /* names joined by dots, from the top record down: "source.offset" */
    enum weft_plan_kind kind;
    bool optional;   /* may be null, or lack in the writer's schema without a default in ours */
    size_t size_max; /* of a string or bytes; 0: as long as the message allows */
};

/* What a message has for it. */
struct weft_plan_value {
    bool present;
    uint8_t items;     /* FLOATS: how they are written, see weft_plan_floats */
    const uint8_t *at; /* STRING, BYTES: points into the message, or into the plan */
    size_t size;       /* of at in bytes */
    int64_t number;    /* INT, LONG: the value; FLOATS: how many there are */
};

struct weft_plan;

/* reader_schema is the record that the paths lead into, or NULL: then there are no aliases and no defaults. The paths
 * must live as long as the plan; the rest is copied. Fails with WEFT_ERROR_CORRUPT and a message that names
 * the field when no message of this schema can give what is wanted. */
struct weft_plan *weft_plan_compile(const char *writer_schema, const char *reader_schema,
                                    const struct weft_plan_field *fields, size_t count, struct weft_error *err);
void weft_plan_destroy(struct weft_plan *plan); /* accepts NULL */

/* Decodes a body, of which no byte may be left over. values has one element for each field wanted, in their order.
 * Fails with WEFT_ERROR_CORRUPT; values are then undefined. */
int weft_plan_run(const struct weft_plan *plan, const void *body, size_t size, struct weft_plan_value *values,
                  struct weft_error *err);

/* Copies the first max of a FLOATS value. */
void weft_plan_floats(const struct weft_plan_value *value, float *out, size_t max);

#endif
