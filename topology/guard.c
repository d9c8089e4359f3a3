#include "topology/guard.h"

#include <string.h>

int weft_guard_cluster(const struct weft_topology *topology, struct weft_client *client, int timeout_ms,
                       struct weft_error *err)
{
    const struct rd_kafka_metadata *metadata;
    if (!topology->cluster_id)
        return 0;
    /* The id comes with the first metadata; asking for these says why there are none. */
    if (weft_client_metadata(client, false, NULL, timeout_ms, &metadata, err) != 0)
        return -1;
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_t *handle = weft_client_handle(client);
    char *id = rd_kafka_clusterid(handle, timeout_ms);
    int result = 0;
    if (!id)
        result =
            weft_error_set(err, WEFT_ERROR_UNAVAILABLE, "the cluster does not say its id, and %s is for the cluster %s",
                           topology->path, topology->cluster_id);
    else if (strcmp(id, topology->cluster_id) != 0)
        result = weft_error_set(err, WEFT_ERROR_REFUSED,
                                "this is the cluster %s, and %s is for the cluster %s: is bootstrap.servers right?", id,
                                topology->path, topology->cluster_id);
    if (id)
        rd_kafka_mem_free(handle, id);
    return result;
}
