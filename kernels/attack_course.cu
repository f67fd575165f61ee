// What projected gradient ascent has to know of every row at each iterate: where to push its scores, and whether it is the
// best iterate so far. So scores, inputs and gradients stay on the card from the first step to the last.
//
// The same decisions as src/attack/objective.rs and src/attack/batch.rs. One output s is a two-class score, positive for
// class 1; else a row has one score per class. Compile with --fmad=false and without --ftz.

typedef unsigned int u32;

extern __shared__ double shared[];

// The class of a row whose scores are not finite.
const u32 NO_CLASS = 0xffffffffu;

// The first largest score but that of class `except`.
static __device__ u32 largest(const float* scores, u32 outputs, u32 except) {
    u32 best = except == 0 ? 1 : 0;
    for (u32 k = best + 1; k < outputs; k++) {
        if (scores[k] > scores[best] && k != except) best = k;
    }
    return best;
}

// ---- attack_slopes: the slope of the objective in each score.
// scores, slopes: (rows, outputs); labels: (rows,), below max(outputs, 2); entropy: 0 for the margin, else cross-entropy.
// Launch: ceil(rows / 256) blocks of 256.  Order of addition: classes ascending.
extern "C" __global__ void attack_slopes(const float* scores, const u32* labels, u32 rows, u32 outputs, u32 entropy,
                                         float* slopes) {
    u32 row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    u32 label = labels[row];
    scores += (size_t)row * outputs;
    slopes += (size_t)row * outputs;
    if (outputs == 1) {
        float side = label == 1 ? -1.0f : 1.0f, u = side * scores[0];
        // Two forms: e^-u overflows for u < -88.
        float e = expf(u >= 0.0f ? -u : u);
        slopes[0] = entropy == 0 ? side : side * (u >= 0.0f ? 1.0f / (1.0f + e) : e / (1.0f + e));
        return;
    }
    if (entropy == 0) {
        for (u32 k = 0; k < outputs; k++) slopes[k] = 0.0f;
        slopes[largest(scores, outputs, label)] = 1.0f;
        slopes[label] = -1.0f;
        return;
    }
    float top = scores[largest(scores, outputs, NO_CLASS)], total = 0.0f;
    for (u32 k = 0; k < outputs; k++) total += expf(scores[k] - top);
    float log_total = logf(total);
    for (u32 k = 0; k < outputs; k++) slopes[k] = expf((scores[k] - top) - log_total);
    slopes[label] -= 1.0f;
}

// ---- attack_note: the class and the margin of each row, and the iterate if it is the best so far.
// x: (rows, width); scores: (rows, outputs); labels: (rows,), the class to leave, or with `targeted` to reach.
// hits, margins: (rows,), of the best iterate, kept from call to call; best: (rows, width), copied to where this iterate
// hits and the best does not, or has the larger margin. classes, seen: (rows,), the class and the margin now; for scores
// that are not finite 2^32 - 1 and NaN, and the row counts for nothing else.
// Launch: rows blocks of 256, 8 bytes of shared.
extern "C" __global__ void attack_note(const float* x, const float* scores, const u32* labels, u32 width, u32 outputs,
                                       u32 targeted, u32* hits, double* margins, float* best, u32* classes,
                                       double* seen) {
    u32 row = blockIdx.x, label = labels[row];
    scores += (size_t)row * outputs;
    if (threadIdx.x == 0) {
        bool finite = true;
        for (u32 k = 0; k < outputs; k++) finite = finite && scores[k] - scores[k] == 0.0f;
        double margin;
        u32 now;
        if (outputs == 1) {
            now = scores[0] > 0.0f ? 1 : 0;
            margin = label == 1 ? -scores[0] : scores[0];
        } else {
            now = largest(scores, outputs, NO_CLASS);
            margin = (double)scores[largest(scores, outputs, label)] - (double)scores[label];
        }
        if (targeted) margin = -margin;
        u32 hit = (now == label) == (targeted != 0) ? 1 : 0;
        bool better = finite && (hit > hits[row] || (hit == hits[row] && margin > margins[row]));
        if (better) {
            hits[row] = hit;
            margins[row] = margin;
        }
        classes[row] = finite ? now : NO_CLASS;
        seen[row] = finite ? margin : __longlong_as_double(0x7ff8000000000000);
        shared[0] = better ? 1.0 : 0.0;
    }
    __syncthreads();
    if (shared[0] == 0.0) return;
    for (size_t at = (size_t)row * width + threadIdx.x; at < (size_t)(row + 1) * width; at += blockDim.x) best[at] = x[at];
}
