"""By how much a loop's counter moves in one iteration: tells how often the compiler has unrolled it."""
import re

from .strides import NUMBER, destinations

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


def code_of(flow, loop):
    return [i for index in sorted(loop.blocks) for i in flow.blocks[index].instructions]


def writers(code):
    """Of each register the places in a loop's code that write it."""
    found = {}
    for at, instruction in enumerate(code):
        for register in destinations(instruction):
            found.setdefault(register, []).append(at)
    return found


def compared(flow, loop, code):
    """(registers that decide whether the loop goes on, where the code compares them)."""
    last = flow.blocks[max(loop.latches)].instructions[-1]
    at = code.index(last)
    if not last.predicate:  # "@P0 CALL out; BRA back"
        at -= 1
        if at < 0 or not code[at].predicate or code[at].base not in ("CALL", "BRA", "EXIT"):
            return [], 0
    predicate = code[at].predicate.lstrip("!")
    for place in range(at - 1, -1, -1):
        instruction = code[place]
        if re.match(r"^U?ISETP", instruction.opcode) and instruction.operands[0] == predicate:
            if ".EX" not in instruction.opcode:
                return registers_in(instruction.operands[2:4]), place
            predicate = instruction.operands[-1].lstrip("!")
    return [], 0


def step(flow, loop):
    """(constant, times): what one iteration adds to the counter, a constant and how often a value that the loop leaves
    alone; None where that is not plain. The counter is followed back from where it is compared, around the loop."""
    code = code_of(flow, loop)
    by_register = writers(code)
    registers, place = compared(flow, loop, code)
    for register in registers:
        passed, at, visited = place, register, []
        for _ in range(LOOKED_AT):
            places = by_register.get(at, [])
            before = [p for p in places if p < passed] or places  # none before: that of the last iteration
            if not before:
                break
            passed = before[-1]
            if passed in [p for p, _, _ in visited]:
                around = visited[[p for p, _, _ in visited].index(passed):]
                total, times = sum(c for _, c, _ in around), sum(t for _, _, t in around)
                if (total != 0) != (times != 0):
                    return total, times
                break
            move = None if code[passed].predicate else moved(code[passed], by_register)
            if move is None:
                break
            visited.append((passed, move[1], move[2]))
            at = move[0]
    return None
