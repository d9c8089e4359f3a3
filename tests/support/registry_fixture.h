/* Clients of a registry whose answers the test has written. */
#ifndef WEFT_TEST_REGISTRY_FIXTURE_H
#define WEFT_TEST_REGISTRY_FIXTURE_H

#include "schemas/registry.h"

#define ANSWERS(...) ((const char *[]){__VA_ARGS__, NULL})

/* Asks once. Fails the test when it cannot be made. */
struct weft_registry *registry_at(const char *url);

/* The error of asking for the schema of id 7 when that is the answer. */
struct weft_error error_for(const char *answer);

void assert_error(struct weft_error err, enum weft_error_class class, const char *part);

#endif
