#include "schemas/schema_file.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/text_file.h"

enum { DECODE_FLAGS = JSON_DECODE_ANY | JSON_REJECT_DUPLICATES };

char *weft_schema_file_read(const char *path, struct weft_error *err)
{
    char *compact = NULL;
    size_t size;
    char *text = weft_text_file_read(path, &size, err);
    if (!text)
        return NULL;
    json_error_t fault;
    json_t *json = json_loadb(text, size, DECODE_FLAGS, &fault);
    if (!json)
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s:%d: this is not JSON, as a schema must be: %s", path, fault.line,
                       fault.text);
    else if (!json_is_object(json) && !json_is_array(json) && !json_is_string(json))
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s: a schema is a JSON object, array or string", path);
    else if (!(compact = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY)))
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    json_decref(json);
    free(text);
    return compact;
}
