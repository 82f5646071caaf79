/*
 * codes_tmpl.h -- writing and checking codes of type T, named _TN; included by codes.c.
 */
#define CODES_CAT_(a, b) a##_##b
#define CODES_CAT(a, b) CODES_CAT_(a, b)

static void CODES_CAT(write, TN)(T *codes, const int64_t *values, const uint64_t *nulls, size_t n,
                                 int64_t base)
{
    for (size_t i = 0; i < n; i++)
        codes[i] = (T)((uint64_t)values[i] - (uint64_t)base);
    if (!nulls)
        return;
    for (size_t w = 0; w < BITMAP_WORDS(n); w++)
        for (uint64_t word = nulls[w]; word; word &= word - 1)
            codes[w * 64 + bits_lowest(word)] = 0;
}

static uint64_t CODES_CAT(max, TN)(const T *codes, size_t n)
{
    T max = 0;
    for (size_t i = 0; i < n; i++)
        max = codes[i] > max ? codes[i] : max;
    return max;
}

#undef T
#undef TN
#undef CODES_CAT
#undef CODES_CAT_
