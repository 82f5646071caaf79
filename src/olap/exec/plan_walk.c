/* plan_walk.c -- the nodes below a node, and numbers for all of them. */
#include "olap/exec/plan.h"

const struct plan *plan_input(const struct plan *plan, uint32_t i, uint32_t *count)
{
    if (plan->kind == PLAN_SET) {
        *count = plan->u.set.input_count;
        return i < *count ? plan->u.set.inputs[i] : NULL;
    }
    if (plan->kind == PLAN_JOIN) {
        *count = 2;
        return i == 0 ? plan->child : i == 1 ? plan->u.join.build : NULL;
    }
    *count = plan->child ? 1 : 0;
    return i < *count ? plan->child : NULL;
}

/* A node met again, below another SHARED, has its number already. */
static void number(struct plan *plan, uint32_t *next)
{
    uint32_t count;
    if (plan->id)
        return;
    plan_input(plan, 0, &count);
    for (uint32_t i = 0; i < count; i++)
        number((struct plan *)plan_input(plan, i, &count), next);
    plan->id = ++*next;
}

uint32_t plan_number(struct plan *root)
{
    uint32_t count = 0;
    number(root, &count); /* nothing, where that has been done */
    return root->id + 1;  /* the root is the last */
}
