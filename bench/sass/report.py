"""Puts a kernel's report together: what the program writes as JSON and as tables."""
import concurrent.futures
import pathlib

from . import counters, findings, launches as launch_tables, mix, tensor
from .errors import ReportError, unknown
from .flow import Flow
from .gpus import occupancy


def operations_of(root):
    """{operation: [sources]}: the folders below kernels/ with CUDA sources, as "conv1d" or "linear/ladder"."""
    found = {}
    for source in sorted(root.glob("kernels/**/*.cu")):
        relative = source.relative_to(root)
        found.setdefault(str(relative.parent.relative_to("kernels")), []).append(relative)
    return found


def load(root, tools, operations, architectures):
    """[(operation, kernel)] of every source of the operations for every architecture; two compilers at a time."""
    jobs = [(name, source, architecture) for name, sources in operations.items() for source in sources
            for architecture in architectures]
    tools.nvcc_version()
    for name in ("nvdisasm", "cuobjdump"):
        tools.find(name)

    def work(job):
        return tools.kernels_of(job[1], job[2])

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return [(job[0], kernel) for job, kernels in zip(jobs, pool.map(work, jobs)) for kernel in kernels if kernel.entry]


def load_cubin(tools, cubin):
    if not cubin.is_file():
        raise ReportError(f"{cubin}: no such file")
    found = [("", kernel) for kernel in tools.disassemble(cubin.resolve()) if kernel.entry]
    if not found:
        raise ReportError(f"{cubin} holds no kernels")
    return found


def choose_kernels(loaded, names):
    """Those whose name is given, with or without template arguments; all where none is."""
    if not names:
        return loaded
    known = {kernel.short for _, kernel in loaded}
    known_bases = {name.split("<")[0] for name in known}
    for name in names:
        if name not in known | known_bases:
            raise unknown("kernel", name, known)
    return [(operation, kernel) for operation, kernel in loaded
            if kernel.short in names or kernel.short.split("<")[0] in names]


def accesses(counted):
    """{"global load": {4: 12}, ...}"""
    found = {}
    for name, number in sorted(counted.items()):
        what, _, size = name.rpartition(" ")
        if size.isdigit() and what:
            found.setdefault(what, {})[int(size)] = number
    return found


def describe_loop(flow, loop):
    everything = mix.count_blocks(flow.all_blocks(loop))
    position = (flow.position(loop) or [None])[0]
    return {
        "name": loop.name, "file": position[0] if position else None, "line": position[1] if position else None,
        "inlined_at": [list(place) for place in flow.position(loop)[1:]],
        "counter_step": counters.step(flow, loop),
        "instructions": everything["all"], "own_instructions": mix.count_blocks(flow.own_blocks(loop))["all"],
        "mix": {name: everything[name] for name in mix.KINDS if everything[name]},
        "ffma_fraction": round(mix.fraction(everything, "ffma"), 4),
        "hmma_fraction": round(mix.fraction(everything, "hmma"), 4),
        "accesses": accesses(everything), "divisions_64_bit": mix.divisions(flow, loop),
        "divisions_32_bit": everything["32-bit division"] - mix.fast_ways(flow, loop), "mufu": everything["mufu"],
    }


def describe(operation, kernel, gpus, launches, source):
    flow = Flow(kernel)
    everything = mix.count_blocks(flow.all_blocks(None))
    main = mix.main_loop(flow)
    launched = launch_tables.instructions_per_launch(flow, operation, launches, source) if launches else []
    dynamic = max((entry["dynamic_shared"] for entry in launched), default=0)
    threads = launched[0]["threads"] if launched else kernel.max_threads
    trips = launch_tables.trips_of_first_shape(flow, operation, launches, source) if launches else {}
    products = tensor.issue_per_product(flow, gpus, trips)
    return {
        "operation": operation, "kernel": kernel.short, "symbol": kernel.name, "architecture": kernel.architecture,
        "registers": kernel.registers, "stack_bytes": kernel.stack, "spill_bytes": kernel.spill_bytes,
        "shared_bytes": kernel.shared, "dynamic_shared_bytes": dynamic, "threads": threads,
        "occupancy": occupancy(gpus, kernel.architecture, kernel, threads, dynamic),
        "instructions": everything["all"], "mix": {name: everything[name] for name in mix.KINDS if everything[name]},
        "accesses": accesses(everything), "main_loop": main.name if main else None,
        "calls": sorted({name.removeprefix("call ") for name in everything if name.startswith("call ")}),
        "loops": [describe_loop(flow, loop) for loop in flow.loops], "launches": launched,
        "findings": [{"kind": f.kind, "file": f.position[0], "line": f.position[1], "detail": f.detail}
                     for f in findings.find_all(flow)],
        "issue_per_product": products,
        "held": {**findings.summary(flow), **({"issue per product": products["ratio"][1]} if products else {})},
    }


def describe_all(root, loaded, gpus, launches):
    source = launch_tables.SourceLines(root)
    return [describe(operation, kernel, gpus, launches, source) for operation, kernel in loaded]


def annotate(root, loaded, file):
    """[(text, instructions of the line, with those of functions inlined there, FFMA and HMMA, memory accesses)]"""
    path = pathlib.Path(file)
    relative = str(path.resolve().relative_to(root)) if path.resolve().is_relative_to(root) else str(path)
    if not path.is_file():
        raise ReportError(f"{file}: no such file")
    lines = [[text, 0, 0, 0, 0] for text in path.read_text().splitlines()]
    for _, kernel in loaded:
        for block in Flow(kernel).all_blocks(None):
            for instruction in block.instructions:
                add_instruction(lines, instruction, relative)
    if not any(line[2] for line in lines):
        raise ReportError(f"none of the kernels chosen has instructions from {relative} (files that have: "
                          f"{', '.join(sorted(files_of(loaded)))})")
    return lines


def add_instruction(lines, instruction, file):
    here = {line for name, line in instruction.positions if name == file and line <= len(lines)}
    for line in here:
        lines[line - 1][2] += 1
    if instruction.positions and instruction.positions[0][0] == file and instruction.positions[0][1] <= len(lines):
        line = lines[instruction.positions[0][1] - 1]
        kind = mix.kind(instruction)
        line[1] += 1
        line[3] += kind in ("ffma", "hmma")
        line[4] += kind == "memory"


def files_of(loaded):
    return {name for _, kernel in loaded for i in kernel.instructions for name, _ in i.positions}
