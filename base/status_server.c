#include "base/status_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 32,
    CONNECTION_MEMORY = 16 << 10, /* bytes: of a request's head */
    CONNECTION_TIMEOUT_S = 10,
    BACKLOG = 16,
};

static const char loopback[] = "127.0.0.1";

struct weft_status_server {
    struct weft_status_source source;
    struct MHD_Daemon *daemon;
    char url[NI_MAXHOST + NI_MAXSERV + 16];
};

const struct weft_setting weft_status_server_settings[] = {
    {"status.listen", WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false,
     "address of the status endpoint (/metrics, /healthz, /readyz, /info): HOST:PORT, or a port on the loopback "
     "interface; without it there is none"},
    {NULL, WEFT_SETTING_TEXT, NULL, 0, 0, NULL, false, NULL},
};

/* An answer's text, which the response frees. */
struct answer {
    unsigned status;
    const char *type;
    char *text;
    size_t size;
};

static void answer_text(struct answer *answer, unsigned status, const char *text)
{
    answer->status = status;
    answer->type = "text/plain; charset=utf-8";
    int size = asprintf(&answer->text, "%s\n", text);
    if (size < 0)
        answer->text = NULL;
    answer->size = size < 0 ? 0 : (size_t)size;
}

static void answer_metrics(const struct weft_status_source *source, struct answer *answer)
{
    struct weft_metrics_page *page = weft_metrics_page_new();
    source->metrics(page, source->arg);
    answer->status = MHD_HTTP_OK;
    answer->type = WEFT_METRICS_CONTENT_TYPE;
    answer->text = weft_metrics_page_text(page, &answer->size);
    weft_metrics_page_destroy(page);
}

static void answer_info(const struct weft_status_source *source, struct answer *answer)
{
    json_t *info = source->info(source->arg);
    char *text = info ? json_dumps(info, JSON_INDENT(2)) : NULL;
    json_decref(info);
    if (text)
        answer_text(answer, MHD_HTTP_OK, text);
    answer->type = "application/json";
    free(text);
}

static void answer_question(bool (*ask)(char *reason, void *arg), const struct weft_status_source *source,
                            struct answer *answer)
{
    char reason[WEFT_STATUS_REASON_SIZE] = "";
    bool yes = ask(reason, source->arg);
    answer_text(answer, yes ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, yes && !reason[0] ? "ok" : reason);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *path, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **state)
{
    const struct weft_status_server *server = arg;
    struct answer answer = {0};
    (void)version;
    (void)upload;
    (void)upload_size;
    (void)state;
    bool reads = strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    if (!reads)
        answer_text(&answer, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are answered here");
    else if (strcmp(path, "/metrics") == 0)
        answer_metrics(&server->source, &answer);
    else if (strcmp(path, "/healthz") == 0)
        answer_question(server->source.healthy, &server->source, &answer);
    else if (strcmp(path, "/readyz") == 0)
        answer_question(server->source.ready, &server->source, &answer);
    else if (strcmp(path, "/info") == 0)
        answer_info(&server->source, &answer);
    else
        answer_text(&answer, MHD_HTTP_NOT_FOUND, "there are /metrics, /healthz, /readyz and /info");
    if (!answer.text)
        return MHD_NO; /* memory is short: the connection is closed */
    struct MHD_Response *response = MHD_create_response_from_buffer(answer.size, answer.text, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(answer.text);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (!reads)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    return result;
}

/* Splits HOST:PORT, [HOST]:PORT or PORT. */
static int split_address(const char *address, char host[NI_MAXHOST], char port[NI_MAXSERV], struct weft_error *err)
{
    const char *colon = strrchr(address, ':'), *number = colon ? colon + 1 : address;
    const char *from = colon ? address : loopback, *to = colon ? colon : loopback + strlen(loopback);
    if (to - from >= 2 && *from == '[' && to[-1] == ']')
        from++, to--;
    else if (memchr(from, ':', (size_t)(to - from)))
        from = to; /* an IPv6 address without its brackets: where does the port begin? */
    size_t digits = strspn(number, "0123456789");
    if (from == to || digits == 0 || digits > 5 || number[digits] || atoi(number) > 65535 || to - from >= NI_MAXHOST)
        return weft_error_set(err, WEFT_ERROR_CONFIG,
                              "status.listen=%s: write HOST:PORT ([HOST]:PORT for IPv6), or a port alone", address);
    snprintf(host, NI_MAXHOST, "%.*s", (int)(to - from), from);
    snprintf(port, NI_MAXSERV, "%s", number);
    return 0;
}

/* A listening socket, or -1. */
static int listen_at(const char *address, struct weft_error *err)
{
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (split_address(address, host, port, err) != 0)
        return -1;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(host, port, &hints, &found);
    if (code != 0)
        return weft_error_set(err, WEFT_ERROR_CONFIG, "status.listen=%s: %s", address, gai_strerror(code));
    const int on = 1;
    int fd = -1, why = 0;
    for (const struct addrinfo *one = found; one && fd == -1; one = one->ai_next) {
        fd = socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
        if (fd != -1 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
            bind(fd, one->ai_addr, one->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
            break;
        why = errno;
        if (fd != -1)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    if (fd == -1)
        weft_error_set(err, WEFT_ERROR_CONFIG, "status.listen=%s: %s%s", address, strerror(why),
                       why == EADDRINUSE ? ": does another instance run here? Choose another port, or 0 for a free one"
                                         : "");
    return fd;
}

/* The address that was really bound. */
static int write_url(struct weft_status_server *server, int fd, struct weft_error *err)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (getsockname(fd, (struct sockaddr *)&bound, &size) != 0 ||
        getnameinfo((struct sockaddr *)&bound, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "the status endpoint does not know its address");
    snprintf(server->url, sizeof server->url, strchr(host, ':') ? "http://[%s]:%s" : "http://%s:%s", host, port);
    return 0;
}

struct weft_status_server *weft_status_server_start(const char *address, const struct weft_status_source *source,
                                                    struct weft_log *log, struct weft_error *err)
{
    struct weft_status_server *server = calloc(1, sizeof *server);
    if (!server) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    server->source = *source;
    int fd = listen_at(address, err);
    if (fd == -1 || write_url(server, fd, err) != 0)
        goto fail;
    server->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)CONNECTION_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    if (!server->daemon) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "status.listen=%s: cannot start to answer", address);
        goto fail;
    }
    weft_log(log, WEFT_LOG_INFO, "status.listening", "%s answers /metrics, /healthz, /readyz and /info", server->url);
    return server;
fail:
    if (fd != -1)
        close(fd);
    free(server);
    return NULL;
}

const char *weft_status_server_url(const struct weft_status_server *server)
{
    return server->url;
}

void weft_status_server_stop(struct weft_status_server *server)
{
    if (!server)
        return;
    MHD_stop_daemon(server->daemon); /* closes the socket too */
    free(server);
}
