#include "cli/deadletters.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/commands.h"
#include "clients/printable.h"
#include "topology/topology.h"

enum { TEXT_SIZE = 1024 };

static int read_at(struct cli *cli, struct cli_letters *letters, struct weft_error *err)
{
    const char *text;
    for (int i = 0; (text = cli_option_at(cli, "at", i)); i++) {
        int used = 0;
        if (i == CLI_LETTERS_AT_MAX)
            return weft_error_set(err, WEFT_ERROR_USAGE, "--at can be given %d times at most", CLI_LETTERS_AT_MAX);
        struct weft_letter_place *at = &letters->at[i];
        if (sscanf(text, "%" SCNd32 ":%" SCNd64 "%n", &at->partition, &at->offset, &used) != 2 || text[used] ||
            at->partition < 0 || at->offset < 0)
            return weft_error_set(err, WEFT_ERROR_USAGE, "--at is '%s': it must be PARTITION:OFFSET, as in 0:12", text);
        letters->filter.at = letters->at;
        letters->filter.at_count++;
    }
    return 0;
}

/* The bridge need not be at work, nor its program be installed: its letters lie in Kafka. */
static int read_bridge(struct cli *cli, const char *name, struct cli_letters *letters, struct weft_error *err)
{
    const char *path = cli_argument(cli, 0);
    if (!path || cli_option(cli, "only"))
        return weft_error_set(err, WEFT_ERROR_USAGE,
                              path ? "--only is of processors, --bridge of bridges: give one"
                                   : "--bridge needs the topology file that declares it");
    struct weft_topology *topology = weft_topology_load(path, err);
    const struct weft_topology_bridge *bridge = topology ? weft_topology_bridge(topology, name, err) : NULL;
    if (bridge) {
        struct weft_bridge_names names;
        weft_bridge_names(bridge, &names);
        snprintf(letters->topic, sizeof letters->topic, "%s", names.dead_letters);
        letters->settings = cli_settings(cli);
    }
    weft_topology_destroy(topology);
    return bridge ? 0 : -1;
}

static int read_processor(struct cli *cli, struct cli_letters *letters, struct weft_error *err)
{
    letters->declared = cli_declared_one(cli, err);
    if (!letters->declared ||
        weft_processor_names(letters->declared->settings, letters->declared->name, &letters->names, err) != 0)
        return -1;
    snprintf(letters->topic, sizeof letters->topic, "%s", letters->names.dead_letters);
    letters->settings = letters->declared->settings;
    return 0;
}

int cli_letters_read(struct cli *cli, struct cli_letters *letters, struct weft_error *err)
{
    *letters = (struct cli_letters){0};
    const char *from = cli_option(cli, "from"), *to = cli_option(cli, "to");
    if ((from && weft_bound_parse(from, "from", &letters->from, err) != 0) ||
        (to && weft_bound_parse(to, "to", &letters->to, err) != 0) || read_at(cli, letters, err) != 0)
        return -1;
    letters->filter.from = from ? &letters->from : NULL;
    letters->filter.to = to ? &letters->to : NULL;
    letters->filter.error_class = cli_option(cli, "class");
    letters->filter.processor = cli_option(cli, "processor");
    const char *bridge = cli_option(cli, "bridge");
    return bridge ? read_bridge(cli, bridge, letters, err) : read_processor(cli, letters, err);
}

void cli_letters_clear(struct cli_letters *letters)
{
    cli_declared_destroy(letters->declared, 1);
}

int cli_letters_each(struct cli *cli, const struct cli_letters *letters, weft_letters_fn *see, void *arg,
                     struct weft_error *err)
{
    const struct weft_letters_config config = {
        .settings = letters->settings,
        .log = cli_log(cli),
        .topic = letters->topic,
        .filter = &letters->filter,
        .stopped = cli_stopped,
    };
    struct weft_letters *open = weft_letters_open(&config, err);
    int result = open ? weft_letters_each(open, see, arg, err) : -1;
    weft_letters_close(open);
    return result;
}

const char *cli_time(char *out, int64_t time_ms)
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm tm;
    size_t length =
        time_ms < 0 || !gmtime_r(&seconds, &tm) ? 0 : strftime(out, CLI_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    if (length)
        snprintf(out + length, CLI_TIME_SIZE - length, ".%03dZ", (int)(time_ms % 1000));
    else
        snprintf(out, CLI_TIME_SIZE, "-");
    return out;
}

json_t *cli_text_json(struct weft_text text)
{
    char clean[TEXT_SIZE];
    if (!text.at)
        return json_null();
    json_t *value = json_stringn(text.at, text.size);
    return value ? value : json_string(weft_printable(clean, sizeof clean, text.at, text.size));
}

static json_t *known(int64_t number)
{
    return number < 0 ? json_null() : json_integer(number);
}

json_t *cli_letter_json(const struct weft_letter *letter)
{
    const struct weft_deadletter *says = &letter->says;
    json_t *source =
        json_pack("{s:o,s:o,s:o,s:o}", "topic", cli_text_json(says->topic), "partition", known(says->partition),
                  "offset", known(says->offset), "timestamp", known(says->timestamp_ms));
    return json_pack(
        "{s:i,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:i,s:b}", "partition", (int)letter->message->partition, "offset",
        (json_int_t)letter->message->offset, "timestamp", known(rd_kafka_message_timestamp(letter->message, NULL)),
        "class", cli_text_json(says->error_class), "reason", cli_text_json(says->reason), "processor",
        cli_text_json(says->processor), "source", source, "whole_size", known(says->value_size), "size",
        (json_int_t)letter->message->len, "attempt", (int)says->attempt, "redriven", (int)letter->redriven);
}

struct listing {
    struct cli *cli;
    uint64_t count, redriven;
};

static int list_letter(const struct weft_letter *letter, void *arg, struct weft_error *err)
{
    struct listing *listing = arg;
    const struct weft_deadletter *says = &letter->says;
    (void)err;
    listing->count++;
    listing->redriven += letter->redriven;
    if (cli_json(listing->cli)) {
        weft_json_print(stdout, cli_letter_json(letter));
        return 0;
    }
    char place[48], time[CLI_TIME_SIZE], class[32], reason[TEXT_SIZE], topic[256], source[320] = "-", mark[48] = "";
    snprintf(place, sizeof place, "%d:%" PRId64, (int)letter->message->partition, letter->message->offset);
    if (says->has_source)
        snprintf(source, sizeof source, "%s %d:%" PRId64,
                 weft_printable(topic, sizeof topic, says->topic.at, says->topic.size), (int)says->partition,
                 says->offset);
    if (letter->redriven)
        snprintf(mark, sizeof mark, "redriven");
    else if (says->attempt > 0)
        snprintf(mark, sizeof mark, "attempt %d", (int)says->attempt);
    printf("%-10s %-24s %-10s %-10s from %s: %s\n", place,
           cli_time(time, rd_kafka_message_timestamp(letter->message, NULL)),
           weft_printable(class, sizeof class, says->error_class.at, says->error_class.size), mark, source,
           weft_printable(reason, sizeof reason, says->reason.at, says->reason.size));
    return 0;
}

static int list(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    struct cli_letters letters;
    struct listing listing = {.cli = cli};
    cli_catch_signals();
    if (cli_letters_read(cli, &letters, err) != 0 || cli_letters_each(cli, &letters, list_letter, &listing, err) != 0)
        goto out;
    if (!cli_json(cli))
        printf("%" PRIu64 " dead letter%s in %s, %" PRIu64 " of them redriven\n", listing.count,
               listing.count == 1 ? "" : "s", letters.topic, listing.redriven);
    status = CLI_DONE;
out:
    cli_letters_clear(&letters);
    return status;
}

const struct cli_command cli_deadletters_list = {
    .name = "deadletters list",
    .summary = "list what could not be answered, or not be mirrored, and why",
    .arguments = "[TOPOLOGY]",
    .arguments_max = 1,
    .description = "Prints a line for each dead letter: its partition and offset, when it was written, the class\n"
                   "of the error, whether it was sent back already, where the request stood, and the reason.\n\n"
                   "--from and --to take an offset of the topic of dead letters, PARTITION:OFFSET,... or a\n"
                   "time such as 2026-03-01T12:00:00Z.",
    .example = "weft deadletters list topology/predict.yaml\n"
               "weft deadletters list topology/predict.yaml --class corrupt --from 2026-03-01\n"
               "weft deadletters list topology/predict_pubsub.yaml --bridge requests-in",
    .options =
        (const struct cli_option[]){CLI_OPTION_ONLY, CLI_OPTION_BRIDGE, CLI_OPTIONS_LETTERS, {0, NULL, NULL, NULL}},
    .uses_settings = true,
    .run = list,
};
