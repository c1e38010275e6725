#!/usr/bin/env python3
"""Compiles CUDA C++ to PTX with the NVRTC of a Python environment: nvrtc.py SITE_PACKAGES SOURCE OUT

Needs no GPU, driver or toolkit. The text is the same in every folder and on every run.
"""

import ctypes
import pathlib
import re
import sys

OPTIONS = [
    "--gpu-architecture=compute_75",
    "--std=c++17",
    "--fmad=false",  # a product and a sum are two roundings, as on the CPU
    "--generate-line-info",
]
# Plain kernels need nothing of newer PTX, and drivers of CUDA 11 load this one.
VERSION = "7.0"


def compile(lib, source):
    def call(name, *args):
        if status := getattr(lib, name)(*args):
            raise SystemExit(f"nvrtc.py: {source}: {name} returned {status}\n{log()}")

    def text(size, get):
        length = ctypes.c_size_t()
        call(size, program, ctypes.byref(length))
        buffer = ctypes.create_string_buffer(length.value)
        call(get, program, buffer)
        return buffer.value.decode()

    def log():
        return text("nvrtcGetProgramLogSize", "nvrtcGetProgramLog") if program else ""

    program = ctypes.c_void_p()
    headers = sorted(source.parent.glob("*.cuh"))
    array = lambda values: (ctypes.c_char_p * len(values))(*values)
    call(
        "nvrtcCreateProgram",
        ctypes.byref(program),
        source.read_bytes(),
        source.name.encode(),
        len(headers),
        array([header.read_bytes() for header in headers]),
        array([header.name.encode() for header in headers]),
    )
    call("nvrtcCompileProgram", program, len(OPTIONS), array([o.encode() for o in OPTIONS]))
    if said := log().strip("\0\n "):
        raise SystemExit(f"nvrtc.py: {source}: a warning is an error\n{said}")
    ptx = text("nvrtcGetPTXSize", "nvrtcGetPTX")
    ptx, count = re.subn(r"^\.version \d+\.\d+$", f".version {VERSION}", ptx, flags=re.M)
    assert count == 1, "one .version line"
    # Line tables name the files from the root of the repository, wherever it lies.
    return re.sub(r'(\.file\s+\d+ )"[^"]*?([^/"]+)"', rf'\1"{source.parent}/\2"', ptx)


def main():
    site, source, out = map(pathlib.Path, sys.argv[1:])
    lib = site / "nvidia/cu13/lib"
    # NVRTC opens its builtins by name; loaded first, they are found.
    ctypes.CDLL(str(lib / "libnvrtc-builtins.so.13.0"), mode=ctypes.RTLD_GLOBAL)
    out.write_text(compile(ctypes.CDLL(str(lib / "libnvrtc.so.13")), source))


main()
