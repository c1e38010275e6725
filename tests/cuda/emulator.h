// Runs the threads of CUDA blocks on one thread of the host.
//
// A CUDA thread gets a fiber of its own only when it waits, so that kernels without barriers are a
// plain loop. Shared memory is filled with 0xff before every block. `STEPMARK_SCHEDULE` is the order
// in which threads run: `forward`, `reverse` or `shuffled`; a kernel whose bits depend on it has a
// race. Barriers that not every thread reaches and collectives of the wrong lanes end the launch with
// an error. Not modelled: the memory of a real machine, where more races show than these orders do.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_STACK_REGISTER(from, to)
#define RUNNING_ON_VALGRIND 0
#endif

// The section that holds every `__shared__` variable; the linker knows where it starts and stops.
extern "C" char __start_cuda_shared[] __attribute__((weak)), __stop_cuda_shared[] __attribute__((weak));

namespace emulator {

struct Dim {
    unsigned x, y, z;
};

using Kernel = void (*)(void **arguments);

enum class State { fresh, ready, barrier, collective, done };

struct Fiber {
    static constexpr size_t size = 128 << 10;
    ucontext_t context;
    std::unique_ptr<char[]> stack{new char[size]};
};

struct Thread {
    State state;
    Fiber *fiber;       // that it waits in
    int line;           // of the barrier or collective that it waits in
    unsigned mask;      // of its collective
    uint64_t value;     // that it brings to the collective
    uint64_t lanes[32]; // and what the others brought
};

// The launch that runs now.
struct Launch {
    Dim grid, block, index; // index: of the block that runs now
    Kernel kernel;
    void **arguments;
    std::vector<Thread> threads;
    std::vector<unsigned> order;
    unsigned begun;   // how many of `order` have begun
    unsigned current; // the thread that runs now
    Fiber *fiber;     // the fiber that runs now
    std::string error;
};

inline Launch now;
inline ucontext_t scheduler;
inline std::vector<std::unique_ptr<Fiber>> fibers;
inline std::vector<Fiber *> idle;

[[noreturn]] inline void fail(const char *why, int line) {
    now.error = why + (" (line " + std::to_string(line) + ")");
    setcontext(&scheduler);
    abort();
}

// Leaves the current thread until the scheduler comes back to it.
inline void wait(State state, int line) {
    Thread &thread = now.threads[now.current];
    thread.state = state, thread.line = line, thread.fiber = now.fiber;
    swapcontext(&now.fiber->context, &scheduler);
}

// A fiber runs one fresh thread after the other, until one waits.
inline void run_fresh() {
    for (;;) {
        while (now.begun < now.threads.size()) {
            const unsigned thread = now.current = now.order[now.begun++];
            now.kernel(now.arguments);
            now.threads[thread].state = State::done;
        }
        idle.push_back(now.fiber);
        swapcontext(&now.fiber->context, &scheduler);
    }
}

inline void make_fiber() {
    fibers.push_back(std::make_unique<Fiber>());
    Fiber *fiber = fibers.back().get();
    VALGRIND_STACK_REGISTER(fiber->stack.get(), fiber->stack.get() + Fiber::size);
    getcontext(&fiber->context);
    fiber->context.uc_stack = {fiber->stack.get(), 0, Fiber::size};
    fiber->context.uc_link = nullptr;
    makecontext(&fiber->context, run_fresh, 0);
    idle.push_back(fiber);
}

inline Fiber *idle_fiber() {
    if (idle.empty()) make_fiber();
    Fiber *fiber = idle.back();
    idle.pop_back();
    return fiber;
}

inline void resume(Fiber *fiber) {
    now.fiber = fiber;
    swapcontext(&scheduler, &fiber->context);
}

// Lets all threads through the barrier that they wait in; returns whether the block goes on.
inline bool open_barrier() {
    size_t waiting = 0;
    int line = 0;
    for (const Thread &thread : now.threads) {
        if (thread.state == State::done) continue;
        if (thread.state == State::collective) fail("a lane of the mask never comes to the collective", thread.line);
        if (waiting++ && thread.line != line) fail("threads wait in different barriers", thread.line);
        line = thread.line;
    }
    if (waiting && waiting < now.threads.size()) fail("a thread ended before the barrier", line);
    for (Thread &thread : now.threads)
        if (thread.state == State::barrier) thread.state = State::ready;
    return waiting > 0;
}

inline void run_block() {
    now.begun = 0;
    for (Thread &thread : now.threads) thread.state = State::fresh;
    if (__start_cuda_shared) memset(__start_cuda_shared, 0xff, __stop_cuda_shared - __start_cuda_shared);
    getcontext(&scheduler); // `fail` comes back here
    while (now.error.empty()) {
        bool progress = false;
        if (now.begun < now.threads.size()) resume(idle_fiber()), progress = true;
        for (unsigned thread : now.order) {
            if (!now.error.empty()) return;
            if (now.threads[thread].state != State::ready) continue;
            now.current = thread;
            resume(now.threads[thread].fiber);
            progress = true;
        }
        if (now.error.empty() && !progress && !open_barrier()) return;
    }
}

inline std::vector<unsigned> order(size_t threads) {
    std::vector<unsigned> order(threads);
    std::iota(order.begin(), order.end(), 0);
    const char *schedule = getenv("STEPMARK_SCHEDULE");
    const std::string name = schedule ? schedule : "forward";
    if (name == "reverse") {
        std::reverse(order.begin(), order.end());
    } else if (name == "shuffled") {
        uint64_t random = 1;
        for (size_t left = threads; left > 1; left--) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            std::swap(order[left - 1], order[(random >> 33) % left]);
        }
    } else if (name != "forward") {
        now.error = "STEPMARK_SCHEDULE is not forward, reverse or shuffled";
    }
    return order;
}

// Runs a grid; returns what went wrong, or nothing.
inline std::string launch(Kernel kernel, void **arguments, Dim grid, Dim block) {
    const size_t threads = size_t(block.x) * block.y * block.z;
    now.error.clear();
    if (threads == 0 || threads > 1024 || !grid.x || !grid.y || !grid.z) return "impossible launch configuration";
    now.grid = grid, now.block = block, now.kernel = kernel, now.arguments = arguments;
    now.threads.resize(threads);
    now.order = order(threads);
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x && now.error.empty(); x++) {
                now.index = {x, y, z};
                run_block();
            }
    // A failed launch leaves threads in the middle of their fibers.
    if (!now.error.empty()) idle.clear(), fibers.clear();
    return now.error;
}

inline Dim thread_index() {
    const Dim &block = now.block;
    return {now.current % block.x, now.current / block.x % block.y, now.current / (block.x * block.y)};
}

inline void barrier(int line) { wait(State::barrier, line); }

// The values that the lanes of the mask bring; all of them come to the same line.
inline const uint64_t *collective(unsigned mask, uint64_t value, int line) {
    Thread *warp = &now.threads[now.current & ~31u], *me = &now.threads[now.current];
    if (!(mask >> (now.current & 31) & 1)) fail("the calling lane is not in the mask", line);
    me->mask = mask, me->value = value, me->line = line;
    const size_t lanes = std::min<size_t>(32, now.threads.data() + now.threads.size() - warp);
    bool complete = true;
    for (size_t lane = 0; lane < lanes; lane++) {
        Thread &other = warp[lane];
        if (!(mask >> lane & 1) || &other == me) continue;
        if (other.state == State::done) fail("a lane of the mask has ended", line);
        if (other.state != State::collective) complete = false;
        else if (other.mask != mask || other.line != line) fail("lanes meet in different collectives", line);
    }
    if (!complete) {
        wait(State::collective, line);
        return now.threads[now.current].lanes;
    }
    for (size_t lane = 0; lane < lanes; lane++) {
        if (!(mask >> lane & 1)) continue;
        for (size_t from = 0; from < lanes; from++) warp[lane].lanes[from] = warp[from].value;
        if (&warp[lane] != me) warp[lane].state = State::ready;
    }
    return me->lanes;
}

inline bool vote(const uint64_t *lanes, unsigned mask, bool all) {
    for (unsigned lane = 0; lane < 32; lane++)
        if ((mask >> lane & 1) && (lanes[lane] != 0) != all) return !all;
    return all;
}

inline unsigned ballot(unsigned mask, bool value, int line) {
    const uint64_t *lanes = collective(mask, value, line);
    unsigned bits = 0;
    for (unsigned lane = 0; lane < 32 && (now.current & ~31u) + lane < now.threads.size(); lane++)
        if (mask >> lane & 1) bits |= unsigned(lanes[lane] != 0) << lane;
    return bits;
}

template <class T> T shuffle(unsigned mask, T value, unsigned from, int line) {
    static_assert(sizeof(T) <= 8);
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    const uint64_t *lanes = collective(mask, bits, line);
    if (from > 31 || !(mask >> from & 1)) fail("a shuffle reads a lane that is not in the mask", line);
    memcpy(&value, &lanes[from], sizeof value);
    return value;
}

} // namespace emulator
