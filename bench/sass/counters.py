"""By how much a loop's counter moves in one iteration: tells how often the compiler has unrolled it."""
import re

from .strides import NUMBER

LOOKED_AT = 16  # instructions followed back to the counter


def registers_in(operands):
    return [match[1] for operand in operands if (match := re.match(r"^[-~|]*(U?R\d+)(?:\.reuse)?\|?$", operand))]


def moved(instruction, by_register):
    """(register, constant, times) where an instruction copies a register that the loop writes, adds a constant to it, or
    adds `times` times one that the loop does not write; else None."""
    opcode, sources = instruction.opcode, [o for o in instruction.operands[1:] if not re.match(r"^!?U?P[T\d]+$", o)]
    registers, numbers = registers_in(sources), [int(o, 0) for o in sources if NUMBER.match(o)]
    fixed = [o for o in sources if o.startswith("c[")]
    zeros = [o for o in sources if o.lstrip("-") in ("RZ", "URZ")]
    if len(registers) + len(numbers) + len(zeros) + len(fixed) != len(sources) or any("-R" in o or "~" in o for o in sources):
        return None
    counted = [r for r in registers if r in by_register]
    invariant = [r for r in registers if r not in by_register] + fixed
    if len(counted) != 1 or len(set(invariant)) > 1:
        return None
    if opcode in ("MOV", "UMOV", "IMAD.MOV.U32", "IMAD.MOV") and not numbers:
        return counted[0], 0, 0
    if opcode in ("IADD3", "UIADD3", "VIADD", "IADD", "UIADD"):
        return counted[0], sum(signed(n) for n in numbers), len(invariant)
    if opcode == "IMAD.IADD" and numbers == [1]:
        return counted[0], 0, len(invariant)
    return None


def signed(number):
    return number - (1 << 32) if number >= 1 << 31 else number


def definitions(flow, loop):
    """Of each register the instructions of a loop that write it first of all."""
    found = {}
    for index in sorted(loop.blocks):
        for instruction in flow.blocks[index].instructions:
            if instruction.operands and re.match(r"^U?R\d+$", instruction.operands[0]):
                found.setdefault(instruction.operands[0], []).append(instruction)
    return found


def compared(flow, loop):
    """Registers that decide whether the loop goes on."""
    code = [i for index in sorted(loop.blocks) for i in flow.blocks[index].instructions]
    last = flow.blocks[max(loop.latches)].instructions[-1]
    at = code.index(last)
    if not last.predicate:  # "@P0 CALL out; BRA back"
        at -= 1
        if at < 0 or not code[at].predicate or code[at].base not in ("CALL", "BRA", "EXIT"):
            return []
    predicate = code[at].predicate.lstrip("!")
    for instruction in reversed(code[:at]):
        if re.match(r"^U?ISETP", instruction.opcode) and instruction.operands[0] == predicate:
            if ".EX" not in instruction.opcode:
                return registers_in(instruction.operands[2:4])
            predicate = instruction.operands[-1].lstrip("!")
    return []


def step(flow, loop):
    """(constant, times): what one iteration adds to the counter, a constant and how often a value that the loop leaves
    alone; None where that is not plain."""
    by_register = definitions(flow, loop)
    for register in compared(flow, loop):
        at, total, times = register, 0, 0
        for _ in range(LOOKED_AT):
            writers = by_register.get(at, [])
            move = moved(writers[0], by_register) if len(writers) == 1 and not writers[0].predicate else None
            if move is None:
                break
            at, total, times = move[0], total + move[1], times + move[2]
            if at == register:
                return (total, times) if (total != 0) != (times != 0) else None
    return None
