#include "schemas/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "schemas/plan_default.h"
#include "schemas/schema.h"
#include "schemas/utf8.h"

enum code {
    SKIP,
    SKIP_BLOCKS, /* an array or a map */
    STRING,
    BYTES,
    INT,
    LONG,
    FLOATS,
    CHOOSE,  /* a union of which some branch is wanted */
    PRESET,  /* a default of ours, of a field that the writer lacks */
    REJECT,  /* a branch that cannot give what is wanted */
    NOTHING, /* no step at all: a null, which has no bytes */
};

struct steps {
    struct step *at;
    size_t count;
};

/* One step for each field that the writer writes. A nested record stands as the steps of its fields, since its encoding
 * is just theirs; only the branches of a union need steps of their own. */
struct step {
    enum code code;
    uint32_t slot; /* index of the value to fill */
    size_t size_max;
    const char *name; /* of the writer's field, for messages */
    const struct weft_schema_type *type;
    struct steps *branches;         /* CHOOSE: type->count of them */
    struct weft_plan_value *preset; /* PRESET: which owns what at points to */
};

struct weft_plan {
    struct weft_schema *schema;
    size_t value_count;
    struct steps steps;
};

struct compiler {
    const struct weft_plan_field *fields;
    size_t count;
    struct weft_error *err;
};

/* The part of the wanted fields that lies inside one record of the writer's: those whose paths begin with the first
 * length characters of path, "" or "source.". */
struct scope {
    const char *path;
    size_t length;
    const struct weft_schema_type *reader; /* the record of ours that it is, or NULL */
};

static const char *const kind_names[] = {"string", "bytes", "int", "long", "array of float"};

static int compile_record(struct compiler *c, const struct weft_schema_type *type, struct scope scope,
                          struct steps *steps);

static struct step *add_step(struct compiler *c, struct steps *steps, struct step step)
{
    /* Grown by doubling: at powers of two. */
    if ((steps->count & (steps->count - 1)) == 0) {
        struct step *grown = realloc(steps->at, (steps->count ? 2 * steps->count : 1) * sizeof *grown);
        if (!grown) {
            weft_error_set(c->err, WEFT_ERROR_INTERNAL, "out of memory");
            return NULL;
        }
        steps->at = grown;
    }
    steps->at[steps->count] = step;
    return &steps->at[steps->count++];
}

static void free_steps(struct steps *steps)
{
    for (size_t i = 0; i < steps->count; i++) {
        struct step *step = &steps->at[i];
        for (size_t k = 0; step->branches && k < step->type->count; k++)
            free_steps(&step->branches[k]);
        free(step->branches);
        if (step->preset)
            free((void *)step->preset->at);
        free(step->preset);
    }
    free(steps->at);
    *steps = (struct steps){0};
}

static bool in_scope(const struct weft_plan_field *field, struct scope scope)
{
    return strncmp(field->path, scope.path, scope.length) == 0;
}

/* The name of what the field is, or is inside of, in this scope. */
static size_t segment(const struct weft_plan_field *field, struct scope scope)
{
    return strcspn(field->path + scope.length, ".");
}

static const struct weft_schema_member *member_at(const struct weft_schema_type *record,
                                                  const struct weft_plan_field *field, struct scope scope)
{
    const char *name = field->path + scope.length;
    size_t length = segment(field, scope);
    for (size_t i = 0; record && i < record->count; i++)
        if (strncmp(record->members[i].name, name, length) == 0 && record->members[i].name[length] == '\0')
            return &record->members[i];
    return NULL;
}

/* The writer's field that gives the one wanted, or has it inside; NULL: the writer has none. */
static const struct weft_schema_member *source_of(const struct weft_plan_field *field,
                                                  const struct weft_schema_type *writer, struct scope scope)
{
    const struct weft_schema_member *ours = member_at(scope.reader, field, scope);
    return ours ? weft_schema_source(ours, writer) : member_at(writer, field, scope);
}

/* The first of the fields wanted that the writer's field gives. */
static const struct weft_plan_field *wanted(const struct compiler *c, const struct weft_schema_type *writer,
                                            struct scope scope, const struct weft_schema_member *member)
{
    for (size_t i = 0; i < c->count; i++)
        if (in_scope(&c->fields[i], scope) && source_of(&c->fields[i], writer, scope) == member)
            return &c->fields[i];
    return NULL;
}

static bool all_optional(const struct compiler *c, struct scope scope)
{
    for (size_t i = 0; i < c->count; i++)
        if (in_scope(&c->fields[i], scope) && !c->fields[i].optional)
            return false;
    return true;
}

/* How a value of the writer's type is read as the kind wanted; REJECT when it cannot be. */
static enum code leaf_code(const struct weft_plan_field *field, const struct weft_schema_type *type)
{
    enum weft_schema_kind kind = type->kind;
    if (kind == WEFT_SCHEMA_NULL && field->optional)
        return NOTHING;
    switch (field->kind) {
    case WEFT_PLAN_STRING: return weft_schema_promotes(WEFT_SCHEMA_STRING, kind) ? STRING : REJECT;
    case WEFT_PLAN_BYTES: return weft_schema_promotes(WEFT_SCHEMA_BYTES, kind) ? BYTES : REJECT;
    case WEFT_PLAN_INT: return weft_schema_promotes(WEFT_SCHEMA_INT, kind) ? INT : REJECT;
    case WEFT_PLAN_LONG:
        if (!weft_schema_promotes(WEFT_SCHEMA_LONG, kind))
            return REJECT;
        return kind == WEFT_SCHEMA_INT ? INT : LONG;
    case WEFT_PLAN_FLOATS:
        if (kind != WEFT_SCHEMA_ARRAY || !weft_schema_promotes(WEFT_SCHEMA_FLOAT, type->items->kind))
            return REJECT;
        return FLOATS;
    }
    return REJECT;
}

/* field: the one wanted, or for an inner scope any of those inside. Fails when the type cannot give it. */
static int compile_type(struct compiler *c, const struct weft_schema_type *type, const struct weft_plan_field *field,
                        struct scope scope, bool leaf, const char *name, struct steps *steps)
{
    if (type->kind == WEFT_SCHEMA_UNION) {
        struct steps *branches = calloc(type->count + 1, sizeof *branches);
        struct step choose = {.code = CHOOSE, .name = name, .type = type, .branches = branches};
        if (!branches || !add_step(c, steps, choose)) {
            free(branches);
            return weft_error_set(c->err, WEFT_ERROR_INTERNAL, "out of memory");
        }
        size_t usable = 0;
        for (size_t i = 0; i < type->count; i++) {
            const struct weft_schema_type *branch = type->members[i].type;
            if (compile_type(c, branch, field, scope, leaf, name, &branches[i]) == 0) {
                usable++;
                continue;
            }
            free_steps(&branches[i]);
            struct step reject = {.code = REJECT, .name = name, .type = branch};
            if (!add_step(c, &branches[i], reject))
                return -1;
        }
        if (usable)
            return 0;
        return weft_error_set(c->err, WEFT_ERROR_CORRUPT, "field \"%.100s\" is a union without a branch that is %s",
                              name, leaf ? kind_names[field->kind] : "a record with what is wanted");
    }
    if (!leaf && type->kind == WEFT_SCHEMA_RECORD)
        return compile_record(c, type, scope, steps);
    struct step step = {.name = name, .type = type};
    if (leaf) {
        step.code = leaf_code(field, type);
        step.slot = (uint32_t)(field - c->fields);
        step.size_max = field->size_max ? field->size_max : SIZE_MAX;
    } else {
        step.code = type->kind == WEFT_SCHEMA_NULL && all_optional(c, scope) ? NOTHING : REJECT;
    }
    if (step.code == REJECT)
        return weft_error_set(c->err, WEFT_ERROR_CORRUPT, "field \"%.100s\" is %s, not %s", name,
                              weft_schema_kind_name(type->kind), leaf ? kind_names[field->kind] : "record");
    return step.code == NOTHING || add_step(c, steps, step) ? 0 : -1;
}

/* The record of ours behind a field, in a union or not; NULL when it is none. */
static const struct weft_schema_type *record_of(const struct weft_schema_member *ours)
{
    const struct weft_schema_type *type = ours ? ours->type : NULL;
    for (size_t i = 0; type && type->kind == WEFT_SCHEMA_UNION && i < type->count; i++)
        if (type->members[i].type->kind == WEFT_SCHEMA_RECORD)
            return type->members[i].type;
    return type && type->kind == WEFT_SCHEMA_RECORD ? type : NULL;
}

/* Puts our default for a field that the writer lacks where its value would stand. */
static int compile_missing(struct compiler *c, const struct weft_plan_field *field, struct scope scope,
                           struct steps *steps)
{
    struct step step = {.code = PRESET, .slot = (uint32_t)(field - c->fields), .name = field->path};
    const struct weft_schema_member *ours = member_at(scope.reader, field, scope);
    step.preset =
        ours ? weft_plan_default(ours, field->path + scope.length + segment(field, scope), field->kind) : NULL;
    if (step.preset && add_step(c, steps, step))
        return 0;
    if (step.preset) {
        free((void *)step.preset->at);
        free(step.preset);
        return -1;
    }
    return field->optional ? 0
                           : weft_error_set(c->err, WEFT_ERROR_CORRUPT,
                                            "field \"%s\" is missing in the writer's schema", field->path);
}

static int compile_record(struct compiler *c, const struct weft_schema_type *type, struct scope scope,
                          struct steps *steps)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct weft_plan_field *field = &c->fields[i];
        if (in_scope(field, scope) && !source_of(field, type, scope) && compile_missing(c, field, scope, steps) != 0)
            return -1;
    }
    for (size_t i = 0; i < type->count; i++) {
        const struct weft_schema_member *member = &type->members[i];
        const struct weft_plan_field *field = wanted(c, type, scope, member);
        if (!field) {
            bool blocks = member->type->kind == WEFT_SCHEMA_ARRAY || member->type->kind == WEFT_SCHEMA_MAP;
            struct step skip = {.code = blocks ? SKIP_BLOCKS : SKIP, .name = member->name, .type = member->type};
            if (!member->type->empty && !add_step(c, steps, skip))
                return -1;
            continue;
        }
        size_t end = scope.length + segment(field, scope);
        bool leaf = field->path[end] == '\0';
        struct scope inner = {
            .path = field->path, .length = end + 1, .reader = record_of(member_at(scope.reader, field, scope))};
        if (compile_type(c, member->type, field, inner, leaf, member->name, steps) != 0)
            return -1;
    }
    return 0;
}

struct weft_plan *weft_plan_compile(const char *writer_schema, const char *reader_schema,
                                    const struct weft_plan_field *fields, size_t count, struct weft_error *err)
{
    /* Branches that turn out useless leave a message here though the whole succeeds. */
    struct weft_error fault = {0};
    struct compiler c = {.fields = fields, .count = count, .err = &fault};
    struct scope all = {.path = "", .length = 0};
    struct weft_schema *reader = NULL;
    struct weft_plan *plan = calloc(1, sizeof *plan);
    if (!plan) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    plan->value_count = count;
    if (reader_schema && (reader = weft_schema_parse(reader_schema, &fault)))
        all.reader = weft_schema_root(reader);
    plan->schema = reader || !reader_schema ? weft_schema_parse(writer_schema, &fault) : NULL;
    if (!plan->schema ||
        compile_type(&c, weft_schema_root(plan->schema), NULL, all, false, "(the whole message)", &plan->steps) != 0) {
        weft_error_set(err, fault.class, "%s", fault.message);
        weft_plan_destroy(plan);
        plan = NULL;
    }
    weft_schema_destroy(reader);
    return plan;
}

void weft_plan_destroy(struct weft_plan *plan)
{
    if (!plan)
        return;
    free_steps(&plan->steps);
    weft_schema_destroy(plan->schema);
    free(plan);
}

/* Checks all blocks of an array of numbers and notes where they are and how many items they hold. */
static bool read_floats(const struct weft_schema_type *items, struct weft_cursor *c, struct weft_plan_value *value)
{
    const uint8_t *end;
    int64_t count, number, total = 0;
    value->items = (uint8_t)items->kind;
    value->at = c->at;
    do {
        if (!weft_cursor_block(c, &count, &end))
            return false;
        if ((uint64_t)count > weft_cursor_left(c)) /* an item has at least one byte */
            return false;
        if (items->kind == WEFT_SCHEMA_FLOAT) {
            if (!weft_cursor_skip(c, (size_t)count * 4))
                return false;
        } else {
            for (int64_t i = 0; i < count; i++)
                if (!weft_cursor_long(c, &number))
                    return false;
        }
        if (end && c->at != end)
            return false;
        total += count;
    } while (count);
    value->size = (size_t)(c->at - value->at);
    value->number = total;
    return true;
}

void weft_plan_floats(const struct weft_plan_value *value, float *out, size_t max)
{
    struct weft_cursor c = weft_cursor_of(value->at, value->size);
    const uint8_t *end;
    int64_t count;
    size_t done = 0;
    while (done < max && weft_cursor_block(&c, &count, &end) && count) {
        for (int64_t i = 0; i < count && done < max; i++, done++) {
            const uint8_t *p;
            int64_t number = 0;
            if (value->items == WEFT_SCHEMA_FLOAT && weft_cursor_take(&c, 4, &p)) {
                uint32_t bits = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
                memcpy(&out[done], &bits, sizeof bits);
            } else {
                weft_cursor_long(&c, &number);
                out[done] = (float)number;
            }
        }
    }
}

enum fault { NO_VALUE, TOO_LONG, NOT_UTF8, NOT_INT, NOT_WANTED };

static void explain(enum fault fault, const struct step *step, const struct weft_plan_value *value,
                    struct weft_error *err)
{
    const char *name = step->name, *kind = weft_schema_kind_name(step->type->kind);
    switch (fault) {
    case NO_VALUE:
        weft_error_set(err, WEFT_ERROR_CORRUPT, "field \"%.100s\" is no valid %s, or is cut short", name, kind);
        break;
    case TOO_LONG:
        weft_error_set(err, WEFT_ERROR_CORRUPT, "field \"%.100s\" has %zu bytes, more than %zu", name, value->size,
                       step->size_max);
        break;
    case NOT_UTF8: weft_error_set(err, WEFT_ERROR_CORRUPT, "field \"%.100s\" is not UTF-8", name); break;
    case NOT_INT: weft_error_set(err, WEFT_ERROR_CORRUPT, "field \"%.100s\" does not fit an int", name); break;
    case NOT_WANTED:
        weft_error_set(err, WEFT_ERROR_CORRUPT, "field \"%.100s\" is %s here, which is not what is wanted", name, kind);
        break;
    }
}

/* Most lengths, branches and numbers have one byte or two. */
static inline bool read_long(struct weft_cursor *c, int64_t *value)
{
    if (weft_cursor_left(c) < 2 || (c->at[0] & c->at[1] & 0x80))
        return weft_cursor_long(c, value);
    bool two = c->at[0] & 0x80;
    unsigned raw = two ? (c->at[0] & 0x7fu) | (unsigned)c->at[1] << 7 : c->at[0];
    c->at += 1 + two;
    *value = (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
    return true;
}

static inline bool read_bytes(struct weft_cursor *c, struct weft_plan_value *value)
{
    int64_t length;
    if (!read_long(c, &length) || (uint64_t)length > weft_cursor_left(c)) /* a negative one is huge */
        return false;
    value->at = c->at;
    value->size = (size_t)length;
    c->at += length;
    return true;
}

/* Gives where the next byte stands, or NULL. Positions go in and out by value, and calls get a copy of the cursor: so
 * the one of this loop can stay in registers. */
static const uint8_t *run_steps(const struct steps *steps, const uint8_t *at, const uint8_t *end,
                                struct weft_plan_value *values, struct weft_error *err)
{
    struct weft_cursor c = {.at = at, .end = end}, inner;
    struct weft_plan_value *value = values;
    const struct step *step = NULL;
    enum fault fault = NO_VALUE;
    int64_t number;

    for (size_t i = 0; i < steps->count; i++) {
        step = &steps->at[i];
    one_step:
        value = &values[step->slot];
        switch (step->code) {
        case SKIP_BLOCKS:
            if (c.at < c.end && *c.at == 0) { /* none */
                c.at++;
                break;
            }
            /* fall through */
        case SKIP:
            inner = c;
            if (!weft_schema_skip(step->type, &inner))
                goto bad;
            c.at = inner.at;
            break;
        case STRING:
        case BYTES:
            if (!read_bytes(&c, value))
                goto bad;
            fault = value->size > step->size_max ? TOO_LONG : NOT_UTF8;
            if (fault == TOO_LONG || (step->code == STRING && !weft_utf8_valid(value->at, value->size)))
                goto bad;
            value->present = true;
            break;
        case INT:
        case LONG:
            if (!read_long(&c, &value->number))
                goto bad;
            fault = NOT_INT;
            if (step->code == INT && value->number != (int32_t)value->number)
                goto bad;
            value->present = true;
            break;
        case FLOATS:
            inner = c;
            if (!read_floats(step->type->items, &inner, value))
                goto bad;
            c.at = inner.at;
            value->present = true;
            break;
        case CHOOSE: {
            if (!read_long(&c, &number) || (uint64_t)number >= step->type->count)
                goto bad;
            const struct steps *branch = &step->branches[number];
            if (branch->count == 1) {
                step = branch->at;
                goto one_step;
            }
            c.at = branch->count ? run_steps(branch, c.at, c.end, values, err) : c.at;
            if (!c.at)
                return NULL;
            break;
        }
        case PRESET: *value = *step->preset; break;
        case REJECT:
        case NOTHING: fault = NOT_WANTED; goto bad;
        }
        fault = NO_VALUE;
    }
    return c.at;
bad:
    explain(fault, step, value, err);
    return NULL;
}

int weft_plan_run(const struct weft_plan *plan, const void *body, size_t size, struct weft_plan_value *values,
                  struct weft_error *err)
{
    struct weft_cursor c = weft_cursor_of(body ? body : "", size);
    for (size_t i = 0; i < plan->value_count; i++) /* few: quicker than a call */
        values[i] = (struct weft_plan_value){0};
    c.at = run_steps(&plan->steps, c.at, c.end, values, err);
    if (!c.at)
        return -1;
    if (weft_cursor_left(&c))
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "%zu bytes are left over behind the last field",
                              weft_cursor_left(&c));
    return 0;
}
