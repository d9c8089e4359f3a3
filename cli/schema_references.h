/* What the option --reference of the schema commands says. */
#ifndef WEFT_CLI_SCHEMA_REFERENCES_H
#define WEFT_CLI_SCHEMA_REFERENCES_H

#include "cli/cli.h"
#include "schemas/registry.h"

#define CLI_OPTION_REFERENCE                                                                                           \
    {                                                                                                                  \
        0, "reference", "NAME=SUBJECT:VERSION", "the schema uses the type NAME of another subject; may be repeated"    \
    }

enum { CLI_REFERENCES_MAX = 32 };

struct cli_schema_references {
    struct weft_registry_reference list[CLI_REFERENCES_MAX];
    char *texts[CLI_REFERENCES_MAX]; /* that the names in the list are parts of */
    size_t count;
};

/* WEFT_ERROR_USAGE for what does not have this form. To be cleared in any case. */
int cli_schema_references_read(struct cli *cli, struct cli_schema_references *references, struct weft_error *err);
void cli_schema_references_clear(struct cli_schema_references *references);

#endif
