/* Any bytes as a settings file: refused with a word, or set and shown. */
#include "base/settings.h"
#include "fuzz/fuzz.h"
#include "schemas/registry_settings.h"
#include "streams/processor_settings.h"

static int show(const char *name, const char *value, const char *where, void *arg, struct weft_error *err)
{
    (void)arg, (void)err;
    fuzz_touch(name, strlen(name));
    if (value)
        fuzz_touch(value, strlen(value));
    if (where)
        fuzz_touch(where, strlen(where));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct weft_setting *const tables[] = {weft_processor_settings, weft_registry_settings, NULL};
    char path[FUZZ_PATH_SIZE];
    struct weft_error err = {0};
    struct weft_settings *settings = weft_settings_new(tables, NULL, &err);
    FUZZ_EXPECT(settings != NULL);
    int fd = fuzz_file(bytes, size, path);
    if (weft_settings_set_file(settings, path, &err) != 0)
        fuzz_expect_reason(&err);
    FUZZ_EXPECT(weft_settings_show(settings, show, NULL, &err) == 0);
    weft_settings_destroy(settings);
    close(fd);
    return 0;
}
