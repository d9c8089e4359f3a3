#include <stdlib.h>
#include <string.h>

#include "topology/graph.h"

/* Pixels. CHARACTER is the width of an average one at this size of letters; boxes are made with room to spare. */
enum { MARGIN = 16, HEIGHT = 44, ROW_GAP = 20, COLUMN_GAP = 56, PADDING = 14, CHARACTER = 8, LEAST_WIDTH = 84 };

struct place {
    size_t column;
    int x, y, width; /* of the box */
};

/* Each node one column to the right of the rightmost that leads to it, but for lines that close a circle. */
static size_t set_columns(const struct weft_topology_graph *graph, struct place *places)
{
    size_t columns = 1;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < graph->edge_count; i++) {
            struct place *from = &places[graph->edges[i].from], *to = &places[graph->edges[i].to];
            if (graph->edges[i].closes || to->column > from->column)
                continue;
            to->column = from->column + 1;
            columns = to->column + 1 > columns ? to->column + 1 : columns;
            moved = true;
        }
    }
    return columns;
}

static int width_of(const struct weft_topology_node *node)
{
    size_t name = strlen(node->name), note = strlen(node->note);
    int width = (int)(name > note ? name : note) * CHARACTER + 2 * PADDING;
    return width > LEAST_WIDTH ? width : LEAST_WIDTH;
}

/* Where the node would like to be: in the middle of those that lead to it. */
static int wanted_y(const struct weft_topology_graph *graph, const struct place *places, size_t node)
{
    int sum = 0, count = 0;
    for (size_t i = 0; i < graph->edge_count; i++)
        if (graph->edges[i].to == node && !graph->edges[i].closes) {
            sum += places[graph->edges[i].from].y;
            count++;
        }
    return count ? sum / count : MARGIN;
}

/* Column by column, each node as near to its place as those above it allow. */
static void set_places(const struct weft_topology_graph *graph, struct place *places, size_t columns, int *width,
                       int *height)
{
    int x = MARGIN;
    *height = 0;
    for (size_t column = 0; column < columns; column++) {
        int free_y = MARGIN, widest = 0;
        for (size_t i = 0; i < graph->node_count; i++) {
            struct place *place = &places[i];
            if (place->column != column)
                continue;
            int wanted = wanted_y(graph, places, i);
            *place = (struct place){column, x, wanted > free_y ? wanted : free_y, width_of(&graph->nodes[i])};
            free_y = place->y + HEIGHT + ROW_GAP;
            widest = place->width > widest ? place->width : widest;
        }
        for (size_t i = 0; i < graph->node_count; i++)
            if (places[i].column == column)
                places[i].width = widest;
        *height = free_y - ROW_GAP + MARGIN > *height ? free_y - ROW_GAP + MARGIN : *height;
        x += widest + COLUMN_GAP;
    }
    *width = x - COLUMN_GAP + MARGIN;
}

static void print_text(FILE *out, int x, int y, const char *class, const char *text)
{
    fprintf(out, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, x, y);
    for (; *text; text++)
        if (*text == '&' || *text == '<' || *text == '>')
            fprintf(out, "&#%d;", *text);
        else
            fputc(*text, out);
    fputs("</text>\n", out);
}

static void print_node(FILE *out, const struct weft_topology_node *node, const struct place *place)
{
    int radius = node->kind == WEFT_NODE_TOPIC ? HEIGHT / 2 : 6;
    int middle = place->x + place->width / 2;
    fprintf(out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\"/>\n",
            weft_topology_kind_name(node->kind), place->x, place->y, place->width, HEIGHT, radius);
    print_text(out, middle, place->y + (node->note[0] ? 19 : 27), "name", node->name);
    if (node->note[0])
        print_text(out, middle, place->y + 35, "note", node->note);
}

/* In the gap behind its box the line comes to the height of the box that it leads to, so that it passes below what
 * stands between; one that leads back passes at the foot of the picture. */
static void print_edge(FILE *out, const struct weft_topology_edge *edge, const struct place *places, int height)
{
    const struct place *from = &places[edge->from], *to = &places[edge->to];
    int x1 = from->x + from->width, y1 = from->y + HEIGHT / 2, y2 = to->y + HEIGHT / 2;
    int bend = COLUMN_GAP / 2, turned = x1 + COLUMN_GAP - 10;
    fprintf(out, "<path class=\"edge%s\" marker-end=\"url(#arrow)\" d=\"M%d %d", edge->dead ? " dead" : "", x1, y1);
    if (edge->closes)
        fprintf(out, "h%dV%dH%dV%d", MARGIN / 2, height - MARGIN / 2, to->x - MARGIN / 2, y2);
    else
        fprintf(out, "C%d %d %d %d %d %d", x1 + bend, y1, turned - bend, y2, turned, y2);
    fprintf(out, "H%d\"/>\n", to->x - 2);
}

int weft_topology_graph_print_svg(const struct weft_topology_graph *graph, FILE *out, struct weft_error *err)
{
    int width, height;
    struct place *places = calloc(graph->node_count + 1, sizeof *places);
    if (!places)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    set_places(graph, places, set_columns(graph, places), &width, &height);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n"
            "<style>\n"
            "text { font-family: sans-serif; text-anchor: middle; fill: #1d2733 }\n"
            ".name { font-size: 13px; font-weight: 600 }\n"
            ".note { font-size: 11px; fill: #57606a }\n"
            "rect { stroke-width: 1.5 }\n"
            ".topic { fill: #e8f1fb; stroke: #3b78b5 }\n"
            ".processor { fill: #fdf3dc; stroke: #b8861b }\n"
            ".bridge { fill: #efe9f8; stroke: #7a56b3 }\n"
            ".pubsub { fill: #e6f4ea; stroke: #3c8a55 }\n"
            ".edge { fill: none; stroke: #57606a; stroke-width: 1.5 }\n"
            ".dead { stroke-dasharray: 5 4 }\n"
            "</style>\n"
            "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "
            "markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#57606a\"/></marker></defs>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
            width, height, width, height);
    for (size_t i = 0; i < graph->edge_count; i++)
        print_edge(out, &graph->edges[i], places, height);
    for (size_t i = 0; i < graph->node_count; i++)
        print_node(out, &graph->nodes[i], &places[i]);
    fputs("</svg>\n", out);
    free(places);
    return 0;
}
