#include "schemas/subject.h"

#include <jansson.h>
#include <stdio.h>

#include "schemas/registry_call.h"
#include "schemas/schema.h"

enum { DECODE_FLAGS = JSON_DECODE_ANY | JSON_REJECT_DUPLICATES };

bool weft_schema_same(const char *a, const char *b)
{
    json_t *left = json_loads(a, DECODE_FLAGS, NULL);
    json_t *right = json_loads(b, DECODE_FLAGS, NULL);
    bool same = left && right && json_equal(left, right);
    json_decref(left);
    json_decref(right);
    return same;
}

/* Some registries compare schemas as text: what another client registered with other spaces is found as the latest. */
static int look_up(struct weft_registry *registry, const char *subject, const char *text, uint32_t *id, bool *found,
                   struct weft_error *err)
{
    struct weft_registry_schema schema = {0};
    int result = weft_registry_lookup(registry, subject, text, &schema, found, err);
    if (result == 0 && !*found) {
        result = weft_registry_latest(registry, subject, &schema, found, err);
        *found = result == 0 && *found && weft_schema_same(schema.schema, text);
    }
    *id = schema.id;
    weft_registry_schema_clear(&schema);
    return result;
}

int weft_subject_name(const struct weft_registry *registry, const char *topic, const char *schema, char *subject,
                      struct weft_error *err)
{
    int length = 0;
    if (registry->strategy == WEFT_SUBJECT_TOPIC) {
        length = snprintf(subject, WEFT_SUBJECT_SIZE, "%s-value", topic);
    } else {
        struct weft_schema *parsed = weft_schema_parse(schema, err);
        const char *record = parsed ? weft_schema_root(parsed)->name : NULL;
        if (record && registry->strategy == WEFT_SUBJECT_RECORD)
            length = snprintf(subject, WEFT_SUBJECT_SIZE, "%s", record);
        else if (record)
            length = snprintf(subject, WEFT_SUBJECT_SIZE, "%s-%s", topic, record);
        weft_schema_destroy(parsed);
        if (!parsed)
            return -1;
        if (!record)
            return weft_error_set(err, WEFT_ERROR_CONFIG,
                                  "the subject is to be named after a record, but the schema is none: see "
                                  "value.subject.name.strategy");
    }
    return length < WEFT_SUBJECT_SIZE ? 0 : weft_error_set(err, WEFT_ERROR_CONFIG, "a subject's name is too long");
}

static int latest_id(struct weft_registry *registry, const char *subject, const char *text, uint32_t *id, bool *found,
                     struct weft_error *err)
{
    struct weft_registry_schema latest = {0};
    struct weft_schema *ours = NULL, *theirs = NULL;
    int result = weft_registry_latest(registry, subject, &latest, found, err);
    if (result == 0 && *found) {
        result = -1;
        if ((ours = weft_schema_parse(text, err)) &&
            (theirs = weft_schema_parse(latest.whole ? latest.whole : latest.schema, err)))
            result = weft_schema_same_encoding(ours, theirs)
                         ? 0
                         : weft_error_set(err, WEFT_ERROR_CONFLICT,
                                          "version %d of %s, the latest, is not encoded as weft's schema is: unset "
                                          "use.latest.version, or see `weft schema diff`",
                                          latest.version, subject);
    }
    *id = latest.id;
    weft_schema_destroy(ours);
    weft_schema_destroy(theirs);
    weft_registry_schema_clear(&latest);
    return result;
}

int weft_subject_schema_id(struct weft_registry *registry, const char *topic, const char *schema, bool may_register,
                           uint32_t *id, struct weft_error *err)
{
    char subject[WEFT_SUBJECT_SIZE];
    bool found = false;
    if (weft_subject_name(registry, topic, schema, subject, err) != 0)
        return -1;
    if (registry->use_latest && latest_id(registry, subject, schema, id, &found, err) != 0)
        return -1;
    if (!found && look_up(registry, subject, schema, id, &found, err) != 0)
        return -1;
    if (found)
        return 0;
    if (!may_register)
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "the registry does not have weft's schema under %s: register it with `weft topology "
                              "apply` or `weft schema register`, or set auto.register.schemas=true",
                              subject);
    return weft_registry_register(registry, subject, schema, id, err);
}
