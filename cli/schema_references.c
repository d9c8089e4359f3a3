#include "cli/schema_references.h"

#include <stdlib.h>
#include <string.h>

/* "NAME=SUBJECT:VERSION" in text, which is cut up. */
static int parse(char *text, struct weft_registry_reference *reference, struct weft_error *err)
{
    char *equals = strchr(text, '='), *colon = equals ? strrchr(equals, ':') : NULL, *end = NULL;
    long version = colon ? strtol(colon + 1, &end, 10) : 0;
    if (!colon || equals == text || colon == equals + 1 || *end || version < 1 || version > INT32_MAX)
        return weft_error_set(err, WEFT_ERROR_USAGE,
                              "--reference is '%s', not NAME=SUBJECT:VERSION with the version's number", text);
    *equals = *colon = '\0';
    *reference = (struct weft_registry_reference){.name = text, .subject = equals + 1, .version = (int)version};
    return 0;
}

int cli_schema_references_read(struct cli *cli, struct cli_schema_references *references, struct weft_error *err)
{
    const char *given;
    *references = (struct cli_schema_references){0};
    while ((given = cli_option_at(cli, "reference", (int)references->count))) {
        size_t i = references->count;
        if (i == CLI_REFERENCES_MAX)
            return weft_error_set(err, WEFT_ERROR_USAGE, "more than %d times --reference", CLI_REFERENCES_MAX);
        if (!(references->texts[i] = strdup(given)))
            return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
        references->count++;
        if (parse(references->texts[i], &references->list[i], err) != 0)
            return -1;
    }
    return 0;
}

void cli_schema_references_clear(struct cli_schema_references *references)
{
    for (size_t i = 0; i < references->count; i++)
        free(references->texts[i]);
    *references = (struct cli_schema_references){0};
}
