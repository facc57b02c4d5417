"""Kernels from what `nvdisasm -gi -c` prints of one cubin, and their resources from `cuobjdump -res-usage`.

The form is that of nvdisasm 13: one section per kernel, one instruction per line, the source position as comment lines in
front of the first instruction that has it, innermost first where functions were inlined.
"""
import dataclasses
import os
import re
import subprocess

from .errors import ReportError

SECTION = re.compile(r"^\.text\.(\S+):")
LABEL = re.compile(r"^(\.L\w+):")
ENTRY = re.compile(r'\.other\s+(\S+),@"STO_CUDA_ENTRY')
FUNCTION = re.compile(r"^([$\w]+):")
POSITION = re.compile(r'//## File "([^"]+)", line (\d+)(?: inlined at "([^"]+)", line (\d+))?')
INSTRUCTION = re.compile(r"^\s+/\*([0-9a-f]+)\*/\s+(?:@(!?U?P[T\d]+)\s+)?([A-Z][\w.]*)\s*([^;]*);")
TARGET = re.compile(r"`\(([^)]+)\)")
USAGE_NAME = re.compile(r"^\s*Function (\S+):")
USAGE = re.compile(r"REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)")
SYSTEM_SHARED = 1024  # bytes of a block that are the system's; from sm_90 on they are in the sum


@dataclasses.dataclass(slots=True)
class Instruction:
    address: int
    predicate: str  # "P0", "!P0" or ""
    opcode: str  # with its suffixes, as in "LDG.E.128"
    operands: list
    positions: list  # [(file, line), ...], innermost first; empty where the compiler gives none
    target: str = ""  # the label or function of a branch or call

    @property
    def base(self):
        return self.opcode.split(".")[0]

    @property
    def position(self):
        return self.positions[0] if self.positions else None


@dataclasses.dataclass
class Kernel:
    name: str  # mangled
    architecture: int  # 86
    instructions: list = dataclasses.field(default_factory=list)  # of the kernel itself
    labels: dict = dataclasses.field(default_factory=dict)  # label: address
    subroutines: dict = dataclasses.field(default_factory=dict)  # name: instructions, of division and the like
    entry: bool = False  # False: a device function that was not inlined
    demangled: str = ""
    short: str = ""  # "kernel<X>"
    registers: int = None
    stack: int = None  # bytes of local memory: arrays that do not fit in registers, and spills
    shared: int = None  # bytes, the static part
    spill_bytes: int = None  # stores and loads; None where ptxas's report is not there
    max_threads: int = None  # of __launch_bounds__


class PathCleaner:
    """File names as the report shows them: relative to the repository where they lie in it."""

    def __init__(self, root):
        self.root = str(root)
        self.known = {}

    def __call__(self, path):
        if path not in self.known:
            clean = os.path.normpath(path)
            self.known[path] = os.path.relpath(clean, self.root) if clean.startswith(self.root + os.sep) else clean
        return self.known[path]


def split_operands(text):
    """'R4, [R2.64+0x10], `(.L_x_1)' -> its parts; commas in brackets do not separate."""
    parts, depth, part = [], 0, ""
    for c in text:
        depth += {"[": 1, "(": 1, "{": 1, "]": -1, ")": -1, "}": -1}.get(c, 0)
        if c == "," and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += c
    if part.strip():
        parts.append(part.strip())
    return parts


def parse_disassembly(text, root):
    """The kernels of one cubin, in the order of the text."""
    clean = PathCleaner(root)
    architecture = re.search(r"\.target\s+sm_(\d+)", text)
    if architecture is None:
        raise ReportError("the disassembly names no GPU architecture (expected: the output of nvdisasm -gi -c)")
    entries = set(ENTRY.findall(text))
    kernels, kernel, into, chain, expected, waiting = [], None, None, [], None, []
    for line in text.splitlines():
        if match := INSTRUCTION.match(line):
            if kernel is None:
                raise ReportError(f"the disassembly has an instruction outside any kernel: {line.strip()}")
            target = TARGET.search(match[4])
            into.append(Instruction(int(match[1], 16), match[2] or "", match[3], split_operands(match[4]), chain,
                                    target[1] if target else ""))
            kernel.labels.update((label, int(match[1], 16)) for label in waiting)
            expected, waiting = None, []
        elif match := POSITION.search(line):
            here = (clean(match[1]), int(match[2]))
            chain = [*chain, here] if expected == here else [here]
            expected = (clean(match[3]), int(match[4])) if match[3] else None
        elif match := SECTION.match(line):
            kernel = Kernel(match[1], int(architecture[1]), entry=match[1] in entries)
            kernels.append(kernel)
            into, chain, expected, waiting = kernel.instructions, [], None, []
        elif kernel is not None and (match := LABEL.match(line)):
            waiting.append(match[1])
        elif kernel is not None and (match := FUNCTION.match(line)) and match[1] != kernel.name:
            into, chain = kernel.subroutines.setdefault(match[1], []), []
    if not any(k.instructions for k in kernels):
        raise ReportError("the disassembly holds no instructions (expected: the output of nvdisasm -gi -c)")
    return [k for k in kernels if k.instructions]


def add_resources(kernels, usage_text):
    """Registers, stack and shared memory from `cuobjdump -res-usage`."""
    by_name, name = {}, None
    for line in usage_text.splitlines():
        if match := USAGE_NAME.match(line):
            name = match[1]
        elif name and (match := USAGE.search(line)):
            by_name[name] = [int(value) for value in match.groups()]
            name = None
    for kernel in kernels:
        if kernel.name in by_name:
            kernel.registers, kernel.stack, kernel.shared, _ = by_name[kernel.name]
            if kernel.architecture >= 90 and kernel.shared >= SYSTEM_SHARED:
                kernel.shared -= SYSTEM_SHARED
        elif kernel.entry:
            raise ReportError(f"cuobjdump -res-usage does not name {kernel.name}")


def add_ptxas_report(kernels, report):
    """Spilled bytes from the report of ptxas -v."""
    spills, name = {}, None
    for line in report.splitlines():
        if match := re.search(r"(?:entry function|Function properties for) '?([$\w]+)'?", line):
            name = match[1]
        elif name and (match := re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", line)):
            spills[name] = int(match[1]) + int(match[2])
    for kernel in kernels:
        kernel.spill_bytes = spills.get(kernel.name)


def add_launch_bounds(kernels, elf_text):
    """Threads per block that __launch_bounds__ allows, from `cuobjdump -elf`."""
    bounds, name, waits = {}, None, False
    for line in elf_text.splitlines():
        if match := re.match(r"\.nv\.info(?:\.(\S+))?", line):
            name, waits = match[1], False
        elif "Attribute:" in line:
            waits = "EIATTR_MAX_THREADS" in line
        elif waits and (match := re.search(r"Value:\s+0x([0-9a-f]+) 0x([0-9a-f]+) 0x([0-9a-f]+)", line)):
            bounds[name] = int(match[1], 16) * int(match[2], 16) * int(match[3], 16)
            waits = False
    for kernel in kernels:
        kernel.max_threads = bounds.get(kernel.name)


def demangle(names):
    try:
        result = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise ReportError("c++filt is missing; install it: apt-get install binutils") from None
    return result.stdout.splitlines()


def short_name(demangled):
    """'void a::b::kernel<a::b::X>(long)' -> 'kernel<X>'"""
    # c++filt writes "float const", the host "const float".
    demangled = re.sub(r"\b(float|double|int) const\b", r"const \1", demangled)
    name = demangled.removeprefix("void ")
    depth = 0
    for i, c in enumerate(name):
        depth += {"<": 1, ">": -1}.get(c, 0)
        if c == "(" and depth == 0 and not name.startswith("(anonymous", i):
            name = name[:i]
            break
    name = re.sub(r"\((?:int|bool|unsigned int|long)\)", "", name)
    return re.sub(r"(?:\w+|\(anonymous namespace\))::", "", name)


def add_names(kernels):
    for kernel, demangled in zip(kernels, demangle([kernel.name for kernel in kernels])):
        kernel.demangled = demangled
        kernel.short = short_name(demangled)
