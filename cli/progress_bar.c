/* progress_bar.c -- how far a long task is. */
#include "progress_bar.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define CELLS 30
#define REDRAW_MS 100

int64_t progress_bar_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void progress_bar_draw(struct progress_bar *bar, const char *what, uint64_t done, uint64_t total)
{
    int64_t now_ms = progress_bar_clock_ns() / 1000000;
    if (!bar->enabled || (bar->shown && now_ms - bar->drawn_ms < REDRAW_MS))
        return;
    bar->shown = true;
    bar->drawn_ms = now_ms;
    double share = total > 0 ? (double)done / (double)total : 0;
    share = share > 1 ? 1 : share;
    int filled = (int)(share * CELLS);
    fputs("\r\033[K", stderr);
    if (total > 0) {
        for (int i = 0; i < CELLS; i++)
            fputs(i < filled ? "\u2588" : "\u2591", stderr);
        fprintf(stderr, " %3.0f%%  %s", share * 100, what);
    } else {
        fprintf(stderr, "%s: %" PRIu64, what, done);
    }
    fflush(stderr);
}

void progress_bar_clear(struct progress_bar *bar)
{
    if (bar->shown)
        fputs("\r\033[K", stderr);
    bar->shown = false;
}
