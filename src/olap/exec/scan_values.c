/* scan_values.c -- see scan_values.h. */
#include "olap/exec/scan_values.h"

yoda_status scan_values_dict(const struct segment_ref *ref, const struct chunk *chunk,
                             enum vtype want, struct arena *arena, const struct dict **out,
                             yoda_error *err)
{
    struct vector first;
    *out = NULL;
    if (ref->deleted || chunk_encoding(chunk) != ENC_DICT || chunk_rows(chunk) != ref->rows)
        return YODA_OK;
    TRY(chunk_read(chunk, 0, ref->rows < VECTOR_ROWS ? ref->rows : VECTOR_ROWS, want, arena,
                   &first, err));
    *out = first.form == VF_DICT ? first.dict : NULL;
    return YODA_OK;
}

/* One row set whose only column is v. */
static yoda_status push_column(struct worker *worker, const struct vector *v, uint32_t columns,
                               uint32_t slot, yoda_error *err)
{
    struct vector *all = row_set_columns(&worker->scratch, columns, v->count);
    if (!all)
        return run_nomem(err, "scanning");
    all[slot] = *v;
    struct row_set set = {v->count, columns, all, NULL};
    return pipeline_push(worker, &set, err);
}

yoda_status scan_values_push(struct worker *worker, const struct dict *dict, bool null,
                             enum vtype type, uint32_t columns, uint32_t slot, yoda_error *err)
{
    static const struct strref nothing;
    static const uint64_t one = 1;
    uint32_t most = run_set_rows(worker->pipeline->run);
    for (uint32_t at = 0; dict && at < dict->count && !pipeline_stopped(worker); at += most) {
        uint32_t left = dict->count - at;
        struct vector v = {.type = type, .form = VF_FLAT, .count = left < most ? left : most,
                           .data = dict->values + at};
        TRY(pipeline_step(worker, err));
        TRY(push_column(worker, &v, columns, slot, err));
    }
    if (!null || pipeline_stopped(worker))
        return YODA_OK;
    struct vector v = {.type = type, .form = VF_CONST, .count = 1, .data = &nothing, .nulls = &one};
    TRY(pipeline_step(worker, err));
    return push_column(worker, &v, columns, slot, err);
}
