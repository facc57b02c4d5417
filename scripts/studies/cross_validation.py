#!/usr/bin/env python3
"""How much the errors of delineation depend on a few constants, and on which records these were tuned on.

Usage: cross_validation.py BUILD [--ludb DIR] [--qtdb DIR] [--constants NAME,...] [--scales X,...] [--folds N]

Each constant is set to several values, the others staying as they are. Records are left out by turns: of the values the
one with the least error on the other records is taken, and judged on those left out. Prints for each boundary mean and
SD of its error over all records, their spread over the folds, and what the choice costs where it was not made. Also
`--list NAME=VALUE,...`: the errors with these values instead, nothing else.

BUILD is a folder that gets a copy of the sources in which the constants of constants.h are read from the environment,
and its build; it is kept for the next time. A name is that of a table's entry, with the wave where it has several:
kPAndT.reach_before_s.p. The error of a boundary is the distance to the expert's mark of the same wave, if one is found
within 150 ms: in each lead of LUDB, of all leads in QTDB (.q1c). Needs numpy, wfdb.
"""
import argparse
import collections
import csv
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import wfdb

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = "dsp/delineation/constants.h"
CONSTANTS = "kQrs.all_leads_fraction,kPAndT.reach_before_s.p,kPAndT.symmetry_ratio"
STRUCTS = {"Stimulus", "Wave", "Qrs", "PAndT", "P", "T", "Consistency", "AllLeads"}  # No other constant is made of these.
REACH_S = 0.15
WAVES = {"p": "p", "N": "qrs", "t": "t"}
BOUNDARIES = ["p_onset", "p_offset", "qrs_onset", "qrs_offset", "t_onset", "t_offset"]


def adjustable(text):
    """The header with the values of STRUCTS read when a program starts; and these values by name."""
    values, struct, lines = {}, None, []

    def read(name, value):
        values[name] = float(value)
        return f'cardiograd_constant("{name}", {value})'

    for line in text.splitlines():
        opened = re.match(r"struct (\w+)Constants {", line)
        struct = opened.group(1) if opened else struct
        entry = re.match(r"  double (\w+) = (.+);$", line)
        several = re.match(r"  (?:PerWave|PerPAndT) (\w+) = {(.+)};$", line)
        if struct in STRUCTS and entry:
            line = f"  double {entry[1]} = {read(f'k{struct}.{entry[1]}', entry[2])};"
        elif struct in STRUCTS and several:
            each = [part.strip().split(" = ") for part in several[2].split(",")]
            each = [f"{wave} = {read(f'k{struct}.{several[1]}{wave}', value)}" for wave, value in each]
            line = line[:line.index("{")] + "{" + ", ".join(each) + "};"
        elif struct in STRUCTS and line.startswith("inline constexpr"):
            line = line.replace("inline constexpr", "inline const")
        lines.append(line)
    function = """
inline double cardiograd_constant(const char* name, double usual) {
  const char* value = std::getenv(name);
  return value == nullptr ? usual : std::strtod(value, nullptr);
}
"""
    text = "\n".join(lines).replace("#include <cstddef>", "#include <cstddef>\n#include <cstdlib>", 1)
    return text.replace("namespace cardiograd::dsp {\n", "namespace cardiograd::dsp {\n" + function, 1) + "\n", values


def build(folder):
    """The program `features` with adjustable constants, and their usual values."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    header, values = adjustable((ROOT / HEADER).read_text())
    for name in filter(None, files):
        content = header.encode() if name == HEADER else (ROOT / name).read_bytes()
        target = folder / name
        if not target.exists() or target.read_bytes() != content:  # The rest needs no new build.
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod((ROOT / name).stat().st_mode)
    for command in (["cmake", "--preset", "cpu"], ["cmake", "--build", "--preset", "cpu", "--target", "features"]):
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder / "build/cpu/apps/features", values


def expert_waves(path, annotator):
    """Times in seconds by boundary: (onsets and ends that belong to a peak)."""
    marks = wfdb.rdann(path, annotator)
    rate = marks.fs or wfdb.rdheader(path).fs
    times = collections.defaultdict(list)
    for i, symbol in enumerate(marks.symbol):
        if symbol not in WAVES:
            continue
        if i > 0 and marks.symbol[i - 1] == "(":
            times[WAVES[symbol] + "_onset"].append(marks.sample[i - 1] / rate)
        if i + 1 < len(marks.symbol) and marks.symbol[i + 1] == ")":
            times[WAVES[symbol] + "_offset"].append(marks.sample[i + 1] / rate)
    return times


def references(ludb, qtdb):
    """[(path, lead of the table or 'all', times)], one for each lead that experts have marked."""
    result = []
    for header in sorted(pathlib.Path(ludb).rglob("*.hea")) if ludb else []:
        path = str(header.with_suffix(""))
        for lead in wfdb.rdheader(path).sig_name:
            result.append((path, lead, expert_waves(path, lead.lower())))
    for marks in sorted(pathlib.Path(qtdb).rglob("*.q1c")) if qtdb else []:
        path = str(marks.with_suffix(""))
        result.append((path, "all", expert_waves(path, "q1c")))
    return result


def errors(features, marked, changes):
    """{path: {boundary: [error in ms]}} with the constants `changes` changed."""
    paths = sorted({path for path, _, _ in marked})
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, "waves.csv")
        subprocess.run([features, "--fiducials", table, *paths], check=True, stderr=subprocess.DEVNULL,
                       env=os.environ | {name: repr(value) for name, value in changes.items()})
        found = collections.defaultdict(lambda: collections.defaultdict(list))
        with open(table, newline="") as rows:
            for row in csv.DictReader(rows):
                for boundary in BOUNDARIES:
                    if row[boundary + "_s"]:
                        found[row["record"], row["lead"].lower()][boundary].append(float(row[boundary + "_s"]))
    result = {path: collections.defaultdict(list) for path in paths}
    for path, lead, times in marked:
        for boundary, expected in times.items():
            own = np.sort(found[path, lead.lower()][boundary])
            for time in expected if own.size else []:
                nearest = own[np.argmin(np.abs(own - time))]
                if abs(nearest - time) <= REACH_S:
                    result[path][boundary].append(1000 * (nearest - time))
    return result


def pooled(each, paths):
    return {b: np.concatenate([np.asarray(each[p][b], dtype=float) for p in paths]) for b in BOUNDARIES}


def loss(each, paths, usual):
    """Mean over the boundaries of the root mean square error, in units of that with the usual constants."""
    rms = [np.sqrt(np.mean(values ** 2)) for values in pooled(each, paths).values() if values.size]
    return float(np.mean([own / other for own, other in zip(rms, usual)]))


def print_limits(each, title):
    print(f"| {title} | marks found | mean ± SD, ms |\n|---|--:|--:|")
    for boundary, values in pooled(each, sorted(each)).items():
        print(f"| {boundary} | {values.size} | {values.mean():+.2f} ± {values.std(ddof=1):.2f} |")


def leave_out(scores, default, folds, paths):
    """One line for each fold: the value chosen without it, and what that changes on it."""
    chosen, gains, spread = [], [], collections.defaultdict(list)
    for fold in range(folds):
        out, rest = paths[fold::folds], [p for i, p in enumerate(paths) if i % folds != fold]
        usual = [np.sqrt(np.mean(v ** 2)) for v in pooled(scores[default], rest).values() if v.size]
        best = min(scores, key=lambda value: loss(scores[value], rest, usual))
        usual_out = [np.sqrt(np.mean(v ** 2)) for v in pooled(scores[default], out).values() if v.size]
        chosen.append(best)
        gains.append(100 * (loss(scores[best], out, usual_out) - 1))
        for boundary, values in pooled(scores[best], out).items():
            spread[boundary].append((values.mean(), values.std(ddof=1)))
    print("chosen without each fold:", ", ".join(f"{value:g}" for value in chosen))
    print("change of the error on the fold, %:", ", ".join(f"{gain:+.2f}" for gain in gains),
          f"(mean {np.mean(gains):+.2f})")
    for boundary, values in spread.items():
        means, sds = np.transpose(values)
        print(f"  {boundary}: mean {means.mean():+.1f} ± {means.std(ddof=1):.1f}, "
              f"SD {sds.mean():.1f} ± {sds.std(ddof=1):.1f} ms over the folds")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--ludb")
    parser.add_argument("--qtdb")
    parser.add_argument("--constants", default=CONSTANTS)
    parser.add_argument("--scales", default="0.7,0.85,1,1.15,1.3")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--list")
    options = parser.parse_args()
    features, values = build(options.build)
    marked = references(options.ludb, options.qtdb)
    if not marked:
        parser.error("no record with marks: give --ludb or --qtdb")
    changes = dict(part.split("=") for part in options.list.split(",")) if options.list else {}
    for name in list(changes) or options.constants.split(","):
        if name not in values:
            parser.error(f"no constant '{name}' in {HEADER} that can be changed here")
    usual = errors(features, marked, {name: float(value) for name, value in changes.items()})
    print_limits(usual, options.list or "as it is")
    for name in [] if changes else options.constants.split(","):
        scores = {values[name]: usual}
        for scale in map(float, options.scales.split(",")):
            if scale != 1:
                scores[values[name] * scale] = errors(features, marked, {name: values[name] * scale})
        paths = sorted(usual)
        base = [np.sqrt(np.mean(v ** 2)) for v in pooled(usual, paths).values() if v.size]
        print(f"\n{name}")
        over_all = [f"{value:g}: {loss(scores[value], paths, base):.4f}" for value in sorted(scores)]
        print("error over all records:", ", ".join(over_all))
        leave_out(scores, values[name], options.folds, paths)
    return 0


if __name__ == "__main__":
    sys.exit(main())
