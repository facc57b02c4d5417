"""Which way a warp takes through the machine code: told, where the code branches, by what the host did at the lines of either
side.

The share of a line is the smaller of two fractions. How often a warp entered the line on the host (the basic block of
g++'s code that begins with it and was entered most), of how often the loops around it let a warp reach it in the machine
code. And the bytes that its accesses moved on the host, of those that they would move if every branch of the machine
code led to them: a line that the compiler has copied, for the rest of an unrolled loop, does its work in one of the copies
only. Code whose lines tell nothing decides nothing: where no side of a branch has a share, the shorter side is taken, so
that a prediction stays a lower bound.

Where blocks of one launch do different work (`parts` in bench/launches.toml), the shape says how many do which, and the
shares that were counted at a reduced shape are scaled by that.
"""
from collections import Counter

from sass import flow as flows, launches as launch_tables, mix

COUNTED = {"load": "load", "store": "store", "cp.async load": "load", "atomic": "store"}


def line_of(instruction):
    """(file, line): the innermost position outside of simt/, whose functions are CUDA's own on a GPU."""
    return next((place for place in instruction.positions if not place[0].startswith("simt/")), None)


def access_of(instruction):
    """(memory, direction) of an access to device or shared memory; else None."""
    what = mix.MEMORY.get(instruction.base, "").replace("global to shared", "global load")
    memory, _, side = what.partition(" ")
    return {"global": ("device", side), "shared": ("shared", side)}.get(memory)


def times(trips, loop):
    """How often the body of a loop runs in all."""
    number = 1
    while loop is not None:
        number *= trips[loop]
        loop = loop.parent
    return number


def shares_of_lines(flow, trips, kernel, at_once):
    """{(file, line): 0 to 1}. `kernel`: what simt_counters counted of it, where the loops run `trips` times; `at_once`: how many
    iterations of the source one of these does."""
    reachable, possible, moved = Counter(), Counter(), Counter()
    for block in flow.all_blocks(None):
        loop = flow.loop_of[block.index]
        number = times(trips, loop)
        of_source = number * times(at_once, loop)
        for instruction in block.instructions:
            line = line_of(instruction)
            reachable[line] = max(reachable[line], of_source)
            if access := access_of(instruction):
                possible[line, access] += mix.width(instruction) * number
    warps = kernel["threads"] / 32
    for row in kernel["accesses"]:
        if row["access"] in COUNTED:
            moved[(row["file"], row["line"]), (row["memory"], COUNTED[row["access"]])] += \
                row["bytes_per_lane"] * row["requests"] / warps
    shares = {(row["file"], row["line"]): row["visits"] / warps / reachable[row["file"], row["line"]]
              for row in kernel["visits"] if reachable[row["file"], row["line"]]}
    by_access = {}
    for (line, access), number in possible.items():
        if number:
            by_access[line] = max(by_access.get(line, 0.0), moved[line, access] / number)
    for line, share in by_access.items():
        shares[line] = min(shares.get(line, 1.0), share)
    return {line: min(1.0, share) for line, share in shares.items()}


class Graph:
    """The blocks of a loop (None: of the kernel) without backward branches, each loop inside it being one node."""

    def __init__(self, flow, loop):
        self.inner = flows.loops_inside(flow, loop)
        self.start = self.node(loop.header if loop else 0)
        self.edges = flows.collapsed_edges(flow, loop, self.node)
        self.order = self.topological()
        self.before = {}
        for at in self.order:
            for following in self.edges.get(at, ()):
                self.before.setdefault(following, []).append(at)
        self.dominators = self.find_dominators()

    def node(self, index):
        return self.inner[index].header if index in self.inner else index

    def topological(self):
        done, order, stack = set(), [], [(self.start, iter(self.edges.get(self.start, ())))]
        done.add(self.start)
        while stack:
            at, rest = stack[-1]
            following = next((one for one in rest if one not in done), None)
            if following is None:
                order.append(at)
                stack.pop()
            else:
                done.add(following)
                stack.append((following, iter(self.edges.get(following, ()))))
        return order[::-1]

    def find_dominators(self):
        found = {self.start: {self.start}}
        for at in self.order[1:]:
            found[at] = {at} | set.intersection(*(found[one] for one in self.before[at] if one in found))
        return found


def blocks_of(flow, graph, at):
    return [flow.blocks[i] for i in sorted(graph.inner[at].blocks)] if at in graph.inner else [flow.blocks[at]]


def own_ways(graph, parts):
    """{loop of parts: the nodes with one way into them that lead to it and to none of the other parts' loops}."""
    nodes = {loop: graph.node(loop.header) for loop in parts if graph.node(loop.header) in graph.inner}
    return {loop: {one for one in graph.dominators[at] if len(graph.before.get(one, ())) == 1
                   and not any(one in graph.dominators[other] for other in nodes.values() if other != at)}
            for loop, at in nodes.items()}


def share_beyond(flow, graph, shares, parts):
    """{node with one way into it: the largest share of the lines that only this way leads to}. `parts`: {loop: (fraction of
    the warps that come to it where the lines were counted, at the full shape)}."""
    own, leading, statements = {}, own_ways(graph, parts), {}
    for loop in flow.loops:  # Beside the loop, its statement's line is its beginning, or the way around it: no share of either.
        for position in (flow.position(loop) or [])[:1]:
            statements.setdefault(position, set()).update(loop.blocks)
    for at in graph.order:
        found = [shares[line] for block in blocks_of(flow, graph, at) if not block.cold for i in block.instructions
                 if (line := line_of(i)) in shares and block.index in statements.get(line, {block.index})]
        if found:
            own[at] = max(found)
            for loop, ways in leading.items():
                if ways & graph.dominators[at]:
                    own[at] = min(1.0, own[at] / parts[loop][0]) * parts[loop][1]
    beyond = {}
    for at, share in own.items():
        for dominator in graph.dominators[at]:
            if len(graph.before.get(dominator, ())) == 1:
                beyond[dominator] = max(beyond.get(dominator, 0.0), share)
    for loop, ways in leading.items():
        beyond.update(dict.fromkeys(ways, parts[loop][1]))
    return beyond


def split(arriving, following, beyond, shortest):
    """[(node, how much of `arriving` goes there)]."""
    if len(following) == 1:
        return [(following[0], arriving)]
    told = {at: min(arriving, beyond[at]) for at in following if at in beyond}
    silent = [at for at in following if at not in told]
    if not silent:
        whole = sum(told.values())
        return [(at, arriving * share / whole if whole else arriving / len(told)) for at, share in told.items()]
    rest = max(0.0, arriving - sum(told.values()))
    return [*told.items(), (min(silent, key=shortest), rest)]


def expected(flow, trips, shares, parts=None):
    """Counts of one warp, as fractions where it branches: {"all": ..., "ffma": ..., "shared load 4": ...}. `parts` as
    share_beyond's."""
    def shortest_loop(loop):
        once = flows.best_way(flow, loop, launch_tables.weigh, shortest_loop, flows.shortest) or Counter()
        total = Counter({name: number * trips[loop] for name, number in once.items()})
        total["iterations"] += trips[loop]
        return total

    def add_way(loop, share, number, total):
        """Adds what the body of a loop costs, run `number` times in all by `share` of the warps."""
        graph = Graph(flow, loop)
        suffixes = flows.best_ways(flow, loop, launch_tables.weigh, shortest_loop, flows.shortest)
        beyond = share_beyond(flow, graph, shares, (parts or {}) if loop is None else {})

        def shortest(at):
            way = suffixes.get(at)
            return (0, -way["iterations"], way["all"]) if way is not None else (1, 0, 0)
        arriving = Counter({graph.start: share})
        for at in graph.order:
            here = arriving[at]
            if at in graph.inner:
                add_way(graph.inner[at], here, number * trips[graph.inner[at]], total)
            else:
                for name, count in launch_tables.weigh(flow.blocks[at]).items():
                    total[name] += count * here * number
            following = graph.edges.get(at, ())
            for to, part in split(here, following, beyond, shortest) if following else ():
                arriving[to] += part

    total = Counter()
    add_way(None, 1.0, 1, total)
    return total
