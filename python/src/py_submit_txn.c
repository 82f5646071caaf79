/*
 * py_submit_txn.c -- the submits of transactions.
 *
 * An accepted commit or rollback takes the handle: the Transaction has ended from then on, also
 * where the commit fails later.
 */
#include "py_submit.h"

#include "py_arguments.h"
#include "py_error.h"

/* The transaction of an argument, not ended. NULL with an exception. */
static struct py_transaction *read_transaction(struct py_state *state, PyObject *value)
{
    if (!PyObject_TypeCheck(value, state->transaction_type)) {
        PyErr_SetString(PyExc_TypeError, "txn must be a Transaction");
        return NULL;
    }
    struct py_transaction *transaction = (struct py_transaction *)value;
    if (transaction->txn)
        return transaction;
    return py_error_set(state, YODA_CONFLICT, "the transaction has ended");
}

typedef yoda_status statement_fn(yoda_queue *, yoda_txn *, const char *, const yoda_params *,
                                 const yoda_op_options *, uint64_t, yoda_op **, yoda_error *);

/* A statement with one row of parameters. */
static PyObject *submit_statement(PyObject *self, const struct py_signature *signature,
                                  statement_fn *submit, PyObject *const *args, Py_ssize_t count,
                                  PyObject *keywords)
{
    struct py_submit s;
    struct py_parameters params;
    PyObject *given[5], *op = NULL;
    if (py_submit_read(&s, self, signature, 4, args, count, keywords, given) < 0)
        return NULL;
    const char *sql = py_arguments_text(s.state, given[2], "sql");
    if (!sql)
        return NULL;
    struct py_transaction *txn = NULL;
    if (py_parameters_convert(s.state, given[3], &params) == 0)
        txn = read_transaction(s.state, given[1]);
    if (txn && py_submit_open(&s, given[0], given[2], given[1]) == 0)
        op = py_submit_close(&s, submit(s.queue->queue, txn->txn, sql, params.rows, &s.options,
                                        s.user_data, &s.op->op, &s.err));
    py_parameters_clear(&params);
    return op;
}

PyObject *py_submit_txn_execute(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                PyObject *keywords)
{
    static const struct py_signature signature = {
        "txn_execute", 3, {"target", "txn", "sql", "params", "timeout_ms"}};
    return submit_statement(self, &signature, yoda_submit_txn_execute, args, count, keywords);
}

PyObject *py_submit_txn_query(PyObject *self, PyObject *const *args, Py_ssize_t count,
                              PyObject *keywords)
{
    static const struct py_signature signature = {
        "txn_query", 3, {"target", "txn", "sql", "params", "timeout_ms"}};
    return submit_statement(self, &signature, yoda_submit_txn_query, args, count, keywords);
}

PyObject *py_submit_txn_execute_many(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                     PyObject *keywords)
{
    static const struct py_signature signature = {
        "txn_execute_many", 4, {"target", "txn", "sql", "rows", "timeout_ms"}};
    struct py_submit s;
    struct py_parameters params;
    PyObject *given[5], *op = NULL;
    if (py_submit_read(&s, self, &signature, 4, args, count, keywords, given) < 0)
        return NULL;
    const char *sql = py_arguments_text(s.state, given[2], "sql");
    if (!sql)
        return NULL;
    struct py_transaction *txn = NULL;
    if (py_parameters_convert_rows(s.state, given[3], &params) == 0)
        txn = read_transaction(s.state, given[1]);
    if (txn && py_submit_open(&s, given[0], given[2], given[1]) == 0)
        op = py_submit_close(&s, yoda_submit_txn_execute_many(s.queue->queue, txn->txn, sql,
                                                              params.rows, params.count, &s.options,
                                                              s.user_data, &s.op->op, &s.err));
    py_parameters_clear(&params);
    return op;
}

typedef yoda_status end_fn(yoda_queue *, yoda_txn *, const yoda_op_options *, uint64_t, yoda_op **,
                           yoda_error *);

/* Commit or rollback. */
static PyObject *end_transaction(PyObject *self, const struct py_signature *signature,
                                 end_fn *submit, PyObject *const *args, Py_ssize_t count,
                                 PyObject *keywords)
{
    struct py_submit s;
    PyObject *given[3];
    if (py_submit_read(&s, self, signature, 2, args, count, keywords, given) < 0)
        return NULL;
    struct py_transaction *txn = read_transaction(s.state, given[1]);
    if (!txn || py_submit_open(&s, given[0], NULL, given[1]) < 0)
        return NULL;
    yoda_status status =
        submit(s.queue->queue, txn->txn, &s.options, s.user_data, &s.op->op, &s.err);
    if (status == YODA_OK)
        txn->txn = NULL;
    return py_submit_close(&s, status);
}

PyObject *py_submit_commit(PyObject *self, PyObject *const *args, Py_ssize_t count,
                           PyObject *keywords)
{
    static const struct py_signature signature = {"commit", 2, {"target", "txn", "timeout_ms"}};
    return end_transaction(self, &signature, yoda_submit_commit, args, count, keywords);
}

PyObject *py_submit_rollback(PyObject *self, PyObject *const *args, Py_ssize_t count,
                             PyObject *keywords)
{
    static const struct py_signature signature = {"rollback", 2, {"target", "txn", "timeout_ms"}};
    return end_transaction(self, &signature, yoda_submit_rollback, args, count, keywords);
}

PyObject *py_submit_begin(PyObject *self, PyObject *const *args, Py_ssize_t count,
                          PyObject *keywords)
{
    static const struct py_signature signature = {"begin", 1, {"target", "timeout_ms"}};
    return py_submit_bare(self, &signature, yoda_submit_begin, args, count, keywords);
}
