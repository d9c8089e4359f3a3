#include "topology/acl.h"

#include <ctype.h>
#include <string.h>

void weft_topology_group(const struct weft_topology_processor *processor, const struct weft_settings *settings,
                         char *group, size_t size)
{
    const char *named = weft_settings_text(settings, "consumer.group.id");
    if (!named)
        named = weft_settings_text(settings, "group.id");
    if (named)
        snprintf(group, size, "%s", named);
    else
        snprintf(group, size, "weft-%s", processor->name);
}

size_t weft_rights(const struct weft_topology_processor *processor, const struct weft_settings *settings,
                   struct weft_right rights[WEFT_RIGHTS_MAX])
{
    char group[WEFT_NAME_SIZE];
    weft_topology_group(processor, settings, group, sizeof group);
    const struct {
        const char *resource, *name, *operation;
        bool prefix;
    } needed[WEFT_RIGHTS_MAX] = {
        {"topic", processor->source, "Read", false},
        {"topic", processor->sink, "Write", false},
        {"topic", processor->dead_letters, "Write", false},
        {"group", group, "Read", false},
        /* One id for each worker of each instance: <group>-<instance>-<worker>. */
        {"transactional-id", group, "Write", true},
        {"topic", processor->shadow_results, "Write", false},
    };
    const size_t count = processor->shadow_results ? WEFT_RIGHTS_MAX : WEFT_RIGHTS_MAX - 1;
    for (size_t i = 0; i < count; i++) {
        rights[i] = (struct weft_right){needed[i].resource, "", needed[i].prefix, needed[i].operation};
        snprintf(rights[i].name, sizeof rights[i].name, "%s%s", needed[i].name, needed[i].prefix ? "-" : "");
    }
    return count;
}

/* As it is where a shell takes it so, in quotes otherwise. */
static void print_word(FILE *out, const char *word)
{
    const char *p = word;
    while (isalnum((unsigned char)*p) || (*p && strchr("._-:,/@=", *p)))
        p++;
    if (!*p && p != word) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (p = word; *p; p++)
        if (*p == '\'')
            fputs("'\\''", out);
        else
            fputc(*p, out);
    fputc('\'', out);
}

void weft_right_print(FILE *out, const struct weft_right *right, const char *servers, const char *principal)
{
    fputs("kafka-acls.sh --bootstrap-server ", out);
    print_word(out, servers);
    fputs(" --add --allow-principal ", out);
    print_word(out, principal);
    fprintf(out, " --operation %s --%s ", right->operation, right->resource);
    print_word(out, right->name);
    fputs(right->prefix ? " --resource-pattern-type prefixed\n" : "\n", out);
}
