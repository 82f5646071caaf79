/*
 * kernel_codes_tmpl.h -- kernels over codes of type T, named _TN; see kernel_tmpl.h.
 * KERNEL_SMALL_CODES adds those that u64 codes lack.
 */

static void FN(range)(const T *codes, size_t n, T low, T high, uint64_t *bits)
{
    if (low > high) {
        memset(bits, 0, BITMAP_WORDS(n) * sizeof *bits);
        return;
    }
    T span = (T)(high - low);
    size_t full = n / 64;
    for (size_t w = 0; w < full; w++)
        bits[w] = FN(range64)(codes + w * 64, low, span);
    if (n % 64) {
        T block[64] = {0};
        memcpy(block, codes + full * 64, n % 64 * sizeof(T));
        bits[full] = FN(range64)(block, low, span) & tail_word(n % 64);
    }
}

static void FN(widen)(const T *codes, size_t n, int64_t base, int64_t *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (int64_t)((uint64_t)base + codes[i]);
}

static void FN(gather)(const T *in, const uint16_t *sel, size_t n, T *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = in[sel[i]];
}

#ifdef KERNEL_SMALL_CODES
static void FN(set)(const T *codes, size_t n, const uint64_t *set, uint64_t *bits)
{
    size_t full = n / 64;
    for (size_t w = 0; w < full; w++)
        bits[w] = FN(set64)(codes + w * 64, set);
    if (n % 64) {
        T block[64] = {0};
        memcpy(block, codes + full * 64, n % 64 * sizeof(T));
        bits[full] = FN(set64)(block, set) & tail_word(n % 64);
    }
}

static void FN(sum)(const T *codes, size_t n, const uint64_t *mask, uint64_t *sum)
{
    VSUM total = vsum_zero();
    size_t full = n / 64;
    for (size_t w = 0; w < full; w++) {
        uint64_t word = mask_word(mask, w);
        if (word)
            total = FN(vsum_add)(total, codes + w * 64, word);
    }
    if (n % 64) {
        T block[64] = {0};
        memcpy(block, codes + full * 64, n % 64 * sizeof(T));
        total = FN(vsum_add)(total, block, mask_word(mask, full));
    }
    *sum = vsum_total(total);
}
#endif

#undef T
#undef TN
