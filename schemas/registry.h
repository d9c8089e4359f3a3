/* Client of a schema registry (Confluent's API, as Apicurio and others serve it too).
 *
 * Answers are cached by id and by (subject, schema), so that a schema once seen is known while the registry is away.
 * One client may be shared by threads; calls block for at most timeout_ms for each try. Errors: WEFT_ERROR_UNAVAILABLE
 * when no URL answers, or with 5xx or 429 only (try again); _REFUSED for wrong credentials or missing rights; _CONFIG
 * for a URL that is none, for what no registry answers (HTML, a redirect, junk: the URL is wrong) and for a question
 * that the registry does not accept (a schema that is not Avro); _CONFLICT for an incompatible schema. That the
 * registry does not know an id or a subject is an answer, not an error (see found).
 *
 * The program calls curl_global_init(CURL_GLOBAL_DEFAULT) once in its main, before any thread is started. */
#ifndef WEFT_SCHEMAS_REGISTRY_H
#define WEFT_SCHEMAS_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct weft_registry;

/* How the subject of a topic's values is named. */
enum weft_subject_strategy {
    WEFT_SUBJECT_TOPIC,        /* <topic>-value */
    WEFT_SUBJECT_RECORD,       /* <full name of the record> */
    WEFT_SUBJECT_TOPIC_RECORD, /* <topic>-<full name of the record> */
};

struct weft_registry_config {
    const char *url;        /* one or several, separated by commas, tried in turn */
    const char *basic_auth; /* "user:password", or NULL; never logged */
    const char *bearer;     /* a token, or NULL; never logged */
    const char *ca_file;    /* PEM, or NULL for the system's */
    const char *cert_file;  /* PEM of the client's own certificate, or NULL; may hold the key, too */
    const char *key_file;   /* PEM, or NULL */
    const char *key_password;
    int timeout_ms;  /* for one request; 0: 5000 */
    int retries;     /* further rounds over the URLs after 5xx, 429 or no answer; -1: none; 0: 3 */
    int wait_ms;     /* before the first of them; 0: 100 */
    int wait_max_ms; /* before any of them, though a server's Retry-After counts more; 0: 2000 */
    bool normalize;  /* let the registry bring schemas into its normal form */
    /* See schemas/subject.h. */
    enum weft_subject_strategy strategy;
    bool use_latest;
};

struct weft_registry_schema {
    uint32_t id;
    int version;  /* 0 where the registry did not say */
    char *schema; /* the text as the registry has it */
    char *whole;  /* the same with the schemas that it refers to put in their places; NULL where it refers to none */
};

/* A schema of another subject that this one uses by its full name. */
struct weft_registry_reference {
    const char *name, *subject;
    int version;
};

/* Copies config. Does not connect. */
struct weft_registry *weft_registry_new(const struct weft_registry_config *config, struct weft_error *err);
void weft_registry_destroy(struct weft_registry *registry); /* accepts NULL */

/* Registers the schema under the subject (or finds it there) and gives its id. Schemas are sent without white space:
 * some registries take the same schema in another layout for a new one. */
int weft_registry_register(struct weft_registry *registry, const char *subject, const char *schema, uint32_t *id,
                           struct weft_error *err);

/* The same for a schema that refers to others. */
int weft_registry_register_with(struct weft_registry *registry, const char *subject, const char *schema,
                                const struct weft_registry_reference *references, size_t count, uint32_t *id,
                                struct weft_error *err);

/* The id under which the subject has this schema. *found says whether it does; not finding it is no error. */
int weft_registry_lookup(struct weft_registry *registry, const char *subject, const char *schema,
                         struct weft_registry_schema *out, bool *found, struct weft_error *err);
int weft_registry_lookup_with(struct weft_registry *registry, const char *subject, const char *schema,
                              const struct weft_registry_reference *references, size_t count,
                              struct weft_registry_schema *out, bool *found, struct weft_error *err);

/* The schema with those that it refers to put in their places. The caller frees. */
int weft_registry_resolve(struct weft_registry *registry, const char *schema,
                          const struct weft_registry_reference *references, size_t count, char **whole,
                          struct weft_error *err);

/* The text of a schema by its id, whole, valid as long as the registry. *text is NULL when the registry answered that
 * it does not know the id (return value 0); an unanswered question is an error. Unknown ids are asked for anew after a
 * second. WEFT_ERROR_CORRUPT when the registry has another objection to this id; once it has answered anything well,
 * nonsense is WEFT_ERROR_UNAVAILABLE, as something between will have failed. */
int weft_registry_by_id(struct weft_registry *registry, uint32_t id, const char **text, struct weft_error *err);

/* The same by the 16 bytes of a schema's GUID. */
int weft_registry_by_guid(struct weft_registry *registry, const uint8_t *guid, const char **text,
                          struct weft_error *err);

/* The subject's latest version. *found as above. */
int weft_registry_latest(struct weft_registry *registry, const char *subject, struct weft_registry_schema *out,
                         bool *found, struct weft_error *err);

/* A version by its number. *found as above. */
int weft_registry_version(struct weft_registry *registry, const char *subject, int version,
                          struct weft_registry_schema *out, bool *found, struct weft_error *err);

/* The numbers of the subject's versions, which the caller frees; none where the subject does not exist. */
int weft_registry_versions(struct weft_registry *registry, const char *subject, int **versions, size_t *count,
                           struct weft_error *err);

/* The subjects that there are, sorted. */
struct weft_registry_subjects {
    char **names;
    size_t count;
};
int weft_registry_subjects(struct weft_registry *registry, struct weft_registry_subjects *out, struct weft_error *err);
void weft_registry_subjects_clear(struct weft_registry_subjects *subjects);

/* Deletes one version, or with version 0 all of them. Permanently only what was deleted before: then it cannot be had
 * back, and messages that carry its id cannot be read. *found as above. WEFT_ERROR_CONFLICT for what others refer to.
 */
int weft_registry_delete(struct weft_registry *registry, const char *subject, int version, bool permanent, bool *found,
                         struct weft_error *err);

enum weft_registry_verdict {
    WEFT_REGISTRY_INCOMPATIBLE,
    WEFT_REGISTRY_COMPATIBLE,
    WEFT_REGISTRY_UNJUDGED, /* of schemas with references: some registries cannot */
};

/* Whether the registry accepts the schema beside the subject's latest version, by the level in force there. Compatible
 * for a subject that does not exist. */
int weft_registry_compatible(struct weft_registry *registry, const char *subject, const char *schema,
                             const struct weft_registry_reference *references, size_t count,
                             enum weft_registry_verdict *verdict, struct weft_error *err);

enum { WEFT_REGISTRY_LEVEL_SIZE = 32 };

/* Compatibility level set for a subject (NULL: the global one), into WEFT_REGISTRY_LEVEL_SIZE bytes. Where none is set,
 * some registries give the global one, Apicurio gives NONE; level is "" with the others. */
int weft_registry_get_compatibility(struct weft_registry *registry, const char *subject, char *level,
                                    struct weft_error *err);

/* The level in force for a subject: its own, or else the global one. NONE may mean that the global one is in force:
 * Apicurio 2 keeps a NONE of a subject apart from nothing neither here nor in what it does. */
int weft_registry_effective_compatibility(struct weft_registry *registry, const char *subject, char *level,
                                          struct weft_error *err);
int weft_registry_set_compatibility(struct weft_registry *registry, const char *subject, const char *level,
                                    struct weft_error *err);

void weft_registry_schema_clear(struct weft_registry_schema *schema); /* frees the text */

#endif
