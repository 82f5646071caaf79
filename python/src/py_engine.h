/* py_engine.h -- the type Engine. */
#ifndef YODA_PY_ENGINE_H
#define YODA_PY_ENGINE_H

#include "py_state.h"

struct py_engine {
    PyObject_HEAD yoda_engine *engine; /* valid as long as the object */
    PyObject *path;
    bool closed; /* yoda_shutdown has ended */
    bool asked;  /* somebody took care of the shutdown */
};

#endif
