#include "support/http_stub.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUESTS_MAX = 64, REQUEST_MAX = 64 * 1024, DRIP_US = 20000 };

struct http_stub {
    int listener;
    char url[64];
    char **answers;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* of what follows */
    char *requests[REQUESTS_MAX];
    size_t count;
};

/* Reads until the headers end and as many bytes follow as they announce. */
static char *receive(int fd)
{
    char *text = calloc(1, REQUEST_MAX);
    size_t size = 0;
    while (size < REQUEST_MAX - 1) {
        ssize_t n = recv(fd, text + size, REQUEST_MAX - 1 - size, 0);
        if (n <= 0)
            break;
        size += (size_t)n;
        const char *body = strstr(text, "\r\n\r\n");
        const char *length = strcasestr(text, "\r\nContent-Length:");
        size_t announced = length ? strtoul(length + strlen("\r\nContent-Length:"), NULL, 10) : 0;
        if (body && size >= (size_t)(body + 4 - text) + announced)
            break;
    }
    return text;
}

static void answer(int fd, const char *text)
{
    bool drips = strncmp(text, HTTP_DRIP, 1) == 0;
    text += drips;
    size_t size = strlen(text);
    while (size) {
        if (drips)
            usleep(DRIP_US);
        ssize_t n = send(fd, text, drips ? 1 : size, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        text += n;
        size -= (size_t)n;
    }
}

static void *serve(void *context)
{
    struct http_stub *stub = context;
    for (;;) {
        int fd = accept(stub->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        char *request = receive(fd);
        pthread_mutex_lock(&stub->lock);
        size_t index = stub->count;
        if (index < REQUESTS_MAX)
            stub->requests[stub->count++] = request;
        else
            free(request);
        pthread_mutex_unlock(&stub->lock);
        size_t known = 0;
        while (known < index && stub->answers[known])
            known++;
        if (stub->answers[known])
            answer(fd, stub->answers[known]);
        close(fd);
    }
}

struct http_stub *http_stub_start(const char *const *answers)
{
    struct http_stub *stub = calloc(1, sizeof *stub);
    size_t count = 0;
    while (answers[count])
        count++;
    stub->answers = calloc(count + 1, sizeof *stub->answers);
    for (size_t i = 0; i < count; i++)
        stub->answers[i] = strdup(answers[i]);
    pthread_mutex_init(&stub->lock, NULL);

    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    stub->listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(stub->listener, 0);
    ck_assert_int_eq(bind(stub->listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(stub->listener, 16), 0);
    ck_assert_int_eq(getsockname(stub->listener, (struct sockaddr *)&address, &size), 0);
    snprintf(stub->url, sizeof stub->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    setenv("no_proxy", "*", 1); /* a proxy of the environment must not come between */
    stub->running = true;
    ck_assert_int_eq(pthread_create(&stub->thread, NULL, serve, stub), 0);
    return stub;
}

const char *http_stub_url(const struct http_stub *stub)
{
    return stub->url;
}

size_t http_stub_count(struct http_stub *stub)
{
    pthread_mutex_lock(&stub->lock);
    size_t count = stub->count;
    pthread_mutex_unlock(&stub->lock);
    return count;
}

const char *http_stub_request(struct http_stub *stub, size_t index)
{
    ck_assert_uint_lt(index, http_stub_count(stub));
    return stub->requests[index];
}

void http_stub_close(struct http_stub *stub)
{
    if (!stub->running)
        return;
    shutdown(stub->listener, SHUT_RDWR); /* wakes accept */
    pthread_join(stub->thread, NULL);
    close(stub->listener);
    stub->running = false;
}

void http_stub_stop(struct http_stub *stub)
{
    http_stub_close(stub);
    for (size_t i = 0; i < stub->count; i++)
        free(stub->requests[i]);
    for (size_t i = 0; stub->answers[i]; i++)
        free(stub->answers[i]);
    free(stub->answers);
    pthread_mutex_destroy(&stub->lock);
    free(stub);
}
