#include "cli/declared.h"

#include <stdlib.h>
#include <string.h>

#include "topology/topology.h"

/* processor is NULL where there is no file. */
static int declare(struct cli *cli, const char *path, const struct weft_topology_processor *processor,
                   struct cli_declared *declared, struct weft_error *err)
{
    declared->name = strdup(processor ? processor->name : "predict");
    if (!declared->name)
        return weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    declared->settings = weft_settings_copy(cli_settings(cli), err);
    if (!declared->settings)
        return -1;
    return processor ? weft_topology_settings(processor, path, declared->settings, err) : 0;
}

/* only_one: also without --only. */
static struct cli_declared *read_declared(struct cli *cli, const char *path, bool only_one, size_t *count,
                                          struct weft_error *err)
{
    const char *only = cli_option(cli, "only");
    struct weft_topology *topology = NULL;
    const struct weft_topology_processor *processors = NULL;
    struct cli_declared *declared = NULL;
    *count = 1;
    if (path) {
        topology = weft_topology_load(path, err);
        if (!topology)
            return NULL;
        processors = topology->processors;
        *count = topology->processor_count;
        if (only_one || only || *count == 0) {
            processors = weft_topology_processor(topology, only, err);
            *count = 1;
            if (!processors)
                goto out;
        }
    }
    declared = calloc(*count, sizeof *declared);
    if (!declared)
        weft_error_set(err, WEFT_ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; declared && i < *count; i++) {
        if (declare(cli, path, processors ? &processors[i] : NULL, &declared[i], err) != 0) {
            cli_declared_destroy(declared, *count);
            declared = NULL;
        }
    }
out:
    weft_topology_destroy(topology);
    return declared;
}

struct cli_declared *cli_declared_all(struct cli *cli, size_t *count, struct weft_error *err)
{
    return read_declared(cli, cli_argument(cli, 0), false, count, err);
}

struct cli_declared *cli_declared_one(struct cli *cli, struct weft_error *err)
{
    return cli_declared_in(cli, cli_argument(cli, 0), err);
}

struct cli_declared *cli_declared_in(struct cli *cli, const char *path, struct weft_error *err)
{
    size_t count;
    return read_declared(cli, path, true, &count, err);
}

void cli_declared_destroy(struct cli_declared *declared, size_t count)
{
    if (!declared)
        return;
    for (size_t i = 0; i < count; i++) {
        free(declared[i].name);
        weft_settings_destroy(declared[i].settings);
    }
    free(declared);
}
