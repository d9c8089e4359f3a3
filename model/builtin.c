#include "model/builtin.h"

#include <stdio.h>
#include <string.h>

/* Made by model/CMakeLists.txt of what is in model/zoo/; an entry without a name ends it. */
extern const struct weft_builtin weft_builtin_models[];

bool weft_builtin_is(const char *path)
{
    return strncmp(path, WEFT_BUILTIN_PREFIX, strlen(WEFT_BUILTIN_PREFIX)) == 0;
}

const struct weft_builtin *weft_builtin_at(size_t index)
{
    for (size_t i = 0; weft_builtin_models[i].name; i++)
        if (i == index)
            return &weft_builtin_models[i];
    return NULL;
}

const struct weft_builtin *weft_builtin_find(const char *path, struct weft_error *err)
{
    char known[512] = "";
    const struct weft_builtin *model;
    const char *name = weft_builtin_is(path) ? path + strlen(WEFT_BUILTIN_PREFIX) : path;
    for (size_t i = 0, n = 0; (model = weft_builtin_at(i)); i++) {
        if (strcmp(model->name, name) == 0)
            return model;
        if (n < sizeof known)
            n += (size_t)snprintf(known + n, sizeof known - n, "%s" WEFT_BUILTIN_PREFIX "%s", i ? ", " : "",
                                  model->name);
    }
    weft_error_set(err, WEFT_ERROR_CONFIG, "there is no such model in the program: it has %s", known);
    return NULL;
}
