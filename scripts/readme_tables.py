#!/usr/bin/env python3
"""Writes the tables of a benchmark run between their marks in README.md.

  scripts/readme_tables.py FOLDER [--readme README.md] [--check | --print]

FOLDER is what scripts/bench.sh or scripts/gpu_check.sh wrote, or a committed folder below bench/results/. The marks are
  <!-- benchmarks NAME begin -->   <!-- benchmarks NAME end -->
with NAME the folder's name. --check changes nothing and fails where the tables differ; --print prints them. Exit status: 1 where a check fails or
something can't be read, 2 for wrong usage.
"""
import argparse
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench"))

from page import results as runs  # noqa: E402
from page.page import ratio_of, step_batch, where  # noqa: E402
from page.results import duration, figure_of  # noqa: E402

MOST_KERNELS = 8
GRAPH = " as a graph"  # of step_bench's figures


def step_table(results):
    batch = step_batch(results)
    entries = []
    for step in results.steps:
        entries.append((f"cardiograd {step['precision']}", step))
        graph = [dict(figure, name=figure["name"].removesuffix(GRAPH)) for figure in step["figures"]
                 if figure["name"].endswith(GRAPH)]
        if graph:
            entries.append((f"cardiograd {step['precision']} graph", dict(step, figures=graph)))
    entries += [(f"{twin['program']} {twin['mode']}", twin) for twin in results.twins]
    figures = [("train step", batch), ("inference", 1), ("inference", batch)]
    lines = ["| | " + " | ".join(f"{name}, batch {size}" for name, size in figures) + " |", "|---|" + "--:|" * len(figures)]
    for label, entry in entries:
        cells = [figure_of(entry, name, size) for name, size in figures]
        lines.append(f"| {label} | " + " | ".join("-" if cell is None else duration(cell) for cell in cells) + " |")
    return lines


def kernel_table(results):
    rows = sorted(((ratio_of(results, row), row) for row in results.workloads() if ratio_of(results, row)),
                  key=lambda pair: -pair[0])
    if not rows:
        return []
    lines = ["", f"Kernels of the step against the best of their opponents, slowest first ({min(len(rows), MOST_KERNELS)} of {len(rows)}):",
             "", "| kernel and shape | cardiograd | best opponent | ratio |", "|---|--:|--:|--:|"]
    for ratio, row in rows[:MOST_KERNELS]:
        best = results.opponents_of(row)[0]
        lines.append(f"| {row['op']} {row['shape']} {row['precision']} | {duration(row['seconds'])} | "
                     f"{best['opponent']} {duration(best['seconds'])} | {ratio:.2f} |")
    return lines


def tables(results, folder):
    context = results.context
    facts = [where(results), context.get("date"), f"commit {context['commit']}" if context.get("commit") else None,
             f"`scripts/readme_tables.py {folder}`"]
    return "\n".join([", ".join(str(fact) for fact in facts if fact) + ":", "", *step_table(results), *kernel_table(results)])


def replace(text, name, content, file):
    begin, end = f"<!-- benchmarks {name} begin -->", f"<!-- benchmarks {name} end -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise runs.ResultError(f"{file}: expected the marks '{begin}' and '{end}' once each, in this order")
    return text[:text.index(begin) + len(begin)] + "\n" + content + "\n" + text[text.index(end):]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--readme", type=pathlib.Path, default=ROOT / "README.md")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="fail where the README's tables are others")
    mode.add_argument("--print", action="store_true", help="print the tables, touch no file")
    options = parser.parse_args()
    try:
        shown = options.folder.resolve()
        shown = shown.relative_to(ROOT) if shown.is_relative_to(ROOT) else shown.name
        new = tables(runs.read(options.folder), shown)
        if options.print:
            print(new)
            return 0
        before = options.readme.read_text(encoding="utf-8")
        after = replace(before, options.folder.name, new, options.readme)
        if options.check and after != before:
            print(f"error: {options.readme}: the tables of {options.folder.name} are not those of its files; "
                  f"run scripts/readme_tables.py {shown}", file=sys.stderr)
            return 1
        if not options.check:
            partial = options.readme.with_name(options.readme.name + ".partial")
            partial.write_text(after, encoding="utf-8")
            os.replace(partial, options.readme)
    except (runs.ResultError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
