/*
 * expr_print.c -- an expression as SQL-like text, for EXPLAIN. Every operator is in parentheses
 * below the top, so that precedence need not be known to read it.
 */
#include "base/str.h"
#include "olap/exec/expr_node.h"
#include "olap/exec/function.h"

#include <inttypes.h>

struct printer {
    const char *const *names;
    struct str *out;
};

static void print(const struct printer *p, expr_ref e, bool inner);

static void print_value(const struct value *v, struct str *out)
{
    char text[40];
    switch (v->type) {
    case YODA_NULL:
        str_puts(out, "NULL");
        break;
    case YODA_INTEGER:
        str_printf(out, "%" PRId64, v->i);
        break;
    case YODA_REAL:
        (void)expr_number_text()->real_to_text(v->r, text);
        str_puts(out, text);
        break;
    case YODA_TEXT:
        str_literal(out, v->p, v->size);
        break;
    default:
        str_puts(out, "x'");
        for (uint32_t i = 0; i < v->size; i++)
            str_printf(out, "%02x", (unsigned)(uint8_t)v->p[i]);
        str_putc(out, '\'');
    }
}

static const char *op_text(enum expr_op op)
{
    static const char *const texts[] = {
        [OP_ADD] = "+",  [OP_SUB] = "-",         [OP_MUL] = "*",          [OP_DIV] = "/",
        [OP_MOD] = "%",  [OP_BIT_AND] = "&",     [OP_BIT_OR] = "|",       [OP_SHIFT_LEFT] = "<<",
        [OP_EQ] = "=",   [OP_SHIFT_RIGHT] = ">>", [OP_NE] = "<>",         [OP_LT] = "<",
        [OP_LE] = "<=",  [OP_GT] = ">",          [OP_GE] = ">=",          [OP_IS] = "IS",
        [OP_LIKE] = "LIKE", [OP_IS_NOT] = "IS NOT", [OP_GLOB] = "GLOB"};
    return texts[op];
}

static void print_collation(enum collation collation, struct str *out)
{
    if (collation == COLLATE_NOCASE)
        str_puts(out, " COLLATE NOCASE");
    else if (collation == COLLATE_RTRIM)
        str_puts(out, " COLLATE RTRIM");
}

static void print_binary(const struct printer *p, expr_ref e, const char *op)
{
    print(p, e->args[0], true);
    if (e->kind == EXPR_COMPARE)
        print_collation(e->compare_collation, p->out);
    str_printf(p->out, " %s%s ", e->kind == EXPR_LIKE && e->negated ? "NOT " : "", op);
    print(p, e->args[1], true);
    if (e->kind == EXPR_LIKE && e->arg_count == 3) {
        str_puts(p->out, " ESCAPE ");
        print(p, e->args[2], true);
    }
}

static void print_in(const struct printer *p, expr_ref e)
{
    print(p, e->args[0], true);
    print_collation(e->compare_collation, p->out);
    str_puts(p->out, e->negated ? " NOT IN (" : " IN (");
    for (uint32_t i = 0; i < e->list_count; i++) {
        if (i > 0)
            str_puts(p->out, ", ");
        print_value(&e->list[i], p->out);
    }
    if (e->list_has_null)
        str_puts(p->out, e->list_count ? ", NULL" : "NULL");
    str_putc(p->out, ')');
}

static void print_case(const struct printer *p, expr_ref e)
{
    uint32_t i = 0;
    str_puts(p->out, "CASE");
    for (; i + 1 < e->arg_count; i += 2) {
        str_puts(p->out, " WHEN ");
        print(p, e->args[i], false);
        str_puts(p->out, " THEN ");
        print(p, e->args[i + 1], false);
    }
    if (i < e->arg_count) {
        str_puts(p->out, " ELSE ");
        print(p, e->args[i], false);
    }
    str_puts(p->out, " END");
}

static void print_call(const struct printer *p, expr_ref e)
{
    if (strncmp(e->function->name, "is ", 3) == 0) { /* IS [NOT] TRUE / FALSE */
        print(p, e->args[0], true);
        str_printf(p->out, " %s", e->function->name);
        return;
    }
    str_printf(p->out, "%s(", e->function->name);
    for (uint32_t i = 0; i < e->arg_count; i++) {
        if (i > 0)
            str_puts(p->out, ", ");
        print(p, e->args[i], false);
    }
    str_putc(p->out, ')');
}

static void print_cast(const struct printer *p, expr_ref e)
{
    static const char *const types[] = {"BLOB", "TEXT", "NUMERIC", "INTEGER", "REAL"};
    str_puts(p->out, "CAST(");
    print(p, e->args[0], false);
    str_printf(p->out, " AS %s)", types[e->affinity]);
}

static void print_operator(const struct printer *p, expr_ref e)
{
    switch (e->kind) {
    case EXPR_NEGATE:
    case EXPR_BIT_NOT:
    case EXPR_NOT:
        str_puts(p->out, e->kind == EXPR_NEGATE ? "-" : e->kind == EXPR_NOT ? "NOT " : "~");
        print(p, e->args[0], true);
        break;
    case EXPR_IS_NULL:
        print(p, e->args[0], true);
        str_puts(p->out, e->negated ? " IS NOT NULL" : " IS NULL");
        break;
    case EXPR_IN:
        print_in(p, e);
        break;
    case EXPR_AND:
        print_binary(p, e, "AND");
        break;
    case EXPR_OR:
        print_binary(p, e, "OR");
        break;
    case EXPR_CONCAT:
        print_binary(p, e, "||");
        break;
    default:
        print_binary(p, e, op_text(e->op));
    }
}

static void print(const struct printer *p, expr_ref e, bool inner)
{
    switch (e->kind) {
    case EXPR_CONST:
        print_value(&e->constant, p->out);
        break;
    case EXPR_INPUT:
        if (p->names)
            str_puts(p->out, p->names[e->slot]);
        else
            str_printf(p->out, "#%" PRIu32, e->slot);
        break;
    case EXPR_CASE:
        print_case(p, e);
        break;
    case EXPR_CAST:
        print_cast(p, e);
        break;
    case EXPR_CALL:
        print_call(p, e);
        break;
    default:
        if (inner)
            str_putc(p->out, '(');
        print_operator(p, e);
        if (inner)
            str_putc(p->out, ')');
    }
}

void expr_print(expr_ref e, const char *const *names, struct str *out)
{
    const struct printer p = {.names = names, .out = out};
    print(&p, e, false);
}
