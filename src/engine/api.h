/*
 * api.h -- what every public call does first and last.
 */
#ifndef YODA_ENGINE_API_H
#define YODA_ENGINE_API_H

#include "engine/engine.h"

/* Errors: YODA_MISUSE (NULL handle), YODA_FORKED. */
YODA_MUST_CHECK yoda_status api_check(const yoda_engine *engine, yoda_error *err);
/* Errors: YODA_MISUSE (NULL handle), YODA_FORKED, YODA_CLOSED. */
YODA_MUST_CHECK yoda_status api_enter(yoda_engine *engine, struct call *call, yoda_error *err);
/* Returns status. */
yoda_status api_leave(yoda_engine *engine, struct call *call, yoda_status status);

#endif
