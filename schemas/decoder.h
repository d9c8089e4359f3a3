/* Reads framed messages of any schema that the registry knows: keeps a decode plan for each id seen.
 *
 * Threads may share a decoder; finding the plan of a known id takes no lock. A schema that cannot give the fields
 * wanted is remembered, too: each of its messages is corrupt. */
#ifndef WEFT_SCHEMAS_DECODER_H
#define WEFT_SCHEMAS_DECODER_H

#include "schemas/framing.h"
#include "schemas/plan.h"
#include "schemas/registry.h"

struct weft_decoder;

/* reader_schema is our own, which says what a field is called elsewhere and is when it lacks. It, registry and fields
 * are borrowed and must outlive the decoder. */
struct weft_decoder *weft_decoder_new(struct weft_registry *registry, const char *reader_schema,
                                      const struct weft_plan_field *fields, size_t count, struct weft_error *err);
void weft_decoder_destroy(struct weft_decoder *decoder); /* accepts NULL */

/* Decodes a message whose frame has been read into one value for each field wanted. Errors: WEFT_ERROR_CORRUPT for
 * what will never decode; otherwise those of weft_registry_by_id, when the registry had to be asked. */
int weft_decoder_read(struct weft_decoder *decoder, const struct weft_frame *frame, struct weft_plan_value *values,
                      struct weft_error *err);

#endif
