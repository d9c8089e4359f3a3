/* Any bytes as a topology file: faults, each with its line, or a topology, which is then drawn. */
#include "topology/topology.h"
#include "fuzz/fuzz.h"
#include "topology/graph.h"

static void draw(const struct weft_topology *topology)
{
    char *text = NULL;
    size_t size;
    struct weft_error err = {0};
    FILE *out = open_memstream(&text, &size);
    struct weft_topology_graph *graph = weft_topology_graph_new(topology, &err);
    FUZZ_EXPECT(out && graph);
    weft_topology_graph_print_mermaid(graph, out);
    weft_topology_graph_print_dot(graph, out);
    if (weft_topology_graph_print_svg(graph, out, &err) != 0)
        fuzz_expect_reason(&err);
    weft_topology_graph_destroy(graph);
    fclose(out);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[FUZZ_PATH_SIZE];
    struct weft_faults faults = {0};
    struct weft_error err = {0};
    int fd = fuzz_file(bytes, size, path);
    struct weft_topology *topology = weft_topology_check(path, &faults, &err);
    for (size_t i = 0; i < faults.count; i++)
        FUZZ_EXPECT(faults.list[i].line >= 0 && faults.list[i].text[0] && !strchr(faults.list[i].text, '\n'));
    if (topology)
        draw(topology);
    else if (faults.count == 0)
        fuzz_expect_reason(&err);
    weft_faults_clear(&faults);
    weft_topology_destroy(topology);
    close(fd);
    return 0;
}
