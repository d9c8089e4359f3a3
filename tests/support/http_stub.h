/* A scripted HTTP server in a thread of the test: gives the answers it was told, one for each request, in order.
 *
 *     struct http_stub *stub = http_stub_start((const char *[]){HTTP_JSON("200 OK", "{\"id\":1}"), NULL});
 *     ... http_stub_url(stub) ...
 *     http_stub_stop(stub);
 *
 * After the last answer, and for the answer "", the connection is closed without a word. HTTP_DRIP before an answer
 * lets it come byte by byte, for as long as the client listens. */
#ifndef WEFT_TESTS_SUPPORT_HTTP_STUB_H
#define WEFT_TESTS_SUPPORT_HTTP_STUB_H

#include <stddef.h>

#define HTTP_ANSWER(status, type, body)                                                                                \
    "HTTP/1.1 " status "\r\nContent-Type: " type "\r\nConnection: close\r\n\r\n" body
#define HTTP_DRIP "\1"
#define HTTP_JSON(status, body) HTTP_ANSWER(status, "application/vnd.schemaregistry.v1+json", body)

struct http_stub;

/* Copies the answers: whole texts with status line and headers, ended by NULL. */
struct http_stub *http_stub_start(const char *const *answers);

/* Where it listens: "http://127.0.0.1:PORT". */
const char *http_stub_url(const struct http_stub *stub);

/* How many requests came so far, and the text of one, headers and body, as it came. */
size_t http_stub_count(struct http_stub *stub);
const char *http_stub_request(struct http_stub *stub, size_t index);

/* Closes the port, so that from now on nobody answers; what was asked can still be read. */
void http_stub_close(struct http_stub *stub);

/* Closes and frees. */
void http_stub_stop(struct http_stub *stub);

#endif
