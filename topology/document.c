#include "topology/document.h"

#include <ctype.h>
#include <cyaml/cyaml.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/text_file.h"

/* ENTRIES_MAX bounds what a list of aliases can make of a small file; KEYS_SHOWN what a message lists. */
enum { ENTRIES_MAX = 1000, PATH_SIZE = 256, FAULT_SIZE = 256, KEYS_SHOWN = 10 };

struct weft_document {
    yaml_document_t tree;
    struct weft_document_content *content;
};

/* Every value is loaded as text: libcyaml reads 4.5 as the integer 4. */
#define GIVEN(key, type, member) CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 0, CYAML_UNLIMITED)
#define MAY_BE(key, type, member)                                                                                      \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0, CYAML_UNLIMITED)
#define LIST(key, member, entry)                                                                                       \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct weft_document_content, member, entry,   \
                         0, ENTRIES_MAX)

static const cyaml_schema_field_t schema_fields[] = {
    GIVEN("subject", struct weft_document_schema, subject),
    GIVEN("file", struct weft_document_schema, file),
    MAY_BE("compatibility", struct weft_document_schema, compatibility),
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

static const cyaml_schema_field_t processor_fields[] = {
    GIVEN("name", struct weft_document_processor, name),
    GIVEN("source", struct weft_document_processor, source),
    GIVEN("sink", struct weft_document_processor, sink),
    MAY_BE("dead_letters", struct weft_document_processor, dead_letters),
    GIVEN("model", struct weft_document_processor, model),
    MAY_BE("workers", struct weft_document_processor, workers),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct weft_document_schema, schema_fields)};
static const cyaml_schema_value_t topic_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct weft_document_topic, topic_fields)};
static const cyaml_schema_value_t processor_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct weft_document_processor, processor_fields)};

static const cyaml_schema_field_t content_fields[] = {
    GIVEN("topology", struct weft_document_content, topology),
    LIST("schemas", schemas, &schema_entry),
    LIST("topics", topics, &topic_entry),
    LIST("processors", processors, &processor_entry),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t content_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct weft_document_content, content_fields)};

/* What libcyaml logs of a fault: a message, then "in ..." lines from the innermost outwards, of which the path is made.
 */
struct fault {
    char message[FAULT_SIZE];
    char path[PATH_SIZE];  /* topics/0/partitions */
    char names[PATH_SIZE]; /* topics.partitions */
};

static void prepend(char *path, const char *part, size_t length, char separator)
{
    char whole[PATH_SIZE];
    snprintf(whole, sizeof whole, "%.*s%.*s%s", (int)length, part, path[0] != '\0', &separator, path);
    memcpy(path, whole, sizeof whole);
}

static void on_log(cyaml_log_t level, void *ctx, const char *format, va_list args)
{
    struct fault *fault = ctx;
    char line[FAULT_SIZE];
    if (level != CYAML_LOG_ERROR)
        return;
    vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\n")] = '\0';
    const char *text = line + strspn(line, " ");
    const char *quoted = strchr(text, '\'');
    if (strncmp(text, "in mapping field '", 18) == 0) {
        quoted++;
        prepend(fault->path, quoted, strcspn(quoted, "'"), '/');
        prepend(fault->names, quoted, strcspn(quoted, "'"), '.');
    } else if (strncmp(text, "in sequence entry '", 19) == 0) {
        char index[24]; /* libcyaml counts from 1 */
        int length = snprintf(index, sizeof index, "%lu", strtoul(quoted + 1, NULL, 10) - 1);
        prepend(fault->path, index, (size_t)length, '/');
    } else if (!fault->message[0] && strncmp(text, "Load: ", 6) == 0) {
        snprintf(fault->message, sizeof fault->message, "%s", text + 6);
    }
}

/* The fields of the mapping at a path of names. */
static const cyaml_schema_field_t *find_fields(const char *names)
{
    const cyaml_schema_field_t *fields = content_fields;
    while (*names) {
        size_t length = strcspn(names, ".");
        const cyaml_schema_field_t *field = fields;
        while (field->key && (strlen(field->key) != length || strncmp(field->key, names, length) != 0))
            field++;
        if (!field->key)
            return NULL;
        const cyaml_schema_value_t *value = &field->value;
        if (value->type == CYAML_SEQUENCE)
            value = value->sequence.entry;
        if (value->type != CYAML_MAPPING)
            return NULL;
        fields = value->mapping.fields;
        names += length + (names[length] == '.');
    }
    return fields;
}

/* "a, b, c", or "" when there are too many to help. */
static void list_keys(const cyaml_schema_field_t *fields, char *out, size_t size)
{
    size_t length = 0;
    out[0] = '\0';
    for (int i = 0; fields && fields[i].key; i++) {
        if (i == KEYS_SHOWN) {
            out[0] = '\0';
            return;
        }
        int written = snprintf(out + length, size - length, "%s%s", i ? ", " : "", fields[i].key);
        length += (size_t)written < size - length ? (size_t)written : 0;
    }
}

static void drop_last(char *path, char separator)
{
    char *last = strrchr(path, separator);
    *(last ? last : path) = '\0';
}

static void append_key(char *path, const char *key)
{
    size_t length = strlen(path);
    snprintf(path + length, PATH_SIZE - length, "%s%s", length ? "/" : "", key);
}

/* Says libcyaml's fault in our words, at the line where it is. */
static int report(const struct weft_document *document, const char *file, cyaml_err_t code, struct fault *fault,
                  struct weft_error *err)
{
    char text[WEFT_ERROR_MESSAGE_MAX / 2];
    const char *colon = strstr(fault->message, ": ");
    const char *key = colon ? colon + 2 : "";
    if (code == CYAML_ERR_OOM)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    if (code == CYAML_ERR_INVALID_KEY) {
        char known[FAULT_SIZE];
        list_keys(find_fields(fault->names), known, sizeof known);
        append_key(fault->path, key);
        if (known[0])
            snprintf(text, sizeof text, "unknown key '%s': known here are %s", key, known);
        else
            snprintf(text, sizeof text, "unknown key '%s': Kafka has no such topic setting", key);
    } else if (code == CYAML_ERR_MAPPING_FIELD_MISSING) {
        /* libcyaml notices at the end of the mapping and names the last key that it saw there. */
        drop_last(fault->path, '/');
        drop_last(fault->names, '.');
        snprintf(text, sizeof text, "'%s' is missing", key);
    } else if (code == CYAML_ERR_SEQUENCE_ENTRIES_MAX) {
        snprintf(text, sizeof text, "at most %d entries are allowed", ENTRIES_MAX);
    } else if (strstr(fault->message, "already seen")) {
        drop_last(fault->names, '.');
        snprintf(text, sizeof text, "'%s' stands there twice", key);
    } else if (strstr(fault->message, "Expecting SEQUENCE")) {
        snprintf(text, sizeof text, "must be a list, with entries that start with '- '");
    } else if (strstr(fault->message, "Expecting MAPPING")) {
        snprintf(text, sizeof text, "must be a mapping of keys to values, as in 'key: value'");
    } else if (strstr(fault->message, "Expecting STRING")) {
        snprintf(text, sizeof text, "must be a single value");
    } else {
        snprintf(text, sizeof text, "%s", fault->message[0] ? fault->message : cyaml_strerror(code));
    }
    for (char *p = text; *p; p++)
        if (iscntrl((unsigned char)*p))
            *p = '?'; /* quoted from the file; a message is one line */
    int line = weft_document_line(document, "%s", fault->path);
    return weft_error_set(err, WEFT_ERROR_CONFIG, "%s:%d: %s%s%s", file, line, fault->names,
                          fault->names[0] ? ": " : "", text);
}

static int parse_content(struct weft_document *document, const char *file, const char *text, size_t size,
                         struct weft_error *err)
{
    struct fault fault = {{0}, {0}, {0}};
    const cyaml_config_t config = {
        .log_fn = on_log, .log_ctx = &fault, .mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR};
    cyaml_err_t code = cyaml_load_data((const uint8_t *)text, size, &config, &content_schema,
                                       (cyaml_data_t **)&document->content, NULL);
    return code == CYAML_OK ? 0 : report(document, file, code, &fault, err);
}

static int syntax_error(const yaml_parser_t *parser, const char *file, const char *text, size_t size,
                        struct weft_error *err)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    if (parser->error == YAML_READER_ERROR)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "%s: byte %zu: %s: the file must be UTF-8 text", file,
                              parser->problem_offset, parser->problem);
    size_t at = parser->problem_mark.index;
    bool tab = at < size && text[at] == '\t';
    return weft_error_set(err, WEFT_ERROR_CONFIG, "%s:%zu:%zu: this is not YAML: %s%s", file,
                          parser->problem_mark.line + 1, parser->problem_mark.column + 1, parser->problem,
                          tab ? ": a tab cannot indent, use spaces" : "");
}

static int parse_tree(struct weft_document *document, const char *file, const char *text, size_t size,
                      struct weft_error *err)
{
    int result = -1;
    yaml_document_t next;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    if (!yaml_parser_load(&parser, &document->tree)) {
        syntax_error(&parser, file, text, size, err);
        goto out;
    }
    if (!yaml_document_get_root_node(&document->tree)) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s declares nothing: it is empty", file);
        goto out;
    }
    if (!yaml_parser_load(&parser, &next)) {
        syntax_error(&parser, file, text, size, err);
        goto out;
    }
    if (yaml_document_get_root_node(&next))
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s:%zu: a second document begins here: one file is one topology", file,
                       next.start_mark.line + 1);
    else
        result = 0;
    yaml_document_delete(&next);
out:
    yaml_parser_delete(&parser);
    return result;
}

struct weft_document *weft_document_read(const char *path, struct weft_error *err)
{
    size_t size;
    struct weft_document *document = NULL;
    char *text = weft_text_file_read(path, &size, err);
    if (!text)
        return NULL;
    document = calloc(1, sizeof *document);
    if (!document)
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    else if (parse_tree(document, path, text, size, err) == 0 && parse_content(document, path, text, size, err) == 0)
        goto out;
    weft_document_destroy(document);
    document = NULL;
out:
    free(text);
    return document;
}

void weft_document_destroy(struct weft_document *document)
{
    if (!document)
        return;
    const cyaml_config_t config = {.mem_fn = cyaml_mem};
    if (document->content)
        cyaml_free(&config, &content_schema, document->content, 0);
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
