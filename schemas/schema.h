/* An Avro schema, parsed from its JSON text: the graph of types that a writer's values are made of.
 *
 * Named types may refer to themselves, so the graph may have cycles. Attributes that do not change the encoding (doc,
 * default, order, logicalType) are ignored. */
#ifndef WEFT_SCHEMAS_SCHEMA_H
#define WEFT_SCHEMAS_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cursor.h"
#include "base/error.h"

enum weft_schema_kind {
    WEFT_SCHEMA_NULL,
    WEFT_SCHEMA_BOOLEAN,
    WEFT_SCHEMA_INT,
    WEFT_SCHEMA_LONG,
    WEFT_SCHEMA_FLOAT,
    WEFT_SCHEMA_DOUBLE,
    WEFT_SCHEMA_BYTES,
    WEFT_SCHEMA_STRING,
    WEFT_SCHEMA_RECORD,
    WEFT_SCHEMA_ENUM,
    WEFT_SCHEMA_FIXED,
    WEFT_SCHEMA_ARRAY,
    WEFT_SCHEMA_MAP,
    WEFT_SCHEMA_UNION,
};

struct weft_schema_type;

struct weft_schema_member {
    char *name; /* of a record's field; NULL for a branch of a union */
    const struct weft_schema_type *type;
};

struct weft_schema_type {
    enum weft_schema_kind kind;
    bool empty;                           /* every value takes no bytes at all: null, fixed of 0, a record of such */
    char *name;                           /* record, enum, fixed: with its namespace */
    size_t count;                         /* fields, branches, symbols, or bytes of a fixed */
    struct weft_schema_member *members;   /* record: fields, union: branches */
    const struct weft_schema_type *items; /* array, map: of the items or values */
    struct weft_schema_type *next_owned;
};

struct weft_schema;

/* Fails with WEFT_ERROR_CORRUPT and a message that says where in the schema the fault is. */
struct weft_schema *weft_schema_parse(const char *text, struct weft_error *err);
void weft_schema_destroy(struct weft_schema *schema); /* accepts NULL */

const struct weft_schema_type *weft_schema_root(const struct weft_schema *schema);

/* "int", "record", ... */
const char *weft_schema_kind_name(enum weft_schema_kind kind);

/* Moves behind one value of the type. False when the bytes are not one: too short, a branch or symbol that does not
 * exist, a negative length, nested deeper than WEFT_SCHEMA_DEPTH_MAX. Time is bounded by the bytes there are, whatever
 * counts they announce. */
bool weft_schema_skip(const struct weft_schema_type *type, struct weft_cursor *c);

enum { WEFT_SCHEMA_DEPTH_MAX = 256 };

#endif
