// A stand-in for libcuda.so.1, so that the host code runs without a GPU: device memory is host
// memory, streams run at once, a capture records, and kernels are the emulated ones.
//
// STEPMARK_CUDA_INIT has its start fail with that error, and STEPMARK_CLOCK_KHZ is the clock rate that
// it promises. Only what cudarc calls for us is here. A module is loaded from the PTX that ships, and refused
// where an entry's parameters differ from those of the emulated kernel of the same name.
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <tuple>

#include "language.h"

#include "../../src/gpu/gpu.cu"
#include "../../src/lattice/lattice.cu"

namespace {

enum Result {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    INVALID_DEVICE = 101,
    INVALID_PTX = 218,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    LAUNCH_FAILED = 719,
    CAPTURE_UNSUPPORTED = 900,
    CAPTURE_INVALIDATED = 901,
    CAPTURE_ISOLATION = 905,
};

struct Entry {
    const char *name;
    emulator::Kernel kernel;
    std::vector<size_t> sizes; // of its parameters
};

template <auto Function> struct Wrap;
template <class... A, void (*Function)(A...)> struct Wrap<Function> {
    template <size_t... I> static void unpack(void **arguments, std::index_sequence<I...>) {
        (void)arguments;
        Function(*static_cast<A *>(arguments[I])...);
    }
    static void call(void **arguments) { unpack(arguments, std::index_sequence_for<A...>{}); }
    static Entry entry(const char *name) { return {name, call, {sizeof(A)...}}; }
};

#define ENTRY(kernel) Wrap<kernel>::entry(#kernel)
const Entry entries[] = {
    ENTRY(sm_clock),         ENTRY(expand),
    ENTRY(encode_z2),        ENTRY(encode_d4),       ENTRY(encode_e8),
    ENTRY(encode_z2_q4_m2),  ENTRY(encode_d4_q4_m2), ENTRY(encode_e8_q4_m2),
    ENTRY(decode_z2),        ENTRY(decode_d4),       ENTRY(decode_e8),
    ENTRY(decode_z2_wide),   ENTRY(decode_d4_wide),  ENTRY(decode_e8_wide),
    ENTRY(decode_z2_q4_m2),  ENTRY(decode_d4_q4_m2), ENTRY(decode_e8_q4_m2),
    ENTRY(quantize_z2),      ENTRY(quantize_d4),     ENTRY(quantize_e8),
    ENTRY(dot_z2),           ENTRY(dot_d4),          ENTRY(dot_e8),
    ENTRY(dot_table_z2),     ENTRY(dot_table_d4),    ENTRY(dot_table_e8),
};

using Operation = std::function<Result()>;

struct Graph {
    std::vector<Operation> operations;
};
struct Stream {
    std::unique_ptr<Graph> capture;
};
struct Event {
    unsigned long long ns = 0;
};
struct Module {
    std::map<std::string, const Entry *> functions;
};

std::recursive_mutex mutex;
std::map<uintptr_t, size_t> allocations;
Stream null_stream;
int device_context;
thread_local void *current_context;

Stream *stream(void *handle) { return uintptr_t(handle) <= 2 ? &null_stream : static_cast<Stream *>(handle); }

Result enqueue(void *handle, Operation operation) {
    std::lock_guard lock(mutex);
    Stream *s = stream(handle);
    if (!s->capture) return operation();
    s->capture->operations.push_back(std::move(operation));
    return SUCCESS;
}

bool is_device(uintptr_t p, size_t bytes) {
    std::lock_guard lock(mutex);
    auto after = allocations.upper_bound(p);
    if (after == allocations.begin()) return bytes == 0;
    const auto &[start, size] = *--after;
    return p + bytes <= start + size;
}

// The sizes of the parameters between the parentheses of an entry.
std::vector<size_t> parameters(const std::string &list) {
    std::vector<size_t> sizes;
    for (size_t at = list.find(".param"); at != list.npos; at = list.find(".param", at + 1)) {
        const std::string one = list.substr(at, list.find(',', at) - at);
        const size_t array = one.find('[');
        const size_t type = one.find_first_of("0123456789", one.rfind('.'));
        sizes.push_back(array != one.npos ? strtoul(&one[array + 1], nullptr, 10) : strtoul(&one[type], nullptr, 10) / 8);
    }
    return sizes;
}

// A number that the tests set.
int number(const char *name, int otherwise) {
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}

} // namespace

#define API extern "C" __attribute__((visibility("default"))) Result

API cuInit(unsigned) { return Result(number("STEPMARK_CUDA_INIT", SUCCESS)); }
API cuDriverGetVersion(int *version) {
    *version = 13000;
    return SUCCESS;
}
API cuGetErrorName(Result result, const char **name) {
    static thread_local std::string text;
    text = "EMULATED_CUDA_ERROR_" + std::to_string(result);
    *name = text.c_str();
    return SUCCESS;
}
API cuGetErrorString(Result result, const char **text) { return cuGetErrorName(result, text); }

API cuDeviceGetCount(int *count) {
    *count = 1;
    return SUCCESS;
}
API cuDeviceGet(int *device, int ordinal) {
    *device = 0;
    return ordinal ? INVALID_DEVICE : SUCCESS;
}
API cuDeviceGetName(char *name, int size, int) {
    snprintf(name, size_t(size), "emulated device");
    return SUCCESS;
}
API cuDeviceTotalMem_v2(size_t *bytes, int) {
    *bytes = size_t(1) << 30;
    return SUCCESS;
}
API cuDeviceGetAttribute(int *value, int attribute, int) {
    switch (attribute) {
    case 13: *value = number("STEPMARK_CLOCK_KHZ", 1000000); break; // the emulated clock runs at 1 GHz
    case 16: *value = 2; break;       // multiprocessors
    case 38: *value = 1 << 18; break; // bytes of L2
    case 75: *value = 7; break;       // compute capability
    case 76: *value = 5; break;
    case 115: *value = 1; break; // memory pools
    default: *value = 1;
    }
    return SUCCESS;
}
API cuDevicePrimaryCtxRetain(void **context, int) {
    *context = &device_context;
    return SUCCESS;
}
API cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
API cuCtxGetCurrent(void **context) {
    *context = current_context;
    return SUCCESS;
}
API cuCtxSetCurrent(void *context) {
    current_context = context;
    return SUCCESS;
}
API cuCtxSynchronize() { return SUCCESS; }
API cuMemGetInfo_v2(size_t *available, size_t *total) {
    *available = *total = size_t(1) << 30;
    return SUCCESS;
}

API cuStreamCreate(void **s, unsigned) {
    *s = new Stream;
    return SUCCESS;
}
API cuStreamDestroy_v2(void *s) {
    delete static_cast<Stream *>(s);
    return SUCCESS;
}
API cuStreamSynchronize(void *s) { return stream(s)->capture ? CAPTURE_UNSUPPORTED : SUCCESS; }
API cuStreamWaitEvent(void *s, void *, unsigned) { return stream(s)->capture ? CAPTURE_ISOLATION : SUCCESS; }
API cuStreamBeginCapture_v2(void *s, int) {
    if (stream(s) == &null_stream || stream(s)->capture) return CAPTURE_INVALIDATED;
    stream(s)->capture = std::make_unique<Graph>();
    return SUCCESS;
}
API cuStreamEndCapture(void *s, void **graph) {
    *graph = stream(s)->capture.release();
    return *graph ? SUCCESS : CAPTURE_INVALIDATED;
}
API cuStreamIsCapturing(void *s, int *status) {
    *status = stream(s)->capture ? 1 : 0;
    return SUCCESS;
}
API cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long) {
    *executable = new Graph(*static_cast<Graph *>(graph));
    return SUCCESS;
}
API cuGraphExecDestroy(void *executable) {
    delete static_cast<Graph *>(executable);
    return SUCCESS;
}
API cuGraphDestroy(void *graph) {
    delete static_cast<Graph *>(graph);
    return SUCCESS;
}
API cuGraphUpload(void *, void *) { return SUCCESS; }
API cuGraphLaunch(void *executable, void *) {
    std::lock_guard lock(mutex);
    for (auto &operation : static_cast<Graph *>(executable)->operations)
        if (Result result = operation()) return result;
    return SUCCESS;
}

API cuEventCreate(void **event, unsigned) {
    *event = new Event;
    return SUCCESS;
}
API cuEventDestroy_v2(void *event) {
    delete static_cast<Event *>(event);
    return SUCCESS;
}
API cuEventRecord(void *event, void *s) {
    return enqueue(s, [event] {
        static_cast<Event *>(event)->ns = nanoseconds();
        return SUCCESS;
    });
}
API cuEventSynchronize(void *) { return SUCCESS; }
API cuEventQuery(void *) { return SUCCESS; }
API cuEventElapsedTime(float *ms, void *from, void *to) {
    *ms = float(static_cast<Event *>(to)->ns - static_cast<Event *>(from)->ns) * 1e-6f;
    return SUCCESS;
}

API cuMemAlloc_v2(uintptr_t *p, size_t bytes) {
    std::lock_guard lock(mutex);
    void *memory = nullptr;
    if (posix_memalign(&memory, 256, std::max<size_t>(bytes, 1))) return OUT_OF_MEMORY;
    // Valgrind tells when a kernel uses what nobody wrote; without it, such bytes are odd at least.
    if (!RUNNING_ON_VALGRIND) memset(memory, 0xcb, bytes);
    allocations[*p = uintptr_t(memory)] = bytes;
    return SUCCESS;
}
API cuMemFree_v2(uintptr_t p) {
    std::lock_guard lock(mutex);
    if (!allocations.erase(p)) return INVALID_VALUE;
    free(reinterpret_cast<void *>(p));
    return SUCCESS;
}
API cuMemAllocAsync(uintptr_t *p, size_t bytes, void *) { return cuMemAlloc_v2(p, bytes); }
API cuMemFreeAsync(uintptr_t p, void *) { return cuMemFree_v2(p); }
API cuMemcpyHtoDAsync_v2(uintptr_t to, const void *from, size_t bytes, void *s) {
    return enqueue(s, [=] {
        if (!is_device(to, bytes)) return INVALID_VALUE;
        memcpy(reinterpret_cast<void *>(to), from, bytes);
        return SUCCESS;
    });
}
API cuMemcpyDtoHAsync_v2(void *to, uintptr_t from, size_t bytes, void *s) {
    return enqueue(s, [=] {
        if (!is_device(from, bytes)) return INVALID_VALUE;
        memcpy(to, reinterpret_cast<void *>(from), bytes);
        return SUCCESS;
    });
}
API cuMemcpyDtoDAsync_v2(uintptr_t to, uintptr_t from, size_t bytes, void *s) {
    return enqueue(s, [=] {
        if (!is_device(to, bytes) || !is_device(from, bytes)) return INVALID_VALUE;
        memmove(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), bytes);
        return SUCCESS;
    });
}
API cuMemsetD8Async(uintptr_t to, unsigned char value, size_t bytes, void *s) {
    return enqueue(s, [=] {
        if (!is_device(to, bytes)) return INVALID_VALUE;
        memset(reinterpret_cast<void *>(to), value, bytes);
        return SUCCESS;
    });
}

API cuModuleLoadData(void **module, const void *image) {
    const std::string text(static_cast<const char *>(image)), mark = ".visible .entry ";
    auto loaded = std::make_unique<Module>();
    for (size_t at = text.find(mark); at != text.npos; at = text.find(mark, at + 1)) {
        const size_t name = at + mark.size(), open = text.find('(', name), close = text.find(")\n", open);
        const std::string function = text.substr(name, open - name);
        const auto entry = std::find_if(std::begin(entries), std::end(entries),
                                        [&](const Entry &e) { return function == e.name; });
        if (entry == std::end(entries) || entry->sizes != parameters(text.substr(open, close - open))) {
            fprintf(stderr, "emulated driver: %s of the PTX is not the emulated kernel\n", function.c_str());
            return INVALID_PTX;
        }
        loaded->functions[function] = entry;
    }
    if (loaded->functions.empty()) return INVALID_PTX;
    *module = loaded.release();
    return SUCCESS;
}
API cuModuleUnload(void *module) {
    delete static_cast<Module *>(module);
    return SUCCESS;
}
API cuModuleGetFunction(void **function, void *module, const char *name) {
    const auto &functions = static_cast<Module *>(module)->functions;
    const auto found = functions.find(name);
    if (found == functions.end()) return NOT_FOUND;
    *function = const_cast<Entry *>(found->second);
    return SUCCESS;
}
API cuFuncGetAttribute(int *value, int, void *) {
    *value = 0;
    return SUCCESS;
}
API cuFuncSetAttribute(void *, int, int) { return SUCCESS; }
API cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, void *, int, size_t, unsigned) {
    *blocks = 2;
    return SUCCESS;
}
API cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned dynamic, void *s, void **arguments, void **) {
    const Entry *entry = static_cast<const Entry *>(function);
    if (dynamic) return INVALID_VALUE;
    // Arguments are copied when the launch is enqueued, as CUDA does.
    std::vector<std::vector<uint64_t>> copies;
    for (size_t i = 0; i < entry->sizes.size(); i++) {
        copies.emplace_back((entry->sizes[i] + 7) / 8);
        memcpy(copies.back().data(), arguments[i], entry->sizes[i]);
    }
    return enqueue(s, [=]() mutable {
        std::vector<void *> pointers;
        for (auto &copy : copies) pointers.push_back(copy.data());
        const std::string error = emulator::launch(entry->kernel, pointers.data(), {gx, gy, gz}, {bx, by, bz});
        if (error.empty()) return SUCCESS;
        fprintf(stderr, "emulated driver: %s: %s\n", entry->name, error.c_str());
        return LAUNCH_FAILED;
    });
}
