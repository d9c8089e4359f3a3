#include "schemas/http.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/clock.h"

enum { CONNECT_TIMEOUT_MAX_MS = 3000, WAIT_MS = 100, WAIT_MAX_MS = 2000, RETRY_AFTER_MAX_MS = 30000, URLS_MAX = 16 };

struct server {
    char url[WEFT_HTTP_URL_MAX]; /* without credentials and without a slash at its end */
    char *user, *password;       /* from the URL; NULL without */
};

struct weft_http {
    struct server servers[URLS_MAX];
    size_t server_count;
    atomic_size_t preferred; /* the one that answered last */
    char *basic_auth, *bearer;
    char *ca_file, *cert_file, *key_file, *key_password;
    long timeout_ms;
    int rounds;
    int64_t wait_ms, wait_max_ms;
};

static int take_part(CURLU *url, CURLUPart part, char **copy)
{
    char *text = NULL;
    if (curl_url_get(url, part, &text, CURLU_URLDECODE) != CURLUE_OK)
        return 0;
    *copy = strdup(text);
    curl_free(text);
    return *copy ? 0 : -1;
}

/* The messages name the URL by its place in the list: its text may hold a password. */
static int add_server(struct weft_http *http, const char *text, struct weft_error *err)
{
    if (http->server_count == URLS_MAX)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "more than %d URLs", URLS_MAX);
    struct server *server = &http->servers[http->server_count++];
    size_t place = http->server_count;
    char *part = NULL;
    int result = -1;
    CURLU *url = curl_url();
    if (!url)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    if (strncasecmp(text, "http://", 7) != 0 && strncasecmp(text, "https://", 8) != 0) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "URL %zu does not begin with http:// or https://", place);
        goto out;
    }
    CURLUcode code = curl_url_set(url, CURLUPART_URL, text, 0);
    if (code != CURLUE_OK) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "URL %zu is not valid (%s)", place, curl_url_strerror(code));
        goto out;
    }
    if (curl_url_get(url, CURLUPART_QUERY, &part, 0) == CURLUE_OK ||
        curl_url_get(url, CURLUPART_FRAGMENT, &part, 0) == CURLUE_OK) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "URL %zu has a query or a fragment: give the base URL only", place);
        goto out;
    }
    if (take_part(url, CURLUPART_USER, &server->user) || take_part(url, CURLUPART_PASSWORD, &server->password)) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    curl_url_set(url, CURLUPART_USER, NULL, 0);
    curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
    if (curl_url_get(url, CURLUPART_URL, &part, 0) != CURLUE_OK || strlen(part) >= sizeof server->url) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "URL %zu is too long", place);
        goto out;
    }
    memcpy(server->url, part, strlen(part) + 1);
    for (size_t n = strlen(server->url); n && server->url[n - 1] == '/'; n--)
        server->url[n - 1] = '\0';
    result = 0;
out:
    curl_free(part);
    curl_url_cleanup(url);
    return result;
}

/* False when memory is short. */
static bool copy(char **to, const char *text)
{
    *to = text ? strdup(text) : NULL;
    return *to || !text;
}

static void forget(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

struct weft_http *weft_http_new(const struct weft_http_config *config, struct weft_error *err)
{
    struct weft_http *http = calloc(1, sizeof *http);
    char *urls = strdup(config->urls ? config->urls : "");
    char *rest = urls;
    if (!http || !urls)
        goto no_memory;
    http->timeout_ms = config->timeout_ms;
    http->rounds = config->rounds;
    http->wait_ms = config->wait_ms > 0 ? config->wait_ms : WAIT_MS;
    http->wait_max_ms = config->wait_max_ms > 0 ? config->wait_max_ms : WAIT_MAX_MS;
    if (!copy(&http->basic_auth, config->basic_auth) || !copy(&http->bearer, config->bearer) ||
        !copy(&http->ca_file, config->ca_file) || !copy(&http->cert_file, config->cert_file) ||
        !copy(&http->key_file, config->key_file) || !copy(&http->key_password, config->key_password))
        goto no_memory;
    for (char *url; (url = strsep(&rest, ",")) != NULL;) {
        url += strspn(url, " \t");
        url[strcspn(url, " \t")] = '\0';
        if (*url && add_server(http, url, err) != 0)
            goto fail;
    }
    if (!http->server_count) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "no URL is given");
        goto fail;
    }
    free(urls);
    return http;
no_memory:
    weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
fail:
    free(urls);
    weft_http_destroy(http);
    return NULL;
}

void weft_http_destroy(struct weft_http *http)
{
    if (!http)
        return;
    for (size_t i = 0; i < http->server_count; i++) {
        free(http->servers[i].user);
        forget(http->servers[i].password);
    }
    forget(http->basic_auth);
    forget(http->bearer);
    forget(http->key_password);
    free(http->ca_file);
    free(http->cert_file);
    free(http->key_file);
    free(http);
}

char *weft_http_escape(const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);
    char *copy = escaped ? strdup(escaped) : NULL;
    curl_free(escaped);
    return copy;
}

static size_t receive(char *bytes, size_t one, size_t count, void *to)
{
    struct weft_http_answer *answer = to;
    size_t size = one * count;
    if (size > WEFT_HTTP_BODY_MAX - answer->size)
        return 0;
    char *grown = realloc(answer->body, answer->size + size + 1);
    if (!grown)
        return 0;
    memcpy(grown + answer->size, bytes, size);
    answer->body = grown;
    answer->size += size;
    answer->body[answer->size] = '\0';
    return size;
}

static void authenticate(CURL *curl, const struct weft_http *http, const struct server *server)
{
    if (http->bearer) {
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, http->bearer);
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        return;
    }
    if (http->basic_auth) {
        curl_easy_setopt(curl, CURLOPT_USERPWD, http->basic_auth);
    } else if (server->user) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, server->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, server->password ? server->password : "");
    }
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
}

static void set_certificates(CURL *curl, const struct weft_http *http)
{
    if (http->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, http->ca_file);
    if (http->cert_file)
        curl_easy_setopt(curl, CURLOPT_SSLCERT, http->cert_file);
    if (http->key_file)
        curl_easy_setopt(curl, CURLOPT_SSLKEY, http->key_file);
    if (http->key_password)
        curl_easy_setopt(curl, CURLOPT_KEYPASSWD, http->key_password);
}

/* What stands in the way of every try, and what to do; NULL for an error that may pass. That a name does not match, and
 * with what alert a server ends the handshake, curl has in its text only. */
struct obstacle {
    const char *what, *remedy;
};

static const struct obstacle *find_obstacle(CURLcode code, const char *detail)
{
    static const struct obstacle untrusted = {"its certificate is not trusted",
                                              "check schema.registry.ssl.ca.location"},
                                 other_host = {"its certificate is for another host", "check schema.registry.url"},
                                 no_authority = {"the certificate authority's file cannot be used",
                                                 "check schema.registry.ssl.ca.location"},
                                 unusable = {"our certificate or key cannot be used",
                                             "check schema.registry.ssl.certificate.location, .key.location and "
                                             ".key.password"},
                                 wanted = {"the server wants a certificate of ours",
                                           "set schema.registry.ssl.certificate.location"},
                                 refused = {"the server does not take our certificate",
                                            "check schema.registry.ssl.certificate.location"};
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION: return strstr(detail, " target ") ? &other_host : &untrusted;
    case CURLE_SSL_CACERT_BADFILE: return &no_authority;
    case CURLE_SSL_CERTPROBLEM: return &unusable;
    default: break;
    }
    if (strstr(detail, "alert certificate required"))
        return &wanted;
    return strstr(detail, "alert unknown ca") || strstr(detail, "alert bad certificate") ? &refused : NULL;
}

/* 0: an answer. 1: none, another try may help. -1: none ever. */
static int try_server(const struct weft_http *http, const struct server *server, const char *method, const char *path,
                      const char *body, struct weft_http_answer *answer, int64_t *retry_after_ms,
                      struct weft_error *err)
{
    char url[2 * WEFT_HTTP_URL_MAX + 1024], detail[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = NULL, *grown;
    const struct obstacle *obstacle;
    int result = -1;
    *answer = (struct weft_http_answer){0};
    snprintf(answer->url, sizeof answer->url, "%s", server->url);
    CURL *curl = curl_easy_init();
    if (!curl || !(headers = curl_slist_append(NULL, "Accept: application/vnd.schemaregistry.v1+json, "
                                                     "application/json; q=0.9, */*; q=0.1"))) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        goto out;
    }
    if ((size_t)snprintf(url, sizeof url, "%s%s", server->url, path) >= sizeof url) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: the path is too long", server->url);
        goto out;
    }
    if (body) {
        grown = curl_slist_append(headers, "Content-Type: application/vnd.schemaregistry.v1+json");
        headers = grown ? grown : headers;
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "weft/" WEFT_VERSION);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, http->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     http->timeout_ms < CONNECT_TIMEOUT_MAX_MS ? http->timeout_ms : (long)CONNECT_TIMEOUT_MAX_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    set_certificates(curl, http);
    authenticate(curl, http, server);

    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_WRITE_ERROR) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s answered with more than %d bytes: is this a schema registry?",
                       server->url, WEFT_HTTP_BODY_MAX);
    } else if (code != CURLE_OK && (obstacle = find_obstacle(code, detail))) {
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: %s: %s; %s", server->url, obstacle->what,
                       *detail ? detail : curl_easy_strerror(code), obstacle->remedy);
    } else if (code != CURLE_OK) {
        result = 1;
        weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "%s: %s", server->url, *detail ? detail : curl_easy_strerror(code));
    } else {
        const char *type = NULL;
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
        curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
        snprintf(answer->content_type, sizeof answer->content_type, "%s", type ? type : "");
        result = answer->status >= 500 || answer->status == 429;
        curl_off_t seconds = 0;
        if (result && curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
            *retry_after_ms = seconds < RETRY_AFTER_MAX_MS / 1000 ? seconds * 1000 : RETRY_AFTER_MAX_MS;
        if (result)
            weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "%s answered with status %ld", server->url, answer->status);
        else if (!answer->body && !(answer->body = strdup("")))
            result = weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    }
out:
    if (result != 0) {
        free(answer->body);
        answer->body = NULL;
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return result;
}

/* Half of it to all of it, so that clients that lost a server at the same moment do not come back at the same moment.
 */
static int64_t jittered(int64_t ms)
{
    uint32_t chance = 0;
    if (getrandom(&chance, sizeof chance, 0) != sizeof chance)
        chance = 0;
    return ms / 2 + chance % (ms / 2 + 1);
}

int weft_http_call(struct weft_http *http, const char *method, const char *path, const char *body,
                   struct weft_http_answer *answer, struct weft_error *err)
{
    int64_t wait_ms = http->wait_ms, retry_after_ms = 0;
    for (int round = 0; round < http->rounds; round++) {
        if (round) {
            int64_t jittered_ms = jittered(wait_ms);
            weft_clock_sleep_ms(jittered_ms > retry_after_ms ? jittered_ms : retry_after_ms);
            wait_ms = wait_ms * 2 < http->wait_max_ms ? wait_ms * 2 : http->wait_max_ms;
            retry_after_ms = 0;
        }
        size_t first = atomic_load(&http->preferred);
        for (size_t i = 0; i < http->server_count; i++) {
            size_t index = (first + i) % http->server_count;
            int result = try_server(http, &http->servers[index], method, path, body, answer, &retry_after_ms, err);
            if (result == 0)
                atomic_store(&http->preferred, index);
            if (result <= 0)
                return result;
        }
    }
    if (http->server_count > 1)
        weft_error_prefix(err, "none of %zu URLs answers; the last", http->server_count);
    return -1;
}
