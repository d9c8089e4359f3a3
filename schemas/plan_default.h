/* Defaults of our own schema as a decode plan gives them. Used inside of the decode plan only. */
#ifndef WEFT_SCHEMAS_PLAN_DEFAULT_H
#define WEFT_SCHEMAS_PLAN_DEFAULT_H

#include "schemas/plan.h"
#include "schemas/schema.h"

/* What the member's default has at the rest of the path ("" or ".inner.at"), for the kind wanted. The caller frees it
 * and what its at points to. NULL without a default, for null, and for a default that is not of the kind. */
struct weft_plan_value *weft_plan_default(const struct weft_schema_member *member, const char *rest,
                                          enum weft_plan_kind kind);

#endif
