/* progress_bar.h -- one line on stderr that says how far a long task is; nothing off a terminal. */
#ifndef YODA_CLI_PROGRESS_BAR_H
#define YODA_CLI_PROGRESS_BAR_H

#include <stdbool.h>
#include <stdint.h>

struct progress_bar {
    bool enabled; /* stderr is a terminal */
    bool shown;
    int64_t drawn_ms;
};

/* Draw at most every 100 ms; total 0 means unknown. */
void progress_bar_draw(struct progress_bar *bar, const char *what, uint64_t done, uint64_t total);
void progress_bar_clear(struct progress_bar *bar);
int64_t progress_bar_clock_ns(void);

#endif
