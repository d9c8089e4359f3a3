#include "schemas/difference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/compatibility.h"

enum { PATH_SIZE = 512, TEXT_SIZE = 512, TYPE_SIZE = 160 };

typedef const struct weft_schema_type type_t;
typedef const struct weft_schema_member member_t;

struct walk {
    const struct weft_schema *old, *new;
    struct weft_differences *found;
    bool *seen; /* records of the new schema: each is compared where it stands first */
    bool out_of_memory;
};

static void compare(struct walk *w, type_t *old, type_t *new, const char *path, int depth);

void weft_differences_clear(struct weft_differences *found)
{
    for (size_t i = 0; i < found->count; i++) {
        free(found->at[i].path);
        free(found->at[i].what);
        free(found->at[i].new_readers);
        free(found->at[i].old_readers);
    }
    free(found->at);
    *found = (struct weft_differences){0};
}

static void add(struct walk *w, enum weft_difference_kind kind, const char *path, const char *what,
                const char *new_readers, const char *old_readers)
{
    struct weft_difference *grown = realloc(w->found->at, (w->found->count + 1) * sizeof *grown);
    if (!grown) {
        w->out_of_memory = true;
        return;
    }
    w->found->at = grown;
    struct weft_difference *one = &grown[w->found->count++];
    *one = (struct weft_difference){.kind = kind,
                                    .path = strdup(path),
                                    .what = strdup(what),
                                    .new_readers = strdup(new_readers),
                                    .old_readers = strdup(old_readers)};
    w->out_of_memory = w->out_of_memory || !one->path || !one->what || !one->new_readers || !one->old_readers;
}

/* A field that one side lacks; what a reader that has it makes of messages without it. */
static void add_field(struct walk *w, enum weft_difference_kind kind, member_t *field, const char *path)
{
    char type[TYPE_SIZE], what[TEXT_SIZE], gets[TEXT_SIZE];
    weft_schema_describe(field->type, type, sizeof type);
    snprintf(what, sizeof what, "%s%s%s", type, field->fallback ? ", default " : ", no default",
             field->fallback ? field->fallback : "");
    if (field->fallback)
        snprintf(gets, sizeof gets, "take the default %s", field->fallback);
    else
        snprintf(gets, sizeof gets, "cannot read them: there is no default");
    if (kind == WEFT_DIFFERENCE_ADDED)
        add(w, kind, path, what, gets, "do not see it");
    else
        add(w, kind, path, what, "do not see it", gets);
}

static const char *verdict(bool readable)
{
    return readable ? "can read it" : "cannot read it";
}

static void add_change(struct walk *w, type_t *old, type_t *new, const char *path, const char *what)
{
    add(w, WEFT_DIFFERENCE_CHANGED, path, what, verdict(weft_compatibility_of_types(w->new, new, w->old, old)),
        verdict(weft_compatibility_of_types(w->old, old, w->new, new)));
}

static void compare_defaults(struct walk *w, member_t *old, member_t *new, const char *path)
{
    char what[TEXT_SIZE];
    const char *before = old->fallback ? old->fallback : "none", *after = new->fallback ? new->fallback : "none";
    if (strcmp(before, after) == 0)
        return;
    snprintf(what, sizeof what, "default %.200s -> %.200s", before, after);
    add(w, WEFT_DIFFERENCE_CHANGED, path, what, "can read it", "can read it");
}

static void compare_records(struct walk *w, type_t *old, type_t *new, const char *path, int depth)
{
    char inner[PATH_SIZE], what[TEXT_SIZE];
    if (w->seen[new->record])
        return;
    w->seen[new->record] = true;
    for (size_t i = 0; i < new->count; i++) {
        member_t *field = &new->members[i], *before = weft_schema_source(field, old);
        snprintf(inner, sizeof inner, "%s.%s", path, field->name);
        if (!before) {
            add_field(w, WEFT_DIFFERENCE_ADDED, field, inner);
            continue;
        }
        if (strcmp(before->name, field->name) != 0) {
            bool back = weft_schema_source(before, new) || before->fallback;
            snprintf(what, sizeof what, "renamed from %s, which is its alias", before->name);
            add(w, WEFT_DIFFERENCE_CHANGED, inner, what, "can read it",
                back ? "take their default" : "cannot read them: there is no default");
        }
        compare(w, before->type, field->type, inner, depth);
        compare_defaults(w, before, field, inner);
    }
    for (size_t i = 0; i < old->count; i++) {
        bool kept = false;
        for (size_t k = 0; k < new->count && !kept; k++)
            kept = weft_schema_source(&new->members[k], old) == &old->members[i];
        snprintf(inner, sizeof inner, "%s.%s", path, old->members[i].name);
        if (!kept)
            add_field(w, WEFT_DIFFERENCE_REMOVED, &old->members[i], inner);
    }
}

/* The symbols of a that b lacks, into text. */
static void symbols_without(type_t *a, type_t *b, char *text, size_t size)
{
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < a->count && n < size; i++)
        if (!weft_schema_member(b, a->members[i].name))
            n += (size_t)snprintf(text + n, size - n, "%s%s", n ? ", " : "", a->members[i].name);
}

static void compare_enums(struct walk *w, type_t *old, type_t *new, const char *path)
{
    char added[TYPE_SIZE], removed[TYPE_SIZE], what[TEXT_SIZE];
    symbols_without(new, old, added, sizeof added);
    symbols_without(old, new, removed, sizeof removed);
    if (!*added && !*removed)
        return;
    snprintf(what, sizeof what, "%s%s%s%s%s", *added ? "symbols added: " : "", added, *added && *removed ? "; " : "",
             *removed ? "symbols removed: " : "", removed);
    add_change(w, old, new, path, what);
}

/* Branches of the same kind and name, in the same order: what differs lies inside of them. */
static bool same_branches(type_t *old, type_t *new)
{
    for (size_t i = 0; i < new->count && old->count == new->count; i++) {
        type_t *a = old->members[i].type, *b = new->members[i].type;
        if (a->kind != b->kind || (a->name && strcmp(a->name, b->name) != 0))
            return false;
    }
    return old->count == new->count;
}

static void compare(struct walk *w, type_t *old, type_t *new, const char *path, int depth)
{
    char before[TYPE_SIZE], after[TYPE_SIZE], what[TEXT_SIZE], inner[PATH_SIZE];
    if (depth++ == WEFT_SCHEMA_DEPTH_MAX)
        return;
    weft_schema_describe(old, before, sizeof before);
    weft_schema_describe(new, after, sizeof after);
    bool nested = old->kind == new->kind && (old->kind == WEFT_SCHEMA_ARRAY || old->kind == WEFT_SCHEMA_MAP);
    bool unions = old->kind == new->kind && old->kind == WEFT_SCHEMA_UNION &&same_branches(old, new);
    if (!nested && !unions && strcmp(before, after) != 0) {
        snprintf(what, sizeof what, "%s -> %s", before, after);
        add_change(w, old, new, path, what);
    }
    if (nested) {
        snprintf(inner, sizeof inner, "%s%s", path, new->kind == WEFT_SCHEMA_ARRAY ? "[]" : "{}");
        compare(w, old->items, new->items, inner, depth);
    } else if (unions) {
        for (size_t i = 0; i < new->count; i++)
            compare(w, old->members[i].type, new->members[i].type, path, depth);
    } else if (old->kind == WEFT_SCHEMA_RECORD && new->kind == WEFT_SCHEMA_RECORD) {
        compare_records(w, old, new, path, depth);
    } else if (old->kind == WEFT_SCHEMA_ENUM && new->kind == WEFT_SCHEMA_ENUM) {
        compare_enums(w, old, new, path);
    }
}

int weft_difference_find(const struct weft_schema *old, const struct weft_schema *new, struct weft_differences *found,
                         struct weft_error *err)
{
    type_t *root = weft_schema_root(new);
    struct walk w = {.old = old, .new = new, .found = found};
    w.seen = calloc(weft_schema_records(new) + 1, sizeof *w.seen);
    if (w.seen)
        compare(&w, weft_schema_root(old), root,
                root->name ? weft_schema_short_name(root->name) : weft_schema_kind_name(root->kind), 0);
    bool failed = !w.seen || w.out_of_memory;
    free(w.seen);
    return failed ? weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory") : 0;
}
