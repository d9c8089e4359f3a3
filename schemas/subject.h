/* A topic's subject in the registry (TopicNameStrategy: <topic>-value), and our schema's id there. */
#ifndef WEFT_SCHEMAS_SUBJECT_H
#define WEFT_SCHEMAS_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "schemas/registry.h"

/* Finds the schema under the topic's subject, or registers it there when it is missing and may_register is set. err
 * must not be NULL.
 * WEFT_ERROR_CONFIG when it is missing and may not be registered; otherwise the registry client's errors. */
int weft_subject_schema_id(struct weft_registry *registry, const char *topic, const char *schema, bool may_register,
                           uint32_t *id, struct weft_error *err);

/* Whether two schemas are the same but for spaces and the order of keys. */
bool weft_schema_same(const char *a, const char *b);

#endif
