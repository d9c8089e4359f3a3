#include "pubsub-bridge/path.h"

#include <string.h>

bool weft_path_holds(const char *path, size_t size, const char *place)
{
    size_t length = strlen(place);
    while (size > 0) {
        const char *comma = memchr(path, ',', size);
        size_t step = comma ? (size_t)(comma - path) : size;
        if (step == length && memcmp(path, place, step) == 0)
            return true;
        if (!comma)
            return false;
        path = comma + 1;
        size -= step + 1;
    }
    return false;
}
