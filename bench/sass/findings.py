"""What slows a kernel down and can be read from its machine code, with the source line of each."""
import dataclasses

from . import counters, mix, strides
from .flow import is_division64

KINDS = ("64-bit division in a loop", "spill", "scalar access", "uncoalesced access")
USED_WITHIN = 60  # instructions: a division's result is used at most that far behind it


@dataclasses.dataclass(frozen=True)
class Finding:
    kind: str
    position: tuple  # (file, line); ("", 0) where the compiler gives none
    detail: str

    def __str__(self):
        place = f"{self.position[0]}:{self.position[1]}" if self.position[1] else "no source line"
        return f"{place}: {self.kind}: {self.detail}"


def place_of(instruction):
    return instruction.position or ("", 0)


def place_of_division(flow, index, at, loop):
    """The compiler gives a division no line of its own, so that it seems to belong to the statement of its loop: then the
    line that uses its result."""
    here = flow.blocks[index].instructions[at].position
    statement = (flow.position(loop) or [None])[0]
    if here != statement:
        return here or ("", 0)
    results, distance = set(), 0
    for block in flow.blocks[index:]:
        for instruction in block.instructions[at if block.index == index else 0:]:
            distance += 1
            reads = counters.registers_in(instruction.operands[1:])
            if distance > USED_WITHIN:
                return here or ("", 0)
            if instruction.position != statement and instruction.position and results & set(reads):
                return instruction.position
            if instruction.position == statement:
                results.update(strides.destinations(instruction))
    return here or ("", 0)


def find_divisions(flow):
    by_line = {}
    for index in sorted(flow.reachable):
        loop = flow.loop_of[index]
        for at, instruction in enumerate(flow.blocks[index].instructions):
            if loop is not None and (is_division64(instruction) or instruction.opcode.startswith("I2F.U64.RP")):
                place = place_of_division(flow, index, at, loop)
                by_line.setdefault((place, loop.name), []).append(instruction)
    return [Finding(KINDS[0], position, f"{len(found)} in loop {loop}") for (position, loop), found in by_line.items()]


def find_spills(flow):
    kernel = flow.kernel
    if not kernel.stack and not kernel.spill_bytes:
        return []
    by_line = {}
    for index in sorted(flow.reachable):
        for instruction in flow.blocks[index].instructions:
            if instruction.base in ("LDL", "STL"):
                by_line.setdefault(place_of(instruction), []).append(instruction)
    if kernel.spill_bytes:
        what = f"{kernel.spill_bytes} bytes of stores and loads in the kernel"
    elif kernel.spill_bytes is None:
        what = "local memory, spills or an array that does not fit in registers"
    else:
        what = "no spill, but an array that does not fit in registers"
    return [Finding(KINDS[1], position, f"{len(found)} accesses to local memory ({what})")
            for position, found in by_line.items()]


def find_scalar(accesses):
    """Neighboring narrow accesses of one thread that one wide access would do."""
    groups = {}
    for block, instruction, base, version, offset, size, _ in accesses:
        if size < 16:
            key = (block, instruction.base, base, version, size, instruction.predicate)
            groups.setdefault(key, {})[offset] = instruction
    found, members = {}, set()
    for (_, base, _, _, size, _), by_offset in groups.items():
        run = []
        for offset in [*sorted(by_offset), None]:
            if run and offset == run[-1] + size and len(run) * size < 16:
                run.append(offset)
                continue
            if len(run) * size >= 8 and len(run) > 1:
                first = by_offset[run[0]]
                members.update(id(by_offset[o]) for o in run)
                key = (place_of(first), base, len(run), size)
                found[key] = found.get(key, 0) + 1
            run = [] if offset is None else [offset]
    return [Finding(KINDS[2], position, f"{times} time{'s' if times > 1 else ''} {run} neighboring {size}-byte "
                    f"{'loads' if base.startswith('LD') else 'stores'} of one thread ({run * size} bytes)")
            for (position, base, run, size), times in found.items()], members


def find_uncoalesced(accesses, scalar):
    by_line = {}
    for _, instruction, _, _, _, size, stride in accesses:
        apart = stride == strides.RUN_TIME or (isinstance(stride, int) and abs(stride) > size)
        if apart and id(instruction) not in scalar:
            by_line.setdefault((place_of(instruction), instruction.base, size, stride), []).append(instruction)
    found = []
    for (position, base, size, stride), instructions in by_line.items():
        distance = "a distance apart that the launch decides" if stride == strides.RUN_TIME else f"{abs(stride)} bytes apart"
        found.append(Finding(KINDS[3], position, f"{len(instructions)} {size}-byte "
                             f"{'load' if base.startswith('LD') else 'store'}{'s' if len(instructions) > 1 else ''}, "
                             f"neighboring threads {distance}"))
    return found


def find_all(flow):
    accesses = strides.global_accesses(flow)
    scalar, members = find_scalar(accesses)
    found = find_divisions(flow) + find_spills(flow) + scalar + find_uncoalesced(accesses, members)
    return sorted(found, key=lambda f: (KINDS.index(f.kind), f.position, f.detail))


def summary(flow):
    """Numbers that CI holds: fewer is better but for the 16-byte fraction and the arithmetic."""
    found = find_all(flow)
    everywhere = mix.count_blocks(flow.all_blocks(None))
    wide = sum(n for name, n in everywhere.items() if name.startswith("global ") and name.endswith(" 16"))
    total = sum(n for name, n in everywhere.items() if name.startswith("global ") and name.split()[-1].isdigit())
    main = mix.main_loop(flow)
    in_main = mix.count_blocks(flow.all_blocks(main)) if main else None
    return {
        "64-bit divisions in loops": sum(mix.divisions(flow, loop) for loop in flow.loops if loop.parent is None),
        "spilled bytes": flow.kernel.spill_bytes if flow.kernel.spill_bytes is not None else flow.kernel.stack,
        "scalar accesses": sum(f.kind == KINDS[2] for f in found),
        "uncoalesced accesses": sum(f.kind == KINDS[3] for f in found),
        "16-byte fraction": round(wide / total, 3) if total else None,
        "HMMA": everywhere["hmma"],
        "FFMA fraction": round(mix.fraction(in_main, "ffma"), 3) if main else None,
        "HMMA fraction": round(mix.fraction(in_main, "hmma"), 3) if main else None,
    }
