/*
 * arrow_text.h -- Arrow's dates, times, timestamps and decimals as the text that SQLite's functions
 * read and that sorts as the values do.
 *
 * A fraction is left out where it is zero; else it has 3, 6 or 9 digits, as few as hold it: one
 * instant has one text, whatever the unit of its column. Nothing is looked up: no locale, no zone.
 */
#ifndef YODA_ENGINE_ARROW_TEXT_H
#define YODA_ENGINE_ARROW_TEXT_H

#include "base/bits.h"

#define ARROW_TEXT_MAX 96
#define ARROW_TEXT_SCALE_MAX 38 /* of decimals, either way */

/* Each returns the bytes written, no NUL behind them; 0: there is no such text. */

/* 'YYYY-MM-DD'. 0: not in the years 0000 to 9999, the ones that SQLite knows. */
size_t arrow_text_date(int64_t days /* since 1970 */, char out[ARROW_TEXT_MAX]);
/* 'HH:MM:SS[.fraction]' of units since midnight. 0: not within a day. */
size_t arrow_text_time(int64_t units, int64_t units_per_second, char out[ARROW_TEXT_MAX]);
/* 'YYYY-MM-DD HH:MM:SS[.fraction]' of units since 1970. 0: as of a date. */
size_t arrow_text_timestamp(int64_t units, int64_t units_per_second, char out[ARROW_TEXT_MAX]);
/* value / 10^scale with all its digits, |scale| <= ARROW_TEXT_SCALE_MAX. */
size_t arrow_text_decimal(int128 value, int scale, char out[ARROW_TEXT_MAX]);

#endif
