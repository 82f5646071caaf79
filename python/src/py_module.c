/*
 * py_module.c -- the module yoda._yoda: its state, and how it is loaded.
 *
 * Multi-phase init with everything in the module's state, so each interpreter has its own, also one
 * with its own GIL. The slot that says so came with 3.12 and an older Python would refuse to load
 * it: which slots there are is decided by the version that runs.
 */
#include "py_error.h"
#include "py_state.h"

#define SLOT_MULTIPLE_INTERPRETERS 3              /* Py_mod_multiple_interpreters */
#define PER_INTERPRETER_GIL ((void *)(intptr_t)2) /* Py_MOD_PER_INTERPRETER_GIL_SUPPORTED */

static int intern_names(struct py_state *state)
{
#define INTERN(text)                                                                               \
    state->name.text = PyUnicode_InternFromString(#text);                                          \
    if (!state->name.text)                                                                         \
        return -1;
    PY_STATE_NAMES(INTERN)
#undef INTERN
    state->space = PyUnicode_InternFromString(" ");
    return state->space ? 0 : -1;
}

static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    if (type && PyModule_AddType(module, type) < 0)
        Py_CLEAR(type);
    return type;
}

static int module_exec(PyObject *module)
{
    struct py_state *state = PyModule_GetState(module);
    if (intern_names(state) < 0 || py_error_init(module, state) < 0)
        return -1;
#define ADD(name, spec)                                                                            \
    state->name = add_type(module, &spec);                                                         \
    if (!state->name)                                                                              \
        return -1;
    PY_STATE_TYPES(ADD)
#undef ADD
    return PyModule_AddStringConstant(module, "version", yoda_version());
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct py_state *state = PyModule_GetState(module);
#define VISIT(name, spec) Py_VISIT(state->name);
    PY_STATE_TYPES(VISIT)
#undef VISIT
    for (int i = 0; i < PY_ERROR_KINDS; i++)
        Py_VISIT(state->errors[i]);
    Py_VISIT(state->date);
    Py_VISIT(state->datetime);
    Py_VISIT(state->time);
    return 0;
}

static int module_clear(PyObject *module)
{
    struct py_state *state = PyModule_GetState(module);
#define CLEAR(name, spec) Py_CLEAR(state->name);
    PY_STATE_TYPES(CLEAR)
#undef CLEAR
#define CLEAR(text) Py_CLEAR(state->name.text);
    PY_STATE_NAMES(CLEAR)
#undef CLEAR
    for (int i = 0; i < PY_ERROR_KINDS; i++)
        Py_CLEAR(state->errors[i]);
    Py_CLEAR(state->date);
    Py_CLEAR(state->datetime);
    Py_CLEAR(state->time);
    Py_CLEAR(state->space);
    return 0;
}

static void module_free(void *module)
{
    module_clear(module);
}

static PyModuleDef_Slot slots_before_312[] = {PY_SLOT(Py_mod_exec, module_exec), {0, NULL}};
static PyModuleDef_Slot slots_since_312[] = {PY_SLOT(Py_mod_exec, module_exec),
                                             {SLOT_MULTIPLE_INTERPRETERS, PER_INTERPRETER_GIL},
                                             {0, NULL}};

#define DEFINITION(chosen)                                                                         \
    {                                                                                              \
        PyModuleDef_HEAD_INIT,                                                                     \
            .m_name = "yoda._yoda",                                                                \
            .m_doc = "The C extension under the package yoda: thin and private.",                  \
            .m_size = sizeof(struct py_state), .m_slots = chosen, .m_traverse = module_traverse,   \
            .m_clear = module_clear, .m_free = module_free,                                        \
    }

PyMODINIT_FUNC PyInit__yoda(void); /* no header: the interpreter looks it up */

PyMODINIT_FUNC PyInit__yoda(void)
{
    static PyModuleDef before_312 = DEFINITION(slots_before_312);
    static PyModuleDef since_312 = DEFINITION(slots_since_312);
    return PyModuleDef_Init(Py_Version >= 0x030c0000 ? &since_312 : &before_312);
}
