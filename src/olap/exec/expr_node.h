/*
 * expr_node.h -- inside the constructors: making a node, folding it, converting operands.
 */
#ifndef YODA_OLAP_EXPR_NODE_H
#define YODA_OLAP_EXPR_NODE_H

#include "olap/column/chunk.h"
#include "olap/exec/expr.h"

/*
 * Make a node from proto and copies of its [count] arguments. Fills in what follows from them:
 * classes, explicit collation, and the constant it folds to when all arguments are constants.
 */
EXPR_NEW expr_node(struct expr_builder *b, const struct expr *proto, const expr_ref *args,
                   uint32_t count, expr_ref *out);
/* Replace a node whose arguments are all constants by its value, keeping affinity and collation. */
EXPR_NEW expr_fold(struct expr_builder *b, const struct expr *e, expr_ref *out);

/* It raises what an argument raises. */
void expr_inherit_errors(struct expr *e);
/* A copy of e under a changed head. */
EXPR_NEW expr_copy(struct expr_builder *b, const struct expr *head, expr_ref *out);
/* The value of a: without its column's affinity and implicit collation. */
EXPR_NEW expr_bare(struct expr_builder *b, expr_ref a, expr_ref *out);
EXPR_NEW expr_null(struct expr_builder *b, expr_ref *out);
/* An operand of arithmetic: TEXT and BLOB become numbers. */
EXPR_NEW expr_number(struct expr_builder *b, expr_ref a, expr_ref *out);
/* The type of a value that is one of several; false when no vector type holds them all. */
bool expr_unify_types(const expr_ref *args, uint32_t count, enum vtype *out);
/* Compare with a given affinity and collation (IN's rules differ from those of =). */
EXPR_NEW expr_compare_with(struct expr_builder *b, enum expr_op op, expr_ref a, expr_ref c,
                           enum affinity affinity, enum collation collation, expr_ref *out);

#endif
