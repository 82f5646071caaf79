/*
 * py_error.c -- the exceptions of PEP 249, and what makes them of a yoda_error.
 *
 * The classes carry defaults for the attributes, so that an exception that Python code raises by
 * hand has them too. They are named after the package, where users import them from.
 */
#include "py_error.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Bases come before what is derived from them. */
static const struct {
    const char *name; /* with the package */
    enum py_error_kind base;
    const char *code;
    const char *doc;
} classes[PY_ERROR_KINDS] = {
    [PY_WARNING] = {"yoda.Warning", PY_WARNING, NULL, "Important warnings (PEP 249)."},
    [PY_ERROR] = {"yoda.Error", PY_ERROR, "ERROR",
                  "Base of all errors. code names the status, sqlite_code is SQLite's extended\n"
                  "result code, sql_offset counts characters into the statement, hint says what\n"
                  "to do about it."},
    [PY_INTERFACE_ERROR] = {"yoda.InterfaceError", PY_ERROR, "MISUSE",
                            "The package was used in a way that cannot work."},
    [PY_CLOSED_ERROR] = {"yoda.ClosedError", PY_INTERFACE_ERROR, "CLOSED",
                         "The engine, queue or connection has been closed."},
    [PY_FORKED_ERROR] = {"yoda.ForkedError", PY_INTERFACE_ERROR, "FORKED",
                         "The handle was opened by the parent process."},
    [PY_DATABASE_ERROR] = {"yoda.DatabaseError", PY_ERROR, "ERROR",
                           "The database is the cause; a damaged file."},
    [PY_DATA_ERROR] = {"yoda.DataError", PY_DATABASE_ERROR, "TOO_BIG",
                       "A value is too big or cannot be stored."},
    [PY_OPERATIONAL_ERROR] = {"yoda.OperationalError", PY_DATABASE_ERROR, "ERROR",
                              "The database could not do it: memory, disk, locks, its state."},
    [PY_BUSY_ERROR] = {"yoda.BusyError", PY_OPERATIONAL_ERROR, "BUSY",
                       "Another connection held a lock longer than busy_timeout_ms."},
    [PY_IN_FLIGHT_ERROR] = {"yoda.InFlightError", PY_BUSY_ERROR, "BUSY",
                            "max_in_flight operations are under way: submit again later."},
    [PY_INTERRUPTED_ERROR] = {"yoda.InterruptedError", PY_OPERATIONAL_ERROR, "INTERRUPTED",
                              "The operation was cancelled, or the engine is closing."},
    [PY_TIMEOUT_ERROR] = {"yoda.TimeoutError", PY_OPERATIONAL_ERROR, "TIMEOUT",
                          "The timeout of the operation ran out."},
    [PY_INTEGRITY_ERROR] = {"yoda.IntegrityError", PY_DATABASE_ERROR, "CONSTRAINT",
                            "UNIQUE, NOT NULL, CHECK or FOREIGN KEY failed."},
    [PY_INTERNAL_ERROR] = {"yoda.InternalError", PY_DATABASE_ERROR, "INTERNAL",
                           "A fault of Yoda itself: please report it with the message."},
    [PY_PROGRAMMING_ERROR] = {"yoda.ProgrammingError", PY_DATABASE_ERROR, "MISUSE",
                              "The statement or its parameters are wrong."},
    [PY_NOT_SUPPORTED_ERROR] = {"yoda.NotSupportedError", PY_DATABASE_ERROR, "NOT_COLUMNAR",
                                "The side that was demanded cannot answer the query."},
};

/* ---- Classes --------------------------------------------------------------------------------- */

static PyObject *class_attributes(struct py_state *state, enum py_error_kind kind)
{
    PyObject *attributes = PyDict_New();
    PyObject *code = PyUnicode_FromString(classes[kind].code);
    PyObject *zero = PyLong_FromLong(0);
    int failed =
        !attributes || !code || !zero || PyDict_SetItem(attributes, state->name.code, code) < 0 ||
        (kind == PY_ERROR && (PyDict_SetItem(attributes, state->name.sqlite_code, zero) < 0 ||
                              PyDict_SetItem(attributes, state->name.sql_offset, Py_None) < 0 ||
                              PyDict_SetItem(attributes, state->name.hint, Py_None) < 0));
    Py_XDECREF(code);
    Py_XDECREF(zero);
    if (failed)
        Py_CLEAR(attributes);
    return attributes;
}

static PyObject *class_base(struct py_state *state, enum py_error_kind kind)
{
    if (kind == PY_WARNING || kind == PY_ERROR)
        return Py_NewRef(PyExc_Exception);
    PyObject *base = state->errors[classes[kind].base];
    if (kind == PY_TIMEOUT_ERROR)
        return PyTuple_Pack(2, base, PyExc_TimeoutError);
    return Py_NewRef(base);
}

static PyObject *make_class(struct py_state *state, enum py_error_kind kind)
{
    PyObject *attributes = NULL;
    if (kind != PY_WARNING) {
        attributes = class_attributes(state, kind);
        if (!attributes)
            return NULL;
    }
    PyObject *base = class_base(state, kind);
    PyObject *made = NULL;
    if (base)
        made = PyErr_NewExceptionWithDoc(classes[kind].name, classes[kind].doc, base, attributes);
    Py_XDECREF(base);
    Py_XDECREF(attributes);
    return made;
}

int py_error_init(PyObject *module, struct py_state *state)
{
    for (int kind = 0; kind < PY_ERROR_KINDS; kind++) {
        state->errors[kind] = make_class(state, (enum py_error_kind)kind);
        const char *name = strchr(classes[kind].name, '.') + 1;
        if (!state->errors[kind] || PyModule_AddObjectRef(module, name, state->errors[kind]) < 0)
            return -1;
    }
    return 0;
}

/* ---- Exceptions ------------------------------------------------------------------------------ */

static enum py_error_kind kind_of(const yoda_error *err)
{
    switch (err->code) {
    case YODA_CLOSED:
        return PY_CLOSED_ERROR;
    case YODA_FORKED:
        return PY_FORKED_ERROR;
    case YODA_CORRUPT:
        return PY_DATABASE_ERROR;
    case YODA_TOO_BIG:
        return PY_DATA_ERROR;
    case YODA_BUSY:
        return PY_BUSY_ERROR;
    case YODA_INTERRUPTED:
        return PY_INTERRUPTED_ERROR;
    case YODA_TIMEOUT:
        return PY_TIMEOUT_ERROR;
    case YODA_CONSTRAINT:
        return PY_INTEGRITY_ERROR;
    case YODA_INTERNAL:
        return PY_INTERNAL_ERROR;
    case YODA_MISUSE:
    case YODA_NOT_FOUND:
    case YODA_CONFLICT:
        return PY_PROGRAMMING_ERROR;
    case YODA_NOT_COLUMNAR:
        return PY_NOT_SUPPORTED_ERROR;
    case YODA_ERROR:
        return err->sql_offset >= 0 ? PY_PROGRAMMING_ERROR : PY_OPERATIONAL_ERROR;
    case YODA_OK:
    case YODA_NOMEM:
    case YODA_IOERR:
    case YODA_FULL:
    case YODA_READONLY:
    case YODA_SCHEMA:
        break;
    }
    return PY_OPERATIONAL_ERROR;
}

static const char *hint_of(enum py_error_kind kind, yoda_status code)
{
    if (kind == PY_IN_FLIGHT_ERROR)
        return "await some of what is under way, or raise the option max_in_flight";
    switch (code) {
    case YODA_NOMEM:
        return "raise the option memory_limit_mb, or ask for fewer rows at a time";
    case YODA_CORRUPT:
        return "the columnar files are derived: verify with repair copies a table anew from SQLite";
    case YODA_BUSY:
        return "try again, or raise the option busy_timeout_ms";
    case YODA_FULL:
        return "free space on the disk and try again; nothing was written";
    case YODA_READONLY:
        return "the file and its directory must be writable";
    case YODA_NOT_COLUMNAR:
        return "let the router choose the side, or ask SQLite";
    case YODA_TIMEOUT:
        return "give it more time";
    case YODA_SCHEMA:
        return "the schema changed meanwhile: try again";
    case YODA_CLOSED:
        return "open it again";
    case YODA_FORKED:
        return "open the file again in this process";
    case YODA_INTERNAL:
        return "please report this with the message";
    default:
        return NULL;
    }
}

/* The statement that the message of a batch names: "statement 3: ...". Borrowed, or NULL. */
static PyObject *failed_statement(PyObject *statements, const char *message)
{
    static const char prefix[] = "statement ";
    if (strncmp(message, prefix, sizeof prefix - 1) != 0)
        return NULL;
    long number = strtol(message + sizeof prefix - 1, NULL, 10);
    if (number < 1 || number > PyTuple_Size(statements))
        return NULL;
    return PyTuple_GetItem(statements, number - 1);
}

/* Characters before a byte offset: what is not a continuation byte begins one. */
static PyObject *offset_in_characters(const yoda_error *err, PyObject *text)
{
    Py_ssize_t size, characters = 0;
    if (text && PyTuple_Check(text))
        text = failed_statement(text, err->message);
    if (err->sql_offset < 0 || !text)
        return Py_NewRef(Py_None);
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &size);
    if (!bytes)
        return NULL;
    if (size > err->sql_offset)
        size = (Py_ssize_t)err->sql_offset;
    for (Py_ssize_t i = 0; i < size; i++)
        characters += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    return PyLong_FromSsize_t(characters);
}

/* Takes over the value. */
static int set_attribute(PyObject *exception, PyObject *name, PyObject *value)
{
    int failed = value ? PyObject_SetAttr(exception, name, value) : -1;
    Py_XDECREF(value);
    return failed;
}

static int set_attributes(struct py_state *state, PyObject *exception, enum py_error_kind kind,
                          const yoda_error *err, PyObject *text)
{
    const char *hint = hint_of(kind, err->code);
    if (set_attribute(exception, state->name.code,
                      PyUnicode_FromString(yoda_status_name(err->code))) < 0 ||
        set_attribute(exception, state->name.sqlite_code, PyLong_FromLong(err->sqlite_code)) < 0 ||
        set_attribute(exception, state->name.sql_offset, offset_in_characters(err, text)) < 0)
        return -1;
    return hint ? set_attribute(exception, state->name.hint, PyUnicode_FromString(hint)) : 0;
}

/* Takes over the message. */
static PyObject *create(struct py_state *state, enum py_error_kind kind, PyObject *message,
                        const yoda_error *err, PyObject *text)
{
    PyObject *exception = NULL;
    if (message)
        exception = PyObject_CallFunctionObjArgs(state->errors[kind], message, NULL);
    Py_XDECREF(message);
    if (exception && set_attributes(state, exception, kind, err, text) < 0)
        Py_CLEAR(exception);
    return exception;
}

static PyObject *message_of(const yoda_error *err)
{
    const char *text = err->message[0] ? err->message : yoda_status_name(err->code);
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

PyObject *py_error_create(struct py_state *state, const yoda_error *err, PyObject *text)
{
    return create(state, kind_of(err), message_of(err), err, text);
}

static void *raise(PyObject *exception)
{
    if (exception) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
        Py_DECREF(exception);
    }
    return NULL;
}

void *py_error_raise(struct py_state *state, const yoda_error *err, PyObject *text)
{
    return raise(py_error_create(state, err, text));
}

void *py_error_raise_refused(struct py_state *state, const yoda_error *err, PyObject *text)
{
    enum py_error_kind kind = err->code == YODA_BUSY ? PY_IN_FLIGHT_ERROR : kind_of(err);
    return raise(create(state, kind, message_of(err), err, text));
}

void *py_error_set(struct py_state *state, yoda_status code, const char *format, ...)
{
    yoda_error err = {.code = code, .sql_offset = -1};
    va_list args;
    va_start(args, format);
    PyObject *message = PyUnicode_FromFormatV(format, args);
    va_end(args);
    return raise(create(state, kind_of(&err), message, &err, NULL));
}
