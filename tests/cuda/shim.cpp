// Runs a kernel's blocks one by one, in an order drawn from a seed; a block's threads are fibers.
//
// Found here: a barrier or a shuffle that not all threads reach, or reach at different lines; a thread that ends while
// others wait for it; a mask that does not hold the caller; shared memory read before it is written (it is full of NaN at
// the start of each block) or used beyond what the launch asked for. A dropped barrier shows as NaN or as a difference
// between seeds. Not found: races inside one stretch without barriers where no order of whole threads shows them.

#include "shim.h"

#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>

// Going on on another stack. The C library's own way asks the kernel for its signal mask each time: 50 times slower.
#if defined(__x86_64__)
extern "C" void switch_stack(void** save, void* load);
asm(R"(
.text
.globl switch_stack
switch_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");
struct Context {
    void* top;
};
static void prepare(Context& context, unsigned char* stack, size_t size, void (*entry)()) {
    void** top = (void**)(stack + size) - 8;
    for (int at = 0; at < 8; at++) top[at] = nullptr;
    top[6] = (void*)entry;  // where `ret` goes; the stack is then as after a call
    context.top = top;
}
static void go_on(Context& from, Context& to) { switch_stack(&from.top, to.top); }
#else
#include <ucontext.h>
struct Context {
    ucontext_t context;
};
static void prepare(Context& context, unsigned char* stack, size_t size, void (*entry)()) {
    getcontext(&context.context);
    context.context.uc_stack.ss_sp = stack;
    context.context.uc_stack.ss_size = size;
    context.context.uc_link = nullptr;
    makecontext(&context.context, entry, 0);
}
static void go_on(Context& from, Context& to) { swapcontext(&from.context, &to.context); }
#endif

Dim threadIdx, blockIdx, blockDim, gridDim;
Entry* entries = nullptr;

// 227 KiB, what a block can have on the largest devices, and a canary behind it.
const size_t ROOM = 227 * 1024, CANARY = 4096;
double shared[(ROOM + CANARY) / 8];

namespace {

const unsigned MOST = 1024;
const size_t STACK = 64 * 1024;

enum State { READY, AT_BARRIER, AT_EXCHANGE, ENDED };

struct Fiber {
    Context context;
    State state;
    int line;
    unsigned mask, source;
    unsigned char value[8], other[8];
};

Fiber fibers[MOST];
unsigned char* stacks = nullptr;
Context scheduler;
unsigned current;
uint64_t random_state;
void (*body)(void**);
void** body_arguments;
char message[512];
bool failed;

uint64_t draw() {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

void fail(const char* what, int line) {
    if (failed) return;
    failed = true;
    snprintf(message, sizeof message, "%s at line %d, thread %u of block (%u, %u)", what, line, current, blockIdx.x,
             blockIdx.y);
}

// Back to the scheduler until it makes this fiber ready again.
void wait_here() {
    unsigned self = current;
    go_on(fibers[self].context, scheduler);
}

void start() {
    body(body_arguments);
    fibers[current].state = ENDED;
    go_on(fibers[current].context, scheduler);
}

// Serves an exchange if all lanes of its mask are there. Returns whether it did.
bool serve(unsigned lane, unsigned threads) {
    Fiber& asker = fibers[lane];
    unsigned warp = lane / 32 * 32;
    for (unsigned l = 0; l < 32; l++) {
        if (!(asker.mask >> l & 1)) continue;
        if (warp + l >= threads) {
            fail("a shuffle's mask holds a lane that is not there", asker.line);
            return false;
        }
        Fiber& fiber = fibers[warp + l];
        if (fiber.state != AT_EXCHANGE) return false;
        if (fiber.line != asker.line || fiber.mask != asker.mask) {
            fail("lanes of one mask wait at different shuffles", asker.line);
            return false;
        }
    }
    for (unsigned l = 0; l < 32; l++) {
        if (!(asker.mask >> l & 1)) continue;
        Fiber& fiber = fibers[warp + l];
        // A lane outside of the mask has nothing to give.
        if (asker.mask >> fiber.source & 1) memcpy(fiber.other, fibers[warp + fiber.source].value, 8);
        else memset(fiber.other, 0xff, 8);
    }
    for (unsigned l = 0; l < 32; l++) {
        if (asker.mask >> l & 1) fibers[warp + l].state = READY;
    }
    return true;
}

void run_block(unsigned threads) {
    for (unsigned t = 0; t < threads; t++) {
        Fiber& fiber = fibers[t];
        prepare(fiber.context, stacks + (size_t)t * STACK, STACK, start);
        fiber.state = READY;
    }
    unsigned ready[MOST];
    while (!failed) {
        unsigned count = 0, ended = 0, waiting = 0;
        for (unsigned t = 0; t < threads; t++) {
            if (fibers[t].state == READY) ready[count++] = t;
            ended += fibers[t].state == ENDED;
            waiting += fibers[t].state == AT_BARRIER;
        }
        if (ended == threads) return;
        if (count > 0) {
            // All that are ready go on, in a drawn order: one pass costs one look at each.
            for (unsigned left = count; left > 0 && !failed; left--) {
                unsigned at = draw() % left;
                current = ready[at];
                ready[at] = ready[left - 1];
                threadIdx.x = current;
                go_on(scheduler, fibers[current].context);
            }
            continue;
        }
        if (waiting == threads) {
            for (unsigned t = 1; t < threads; t++) {
                current = t;
                if (fibers[t].line != fibers[0].line) fail("threads wait at different barriers", fibers[t].line);
            }
            for (unsigned t = 0; t < threads; t++) fibers[t].state = READY;
            continue;
        }
        bool served = false;
        for (unsigned t = 0; t < threads && !failed; t++) {
            if (fibers[t].state == AT_EXCHANGE) served |= serve(t, threads);
        }
        if (!served && !failed) {
            unsigned t = 0;
            while (fibers[t].state == ENDED) t++;
            current = t;
            fail(fibers[t].state == AT_BARRIER ? "not all threads reach the barrier" : "not all lanes reach the shuffle",
                 fibers[t].line);
        }
    }
}

}  // namespace

void barrier(int line) {
    Fiber& fiber = fibers[current];
    fiber.state = AT_BARRIER;
    fiber.line = line;
    wait_here();
}

void exchange(unsigned mask, unsigned source, const void* own, void* other, size_t size, int line) {
    Fiber& fiber = fibers[current];
    if (!(mask >> (current % 32) & 1)) fail("a shuffle's mask does not hold the caller", line);
    fiber.state = AT_EXCHANGE;
    fiber.line = line;
    fiber.mask = mask;
    fiber.source = source;
    memcpy(fiber.value, own, size);
    wait_here();
    memcpy(other, fiber.other, size);
}

// Runs a kernel. Returns null, or what went wrong.
extern "C" const char* shim_launch(const char* name, unsigned grid_x, unsigned grid_y, unsigned threads, size_t bytes,
                                   void** arguments, size_t count, uint64_t seed) {
    Entry* entry = entries;
    while (entry && strcmp(entry->name, name) != 0) entry = entry->next;
    if (!entry) return "no such kernel";
    if (entry->arguments != count) return "the launch has another number of arguments than the kernel";
    if (threads == 0 || threads > MOST || bytes > ROOM) return "a block that no device can run";
    if (grid_x == 0 || grid_y == 0 || grid_y > 65535) return "a grid that no device can run";
    if (!stacks) {
        void* room = mmap(nullptr, MOST * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (room == MAP_FAILED) return "no memory for the threads' stacks";
        stacks = (unsigned char*)room;
    }
    failed = false;
    random_state = seed * 0x9e3779b97f4a7c15ull + 0x1234567;
    body = entry->call;
    body_arguments = arguments;
    blockDim = {threads, 1, 1};
    gridDim = {grid_x, grid_y, 1};
    // Blocks in a drawn order: number i of a cycle of step `step`, prime to their number.
    uint64_t blocks = (uint64_t)grid_x * grid_y, at = draw() % blocks, step = draw() % blocks | 1;
    auto divides = [](uint64_t a, uint64_t b) { while (b) { uint64_t r = a % b; a = b; b = r; } return a; };
    while (divides(blocks, step) != 1) step++;
    for (uint64_t i = 0; i < blocks && !failed; i++, at = (at + step) % blocks) {
        blockIdx = {(unsigned)(at % grid_x), (unsigned)(at / grid_x), 0};
        threadIdx = {0, 0, 0};
        memset(shared, 0xff, bytes + CANARY);
        run_block(threads);
        unsigned char* end = (unsigned char*)shared + bytes;
        for (unsigned char* byte = end; byte < end + CANARY && !failed; byte++) {
            if (*byte != 0xff) fail("shared memory was written beyond what the launch asked for", 0);
        }
    }
    return failed ? message : nullptr;
}
