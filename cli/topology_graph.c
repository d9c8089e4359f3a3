#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/commands.h"
#include "topology/graph.h"

static void print_json(const struct weft_topology_graph *graph)
{
    for (size_t i = 0; i < graph->node_count; i++)
        weft_json_print(stdout, json_pack("{s:I,s:s,s:s,s:s}", "node", (json_int_t)i, "kind",
                                          weft_topology_kind_name(graph->nodes[i].kind), "name", graph->nodes[i].name,
                                          "note", graph->nodes[i].note));
    for (size_t i = 0; i < graph->edge_count; i++)
        weft_json_print(stdout, json_pack("{s:I,s:I,s:b}", "from", (json_int_t)graph->edges[i].from, "to",
                                          (json_int_t)graph->edges[i].to, "dead_letters", graph->edges[i].dead));
}

static int print_graph(const struct cli *cli, const struct weft_topology_graph *graph, struct weft_error *err)
{
    const char *format = cli_option(cli, "format");
    int result = 0;
    if (!format && cli_json(cli))
        print_json(graph);
    else if (!format || strcmp(format, "mermaid") == 0)
        weft_topology_graph_print_mermaid(graph, stdout);
    else if (strcmp(format, "dot") == 0)
        weft_topology_graph_print_dot(graph, stdout);
    else if (strcmp(format, "svg") == 0)
        result = weft_topology_graph_print_svg(graph, stdout, err);
    else
        result = weft_error_set(err, WEFT_ERROR_USAGE, "--format %s: it must be mermaid, dot or svg", format);
    return result == 0 ? CLI_DONE : -1;
}

static int draw(struct cli *cli, struct weft_error *err)
{
    struct weft_topology_graph *graph = NULL;
    struct weft_topology *topology = weft_topology_load(cli_argument(cli, 0), err);
    if (topology)
        graph = weft_topology_graph_new(topology, err);
    int status = graph ? print_graph(cli, graph, err) : -1;
    weft_topology_graph_destroy(graph);
    weft_topology_destroy(topology);
    return status;
}

static const struct cli_option options[] = {
    {0, "format", "FORMAT", "mermaid (the default), dot (Graphviz) or svg"},
    {0, NULL, NULL, NULL},
};

const struct cli_command cli_topology_graph = {
    .name = "topology graph",
    .summary = "draw a topology",
    .arguments = "FILE",
    .arguments_min = 1,
    .arguments_max = 1,
    .description = "Prints the topics, processors and bridges of the file as a graph: who reads what and\n"
                   "writes where. Dashed lines are dead letters. Asks nobody.",
    .example = "weft topology graph topology/predict.yaml --format svg > predict.svg",
    .options = options,
    .run = draw,
};
