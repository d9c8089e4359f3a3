/* A registry's answers, one in a line ("200 {...}", see answers.c), to the question that the first byte chooses: 'a' is
 * the first of ask(). */
#include "schemas/registry.h"
#include "fuzz/fuzz.h"

static int ask_for_text(struct weft_registry *registry, bool by_guid, struct weft_error *err)
{
    const char *text = NULL;
    int result = by_guid ? weft_registry_by_guid(registry, (const uint8_t *)"0123456789abcdef", &text, err)
                         : weft_registry_by_id(registry, 7, &text, err);
    if (result == 0 && text)
        fuzz_touch(text, strlen(text));
    return result;
}

static int ask_for_schema(struct weft_registry *registry, uint8_t which, struct weft_error *err)
{
    struct weft_registry_schema schema = {0};
    bool found = false;
    int result = which == 'c'   ? weft_registry_latest(registry, "s", &schema, &found, err)
                 : which == 'd' ? weft_registry_version(registry, "s", 2, &schema, &found, err)
                                : weft_registry_lookup(registry, "s", "\"int\"", &schema, &found, err);
    if (result == 0 && found)
        fuzz_touch(schema.schema, strlen(schema.schema));
    weft_registry_schema_clear(&schema);
    return result;
}

static int ask_for_lists(struct weft_registry *registry, bool subjects, struct weft_error *err)
{
    struct weft_registry_subjects names = {0};
    int *versions = NULL;
    size_t count = 0;
    int result = subjects ? weft_registry_subjects(registry, &names, err)
                          : weft_registry_versions(registry, "s", &versions, &count, err);
    if (result == 0)
        fuzz_touch(versions, count * sizeof *versions);
    for (size_t i = 0; i < names.count; i++)
        fuzz_touch(names.names[i], strlen(names.names[i]));
    free(versions);
    weft_registry_subjects_clear(&names);
    return result;
}

static int ask(struct weft_registry *registry, uint8_t which, struct weft_error *err)
{
    static const struct weft_registry_reference reference = {"weft.Point", "points", 1};
    char level[WEFT_REGISTRY_LEVEL_SIZE], *whole;
    enum weft_registry_verdict verdict;
    uint32_t id;
    bool found;
    int result;
    switch (which) {
    case 'a':
    case 'b': return ask_for_text(registry, which == 'b', err);
    case 'c':
    case 'd':
    case 'e': return ask_for_schema(registry, which, err);
    case 'f':
    case 'g': return ask_for_lists(registry, which == 'f', err);
    case 'h': return weft_registry_register_with(registry, "s", "\"weft.Point\"", &reference, 1, &id, err);
    case 'i':
        result = weft_registry_resolve(registry, "\"weft.Point\"", &reference, 1, &whole, err);
        free(whole);
        return result;
    case 'j': return weft_registry_compatible(registry, "s", "\"int\"", NULL, 0, &verdict, err);
    case 'k': return weft_registry_effective_compatibility(registry, "s", level, err);
    case 'l': return weft_registry_set_compatibility(registry, "s", "FULL", err);
    default: return weft_registry_delete(registry, "s", 0, false, &found, err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct weft_error err = {0};
    if (size == 0)
        return 0;
    char *answers = fuzz_text(bytes + 1, size - 1);
    struct weft_registry *registry = weft_registry_new(&(struct weft_registry_config){.url = answers}, NULL);
    FUZZ_EXPECT(registry != NULL);
    /* Twice: the second time the cache may know. */
    for (int i = 0; i < 2; i++)
        if (ask(registry, bytes[0], &err) != 0)
            fuzz_expect_reason(&err);
    weft_registry_destroy(registry);
    free(answers);
    return 0;
}
