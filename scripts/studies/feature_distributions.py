#!/usr/bin/env python3
"""The distribution of each feature column in PTB-XL and LUDB recordings, as tables in docs/feature-distributions.md.

Usage: feature_distributions.py FEATURES [--ptbxl PTBXL_FOLDER] [--ludb LUDB_FOLDER] [--doc FILE.md]

Runs `FEATURES --data ... --500hz` on both and replaces what stands between the marks `<!-- tables -->` and
`<!-- end of tables -->` of the document. Per column: values there and missing (with the reasons), minimum, 5 %, median,
95 % and maximum, then the values far outside (more than FAR times as far from the median as the 5 % or 95 % quantile on
that side) with the record and its diagnosis. Needs numpy.
"""
import argparse
import collections
import csv
import glob
import os
import pathlib
import re
import subprocess
import tempfile

import numpy as np

BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"
FAR = 2.5


def ludb_as_ptbxl(folder, target):
    """LUDB in PTB-XL's layout. Returns the diagnosis of each record."""
    diagnoses = {}
    os.symlink(os.path.abspath(folder), os.path.join(target, "records500"))
    with open(os.path.join(target, "ptbxl_database.csv"), "w", newline="") as f:
        writer = csv.writer(f)
        writer.writerow("ecg_id patient_id age sex scp_codes strat_fold filename_lr filename_hr".split())
        for header in sorted(glob.glob(os.path.join(folder, "*.hea")), key=lambda path: int(os.path.basename(path)[:-4])):
            name = os.path.basename(header)[:-4]
            comments = [line[1:].strip() for line in open(header, errors="replace") if line.startswith("#")]
            told = dict(part.split(": ", 1) for part in comments if part.startswith("<") and ": " in part)
            age = re.sub(r"\D", "", told.get("<age>", ""))
            sex = {"M": "0", "F": "1"}.get(told.get("<sex>", "").strip()[:1], "")
            diagnoses[name] = "; ".join(c.rstrip(".") for c in comments if c and not c.startswith("<"))
            writer.writerow([name, name, age, sex, "{}", 1, "", f"records500/{name}"])
    return diagnoses


def ptbxl_diagnoses(folder):
    with open(os.path.join(folder, "ptbxl_database.csv"), newline="") as f:
        return {row["ecg_id"]: ", ".join(re.findall(r"'([^']+)':", row["scp_codes"])) for row in csv.DictReader(f)}


def number(value):
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def tables(name, features, folder, diagnoses):
    with tempfile.TemporaryDirectory() as out:
        path = os.path.join(out, "f.csv")
        subprocess.run([features, "--data", folder, "--500hz", "--skip-missing", "--out", path], check=True)
        with open(path, newline="") as f:
            rows = list(csv.DictReader(f))
        with open(os.path.join(out, "f_missing.csv"), newline="") as f:
            reasons = collections.defaultdict(collections.Counter)
            for row in csv.DictReader(f):
                reasons[row["column"]][row["reason"]] += 1
    lines = [f"## {name}: {len(rows)} records at 500 Hz", "",
             "| column | n | missing | min | 5 % | median | 95 % | max |", "|---|--:|---|--:|--:|--:|--:|--:|"]
    far = collections.defaultdict(list)
    for column in list(rows[0])[1:]:
        there = [(float(row[column]), row["ecg_id"]) for row in rows if row[column]]
        missing = "; ".join(f"{count} {reason}" for reason, count in reasons[column].most_common())
        if not there:
            lines.append(f"| `{column}` | 0 | {missing} | | | | | |")
            continue
        values = np.array([value for value, _ in there])
        low, middle, high = np.percentile(values, [5, 50, 95])
        lines.append(f"| `{column}` | {len(there)} | {missing} | " +
                     " | ".join(map(number, (values.min(), low, middle, high, values.max()))) + " |")
        for value, record in sorted(there):
            if value > middle + FAR * (high - middle) or value < middle - FAR * (middle - low):
                far[record].append(f"`{column}` {number(value)} (median {number(middle)})")
    lines += ["", f"Values more than {FAR} times as far from the median as the 5 % or 95 % quantile:", "",
              "| record | values | diagnosis |", "|--:|---|---|"]
    lines += [f"| {record} | {'; '.join(values)} | {diagnoses[record]} |" for record, values in far.items()]
    return lines + [""]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("features")
    parser.add_argument("--ptbxl")
    parser.add_argument("--ludb", help="the folder with the records 1.hea, ...")
    parser.add_argument("--doc", default=pathlib.Path(__file__).resolve().parents[2] / "docs" / "feature-distributions.md")
    options = parser.parse_args()
    lines = []
    if options.ptbxl:
        lines += tables("PTB-XL", options.features, options.ptbxl, ptbxl_diagnoses(options.ptbxl))
    if options.ludb:
        with tempfile.TemporaryDirectory() as target:
            diagnoses = ludb_as_ptbxl(options.ludb, target)
            lines += tables("LUDB", options.features, target, diagnoses)
    with open(options.doc) as f:
        text = f.read()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    with open(options.doc, "w") as f:
        f.write(before + BEGIN + "\n" + "\n".join(lines) + END + after)


if __name__ == "__main__":
    main()
