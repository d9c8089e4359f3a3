#include "model/kernels/narrow.h"

#include "model/kernels/simd.h"

/* Pixels whose sums are in registers at a time, for each of which a general register holds the address; floats of a run
 * whose gradients are: enough of both to hide how long a sum takes. */
enum { PIXELS = 8, RUN = 8 };

/* Calls run(..., n) with a constant in the place of n, from 1 to 8. */
#define CASE(n, run, ...)                                                                                              \
    case n:                                                                                                            \
        run(__VA_ARGS__, n);                                                                                           \
        break;
#define WITH_CONSTANT(n, run, ...)                                                                                     \
    switch (n) {                                                                                                       \
        CASE(1, run, __VA_ARGS__)                                                                                      \
        CASE(2, run, __VA_ARGS__)                                                                                      \
        CASE(3, run, __VA_ARGS__)                                                                                      \
        CASE(4, run, __VA_ARGS__)                                                                                      \
        CASE(5, run, __VA_ARGS__)                                                                                      \
        CASE(6, run, __VA_ARGS__)                                                                                      \
        CASE(7, run, __VA_ARGS__)                                                                                      \
        CASE(8, run, __VA_ARGS__)                                                                                      \
    default: break;                                                                                                    \
    }

/* Filters of the vector that begins with this one, as vec_load_part takes it. */
static size_t part_of(const struct weft_narrow_shape *s, size_t filter)
{
    const size_t left = s->filters - filter;
    return left < WEFT_LANES ? left : 0;
}

struct forward_job {
    const struct weft_narrow_shape *shape;
    const float *weights; /* (kernel, run, lanes) */
    vec bias;
    size_t part;
};

INLINE void forward_pixels(const struct forward_job *j, float *y, const float *x, const int pixels)
{
    const struct weft_narrow_shape *s = j->shape;
    const size_t run = weft_narrow_run(s), step = s->stride * s->channels;
    const float *w = j->weights;
    vec sum[PIXELS];
    foreach (p, pixels)
        sum[p] = j->bias;
    for (size_t k = 0; k < s->kernel; k++, x += s->width * s->channels)
        for (size_t i = 0; i < run; i++, w += WEFT_LANES) {
            const vec of_filters = vec_load(w);
            foreach (p, pixels)
                sum[p] += vec_all(x[(size_t)p * step + i]) * of_filters;
        }
    foreach (p, pixels)
        vec_store_part(y + (size_t)p * s->filters, sum[p], j->part);
}

struct weight_job {
    const struct weft_narrow_shape *shape;
    float *dw;
    const float *x, *dy;
    size_t part;
};

/* Of some floats of a run; two pixels at a time where these are too few to hide how long a sum takes. */
INLINE void weight_floats(const struct weight_job *j, const int floats)
{
    const struct weft_narrow_shape *s = j->shape;
    const int pixels = floats <= RUN / 2 ? 2 : 1;
    const size_t step = s->stride * s->channels, part = j->part;
    const float *x_row = j->x, *dy = j->dy;
    vec sum[2][RUN] = {{{0}}};
    for (size_t row = 0; row < s->out_height; row++, x_row += s->stride * s->width * s->channels) {
        const float *x = x_row;
        size_t column = 0;
        for (; column + (size_t)pixels <= s->out_width; column += (size_t)pixels) {
            foreach (p, pixels) {
                const vec given = vec_load_part(dy, part);
                foreach (i, floats)
                    sum[p][i] += vec_all(x[i]) * given;
                x += step;
                dy += s->filters;
            }
        }
        for (; column < s->out_width; column++, x += step, dy += s->filters) {
            const vec given = vec_load_part(dy, part);
            foreach (i, floats)
                sum[0][i] += vec_all(x[i]) * given;
        }
    }
    foreach (i, floats) {
        float *to = j->dw + (size_t)i * s->filters;
        vec_store_part(to, vec_load_part(to, part) + (sum[0][i] + sum[1][i]), part);
    }
}

#if WEFT_LANES == 16
/* With half as many filters as lanes, a vector holds two pixels beside each other: filter f of pixel p in lane 2f + p.
 * A pair of pixels is loaded as one value into all pairs of lanes, so in the input they lie beside each other too. */
static bool has_pairs(const struct weft_narrow_shape *s)
{
    return s->filters <= WEFT_LANES / 2 && s->stride * s->channels == 1;
}

INLINE vec load_pair(const float *x)
{
    return _mm512_broadcast_f32x2(_mm_castpd_ps(_mm_load_sd((const double *)(const void *)x)));
}

/* Of lanes: from 2f + p to p * filters + f, as two pixels lie in memory, and back; and from f to both of 2f + p. */
struct pair_order {
    __m512i to_memory, from_memory, to_both;
    __mmask16 in_memory; /* lanes that are filled there */
};

static struct pair_order pair_order_of(size_t filters)
{
    int to_memory[WEFT_LANES], from_memory[WEFT_LANES], to_both[WEFT_LANES];
    const int n = (int)filters;
    for (int i = 0; i < WEFT_LANES; i++) {
        to_memory[i] = i < n ? 2 * i : 2 * (i - n) + 1;
        from_memory[i] = i / 2 + i % 2 * n;
        to_both[i] = i / 2;
    }
    return (struct pair_order){_mm512_loadu_si512(to_memory), _mm512_loadu_si512(from_memory),
                               _mm512_loadu_si512(to_both), (__mmask16)((1u << 2 * filters) - 1)};
}

INLINE vec load_pair_of_outputs(const struct pair_order *order, const float *dy)
{
    return _mm512_permutexvar_ps(order->from_memory, _mm512_maskz_loadu_ps(order->in_memory, dy));
}

struct forward_pair_job {
    const struct weft_narrow_shape *shape;
    const float *weights; /* (kernel, run, lanes) */
    vec bias;
    struct pair_order order;
};

INLINE void forward_pairs(const struct forward_pair_job *j, float *y, const float *x, const int pairs)
{
    const struct weft_narrow_shape *s = j->shape;
    const size_t run = weft_narrow_run(s);
    const float *w = j->weights;
    vec sum[PIXELS];
    foreach (p, pairs)
        sum[p] = j->bias;
    for (size_t k = 0; k < s->kernel; k++, x += s->width)
        for (size_t i = 0; i < run; i++, w += WEFT_LANES) {
            const vec of_filters = _mm512_permutexvar_ps(j->order.to_both, vec_load(w));
            foreach (p, pairs)
                sum[p] += load_pair(x + 2 * p + i) * of_filters;
        }
    foreach (p, pairs)
        _mm512_mask_storeu_ps(y + 2 * (size_t)p * s->filters, j->order.in_memory,
                              _mm512_permutexvar_ps(j->order.to_memory, sum[p]));
}

static void forward_in_pairs(const struct weft_narrow_shape *s, float *y, const float *x, const float *weights,
                             const float *bias)
{
    const struct pair_order order = pair_order_of(s->filters);
    const struct forward_pair_job job = {s, weights, _mm512_permutexvar_ps(order.to_both, vec_load(bias)), order};
    const struct forward_job rest = {s, weights, vec_load(bias), part_of(s, 0)};
    const size_t pairs = s->out_width / 2, pieces = (pairs + PIXELS - 1) / PIXELS;
    for (size_t row = 0; row < s->out_height; row++, x += s->width, y += s->out_width * s->filters) {
        for (size_t piece = 0; piece < pieces; piece++) {
            const size_t first = pairs * piece / pieces, next = pairs * (piece + 1) / pieces;
            WITH_CONSTANT(next - first, forward_pairs, &job, y + 2 * first * s->filters, x + 2 * first)
        }
        if (s->out_width % 2 == 1)
            forward_pixels(&rest, y + 2 * pairs * s->filters, x + 2 * pairs, 1);
    }
}

struct weight_pair_job {
    const struct weft_narrow_shape *shape;
    float *dw;
    const float *x, *dy;
    struct pair_order order;
};

INLINE void weight_floats_in_pairs(const struct weight_pair_job *j, const int floats)
{
    const struct weft_narrow_shape *s = j->shape;
    const float *x_row = j->x, *dy = j->dy;
    vec sum[2][WEFT_NARROW_KERNEL_MAX] = {{{0}}};
    for (size_t row = 0; row < s->out_height; row++, x_row += s->width) {
        size_t column = 0;
        for (; column + 4 <= s->out_width; column += 4, dy += 4 * s->filters)
            foreach (p, 2) {
                const vec given = load_pair_of_outputs(&j->order, dy + 2 * (size_t)p * s->filters);
                foreach (i, floats)
                    sum[p][i] += load_pair(x_row + column + 2 * p + i) * given;
            }
        for (; column < s->out_width; column++, dy += s->filters) {
            const vec given = _mm512_maskz_permutexvar_ps(0x5555, j->order.to_both, vec_load_part(dy, s->filters));
            foreach (i, floats)
                sum[0][i] += vec_all(x_row[column + (size_t)i]) * given;
        }
    }
    foreach (i, floats) {
        const vec both = sum[0][i] + sum[1][i], swapped = _mm512_permute_ps(both, 0xb1);
        const vec of_filters = _mm512_permutexvar_ps(j->order.to_memory, both + swapped);
        float *to = j->dw + (size_t)i * s->filters;
        vec_store_part(to, vec_load_part(to, s->filters) + of_filters, s->filters);
    }
}

static void weight_gradient_in_pairs(const struct weft_narrow_shape *s, float *dw, const float *x, const float *dy)
{
    const struct pair_order order = pair_order_of(s->filters);
    for (size_t k = 0; k < s->kernel; k++) {
        const struct weight_pair_job job = {s, dw + k * s->kernel * s->filters, x + k * s->width, dy, order};
        WITH_CONSTANT(s->kernel, weight_floats_in_pairs, &job)
    }
}
#else
/* Shorter vectors are filled by few filters too. */
static bool has_pairs(const struct weft_narrow_shape *s)
{
    (void)s;
    return false;
}

static void forward_in_pairs(const struct weft_narrow_shape *s, float *y, const float *x, const float *weights,
                             const float *bias)
{
    (void)s, (void)y, (void)x, (void)weights, (void)bias;
}

static void weight_gradient_in_pairs(const struct weft_narrow_shape *s, float *dw, const float *x, const float *dy)
{
    (void)s, (void)dw, (void)x, (void)dy;
}
#endif

void SIMD_NAME(weft_narrow_forward)(const struct weft_narrow_shape *s, float *y, const float *x, const float *weights,
                                    const float *bias)
{
    if (has_pairs(s)) {
        forward_in_pairs(s, y, x, weights, bias);
        return;
    }
    const size_t pieces = (s->out_width + PIXELS - 1) / PIXELS;
    for (size_t f = 0; f < s->filters; f += WEFT_LANES) {
        const struct forward_job job = {s, weights + f * s->kernel * weft_narrow_run(s), vec_load(bias + f),
                                        part_of(s, f)};
        for (size_t row = 0; row < s->out_height; row++)
            for (size_t piece = 0; piece < pieces; piece++) {
                const size_t first = s->out_width * piece / pieces, next = s->out_width * (piece + 1) / pieces;
                const float *from = x + (row * s->stride * s->width + first * s->stride) * s->channels;
                float *to = y + (row * s->out_width + first) * s->filters + f;
                WITH_CONSTANT(next - first, forward_pixels, &job, to, from)
            }
    }
}

void SIMD_NAME(weft_narrow_weight_gradient)(const struct weft_narrow_shape *s, float *dw, const float *x,
                                            const float *dy)
{
    if (has_pairs(s)) {
        weight_gradient_in_pairs(s, dw, x, dy);
        return;
    }
    const size_t run = weft_narrow_run(s), pieces = (run + RUN - 1) / RUN;
    for (size_t f = 0; f < s->filters; f += WEFT_LANES)
        for (size_t k = 0; k < s->kernel; k++)
            for (size_t piece = 0; piece < pieces; piece++) {
                const size_t i = run * piece / pieces, floats = run * (piece + 1) / pieces - i;
                const struct weight_job job = {s, dw + (k * run + i) * s->filters + f,
                                               x + k * s->width * s->channels + i, dy + f, part_of(s, f)};
                WITH_CONSTANT(floats, weight_floats, &job)
            }
}

struct input_job {
    const struct weft_narrow_shape *shape;
    const float *weights; /* (filters, kernel, lanes): of one vector of the run */
};

/* Under the window of one pixel, a vector of its run in every row. */
INLINE void input_pixel(const struct input_job *j, float *dx, const float *dy, const int kernel)
{
    const struct weft_narrow_shape *s = j->shape;
    const float *w = j->weights;
    vec sum[WEFT_NARROW_KERNEL_MAX] = {{0}};
    for (size_t f = 0; f < s->filters; f++, w += (size_t)kernel * WEFT_LANES) {
        const vec given = vec_all(dy[f]);
        foreach (k, kernel)
            sum[k] += vec_load(w + k * WEFT_LANES) * given;
    }
    foreach (k, kernel) {
        float *to = dx + (size_t)k * s->width * s->channels;
        vec_store(to, vec_load(to) + sum[k]);
    }
}

/* Down the columns: windows beside each other overlap, and what one has stored the next could not load again at once.
 */
void SIMD_NAME(weft_narrow_input_gradient)(const struct weft_narrow_shape *s, float *dx, const float *dy,
                                           const float *transposed)
{
    const size_t vectors = weft_narrow_vectors(weft_narrow_run(s), WEFT_LANES);
    for (size_t column = 0; column < s->out_width; column++)
        for (size_t v = 0; v < vectors; v++) {
            const struct input_job job = {s, transposed + v * s->filters * s->kernel * WEFT_LANES};
            for (size_t row = 0; row < s->out_height; row++) {
                float *to = dx + (row * s->width + column) * s->stride * s->channels + v * WEFT_LANES;
                const float *from = dy + (row * s->out_width + column) * s->filters;
                WITH_CONSTANT(s->kernel, input_pixel, &job, to, from)
            }
        }
}
