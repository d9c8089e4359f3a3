#include "topology/graph.h"

#include <stdlib.h>
#include <string.h>

/* The index of the node, which is added where it is not there. There is room for all. */
static size_t node(struct weft_topology_graph *graph, enum weft_topology_node_kind kind, const char *name)
{
    for (size_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].kind == kind && strcmp(graph->nodes[i].name, name) == 0)
            return i;
    graph->nodes[graph->node_count] = (struct weft_topology_node){.kind = kind, .name = name};
    return graph->node_count++;
}

static void connect(struct weft_topology_graph *graph, size_t from, size_t to, bool dead)
{
    graph->edges[graph->edge_count++] = (struct weft_topology_edge){from, to, dead, false};
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void add_processor(struct weft_topology_graph *graph, const struct weft_topology_processor *processor)
{
    size_t source = node(graph, WEFT_NODE_TOPIC, processor->source);
    size_t self = node(graph, WEFT_NODE_PROCESSOR, processor->name);
    struct weft_topology_node *added = &graph->nodes[self];
    if (processor->model)
        snprintf(added->note, sizeof added->note, "%s", file_name(processor->model));
    connect(graph, source, self, false);
    connect(graph, self, node(graph, WEFT_NODE_TOPIC, processor->sink), false);
    connect(graph, self, node(graph, WEFT_NODE_TOPIC, processor->dead_letters), true);
    if (processor->shadow_results)
        connect(graph, self, node(graph, WEFT_NODE_TOPIC, processor->shadow_results), false);
}

static size_t pubsub(struct weft_topology_graph *graph, const char *name)
{
    size_t index = node(graph, WEFT_NODE_PUBSUB, name);
    snprintf(graph->nodes[index].note, sizeof graph->nodes[index].note, "Pub/Sub");
    return index;
}

static size_t end(struct weft_topology_graph *graph, const struct weft_topology_end *end)
{
    return end->pubsub ? pubsub(graph, end->name) : node(graph, WEFT_NODE_TOPIC, end->name);
}

static void add_bridge(struct weft_topology_graph *graph, const struct weft_topology_bridge *bridge)
{
    static const char *const notes[] = {"", "in order of keys", "in order of partitions"};
    size_t from = end(graph, &bridge->from);
    size_t self = node(graph, WEFT_NODE_BRIDGE, bridge->name);
    struct weft_topology_node *added = &graph->nodes[self];
    snprintf(added->note, sizeof added->note, "%s", notes[bridge->order]);
    connect(graph, from, self, false);
    connect(graph, self, end(graph, &bridge->to), false);
    if (bridge->dead_letters)
        connect(graph, self, node(graph, WEFT_NODE_TOPIC, bridge->dead_letters), true);
}

static void add_subscription(struct weft_topology_graph *graph, const struct weft_topology_subscription *subscription)
{
    size_t topic = pubsub(graph, subscription->topic), self = pubsub(graph, subscription->name);
    connect(graph, topic, self, false);
    if (subscription->dead_letters)
        connect(graph, self, pubsub(graph, subscription->dead_letters), true);
}

enum visit { NEW, UNDER_WAY, DONE };

static void visit(struct weft_topology_graph *graph, size_t at, enum visit *visits)
{
    visits[at] = UNDER_WAY;
    for (size_t i = 0; i < graph->edge_count; i++) {
        struct weft_topology_edge *edge = &graph->edges[i];
        if (edge->from != at)
            continue;
        edge->closes = visits[edge->to] == UNDER_WAY;
        if (visits[edge->to] == NEW)
            visit(graph, edge->to, visits);
    }
    visits[at] = DONE;
}

/* Depth first: what leads back to where the way has come from closes a circle. */
static int mark_circles(struct weft_topology_graph *graph)
{
    enum visit *visits = calloc(graph->node_count + 1, sizeof *visits);
    if (!visits)
        return -1;
    for (size_t i = 0; i < graph->node_count; i++)
        if (visits[i] == NEW)
            visit(graph, i, visits);
    free(visits);
    return 0;
}

struct weft_topology_graph *weft_topology_graph_new(const struct weft_topology *topology, struct weft_error *err)
{
    /* Each of these is a node, and all but the topics bring at most four more, each by an edge. */
    size_t most = topology->topic_count + topology->pubsub_topic_count +
                  5 * (topology->processor_count + topology->bridge_count + topology->subscription_count) + 1;
    struct weft_topology_graph *graph = calloc(1, sizeof *graph);
    if (!graph || !(graph->nodes = calloc(most, sizeof *graph->nodes)) ||
        !(graph->edges = calloc(most, sizeof *graph->edges)))
        goto fail;
    for (size_t i = 0; i < topology->topic_count; i++) {
        const struct weft_topology_topic *topic = &topology->topics[i];
        struct weft_topology_node *added = &graph->nodes[node(graph, WEFT_NODE_TOPIC, topic->name)];
        snprintf(added->note, sizeof added->note, "%d partition%s", topic->partitions,
                 topic->partitions == 1 ? "" : "s");
    }
    for (size_t i = 0; i < topology->processor_count; i++)
        add_processor(graph, &topology->processors[i]);
    for (size_t i = 0; i < topology->bridge_count; i++)
        add_bridge(graph, &topology->bridges[i]);
    for (size_t i = 0; i < topology->pubsub_topic_count; i++)
        pubsub(graph, topology->pubsub_topics[i].name);
    for (size_t i = 0; i < topology->subscription_count; i++)
        add_subscription(graph, &topology->subscriptions[i]);
    if (mark_circles(graph) == 0)
        return graph;
fail:
    weft_topology_graph_destroy(graph);
    weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    return NULL;
}

void weft_topology_graph_destroy(struct weft_topology_graph *graph)
{
    if (!graph)
        return;
    free(graph->nodes);
    free(graph->edges);
    free(graph);
}

const char *weft_topology_kind_name(enum weft_topology_node_kind kind)
{
    static const char *const names[] = {"topic", "processor", "bridge", "pubsub"};
    return names[kind];
}

/* quote stands for a quotation mark within the text. */
static void print_label(const struct weft_topology_node *node, const char *separator, const char *quote, FILE *out)
{
    fprintf(out, "\"%s%s", node->name, node->note[0] ? separator : "");
    for (const char *p = node->note; *p; p++)
        if (*p == '"')
            fputs(quote, out);
        else
            fputc(*p == '\\' ? '/' : *p, out);
    fputc('"', out);
}

void weft_topology_graph_print_mermaid(const struct weft_topology_graph *graph, FILE *out)
{
    static const char *const opening[] = {"[(", "[", "{{", "("}, *const closing[] = {")]", "]", "}}", ")"};
    fputs("flowchart LR\n", out);
    for (size_t i = 0; i < graph->node_count; i++) {
        const struct weft_topology_node *node = &graph->nodes[i];
        fprintf(out, "    n%zu%s", i, opening[node->kind]);
        print_label(node, "<br>", "#quot;", out);
        fprintf(out, "%s\n", closing[node->kind]);
    }
    for (size_t i = 0; i < graph->edge_count; i++)
        fprintf(out, "    n%zu %s n%zu\n", graph->edges[i].from, graph->edges[i].dead ? "-.->" : "-->",
                graph->edges[i].to);
}

void weft_topology_graph_print_dot(const struct weft_topology_graph *graph, FILE *out)
{
    static const char *const shapes[] = {"cylinder", "box", "hexagon", "ellipse"};
    fputs("digraph topology {\n    rankdir=LR;\n    node [fontname=\"sans-serif\"];\n", out);
    for (size_t i = 0; i < graph->node_count; i++) {
        fprintf(out, "    n%zu [shape=%s, label=", i, shapes[graph->nodes[i].kind]);
        print_label(&graph->nodes[i], "\\n", "\\\"", out);
        fputs("];\n", out);
    }
    for (size_t i = 0; i < graph->edge_count; i++)
        fprintf(out, "    n%zu -> n%zu%s;\n", graph->edges[i].from, graph->edges[i].to,
                graph->edges[i].dead ? " [style=dashed]" : "");
    fputs("}\n", out);
}
