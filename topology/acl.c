#include "topology/acl.h"

#include <ctype.h>
#include <string.h>

#include "topology/bridge_names.h"

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

/* name NULL: it is not needed. */
struct need {
    const char *resource, *name, *operation;
    bool prefix;
};

static size_t list_rights(const struct need *needs, size_t count, struct weft_right rights[WEFT_RIGHTS_MAX])
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!needs[i].name)
            continue;
        struct weft_right *right = &rights[kept++];
        *right = (struct weft_right){needs[i].resource, "", needs[i].prefix, needs[i].operation};
        snprintf(right->name, sizeof right->name, "%s%s", needs[i].name, needs[i].prefix ? "-" : "");
    }
    return kept;
}

size_t weft_processor_rights(const struct weft_topology_processor *processor, const struct weft_settings *settings,
                             struct weft_right rights[WEFT_RIGHTS_MAX])
{
    char group[WEFT_NAME_SIZE];
    weft_topology_group(processor, settings, group, sizeof group);
    const struct need needs[WEFT_RIGHTS_MAX] = {
        {"topic", processor->source, "Read", false},
        {"topic", processor->sink, "Write", false},
        {"topic", processor->dead_letters, "Write", false},
        {"group", group, "Read", false},
        /* One id for each worker of each instance: <group>-<instance>-<worker>. */
        {"transactional-id", group, "Write", true},
        {"topic", processor->shadow_results, "Write", false},
    };
    return list_rights(needs, WEFT_RIGHTS_MAX, rights);
}

size_t weft_bridge_rights(const struct weft_topology_bridge *bridge, struct weft_right rights[WEFT_RIGHTS_MAX])
{
    struct weft_bridge_names names;
    weft_bridge_names(bridge, &names);
    const bool inward = bridge->from.pubsub;
    const struct need needs[WEFT_RIGHTS_MAX] = {
        {"topic", inward ? bridge->to.name : bridge->from.name, inward ? "Write" : "Read", false},
        {"topic", bridge->stop ? NULL : names.dead_letters, "Write", false},
        {"group", names.group, "Read", false},
        {"topic", inward ? names.group : NULL, "Read", false}, /* the ledger */
        {"topic", inward ? names.group : NULL, "Write", false},
        {"transactional-id", inward ? names.group : NULL, "Write", false},
    };
    return list_rights(needs, WEFT_RIGHTS_MAX, rights);
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
