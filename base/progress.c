#include "base/progress.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { REDRAW_MS = 200, BAR_WIDTH = 24 };

struct weft_progress {
    char what[32];
    char unit[16];
    char note[96];
    uint64_t total;
    int64_t started_ms;
    int64_t drawn_ms;
    bool terminal;
};

struct weft_progress *weft_progress_new(const char *what, const char *unit, uint64_t total)
{
    struct weft_progress *progress = calloc(1, sizeof *progress);
    if (!progress)
        return NULL;
    snprintf(progress->what, sizeof progress->what, "%s", what);
    snprintf(progress->unit, sizeof progress->unit, "%s", unit);
    progress->total = total;
    progress->started_ms = weft_clock_ms();
    progress->terminal = isatty(STDERR_FILENO);
    return progress;
}

static void draw(const struct weft_progress *progress, uint64_t done, int64_t now_ms)
{
    double seconds = (double)(now_ms - progress->started_ms) / 1e3;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    char line[320];
    if (progress->total > 0) {
        uint64_t shown = done < progress->total ? done : progress->total;
        int filled = (int)(BAR_WIDTH * shown / progress->total);
        double left = rate > 0 ? (double)(progress->total - shown) / rate : 0;
        snprintf(line, sizeof line, "%s [%.*s%*s] %llu/%llu %s, %.0f/s, %d:%02d left %s", progress->what, filled,
                 "########################", BAR_WIDTH - filled, "", (unsigned long long)done,
                 (unsigned long long)progress->total, progress->unit, rate, (int)(left / 60), (int)left % 60,
                 progress->note);
    } else {
        snprintf(line, sizeof line, "%s %llu %s, %.0f/s %s", progress->what, (unsigned long long)done, progress->unit,
                 rate, progress->note);
    }
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
}

void weft_progress_update(struct weft_progress *progress, uint64_t done)
{
    if (!progress || !progress->terminal)
        return;
    int64_t now = weft_clock_ms();
    if (now - progress->drawn_ms < REDRAW_MS)
        return;
    progress->drawn_ms = now;
    draw(progress, done, now);
}

void weft_progress_note(struct weft_progress *progress, const char *format, ...)
{
    if (!progress)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(progress->note, sizeof progress->note, format, args);
    va_end(args);
}

void weft_progress_destroy(struct weft_progress *progress)
{
    if (!progress)
        return;
    if (progress->terminal && progress->drawn_ms) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    free(progress);
}
