#include "topology/form.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_SIZE = 256, KEYS_SHOWN = 10 };

struct walk {
    yaml_document_t *tree;
    struct weft_faults *faults;
};

static int line_of(const yaml_node_t *node)
{
    return (int)node->start_mark.line + 1;
}

/* names are those of the keys that lead here, "topics.config". */
static void fault(const struct walk *walk, const yaml_node_t *node, const char *names, const char *text)
{
    weft_faults_add(walk->faults, line_of(node), "%s%s%s", names, names[0] ? ": " : "", text);
}

static const cyaml_schema_field_t *find_field(const cyaml_schema_field_t *fields, const char *key)
{
    for (; fields->key; fields++)
        if (strcmp(fields->key, key) == 0)
            return fields;
    return NULL;
}

static bool is_key(const yaml_node_t *node, const char *key)
{
    return node->type == YAML_SCALAR_NODE && strcmp((const char *)node->data.scalar.value, key) == 0;
}

static void unknown_key(const struct walk *walk, const yaml_node_t *node, const cyaml_schema_field_t *fields,
                        const char *names)
{
    char known[NAMES_SIZE] = "", text[2 * NAMES_SIZE];
    const char *key = (const char *)node->data.scalar.value;
    size_t count = 0, length = 0;
    for (; fields[count].key && length < sizeof known; count++) {
        int written = snprintf(known + length, sizeof known - length, "%s%s", count ? ", " : "", fields[count].key);
        length += (size_t)written;
    }
    if (count <= KEYS_SHOWN)
        snprintf(text, sizeof text, "unknown key '%.100s': known here are %s", key, known);
    else
        snprintf(text, sizeof text, "unknown key '%.100s': Kafka has no such topic setting", key);
    fault(walk, node, names, text);
}

static void check(const struct walk *walk, const yaml_node_t *node, const cyaml_schema_value_t *form,
                  const char *names);

static void check_pair(const struct walk *walk, const yaml_node_t *mapping, const yaml_node_pair_t *pair,
                       const cyaml_schema_field_t *fields, const char *names)
{
    char inner[NAMES_SIZE], text[NAMES_SIZE];
    const yaml_node_t *key = yaml_document_get_node(walk->tree, pair->key);
    if (key->type != YAML_SCALAR_NODE) {
        fault(walk, key, names, "a key must be a single word");
        return;
    }
    const char *name = (const char *)key->data.scalar.value;
    for (const yaml_node_pair_t *other = mapping->data.mapping.pairs.start; other < pair; other++) {
        if (!is_key(yaml_document_get_node(walk->tree, other->key), name))
            continue;
        snprintf(text, sizeof text, "'%.100s' stands there twice", name);
        fault(walk, key, names, text);
        return;
    }
    const cyaml_schema_field_t *field = find_field(fields, name);
    if (!field) {
        unknown_key(walk, key, fields, names);
        return;
    }
    snprintf(inner, sizeof inner, "%s%s%s", names, names[0] ? "." : "", name);
    check(walk, yaml_document_get_node(walk->tree, pair->value), &field->value, inner);
}

static void check_mapping(const struct walk *walk, const yaml_node_t *node, const cyaml_schema_field_t *fields,
                          const char *names)
{
    char text[NAMES_SIZE];
    if (node->type != YAML_MAPPING_NODE) {
        fault(walk, node, names, "must be a mapping of keys to values, as in 'key: value'");
        return;
    }
    const yaml_node_pair_t *start = node->data.mapping.pairs.start, *top = node->data.mapping.pairs.top;
    for (const yaml_node_pair_t *pair = start; pair < top; pair++)
        check_pair(walk, node, pair, fields, names);
    for (; fields->key; fields++) {
        const yaml_node_pair_t *pair = start;
        while (pair < top && !is_key(yaml_document_get_node(walk->tree, pair->key), fields->key))
            pair++;
        if (pair < top || fields->value.flags & CYAML_FLAG_OPTIONAL)
            continue;
        snprintf(text, sizeof text, "'%s' is missing", fields->key);
        fault(walk, node, names, text);
    }
}

static void check_sequence(const struct walk *walk, const yaml_node_t *node, const cyaml_schema_value_t *form,
                           const char *names)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        fault(walk, node, names, "must be a list, with entries that start with '- '");
        return;
    }
    const yaml_node_item_t *start = node->data.sequence.items.start, *top = node->data.sequence.items.top;
    if ((size_t)(top - start) > form->sequence.max) {
        char text[NAMES_SIZE];
        snprintf(text, sizeof text, "at most %u entries are allowed", (unsigned)form->sequence.max);
        fault(walk, node, names, text);
        return;
    }
    for (const yaml_node_item_t *item = start; item < top; item++)
        check(walk, yaml_document_get_node(walk->tree, *item), form->sequence.entry, names);
}

/* As deep as the table, whatever cycles the tree may have. */
static void check(const struct walk *walk, const yaml_node_t *node, const cyaml_schema_value_t *form, const char *names)
{
    if (form->type == CYAML_MAPPING)
        check_mapping(walk, node, form->mapping.fields, names);
    else if (form->type == CYAML_SEQUENCE)
        check_sequence(walk, node, form, names);
    else if (node->type != YAML_SCALAR_NODE)
        fault(walk, node, names, "must be a single value");
}

void weft_form_check(yaml_document_t *tree, const cyaml_schema_value_t *form, struct weft_faults *faults)
{
    const struct walk walk = {tree, faults};
    check(&walk, yaml_document_get_root_node(tree), form, "");
}
