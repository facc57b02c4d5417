"""How far apart neighboring threads access memory: the part of it that the machine code alone shows.

Each register gets the difference of its value between a thread and the next: 0 for what all threads share, a number of
bytes or elements where it is threadIdx.x times that, RUN_TIME where it is threadIdx.x times what only a launch knows, None
where nothing is known. Nothing is said of the last.
"""
import re

from .mix import half_constant, is_constant, width

RUN_TIME = "run time"
REGISTER = re.compile(r"^[-~|]*(R\d+|RZ)(?:\.\w+)*\|?$")
NUMBER = re.compile(r"^-?0x[0-9a-f]+$|^-?\d+$")
ADDRESS = re.compile(r"\[(R\d+|RZ)?(?:\.[\w]+)*(?:\+?(UR\d+))?(?:\+?(-?0x[0-9a-f]+))?\]$")
UNIFORM = (0, None)  # (difference to the next thread, the value itself where known)


def stride_sum(values):
    total, constant = 0, 0
    for step, known in values:
        if step is None or total is None:
            total = None
        elif RUN_TIME in (step, total):
            total = RUN_TIME if 0 in (step, total) else None
        else:
            total += step
        constant = None if known is None or constant is None else constant + known
    return (total, constant)


def stride_product(a, b):
    for x, y in ((a, b), (b, a)):
        if x == (0, 0):
            return (0, 0)
        if x[0] == 0 and x[1] is not None and isinstance(y[0], int):
            return (y[0] * x[1], None if y[1] is None else y[1] * x[1])
    if a[0] == 0 and b[0] == 0:
        return UNIFORM
    for x, y in ((a, b), (b, a)):
        if x[0] == 0 and y[0] not in (None, 0):
            return (RUN_TIME, None)
    return (None, None)


def join(a, b):
    if a is None or b is None:
        return b if a is None else a
    return (a[0] if a[0] == b[0] else None, a[1] if a[1] == b[1] else None)


class Registers(dict):
    def read(self, operand):
        if NUMBER.match(operand):
            value = int(operand, 0)
            return (0, value)
        match = REGISTER.match(operand)
        if match is None:
            return UNIFORM if operand.lstrip("-~|").startswith(("c[", "UR", "cx[")) else (None, None)
        if match[1] == "RZ":
            return (0, 0)
        step, known = self.get(match[1], (None, None))
        if operand.startswith(("-", "~")) and isinstance(step, int):
            return (-step, None if known is None or operand.startswith("~") else -known)
        return (step, known)


def destinations(instruction):
    """Registers that an instruction writes."""
    operands = instruction.operands
    if not operands or instruction.base in ("STG", "STS", "STL", "ST", "RED", "STSM", "BAR", "BSSY", "BSYNC", "RET", "CALL"):
        return []
    match = next((found for operand in operands[:2] if (found := re.match(r"^(U?R)(\d+)", operand))), None)
    if match is None:
        return []
    count = 1
    opcode = instruction.opcode
    if instruction.base in ("HMMA", "IMMA", "LDSM"):
        count = 4
    elif ".128" in opcode:
        count = 4
    elif ".64" in opcode or "WIDE" in opcode or "F64" in opcode or "64H" in opcode or instruction.base in (
            "CS2R", "DADD", "DMUL", "DFMA", "DMMA") and opcode != "CS2R.32":
        count = 2
    return [f"{match[1]}{int(match[2]) + i}" for i in range(count)]


def evaluate(instruction, registers):
    """The value of an instruction's first destination."""
    base, opcode, operands = instruction.base, instruction.opcode, instruction.operands
    sources = [o for o in operands[1:] if not re.match(r"^!?U?P[T\d]+$", o)]
    values = [registers.read(o) for o in sources if not o.startswith(("SR_", "["))]
    if base == "S2R":
        return (1, 0) if operands[1] in ("SR_TID.X", "SR_LANEID") else UNIFORM
    if is_constant(instruction):
        return (0, half_constant(instruction))
    if ".HI" in opcode and base != "SHF" or opcode.endswith(".X") or ".X." in opcode:
        pass  # Upper halves.
    elif base == "IMAD" and len(values) == 3:
        return stride_sum([stride_product(values[0], values[1]), values[2]])
    elif base in ("IADD3", "VIADD", "IADD"):
        return stride_sum(values)
    elif base == "MOV" and values:
        return values[0]
    elif base == "LEA" and len(values) == 3 and values[2][1] is not None:
        return stride_sum([stride_product(values[0], (0, 1 << values[2][1])), values[1]])
    elif opcode.startswith("SHF.L") and ".HI" not in opcode and values[1][1] is not None:
        return stride_product(values[0], (0, 1 << values[1][1]))
    elif opcode.startswith("SHF.R") and values[-1][0] == 1 and values[-1][1] == 0 and (values[1][1] or 0) >= 3:
        return (0, None)  # threadIdx.x >> 3 or more: the same for most neighbors
    elif base == "LOP3" and values[0] == (1, 0) and operands[-2] == "0xc0" and is_low_mask(values[1][1]):
        return (1, 0)  # threadIdx.x modulo 8 or more: one more for most neighbors
    if all(step == 0 for step, _ in values) and base not in ("SHFL", "SEL", "FSEL", "P2R", "VOTE", "S2UR"):
        address = next((ADDRESS.search(o) for o in sources if "[" in o and not o.startswith("c[")), None)
        if address is None or registers.read(address[1] or "RZ")[0] == 0:
            return UNIFORM
    return (None, None)


def is_low_mask(value):
    return value is not None and value >= 7 and value & (value + 1) == 0


def run_block(block, registers, visit=None):
    for instruction in block.instructions:
        if visit:
            visit(instruction, registers)
        written = destinations(instruction)
        for n, register in enumerate(written):
            value = evaluate(instruction, registers) if n == 0 or instruction.opcode.startswith(("LDC", "CS2R")) \
                else (None, None)
            if instruction.predicate:
                value = join(registers.get(register), value)
            registers[register] = value


def settle(flow):
    """The registers at the beginning of each block, where the ways into it agree."""
    at_start = {0: Registers()}
    waiting = [0]
    while waiting:
        index = waiting.pop()
        registers = Registers(at_start[index])
        run_block(flow.blocks[index], registers)
        for successor in flow.blocks[index].successors:
            old = at_start.get(successor)
            new = Registers(registers) if old is None else Registers(
                {r: join(old.get(r), registers.get(r)) for r in {*old, *registers}})
            if old is None or new != old:
                at_start[successor] = new
                waiting.append(successor)
    return at_start


def address_of(instruction):
    """(base register, offset) of a global access; None where there is none."""
    for operand in instruction.operands:
        if "[" in operand and not operand.startswith("c["):
            match = ADDRESS.search(operand)
            return (match[1], int(match[3], 0) if match[3] else 0) if match else None
    return None


def global_accesses(flow):
    """(block, instruction, base register, its version in the block, offset, bytes per lane, stride) of every hot one."""
    found = []
    at_start = settle(flow)
    for index in sorted(flow.reachable):
        block = flow.blocks[index]
        if block.cold:
            continue
        versions = {}

        def visit(instruction, registers):
            if instruction.base in ("LDG", "STG", "LD", "ST"):
                address = address_of(instruction)
                if address and address[0]:
                    stride = registers.read(address[0])[0]
                    found.append((index, instruction, address[0], versions.get(address[0], 0), address[1],
                                  width(instruction), stride))
            for register in destinations(instruction):
                versions[register] = versions.get(register, 0) + 1

        run_block(block, Registers(at_start[index]), visit)
    return found
