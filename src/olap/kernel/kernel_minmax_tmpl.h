/*
 * kernel_minmax_tmpl.h -- minimum and maximum of T in vectors V, named _TN; see kernel_tmpl.h.
 * Eight lanes on every instruction set, so that -0.0 and 0.0 are met in the same order.
 */

static ALWAYS_INLINE void FN(minmax_block)(const T *a, uint32_t mask, V *low, V *high)
{
    for (int k = 0; k < 8 / KERNEL_LANES; k++) {
        V v = FN(load)(a + k * KERNEL_LANES);
        vi64 less = (vi64)(v < low[k]), more = (vi64)(v > high[k]);
        if (mask != 0xff) {
            vi64 on = lane_mask(mask >> (k * KERNEL_LANES));
            less &= on;
            more &= on;
        }
        low[k] = (V)(((vi64)v & less) | ((vi64)low[k] & ~less));
        high[k] = (V)(((vi64)v & more) | ((vi64)high[k] & ~more));
    }
}

static bool FN(minmax)(const T *a, size_t n, const uint64_t *mask, T *min, T *max)
{
    V low[8 / KERNEL_LANES], high[8 / KERNEL_LANES];
    for (int k = 0; k < 8 / KERNEL_LANES; k++) {
        low[k] = (V){0} + T_MAX;
        high[k] = (V){0} + T_MIN;
    }
    uint32_t any = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint32_t word = (mask_word(mask, i / 64) >> (i % 64)) & 0xff;
        any |= word;
        if (word == 0xff)
            FN(minmax_block)(a + i, 0xff, low, high);
        else if (word)
            FN(minmax_block)(a + i, word, low, high);
    }
    if (i < n) {
        T block[8] = {0};
        memcpy(block, a + i, (n - i) * sizeof *a);
        uint32_t word = (uint32_t)((mask_word(mask, i / 64) >> (i % 64)) & tail_word(n - i));
        any |= word;
        FN(minmax_block)(block, word, low, high);
    }
    T lows[8], highs[8];
    memcpy(lows, low, sizeof lows);
    memcpy(highs, high, sizeof highs);
    *min = lows[0];
    *max = highs[0];
    for (int k = 1; k < 8; k++) {
        *min = lows[k] < *min ? lows[k] : *min;
        *max = highs[k] > *max ? highs[k] : *max;
    }
    return any != 0;
}

#undef T
#undef TN
#undef V
#undef T_MIN
#undef T_MAX
