#include "schemas/registry_settings.h"

#include <stddef.h>

static const char url[] = "schema.registry.url";
static const char user_info[] = "basic.auth.user.info";
static const char user_info_long[] = "schema.registry.basic.auth.user.info";
static const char ca_location[] = "schema.registry.ssl.ca.location";
static const char timeout[] = "schema.registry.request.timeout.ms";
static const char retries[] = "schema.registry.max.retries";

const struct weft_setting weft_registry_settings[] = {
    {url, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, "the schema registry; several URLs separated by commas"},
    {user_info, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, true, "user:password for the registry"},
    {user_info_long, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, true, "the same"},
    {"basic.auth.credentials.source", WEFT_SETTING_CHOICE, "USER_INFO", 0, 0, "USER_INFO|URL", false,
     "where the registry's credentials stand; those in its URL are read in any case"},
    {ca_location, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, "PEM file of the registry's certificate authority"},
    {timeout, WEFT_SETTING_DURATION, "5s", 100, 600000, NULL, false, "for one request to the registry"},
    {retries, WEFT_SETTING_INTEGER, "3", 0, 100, NULL, false, "further rounds over the URLs when none answers"},
    {NULL, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, NULL},
};

static struct weft_registry *new_registry(const struct weft_settings *settings, int64_t rounds, struct weft_error *err)
{
    const char *credentials = weft_settings_text(settings, user_info);
    struct weft_registry_config config = {
        .url = weft_settings_text(settings, url),
        .basic_auth = credentials ? credentials : weft_settings_text(settings, user_info_long),
        .ca_file = weft_settings_text(settings, ca_location),
        .timeout_ms = (int)weft_settings_integer(settings, timeout),
        .retries = rounds > 0 ? (int)rounds : -1,
    };
    if (!config.url) {
        weft_error_set(err, WEFT_ERROR_CONFIG,
                       "schema.registry.url is not set: name the registry, as in -X "
                       "schema.registry.url=http://localhost:8081 or WEFT_SCHEMA_REGISTRY_URL");
        return NULL;
    }
    return weft_registry_new(&config, err);
}

struct weft_registry *weft_registry_from_settings(const struct weft_settings *settings, struct weft_error *err)
{
    return new_registry(settings, weft_settings_integer(settings, retries), err);
}

struct weft_registry *weft_registry_once_from_settings(const struct weft_settings *settings, struct weft_error *err)
{
    return new_registry(settings, 0, err);
}
