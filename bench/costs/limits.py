"""What CI holds against committed files. The counters of shipped kernels (bench/counter_limits.json): by kernel, sectors of device memory
for each one that its bytes would fill, and wavefronts of shared memory for each one that a conflict-free access takes. And the costs of the step's kernels (bench/kernel_costs.json).
"""
import json

from sass.errors import UsageError

TOLERANCE = 0.02
SLACK = 1.005  # of ratios that are written with three digits
REWRITE = "where this is wanted, write new values with bench/kernel_costs --write-counter-limits"
NAMES = {"sectors": "device", "wavefronts": "shared"}


def ratio(kernel, name):
    """Of all its accesses; None where it makes none. Atomics in shared memory have no wavefronts."""
    rows = [row for row in kernel["accesses"] if row["memory"] == NAMES[name]]
    least = sum(row[f"min_{name}"] for row in rows)
    return round(sum(row[name] for row in rows) / least, 3) if least else None


def found_in(entries):
    """{"operation: kernel": {name: ratio}}, the worst of its shapes."""
    found = {}
    for entry in entries:
        for kernel in entry["kernels"]:
            worst = found.setdefault(f"{entry['op']}: {kernel['kernel']}", dict.fromkeys(NAMES))
            for name in NAMES:
                value = ratio(kernel, name)
                if value is not None and (worst[name] is None or not value <= worst[name]):
                    worst[name] = value
    return found


def write(path, found):
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(found[key])}" for key in sorted(found))
    path.write_text(f"{{\n{lines}\n}}\n")


def read(path):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file (written by --write-counter-limits)") from None
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}: {error}") from None


def compare(path, found):
    """What is worse, one line each."""
    committed, faults = read(path), []
    for key, values in found.items():
        if key not in committed:
            faults.append(f"{key}: no committed values (found {json.dumps(values)}); {REWRITE}")
            continue
        for name in NAMES:
            limit = committed[key].get(name)
            limit = 1.0 if limit is None else limit
            if values[name] is not None and not values[name] <= limit * SLACK:
                faults.append(f"{key}: {name} for each one needed: committed {limit}, found {values[name]}; {REWRITE}")
    faults += [f"{key}: committed values of a kernel that is gone; {REWRITE}" for key in committed if key not in found]
    return faults


def alike(a, b):
    """Whether two values of JSON are the same, numbers within TOLERANCE: another g++ marks other basic blocks."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(alike(one, other) for one, other in zip(a, b))
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) <= TOLERANCE * max(abs(a), abs(b))
    return a == b


def differences(committed, rows):
    """One line for each operation whose committed costs are not what was found."""
    known = {(row["op"], row["shape"]): row for row in committed}
    found = {(row["op"], row["shape"]): row for row in rows}
    faults = [f"{op} at {shape}: its costs are not those committed; write them with bench/kernel_costs"
              for (op, shape), row in found.items() if not alike(known.get((op, shape)), row)]
    return faults + [f"{op} at {shape}: committed costs of what is no part of the step; write them with bench/kernel_costs"
                     for op, shape in known if (op, shape) not in found]
