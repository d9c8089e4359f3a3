#include "pubsub-bridge/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 << 10, KEPT_MAX = 1 << 20 };

struct chunk {
    struct chunk *next;
    size_t size, used;
    alignas(max_align_t) char bytes[];
};

struct weft_arena {
    struct chunk *first; /* the one that is taken from */
};

struct weft_arena *weft_arena_new(void)
{
    return calloc(1, sizeof(struct weft_arena));
}

static void free_chunks(struct chunk *chunk)
{
    while (chunk) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void weft_arena_destroy(struct weft_arena *arena)
{
    if (!arena)
        return;
    free_chunks(arena->first);
    free(arena);
}

void *weft_arena_take(struct weft_arena *arena, size_t size)
{
    const size_t unit = alignof(max_align_t);
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + unit - 1) / unit * unit;
    struct chunk *chunk = arena->first;
    if (!chunk || chunk->size - chunk->used < size) {
        size_t room = size > CHUNK ? size : CHUNK;
        chunk = malloc(sizeof *chunk + room);
        if (!chunk)
            return NULL;
        *chunk = (struct chunk){.next = arena->first, .size = room};
        arena->first = chunk;
    }
    void *bytes = chunk->bytes + chunk->used;
    chunk->used += size;
    return bytes;
}

char *weft_arena_text(struct weft_arena *arena, const void *data, size_t size)
{
    char *text = weft_arena_take(arena, size + 1);
    if (!text)
        return NULL;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

static void *allocate(void *arena, size_t size)
{
    return weft_arena_take(arena, size);
}

static void keep(void *arena, void *bytes)
{
    (void)arena;
    (void)bytes;
}

ProtobufCAllocator weft_arena_allocator(struct weft_arena *arena)
{
    return (ProtobufCAllocator){.alloc = allocate, .free = keep, .allocator_data = arena};
}

void weft_arena_reset(struct weft_arena *arena)
{
    size_t kept = 0;
    for (struct chunk **at = &arena->first; *at;) {
        struct chunk *chunk = *at;
        chunk->used = 0;
        kept += chunk->size;
        if (kept > KEPT_MAX) {
            *at = chunk->next;
            free(chunk);
        } else {
            at = &chunk->next;
        }
    }
}
