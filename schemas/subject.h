/* A topic's subject in the registry, by the client's strategy, and our schema's id there. */
#ifndef WEFT_SCHEMAS_SUBJECT_H
#define WEFT_SCHEMAS_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "schemas/registry.h"

enum { WEFT_SUBJECT_SIZE = 512 };

/* The subject of a topic's values of this schema, into WEFT_SUBJECT_SIZE bytes. WEFT_ERROR_CONFIG when the strategy
 * wants the name of a record and the schema is none, or when the name is too long. */
int weft_subject_name(const struct weft_registry *registry, const char *topic, const char *schema, char *subject,
                      struct weft_error *err);

/* Finds the schema under the topic's subject, or registers it there when it is missing and may_register is set. err
 * must not be NULL.
 * With use_latest it is the subject's latest version, if there is one, provided that values of both have the same
 * bytes; WEFT_ERROR_CONFLICT otherwise. WEFT_ERROR_CONFIG when it is missing and may not be registered; otherwise the
 * registry client's errors. */
int weft_subject_schema_id(struct weft_registry *registry, const char *topic, const char *schema, bool may_register,
                           uint32_t *id, struct weft_error *err);

/* Whether two schemas are the same but for spaces and the order of keys. */
bool weft_schema_same(const char *a, const char *b);

#endif
