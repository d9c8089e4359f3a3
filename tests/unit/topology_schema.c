/* The JSON Schema for editors against the tables that the program reads by. */
#include <jansson.h>
#include <string.h>

#include "support/suite.h"
#include "topology/topic_settings.h"

static json_t *load_schema(void)
{
    json_error_t fault;
    json_t *schema = json_load_file(WEFT_SOURCE_DIR "/topology/topology.schema.json", 0, &fault);
    ck_assert_msg(schema != NULL, "line %d: %s", fault.line, fault.text);
    return schema;
}

static const char *type_of(json_t *schema, const char *setting)
{
    json_t *properties = NULL, *property;
    ck_assert_int_eq(json_unpack(schema, "{s:{s:{s:{s:{s:{s:o}}}}}}", "properties", "topics", "items", "properties",
                                 "config", "properties", &properties),
                     0);
    property = json_object_get(properties, setting);
    return property ? json_string_value(json_object_get(property, "$ref")) : NULL;
}

START_TEST(the_published_schema_knows_each_topic_setting_by_its_kind)
{
    static const struct {
        const char *name, *kind;
    } settings[] = {
#define NAME(member, name, kind) {name, #kind},
        WEFT_TOPIC_SETTINGS(NAME)
#undef NAME
    };
    static const char *const types[][2] = {{"TEXT", "#/$defs/text"},
                                           {"BOOL", "#/$defs/bool"},
                                           {"NUMBER", "#/$defs/whole"},
                                           {"RATIO", "#/$defs/ratio"},
                                           {"DURATION", "#/$defs/duration"}};
    json_t *schema = load_schema();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const char *type = type_of(schema, settings[i].name);
        ck_assert_msg(type != NULL, "%s is missing", settings[i].name);
        for (size_t t = 0; t < sizeof types / sizeof *types; t++)
            if (strcmp(types[t][0], settings[i].kind) == 0)
                ck_assert_str_eq(type, types[t][1]);
    }
    json_decref(schema);
}
END_TEST

SUITE("topology_schema", TEST(the_published_schema_knows_each_topic_setting_by_its_kind))
