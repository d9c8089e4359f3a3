#include "model/train/architecture.h"

#include <stdio.h>
#include <string.h>

static const struct weft_architecture *const architectures[] = {
    &weft_architecture_accurate, &weft_architecture_fast,     &weft_architecture_lenet,
    &weft_architecture_resnet20, &weft_architecture_resnet32,
};

const struct weft_architecture *weft_architecture_at(size_t index)
{
    return index < sizeof architectures / sizeof *architectures ? architectures[index] : NULL;
}

const struct weft_architecture *weft_architecture_find(const char *name, struct weft_error *err)
{
    char known[256] = "";
    size_t length = 0;
    for (size_t i = 0; weft_architecture_at(i); i++) {
        const struct weft_architecture *architecture = weft_architecture_at(i);
        if (strcmp(architecture->name, name) == 0)
            return architecture;
        if (length < sizeof known)
            length +=
                (size_t)snprintf(known + length, sizeof known - length, "%s%s", i ? ", " : "", architecture->name);
    }
    weft_error_set(err, WEFT_ERROR_USAGE, "there is no architecture \"%s\"; known: %s", name, known);
    return NULL;
}
