// The emulator against kernels that are wrong on purpose: each must be seen, and a right one not.
#include "language.h"

#include <cstdio>

namespace {

// A sum that needs the barrier between its two halves.
void racy(float *out) {
    __shared__ float part[64];
    part[threadIdx.x] = 1.0f;
    if (threadIdx.x == 0) {
        *out = 0;
        for (int k = 0; k < 64; k++) *out += part[k];
    }
}

void right(float *out) {
    __shared__ float part[64];
    part[threadIdx.x] = 1.0f;
    __syncthreads();
    float sum = 0;
    for (int k = 0; k < 64; k++) sum += part[k];
    // Every lane has 64; the sum over a warp is 2048, the flags of the upper half are set.
    for (int by = 16; by; by /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, by);
    const bool flags = __ballot_sync(0xffffffffu, threadIdx.x % 32 > 15) == 0xffff0000u;
    const float next = __shfl_down_sync(0xffffffffu, float(threadIdx.x), 1);
    const float last = __shfl_sync(0xffffffffu, float(threadIdx.x), 31);
    __syncwarp();
    if (threadIdx.x == 40) *out = flags ? sum + next + last : -1;
}

void divergent(float *out) {
    if (threadIdx.x < 16) __syncthreads();
    else __syncthreads();
    out[0] = 1;
}

void unfinished(float *out) {
    if (threadIdx.x > 15) return;
    __syncthreads();
    out[0] = 1;
}

void wrong_lanes(float *out) {
    if (threadIdx.x < 16) out[0] = __any_sync(0xffffffffu, true);
}

void outside_mask(float *out) {
    if (threadIdx.x < 32) out[0] = __shfl_sync(0xffffu, 1.0f, 0);
}

void bad_source(float *out) {
    if (threadIdx.x < 16) out[0] = __shfl_sync(0xffffu, 1.0f, 20);
}

template <void (*Kernel)(float *)> void call(void **arguments) { Kernel(*static_cast<float **>(arguments[0])); }

int failures = 0;

std::string run(emulator::Kernel kernel, float &out) {
    float *pointer = &out;
    void *arguments[] = {&pointer};
    out = 0;
    return emulator::launch(kernel, arguments, {1, 1, 1}, {64, 1, 1});
}

template <void (*Kernel)(float *)> void expect(const char *name, const char *error) {
    float out;
    const std::string got = run(call<Kernel>, out);
    if (got.find(error) != got.npos && got.empty() == !*error) return;
    printf("emulator: %s ends with `%s`, expected `%s`\n", name, got.c_str(), error);
    failures++;
}

} // namespace

int main() {
    for (const char *schedule : {"forward", "reverse", "shuffled"}) {
        setenv("STEPMARK_SCHEDULE", schedule, 1);
        float out;
        const std::string error = run(call<right>, out);
        if (!error.empty() || out != 2048 + 41 + 63) {
            printf("emulator: a right kernel leaves %g, `%s`, %s\n", double(out), error.c_str(), schedule);
            failures++;
        }
        expect<divergent>("divergent", "different barriers");
        expect<unfinished>("unfinished", "before the barrier");
        expect<wrong_lanes>("wrong_lanes", "lane");
        expect<outside_mask>("outside_mask", "not in the mask");
        expect<bad_source>("bad_source", "not in the mask");
    }
    float forward, reverse;
    setenv("STEPMARK_SCHEDULE", "forward", 1);
    run(call<racy>, forward);
    setenv("STEPMARK_SCHEDULE", "reverse", 1);
    run(call<racy>, reverse);
    if (forward == reverse) {
        printf("emulator: a race leaves %g in both orders\n", double(forward));
        failures++;
    }
    setenv("STEPMARK_SCHEDULE", "backward", 1);
    expect<right>("an unknown schedule", "STEPMARK_SCHEDULE");
    if (!failures) printf("emulator: races, barriers and collectives are seen\n");
    return failures != 0;
}
