#include "topology/graph.h"

#include <string.h>

#include "support/suite.h"

static char *print(int (*printer)(const struct weft_topology_graph *graph, FILE *out, struct weft_error *err),
                   const char *path)
{
    struct weft_error err = {0};
    char *text = NULL;
    size_t size;
    struct weft_topology *topology = weft_topology_load(path, &err);
    ck_assert_msg(topology != NULL, "%s", err.message);
    struct weft_topology_graph *graph = weft_topology_graph_new(topology, &err);
    ck_assert_ptr_nonnull(graph);
    FILE *out = open_memstream(&text, &size);
    ck_assert_int_eq(printer(graph, out, &err), 0);
    fclose(out);
    weft_topology_graph_destroy(graph);
    weft_topology_destroy(topology);
    return text;
}

static int mermaid(const struct weft_topology_graph *graph, FILE *out, struct weft_error *err)
{
    (void)err;
    weft_topology_graph_print_mermaid(graph, out);
    return 0;
}

static int dot(const struct weft_topology_graph *graph, FILE *out, struct weft_error *err)
{
    (void)err;
    weft_topology_graph_print_dot(graph, out);
    return 0;
}

#define FULL WEFT_SOURCE_DIR "/tests/data/topology/full.yaml"
#define SHIPPED WEFT_SOURCE_DIR "/topology/predict.yaml"

START_TEST(mermaid_shows_who_reads_what_and_writes_where)
{
    char *text = print(mermaid, SHIPPED);
    ck_assert_str_eq(text, "flowchart LR\n"
                           "    n0[(\"req_predict<br>4 partitions\")]\n"
                           "    n1[(\"res_predict<br>4 partitions\")]\n"
                           "    n2[(\"req_predict.dead<br>1 partition\")]\n"
                           "    n3[\"predict<br>fast.onnx\"]\n"
                           "    n0 --> n3\n"
                           "    n3 --> n1\n"
                           "    n3 -.-> n2\n");
    free(text);
}
END_TEST

START_TEST(dot_has_the_bridges_and_their_ends)
{
    char *text = print(dot, FULL);
    ck_assert_ptr_nonnull(strstr(text, "n4 [shape=ellipse, label=\"projects/p/subscriptions/req\\nPub/Sub\"];\n"));
    ck_assert_ptr_nonnull(strstr(text, "n5 [shape=hexagon, label=\"requests-in\"];\n"));
    ck_assert_ptr_nonnull(strstr(text, "n4 -> n5;\n    n5 -> n0;\n    n5 -> n2 [style=dashed];\n"));
    free(text);
}
END_TEST

START_TEST(svg_has_a_box_for_each_node_and_a_line_for_each_edge)
{
    char *text = print(weft_topology_graph_print_svg, FULL);
    size_t boxes = 0, lines = 0;
    for (const char *p = text; (p = strstr(p, "<rect class=")); p++)
        boxes++;
    for (const char *p = text; (p = strstr(p, "<path class=\"edge")); p++)
        lines++;
    ck_assert_uint_eq(boxes, 10);
    ck_assert_uint_eq(lines, 10);
    ck_assert_ptr_nonnull(strstr(text, ">requests.dead</text>"));
    free(text);
}
END_TEST

START_TEST(a_subscription_stands_between_its_topic_and_its_dead_letters)
{
    char *text = print(dot, FULL);
    ck_assert_ptr_nonnull(strstr(text, "n8 [shape=ellipse, label=\"projects/p/topics/req\\nPub/Sub\"];\n"));
    ck_assert_ptr_nonnull(strstr(text, "n9 [shape=ellipse, label=\"projects/p/topics/req_dead\\nPub/Sub\"];\n"));
    ck_assert_ptr_nonnull(strstr(text, "n8 -> n4;\n    n4 -> n9 [style=dashed];\n"));
    free(text);
}
END_TEST

START_TEST(of_a_circle_one_line_leads_back)
{
    char *text = print(weft_topology_graph_print_svg, WEFT_SOURCE_DIR "/tests/data/topology/circle.yaml");
    size_t lines = 0, back = 0;
    for (const char *p = text; (p = strstr(p, "<path class=\"edge")); p++) {
        lines++;
        back += memchr(p, 'V', strcspn(p, "\n")) != NULL;
    }
    ck_assert_uint_eq(lines, 5);
    ck_assert_uint_eq(back, 1);
    free(text);
}
END_TEST

SUITE("topology_graph", TEST(mermaid_shows_who_reads_what_and_writes_where), TEST(dot_has_the_bridges_and_their_ends),
      TEST(svg_has_a_box_for_each_node_and_a_line_for_each_edge),
      TEST(a_subscription_stands_between_its_topic_and_its_dead_letters), TEST(of_a_circle_one_line_leads_back))
