/*
 * kernel_compare_tmpl.h -- comparisons of T, named _TN; see kernel_tmpl.h.
 * The operator is a constant in every inlined loop: one switch a call, none a row.
 */

static ALWAYS_INLINE void FN(compare_loop)(const T *a, const T *b, bool constant, size_t n, int op,
                                           uint64_t *bits)
{
    size_t full = n / 64;
    for (size_t w = 0; w < full; w++)
        bits[w] = FN(compare64)(a + w * 64, constant ? b : b + w * 64, constant, op);
    if (n % 64) {
        T x[64] = {0}, y[64] = {0};
        memcpy(x, a + full * 64, n % 64 * sizeof(T));
        memcpy(y, constant ? b : b + full * 64, (constant ? 1 : n % 64) * sizeof(T));
        bits[full] = FN(compare64)(x, y, constant, op) & tail_word(n % 64);
    }
}

static ALWAYS_INLINE void FN(compare_switch)(const T *a, const T *b, bool constant, size_t n,
                                             int op, uint64_t *bits)
{
    switch (op) {
    case KC_EQ:
        FN(compare_loop)(a, b, constant, n, KC_EQ, bits);
        break;
    case KC_NE:
        FN(compare_loop)(a, b, constant, n, KC_NE, bits);
        break;
    case KC_LT:
        FN(compare_loop)(a, b, constant, n, KC_LT, bits);
        break;
    case KC_LE:
        FN(compare_loop)(a, b, constant, n, KC_LE, bits);
        break;
    case KC_GT:
        FN(compare_loop)(a, b, constant, n, KC_GT, bits);
        break;
    default:
        FN(compare_loop)(a, b, constant, n, KC_GE, bits);
        break;
    }
}

static void FN(compare)(const T *a, const T *b, size_t n, int op, uint64_t *bits)
{
    FN(compare_switch)(a, b, false, n, op, bits);
}

static void KERNEL_CAT(FN(compare), c)(const T *a, T b, size_t n, int op, uint64_t *bits)
{
    FN(compare_switch)(a, &b, true, n, op, bits);
}

#undef T
#undef TN
