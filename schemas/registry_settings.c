#include "schemas/registry_settings.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define OFFICIAL "io.confluent.kafka.serializers.subject."

static const char url[] = "schema.registry.url";
static const char timeout[] = "schema.registry.request.timeout.ms";
static const char retries_wait[] = "retries.wait.ms";
static const char retries_max_wait[] = "retries.max.wait.ms";
static const char strategy[] = "value.subject.name.strategy";
static const char basic_source[] = "basic.auth.credentials.source";
static const char bearer_source[] = "bearer.auth.credentials.source";
static const char truststore_type[] = "schema.registry.ssl.truststore.type";
static const char keystore_type[] = "schema.registry.ssl.keystore.type";

/* What is known under two names: the clients in Java drop the prefix, those for .NET and Python have it. */
static const char retries[] = "schema.registry.max.retries", retries_too[] = "max.retries";
static const char user_info[] = "basic.auth.user.info", user_info_too[] = "schema.registry.basic.auth.user.info";
static const char token[] = "bearer.auth.token", token_too[] = "schema.registry.bearer.auth.token";
static const char ca_file[] = "schema.registry.ssl.ca.location",
                  ca_file_too[] = "schema.registry.ssl.truststore.location";
static const char cert_file[] = "schema.registry.ssl.certificate.location",
                  cert_file_too[] = "schema.registry.ssl.keystore.location";
static const char key_password[] = "schema.registry.ssl.key.password",
                  key_password_too[] = "schema.registry.ssl.keystore.password";
static const char key_file[] = "schema.registry.ssl.key.location";

const struct weft_setting weft_registry_settings[] = {
    {url, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, "the schema registry; several URLs separated by commas"},
    {user_info, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, true, "user:password for the registry"},
    {user_info_too, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, true, "the same"},
    {basic_source, WEFT_SETTING_CHOICE, "USER_INFO", 0, 0, "USER_INFO|URL", false,
     "where the registry's credentials stand; those in its URL are read in any case"},
    {token, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, true, "bearer token for the registry"},
    {token_too, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, true, "the same"},
    {bearer_source, WEFT_SETTING_CHOICE, "STATIC_TOKEN", 0, 0, "STATIC_TOKEN", false,
     "where the bearer token comes from: bearer.auth.token"},
    {ca_file, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, "PEM file of the registry's certificate authority"},
    {ca_file_too, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, "the same; its type must be PEM"},
    {truststore_type, WEFT_SETTING_CHOICE, "JKS", 0, 0, "JKS|PKCS12|PEM", false, "only PEM can be read"},
    {cert_file, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false,
     "PEM file of our own certificate for the registry; may hold the key, too"},
    {cert_file_too, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, "the same; its type must be PEM"},
    {keystore_type, WEFT_SETTING_CHOICE, "JKS", 0, 0, "JKS|PKCS12|PEM", false, "only PEM can be read"},
    {key_file, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, "PEM file of our private key for the registry"},
    {key_password, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, true, "password of that key"},
    {key_password_too, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, true, "the same"},
    {timeout, WEFT_SETTING_DURATION, "5s", 100, 600000, NULL, false, "for one request to the registry"},
    {retries, WEFT_SETTING_INTEGER, "3", 0, 100, NULL, false, "further rounds over the URLs when none answers"},
    {retries_too, WEFT_SETTING_INTEGER, "3", 0, 100, NULL, false, "the same"},
    {retries_wait, WEFT_SETTING_DURATION, "100ms", 1, 600000, NULL, false,
     "before the first further round; doubled before each later one"},
    {retries_max_wait, WEFT_SETTING_DURATION, "2s", 1, 600000, NULL, false, "at most before any of them"},
    {"normalize.schemas", WEFT_SETTING_BOOL, "false", 0, 0, NULL, false,
     "let the registry bring schemas into its normal form before it compares them"},
    {"use.latest.version", WEFT_SETTING_BOOL, "false", 0, 0, NULL, false,
     "write with the id of the subject's latest version, which must be encoded as ours is"},
    {strategy, WEFT_SETTING_CHOICE, "TopicNameStrategy", 0, 0,
     "TopicNameStrategy|RecordNameStrategy|TopicRecordNameStrategy|" OFFICIAL "TopicNameStrategy|" OFFICIAL
     "RecordNameStrategy|" OFFICIAL "TopicRecordNameStrategy",
     false, "the subject of a topic's values: <topic>-value, <record> or <topic>-<record>"},
    {NULL, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, NULL},
};

static const char *either(const struct weft_settings *settings, const char *name, const char *other)
{
    const char *value = weft_settings_text(settings, name);
    return value ? value : weft_settings_text(settings, other);
}

static enum weft_subject_strategy strategy_of(const char *name)
{
    const char *last = strrchr(name, '.');
    last = last ? last + 1 : name;
    if (strcmp(last, "RecordNameStrategy") == 0)
        return WEFT_SUBJECT_RECORD;
    return strcmp(last, "TopicRecordNameStrategy") == 0 ? WEFT_SUBJECT_TOPIC_RECORD : WEFT_SUBJECT_TOPIC;
}

/* A store of Java's is read when it is PEM; the default is another. */
static int check_store(const struct weft_settings *settings, const char *location, const char *type,
                       struct weft_error *err)
{
    if (!weft_settings_text(settings, location) || strcmp(weft_settings_text(settings, type), "PEM") == 0)
        return 0;
    return weft_error_set(err, WEFT_ERROR_CONFIG, "%s can be read as PEM only: convert it and set %s=PEM", location,
                          type);
}

static struct weft_registry *new_registry(const struct weft_settings *settings, int64_t rounds, struct weft_error *err)
{
    struct weft_registry_config config = {
        .url = weft_settings_text(settings, url),
        .basic_auth = either(settings, user_info, user_info_too),
        .bearer = either(settings, token, token_too),
        .ca_file = either(settings, ca_file, ca_file_too),
        .cert_file = either(settings, cert_file, cert_file_too),
        .key_file = weft_settings_text(settings, key_file),
        .key_password = either(settings, key_password, key_password_too),
        .timeout_ms = (int)weft_settings_integer(settings, timeout),
        .retries = rounds > 0 ? (int)rounds : -1,
        .wait_ms = (int)weft_settings_integer(settings, retries_wait),
        .wait_max_ms = (int)weft_settings_integer(settings, retries_max_wait),
        .normalize = weft_settings_bool(settings, "normalize.schemas"),
        .use_latest = weft_settings_bool(settings, "use.latest.version"),
        .strategy = strategy_of(weft_settings_text(settings, strategy)),
    };
    if (!config.url) {
        weft_error_set(err, WEFT_ERROR_CONFIG,
                       "schema.registry.url is not set: name the registry, as in -X "
                       "schema.registry.url=http://localhost:8081 or WEFT_SCHEMA_REGISTRY_URL");
        return NULL;
    }
    if (check_store(settings, ca_file_too, truststore_type, err) != 0 ||
        check_store(settings, cert_file_too, keystore_type, err) != 0)
        return NULL;
    return weft_registry_new(&config, err);
}

struct weft_registry *weft_registry_from_settings(const struct weft_settings *settings, struct weft_error *err)
{
    const char *name = weft_settings_where(settings, retries_too) ? retries_too : retries;
    return new_registry(settings, weft_settings_integer(settings, name), err);
}

struct weft_registry *weft_registry_once_from_settings(const struct weft_settings *settings, struct weft_error *err)
{
    return new_registry(settings, 0, err);
}
