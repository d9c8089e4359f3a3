/* Whether what is written with one schema can be read with another, by Avro's rules of schema resolution, and if not,
 * why not: every reason, each with the path to the place.
 *
 *     struct weft_incompatibilities found = {0};
 *     if (weft_compatibility_read(reader, writer, &found, err) == 0 && found.count > 0)
 *         printf("%s: %s\n", found.at[0].path, found.at[0].reason);
 *     weft_incompatibilities_clear(&found);
 *
 * A union that the writer has is readable when each of its branches is: what one message chose does not count. Names of
 * types are compared without their namespaces. Logical types do not count. */
#ifndef WEFT_SCHEMAS_COMPATIBILITY_H
#define WEFT_SCHEMAS_COMPATIBILITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "schemas/schema.h"

enum weft_incompatibility_kind {
    WEFT_INCOMPATIBLE_TYPE,    /* another kind of value */
    WEFT_INCOMPATIBLE_NAME,    /* another record, enum or fixed */
    WEFT_INCOMPATIBLE_SIZE,    /* fixed of another size */
    WEFT_INCOMPATIBLE_SYMBOLS, /* an enum's symbols that the reader lacks */
    WEFT_INCOMPATIBLE_DEFAULT, /* a field that the writer lacks and that has no default */
    WEFT_INCOMPATIBLE_BRANCH,  /* nothing in the reader's union matches */
};

struct weft_incompatibility {
    enum weft_incompatibility_kind kind;
    bool forward;   /* the other schema is the reader: data of the new one would reach it */
    size_t version; /* index of the other schema, see weft_compatibility_check */
    char *path;     /* "PredictRequest.tags[].name": [] items of an array, {} values of a map */
    char *reason;   /* "reader has bytes, writer has array<float>" */
};

/* {0} is empty. */
struct weft_incompatibilities {
    struct weft_incompatibility *at;
    size_t count;
};

void weft_incompatibilities_clear(struct weft_incompatibilities *found);

/* "type-mismatch", ...: fixed, for programs. */
const char *weft_incompatibility_name(enum weft_incompatibility_kind kind);

/* Adds to *found why data of the writer cannot be read by the reader: nothing when they can. -1 only when the question
 * cannot be answered (memory, nested too deep). */
int weft_compatibility_read(const struct weft_schema *reader, const struct weft_schema *writer,
                            struct weft_incompatibilities *found, struct weft_error *err);

/* The same, without reasons, for one type of each schema. */
bool weft_compatibility_of_types(const struct weft_schema *reader, const struct weft_schema_type *reader_type,
                                 const struct weft_schema *writer, const struct weft_schema_type *writer_type);

/* As schema registries name them: who must be able to read whom when a subject gets a new version. */
enum weft_compatibility_level {
    WEFT_LEVEL_NONE,
    WEFT_LEVEL_BACKWARD, /* the new schema reads data of the latest version */
    WEFT_LEVEL_BACKWARD_TRANSITIVE,
    WEFT_LEVEL_FORWARD, /* the latest version reads data of the new schema */
    WEFT_LEVEL_FORWARD_TRANSITIVE,
    WEFT_LEVEL_FULL, /* both */
    WEFT_LEVEL_FULL_TRANSITIVE,
};

const char *weft_compatibility_level_name(enum weft_compatibility_level level);

/* In any case of letters. WEFT_ERROR_USAGE lists the levels. */
int weft_compatibility_level_parse(const char *name, enum weft_compatibility_level *level, struct weft_error *err);

/* Adds to *found why a new schema may not follow the versions (the latest last) at this level, which says whether only
 * the latest counts. */
int weft_compatibility_check(const struct weft_schema *schema, struct weft_schema *const *versions, size_t count,
                             enum weft_compatibility_level level, struct weft_incompatibilities *found,
                             struct weft_error *err);

#endif
