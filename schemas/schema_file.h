/* A file with an Avro schema, made ready for the registry. */
#ifndef WEFT_SCHEMAS_SCHEMA_FILE_H
#define WEFT_SCHEMAS_SCHEMA_FILE_H

#include "base/error.h"

/* The schema as compact JSON, which the caller frees: some registries take the same schema with other spaces for
 * another one. WEFT_ERROR_CONFIG when the file cannot be read or is not JSON; Avro's own rules are the registry's to
 * check. */
char *weft_schema_file_read(const char *path, struct weft_error *err);

#endif
