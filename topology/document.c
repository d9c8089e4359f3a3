#include "topology/document.h"

#include <cyaml/cyaml.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/text_file.h"
#include "topology/expansion.h"
#include "topology/form.h"
#include "topology/topology.h"

/* ENTRIES_MAX bounds what a list of aliases can make of a small file. */
enum { ENTRIES_MAX = 1000, PATH_SIZE = 256 };

struct weft_document {
    yaml_document_t tree;
    bool parsed; /* there is a tree */
    struct weft_document_content *content;
};

/* Every value is loaded as text: libcyaml reads 4.5 as the integer 4. */
#define GIVEN(key, type, member) CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 0, CYAML_UNLIMITED)
#define MAY_BE(key, type, member)                                                                                      \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0, CYAML_UNLIMITED)
#define LIST(key, type, member, entry)                                                                                 \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, entry, 0, ENTRIES_MAX)

static const cyaml_schema_field_t cluster_fields[] = {
    GIVEN("id", struct weft_document_cluster, id),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t reference_fields[] = {
    GIVEN("name", struct weft_document_reference, name),
    GIVEN("subject", struct weft_document_reference, subject),
    MAY_BE("version", struct weft_document_reference, version),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t reference_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct weft_document_reference, reference_fields)};

static const cyaml_schema_field_t schema_fields[] = {
    GIVEN("subject", struct weft_document_schema, subject),
    GIVEN("file", struct weft_document_schema, file),
    MAY_BE("compatibility", struct weft_document_schema, compatibility),
    CYAML_FIELD_SEQUENCE("references", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct weft_document_schema,
                         references, &reference_entry, 0, WEFT_TOPOLOGY_REFERENCES_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t config_fields[] = {
#define FIELD(member, name, kind) MAY_BE(name, struct weft_document_config, member),
    WEFT_TOPIC_SETTINGS(FIELD)
#undef FIELD
        CYAML_FIELD_END,
};

static const cyaml_schema_field_t topic_fields[] = {
    GIVEN("name", struct weft_document_topic, name),
    GIVEN("partitions", struct weft_document_topic, partitions),
    MAY_BE("replication", struct weft_document_topic, replication),
    CYAML_FIELD_MAPPING_PTR("config", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct weft_document_topic, config,
                            config_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t canary_fields[] = {
    GIVEN("model", struct weft_document_canary, model),
    GIVEN("percent", struct weft_document_canary, percent),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t processor_fields[] = {
    GIVEN("name", struct weft_document_processor, name),
    GIVEN("source", struct weft_document_processor, source),
    GIVEN("sink", struct weft_document_processor, sink),
    MAY_BE("dead_letters", struct weft_document_processor, dead_letters),
    MAY_BE("model", struct weft_document_processor, model),
    MAY_BE("workers", struct weft_document_processor, workers),
    MAY_BE("shadow", struct weft_document_processor, shadow),
    MAY_BE("shadow_results", struct weft_document_processor, shadow_results),
    CYAML_FIELD_MAPPING_PTR("canary", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct weft_document_processor, canary,
                            canary_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t end_fields[] = {
    MAY_BE("kafka", struct weft_document_end, kafka),
    MAY_BE("pubsub", struct weft_document_end, pubsub),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t bridge_fields[] = {
    GIVEN("name", struct weft_document_bridge, name),
    CYAML_FIELD_MAPPING_PTR("from", CYAML_FLAG_POINTER, struct weft_document_bridge, from, end_fields),
    CYAML_FIELD_MAPPING_PTR("to", CYAML_FLAG_POINTER, struct weft_document_bridge, to, end_fields),
    MAY_BE("order", struct weft_document_bridge, order),
    MAY_BE("format", struct weft_document_bridge, format),
    MAY_BE("on_unmappable", struct weft_document_bridge, on_unmappable),
    MAY_BE("dead_letters", struct weft_document_bridge, dead_letters),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t pubsub_topic_fields[] = {
    GIVEN("name", struct weft_document_pubsub_topic, name),
    MAY_BE("retention", struct weft_document_pubsub_topic, retention),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t dead_letters_fields[] = {
    GIVEN("topic", struct weft_document_dead_letters, topic),
    MAY_BE("max_attempts", struct weft_document_dead_letters, max_attempts),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t subscription_fields[] = {
    GIVEN("name", struct weft_document_subscription, name),
    GIVEN("topic", struct weft_document_subscription, topic),
    MAY_BE("ack_deadline", struct weft_document_subscription, ack_deadline),
    MAY_BE("ordering", struct weft_document_subscription, ordering),
    MAY_BE("exactly_once", struct weft_document_subscription, exactly_once),
    MAY_BE("retention", struct weft_document_subscription, retention),
    CYAML_FIELD_MAPPING_PTR("dead_letters", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct weft_document_subscription,
                            dead_letters, dead_letters_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t pubsub_topic_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct weft_document_pubsub_topic, pubsub_topic_fields)};
static const cyaml_schema_value_t subscription_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct weft_document_subscription, subscription_fields)};

static const cyaml_schema_field_t pubsub_fields[] = {
    LIST("topics", struct weft_document_pubsub, topics, &pubsub_topic_entry),
    LIST("subscriptions", struct weft_document_pubsub, subscriptions, &subscription_entry),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct weft_document_schema, schema_fields)};
static const cyaml_schema_value_t topic_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct weft_document_topic, topic_fields)};
static const cyaml_schema_value_t processor_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct weft_document_processor, processor_fields)};
static const cyaml_schema_value_t bridge_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct weft_document_bridge, bridge_fields)};

static const cyaml_schema_field_t content_fields[] = {
    GIVEN("topology", struct weft_document_content, topology),
    CYAML_FIELD_MAPPING_PTR("cluster", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct weft_document_content, cluster,
                            cluster_fields),
    LIST("schemas", struct weft_document_content, schemas, &schema_entry),
    LIST("topics", struct weft_document_content, topics, &topic_entry),
    LIST("processors", struct weft_document_content, processors, &processor_entry),
    LIST("bridges", struct weft_document_content, bridges, &bridge_entry),
    CYAML_FIELD_MAPPING_PTR("pubsub", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct weft_document_content, pubsub,
                            pubsub_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t content_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct weft_document_content, content_fields)};

static void syntax_fault(const yaml_parser_t *parser, const char *text, size_t size, struct weft_faults *faults)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        faults->incomplete = true;
        return;
    }
    if (parser->error == YAML_READER_ERROR) {
        weft_faults_add(faults, 0, "byte %zu: %s: the file must be UTF-8 text", parser->problem_offset,
                        parser->problem);
        return;
    }
    size_t at = parser->problem_mark.index;
    bool tab = at < size && text[at] == '\t';
    weft_faults_add(faults, (int)parser->problem_mark.line + 1, "column %zu: this is not YAML: %s%s",
                    parser->problem_mark.column + 1, parser->problem, tab ? ": a tab cannot indent, use spaces" : "");
}

/* The tree of the file's only document, for the caller to delete. */
static bool parse_tree(yaml_document_t *tree, const char *text, size_t size, struct weft_faults *faults)
{
    bool parsed = false;
    yaml_document_t next;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        faults->incomplete = true;
        return false;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    if (!yaml_parser_load(&parser, tree)) {
        syntax_fault(&parser, text, size, faults);
        goto out;
    }
    parsed = true;
    if (!yaml_document_get_root_node(tree)) {
        weft_faults_add(faults, 0, "declares nothing: it is empty");
        goto out;
    }
    if (!yaml_parser_load(&parser, &next)) {
        syntax_fault(&parser, text, size, faults);
        goto out;
    }
    if (yaml_document_get_root_node(&next))
        weft_faults_add(faults, (int)next.start_mark.line + 1,
                        "a second document begins here: one file is one topology");
    yaml_document_delete(&next);
out:
    yaml_parser_delete(&parser);
    return parsed;
}

static int append(void *arg, unsigned char *bytes, size_t size)
{
    return fwrite(bytes, 1, size, arg) == size;
}

/* The expanded file as text, which the caller frees; libcyaml reads no trees. Takes the tree. */
static char *print_tree(yaml_document_t *tree, size_t *size)
{
    char *text = NULL;
    yaml_emitter_t emitter;
    FILE *out = open_memstream(&text, size);
    if (!out || !yaml_emitter_initialize(&emitter)) {
        yaml_document_delete(tree);
        goto out;
    }
    yaml_emitter_set_output(&emitter, append, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    bool printed = yaml_emitter_dump(&emitter, tree) && yaml_emitter_close(&emitter);
    yaml_emitter_delete(&emitter);
    if (fclose(out) == 0 && printed)
        return text;
    out = NULL;
out:
    if (out)
        fclose(out);
    free(text);
    return NULL;
}

/* After the tree has been found to be of the form, so that all that can go wrong is libcyaml's own. */
static int load_content(struct weft_document *document, const char *path, const char *text, size_t size,
                        struct weft_error *err)
{
    const cyaml_config_t config = {.mem_fn = cyaml_mem};
    struct weft_faults faults = {0};
    yaml_document_t tree;
    char *expanded = NULL;
    size_t expanded_size;
    cyaml_err_t code = CYAML_ERR_OOM;
    if (parse_tree(&tree, text, size, &faults)) {
        weft_expand(&tree, &faults);
        expanded = print_tree(&tree, &expanded_size);
    }
    if (expanded)
        code = cyaml_load_data((const uint8_t *)expanded, expanded_size, &config, &content_schema,
                               (cyaml_data_t **)&document->content, NULL);
    free(expanded);
    weft_faults_clear(&faults);
    if (code == CYAML_ERR_OOM)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    return code == CYAML_OK ? 0 : weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s", path, cyaml_strerror(code));
}

struct weft_document *weft_document_read(const char *path, struct weft_faults *faults, struct weft_error *err)
{
    size_t size;
    struct weft_document *document = NULL;
    char *text = weft_text_file_read(path, &size, err);
    if (!text)
        return NULL;
    document = calloc(1, sizeof *document);
    if (!document) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto fail;
    }
    document->parsed = parse_tree(&document->tree, text, size, faults);
    if (!faults->count && !faults->incomplete)
        weft_expand(&document->tree, faults);
    if (document->parsed && yaml_document_get_root_node(&document->tree))
        weft_form_check(&document->tree, &content_schema, faults);
    if (faults->count || faults->incomplete || load_content(document, path, text, size, err) != 0)
        goto fail;
    free(text);
    return document;
fail:
    free(text);
    weft_document_destroy(document);
    return NULL;
}

void weft_document_destroy(struct weft_document *document)
{
    if (!document)
        return;
    const cyaml_config_t config = {.mem_fn = cyaml_mem};
    if (document->content)
        cyaml_free(&config, &content_schema, document->content, 0);
    if (document->parsed)
        yaml_document_delete(&document->tree);
    free(document);
}

const struct weft_document_content *weft_document_content(const struct weft_document *document)
{
    return document->content;
}

/* The child of the node and the node that shows where it stands: the key for a mapping's. Of keys that stand there
 * twice the last. */
static yaml_node_t *find_child(yaml_document_t *tree, const yaml_node_t *node, const char *name, size_t length,
                               const yaml_node_t **shown)
{
    if (node->type == YAML_SEQUENCE_NODE) {
        size_t index = strtoul(name, NULL, 10);
        size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
        yaml_node_t *item = index < count ? yaml_document_get_node(tree, node->data.sequence.items.start[index]) : NULL;
        *shown = item ? item : *shown;
        return item;
    }
    yaml_node_t *value = NULL;
    if (node->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(tree, pair->key);
        if (key->type != YAML_SCALAR_NODE || key->data.scalar.length != length ||
            memcmp(key->data.scalar.value, name, length) != 0)
            continue;
        value = yaml_document_get_node(tree, pair->value);
        *shown = key;
    }
    return value;
}

int weft_document_line(const struct weft_document *document, const char *path_format, ...)
{
    char path[PATH_SIZE];
    va_list args;
    va_start(args, path_format);
    vsnprintf(path, sizeof path, path_format, args);
    va_end(args);
    /* libyaml only reads the tree, but takes no pointer to const. */
    yaml_document_t *tree = (yaml_document_t *)&document->tree;
    yaml_node_t *node = yaml_document_get_root_node(tree);
    const yaml_node_t *shown = node;
    for (const char *p = path; *p && node;) {
        size_t length = strcspn(p, "/");
        node = find_child(tree, node, p, length, &shown);
        p += length + (p[length] == '/');
    }
    return (int)shown->start_mark.line + 1;
}
