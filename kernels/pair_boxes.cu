// The pair loss in time linear in the number of points, every component within a relative bound.
//
// The algorithm and its bound are those of src/loss/differential/boxes; only the far field differs: instead of two scans
// every target box runs Horner's rule over the sources that can still count, all boxes at once. Both sides share one
// dense grid of `cells` boxes of width h, the first of number `lowest` (box number = floor(score / h)).
//
// Order of launches, for each side: box_gather, box_nodes, box_prefix; then box_field and box_evaluate of each.
// Everything is summed in an order that the counts alone fix. Compile with --fmad=false.

typedef unsigned int u32;
typedef unsigned long long u64;

extern __shared__ double shared[];

// The tables, in f64, made by the host (src/cuda/tables.rs); near = 2 / h.
//   [3][2 near + 1][8][8]  softplus, sigmoid(x), sigmoid(-x) at [distance + near][source node][target node]
//   [2][8][16]  sources: exp(± k u h / 2), sources below and above, at [node][k - 1]
//   [2][16][8]  targets: the other factor, at [k - 1][node]
//   [3][2][16]  series: factor of the k-th term
//   [3][2]      constant: what is added for each far source
//   [8][8]      to_nodes, at [basis][node]
//   [8][8]      to_basis, at [node][basis]
//   [8]         nodes u
//   [16]        step: exp(-k h)
//   [16]        leap: exp(-k (near + 1) h)
struct Tables {
    const double *near_values, *sources, *targets, *series, *constant, *to_nodes, *to_basis, *nodes, *step, *leap;
};

static __device__ Tables tables_at(const double* all, u32 near) {
    Tables tables;
    tables.near_values = all;
    tables.sources = tables.near_values + 3 * (2 * near + 1) * 64;
    tables.targets = tables.sources + 2 * 8 * 16;
    tables.series = tables.targets + 2 * 16 * 8;
    tables.constant = tables.series + 3 * 2 * 16;
    tables.to_nodes = tables.constant + 3 * 2;
    tables.to_basis = tables.to_nodes + 64;
    tables.nodes = tables.to_basis + 64;
    tables.step = tables.nodes + 8;
    tables.leap = tables.step + 16;
    return tables;
}

// Where a score lies: its cell, and u, T_2, T_4 of the place in it.
struct Place {
    u32 cell;
    double u, v, w;
};

static __device__ Place place(double score, double boxes_per_unit, double lowest) {
    Place at;
    double x = score * boxes_per_unit;  // a power of two: exact
    double number = floor(x);
    at.cell = (u32)(number - lowest);
    at.u = fma(x - number, 2.0, -1.0);
    at.v = fma(at.u * 2.0, at.u, -1.0);
    at.w = fma(at.v * 2.0, at.v, -1.0);
    return at;
}

// The product of 1 or u, 1 or v, 1 or w, by the bits of b.
static __device__ double basis(const Place& at, u32 b) {
    double uv = (b & 1 ? at.u : 1.0) * (b & 2 ? at.v : 1.0);
    return uv * (b & 4 ? at.w : 1.0);
}

// ---- box_gather_f32, box_gather_f64: sums of the eight basis functions over each cell's points, for a share of points.
// scores: (count,); parts: (gridDim.x, cells, 8) f64. Block y takes the cells from first + 88 y to the next 88, below end;
// cells outside of [first, end) are not written and hold no points.
// Launch: (ceil(count / share), ceil((end - first) / 88)) blocks of 64, 45,056 bytes of shared.
// Eight groups of eight lanes, a basis function each, take every eighth point and add to a table of their own: no two
// threads ever touch the same sum. Order: a group's points ascending, then groups ascending.
template <typename S>
static __device__ void gather(const S* scores, u32 count, u32 share, double boxes_per_unit, double lowest, u32 cells,
                              u32 first, u32 end, double* parts) {
    const u32 WINDOW = 88, GROUPS = 8;
    u32 start = first + blockIdx.y * WINDOW, width = min(WINDOW, end - start);
    u32 b = threadIdx.x % 8, group = threadIdx.x / 8;
    for (u32 at = threadIdx.x; at < GROUPS * WINDOW * 8; at += blockDim.x) shared[at] = 0.0;
    __syncthreads();
    double* table = shared + group * WINDOW * 8;
    u32 last = min(count, (blockIdx.x + 1) * share);
    for (u32 point = blockIdx.x * share + group; point < last; point += GROUPS) {
        Place at = place((double)scores[point], boxes_per_unit, lowest);
        u32 cell = at.cell - start;  // cells below wrap to large numbers
        if (cell < width) table[cell * 8 + b] += basis(at, b);
    }
    __syncthreads();
    for (u32 at = threadIdx.x; at < width * 8; at += blockDim.x) {
        double sum = 0.0;
        for (u32 g = 0; g < GROUPS; g++) sum += shared[g * WINDOW * 8 + at];
        parts[((u64)blockIdx.x * cells + start) * 8 + at] = sum;
    }
}

extern "C" __global__ void box_gather_f32(const float* scores, u32 count, u32 share, double boxes_per_unit, double lowest,
                                          u32 cells, u32 first, u32 end, double* parts) {
    gather(scores, count, share, boxes_per_unit, lowest, cells, first, end, parts);
}

extern "C" __global__ void box_gather_f64(const double* scores, u32 count, u32 share, double boxes_per_unit, double lowest,
                                          u32 cells, u32 first, u32 end, double* parts) {
    gather(scores, count, share, boxes_per_unit, lowest, cells, first, end, parts);
}

// ---- box_nodes: adds the parts; turns a cell's sums into weights of its nodes, and those into terms of the series.
// parts: (count, cells, 8); nodes: (cells, 8); terms: (cells, 2, 16), for a source below and above; sums: (cells, 2): the
// number of points and the sum of u. Cells outside of [first, end) get zeros.
// Launch: cells blocks of 64, 640 bytes of shared.  Order: every 8th part ascending, then the 8 sums ascending.
extern "C" __global__ void box_nodes(const double* parts, u32 count, u32 cells, u32 first, u32 end, const double* tables,
                                     u32 near, double* nodes, double* terms, double* sums) {
    Tables table = tables_at(tables, near);
    u32 cell = blockIdx.x, b = threadIdx.x % 8, slice = threadIdx.x / 8;
    double sum = 0.0;
    if (cell >= first && cell < end) {
        for (u32 part = slice; part < count; part += 8) sum += parts[((u64)part * cells + cell) * 8 + b];
    }
    double* moments = shared;
    double* weights = shared + 8;
    double* slices = shared + 16;
    slices[slice * 8 + b] = sum;
    __syncthreads();
    if (threadIdx.x < 8) {
        double whole = 0.0;
        for (u32 s = 0; s < 8; s++) whole += slices[s * 8 + b];
        moments[b] = whole;
        if (b < 2) sums[2 * cell + b] = whole;
    }
    __syncthreads();
    if (threadIdx.x < 8) {
        double weight = 0.0;
        for (u32 k = 0; k < 8; k++) weight = fma(moments[k], table.to_nodes[k * 8 + threadIdx.x], weight);
        weights[threadIdx.x] = weight;
        nodes[cell * 8 + threadIdx.x] = weight;
    }
    __syncthreads();
    if (threadIdx.x < 32) {
        u32 side = threadIdx.x / 16, k = threadIdx.x % 16;
        double term = 0.0;
        for (u32 q = 0; q < 8; q++) term = fma(weights[q], table.sources[(side * 8 + q) * 16 + k], term);
        terms[(cell * 2 + side) * 16 + k] = term;
    }
}

// ---- box_prefix: of all cells below each the number of points, the sum of points' cell numbers, and the sum of u.
// sums: (cells, 2); below: (cells + 1, 3).  Whole numbers below 2^53: exact, but for the sum of u.
// Launch: 1 block of 256, 6,144 bytes of shared.  Order: chunks of ceil(cells / 256) cells ascending, then chunks.
extern "C" __global__ void box_prefix(const double* sums, u32 cells, double* below) {
    u32 chunk = (cells + blockDim.x - 1) / blockDim.x;
    u32 start = min(cells, threadIdx.x * chunk), end = min(cells, start + chunk);
    double count = 0.0, numbers = 0.0, places = 0.0;
    for (u32 cell = start; cell < end; cell++) {
        count += sums[2 * cell];
        numbers += sums[2 * cell] * cell;
        places += sums[2 * cell + 1];
    }
    shared[threadIdx.x] = count;
    shared[blockDim.x + threadIdx.x] = numbers;
    shared[2 * blockDim.x + threadIdx.x] = places;
    __syncthreads();
    if (threadIdx.x < 3) {
        double* chunks = shared + threadIdx.x * blockDim.x;
        double before = 0.0;
        for (u32 at = 0; at < blockDim.x; at++) {
            double here = chunks[at];
            chunks[at] = before;
            before += here;
        }
        below[3 * cells + threadIdx.x] = before;
    }
    __syncthreads();
    count = shared[threadIdx.x];
    numbers = shared[blockDim.x + threadIdx.x];
    places = shared[2 * blockDim.x + threadIdx.x];
    for (u32 cell = start; cell < end; cell++) {
        below[3 * cell] = count;
        below[3 * cell + 1] = numbers;
        below[3 * cell + 2] = places;
        count += sums[2 * cell];
        numbers += sums[2 * cell] * cell;
        places += sums[2 * cell + 1];
    }
}

// ---- box_field_loss, box_field: the other side's sums of sigmoid at the nodes of each cell, as a polynomial on it.
// `sources` of the other side and `target_*` of this one are what box_nodes and box_prefix wrote.
// reach: cells from which on every term is below the range of f64; at most `cells`.
// coefficients: (cells, 8): `factor` times the polynomial; empty cells are not written.
// box_field_loss: this side holds the positives, the function is sigmoid(x), x = source - target; also
//   losses: (cells,): the sum of softplus over the cell's points, 0 for an empty cell.
// box_field: this side holds the negatives, the function is sigmoid(-x).
// Launch: cells blocks of 64, 1,408 bytes of shared.
// Order: distance ascending, source nodes ascending, then the series below, above, and the rest.
template <bool LOSS>
static __device__ void field(u32 cells, u32 near, u32 reach, double h, const double* source_nodes,
                             const double* source_terms, const double* source_below, const double* target_nodes,
                             const double* target_sums, const double* tables, double factor, double* coefficients,
                             double* losses) {
    Tables table = tables_at(tables, near);
    const u32 FUNCTIONS = LOSS ? 2 : 1;
    // The function at `f`: with the loss softplus and sigmoid(x), else sigmoid(-x).
    const u32 FIRST = LOSS ? 0 : 2;
    u32 target = blockIdx.x;
    if (target_sums[2 * target] == 0.0) {
        if (LOSS && threadIdx.x == 0) losses[target] = 0.0;
        return;
    }
    double* nears = shared;         // [2][8][8]
    double* series = shared + 128;  // [2][16]
    double* values = shared + 160;  // [2][8]
    u32 q = threadIdx.x / 8, p = threadIdx.x % 8;
    u32 from = target > near ? target - near : 0, to = min(cells - 1, target + near);
    double sum[2] = {0.0, 0.0};
    for (u32 source = from; source <= to; source++) {
        double weight = source_nodes[source * 8 + q];
        for (u32 f = 0; f < FUNCTIONS; f++) {
            u32 row = (FIRST + f) * (2 * near + 1) + (source + near - target);
            sum[f] = fma(weight, table.near_values[row * 64 + threadIdx.x], sum[f]);
        }
    }
    for (u32 f = 0; f < FUNCTIONS; f++) nears[f * 64 + q * 8 + p] = sum[f];
    if (threadIdx.x < 32) {
        u32 side = threadIdx.x / 16, k = threadIdx.x % 16;
        double step = table.step[k], acc = 0.0;
        if (side == 0) {
            for (u32 source = target > reach ? target - reach : 0; source < from; source++) {
                acc = fma(acc, step, source_terms[(source * 2) * 16 + k]);
            }
            // Fewer than near + 1 cells below: none of them is far.
        } else {
            for (u32 source = min(cells - 1, target + reach); source > to; source--) {
                acc = fma(acc, step, source_terms[(source * 2 + 1) * 16 + k]);
            }
        }
        series[side * 16 + k] = acc * table.leap[k];
    }
    __syncthreads();
    if (threadIdx.x < FUNCTIONS * 8) {
        u32 f = threadIdx.x / 8, function = FIRST + f;
        double value = 0.0;
        for (u32 node = 0; node < 8; node++) value += nears[f * 64 + node * 8 + p];
        for (u32 side = 0; side < 2; side++) {
            for (u32 k = 0; k < 16; k++) {
                double term = series[side * 16 + k] * table.series[(function * 2 + side) * 16 + k];
                value = fma(term, table.targets[(side * 16 + k) * 8 + p], value);
            }
        }
        const double* above = source_below + 3 * (to + 1);
        const double* all = source_below + 3 * cells;
        double count = all[0] - above[0];
        value += table.constant[function * 2] * source_below[3 * from] + table.constant[function * 2 + 1] * count;
        if (LOSS && f == 0) {
            // x itself for far sources above; count and numbers are exact.
            double distance = (all[1] - above[1]) - target * count;
            value += h * distance + h / 2.0 * ((all[2] - above[2]) - table.nodes[p] * count);
        }
        values[threadIdx.x] = value;
    }
    __syncthreads();
    if (threadIdx.x < 8) {
        const double* slopes = values + (FUNCTIONS - 1) * 8;
        double coefficient = 0.0;
        for (u32 node = 0; node < 8; node++) {
            coefficient = fma(slopes[node], table.to_basis[node * 8 + threadIdx.x], coefficient);
        }
        coefficients[target * 8 + threadIdx.x] = factor * coefficient;
    } else if (LOSS && threadIdx.x == 8) {
        double loss = 0.0;
        for (u32 node = 0; node < 8; node++) loss = fma(target_nodes[target * 8 + node], values[node], loss);
        losses[target] = loss;
    }
}

extern "C" __global__ void box_field_loss(u32 cells, u32 near, u32 reach, double h, const double* source_nodes,
                                          const double* source_terms, const double* source_below,
                                          const double* target_nodes, const double* target_sums, const double* tables,
                                          double factor, double* coefficients, double* losses) {
    field<true>(cells, near, reach, h, source_nodes, source_terms, source_below, target_nodes, target_sums, tables, factor,
                coefficients, losses);
}

extern "C" __global__ void box_field(u32 cells, u32 near, u32 reach, double h, const double* source_nodes,
                                     const double* source_terms, const double* source_below, const double* target_nodes,
                                     const double* target_sums, const double* tables, double factor,
                                     double* coefficients) {
    field<false>(cells, near, reach, h, source_nodes, source_terms, source_below, target_nodes, target_sums, tables,
                 factor, coefficients, nullptr);
}

// ---- box_evaluate_f32, box_evaluate_f64: each point's polynomial at the point, rounded once.
// scores: (count,); coefficients: (cells, 8); out: (count,).  Launch: ceil(count / 256) blocks of 256.
template <typename S>
static __device__ void evaluate(const S* scores, u32 count, double boxes_per_unit, double lowest,
                                const double* coefficients, S* out) {
    u32 point = blockIdx.x * blockDim.x + threadIdx.x;
    if (point >= count) return;
    Place at = place((double)scores[point], boxes_per_unit, lowest);
    const double* c = coefficients + (u64)at.cell * 8;
    // The tree of the eight products, so that rounding does not pile up.
    double low = fma(at.v, fma(at.u, c[3], c[2]), fma(at.u, c[1], c[0]));
    double high = fma(at.v, fma(at.u, c[7], c[6]), fma(at.u, c[5], c[4]));
    out[point] = (S)fma(at.w, high, low);
}

extern "C" __global__ void box_evaluate_f32(const float* scores, u32 count, double boxes_per_unit, double lowest,
                                            const double* coefficients, float* out) {
    evaluate(scores, count, boxes_per_unit, lowest, coefficients, out);
}

extern "C" __global__ void box_evaluate_f64(const double* scores, u32 count, double boxes_per_unit, double lowest,
                                            const double* coefficients, double* out) {
    evaluate(scores, count, boxes_per_unit, lowest, coefficients, out);
}
