"""The files of a benchmark run, read and checked: kernels.json, step*.json, twin.json, profile.json in one folder.

  kernels.json   of bench/kernel: {"context": ..., "benchmarks": [...]}, see docs/benchmark-results.md
  step*.json     of bench/step_bench --json, one for each precision
  twin.json      of bench/peers/torch_twin.py --json: a list of modes with their figures
  profile.json   of apps/profile --json: floors and predictions of the step
A file that is absent is left out of the page, which says so. Throws ResultError for a file that is no such result.
"""
import dataclasses
import json
import math
import pathlib

CONTEXT_FIELDS = ("date", "commit", "device", "cpu", "gpu", "driver", "clocks", "precision", "command")
SHIPPED = "shipped"  # The variant that training uses; an opponent's row has none.
ROW_FIELDS = ("op", "shape", "workload", "variant", "opponent", "device", "precision", "seconds", "flop", "bytes")


class ResultError(Exception):
    """What is wrong with a file, and where."""


def load(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ResultError(f"{path}: not a JSON file of a benchmark: {error}") from error


def need(mapping, fields, where):
    if not isinstance(mapping, dict):
        raise ResultError(f"{where}: found {type(mapping).__name__}, expected an object with {', '.join(fields)}")
    for field in fields:
        if field not in mapping:
            raise ResultError(f"{where}: the field '{field}' is missing")


def positive(value, where):
    if not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        raise ResultError(f"{where} is {value!r}, expected a positive number")
    return float(value)


@dataclasses.dataclass
class Results:
    """Everything that one run measured; empty lists and None for what it did not."""
    folder: pathlib.Path
    context: dict
    kernels: list
    steps: list       # of step_bench, one dict a file
    twins: list       # of torch_twin
    profile: dict | None
    missing: list     # names of files that are not there

    def workloads(self):
        """Rows of ours, of the shapes of a training step, hot, shipped variant."""
        return [row for row in self.kernels
                if row["workload"] and row["variant"] == SHIPPED and row.get("temperature", "hot") == "hot"]

    def opponents_of(self, row):
        """Opponents' rows of the same operation, shape, precision and temperature, fastest first."""
        same = ("op", "shape", "device", "precision", "temperature")
        return sorted((other for other in self.kernels
                       if other["opponent"] and all(other.get(key) == row.get(key) for key in same)),
                      key=lambda other: other["seconds"])

    def variants_of(self, row):
        """Rows of the same operation and shape in all variants, slowest first."""
        same = ("op", "shape", "device", "precision", "temperature")
        return sorted((other for other in self.kernels
                       if not other["opponent"] and all(other.get(key) == row.get(key) for key in same)),
                      key=lambda other: -other["seconds"])


def read_kernels(path):
    report = load(path)
    need(report, ("context", "benchmarks"), path)
    need(report["context"], CONTEXT_FIELDS, f"{path}: context")
    rows = []
    for number, row in enumerate(report["benchmarks"]):
        where = f"{path}: benchmarks[{number}]"
        need(row, ROW_FIELDS, where)
        if row["seconds"] is None:
            continue  # Not timed: its check failed, or the opponent does not have it.
        positive(row["seconds"], f"{where}.seconds")
        rows.append(row)
    return report["context"], rows


def read_step(path):
    step = load(path)
    need(step, ("figures", "device", "precision", "commit"), path)
    for number, figure in enumerate(step["figures"]):
        where = f"{path}: figures[{number}]"
        need(figure, ("name", "batch", "seconds", "fastest"), where)
        positive(figure["seconds"], f"{where}.seconds")
    return step


def read_twins(path):
    twins = load(path)
    if not isinstance(twins, list):
        raise ResultError(f"{path}: found {type(twins).__name__}, expected a list of modes")
    for number, twin in enumerate(twins):
        where = f"{path}[{number}]"
        need(twin, ("program", "mode", "precision", "figures"), where)
        for figure in twin["figures"]:
            need(figure, ("name", "batch", "seconds"), where)
            positive(figure["seconds"], f"{where}.seconds")
    return twins


def read(folder):
    """Results of a folder; ResultError where it holds none."""
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise ResultError(f"{folder}: no such folder; scripts/bench.sh makes one")
    missing, context, kernels, twins, profile = [], {}, [], [], None
    steps = [read_step(path) for path in sorted(folder.glob("step*.json"))]
    if not steps:
        missing.append("step.json")
    if (folder / "kernels.json").exists():
        context, kernels = read_kernels(folder / "kernels.json")
    else:
        missing.append("kernels.json")
    if (folder / "twin.json").exists():
        twins = read_twins(folder / "twin.json")
    else:
        missing.append("twin.json")
    if (folder / "profile.json").exists():
        profile = load(folder / "profile.json")
    else:
        missing.append("profile.json")
    if not steps and not kernels:
        raise ResultError(f"{folder}: neither step.json nor kernels.json is there; scripts/bench.sh writes them")
    return Results(folder, context, kernels, steps, twins, profile, missing)


def figure_of(entry, name, batch):
    """Seconds of a figure, or None."""
    for figure in entry["figures"]:
        if figure["name"] == name and figure["batch"] == batch:
            return figure["seconds"]
    return None


def duration(seconds):
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1 or unit == "us":
            value = seconds * scale
            return f"{value:.3g} {unit}" if value < 100 else f"{value:.0f} {unit}"
    raise AssertionError("unreachable")
