#!/usr/bin/env python3
"""Holds the shipped CUDA kernels to ptxas's report: no spills and no stack frames on sm_86 and sm_90.

    scripts/ci/ptxas_check.py [--write docs/kernel-resources.md]

Compiles every kernels/**/*.cu for both GPUs, prints what is wrong and exits with 1, or writes the table of registers,
shared memory and occupancy. Occupancy is of the static needs; dynamic shared memory is the launch's. The cubins lie below
build/sass, where bench/sass_report finds them.
"""
import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from sass.errors import ReportError  # noqa: E402
from sass.tools import Tools  # noqa: E402

# Per multiprocessor: threads, registers, bytes of shared memory, blocks (CUDA C++ Programming Guide, table "Technical
# Specifications per Compute Capability"); 1 KiB of shared memory per block is the system's.
GPUS = {
    86: {"threads": 1536, "registers": 65536, "shared": 100 * 1024, "blocks": 16},
    90: {"threads": 2048, "registers": 65536, "shared": 228 * 1024, "blocks": 32},
}
KERNEL = re.compile(r"Compiling entry function '(.+)' for")
FRAME = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")


def demangle(names):
    result = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True)
    return result.stdout.splitlines()


def short_name(demangled):
    """'void a::b::kernel<a::b::X>(long)' -> 'kernel<X>'"""
    name = demangled.removeprefix("void ")
    depth = 0
    for i, c in enumerate(name):
        depth += {"<": 1, ">": -1}.get(c, 0)
        if c == "(" and depth == 0 and not name.startswith("(anonymous", i):
            name = name[:i]
            break
    name = re.sub(r"\((?:int|bool)\)", "", name)
    return re.sub(r"(?:\w+|\(anonymous namespace\))::", "", name)


def kernels_of(report):
    """One dict per kernel of a report; fails if the report does not have the form that is known."""
    found = []
    for line in report.splitlines():
        if match := KERNEL.search(line):
            found.append({"name": match[1]})
        elif (match := FRAME.search(line)) and found and "stack" not in found[-1]:
            found[-1].update(stack=int(match[1]), spills=int(match[2]) + int(match[3]))
        elif (match := USED.search(line)) and found:
            shared = SHARED.search(line)
            found[-1].update(registers=int(match[1]), shared=int(shared[1]) if shared else 0)
    incomplete = [kernel["name"] for kernel in found if not {"stack", "spills", "registers", "shared"} <= set(kernel)]
    if incomplete:
        raise SystemExit(f"ptxas_check: no complete report of {incomplete}")
    for kernel, name in zip(found, demangle([kernel["name"] for kernel in found])):
        kernel["name"] = short_name(name)
    return found


def launch_bounds(source):
    """__launch_bounds__ of the kernels in a source and its headers: by name an expression, in which only template parameters
    may be left that are not numbers, and the names of those parameters in their order."""
    text = source.read_text() + "".join(path.read_text() for path in
                                        sorted([*ROOT.glob("kernels/**/*.cuh"), *source.parent.glob("*.h")]))
    constants = dict(re.findall(r"constexpr (?:int|unsigned|std::int64_t) (k\w+) = ([^;]+);", text))
    bounds = {}
    pattern = r"(?:template <([^>]*)>\s+)?(?:static )?__global__ void __launch_bounds__\(([^,)]+)[^)]*\)\s+(\w+)\("
    for parameters, expression, name in re.findall(pattern, text):
        while names := [constant for constant in re.findall(r"k[A-Z]\w*", expression) if constant in constants]:
            for constant in names:
                expression = re.sub(rf"\b{constant}\b", f"({constants[constant]})", expression)
        bounds[name] = expression, [parameter.split()[-1] for parameter in parameters.split(",") if parameter]
    return bounds


def threads_of(kernel, bounds):
    """Threads per block of a kernel by its name with template arguments: 'turn_weights_kernel<32>'."""
    name, _, arguments = kernel.partition("<")
    if name not in bounds:
        raise SystemExit(f"ptxas_check: {kernel} has no __launch_bounds__")
    expression, parameters = bounds[name]
    return eval(expression, {"__builtins__": {}}, dict(zip(parameters, map(number, arguments.rstrip(">").split(",")))))


def number(text):
    return int(text) if text.strip().isdigit() else None


def occupancy(kernel, threads, gpu):
    """Fraction of a multiprocessor's threads that can be resident."""
    limits = GPUS[gpu]
    registers = -(-kernel["registers"] * 32 // 256) * 256 * (threads // 32)  # given out in 256s per warp
    shared = -(-(kernel["shared"] + 1024) // 128) * 128
    blocks = min(limits["blocks"], limits["threads"] // threads, limits["registers"] // registers,
                 limits["shared"] // shared)
    return blocks * threads / limits["threads"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=pathlib.Path, help="where the table goes")
    options = parser.parse_args()
    tools = Tools(ROOT)
    sources = sorted(ROOT.glob("kernels/**/*.cu"))
    jobs = [(source, gpu) for source in sources for gpu in GPUS]
    try:
        version = ".".join(tools.nvcc_version().split(".")[:2])
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            compiled = list(pool.map(lambda job: tools.compile(job[0].relative_to(ROOT), job[1]), jobs))
    except ReportError as error:
        raise SystemExit(f"ptxas_check: {error}") from None
    reports = [kernels_of(report) for _, report in compiled]

    rows = {}
    faults = []
    for (source, gpu), kernels in zip(jobs, reports):
        bounds = launch_bounds(source)
        for kernel in kernels:
            threads = threads_of(kernel["name"], bounds)
            kernel["occupancy"] = occupancy(kernel, threads, gpu)
            entry = rows.setdefault((str(source.parent.relative_to(ROOT / "kernels")), kernel["name"]), {"threads": threads})
            entry[gpu] = kernel
            if kernel["stack"] or kernel["spills"]:
                faults.append(f"{source.relative_to(ROOT)}: {kernel['name']} on sm_{gpu}: {kernel['stack']} bytes of "
                              f"stack, {kernel['spills']} bytes of spills")
    if not rows:
        raise SystemExit("ptxas_check: no kernels found")
    for fault in faults:
        print(fault)
    if faults:
        sys.exit(1)
    print(f"{len(rows)} kernels on {' and '.join(f'sm_{gpu}' for gpu in GPUS)}: no spills, no stack frames")
    if options.write:
        lines = ["# What the CUDA kernels use", "",
                 f"Written by `scripts/ci/ptxas_check.py --write` from the report of ptxas {version}; no kernel spills or "
                 "has a stack frame.", "Shared memory is the static part. Occupancy is the fraction of a multiprocessor's "
                 "threads that registers and static shared", "memory let be resident.", "",
                 "| folder | kernel | threads | shared B | registers sm_86 | occupancy sm_86 | registers sm_90 | "
                 "occupancy sm_90 |", "|---|---|--:|--:|--:|--:|--:|--:|"]
        for (folder, name), entry in sorted(rows.items()):
            cells = "".join(f" {entry[gpu]['registers']} | {entry[gpu]['occupancy']:.0%} |" for gpu in GPUS)
            lines.append(f"| {folder} | `{name}` | {entry['threads']} | {entry[86]['shared']} |{cells}")
        options.write.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
