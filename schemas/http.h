/* A small HTTP client for one service that may answer under several base URLs.
 *
 * A call tries the URLs in turn, beginning with the one that answered last, and after a round without an answer waits a
 * little (doubled each time, with jitter; longer where a server said Retry-After) and tries again. Redirects are not
 * followed: they are an answer. Credentials in a URL are used and never shown. Threads may share a client. */
#ifndef WEFT_SCHEMAS_HTTP_H
#define WEFT_SCHEMAS_HTTP_H

#include <stddef.h>

#include "base/error.h"

enum { WEFT_HTTP_BODY_MAX = 1 << 20, WEFT_HTTP_URL_MAX = 512 };

struct weft_http;

struct weft_http_config {
    const char *urls;       /* separated by commas; http or https, no query */
    const char *basic_auth; /* "user:password", or NULL: as the URL says */
    const char *bearer;     /* a token, or NULL; stronger than basic_auth */
    const char *ca_file;    /* PEM, or NULL: the system's */
    const char *cert_file;  /* PEM of the client's certificate, or NULL; may hold the key, too */
    const char *key_file;   /* PEM of its private key, or NULL: in cert_file */
    const char *key_password;
    int timeout_ms;  /* for one try */
    int rounds;      /* over the URLs, at least 1 */
    int wait_ms;     /* before the second round; 0: 100 */
    int wait_max_ms; /* before any later one; 0: 2000 */
};

struct weft_http_answer {
    long status;
    char *body; /* terminated, the caller frees; of at most WEFT_HTTP_BODY_MAX bytes */
    size_t size;
    char content_type[64];       /* "" where the server did not say */
    char url[WEFT_HTTP_URL_MAX]; /* the base URL that answered, without credentials */
};

/* Copies config. Fails with WEFT_ERROR_CONFIG and a message without credentials. */
struct weft_http *weft_http_new(const struct weft_http_config *config, struct weft_error *err);
void weft_http_destroy(struct weft_http *http); /* accepts NULL */

/* Sends body, a JSON text (NULL: none), to the path, which begins with a slash and is escaped already. Gives every
 * whole answer but 5xx and 429. Otherwise WEFT_ERROR_UNAVAILABLE, _CONFIG for a body too long and a certificate that is
 * not trusted. *answer needs freeing only on success. */
int weft_http_call(struct weft_http *http, const char *method, const char *path, const char *body,
                   struct weft_http_answer *answer, struct weft_error *err);

/* Text as one segment of a path. The caller frees; NULL when memory is short. */
char *weft_http_escape(const char *text);

#endif
