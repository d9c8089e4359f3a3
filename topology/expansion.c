#include "topology/expansion.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MERGES_MAX = 100 };

static bool is_scalar(const yaml_node_t *node, const char *text)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.length == strlen(text) &&
           memcmp(node->data.scalar.value, text, node->data.scalar.length) == 0;
}

/* A ${...} that begins at text: its value goes to out, and what follows it is returned; NULL after a fault. */
static const char *substitute(const char *text, FILE *out, int line, struct weft_faults *faults)
{
    char name[256];
    const char *end = strchr(text, '}');
    const char *after = text + 2;
    while (isalnum((unsigned char)*after) || *after == '_')
        after++;
    size_t length = (size_t)(after - text) - 2;
    if (!end) {
        weft_faults_add(faults, line, "'%s': ${ without its }; a dollar sign itself is $$", text);
        return NULL;
    }
    bool has_default = strncmp(after, ":-", 2) == 0;
    if (length == 0 || length >= sizeof name || isdigit((unsigned char)text[2]) || (after != end && !has_default)) {
        weft_faults_add(faults, line, "'%.*s': it must be ${NAME} or ${NAME:-default}; a dollar sign itself is $$",
                        (int)(end + 1 - text), text);
        return NULL;
    }
    memcpy(name, text + 2, length);
    name[length] = '\0';
    const char *value = getenv(name);
    if (value && (value[0] || !has_default)) {
        fputs(value, out);
    } else if (has_default) {
        fwrite(after + 2, 1, (size_t)(end - after) - 2, out);
    } else {
        weft_faults_add(faults, line, "%s is not set in the environment: set it, or give a default as in ${%s:-value}",
                        name, name);
        return NULL;
    }
    return end + 1;
}

static void expand_scalar(yaml_node_t *node, struct weft_faults *faults)
{
    int line = (int)node->start_mark.line + 1;
    const char *text = (const char *)node->data.scalar.value;
    char *expanded = NULL;
    size_t size = 0;
    if (strlen(text) != node->data.scalar.length) {
        weft_faults_add(faults, line, "'%s' is followed by a zero byte: no value has one", text);
        return;
    }
    if (!strchr(text, '$'))
        return;
    FILE *out = open_memstream(&expanded, &size);
    if (!out) {
        faults->incomplete = true;
        return;
    }
    while (text && *text) {
        if (strncmp(text, "${", 2) == 0) {
            text = substitute(text, out, line, faults);
            continue;
        }
        fputc(*text, out);
        text += strncmp(text, "$$", 2) == 0 ? 2 : 1;
    }
    if (fclose(out) != 0 || !expanded) {
        faults->incomplete = true;
        free(expanded);
    } else if (!text) {
        free(expanded);
    } else {
        /* libyaml frees its nodes with free(). */
        free(node->data.scalar.value);
        node->data.scalar.value = (yaml_char_t *)expanded;
        node->data.scalar.length = size;
    }
}

static bool has_key(yaml_document_t *tree, const yaml_node_t *mapping, const yaml_node_t *key)
{
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < mapping->data.mapping.pairs.top; pair++)
        if (is_scalar(yaml_document_get_node(tree, pair->key), (const char *)key->data.scalar.value))
            return true;
    return false;
}

/* The nodes lie in one array that does not move while none is added, so pointers into it hold. */
static void merge(yaml_document_t *tree, int into, const yaml_node_t *from, struct weft_faults *faults)
{
    if (from->type != YAML_MAPPING_NODE) {
        weft_faults_add(faults, (int)from->start_mark.line + 1, "<<: must name a mapping, or a list of mappings");
        return;
    }
    size_t count = (size_t)(from->data.mapping.pairs.top - from->data.mapping.pairs.start);
    for (size_t i = 0; i < count; i++) {
        yaml_node_pair_t pair = from->data.mapping.pairs.start[i];
        const yaml_node_t *key = yaml_document_get_node(tree, pair.key);
        if (key->type == YAML_SCALAR_NODE && !has_key(tree, yaml_document_get_node(tree, into), key) &&
            !yaml_document_append_mapping_pair(tree, into, pair.key, pair.value))
            faults->incomplete = true;
    }
}

/* Takes the first << out of the mapping and gives its value, or NULL. */
static const yaml_node_t *take_merge(yaml_document_t *tree, yaml_node_t *mapping)
{
    yaml_node_pair_t *top = mapping->data.mapping.pairs.top;
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < top; pair++) {
        if (!is_scalar(yaml_document_get_node(tree, pair->key), "<<"))
            continue;
        const yaml_node_t *value = yaml_document_get_node(tree, pair->value);
        memmove(pair, pair + 1, (size_t)(top - pair - 1) * sizeof *pair);
        mapping->data.mapping.pairs.top--;
        return value;
    }
    return NULL;
}

static void expand_mapping(yaml_document_t *tree, int index, struct weft_faults *faults)
{
    yaml_node_t *mapping = yaml_document_get_node(tree, index);
    const yaml_node_t *from;
    /* What is merged may bring a << of its own; the bound is for those that merge each other. */
    for (int i = 0; i < MERGES_MAX && (from = take_merge(tree, mapping)); i++) {
        if (from->type != YAML_SEQUENCE_NODE) {
            merge(tree, index, from, faults);
            continue;
        }
        for (yaml_node_item_t *item = from->data.sequence.items.start; item < from->data.sequence.items.top; item++)
            merge(tree, index, yaml_document_get_node(tree, *item), faults);
    }
}

void weft_expand(yaml_document_t *tree, struct weft_faults *faults)
{
    int count = (int)(tree->nodes.top - tree->nodes.start);
    for (int i = 1; i <= count; i++)
        if (yaml_document_get_node(tree, i)->type == YAML_MAPPING_NODE)
            expand_mapping(tree, i, faults);
    for (int i = 1; i <= count; i++)
        if (yaml_document_get_node(tree, i)->type == YAML_SCALAR_NODE)
            expand_scalar(yaml_document_get_node(tree, i), faults);
}
