/* The settings of the schema registry client, under the names that Confluent's clients use. */
#ifndef WEFT_SCHEMAS_REGISTRY_SETTINGS_H
#define WEFT_SCHEMAS_REGISTRY_SETTINGS_H

#include "base/settings.h"
#include "schemas/registry.h"

extern const struct weft_setting weft_registry_settings[];

/* A client as the settings say. WEFT_ERROR_CONFIG when schema.registry.url is not set. */
struct weft_registry *weft_registry_from_settings(const struct weft_settings *settings, struct weft_error *err);

/* The same, but a call goes once over the URLs only: for callers that repeat it themselves, and look meanwhile whether
 * they are to stop. */
struct weft_registry *weft_registry_once_from_settings(const struct weft_settings *settings, struct weft_error *err);

#endif
