/* One question to a registry and its answer, and what the client's parts share. Used inside of the registry client
 * only. */
#ifndef WEFT_SCHEMAS_REGISTRY_CALL_H
#define WEFT_SCHEMAS_REGISTRY_CALL_H

#include <jansson.h>
#include <stdatomic.h>

#include "schemas/http.h"
#include "schemas/registry.h"
#include "schemas/registry_cache.h"

/* Error codes of the API that are answers rather than errors. */
enum {
    WEFT_REGISTRY_NO_SUBJECT = 40401,
    WEFT_REGISTRY_NO_VERSION = 40402,
    WEFT_REGISTRY_NO_SCHEMA = 40403,
    WEFT_REGISTRY_SUBJECT_DELETED = 40404,
    WEFT_REGISTRY_NO_LEVEL = 40408,
    WEFT_REGISTRY_INVALID = 42201, /* the schema */
};

struct weft_registry {
    struct weft_http *http;
    struct weft_registry_cache *cache;
    enum weft_subject_strategy strategy;
    bool normalize, use_latest;
    atomic_bool proven; /* it has answered as a registry does: later nonsense is a fault that passes */
};

struct weft_registry_question {
    const char *method, *path;
    const json_t *body;  /* or NULL */
    const int *expected; /* error codes that are answers, ended by 0; or NULL */
    json_type wanted;    /* of a good answer */
};

struct weft_registry_reply {
    json_t *json; /* NULL for an expected error code, and on failure */
    long status;  /* of HTTP; 0: no answer */
    int code;     /* the error code that the registry gave, 0: none */
};

/* Fails with the errors of registry.h. The caller releases reply->json. err may be NULL. */
int weft_registry_ask(struct weft_registry *registry, const struct weft_registry_question *question,
                      struct weft_registry_reply *reply, struct weft_error *err);

/* The path with the subject, escaped, between the two. The caller frees. */
char *weft_registry_path(const char *before, const char *subject, const char *after, struct weft_error *err);

/* The body of a question about a schema. NULL with *err filled when memory is short or the text is not UTF-8. */
json_t *weft_registry_body(const char *schema, const struct weft_registry_reference *references, size_t count,
                           struct weft_error *err);

/* Always gives -1: the answer lacks what it should have. */
int weft_registry_missing(const char *what, struct weft_error *err);

/* The schema of an answer, with what it refers to fetched and put in place. */
int weft_registry_take_text(struct weft_registry *registry, json_t *answer, char **text, char **whole,
                            struct weft_error *err);
int weft_registry_take_schema(struct weft_registry *registry, json_t *answer, struct weft_registry_schema *out,
                              struct weft_error *err);

#endif
