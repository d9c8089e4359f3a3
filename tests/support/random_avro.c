#include "support/random_avro.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* splitmix64. */
uint32_t random_avro_below(struct random_avro *random, uint32_t below)
{
    uint64_t x = random->state + 0x9e3779b97f4a7c15u;
    random->state = x;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((x ^ (x >> 31)) % below);
}

static json_t *random_primitive(struct random_avro *random)
{
    static const char *const names[] = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"};
    return json_string(names[random_avro_below(random, 8)]);
}

static json_t *random_record(struct random_avro *random, int depth)
{
    char name[32], field[32];
    snprintf(name, sizeof name, "R%d", random->names++);
    json_t *fields = json_array();
    uint32_t count = 1 + random_avro_below(random, 4);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(field, sizeof field, "f%u", i);
        json_array_append_new(fields,
                              json_pack("{s:s,s:o}", "name", field, "type", random_avro_schema(random, depth - 1)));
    }
    if (random_avro_below(random, 3) == 0)
        json_array_append_new(fields, json_pack("{s:s,s:[s,s]}", "name", "self", "type", "null", name));
    return json_pack("{s:s,s:s,s:o}", "type", "record", "name", name, "fields", fields);
}

json_t *random_avro_schema(struct random_avro *random, int depth)
{
    char name[32];
    if (depth <= 0)
        return random_primitive(random);
    switch (random_avro_below(random, 8)) {
    case 0: return random_record(random, depth);
    case 1: return json_pack("{s:s,s:o}", "type", "array", "items", random_avro_schema(random, depth - 1));
    case 2: return json_pack("{s:s,s:o}", "type", "map", "values", random_avro_schema(random, depth - 1));
    case 3: return json_pack("[s,s]", "null", "double");
    case 4: return json_pack("[s,o,s,s]", "string", random_record(random, depth), "null", "long");
    case 5:
        snprintf(name, sizeof name, "E%d", random->names++);
        return json_pack("{s:s,s:s,s:[s,s,s]}", "type", "enum", "name", name, "symbols", "A", "B", "C");
    case 6:
        snprintf(name, sizeof name, "F%d", random->names++);
        return json_pack("{s:s,s:s,s:i}", "type", "fixed", "name", name, "size", 1 + (int)random_avro_below(random, 9));
    default: return random_primitive(random);
    }
}

/* All lengths of varints come up, and both signs. */
static int64_t random_long(struct random_avro *random)
{
    uint64_t bits = (uint64_t)random_avro_below(random, UINT32_MAX) << 32 | random_avro_below(random, UINT32_MAX);
    return (int64_t)bits >> random_avro_below(random, 64);
}

static void random_bytes(struct random_avro *random, char *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (char)('a' + random_avro_below(random, 26));
}

void random_avro_fill(struct random_avro *random, avro_value_t *value, int depth)
{
    char bytes[300];
    avro_value_t inner;
    size_t count = 0;
    size_t size = random_avro_below(random, random_avro_below(random, 8) ? 20 : sizeof bytes);
    random_bytes(random, bytes, sizeof bytes);
    switch (avro_value_get_type(value)) {
    case AVRO_NULL: avro_value_set_null(value); break;
    case AVRO_BOOLEAN: avro_value_set_boolean(value, (int)random_avro_below(random, 2)); break;
    case AVRO_INT32: avro_value_set_int(value, (int32_t)random_long(random)); break;
    case AVRO_INT64: avro_value_set_long(value, random_long(random)); break;
    case AVRO_FLOAT: avro_value_set_float(value, (float)random_long(random) / 3); break;
    case AVRO_DOUBLE: avro_value_set_double(value, (double)random_long(random) / 3); break;
    case AVRO_BYTES: avro_value_set_bytes(value, bytes, size); break;
    case AVRO_STRING:
        bytes[size] = '\0';
        avro_value_set_string_len(value, bytes, size + 1);
        break;
    case AVRO_ENUM: avro_value_set_enum(value, (int)random_avro_below(random, 3)); break;
    case AVRO_FIXED:
        avro_value_set_fixed(value, bytes, (size_t)avro_schema_fixed_size(avro_value_get_schema(value)));
        break;
    case AVRO_RECORD:
        avro_value_get_size(value, &count);
        for (size_t i = 0; i < count; i++) {
            avro_value_get_by_index(value, i, &inner, NULL);
            random_avro_fill(random, &inner, depth - 1);
        }
        break;
    case AVRO_ARRAY:
        count = depth > 0 ? random_avro_below(random, 4) : 0;
        for (size_t i = 0; i < count; i++) {
            avro_value_append(value, &inner, NULL);
            random_avro_fill(random, &inner, depth - 1);
        }
        break;
    case AVRO_MAP:
        count = depth > 0 ? random_avro_below(random, 4) : 0;
        for (size_t i = 0; i < count; i++) {
            bytes[1 + i] = '\0';
            avro_value_add(value, bytes, &inner, NULL, NULL);
            random_avro_fill(random, &inner, depth - 1);
        }
        break;
    case AVRO_UNION: {
        avro_schema_t schema = avro_value_get_schema(value);
        int branch = (int)random_avro_below(random, (uint32_t)avro_schema_union_size(schema));
        /* Deep down only branches that end. */
        for (int i = 0; depth <= 0 && i < (int)avro_schema_union_size(schema); i++)
            if (avro_typeof(avro_schema_union_branch(schema, i)) == AVRO_NULL)
                branch = i;
        avro_value_set_branch(value, branch, &inner);
        random_avro_fill(random, &inner, depth - 1);
        break;
    }
    default: ck_abort_msg("a type that is not filled");
    }
}

uint8_t *random_avro_encode(avro_value_t *value, size_t *size)
{
    ck_assert_int_eq(avro_value_sizeof(value, size), 0);
    uint8_t *out = malloc(*size + 1);
    avro_writer_t writer = avro_writer_memory((const char *)out, (int64_t)*size);
    ck_assert_msg(avro_value_write(writer, value) == 0, "%s", avro_strerror());
    ck_assert_uint_eq((size_t)avro_writer_tell(writer), *size);
    avro_writer_free(writer);
    return out;
}
