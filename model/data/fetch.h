/* Downloads the files of a public data set.
 *
 * Each is loaded beside its name (FILE.part), resumed where an earlier try ended, checked by its SHA-256 and only then
 * given its name: what lies under the name is whole and right. */
#ifndef WEFT_MODEL_DATA_FETCH_H
#define WEFT_MODEL_DATA_FETCH_H

#include "model/data/catalog.h"

enum weft_fetch_outcome { WEFT_FETCH_PRESENT, WEFT_FETCH_LOADED, WEFT_FETCH_RESUMED };

struct weft_fetch_options {
    const char *url; /* of a mirror, http or https; NULL: the catalog's */
    int tries;       /* in a row that bring no byte */
    int backoff_ms;  /* after the first of them; doubled after each further one */
    int stall_s;     /* after as many seconds without a byte, the connection is given up */
    void (*file_done)(void *context, const char *path, uint64_t size,
                      enum weft_fetch_outcome outcome); /* may be NULL */
    void *context;
};

struct weft_fetch_options weft_fetch_defaults(void);

/* Makes the folder where it is not there. A file that is there already and right is left alone; one that is wrong is
 * WEFT_ERROR_CONFLICT. _UNAVAILABLE when nobody answers or does not have it, _CORRUPT for a file with another checksum,
 * of which nothing is kept. */
int weft_fetch(const struct weft_catalog_entry *entry, const char *folder, const struct weft_fetch_options *options,
               struct weft_error *err);

#endif
