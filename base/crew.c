#include "base/crew.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct member {
    struct weft_crew *crew;
    size_t index;
    pthread_t thread;
};

struct weft_crew {
    pthread_mutex_t lock;
    pthread_cond_t started, finished;
    void (*work)(void *context, size_t index);
    void *context;
    size_t round;   /* counts the pieces of work */
    size_t working; /* members that have not finished this round */
    bool leaving;
    size_t count; /* members beside the caller */
    struct member members[];
};

static void *serve(void *argument)
{
    const struct member *member = argument;
    struct weft_crew *crew = member->crew;
    pthread_mutex_lock(&crew->lock);
    for (size_t done = 0;; done++) {
        while (crew->round == done && !crew->leaving)
            pthread_cond_wait(&crew->started, &crew->lock);
        if (crew->leaving)
            break;
        pthread_mutex_unlock(&crew->lock);
        crew->work(crew->context, member->index);
        pthread_mutex_lock(&crew->lock);
        if (--crew->working == 0)
            pthread_cond_signal(&crew->finished);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

struct weft_crew *weft_crew_new(size_t threads, struct weft_error *err)
{
    struct weft_crew *crew = calloc(1, sizeof *crew + threads * sizeof *crew->members);
    if (!crew) {
        weft_error_set(err, WEFT_ERROR_INTERNAL, "no memory for %zu threads", threads);
        return NULL;
    }
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->started, NULL);
    pthread_cond_init(&crew->finished, NULL);
    for (size_t i = 1; i < threads; i++) {
        struct member *member = &crew->members[crew->count];
        *member = (struct member){.crew = crew, .index = i};
        int code = pthread_create(&member->thread, NULL, serve, member);
        if (code != 0) {
            weft_error_set(err, WEFT_ERROR_INTERNAL, "cannot start thread %zu of %zu: %s", i + 1, threads,
                           strerror(code));
            weft_crew_destroy(crew);
            return NULL;
        }
        crew->count++;
    }
    return crew;
}

void weft_crew_destroy(struct weft_crew *crew)
{
    if (!crew)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->leaving = true;
    pthread_cond_broadcast(&crew->started);
    pthread_mutex_unlock(&crew->lock);
    for (size_t i = 0; i < crew->count; i++)
        pthread_join(crew->members[i].thread, NULL);
    pthread_cond_destroy(&crew->finished);
    pthread_cond_destroy(&crew->started);
    pthread_mutex_destroy(&crew->lock);
    free(crew);
}

void weft_crew_run(struct weft_crew *crew, void (*work)(void *context, size_t index), void *context)
{
    pthread_mutex_lock(&crew->lock);
    crew->work = work;
    crew->context = context;
    crew->working = crew->count;
    crew->round++;
    pthread_cond_broadcast(&crew->started);
    pthread_mutex_unlock(&crew->lock);
    work(context, 0);
    pthread_mutex_lock(&crew->lock);
    while (crew->working > 0)
        pthread_cond_wait(&crew->finished, &crew->lock);
    pthread_mutex_unlock(&crew->lock);
}
