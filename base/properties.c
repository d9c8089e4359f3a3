#include "base/properties.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_file.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\f' || c == '\r';
}

/* Writes a code point below 0x10000 as UTF-8 and gives the number of bytes. */
static size_t put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

/* Undoes the escapes of [text, end) in place and terminates it; *end may be overwritten. False for a broken \u. */
static bool unescape(char *text, const char *end)
{
    char *out = text;
    for (const char *p = text; p < end; p++) {
        if (*p != '\\' || p + 1 == end) {
            *out++ = *p;
            continue;
        }
        p++;
        unsigned code;
        int used = 0;
        switch (*p) {
        case 't': *out++ = '\t'; break;
        case 'n': *out++ = '\n'; break;
        case 'r': *out++ = '\r'; break;
        case 'f': *out++ = '\f'; break;
        case 'u':
            if (end - p < 5 || sscanf(p + 1, "%4x%n", &code, &used) != 1 || used != 4 || code == 0)
                return false;
            out += put_utf8(out, code);
            p += 4;
            break;
        default: *out++ = *p;
        }
    }
    *out = '\0';
    return true;
}

/* Joins a logical line in place: drops each backslash-newline and the blanks that begin the next line. Gives the end of
 * the logical line and moves *next behind it. */
static char *join_lines(char *start, char **next, int *line)
{
    char *out = start, *p = start;
    while (*p && *p != '\n') {
        size_t joint = strncmp(p, "\\\n", 2) == 0 ? 2 : strncmp(p, "\\\r\n", 3) == 0 ? 3 : 0;
        if (joint) {
            p += joint;
            ++*line;
            while (is_blank(*p))
                p++;
            continue;
        }
        if (*p == '\\' && p[1])
            *out++ = *p++;
        *out++ = *p++;
    }
    if (*p == '\n') {
        p++;
        ++*line;
    }
    *next = p;
    while (out > start && out[-1] == '\r')
        out--;
    return out;
}

int weft_properties_parse(char *text, const char *name_of_text, weft_property_fn *each, void *arg,
                          struct weft_error *err)
{
    int line = 1;
    char *next = text;
    while (*next) {
        char *p = next;
        while (is_blank(*p))
            p++;
        if (*p == '#' || *p == '!' || *p == '\n' || *p == '\0') {
            char *newline = strchr(p, '\n');
            next = newline ? newline + 1 : p + strlen(p);
            line += newline != NULL;
            continue;
        }
        int first_line = line;
        char *end = join_lines(p, &next, &line);
        char *name_end = p;
        while (name_end < end && *name_end != '=' && *name_end != ':' && !is_blank(*name_end))
            name_end += *name_end == '\\' && name_end + 1 < end ? 2 : 1;
        char *value = name_end;
        while (value < end && is_blank(*value))
            value++;
        bool separated = value > name_end;
        if (value < end && (*value == '=' || *value == ':')) {
            separated = true;
            value++;
        }
        while (value < end && is_blank(*value))
            value++;
        if (!separated || name_end == p)
            return weft_error_set(err, WEFT_ERROR_CONFIG, "%s:%d: expected name=value", name_of_text, first_line);
        /* The value first: its terminator may stand where nothing is read any more, the name's where it begins. */
        if (!unescape(value, end) || !unescape(p, name_end))
            return weft_error_set(err, WEFT_ERROR_CONFIG, "%s:%d: \\u needs four hexadecimal digits", name_of_text,
                                  first_line);
        if (each(p, value, first_line, arg, err) != 0)
            return -1;
    }
    return 0;
}

int weft_properties_read(const char *path, weft_property_fn *each, void *arg, struct weft_error *err)
{
    size_t size;
    char *text = weft_text_file_read(path, &size, err);
    if (!text)
        return -1;
    int result = -1;
    if (memchr(text, '\0', size))
        weft_error_set(err, WEFT_ERROR_CONFIG, "%s contains a zero byte: it is no settings file", path);
    else
        result = weft_properties_parse(text, path, each, arg, err);
    free(text);
    return result;
}
