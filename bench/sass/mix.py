"""What kinds of instructions a kernel consists of, and what its loops cost."""
import re
import struct
from collections import Counter

from .flow import is_division64

TENSOR = {"HMMA", "BMMA", "IMMA", "DMMA", "HGMMA", "IGMMA", "QGMMA", "QMMA", "OMMA"}
CONTROL = {"BRA", "EXIT", "RET", "CALL", "BSSY", "BSYNC", "BREAK", "BRX", "JMP", "JMX", "NOP", "YIELD", "WARPSYNC", "KILL",
           "BMOV", "NANOSLEEP", "BPT", "ERRBAR", "CCTL", "CCTLL"}
MOVES = {"MOV", "CS2R", "S2R", "S2UR", "R2UR", "LDC", "SEL", "PRMT", "R2P", "P2R", "PLOP3", "VOTE", "VOTEU", "MOVM"}
CONVERSIONS = {"I2F", "F2I", "F2F", "FRND", "I2FP", "F2FP", "I2I", "F2IP"}
FLOAT = {"FADD", "FMUL", "FMNMX", "FSEL", "FSET", "FSETP", "FCHK", "FSWZADD", "FADD2", "FMUL2"}
MEMORY = {"LDG": "global load", "STG": "global store", "LDS": "shared load", "STS": "shared store", "LDSM": "shared load",
          "STSM": "shared store", "LDL": "local load", "STL": "local store", "LDGSTS": "global to shared", "LD": "global load",
          "ST": "global store", "UBLKCP": "global to shared", "UTMALDG": "global to shared"}
ATOMICS = {"ATOM", "ATOMG", "ATOMS", "RED", "REDG", "SUATOM", "REDUX"}
BARRIERS = {"BAR", "DEPBAR", "LDGDEPBAR", "MEMBAR", "FENCE", "SYNCS", "ARRIVES", "WARPGROUP", "UCGABAR_ARV",
            "UCGABAR_WAIT", "ELECT"}
KINDS = ("ffma", "hmma", "float", "double", "half", "integer", "mufu", "conversion", "move", "memory", "atomic", "shuffle",
         "barrier", "control", "other")


def is_constant(instruction):
    """HFMA2.MMA R0, -RZ, RZ, a, b is how the compiler loads a constant through another pipe."""
    return instruction.base == "HFMA2" and [o.lstrip("-") for o in instruction.operands[1:3]] == ["RZ", "RZ"]


def half_constant(instruction):
    """The 32 bits that such a load gives; None where an operand is no number."""
    try:
        high, low = (struct.unpack("<H", struct.pack("<e", float(o)))[0] for o in instruction.operands[-2:])
    except (ValueError, OverflowError):
        return None
    return high << 16 | low


def kind(instruction):
    base, opcode = instruction.base, instruction.opcode
    if base in TENSOR:
        return "hmma"
    if base in ("FFMA", "FFMA2"):
        return "ffma"
    if base in MEMORY:
        return "memory"
    if base in FLOAT:
        return "float"
    if base in MOVES or base == "UMOV" or base == "ULDC" or opcode.startswith("IMAD.MOV") or is_constant(instruction):
        return "move"
    if base in CONTROL:
        return "control"
    if base == "MUFU":
        return "mufu"
    if base in CONVERSIONS:
        return "conversion"
    if base in ("DADD", "DMUL", "DFMA", "DSETP", "DMNMX"):
        return "double"
    if base in ("HFMA2", "HADD2", "HMUL2", "HSET2", "HSETP2", "HMNMX2"):
        return "half"
    if base == "SHFL":
        return "shuffle"
    if base in ATOMICS:
        return "atomic"
    if base in BARRIERS:
        return "barrier"
    plain = base.removeprefix("U")
    if plain.startswith(("IMAD", "IADD", "ISETP", "LEA", "LOP", "SHF", "IABS", "IMNMX", "VI", "POPC", "FLO", "BREV", "SGXT",
                         "BMSK", "ISCADD", "IDP", "SEL", "PRMT", "PLOP", "P2", "R2", "S2")):
        return "integer"
    return "other"


def width(instruction):
    """Bytes per lane of a memory access."""
    if instruction.base in ("LDSM", "STSM"):  # matrices of 8 x 8 halves, four bytes per lane each
        return 4 * int(instruction.opcode[-1]) if instruction.opcode[-2:] in (".2", ".4") else 4
    for suffix in reversed(instruction.opcode.split(".")):
        if suffix in ("256", "128", "64"):
            return int(suffix) // 8
        if suffix in ("U8", "S8", "8"):
            return 1
        if suffix in ("U16", "S16", "16"):
            return 2
    return 4


def products(instruction):
    """(type, multiply-adds) of a tensor-core instruction, as ("tf32", 1024) for HMMA.1688.F32.TF32: 16 x 8 x 8."""
    parts = instruction.opcode.split(".")
    sizes = next((part for part in parts[1:] if re.fullmatch(r"\d+(x\d+x\d+)?", part)), None)
    if sizes is None:
        return None
    if "x" in sizes:
        m, n, k = (int(size) for size in sizes.split("x"))
    else:  # Rows and columns of A and B, without separators: 1688, 16816, 884.
        m, n, k = next(((int(sizes[:-len(tail)]), 8, int(tail[1:])) for tail in ("816", "832", "88", "84")
                        if sizes.endswith(tail) and sizes[:-len(tail)] in ("16", "8")), (0, 0, 0))
    kind_name = "tf32" if "TF32" in parts else "bf16"  # fp16 has the rate of bf16
    return (kind_name, m * n * k) if m * n * k else None


def count(instructions):
    """A Counter: "all", one entry per kind, per access and width ("global load 16"), the multiply-adds of tensor cores
    ("tf32 products"), and the divisions."""
    found = Counter()
    for instruction in instructions:
        found["all"] += 1
        name = kind(instruction)
        found[name] += 1
        if name == "hmma" and (made := products(instruction)):
            found[f"{made[0]} products"] += made[1]
        if name == "memory":
            found[f"{MEMORY[instruction.base]} {width(instruction)}"] += 1
        if is_division64(instruction):
            found["64-bit division"] += 1
        elif instruction.base == "CALL" and instruction.target:
            found[f"call {instruction.target.split('$__')[-1]}"] += 1
        elif instruction.opcode.startswith(("I2F.U32.RP", "I2F.RP")):
            found["32-bit division"] += 1
    return found


def count_blocks(blocks):
    found = Counter()
    for block in blocks:
        found += count(block.instructions)
        found += Counter({"all": len(block.extra), "division routine": len(block.extra)}) if block.extra else Counter()
    return found


def divisions(flow, loop):
    """64-bit divisions in a loop (None: in the kernel), inner loops included: calls, cold or not, and inline ones."""
    return len([i for index in (flow.reachable if loop is None else loop.blocks) for i in flow.blocks[index].instructions
                if is_division64(i) or i.opcode.startswith("I2F.U64.RP")])


def fast_ways(flow, loop):
    """How many 64-bit divisions have a 32-bit way around them, which is no 32-bit division of the source."""
    indices = flow.reachable if loop is None else loop.blocks
    return len([i for i in indices if is_division64(flow.blocks[i].instructions[-1]) and flow.blocks[i].cold])


def fraction(mix, kind_name):
    return mix[kind_name] / mix["all"] if mix["all"] else 0.0


def main_loop(flow):
    """The loop in which most of the arithmetic stands (FFMA, HMMA): its own instructions, not those of loops inside it.
    None where no loop has any."""
    def arithmetic(loop):
        mix = count_blocks(flow.own_blocks(loop))
        return (mix["ffma"] + 8 * mix["hmma"], loop.depth)  # An HMMA is at least 8 FFMA's work per lane.
    best = max(flow.loops, key=arithmetic, default=None)
    return best if best is not None and arithmetic(best)[0] > 0 else None
