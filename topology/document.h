/* A topology file as it is written: which keys there may be, their text, and where each stands.
 *
 * libcyaml checks the form and fills the structs; values are still text. libyaml's own tree, kept beside, knows the
 * lines, so that those who find fault with a value can say where it is. */
#ifndef WEFT_TOPOLOGY_DOCUMENT_H
#define WEFT_TOPOLOGY_DOCUMENT_H

#include "base/error.h"
#include "topology/topic_settings.h"

/* NULL: not given. */
struct weft_document_schema {
    char *subject, *file, *compatibility;
};

struct weft_document_config {
#define MEMBER(member, name, kind) char *member;
    WEFT_TOPIC_SETTINGS(MEMBER)
#undef MEMBER
};

struct weft_document_topic {
    char *name, *partitions, *replication;
    struct weft_document_config *config;
};

struct weft_document_processor {
    char *name, *source, *sink, *dead_letters, *model, *workers;
};

struct weft_document_content {
    char *topology;
    struct weft_document_schema *schemas;
    unsigned schemas_count;
    struct weft_document_topic *topics;
    unsigned topics_count;
    struct weft_document_processor *processors;
    unsigned processors_count;
};

struct weft_document;

/* WEFT_ERROR_CONFIG with "FILE:LINE: ..." when the file is not YAML or not of this form. */
struct weft_document *weft_document_read(const char *path, struct weft_error *err);
void weft_document_destroy(struct weft_document *document); /* accepts NULL */

const struct weft_document_content *weft_document_content(const struct weft_document *document);

/* The line of what stands at the path, such as "topics/0/config/retention.ms"; of what is nearest above it where there
 * is nothing. */
int weft_document_line(const struct weft_document *document, const char *path_format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
