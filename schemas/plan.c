#include "schemas/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "schemas/schema.h"
#include "schemas/utf8.h"

enum code {
    SKIP,
    STRING,
    BYTES,
    INT,
    LONG,
    FLOATS,
    CHOOSE,  /* a union of which some branch is wanted */
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
    struct steps *branches; /* CHOOSE: type->count of them */
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
    }
    free(steps->at);
    *steps = (struct steps){0};
}

static bool in_scope(const struct weft_plan_field *field, struct scope scope)
{
    return strncmp(field->path, scope.path, scope.length) == 0;
}

/* Whether the writer's field `name` in this scope is wanted (itself, or something inside of it): the first that is. */
static const struct weft_plan_field *wanted(const struct compiler *c, struct scope scope, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < c->count; i++) {
        const char *path = c->fields[i].path;
        if (in_scope(&c->fields[i], scope) && strncmp(path + scope.length, name, length) == 0 &&
            (path[scope.length + length] == '\0' || path[scope.length + length] == '.'))
            return &c->fields[i];
    }
    return NULL;
}

static bool all_optional(const struct compiler *c, struct scope scope)
{
    for (size_t i = 0; i < c->count; i++)
        if (in_scope(&c->fields[i], scope) && !c->fields[i].optional)
            return false;
    return true;
}

static bool writes(const struct weft_schema_type *record, const char *name, size_t length)
{
    for (size_t i = 0; i < record->count; i++)
        if (strncmp(record->members[i].name, name, length) == 0 && record->members[i].name[length] == '\0')
            return true;
    return false;
}

/* How a value of the writer's type is read as the kind wanted; REJECT when it cannot be. */
static enum code leaf_code(const struct weft_plan_field *field, const struct weft_schema_type *type)
{
    enum weft_schema_kind kind = type->kind;
    if (kind == WEFT_SCHEMA_NULL && field->optional)
        return NOTHING;
    switch (field->kind) {
    case WEFT_PLAN_STRING: return kind == WEFT_SCHEMA_STRING || kind == WEFT_SCHEMA_BYTES ? STRING : REJECT;
    case WEFT_PLAN_BYTES: return kind == WEFT_SCHEMA_STRING || kind == WEFT_SCHEMA_BYTES ? BYTES : REJECT;
    case WEFT_PLAN_INT: return kind == WEFT_SCHEMA_INT ? INT : REJECT;
    case WEFT_PLAN_LONG: return kind == WEFT_SCHEMA_LONG ? LONG : kind == WEFT_SCHEMA_INT ? INT : REJECT;
    case WEFT_PLAN_FLOATS:
        if (kind != WEFT_SCHEMA_ARRAY)
            return REJECT;
        kind = type->items->kind;
        return kind == WEFT_SCHEMA_FLOAT || kind == WEFT_SCHEMA_INT || kind == WEFT_SCHEMA_LONG ? FLOATS : REJECT;
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

static int compile_record(struct compiler *c, const struct weft_schema_type *type, struct scope scope,
                          struct steps *steps)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct weft_plan_field *field = &c->fields[i];
        if (!field->optional && in_scope(field, scope) &&
            !writes(type, field->path + scope.length, strcspn(field->path + scope.length, ".")))
            return weft_error_set(c->err, WEFT_ERROR_CORRUPT, "field \"%s\" is missing in the writer's schema",
                                  field->path);
    }
    for (size_t i = 0; i < type->count; i++) {
        const struct weft_schema_member *member = &type->members[i];
        const struct weft_plan_field *field = wanted(c, scope, member->name);
        if (!field) {
            struct step skip = {.code = SKIP, .name = member->name, .type = member->type};
            if (!member->type->empty && !add_step(c, steps, skip))
                return -1;
            continue;
        }
        size_t end = scope.length + strlen(member->name);
        bool leaf = field->path[end] == '\0';
        struct scope inner = {.path = field->path, .length = end + 1};
        if (compile_type(c, member->type, field, inner, leaf, member->name, steps) != 0)
            return -1;
    }
    return 0;
}

struct weft_plan *weft_plan_compile(const char *writer_schema, const struct weft_plan_field *fields, size_t count,
                                    struct weft_error *err)
{
    /* Branches that turn out useless leave a message here though the whole succeeds. */
    struct weft_error fault = {0};
    struct compiler c = {.fields = fields, .count = count, .err = &fault};
    struct scope all = {.path = "", .length = 0};
    struct weft_plan *plan = calloc(1, sizeof *plan);
    if (!plan) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    plan->value_count = count;
    plan->schema = weft_schema_parse(writer_schema, &fault);
    if (!plan->schema ||
        compile_type(&c, weft_schema_root(plan->schema), NULL, all, false, "(the whole message)", &plan->steps) != 0) {
        weft_error_set(err, fault.class, "%s", fault.message);
        weft_plan_destroy(plan);
        return NULL;
    }
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

/* The next block of items: how many, 0 at the end. The size that may stand before a block is not needed. */
static bool next_block(struct weft_cursor *c, uint64_t *count)
{
    int64_t announced, bytes;
    if (!weft_cursor_long(c, &announced))
        return false;
    if (announced < 0 && (!weft_cursor_long(c, &bytes) || bytes < 0))
        return false;
    *count = announced < 0 ? -(uint64_t)announced : (uint64_t)announced;
    return true;
}

/* Checks all blocks of an array of numbers and notes where they are and how many items they hold. */
static bool read_floats(const struct weft_schema_type *items, struct weft_cursor *c, struct weft_plan_value *value)
{
    uint64_t count, total = 0;
    int64_t number;
    value->items = (uint8_t)items->kind;
    value->at = c->at;
    do {
        if (!next_block(c, &count))
            return false;
        if (count > weft_cursor_left(c)) /* an item has at least one byte */
            return false;
        if (items->kind == WEFT_SCHEMA_FLOAT) {
            if (!weft_cursor_skip(c, (size_t)count * 4))
                return false;
        } else {
            for (uint64_t i = 0; i < count; i++)
                if (!weft_cursor_long(c, &number))
                    return false;
        }
        total += count;
    } while (count);
    value->size = (size_t)(c->at - value->at);
    value->number = (int64_t)total;
    return true;
}

void weft_plan_floats(const struct weft_plan_value *value, float *out, size_t max)
{
    struct weft_cursor c = weft_cursor_of(value->at, value->size);
    uint64_t count;
    size_t done = 0;
    while (done < max && next_block(&c, &count) && count) {
        for (uint64_t i = 0; i < count && done < max; i++, done++) {
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

/* Gives where the next byte stands, or NULL. Positions go in and out by value, and calls get a copy of the cursor: so
 * the one of this loop can stay in registers. */
static const uint8_t *run_steps(const struct steps *steps, const uint8_t *at, const uint8_t *end,
                                struct weft_plan_value *values, struct weft_error *err)
{
    struct weft_cursor c = {.at = at, .end = end}, inner;
    const struct step *step = steps->at;
    struct weft_plan_value *value = values;
    enum fault fault = NO_VALUE;
    int64_t number;

    for (size_t left = steps->count; left > 0; left--, step++) {
        value = &values[step->slot];
        switch (step->code) {
        case SKIP:
            inner = c;
            if (!weft_schema_skip(step->type, &inner))
                goto bad;
            c.at = inner.at;
            break;
        case STRING:
        case BYTES:
            if (!weft_cursor_bytes(&c, &value->at, &value->size))
                goto bad;
            fault = value->size > step->size_max ? TOO_LONG : NOT_UTF8;
            if (fault == TOO_LONG || (step->code == STRING && !weft_utf8_valid(value->at, value->size)))
                goto bad;
            value->present = true;
            break;
        case INT:
        case LONG:
            if (!weft_cursor_long(&c, &value->number))
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
        case CHOOSE:
            if (!weft_cursor_long(&c, &number) || number < 0 || (uint64_t)number >= step->type->count)
                goto bad;
            c.at = run_steps(&step->branches[number], c.at, c.end, values, err);
            if (!c.at)
                return NULL;
            break;
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
    memset(values, 0, plan->value_count * sizeof *values);
    c.at = run_steps(&plan->steps, c.at, c.end, values, err);
    if (!c.at)
        return -1;
    if (weft_cursor_left(&c))
        return weft_error_set(err, WEFT_ERROR_CORRUPT, "%zu bytes are left over behind the last field",
                              weft_cursor_left(&c));
    return 0;
}
