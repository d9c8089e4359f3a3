/* A topology as a graph: who reads what and writes where. */
#ifndef WEFT_TOPOLOGY_GRAPH_H
#define WEFT_TOPOLOGY_GRAPH_H

#include <stdbool.h>
#include <stdio.h>

#include "topology/topology.h"

enum weft_topology_node_kind { WEFT_NODE_TOPIC, WEFT_NODE_PROCESSOR, WEFT_NODE_BRIDGE, WEFT_NODE_PUBSUB };

struct weft_topology_node {
    enum weft_topology_node_kind kind;
    const char *name; /* the topology's */
    char note[80];    /* "4 partitions"; may be "" */
};

struct weft_topology_edge {
    size_t from, to;
    bool dead;   /* for what cannot be answered */
    bool closes; /* a circle, as two bridges of opposite directions make one: without these there are none */
};

struct weft_topology_graph {
    struct weft_topology_node *nodes;
    size_t node_count;
    struct weft_topology_edge *edges;
    size_t edge_count;
};

/* Valid as long as the topology. */
struct weft_topology_graph *weft_topology_graph_new(const struct weft_topology *topology, struct weft_error *err);
void weft_topology_graph_destroy(struct weft_topology_graph *graph); /* accepts NULL */

const char *weft_topology_kind_name(enum weft_topology_node_kind kind);

void weft_topology_graph_print_mermaid(const struct weft_topology_graph *graph, FILE *out);
void weft_topology_graph_print_dot(const struct weft_topology_graph *graph, FILE *out);
int weft_topology_graph_print_svg(const struct weft_topology_graph *graph, FILE *out,
                                  struct weft_error *err); /* graph_svg.c */

#endif
