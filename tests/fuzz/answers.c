/* An HTTP client that asks nobody: its URL is a text with an answer in each line, "200 {...}", given one after the
 * other and then from the first again. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/http.h"

struct weft_http {
    char *answers;
    const char *next;
};

struct weft_http *weft_http_new(const struct weft_http_config *config, struct weft_error *err)
{
    struct weft_http *http = calloc(1, sizeof *http);
    char *answers = strdup(config->urls);
    if (!http || !answers) {
        free(http);
        free(answers);
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    *http = (struct weft_http){.answers = answers, .next = answers};
    return http;
}

void weft_http_destroy(struct weft_http *http)
{
    if (http)
        free(http->answers);
    free(http);
}

int weft_http_call(struct weft_http *http, const char *method, const char *path, const char *body,
                   struct weft_http_answer *answer, struct weft_error *err)
{
    (void)method, (void)path, (void)body;
    const char *line = *http->next ? http->next : http->answers;
    size_t size = strcspn(line, "\n"), digits = 0;
    http->next = line + size + (line[size] == '\n');
    *answer = (struct weft_http_answer){.url = "http://registry", .content_type = "application/json"};
    for (; digits < 3 && isdigit((unsigned char)line[digits]); digits++)
        answer->status = answer->status * 10 + line[digits] - '0';
    if (answer->status < 100 || answer->status >= 500 || answer->status == 429)
        return weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "no answer");
    answer->size = size - digits;
    answer->body = strndup(line + digits, answer->size);
    return answer->body ? 0 : weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
}

char *weft_http_escape(const char *text)
{
    return strdup(text);
}
