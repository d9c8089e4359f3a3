#include "support/registry_fixture.h"

#include <check.h>
#include <string.h>

#include "support/http_stub.h"

struct weft_registry *registry_at(const char *url)
{
    struct weft_error err = {0};
    struct weft_registry_config config = {.url = url, .retries = -1, .timeout_ms = 20000};
    struct weft_registry *registry = weft_registry_new(&config, &err);
    ck_assert_msg(registry != NULL, "%s", err.message);
    return registry;
}

struct weft_error error_for(const char *answer)
{
    struct weft_error err = {0};
    const char *text;
    struct http_stub *stub = http_stub_start(ANSWERS(answer));
    struct weft_registry *registry = registry_at(http_stub_url(stub));
    ck_assert_int_eq(weft_registry_by_id(registry, 7, &text, &err), -1);
    weft_registry_destroy(registry);
    http_stub_stop(stub);
    return err;
}

void assert_error(struct weft_error err, enum weft_error_class class, const char *part)
{
    ck_assert_msg(err.class == class, "%s: %s", weft_error_class_name(err.class), err.message);
    ck_assert_msg(strstr(err.message, part), "%s", err.message);
}
