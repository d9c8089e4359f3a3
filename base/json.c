#include "base/json.h"

void weft_json_print(FILE *out, json_t *value)
{
    if (!value)
        return;
    json_dumpf(value, out, JSON_COMPACT | JSON_REAL_PRECISION(9));
    fputc('\n', out);
    fflush(out);
    json_decref(value);
}

void weft_json_print_error(FILE *out, const struct weft_error *err)
{
    /* %s needs valid UTF-8, and a message may quote bytes from outside. */
    json_t *message = json_string(err->message);
    if (!message)
        message = json_string("(the message is not UTF-8)");
    weft_json_print(
        out, json_pack("{s:{s:s,s:o}}", "error", "class", weft_error_class_name(err->class), "message", message));
}

bool weft_json_can_hold(const char *text)
{
    json_t *string = json_string(text);
    json_decref(string);
    return string;
}
