"""Instructions per launch: the machine code, and how often its loops run on a shape (bench/launches.toml).

A loop of the source can be several in the machine code, of which each does several iterations at once and one the rest.
How many one does is read from its counter; where that cannot be told, or the table has no entry for the loop, the count is
unknown and the report says of which loop.
"""
import ast
import math
import re
import tomllib
from collections import Counter

from . import counters, flow as flows, mix
from .errors import UsageError, unknown
from .ring import ring_bytes

KEYS = {"shapes", "kernels", "kernels_of", "names", "names_of", "library"}
DOWN = "down"  # of a loop that counts down by a template parameter
FUNCTIONS = {"min": min, "max": max, "ceil": math.ceil, "floor": math.floor, "ceil_div": lambda a, b: -(-a // b)}
OPERATORS = {ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
             ast.Div: lambda a, b: a / b, ast.FloorDiv: lambda a, b: a // b, ast.Mod: lambda a, b: a % b}


def evaluate(expression, names, where):
    """The value of an arithmetic expression of numbers, names, + - * / // % and min, max, ceil, floor, ceil_div."""
    def value(node):
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return node.value
        if isinstance(node, ast.Name):
            if node.id not in names:
                raise UsageError(f"{where}: unknown name '{node.id}' in '{expression}' (known: {', '.join(sorted(names))})")
            return names[node.id]
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -value(node.operand)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
            return FUNCTIONS[node.func.id](*[value(argument) for argument in node.args])
        raise UsageError(f"{where}: cannot evaluate '{expression}' (known: numbers, names, + - * / // %, "
                         f"{', '.join(FUNCTIONS)})")
    if isinstance(expression, (int, float)):
        return expression
    try:
        return value(ast.parse(expression, mode="eval").body)
    except (SyntaxError, ZeroDivisionError, TypeError) as error:
        raise UsageError(f"{where}: cannot evaluate '{expression}': {error}") from None


class Launches:
    """The table: per operation its shapes and kernels, per source loop its iterations. `gpus` (gpus.Gpus): how much shared
    memory there is, which decides how many buffers a ring has."""

    def __init__(self, path, gpus=None):
        self.path, self.gpus = path, gpus
        try:
            table = tomllib.loads(path.read_text())
        except FileNotFoundError:
            raise UsageError(f"{path}: no such file") from None
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{path}: {error}") from None
        self.loops = table.pop("loops", {})
        self.operations = table
        for name, operation in table.items():
            if unexpected := set(operation) - KEYS:
                raise UsageError(f"{path}: [{name}] has '{min(unexpected)}' (known: {', '.join(sorted(KEYS))})")
            if "kernels_of" in operation:
                operation["kernels"] = {**table[operation["kernels_of"]]["kernels"], **operation.get("kernels", {})}

    def of_kernel(self, operation, kernel):
        """[(shape name, names with values, blocks, threads, dynamic shared bytes)] of a kernel."""
        table = self.operations.get(operation, {})
        if kernel.short not in table.get("kernels", {}):
            return []
        return [(shape["name"], *self.bind(operation, kernel, {n: v for n, v in shape.items() if n != "name"}))
                for shape in table.get("shapes", [])]

    def bind(self, operation, kernel, shape):
        """(names with values, blocks, threads, dynamic shared bytes) of a kernel that has an entry, at a shape."""
        entry = self.operations[operation]["kernels"][kernel.short]
        where = f"{self.path}: [{operation}] {kernel.short}"
        names = dict(shape)
        for name, expression in entry.get("define", {}).items():
            names[name] = evaluate(expression, names, where)
        threads = evaluate(entry.get("threads", kernel.max_threads), names, where)
        names["threads"] = threads
        names["blocks"] = blocks = evaluate(entry["blocks"], names, where)
        return names, blocks, threads, self.shared_bytes(entry, kernel.architecture, names, where)

    def shared_bytes(self, entry, architecture, names, where):
        """Dynamic shared memory of a block: "shared" of its entry, or what its "ring" of buffers takes on the architecture."""
        if "ring" not in entry:
            return evaluate(entry.get("shared", 0), names, where)
        if unexpected := set(entry["ring"]) - {"stage", "fixed", "most"}:
            raise UsageError(f"{where}: ring has '{min(unexpected)}' (known: fixed, most, stage)")
        if self.gpus is None:
            raise UsageError(f"{where}: a ring, but no table of GPUs (bench/gpus.toml) that says how much shared memory there is")
        ring = {name: evaluate(expression, names, where) for name, expression in entry["ring"].items()}
        return ring_bytes(1024 * self.gpus.limit(architecture, "shared_kib"), **ring)

    def parts(self, operation, flow, names, source):
        """{loop: fraction of the blocks that come to it}, of a kernel whose entry says that its blocks do different work."""
        entry = self.operations[operation]["kernels"][flow.kernel.short]
        where = f"{self.path}: [{operation}] {flow.kernel.short}"
        found = {}
        for text, expression in entry.get("parts", {}).items():
            loops = [loop for loop in flow.loops if text in source.text((flow.position(loop) or [("", 0)])[0])]
            if not loops:
                raise UsageError(f"{where}: parts: no loop's statement has the text '{text}'")
            found.update(dict.fromkeys(loops, evaluate(expression, names, where)))
        return found

    def working_blocks(self, operation, kernel, names):
        """How many blocks write working memory."""
        entry = self.operations[operation]["kernels"][kernel.short]
        return evaluate(entry.get("working", "blocks"), names, f"{self.path}: [{operation}] {kernel.short}")

    def entry_of_loop(self, operation, kernel, text):
        """What the table says of a loop whose statement has the text; the kernel's own entries come first."""
        own = self.operations.get(operation, {}).get("kernels", {}).get(kernel.short, {}).get("loops", {})
        for table in (own, self.loops):
            for key, entry in table.items():
                if key in text:
                    return entry if isinstance(entry, dict) else {"trips": entry}
        return None


class SourceLines:
    def __init__(self, root):
        self.root, self.files, self.constants = root, {}, None

    def text(self, position):
        file, line = position
        if file not in self.files:
            path = self.root / file
            self.files[file] = path.read_text(errors="replace").splitlines() if path.is_file() else []
        lines = self.files[file]
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def increment(self, text):
        """By how much a for statement moves its counter, below 0 for one that counts down; None where it is no number or
        named constant, DOWN where one that counts down does so by such a step."""
        match = re.search(r";[^;]*?(?:(\+\+|--)\w+|\w+(\+\+|--)|\w+\s*([+-])=\s*([\w']+))\s*(?:,[^;]*)?\)", text)
        if match is None:
            return None
        if match[4] is None:
            return 1 if "++" in (match[1], match[2]) else -1
        step = int(match[4]) if match[4].isdigit() else self.constant(match[4])
        if match[3] == "+":
            return step
        return DOWN if step is None else -step

    def constant(self, name):
        if self.constants is None:
            self.constants = {}
            for path in [*self.root.glob("kernels/**/*.cuh"), *self.root.glob("kernels/**/*.cu"),
                         *self.root.glob("kernels/**/*.h")]:
                for found, expression in re.findall(r"constexpr (?:int|std::int64_t) (k\w+) = ([^;]+);", path.read_text()):
                    self.constants.setdefault(found, set()).add(expression)
        expressions = self.constants.get(name, set())
        if len(expressions) != 1:
            return None
        expression = re.sub(r"k[A-Z]\w*", lambda m: str(self.constant(m[0])), next(iter(expressions)))
        return int(expression) if re.fullmatch(r"\d+", expression) else (
            eval(expression, {"__builtins__": {}}) if re.fullmatch(r"[\d\s*+()/-]+", expression) else None)


def unrolled_by(flow, loop, increment):
    """Iterations of the source that one of the machine's does; None where the counter does not tell."""
    step = counters.step(flow, loop)
    if step is None:
        return None
    constant, times = step
    if times:
        return times
    if increment is DOWN:
        return None  # a counter below 0 is the source's own, or one that the compiler made
    if increment and constant * increment > 0 and constant % increment == 0:
        return constant // increment
    if constant < 0 or constant == 1:
        return abs(constant)  # The compiler counts iterations.
    return None


def work_of(flow, loop):
    """Something that every iteration of the source does equally often: stores, or other accesses, or arithmetic."""
    own = mix.count_blocks(flow.own_blocks(loop))
    stores = sum(number for name, number in own.items() if " store " in name)
    return stores or own["memory"] or own["ffma"] + own["float"] + own["double"]


def unroll_factors(flow, siblings, increment):
    """Of loops of one source statement: from their counters, or by their work against one whose counter tells."""
    factors = {loop: unrolled_by(flow, loop, increment) for loop in siblings}
    known = [loop for loop in siblings if factors[loop] is not None and work_of(flow, loop)]
    for loop in siblings:
        if factors[loop] is None and known:
            base = min(known, key=lambda one: factors[one])
            ratio = work_of(flow, loop) * factors[base] / work_of(flow, base)
            factors[loop] = int(ratio) if ratio >= 1 and ratio == int(ratio) else None
    return factors


def increment_of(entry, text, names, source, where):
    """By how much the source moves its counter: "step" of the loop's entry, or what its statement says."""
    return evaluate(entry["step"], names, where) if "step" in entry else source.increment(text)


def trip_counts(flow, entry_of_text, names, source, where):
    """({loop: iterations or None}, {loop: how many of the source's one of them does}, [what is unknown])."""
    trips, done_at_once, missing, groups = {}, {}, [], {}
    for loop in flow.loops:
        position = (flow.position(loop) or [("", 0)])[0]
        groups.setdefault((loop.parent, position), []).append(loop)
    for (_, position), siblings in groups.items():
        text = source.text(position)
        entry = entry_of_text(text)
        place = f"{position[0]}:{position[1]}"
        if entry is None:
            missing.append(f"{siblings[0].name} ({place})")
            trips.update(dict.fromkeys(siblings))
            continue
        left = evaluate(entry["trips"], names, where)
        factors = unroll_factors(flow, siblings, increment_of(entry, text, names, source, where))
        factors = {loop: entry.get("unroll") if factor is None else factor for loop, factor in factors.items()}
        if None in factors.values():
            missing.append(f"{siblings[0].name} ({place}: how far it is unrolled cannot be told)")
            trips.update(dict.fromkeys(siblings))
            continue
        done_at_once.update(factors)
        for factor in sorted(set(factors.values()), reverse=True):
            times = left // factor if factor > 1 else left
            left -= times * factor
            trips.update({loop: times for loop in siblings if factors[loop] == factor})
    return trips, done_at_once, missing


def weigh(block):
    counted = mix.count(block.instructions)
    if block.extra:
        counted["all"] += len(block.extra)
    return counted


def per_warp(flow, trips, choose):
    """Counts of one warp that goes the way that `choose` prefers: flows.shortest or flows.longest."""
    def whole(loop):
        once = flows.best_way(flow, loop, weigh, whole, choose) or Counter()
        total = Counter({name: number * trips[loop] for name, number in once.items()})
        total["iterations"] += trips[loop]
        return total
    return flows.best_way(flow, None, weigh, whole, choose) or Counter()


def trips_at(flow, launches, operation, names, source):
    """As trip_counts, where the loops run as the names say."""
    where = f"{launches.path}: [{operation}] {flow.kernel.short}"
    return trip_counts(flow, lambda text: launches.entry_of_loop(operation, flow.kernel, text), names, source, where)


def ways_at(flow, trips):
    """Counts of one warp on the shortest and on the longest way."""
    return tuple(per_warp(flow, trips, choose) for choose in (flows.shortest, flows.longest))


def instructions_per_launch(flow, operation, launches, source):
    """One dict per shape: shape, blocks, threads, and warp instructions (shortest and longest way) or what is unknown."""
    found = []
    for shape, names, blocks, threads, shared in launches.of_kernel(operation, flow.kernel):
        trips, _, missing = trips_at(flow, launches, operation, names, source)
        entry = {"shape": shape, "blocks": blocks, "threads": threads, "dynamic_shared": shared, "unknown": missing}
        if not missing:
            warps = blocks * -(-threads // 32)
            try:
                ways = ways_at(flow, trips)
            except flows.Irreducible:
                found.append({**entry, "unknown": ["a cycle that no backward branch closes"]})
                continue
            entry.update(warp_instructions=[way["all"] * warps for way in ways],
                         ffma=[way["ffma"] * warps for way in ways], hmma=[way["hmma"] * warps for way in ways])
        found.append(entry)
    return found


def trips_of_first_shape(flow, operation, launches, source):
    """{loop: iterations, None where unknown} of a kernel at the first shape of its entry; empty without one."""
    for _, names, *_ in launches.of_kernel(operation, flow.kernel):
        return trips_at(flow, launches, operation, names, source)[0]
    return {}


def check_operations(launches, known):
    for name in launches.operations:
        if name not in known:
            raise unknown(f"operation in {launches.path}", name, known)
