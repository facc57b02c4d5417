"""The flow of control of a kernel: basic blocks, loops and the ways through them.

A loop is what a backward branch closes: the blocks from which its branch is reached without passing its target (a natural
loop). Blocks that run only for rare operands are cold and count in no mix: the slow way of a division, chosen at run
time, and what a warp whose lanes have parted does.
"""
import dataclasses
from collections import Counter

ENDS = {"BRA", "EXIT", "RET", "CALL", "BSYNC", "BRX", "JMP", "JMX", "KILL"}
DIVISIONS = ("div_s64", "div_u64", "rem_s64", "rem_u64")


def is_division64(instruction):
    """A call of the compiler's 64-bit division or remainder."""
    return instruction.base == "CALL" and instruction.target.endswith(DIVISIONS)


@dataclasses.dataclass
class Block:
    index: int
    instructions: list
    successors: list = dataclasses.field(default_factory=list)
    predecessors: list = dataclasses.field(default_factory=list)
    cold: bool = False
    extra: list = dataclasses.field(default_factory=list)  # of a division routine without a fast way around it


@dataclasses.dataclass(eq=False)
class Loop:
    header: int
    blocks: set  # indices, those of inner loops included
    latches: list  # blocks with the backward branch
    parent: "Loop" = None
    children: list = dataclasses.field(default_factory=list)
    name: str = ""  # "L2.1": first loop inside the second loop
    depth: int = 1


class Flow:
    def __init__(self, kernel):
        self.kernel = kernel
        self.blocks = make_blocks(kernel)
        self.reachable = reach(self.blocks, 0)
        mark_cold(self.blocks, self.reachable, kernel)
        self.loops = find_loops(self.blocks, self.reachable)
        self.loop_of = {index: None for index in self.reachable}  # the innermost
        for loop in sorted(self.loops, key=lambda loop: -len(loop.blocks)):
            for index in loop.blocks:
                self.loop_of[index] = loop

    def own_blocks(self, loop):
        """Hot blocks of a loop (None: of the kernel) that are in no loop inside it."""
        return [self.blocks[i] for i in sorted(self.reachable) if self.loop_of[i] is loop and not self.blocks[i].cold]

    def all_blocks(self, loop):
        """Hot blocks of a loop (None: of the kernel) with those of the loops inside it."""
        return [self.blocks[i] for i in sorted(self.reachable if loop is None else loop.blocks) if not self.blocks[i].cold]

    def position(self, loop):
        """Source positions of a loop: those of its backward branch, which is the loop statement."""
        positions = []
        for latch in loop.latches:
            for instruction in reversed(self.blocks[latch].instructions):
                if instruction.positions:
                    positions.append(instruction.positions)
                    break
        return positions[-1] if positions else []


def make_blocks(kernel):
    code = kernel.instructions
    by_address = {instruction.address: i for i, instruction in enumerate(code)}
    starts = {0} | {by_address[address] for address in kernel.labels.values() if address in by_address}
    starts |= {i + 1 for i, instruction in enumerate(code) if instruction.base in ENDS and i + 1 < len(code)}
    ordered = sorted(starts)
    blocks = [Block(n, code[first:last]) for n, (first, last) in enumerate(zip(ordered, [*ordered[1:], len(code)]))]
    index_of = {block.instructions[0].address: block.index for block in blocks}
    barriers = {}  # where the lanes of BSSY's barrier meet again
    for instruction in code:
        if instruction.base == "BSSY":
            barriers.setdefault(instruction.operands[0], set()).add(kernel.labels[instruction.target])
    for block in blocks:
        block.successors = successors(block, kernel, index_of, barriers, len(blocks))
        for successor in block.successors:
            blocks[successor].predecessors.append(block.index)
    return blocks


def successors(block, kernel, index_of, barriers, count):
    last = block.instructions[-1]
    following = [block.index + 1] if block.index + 1 < count else []
    if last.base in ("EXIT", "RET", "KILL"):
        return following if last.predicate else []
    if last.base == "BSYNC":
        targets = {index_of[address] for address in barriers.get(last.operands[0], ())}
        return following if set(following) & targets or not targets else sorted(targets)
    if last.base in ("BRX", "JMX"):
        return sorted({index_of[kernel.labels[label]] for operand in last.operands
                       for label in kernel.labels if label in operand})
    jumps = last.base in ("BRA", "JMP") or (last.base == "CALL" and last.target in kernel.labels)
    if jumps:
        target = index_of[kernel.labels[last.target]]
        conditional = last.predicate or len(last.operands) > 1 or ".DIV" in last.opcode
        return sorted({target, *following}) if conditional else [target]
    return following


def reach(blocks, start):
    seen, waiting = {start}, [start]
    while waiting:
        for successor in blocks[waiting.pop()].successors:
            if successor not in seen:
                seen.add(successor)
                waiting.append(successor)
    return seen


def has_fast_way(blocks, block):
    """Whether a division's call is one side of a branch whose other side divides in 32 bits."""
    for predecessor in block.predecessors:
        for other in blocks[predecessor].successors:
            if other != block.index and any(i.opcode.startswith("I2F.U32.RP") for i in blocks[other].instructions):
                return True
    return False


def mark_cold(blocks, reachable, kernel):
    for block in blocks:
        last = block.instructions[-1]
        if last.base == "CALL" and last.target in kernel.subroutines and block.index in reachable:
            if "slowpath" in last.target or (is_division64(last) and has_fast_way(blocks, block)):
                block.cold = True
            else:
                block.extra = kernel.subroutines[last.target]
        if last.base == "BRA" and ".DIV" in last.opcode:
            parted = blocks[max(block.successors, key=lambda s: s != block.index + 1)]
            parted.cold = parted.predecessors == [block.index]
    changed = True
    while changed:
        changed = False
        for block in blocks:
            before = [blocks[p] for p in block.predecessors if p in reachable and p < block.index]
            if not block.cold and before and len(before) == len(block.predecessors) and all(p.cold for p in before):
                block.cold = changed = True


def dominators(blocks, reachable):
    """Of each reachable block its immediate dominator (Cooper, Harvey and Kennedy, 2001)."""
    order, seen, stack = [], {0}, [(0, iter(blocks[0].successors))]
    while stack:
        index, rest = stack[-1]
        following = next((s for s in rest if s not in seen), None)
        if following is None:
            order.append(index)
            stack.pop()
        else:
            seen.add(following)
            stack.append((following, iter(blocks[following].successors)))
    number = {index: n for n, index in enumerate(order)}
    idom = {0: 0}
    changed = True
    while changed:
        changed = False
        for index in reversed(order[:-1]):
            new = None
            for predecessor in blocks[index].predecessors:
                if predecessor not in idom:
                    continue
                other = predecessor
                if new is None:
                    new = other
                    continue
                while new != other:
                    while number[new] < number[other]:
                        new = idom[new]
                    while number[other] < number[new]:
                        other = idom[other]
            if idom.get(index) != new:
                idom[index] = new
                changed = True
    return idom


def dominates(idom, a, b):
    while b != a and b != idom[b]:
        b = idom[b]
    return a == b


def find_loops(blocks, reachable):
    """The loops, outermost first and in the order of the code, named and nested."""
    idom = dominators(blocks, reachable)
    by_header = {}
    for index in sorted(reachable):
        for successor in blocks[index].successors:
            if dominates(idom, successor, index):
                loop = by_header.setdefault(successor, Loop(successor, {successor}, []))
                loop.latches.append(index)
                waiting = [index]
                while waiting:
                    at = waiting.pop()
                    if at not in loop.blocks:
                        loop.blocks.add(at)
                        waiting += [p for p in blocks[at].predecessors if p in reachable]
    loops = sorted(by_header.values(), key=lambda loop: (loop.header, -len(loop.blocks)))
    for loop in loops:
        around = [other for other in loops if other is not loop and loop.header in other.blocks
                  and len(other.blocks) > len(loop.blocks)]
        loop.parent = min(around, key=lambda other: len(other.blocks), default=None)
    top = []
    for loop in loops:
        siblings = loop.parent.children if loop.parent else top
        siblings.append(loop)
    name_loops(top, "L", 1)
    return loops


def name_loops(loops, prefix, depth):
    for n, loop in enumerate(loops, 1):
        loop.name, loop.depth = f"{prefix}{n}", depth
        name_loops(loop.children, f"{loop.name}.", depth + 1)


class Irreducible(Exception):
    """A cycle that no backward branch closes."""


def longest(ways):
    return max(ways, key=lambda way: way["all"])


def shortest(ways):
    """Of those that go through the most iterations: a loop that runs is not passed by."""
    return min(ways, key=lambda way: (-way["iterations"], way["all"]))


def loops_inside(flow, loop):
    """The loop of each block that lies in one directly inside a loop (None: in the kernel)."""
    inner = {}
    for child in loop.children if loop else [one for one in flow.loops if one.parent is None]:
        inner.update(dict.fromkeys(child.blocks, child))
    return inner


def best_way(flow, loop, weigh, cost_of_loop, choose):
    """Counts along the way that `choose` prefers, from the beginning of a loop (None: of the kernel) to its backward branch
    (its end). weigh(block) is a Counter with key "all"; cost_of_loop(child) that of a loop inside, as a whole."""
    start, inner = loop.header if loop else 0, loops_inside(flow, loop)
    return best_ways(flow, loop, weigh, cost_of_loop, choose)[inner[start].header if start in inner else start]


def best_ways(flow, loop, weigh, cost_of_loop, choose):
    """The same from every node: {block, of a loop inside its first: Counter; None where no way leads to the end}."""
    inner = loops_inside(flow, loop)

    def node(index):
        return inner[index].header if index in inner else index

    start = loop.header if loop else 0
    edges = collapsed_edges(flow, loop, node)
    ends = {node(latch) for latch in loop.latches} if loop else None
    best, open_nodes, stack = {}, set(), [node(start)]
    while stack:
        at = stack[-1]
        rest = [following for following in edges.get(at, ()) if following not in best]
        if rest:
            if any(following in open_nodes for following in rest):
                raise Irreducible
            open_nodes.add(at)
            stack.append(rest[0])
            continue
        stack.pop()
        if at in best:
            continue
        ways = [best[following] for following in edges.get(at, ()) if best[following] is not None]
        if ends is None and not edges.get(at) or ends is not None and at in ends:
            ways.append(Counter())
        own = cost_of_loop(inner[at]) if at in inner else weigh(flow.blocks[at])
        best[at] = own + choose(ways) if ways else None
    return best


def collapsed_edges(flow, loop, node):
    """The edges inside a loop (None: in the kernel) but for backward ones, with each loop inside it as one node."""
    inside = loop.blocks if loop else flow.reachable
    edges = {}
    for index in sorted(inside):
        for successor in flow.blocks[index].successors:
            inward = successor in inside and not (loop and successor == loop.header)
            if inward and node(successor) != node(index) and not flow.blocks[successor].cold:
                following = edges.setdefault(node(index), [])
                if node(successor) not in following:
                    following.append(node(successor))
    return edges
