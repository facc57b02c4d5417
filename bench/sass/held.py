"""The values that CI holds the shipped kernels to (bench/sass_limits.json): a change that makes one worse fails, and so does
one that leaves a kernel's entry of bench/launches.toml without the text of a loop."""
import json

from .errors import ReportError, UsageError

FEWER = ("64-bit divisions in loops", "spilled bytes", "scalar accesses", "uncoalesced accesses")
MORE = ("16-byte fraction", "HMMA fraction")
RATIO = "issue per product"  # of the loops with HMMA, on the longest way; fewer is better
# The same nvcc allocates registers a little differently in another folder: an instruction more or less in a loop.
SLACK = 0.005
RATIO_SLACK = 1.02
REWRITE = "where this is wanted, write new values with bench/sass_report --write-limits"


def key_of(entry):
    return f"{entry['operation']}: {entry['kernel']} on sm_{entry['architecture']}"


def write(path, entries, nvcc):
    values = {key_of(entry): entry["held"] for entry in sorted(entries, key=key_of)}
    lines = ",\n".join(f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in values.items())
    path.write_text(f'{{\n  "nvcc": {json.dumps(nvcc)},\n  "kernels": {{\n{lines}\n  }}\n}}\n')


def read(path):
    try:
        table = json.loads(path.read_text())
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file (written by --write-limits)") from None
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}: {error}") from None
    if not isinstance(table.get("kernels"), dict) or "nvcc" not in table:
        raise UsageError(f"{path}: expected the keys nvcc and kernels")
    return table


def worse(name, committed, found):
    """Whether a value fails; fractions have SLACK, the ratio RATIO_SLACK."""
    if committed is None:
        return False
    if name in FEWER:
        return found is None or not found <= committed
    if name == RATIO:
        return found is None or not found <= committed * RATIO_SLACK
    return found is None or not found >= committed - SLACK


def compare(path, entries, nvcc, whole):
    """What is worse, one line each. `whole`: the entries are all kernels, so that one that is gone is noticed."""
    table = read(path)
    if table["nvcc"] != nvcc:
        raise ReportError(f"{path} holds the values of nvcc {table['nvcc']}, this is nvcc {nvcc}; {REWRITE}")
    committed = table["kernels"]
    faults = []
    for entry in entries:
        key, found = key_of(entry), entry["held"]
        if key not in committed:
            faults.append(f"{key}: no committed values (found {json.dumps(found)})")
            continue
        values = committed[key]
        names = [name for name in (*FEWER, *MORE, RATIO) if worse(name, values.get(name), found.get(name))]
        if values.get("HMMA") and not found["HMMA"]:
            names.append("HMMA")
        grown = (found["HMMA fraction"] or 0) > (values.get("HMMA fraction") or 0)
        if not grown and worse("FFMA fraction", values.get("FFMA fraction"), found["FFMA fraction"]):
            names.append("FFMA fraction")
        faults += [f"{key}: {name}: committed {values[name]}, found {found.get(name)}" for name in names]
        loops = {loop for launch in entry["launches"] for loop in launch["unknown"]}
        faults += [f"{key}: no iterations of loop {loop} in bench/launches.toml" for loop in sorted(loops)]
    if whole:
        gone = set(committed) - {key_of(entry) for entry in entries}
        faults += [f"{key}: committed values of a kernel that is gone" for key in sorted(gone)]
    return faults
