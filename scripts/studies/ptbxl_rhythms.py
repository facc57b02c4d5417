#!/usr/bin/env python3
"""What `features --fiducials` finds in PTB-XL, beside what its cardiologists stated: P, PR, QRS and rate.

Usage: ptbxl_rhythms.py PTBXL [--features NAME=PROGRAM ...] [--folds 1-8] [--every N] [--threads N] [--list FOLDER]
PTBXL holds ptbxl_database.csv and records100/. Each program makes a column; prints the tables of docs/ptbxl-rhythms.md. With
--list the records behind each row are written to FOLDER/NAME.csv. Needs no package beside Python.
"""
import argparse
import ast
import collections
import csv
import pathlib
import statistics
import subprocess
import tempfile

SINUS = {"SR", "SBRAD", "STACH", "SARRH"}
NO_SINUS = {"AFIB", "AFLT", "SVTAC", "PSVT", "SVARR", "PACE", "BIGU", "TRIGU", "3AVB", "2AVB"}
RATES = ((0, 40), (40, 60), (60, 80), (80, 100), (100, 115), (115, 1000))
AT_ONCE = 1000  # records per run of the program: bounds the table in memory


class Found:
    """One record: times in seconds over all leads."""

    def __init__(self, beats):
        self.beats = len(beats)
        peaks = [b["r_peak_s"] for b in beats]
        intervals = [b - a for a, b in zip(peaks, peaks[1:])]
        self.rate = 60 / statistics.median(intervals) if intervals else None
        self.p = sum("p_onset_s" in b for b in beats)
        self.pr = self.median_of(beats, "p_onset_s", "qrs_onset_s")
        self.qrs = self.median_of(beats, "qrs_onset_s", "qrs_offset_s")
        self.qt = self.median_of(beats, "qrs_onset_s", "t_offset_s")

    @staticmethod
    def median_of(beats, first, last):
        lengths = [1000 * (b[last] - b[first]) for b in beats if first in b and last in b]
        return statistics.median(lengths) if lengths else None

    def qtc(self):  # Fridericia
        return self.qt * (self.rate / 60) ** (1 / 3) if self.qt and self.rate else None


def read_statements(folder, folds, every):
    records = {}
    with open(folder / "ptbxl_database.csv", newline="") as file:
        for row in csv.DictReader(file):
            if int(row["strat_fold"]) in folds and int(row["ecg_id"]) % every == 0:
                records[row["filename_lr"]] = set(ast.literal_eval(row["scp_codes"]))
    return records


def find(program, folder, names, threads):
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        table = pathlib.Path(temporary) / "fiducials.csv"
        for first in range(0, len(names), AT_ONCE):
            some = names[first:first + AT_ONCE]
            subprocess.run([program, "--threads", str(threads), "--fiducials", table, *some], check=True, cwd=folder,
                           stderr=subprocess.DEVNULL)
            beats = collections.defaultdict(list)
            with open(table) as file:
                columns = next(file).strip().split(",")
                for line in file:
                    record, lead, rest = line.rstrip("\n").split(",", 2)
                    if lead == "all":
                        cells = zip(columns[3:], rest.split(",")[1:])
                        beats[record].append({name: float(cell) for name, cell in cells if cell})
            for name in some:
                found[name] = Found(beats[name])
    return found


def is_sinus(statements):
    return bool(statements & SINUS) and not statements & NO_SINUS


def rows_of(statements, found, rates):
    """(title, records asked, records of them for which it holds)."""
    def having(condition):
        return [name for name, codes in statements.items() if condition(codes) and found[name].beats > 0]

    def row(title, names, holds):
        return title, names, [name for name in names if holds(found[name])]

    def above(member, limit):
        return lambda f: getattr(f, member) is not None and getattr(f, member) >= limit

    rows = []
    for low, high in RATES:
        names = [name for name in having(is_sinus) if rates[name] is not None and low <= rates[name] < high]
        label = f"{low} to {high}/min" if low and high < 1000 else f"below {high}/min" if not low else f"{low}/min and more"
        rows.append(row(f"sinus rhythm, {label}: no P in any beat", names, lambda f: f.p == 0))
        rows.append(row(f"sinus rhythm, {label}: P in less than half of the beats", names, lambda f: 2 * f.p < f.beats))
        rows.append(row(f"sinus rhythm, {label}: QTc (Fridericia) 500 ms and more", names,
                        lambda f: f.qtc() is not None and f.qtc() >= 500))
    fibrillation = having(lambda c: "AFIB" in c and not c & {"PACE", "SR"})
    rows.append(row("AFIB: no P in any beat", fibrillation, lambda f: f.p == 0))
    rows.append(row("AFIB: P in less than half of the beats", fibrillation, lambda f: 2 * f.p < f.beats))
    rows.append(row("AFLT: P in less than half of the beats", having(lambda c: "AFLT" in c), lambda f: 2 * f.p < f.beats))
    premature = having(lambda c: is_sinus(c) and "PAC" in c)
    rows.append(row("sinus rhythm with PAC: P in less than half of the beats", premature, lambda f: 2 * f.p < f.beats))
    rows.append(row("sinus rhythm with PVC: P in less than half of the beats", having(lambda c: is_sinus(c) and "PVC" in c),
                    lambda f: 2 * f.p < f.beats))
    rows.append(row("1AVB: PR above 200 ms", having(lambda c: "1AVB" in c and "PACE" not in c), above("pr", 200)))
    normal = having(lambda c: "NORM" in c and is_sinus(c))
    rows.append(row("NORM: PR above 200 ms", normal, above("pr", 200)))
    rows.append(row("NORM: PR above 300 ms", normal, above("pr", 300)))
    for code in ("CLBBB", "CRBBB"):
        rows.append(row(f"{code}: QRS 120 ms and more", having(lambda c, code=code: code in c), above("qrs", 120)))
    rows.append(row("NORM: QRS 120 ms and more", normal, above("qrs", 120)))
    rows.append(row("SBRAD: rate below 60/min", having(lambda c: "SBRAD" in c), lambda f: f.rate is not None and f.rate < 60))
    rows.append(row("STACH: rate above 100/min", having(lambda c: "STACH" in c), lambda f: f.rate is not None and f.rate > 100))
    rows.append(row("STACH: no P in any beat", having(lambda c: "STACH" in c and is_sinus(c)), lambda f: f.p == 0))
    everything = list(statements)
    rows.append(("all: no beats", everything, [name for name in everything if found[name].beats == 0]))
    return rows


def folds_of(text):
    first, _, last = text.partition("-")
    return set(range(int(first), int(last or first) + 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ptbxl", type=pathlib.Path)
    parser.add_argument("--features", action="append", metavar="NAME=PROGRAM")
    parser.add_argument("--folds", type=folds_of, default=folds_of("1-10"))
    parser.add_argument("--every", type=int, default=1, help="only records whose number is a multiple of it")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--list", type=pathlib.Path)
    options = parser.parse_args()
    default = pathlib.Path(__file__).resolve().parents[2] / "build/cpu/apps/features"
    programs = [text.split("=", 1) for text in options.features or [f"found={default}"]]
    statements = read_statements(options.ptbxl, options.folds, options.every)
    columns, rates = [], None
    for name, program in programs:
        found = find(pathlib.Path(program).resolve(), options.ptbxl, list(statements), options.threads)
        # The last program's rate sorts the records, so that all columns ask the same of the same.
        columns.append((name, found))
        rates = {record: f.rate for record, f in found.items()}
    tables = [(name, rows_of(statements, found, rates)) for name, found in columns]
    print("| of the records with the statement | records | " + " | ".join(name for name, _ in tables) + " |")
    print("|---|--:" + "|--:" * len(tables) + "|")
    for i, (title, names, _) in enumerate(tables[0][1]):
        cells = []
        for _, rows in tables:
            asked, held = rows[i][1], rows[i][2]
            cells.append(f"{len(held)}" if title.startswith("all") else
                         f"{100 * len(held) / len(asked):.1f} %" if asked else "–")
        print(f"| {title} | {max(len(rows[i][1]) for _, rows in tables)} | " + " | ".join(cells) + " |")
    if options.list:
        options.list.mkdir(parents=True, exist_ok=True)
        for name, rows in tables:
            with open(options.list / f"{name}.csv", "w", newline="") as file:
                writer = csv.writer(file)
                for title, _, held in rows:
                    writer.writerows((title, record) for record in held)


if __name__ == "__main__":
    main()
