#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "cli/commands.h"
#include "topology/describe.h"

static void print_json(const struct weft_topology *topology, const struct weft_description *description)
{
    for (size_t i = 0; i < topology->topic_count; i++) {
        const struct weft_topology_topic *declared = &topology->topics[i];
        const struct weft_described_topic *live = &description->topics[i];
        weft_json_print(stdout, json_pack("{s:s,s:b,s:{s:i,s:i},s:{s:i,s:i},s:I}", "topic", declared->name, "exists",
                                          live->partitions > 0, "declared", "partitions", declared->partitions,
                                          "replication", declared->replication, "live", "partitions", live->partitions,
                                          "replication", live->replication, "records", (json_int_t)live->records));
    }
    for (size_t i = 0; i < topology->processor_count; i++) {
        const struct weft_topology_processor *processor = &topology->processors[i];
        const struct weft_described_group *group = &description->groups[i];
        weft_json_print(stdout, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:I}", "processor", processor->name, "source",
                                          processor->source, "sink", processor->sink, "dead_letters",
                                          processor->dead_letters, "group", group->name, "state", group->state,
                                          "members", group->members, "lag", (json_int_t)group->lag));
    }
    for (size_t i = 0; i < topology->schema_count; i++) {
        const struct weft_described_schema *schema = &description->schemas[i];
        weft_json_print(stdout,
                        json_pack("{s:s,s:b,s:I,s:i,s:b,s:s,s:s*}", "subject", topology->schemas[i].subject, "exists",
                                  schema->latest.version > 0, "id", (json_int_t)schema->latest.id, "version",
                                  schema->latest.version, "current", schema->current, "compatibility", schema->level,
                                  "declared_compatibility", topology->schemas[i].compatibility));
    }
}

static void print_topic(const struct weft_topology_topic *declared, const struct weft_described_topic *live)
{
    printf("topic %s: ", declared->name);
    if (!live->partitions) {
        puts("is not there");
        return;
    }
    printf("%d partition%s", live->partitions, live->partitions == 1 ? "" : "s");
    if (live->partitions != declared->partitions)
        printf(" (declared %d)", declared->partitions);
    printf(", replication %d", live->replication);
    if (declared->replication && live->replication != declared->replication)
        printf(" (declared %d)", declared->replication);
    printf(", %" PRId64 " records\n", live->records);
}

static void print_processor(const struct weft_topology_processor *processor, const struct weft_described_group *group)
{
    printf("processor %s: %s -> %s, group %s", processor->name, processor->source, processor->sink, group->name);
    if (group->members)
        printf(" (%s, %d member%s)", group->state, group->members, group->members == 1 ? "" : "s");
    else
        printf(" (nobody in it)");
    printf(", lag %" PRId64 "\n", group->lag);
}

static void print_schema(const struct weft_topology_schema *declared, const struct weft_described_schema *live)
{
    printf("schema %s: ", declared->subject);
    if (!live->latest.version) {
        puts("is not there");
        return;
    }
    printf("id %u, version %d%s", live->latest.id, live->latest.version,
           live->current ? "" : ", which is not the declared one");
    if (live->level[0])
        printf(", %s", live->level);
    putchar('\n');
}

static int describe(struct cli *cli, struct weft_error *err)
{
    int status = -1;
    struct weft_description *description = NULL;
    struct weft_topology *topology = weft_topology_load(cli_argument(cli, 0), err);
    if (topology)
        description = weft_topology_describe(topology, cli_settings(cli), cli_log(cli), err);
    if (!description)
        goto out;
    status = CLI_DONE;
    if (cli_json(cli)) {
        print_json(topology, description);
        goto out;
    }
    for (size_t i = 0; i < topology->topic_count; i++)
        print_topic(&topology->topics[i], &description->topics[i]);
    for (size_t i = 0; i < topology->processor_count; i++)
        print_processor(&topology->processors[i], &description->groups[i]);
    for (size_t i = 0; i < topology->schema_count; i++)
        print_schema(&topology->schemas[i], &description->schemas[i]);
out:
    weft_description_destroy(description);
    weft_topology_destroy(topology);
    return status;
}

const struct cli_command cli_topology_describe = {
    .name = "topology describe",
    .summary = "show what is there of a topology: sizes, groups, lag, versions",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Prints each topic, processor and schema that the file declares as the cluster and the\n"
                   "registry have it. Records are counted by offsets: compaction takes some of these away,\n"
                   "and each transaction ends with one that is no record. Lag is what the processor's group\n"
                   "has not committed of its source. Changes nothing.",
    .example = "weft topology describe topology/predict.yaml -F cluster.properties",
    .uses_settings = true,
    .run = describe,
};
