#include "schemas/compatibility.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Pairs of records of which the table below is made: far more than any schema in use needs. */
enum { PATH_MAX_SIZE = 512, TYPE_SIZE = 160, REASON_SIZE = 512, PAIRS_MAX = 1 << 24 };

/* What is known of a pair of a reader's and a writer's record. A pair is good until something is found against it: so
 * records that hold themselves are compared by what stands beside the recursion. */
enum pair { UNSEEN, SEEN, BAD, TOLD };

struct comparison {
    uint8_t *pairs; /* enum pair, reader's records by writer's records */
    size_t writer_records, pair_count;
    bool changed;  /* a pair turned bad in this pass */
    bool too_deep; /* the answer cannot be trusted */
    bool out_of_memory;
    char path[PATH_MAX_SIZE];
    size_t path_length;
    struct weft_incompatibilities *found;
};

typedef const struct weft_schema_type type_t;

static bool readable(struct comparison *c, type_t *reader, type_t *writer, int depth);
static void tell(struct comparison *c, type_t *reader, type_t *writer, int depth);

void weft_incompatibilities_clear(struct weft_incompatibilities *found)
{
    for (size_t i = 0; i < found->count; i++) {
        free(found->at[i].path);
        free(found->at[i].reason);
    }
    free(found->at);
    *found = (struct weft_incompatibilities){0};
}

const char *weft_incompatibility_name(enum weft_incompatibility_kind kind)
{
    static const char *const names[] = {"type-mismatch",   "name-mismatch",   "size-mismatch",
                                        "missing-symbols", "missing-default", "missing-branch"};
    return names[kind];
}

static bool same_name(type_t *reader, type_t *writer)
{
    if (strcmp(weft_schema_short_name(reader->name), weft_schema_short_name(writer->name)) == 0)
        return true;
    for (char **alias = reader->aliases; alias && *alias; alias++)
        if (strcmp(*alias, writer->name) == 0)
            return true;
    return false;
}

static bool symbols_missing(type_t *reader, type_t *writer)
{
    if (reader->fallback && weft_schema_member(reader, reader->fallback))
        return false;
    for (size_t i = 0; i < writer->count; i++)
        if (!weft_schema_member(reader, writer->members[i].name))
            return true;
    return false;
}

static uint8_t *pair_of(struct comparison *c, type_t *reader, type_t *writer)
{
    return &c->pairs[reader->record * c->writer_records + writer->record];
}

static bool records_readable(struct comparison *c, type_t *reader, type_t *writer, int depth)
{
    uint8_t *pair = pair_of(c, reader, writer);
    if (*pair != UNSEEN)
        return *pair == SEEN;
    *pair = SEEN;
    bool good = same_name(reader, writer);
    for (size_t i = 0; i < reader->count; i++) {
        const struct weft_schema_member *field = &reader->members[i], *source = weft_schema_source(field, writer);
        if (source ? !readable(c, field->type, source->type, depth) : !field->fallback)
            good = false;
    }
    if (!good) {
        *pair = BAD;
        c->changed = true;
    }
    return good;
}

/* Goes everywhere, though the answer may be clear before: after the last pass each pair that can be reached is known.
 */
static bool readable(struct comparison *c, type_t *reader, type_t *writer, int depth)
{
    if (depth == WEFT_SCHEMA_DEPTH_MAX) {
        c->too_deep = true;
        return false;
    }
    depth++;
    bool any = false, all = true;
    if (writer->kind == WEFT_SCHEMA_UNION) {
        for (size_t i = 0; i < writer->count; i++)
            all = readable(c, reader, writer->members[i].type, depth) && all;
        return all;
    }
    if (reader->kind == WEFT_SCHEMA_UNION) {
        for (size_t i = 0; i < reader->count; i++)
            any = readable(c, reader->members[i].type, writer, depth) || any;
        return any;
    }
    if (reader->kind != writer->kind)
        return weft_schema_promotes(reader->kind, writer->kind);
    switch (reader->kind) {
    case WEFT_SCHEMA_RECORD: return records_readable(c, reader, writer, depth);
    case WEFT_SCHEMA_ENUM: return same_name(reader, writer) && !symbols_missing(reader, writer);
    case WEFT_SCHEMA_FIXED: return same_name(reader, writer) && reader->count == writer->count;
    case WEFT_SCHEMA_ARRAY:
    case WEFT_SCHEMA_MAP: return readable(c, reader->items, writer->items, depth);
    default: return true;
    }
}

/* Passes until none finds another bad pair: then what is left is good. */
static bool settle(struct comparison *c, type_t *reader, type_t *writer)
{
    bool good;
    do {
        c->changed = false;
        for (size_t i = 0; i < c->pair_count; i++)
            if (c->pairs[i] == SEEN)
                c->pairs[i] = UNSEEN;
        good = readable(c, reader, writer, 0);
    } while (c->changed && !c->too_deep);
    return good;
}

static void __attribute__((format(printf, 3, 4)))
add_reason(struct comparison *c, enum weft_incompatibility_kind kind, const char *format, ...)
{
    char reason[REASON_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    struct weft_incompatibilities *found = c->found;
    struct weft_incompatibility *grown = realloc(found->at, (found->count + 1) * sizeof *grown);
    if (!grown) {
        c->out_of_memory = true;
        return;
    }
    found->at = grown;
    grown[found->count] =
        (struct weft_incompatibility){.kind = kind, .path = strdup(c->path), .reason = strdup(reason)};
    c->out_of_memory = c->out_of_memory || !grown[found->count].path || !grown[found->count].reason;
    found->count++;
}

/* Puts a step behind the path; gives the length to go back to. */
static size_t enter(struct comparison *c, const char *before, const char *name)
{
    size_t length = c->path_length;
    int added = snprintf(c->path + length, sizeof c->path - length, "%s%s", before, name);
    c->path_length += (size_t)added;
    if (c->path_length >= sizeof c->path)
        c->path_length = sizeof c->path - 1;
    return length;
}

static void leave(struct comparison *c, size_t length)
{
    c->path_length = length;
    c->path[length] = '\0';
}

static void tell_mismatch(struct comparison *c, enum weft_incompatibility_kind kind, type_t *reader, type_t *writer)
{
    char wanted[TYPE_SIZE], written[TYPE_SIZE];
    weft_schema_describe(reader, wanted, sizeof wanted);
    weft_schema_describe(writer, written, sizeof written);
    if (kind == WEFT_INCOMPATIBLE_BRANCH)
        add_reason(c, kind, "the writer may write %s, for which the reader's %s has no branch", written, wanted);
    else
        add_reason(c, kind, "reader has %s, writer has %s", wanted, written);
}

static void tell_records(struct comparison *c, type_t *reader, type_t *writer, int depth)
{
    uint8_t *pair = pair_of(c, reader, writer);
    if (*pair != BAD)
        return;
    *pair = TOLD;
    if (!same_name(reader, writer))
        tell_mismatch(c, WEFT_INCOMPATIBLE_NAME, reader, writer);
    for (size_t i = 0; i < reader->count; i++) {
        const struct weft_schema_member *field = &reader->members[i], *source = weft_schema_source(field, writer);
        size_t back = enter(c, ".", field->name);
        if (source)
            tell(c, field->type, source->type, depth);
        else if (!field->fallback)
            add_reason(c, WEFT_INCOMPATIBLE_DEFAULT,
                       "the writer has no such field, and the reader has no default for it");
        leave(c, back);
    }
}

static void tell_symbols(struct comparison *c, type_t *reader, type_t *writer)
{
    char missing[REASON_SIZE / 2] = "";
    size_t n = 0;
    for (size_t i = 0; i < writer->count && n < sizeof missing; i++)
        if (!weft_schema_member(reader, writer->members[i].name))
            n += (size_t)snprintf(missing + n, sizeof missing - n, "%s%s", n ? ", " : "", writer->members[i].name);
    add_reason(c, WEFT_INCOMPATIBLE_SYMBOLS, "the reader's enum %.100s lacks the writer's %s, and has no default",
               reader->name, missing);
}

/* The branch that the writer's type was meant for, where one is of its kind; NULL otherwise. */
static type_t *nearest_branch(type_t *reader, type_t *writer)
{
    type_t *nearest = NULL;
    for (size_t i = 0; i < reader->count; i++) {
        type_t *branch = reader->members[i].type;
        if (branch->kind == writer->kind && (!nearest || (branch->name && same_name(branch, writer))))
            nearest = branch;
    }
    return nearest;
}

/* Says what makes the reader's type unreadable, if anything does. What is told of two records is told once. */
static void tell(struct comparison *c, type_t *reader, type_t *writer, int depth)
{
    size_t back;
    if (readable(c, reader, writer, depth++))
        return;
    if (writer->kind == WEFT_SCHEMA_UNION) {
        for (size_t i = 0; i < writer->count; i++)
            tell(c, reader, writer->members[i].type, depth);
        return;
    }
    if (reader->kind == WEFT_SCHEMA_UNION) {
        type_t *branch = nearest_branch(reader, writer);
        if (branch)
            tell(c, branch, writer, depth);
        else
            tell_mismatch(c, WEFT_INCOMPATIBLE_BRANCH, reader, writer);
        return;
    }
    if (reader->kind != writer->kind) {
        tell_mismatch(c, WEFT_INCOMPATIBLE_TYPE, reader, writer);
        return;
    }
    switch (reader->kind) {
    case WEFT_SCHEMA_RECORD: tell_records(c, reader, writer, depth); break;
    case WEFT_SCHEMA_ENUM:
    case WEFT_SCHEMA_FIXED:
        if (!same_name(reader, writer))
            tell_mismatch(c, WEFT_INCOMPATIBLE_NAME, reader, writer);
        if (reader->kind == WEFT_SCHEMA_FIXED && reader->count != writer->count)
            tell_mismatch(c, WEFT_INCOMPATIBLE_SIZE, reader, writer);
        if (reader->kind == WEFT_SCHEMA_ENUM && symbols_missing(reader, writer))
            tell_symbols(c, reader, writer);
        break;
    case WEFT_SCHEMA_ARRAY:
    case WEFT_SCHEMA_MAP:
        back = enter(c, reader->kind == WEFT_SCHEMA_ARRAY ? "[]" : "{}", "");
        tell(c, reader->items, writer->items, depth);
        leave(c, back);
        break;
    default: break;
    }
}

static int begin(struct comparison *c, const struct weft_schema *reader, const struct weft_schema *writer,
                 struct weft_error *err)
{
    size_t rows = weft_schema_records(reader), columns = weft_schema_records(writer);
    if (columns && rows > PAIRS_MAX / columns)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "schemas of %zu and %zu records are too large to compare", rows,
                              columns);
    c->writer_records = columns;
    c->pair_count = rows * columns;
    c->pairs = calloc(c->pair_count + 1, sizeof *c->pairs);
    return c->pairs ? 0 : weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
}

int weft_compatibility_read(const struct weft_schema *reader, const struct weft_schema *writer,
                            struct weft_incompatibilities *found, struct weft_error *err)
{
    type_t *wanted = weft_schema_root(reader), *written = weft_schema_root(writer);
    struct comparison c = {.found = found};
    if (begin(&c, reader, writer, err) != 0)
        return -1;
    if (!settle(&c, wanted, written)) {
        enter(&c, "", wanted->name ? weft_schema_short_name(wanted->name) : weft_schema_kind_name(wanted->kind));
        tell(&c, wanted, written, 0);
    }
    free(c.pairs);
    if (c.out_of_memory)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    if (c.too_deep)
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "the schema is nested deeper than %d", WEFT_SCHEMA_DEPTH_MAX);
    return 0;
}

bool weft_compatibility_of_types(const struct weft_schema *reader, const struct weft_schema_type *reader_type,
                                 const struct weft_schema *writer, const struct weft_schema_type *writer_type)
{
    struct comparison c = {0};
    bool good = begin(&c, reader, writer, NULL) == 0 && settle(&c, reader_type, writer_type) && !c.too_deep;
    free(c.pairs);
    return good;
}

static const char *const level_names[] = {
    "NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE",
};

const char *weft_compatibility_level_name(enum weft_compatibility_level level)
{
    return level_names[level];
}

int weft_compatibility_level_parse(const char *name, enum weft_compatibility_level *level, struct weft_error *err)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++)
        if (strcasecmp(name, level_names[i]) == 0) {
            *level = (enum weft_compatibility_level)i;
            return 0;
        }
    return weft_error_set(err, WEFT_ERROR_USAGE,
                          "'%.60s' is no compatibility level: these are NONE, BACKWARD, FORWARD and FULL, and the last "
                          "three with _TRANSITIVE",
                          name);
}

static int read_one(const struct weft_schema *reader, const struct weft_schema *writer, bool forward, size_t version,
                    struct weft_incompatibilities *found, struct weft_error *err)
{
    size_t before = found->count;
    int result = weft_compatibility_read(reader, writer, found, err);
    for (size_t i = before; i < found->count; i++) {
        found->at[i].forward = forward;
        found->at[i].version = version;
    }
    return result;
}

int weft_compatibility_check(const struct weft_schema *schema, struct weft_schema *const *versions, size_t count,
                             enum weft_compatibility_level level, struct weft_incompatibilities *found,
                             struct weft_error *err)
{
    bool full = level >= WEFT_LEVEL_FULL;
    bool backward = full || level == WEFT_LEVEL_BACKWARD || level == WEFT_LEVEL_BACKWARD_TRANSITIVE;
    bool forward = full || level == WEFT_LEVEL_FORWARD || level == WEFT_LEVEL_FORWARD_TRANSITIVE;
    bool all = level != WEFT_LEVEL_BACKWARD && level != WEFT_LEVEL_FORWARD && level != WEFT_LEVEL_FULL;
    for (size_t i = count; i-- > 0;) {
        if (backward && read_one(schema, versions[i], false, i, found, err) != 0)
            return -1;
        if (forward && read_one(versions[i], schema, true, i, found, err) != 0)
            return -1;
        if (!all)
            break;
    }
    return 0;
}
