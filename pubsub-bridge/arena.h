/* Memory that is given piece by piece and taken back all at once: what one batch needs, and nothing outlives it. */
#ifndef WEFT_BRIDGE_ARENA_H
#define WEFT_BRIDGE_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

struct weft_arena;

struct weft_arena *weft_arena_new(void);
void weft_arena_destroy(struct weft_arena *arena); /* accepts NULL */

/* size bytes, aligned for any type, uninitialised, valid until the next reset. NULL when memory is short. */
void *weft_arena_take(struct weft_arena *arena, size_t size);

/* size bytes of data and a zero byte behind them. NULL when memory is short. */
char *weft_arena_text(struct weft_arena *arena, const void *data, size_t size);

/* For unpacking messages into the arena; they are not freed one by one. */
ProtobufCAllocator weft_arena_allocator(struct weft_arena *arena);

/* Takes everything back; the memory is kept for what comes next, up to a limit. */
void weft_arena_reset(struct weft_arena *arena);

#endif
