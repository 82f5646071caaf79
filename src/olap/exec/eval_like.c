/*
 * eval_like.c -- LIKE and GLOB.
 *
 * The matcher is SQLite's patternCompare on bounded strings: the first NUL ends a string, the end
 * reads as NUL. A constant LIKE pattern of ASCII pieces between % (no _ and no escape) takes a
 * shorter way: prefix, pieces in order, suffix; comparing bytes is then comparing characters, since
 * a longer form of an ASCII character reads as U+FFFD. Where the rows' texts follow each other in
 * memory, they are searched as one text.
 */
#include "olap/exec/eval.h"
#include "olap/exec/utf8_text.h"

#define PATTERN_MAX 50000u /* SQLITE_MAX_LIKE_PATTERN_LENGTH */

enum match { MATCH, NO_MATCH, NO_WILDCARD_MATCH /* nor will it further right */ };

struct pattern_rules {
    uint32_t any, one, set, escape; /* 0: none */
    bool nocase;
};

struct pattern_text {
    const char *at, *end;
};

static uint32_t next(struct pattern_text *t)
{
    return utf8_read(&t->at, t->end);
}

static bool at_end(const struct pattern_text *t)
{
    return t->at == t->end;
}

static uint32_t lower(uint32_t c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static inline char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool same(uint32_t a, uint32_t b, bool nocase)
{
    return a == b || (nocase && a < 0x80 && b < 0x80 && lower(a) == lower(b));
}

/* [...] after its bracket: does it hold c? The pattern moves behind it. */
static bool in_set(struct pattern_text *p, uint32_t c)
{
    uint32_t prior = 0, c2 = next(p);
    bool seen = false, invert = c2 == '^';
    if (invert)
        c2 = next(p);
    if (c2 == ']') {
        seen = c == ']';
        c2 = next(p);
    }
    while (c2 && c2 != ']') {
        if (c2 == '-' && !at_end(p) && *p->at != ']' && prior > 0) {
            c2 = next(p);
            seen |= c >= prior && c <= c2;
            prior = 0;
        } else {
            seen |= c == c2;
            prior = c2;
        }
        c2 = next(p);
    }
    return c2 != 0 && seen != invert;
}

static enum match match(struct pattern_text p, struct pattern_text s,
                        const struct pattern_rules *r);

/* Behind a wildcard stands the character c: try each place where s has it. */
static enum match match_from(uint32_t c, struct pattern_text p, struct pattern_text s,
                             const struct pattern_rules *r)
{
    while (!at_end(&s)) {
        uint32_t c2;
        if (c < 0x80)
            c2 = (uint8_t)*s.at++; /* bytes, as strcspn would */
        else
            c2 = next(&s);
        if (c < 0x80 ? !same(c, c2, r->nocase) : c != c2)
            continue;
        enum match m = match(p, s, r);
        if (m != NO_MATCH)
            return m;
    }
    return NO_WILDCARD_MATCH;
}

/* The pattern from just behind a wildcard on. */
static enum match match_any(struct pattern_text p, struct pattern_text s,
                            const struct pattern_rules *r)
{
    struct pattern_text before = p;
    uint32_t c;
    while ((c = next(&p)) != 0 && (c == r->any || c == r->one)) {
        if (c != r->any && next(&s) == 0)
            return NO_WILDCARD_MATCH;
        before = p;
    }
    if (c == 0)
        return MATCH;
    if (r->set && c == r->set) {
        while (!at_end(&s)) {
            enum match m = match(before, s, r);
            if (m != NO_MATCH)
                return m;
            s.at = utf8_skip(s.at, s.end);
        }
        return NO_WILDCARD_MATCH;
    }
    if (r->escape && c == r->escape && (c = next(&p)) == 0)
        return NO_WILDCARD_MATCH;
    return match_from(c, p, s, r);
}

static enum match match(struct pattern_text p, struct pattern_text s,
                        const struct pattern_rules *r)
{
    uint32_t c;
    while ((c = next(&p)) != 0) {
        bool literal = false;
        if (c == r->any)
            return match_any(p, s, r);
        if (r->escape && c == r->escape) {
            if ((c = next(&p)) == 0)
                return NO_MATCH;
            literal = true;
        } else if (r->set && c == r->set) {
            uint32_t c2 = next(&s);
            if (c2 == 0 || !in_set(&p, c2))
                return NO_MATCH;
            continue;
        }
        uint32_t c2 = next(&s);
        if (same(c, c2, r->nocase))
            continue;
        if (c == r->one && !literal && c2 != 0)
            continue;
        return NO_MATCH;
    }
    return at_end(&s) ? MATCH : NO_MATCH;
}

static struct pattern_text pattern_text(const struct value *v)
{
    return (struct pattern_text){.at = v->p, .end = v->p + utf8_c_size(v->p, v->size)};
}

static yoda_status rules_init(const struct eval_call *call, const struct value *escape,
                              struct pattern_rules *out)
{
    if (call->e->op == OP_GLOB) {
        *out = (struct pattern_rules){.any = '*', .one = '?', .set = '['};
        return YODA_OK;
    }
    *out = (struct pattern_rules){.any = '%', .one = '_', .nocase = true};
    if (!escape)
        return YODA_OK;
    struct pattern_text t = pattern_text(escape);
    out->escape = next(&t);
    if (out->escape == 0 || !at_end(&t))
        return fail(call->err, YODA_NOT_COLUMNAR, "ESCAPE of more or less than one character");
    if (out->escape == out->any)
        out->any = 0;
    if (out->escape == out->one)
        out->one = 0;
    return YODA_OK;
}

/* ---- Pieces between % ----------------------------------------------------------------------- */

#define PIECES_MAX 16u

struct pieces {
    uint32_t count; /* at least 1; a pattern without % is one piece, both first and last */
    struct strref piece[PIECES_MAX]; /* in lower case */
    bool letters[PIECES_MAX];
};

/* False when the pattern needs the matcher. text: [size] scratch that stays alive. */
static bool pieces_init(const struct value *pattern, char *text, struct pieces *out)
{
    uint32_t start = 0, n = 0;
    bool letters = false;
    for (uint32_t i = 0; i <= pattern->size; i++) {
        char c = i < pattern->size ? pattern->p[i] : '%';
        if (c == '_' || c == 0 || (uint8_t)c >= 0x80)
            return false;
        if (i < pattern->size)
            text[i] = fold(c);
        letters |= (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (c != '%')
            continue;
        if (n == PIECES_MAX)
            return false;
        out->letters[n] = letters;
        out->piece[n++] = (struct strref){.ptr = text + start, .size = i - start};
        start = i + 1;
        letters = false;
    }
    out->count = n;
    return true;
}

static bool piece_at(const char *s, const struct strref *piece)
{
    for (uint32_t i = 0; i < piece->size; i++)
        if (fold(s[i]) != piece->ptr[i])
            return false;
    return true;
}

/* First place of a piece in s at or after from; SIZE_MAX when there is none. */
static size_t piece_find(const char *s, size_t size, size_t from, const struct strref *piece,
                         bool letters)
{
    const struct kernels *k = kernels();
    return letters ? k->find_nocase(s, size, from, piece->ptr, piece->size)
                   : k->find_bytes(s, size, from, piece->ptr, piece->size);
}

static bool pieces_match(const struct pieces *p, const char *s, size_t size)
{
    const struct strref *first = &p->piece[0], *last = &p->piece[p->count - 1];
    if (p->count == 1)
        return size == first->size && piece_at(s, first);
    if (size < (size_t)first->size + last->size || !piece_at(s, first) ||
        !piece_at(s + size - last->size, last))
        return false;
    size_t at = first->size, end = size - last->size;
    for (uint32_t i = 1; i + 1 < p->count; i++) {
        if (p->piece[i].size == 0)
            continue;
        size_t found = piece_find(s, end, at, &p->piece[i], p->letters[i]);
        if (found == SIZE_MAX)
            return false;
        at = found + p->piece[i].size;
    }
    return true;
}

static bool row_matches(const struct pieces *p, const struct strref *row)
{
    return pieces_match(p, row->ptr, utf8_c_size(row->ptr, row->size));
}

/* The longest piece that may stand anywhere; 0: none is worth a search. */
static uint32_t longest_inner(const struct pieces *p)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i + 1 < p->count; i++)
        if (p->piece[i].size > (best ? p->piece[best].size : 0))
            best = i;
    return best;
}

/* Do the rows' texts lie one behind the other, as in a plain chunk? */
static bool is_contiguous(const struct strref *rows, uint32_t count)
{
    uint32_t apart = 0;
    for (uint32_t i = 0; i + 1 < count; i++)
        apart |= rows[i].ptr + rows[i].size != rows[i + 1].ptr;
    return !apart;
}

/* Search all rows' texts at once for one piece; only rows that have it are looked at. */
static void match_contiguous(const struct pieces *p, uint32_t inner, const struct strref *rows,
                             uint32_t count, uint64_t *bits)
{
    const struct strref *piece = &p->piece[inner];
    const char *text = rows[0].ptr;
    size_t size = (size_t)(rows[count - 1].ptr - text) + rows[count - 1].size, at = 0;
    for (uint32_t row = 0; row < count; row++) {
        size_t found = piece_find(text, size, at, piece, p->letters[inner]);
        if (found == SIZE_MAX)
            return;
        while ((size_t)(rows[row].ptr - text) + rows[row].size <= found)
            row++;
        ASSERT(row < count);
        if (row_matches(p, &rows[row]))
            bit_set(bits, row);
        at = (size_t)(rows[row].ptr - text) + rows[row].size;
    }
}

/* bits of NULL rows mean nothing. */
static void match_rows(const struct pieces *p, const struct vector *a, uint32_t count,
                       uint64_t *bits)
{
    const struct strref *rows = a->data;
    uint32_t inner = longest_inner(p);
    if (inner && !a->nulls && a->form == VF_FLAT && is_contiguous(rows, count)) {
        match_contiguous(p, inner, rows, count, bits);
        return;
    }
    for (uint32_t row = 0; row < count; row++) {
        struct value v = lane_value(a, row);
        struct strref text = {v.p, v.size};
        if (v.type == YODA_TEXT && row_matches(p, &text))
            bit_set(bits, row);
    }
}

static yoda_status like_pieces(const struct eval_call *call, const struct vector *a,
                               const struct value *pattern, uint64_t *bits, bool *done)
{
    struct pieces pieces;
    char *text = eval_alloc(call->eval, pattern->size, call->err);
    if (!text)
        return YODA_NOMEM;
    *done = call->e->op == OP_LIKE && call->e->arg_count == 2 &&
            pattern->size <= PATTERN_MAX && pieces_init(pattern, text, &pieces);
    if (*done && call->rows)
        match_rows(&pieces, a, call->rows, bits);
    return YODA_OK;
}

static yoda_status like_rows(const struct eval_call *call, const struct vector *lanes,
                             uint64_t *bits)
{
    struct pattern_rules rules;
    bool escaped = call->e->arg_count == 3;
    TRY(rules_init(call, NULL, &rules));
    for (uint32_t row = 0; row < call->rows; row++) {
        struct value text = lane_value(&lanes[0], row), pattern = lane_value(&lanes[1], row);
        struct value escape = escaped ? lane_value(&lanes[2], row) : value_text("", 0);
        if (pattern.type == YODA_TEXT && pattern.size > PATTERN_MAX)
            return fail(call->err, YODA_NOT_COLUMNAR, "LIKE or GLOB pattern too complex");
        if (escape.type == YODA_NULL)
            continue;
        if (escaped)
            TRY(rules_init(call, &escape, &rules));
        if (text.type == YODA_NULL || pattern.type == YODA_NULL)
            continue;
        if (match(pattern_text(&pattern), pattern_text(&text), &rules) == MATCH)
            bit_set(bits, row);
    }
    return YODA_OK;
}

yoda_status eval_like(const struct eval_call *call, struct vector *out)
{
    struct vector *lanes;
    const uint64_t *nulls;
    uint64_t *bits, *all;
    bool done = false;
    TRY(lane_vectors(call, &lanes));
    TRY(eval_bitmap(call->eval, call->rows, &bits, call->err));
    struct value pattern = lane_value(&lanes[1], 0);
    if (lanes[1].form == VF_CONST && pattern.type == YODA_TEXT)
        TRY(like_pieces(call, &lanes[0], &pattern, bits, &done));
    if (!done)
        TRY(like_rows(call, lanes, bits));
    if (call->e->negated) {
        TRY(eval_bitmap(call->eval, call->rows, &all, call->err));
        bitmap_fill(all, call->rows);
        kernels()->andnot_words(all, bits, BITMAP_WORDS(call->rows), bits);
    }
    TRY(eval_merge_nulls(call, &nulls));
    eval_bits_vector(call->rows, bits, nulls, out);
    return YODA_OK;
}
