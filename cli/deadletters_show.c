#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/deadletters.h"
#include "clients/printable.h"
#include "schemas/inspect.h"
#include "schemas/registry_settings.h"
#include "streams/message.h"

enum { HEX_SHOWN = 256, HEX_WIDTH = 16, TEXT_SIZE = 2048 };

struct showing {
    struct cli *cli;
    struct weft_registry *registry; /* NULL where none is set */
    uint64_t count;
};

/* The body as JSON as far as it goes, and in *why where that ends; NULL where there is nothing to show. */
static json_t *decode(const struct showing *showing, const rd_kafka_message_t *message, int64_t *schema_id,
                      struct weft_error *why)
{
    struct weft_frame frame;
    const char *text = NULL;
    *schema_id = -1;
    if (weft_message_frame(message, &frame, why) != 0)
        return NULL;
    if (!frame.guid)
        *schema_id = frame.schema_id;
    if (!showing->registry) {
        weft_error_set(why, WEFT_ERROR_CONFIG, "schema.registry.url is not set: its schema is not known");
        return NULL;
    }
    int got = frame.guid ? weft_registry_by_guid(showing->registry, frame.guid, &text, why)
                         : weft_registry_by_id(showing->registry, frame.schema_id, &text, why);
    if (got != 0)
        return NULL;
    if (!text) {
        weft_error_set(why, WEFT_ERROR_CORRUPT, "the registry does not know the schema");
        return NULL;
    }
    struct weft_schema *schema = weft_schema_parse(text, why);
    json_t *value = schema ? weft_inspect(schema, frame.body, frame.body_size, why) : NULL;
    weft_schema_destroy(schema);
    return value;
}

static json_t *hex_json(const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = bytes;
    char text[2 * HEX_SHOWN + 1];
    size_t shown = size < HEX_SHOWN ? size : HEX_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        text[2 * i] = digits[at[i] >> 4];
        text[2 * i + 1] = digits[at[i] & 15];
    }
    return bytes ? json_stringn(text, 2 * shown) : json_null();
}

static void print_hex(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    size_t shown = size < HEX_SHOWN ? size : HEX_SHOWN;
    for (size_t i = 0; i < shown; i += HEX_WIDTH) {
        printf("  %06zx ", i);
        for (size_t j = i; j < i + HEX_WIDTH; j++)
            if (j < shown)
                printf(" %02x", at[j]);
            else
                fputs("   ", stdout);
        fputs("  ", stdout);
        for (size_t j = i; j < shown && j < i + HEX_WIDTH; j++)
            putchar(at[j] < 0x7f && isprint(at[j]) ? at[j] : '.');
        putchar('\n');
    }
    if (shown < size)
        printf("  ... (%zu bytes)\n", size);
}

/* Text where it is, and hexadecimal where not. */
static void print_bytes(const char *name, const void *bytes, size_t size)
{
    char text[TEXT_SIZE];
    if (!bytes) {
        printf("%s: null\n", name);
        return;
    }
    bool is_text = size < sizeof text;
    weft_printable(text, sizeof text, bytes, size);
    for (size_t i = 0; is_text && i < size; i++)
        is_text = text[i] == ((const char *)bytes)[i];
    if (is_text) {
        printf("%s: %s\n", name, text);
    } else {
        printf("%s: %zu bytes\n", name, size);
        print_hex(bytes, size);
    }
}

static void print_headers(const rd_kafka_headers_t *headers)
{
    const char *name;
    const void *value;
    size_t size;
    char line[256], clean[200];
    for (size_t i = 0; headers && !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++) {
        snprintf(line, sizeof line, "  %s", weft_printable(clean, sizeof clean, name, strlen(name)));
        print_bytes(line, value, size);
    }
}

static void print_text(const struct weft_letter *letter, json_t *decoded, int64_t schema_id,
                       const struct weft_error *why)
{
    const rd_kafka_message_t *message = letter->message;
    const struct weft_deadletter *says = &letter->says;
    char time[CLI_TIME_SIZE], text[TEXT_SIZE];
    printf("%s partition %d offset %" PRId64 ", written %s%s\n", rd_kafka_topic_name(message->rkt),
           (int)message->partition, message->offset, cli_time(time, rd_kafka_message_timestamp(message, NULL)),
           letter->redriven ? ", redriven" : "");
    printf("why: %s\n", weft_printable(text, sizeof text, says->reason.at, says->reason.size));
    printf("class: %s\n", weft_printable(text, sizeof text, says->error_class.at, says->error_class.size));
    printf("processor: %s\n", weft_printable(text, sizeof text, says->processor.at, says->processor.size));
    if (says->has_source)
        printf("request: %s partition %d offset %" PRId64 ", %s\n",
               weft_printable(text, sizeof text, says->topic.at, says->topic.size), (int)says->partition, says->offset,
               cli_time(time, says->timestamp_ms));
    if (says->value_size == 0)
        puts("cut: key and headers were too large to be kept");
    else if (says->value_size > 0)
        printf("cut: %zu of %" PRId64 " bytes of the value were kept\n", message->len, says->value_size);
    if (says->attempt > 0)
        printf("attempt: %d\n", (int)says->attempt);
    print_bytes("key", message->key, message->key_len);
    puts("headers:");
    print_headers(letter->headers);
    printf(message->payload ? "value: %zu bytes\n" : "value: null\n", message->len);
    print_hex(message->payload, message->payload ? message->len : 0);
    if (schema_id >= 0)
        printf("schema: %" PRId64 "\n", schema_id);
    if (decoded) {
        char *json = json_dumps(decoded, JSON_INDENT(2) | JSON_ENCODE_ANY);
        printf("decoded: %s\n", json ? json : "");
        free(json);
    }
    if (why->class != WEFT_ERROR_NONE)
        printf("%s: %s\n", decoded ? "decoded so far only" : "not decoded",
               weft_printable(text, sizeof text, why->message, strlen(why->message)));
}

static json_t *headers_json(const rd_kafka_headers_t *headers)
{
    json_t *list = json_array();
    const char *name;
    const void *value;
    size_t size;
    for (size_t i = 0; headers && !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++)
        json_array_append_new(list,
                              json_pack("{s:o,s:o}", "name", cli_text_json((struct weft_text){name, strlen(name)}),
                                        "value", cli_text_json((struct weft_text){value, size})));
    return list;
}

static void print_json(const struct weft_letter *letter, json_t *decoded, int64_t schema_id,
                       const struct weft_error *why)
{
    const rd_kafka_message_t *message = letter->message;
    json_t *all = cli_letter_json(letter);
    json_object_set_new(all, "key", cli_text_json((struct weft_text){message->key, message->key_len}));
    json_object_set_new(all, "headers", headers_json(letter->headers));
    json_object_set_new(all, "value_hex", hex_json(message->payload, message->len));
    json_object_set_new(all, "schema_id", schema_id < 0 ? json_null() : json_integer(schema_id));
    json_object_set(all, "decoded", decoded ? decoded : json_null());
    json_object_set_new(all, "not_decoded",
                        why->class == WEFT_ERROR_NONE
                            ? json_null()
                            : cli_text_json((struct weft_text){why->message, strlen(why->message)}));
    weft_json_print(stdout, all);
}

static int show_letter(const struct weft_letter *letter, void *arg, struct weft_error *err)
{
    struct showing *showing = arg;
    struct weft_error why = {0};
    int64_t schema_id;
    (void)err;
    json_t *decoded = decode(showing, letter->message, &schema_id, &why);
    if (cli_json(showing->cli))
        print_json(letter, decoded, schema_id, &why);
    else
        print_text(letter, decoded, schema_id, &why);
    json_decref(decoded);
    showing->count++;
    return 0;
}

static int show(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    struct cli_letters letters;
    struct showing showing = {.cli = cli};
    cli_catch_signals();
    if (cli_letters_read(cli, &letters, err) != 0)
        goto out;
    if (weft_settings_text(letters.settings, "schema.registry.url")) {
        showing.registry = weft_registry_from_settings(letters.settings, err);
        if (!showing.registry)
            goto out;
    }
    if (!letters.filter.at) {
        weft_error_set(err, WEFT_ERROR_USAGE,
                       "name a letter with --at PARTITION:OFFSET: `weft deadletters list` has them");
        goto out;
    }
    if (cli_letters_each(cli, &letters, show_letter, &showing, err) != 0)
        goto out;
    if (showing.count == letters.filter.at_count)
        status = CLI_DONE;
    else
        weft_error_set(err, WEFT_ERROR_CORRUPT, "%s has no such dead letter%s", letters.topic,
                       letters.filter.at_count > 1 ? " for some of these" : "");
out:
    weft_registry_destroy(showing.registry);
    cli_letters_clear(&letters);
    return status;
}

const struct cli_command cli_deadletters_show = {
    .name = "deadletters show",
    .summary = "show a dead letter: reason, headers, bytes, and what can be decoded",
    .arguments = "[TOPOLOGY]",
    .arguments_max = 1,
    .description = "Prints the dead letters named with --at: why and where from, key, headers, the value's first\n"
                   "bytes, and the value decoded with the schema that it names, as far as its bytes go.",
    .example = "weft deadletters show topology/predict.yaml --at 0:12",
    .options =
        (const struct cli_option[]){
            CLI_OPTION_ONLY,
            CLI_OPTION_BRIDGE,
            {0, "at", "PARTITION:OFFSET", "the dead letter; may be repeated"},
            {0, NULL, NULL, NULL},
        },
    .uses_settings = true,
    .run = show,
};
