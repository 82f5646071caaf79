/* real_codes.c -- see real_codes.h. */
#include "olap/exec/real_codes.h"

#include "olap/exec/pipeline.h"
#include "olap/kernel/kernel.h"

#define SCALE_GUESSED_MAX 6
#define GUESS_ROWS 16u
#define MISFITS_MAX 4u

/* The least scale that the first rows have; -1: none. */
static int guess_scale(const double *reals, uint32_t rows)
{
    uint32_t code;
    int scale = 0;
    for (uint32_t i = 0; i < rows && i < GUESS_ROWS; i++)
        while (!kernels()->codes_f64(&reals[i], 1, vector_power10[scale],
                                     reals[i] < 0 ? INT32_MIN : 0, &code))
            if (++scale > SCALE_GUESSED_MAX)
                return -1;
    return scale;
}

yoda_status real_codes_of(const struct vector *v, int scale, uint8_t *misfits, struct arena *arena,
                          struct vector *out, yoda_error *err)
{
    static const int32_t bases[] = {0, INT32_MIN}; /* few: the codes of many vectors agree */
    *out = *v;
    if (v->type != VT_REAL || v->form != VF_FLAT || v->count == 0 || *misfits >= MISFITS_MAX)
        return YODA_OK;
    uint32_t *codes = arena_alloc(arena, (v->count + (size_t)16) * sizeof *codes);
    if (!codes)
        return run_nomem(err, "aggregating");
    if (scale < 0)
        scale = guess_scale(v->data, v->count);
    for (size_t b = 0; scale >= 0 && b < COUNT_OF(bases); b++) {
        if (!kernels()->codes_f64(v->data, v->count, vector_power10[scale], bases[b], codes))
            continue;
        *out = (struct vector){.type = VT_REAL,
                               .form = VF_CODES,
                               .code_width = 4,
                               .scale = (uint8_t)scale,
                               .count = v->count,
                               .base = bases[b],
                               .data = codes,
                               .nulls = v->nulls};
        return YODA_OK;
    }
    ++*misfits;
    return YODA_OK;
}
