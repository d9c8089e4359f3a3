#include "cli/declared.h"

#include <stdlib.h>
#include <string.h>

#include "topology/topology.h"

char *cli_declared_processor(struct cli *cli, struct weft_error *err)
{
    const char *path = cli_argument(cli, 0);
    char *name = NULL;
    struct weft_topology *topology = path ? weft_topology_load(path, err) : NULL;
    if (path && !topology)
        return NULL;
    const struct weft_topology_processor *processor = NULL;
    if (topology) {
        processor = weft_topology_processor(topology, cli_option(cli, "only"), err);
        if (!processor || weft_topology_settings(processor, path, cli_settings(cli), err) != 0)
            goto out;
    }
    name = strdup(processor ? processor->name : "predict");
    if (!name)
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
out:
    weft_topology_destroy(topology);
    return name;
}
