#include "schemas/subject.h"

#include <jansson.h>
#include <stdio.h>

enum { SUBJECT_SIZE = 512, DECODE_FLAGS = JSON_DECODE_ANY | JSON_REJECT_DUPLICATES };

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

int weft_subject_schema_id(struct weft_registry *registry, const char *topic, const char *schema, bool may_register,
                           uint32_t *id, struct weft_error *err)
{
    char subject[SUBJECT_SIZE];
    bool found = false;
    snprintf(subject, sizeof subject, "%s-value", topic);
    if (look_up(registry, subject, schema, id, &found, err) != 0)
        return -1;
    if (found)
        return 0;
    if (!may_register)
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "the registry does not have weft's schema under %s: register it with `weft topology "
                              "apply` or `weft schema register`, or set auto.register.schemas=true",
                              subject);
    if (weft_registry_register(registry, subject, schema, id, err) == 0)
        return 0;
    /* Another instance that starts at the same moment may have been quicker: some registries call that a conflict. */
    struct weft_error again = {0};
    if (err->class == WEFT_ERROR_CONFLICT && look_up(registry, subject, schema, id, &found, &again) == 0 && found)
        return 0;
    return -1;
}
