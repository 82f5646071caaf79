/*
 * py_arguments.c -- arguments of fast calls.
 *
 * PyArg_ParseTupleAndKeywords would cost as much as a submit itself. The names of a call are the
 * interned constants of its code, but comparing them as text is quick enough and always right.
 */
#include "py_arguments.h"

#include "py_error.h"

#include <string.h>

static Py_ssize_t find_name(const struct py_signature *signature, PyObject *name)
{
    for (Py_ssize_t i = 0; signature->names[i]; i++)
        if (PyUnicode_CompareWithASCIIString(name, signature->names[i]) == 0)
            return i;
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'",
                 signature->function, name);
    return -1;
}

static int bind_keywords(const struct py_signature *signature, PyObject *const *args,
                         PyObject *keywords, PyObject **out)
{
    Py_ssize_t count = keywords ? PyTuple_Size(keywords) : 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t at = find_name(signature, PyTuple_GetItem(keywords, i));
        if (at < 0)
            return -1;
        if (out[at]) {
            PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%s'",
                         signature->function, signature->names[at]);
            return -1;
        }
        out[at] = args[i];
    }
    return 0;
}

int py_arguments_bind(const struct py_signature *signature, PyObject *const *args, Py_ssize_t count,
                      PyObject *keywords, PyObject **out)
{
    Py_ssize_t total = 0;
    for (; signature->names[total]; total++)
        out[total] = total < count ? args[total] : NULL;
    if (count > total) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %zd arguments (%zd given)",
                     signature->function, total, count);
        return -1;
    }
    if (bind_keywords(signature, args + count, keywords, out) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < signature->required; i++)
        if (!out[i]) {
            PyErr_Format(PyExc_TypeError, "%s() missing required argument '%s'",
                         signature->function, signature->names[i]);
            return -1;
        }
    return 0;
}

int py_arguments_int64(PyObject *value, const char *name, int64_t absent, int64_t *out)
{
    *out = absent;
    if (!value)
        return 0;
    if (!PyIndex_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s must be an int", name);
        return -1;
    }
    PyObject *number = PyNumber_Index(value);
    if (!number)
        return -1;
    *out = PyLong_AsLongLong(number);
    Py_DECREF(number);
    return *out == -1 && PyErr_Occurred() ? -1 : 0;
}

const char *py_arguments_text(struct py_state *state, PyObject *value, const char *name)
{
    Py_ssize_t size;
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s must be a str", name);
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8AndSize(value, &size);
    if (!text) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
            return NULL;
        PyErr_Clear();
        return py_error_set(state, YODA_TOO_BIG, "%s is not valid Unicode: it has a surrogate",
                            name);
    }
    if (strlen(text) != (size_t)size)
        return py_error_set(state, YODA_MISUSE, "%s contains a NUL character", name);
    return text;
}

int py_arguments_word(PyObject *value, const char *name, const char *const *words)
{
    if (!value)
        return 0;
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s must be a str", name);
        return -1;
    }
    for (int i = 0; words[i]; i++)
        if (PyUnicode_CompareWithASCIIString(value, words[i]) == 0)
            return i;
    PyErr_Format(PyExc_ValueError, "%s cannot be %R", name, value);
    return -1;
}
