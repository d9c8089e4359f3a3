/* An Avro schema, parsed from its JSON text: the graph of types that values are made of.
 *
 * Named types may refer to themselves, so the graph may have cycles. Of the attributes that do not change the encoding
 * those are kept that tell how a reader resolves it (default, aliases) or sees it (logicalType). */
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
    char *name;                          /* of a field or a symbol; NULL for a branch of a union */
    const struct weft_schema_type *type; /* NULL for a symbol */
    char **aliases;                      /* of a field: ended by NULL; or NULL */
    char *fallback;                      /* a field's default as compact JSON, or NULL: none */
};

struct weft_schema_type {
    enum weft_schema_kind kind;
    bool empty;                           /* every value takes no bytes at all: null, fixed of 0, a record of such */
    char *name;                           /* record, enum, fixed: with its namespace */
    char **aliases;                       /* of the name, with their namespace: ended by NULL; or NULL */
    size_t count;                         /* fields, branches, symbols, or bytes of a fixed */
    struct weft_schema_member *members;   /* record: fields, union: branches, enum: symbols */
    const struct weft_schema_type *items; /* array, map: of the items or values */
    char *fallback;                       /* enum: the default symbol, or NULL */
    char *logical;                        /* logicalType, or NULL */
    size_t record;                        /* record: its place among the schema's records, from 0 */
    struct weft_schema_type *next_owned;
};

struct weft_schema;

/* Fails with WEFT_ERROR_CORRUPT and a message that says where in the schema the fault is. */
struct weft_schema *weft_schema_parse(const char *text, struct weft_error *err);
void weft_schema_destroy(struct weft_schema *schema); /* accepts NULL */

const struct weft_schema_type *weft_schema_root(const struct weft_schema *schema);

/* How many records the schema defines. */
size_t weft_schema_records(const struct weft_schema *schema);

/* "int", "record", ... */
const char *weft_schema_kind_name(enum weft_schema_kind kind);

/* The type in a few words: "array<float>", "union<null, int>", "record weft.Model", "fixed Md5(16)". Cut to size. */
void weft_schema_describe(const struct weft_schema_type *type, char *out, size_t size);

/* The field or symbol of this name, or NULL. */
const struct weft_schema_member *weft_schema_member(const struct weft_schema_type *type, const char *name);

/* The field of the writer's record from which a reader's field is read: the one of its name, or else of its first alias
 * that is there. NULL: the writer has none. */
const struct weft_schema_member *weft_schema_source(const struct weft_schema_member *field,
                                                    const struct weft_schema_type *writer);

/* A name without its namespace. */
const char *weft_schema_short_name(const char *name);

/* Whether a reader may take a value of one kind for another kind (int for long, bytes for string, ...), or for the
 * same. */
bool weft_schema_promotes(enum weft_schema_kind reader, enum weft_schema_kind writer);

/* Whether values of both have the same bytes and mean the same by them: fields, branches, symbols and sizes are equal
 * and in the same order. Documentation, defaults, aliases and names of types do not count. */
bool weft_schema_same_encoding(const struct weft_schema *a, const struct weft_schema *b);

/* Moves behind one value of the type. False when the bytes are not one: too short, a branch or symbol that does not
 * exist, a negative length, nested deeper than WEFT_SCHEMA_DEPTH_MAX. Time is bounded by the bytes there are, whatever
 * counts they announce. */
bool weft_schema_skip(const struct weft_schema_type *type, struct weft_cursor *c);

enum { WEFT_SCHEMA_DEPTH_MAX = 256 };

#endif
