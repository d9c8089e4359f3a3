#include "schemas/references.h"

#include <string.h>

#include "schemas/schema.h"
#include "support/suite.h"

#define POINT "{\"type\":\"record\",\"name\":\"Point\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}"
#define LINE                                                                                                           \
    "{\"type\":\"record\",\"name\":\"Line\",\"namespace\":\"g\",\"fields\":[{\"name\":\"from\",\"type\":\"Point\"},"   \
    "{\"name\":\"to\",\"type\":{\"type\":\"array\",\"items\":\"Point\"}}]}"

/* The schema made whole and parsed. */
static struct weft_schema *whole(const char *schema, json_t *definitions)
{
    struct weft_error err = {0};
    char *text = weft_references_inline(schema, definitions, &err);
    ck_assert_msg(text != NULL, "%s", err.message);
    struct weft_schema *parsed = weft_schema_parse(text, &err);
    ck_assert_msg(parsed != NULL, "%s: %s", err.message, text);
    free(text);
    json_decref(definitions);
    return parsed;
}

START_TEST(a_type_is_defined_where_its_name_stands_first_in_its_own_namespace)
{
    struct weft_schema *schema = whole(LINE, json_pack("{s:s}", "Point", POINT));
    const struct weft_schema_type *root = weft_schema_root(schema), *point = root->members[0].type;
    ck_assert_str_eq(point->name, "Point");
    ck_assert_ptr_eq(root->members[1].type->items, point);
    weft_schema_destroy(schema);
}
END_TEST

START_TEST(a_short_name_is_looked_for_in_the_namespace_around_it)
{
    struct weft_schema *schema = whole(
        LINE, json_pack("{s:s}", "g.Point", "{\"type\":\"fixed\",\"name\":\"Point\",\"namespace\":\"g\",\"size\":2}"));
    ck_assert_str_eq(weft_schema_root(schema)->members[0].type->name, "g.Point");
    weft_schema_destroy(schema);
}
END_TEST

START_TEST(what_is_referred_to_may_refer_in_turn_and_by_two_ways)
{
    struct weft_schema *schema =
        whole("[\"null\",\"g.Line\",\"Point\"]", json_pack("{s:s,s:s}", "g.Line", LINE, "Point", POINT));
    const struct weft_schema_type *root = weft_schema_root(schema);
    ck_assert_ptr_eq(root->members[1].type->members[0].type, root->members[2].type);
    weft_schema_destroy(schema);
}
END_TEST

START_TEST(what_is_not_json_is_an_error)
{
    struct weft_error err = {0};
    json_t *definitions = json_pack("{s:s}", "Point", "{");
    ck_assert_ptr_null(weft_references_inline(LINE, definitions, &err));
    ck_assert_int_eq(err.class, WEFT_ERROR_CORRUPT);
    ck_assert_ptr_null(weft_references_inline("{", NULL, &err));
    json_decref(definitions);
}
END_TEST

SUITE("references", TEST(a_type_is_defined_where_its_name_stands_first_in_its_own_namespace),
      TEST(a_short_name_is_looked_for_in_the_namespace_around_it),
      TEST(what_is_referred_to_may_refer_in_turn_and_by_two_ways), TEST(what_is_not_json_is_an_error))
