#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/text_file.h"
#include "model/train/recipe.h"

enum { KEY_SIZE = 128, SEEN_MAX = 64 };

struct reader {
    struct weft_recipe *recipe;
    const char *file;
    yaml_document_t tree;
    bool seen[SEEN_MAX]; /* by key */
    struct weft_error *err;
};

static int fault(struct reader *reader, const yaml_node_t *at, const char *message)
{
    return weft_error_set(reader->err, WEFT_ERROR_CONFIG, "%s:%zu: %s", reader->file, at->start_mark.line + 1, message);
}

/* The key's index, or -1; *group tells whether it is a beginning of keys. */
static int find_key(const char *name, bool *group)
{
    const size_t length = strlen(name);
    *group = false;
    const char *key;
    for (int i = 0; (key = weft_recipe_key((size_t)i)); i++) {
        if (strcmp(key, name) == 0)
            return i;
        if (strncmp(key, name, length) == 0 && key[length] == '.')
            *group = true;
    }
    return -1;
}

/* "unknown key 'schedule.rate': known here are name, learning_rate, ..." */
static int unknown_key(struct reader *reader, const yaml_node_t *at, const char *group, const char *name)
{
    char message[WEFT_ERROR_MESSAGE_MAX / 2];
    const size_t prefix = strlen(group) + (*group != '\0');
    const char *key, *last = "";
    size_t length = (size_t)snprintf(message, sizeof message, "unknown key '%s': known here are", name);
    for (size_t i = 0; (key = weft_recipe_key(i)); i++) {
        if (strncmp(key, group, strlen(group)) != 0 || (*group && key[prefix - 1] != '.'))
            continue;
        const char *part = key + prefix;
        const size_t part_length = strcspn(part, ".");
        if (strncmp(last, part, part_length) != 0 || last[part_length] != '.')
            length += (size_t)snprintf(message + length, sizeof message - length, "%s%.*s", *last ? ", " : " ",
                                       (int)part_length, part);
        last = part;
    }
    return fault(reader, at, message);
}

/* Appends a scalar's text to out, of WEFT_RECIPE_TEXT_SIZE; false where it is no scalar or does not fit. */
static bool append(const yaml_node_t *node, char *out)
{
    const size_t length = strlen(out);
    if (!node || node->type != YAML_SCALAR_NODE || node->data.scalar.length >= WEFT_RECIPE_TEXT_SIZE - length ||
        memchr(node->data.scalar.value, '\0', node->data.scalar.length))
        return false;
    memcpy(out + length, node->data.scalar.value, node->data.scalar.length);
    out[length + node->data.scalar.length] = '\0';
    return true;
}

/* The value as weft_recipe_set takes it: a list becomes "a,b". */
static bool value_of(struct reader *reader, const yaml_node_t *node, bool may_be_list, char *out)
{
    out[0] = '\0';
    if (node->type != YAML_SEQUENCE_NODE || !may_be_list)
        return append(node, out);
    const yaml_node_item_t *first = node->data.sequence.items.start;
    for (const yaml_node_item_t *item = first; item < node->data.sequence.items.top; item++) {
        if (item > first && strlen(out) + 1 < WEFT_RECIPE_TEXT_SIZE)
            strcat(out, ",");
        if (!append(yaml_document_get_node(&reader->tree, *item), out))
            return false;
    }
    return true;
}

static int read_mapping(struct reader *reader, const yaml_node_t *mapping, const char *group);

static int read_pair(struct reader *reader, const yaml_node_t *key, const yaml_node_t *value, const char *group)
{
    char name[KEY_SIZE], text[WEFT_RECIPE_TEXT_SIZE], message[WEFT_ERROR_MESSAGE_MAX / 2];
    bool is_group;
    struct weft_error inner = {0};
    if (key->type != YAML_SCALAR_NODE)
        return fault(reader, key, "a key must be a word");
    snprintf(name, sizeof name, "%s%s%s", group, *group ? "." : "", (const char *)key->data.scalar.value);
    const int index = find_key(name, &is_group);
    if (index < 0 && !is_group)
        return unknown_key(reader, key, group, name);
    if (index < 0)
        return read_mapping(reader, value, name);
    snprintf(message, sizeof message, "%s stands there twice", name);
    if (reader->seen[index])
        return fault(reader, key, message);
    reader->seen[index] = true;
    const bool is_list = weft_recipe_is_list((size_t)index);
    snprintf(message, sizeof message, "%s must be a %s of fewer than %d bytes", name,
             is_list ? "list in brackets, [a, b]," : "single value", WEFT_RECIPE_TEXT_SIZE);
    if (!value_of(reader, value, is_list, text))
        return fault(reader, value, message);
    if (weft_recipe_set(reader->recipe, name, text, &inner) != 0)
        return fault(reader, key, inner.message);
    return 0;
}

static int read_mapping(struct reader *reader, const yaml_node_t *mapping, const char *group)
{
    char message[KEY_SIZE + 64];
    snprintf(message, sizeof message, "%s must be a mapping of keys to values, as in 'key: value'",
             *group ? group : "the recipe");
    if (mapping->type != YAML_MAPPING_NODE)
        return fault(reader, mapping, message);
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top;
         pair++)
        if (read_pair(reader, yaml_document_get_node(&reader->tree, pair->key),
                      yaml_document_get_node(&reader->tree, pair->value), group) != 0)
            return -1;
    return 0;
}

int weft_recipe_parse(struct weft_recipe *recipe, const char *text, size_t size, const char *name,
                      struct weft_error *err)
{
    int rc = -1;
    yaml_parser_t parser;
    struct reader reader = {.recipe = recipe, .file = name, .err = err};
    if (!yaml_parser_initialize(&parser))
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "%s: no memory to read it", name);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    if (!yaml_parser_load(&parser, &reader.tree)) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s:%zu:%zu: this is not YAML: %s", name, parser.problem_mark.line + 1,
                       parser.problem_mark.column + 1, parser.problem ? parser.problem : "no memory");
        goto out;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&reader.tree);
    if (root)
        rc = read_mapping(&reader, root, "");
    else
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s says nothing: it is empty", name);
    yaml_document_delete(&reader.tree);
out:
    yaml_parser_delete(&parser);
    return rc;
}

int weft_recipe_read(struct weft_recipe *recipe, const char *path, struct weft_error *err)
{
    size_t size;
    char *text = weft_text_file_read(path, &size, err);
    if (!text)
        return -1;
    int rc = weft_recipe_parse(recipe, text, size, path, err);
    free(text);
    return rc;
}
