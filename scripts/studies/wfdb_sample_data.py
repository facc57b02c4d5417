"""Compares our reading of every WFDB record in a folder with the Python package wfdb's.

Usage: wfdb_sample_data.py FOLDER [--program build/cpu/examples/read_ecg]
FOLDER: for example `sample-data` of that package's repository. Needs the Python package wfdb (4.3.1) and, for FLAC,
soundfile. Prints a line for each record: "same", or what differs. Leads are compared by name, rate, number of samples,
of missing samples, and mean; what we leave aside because it is no ECG is named. The exit status is 1 if anything
differs that both read, or we do not read what wfdb reads.
"""
import argparse
import os
import re
import subprocess
import sys

import numpy as np
import wfdb

LEAD = re.compile(r"lead +(.*): (\d+) samples, (\d+) missing, mean (\S+) ?(.*)")
TO_MILLIVOLTS = {"mv": 1.0, "uv": 1e-3, "v": 1e3, "nv": 1e-6}


def ours(program, path):
    run = subprocess.run([program, path, "--samples"], capture_output=True, text=True)
    leads, rate = [], None
    for line in run.stdout.splitlines():
        if match := LEAD.fullmatch(line):
            name, samples, missing, mean, unit = match.groups()
            leads.append((name, int(samples), int(missing), float(mean) * TO_MILLIVOLTS.get(unit.lower(), 1.0)))
        if line.startswith("rate "):
            rate = float(line.split()[1])
    aside = next((line[12:] for line in run.stdout.splitlines() if line.startswith("left aside")), "")
    return leads, rate, aside, run.stderr.strip().replace("\n", "; ")


def theirs(path):
    """(name, samples, missing, mean in mV, rate) of each signal, in the record's order."""
    header = wfdb.rdheader(path, rd_segments=True)
    if isinstance(header, wfdb.MultiRecord):
        record = wfdb.rdrecord(path, m2s=True)
        signals = [record.p_signal[:, i] for i in range(record.n_sig)]
        widths = [1] * record.n_sig
    else:
        record = wfdb.rdrecord(path, smooth_frames=False)
        signals, widths = record.e_p_signal, record.samps_per_frame
    found = []
    for name, unit, signal, width in zip(record.sig_name, record.units, signals, widths):
        valid = signal[~np.isnan(signal)]
        mean = float(valid.mean()) * TO_MILLIVOLTS.get(unit.lower(), 1.0) if len(valid) else float("nan")
        found.append((name, len(signal), len(signal) - len(valid), mean, record.fs * width))
    return found


def compare(program, path):
    try:
        expected = theirs(path)
    except Exception as error:  # whatever wfdb throws is its answer
        expected, refusal = None, f"{type(error).__name__}: {error}"
    leads, rate, aside, error = ours(program, path)
    if expected is None:
        return (f"only we read it ({refusal})" if leads else f"neither reads it: {error}"), False
    if not leads:
        return f"not read: {error}", True
    differences = []
    rest = list(expected)
    for name, samples, missing, mean in leads:
        at = next((i for i, other in enumerate(rest) if str(other[0]) == name or other[0] is None), None)
        if at is None:
            differences.append(f"{name}: wfdb has no such signal")
            continue
        _, their_samples, their_missing, their_mean, their_rate = rest.pop(at)
        if (samples, missing) != (their_samples, their_missing):
            differences.append(f"{name}: {samples} samples, {missing} missing; wfdb {their_samples}, {their_missing}")
        elif not (abs(mean - their_mean) <= 1e-9 * (1 + abs(mean)) or (np.isnan(mean) and np.isnan(their_mean))):
            differences.append(f"{name}: mean {mean}; wfdb {their_mean}")
        if rate is not None and abs(rate - their_rate) > 1e-9 * rate:
            differences.append(f"{name}: {rate} Hz; wfdb {their_rate}")
    text = "; ".join(differences) or "same"
    return text + (f" (left aside: {aside})" if aside else ""), bool(differences)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--program", default="build/cpu/examples/read_ecg")
    args = parser.parse_args()
    different = 0
    total = 0
    for folder, _, names in sorted(os.walk(args.folder)):
        for name in sorted(names):
            if not name.endswith(".hea"):
                continue
            path = os.path.join(folder, name[:-4])
            text, differs = compare(args.program, path)
            print(f"{os.path.relpath(path, args.folder)}: {text}")
            total += 1
            different += differs
    print(f"{total - different} of {total} records are read as wfdb reads them, or by us alone")
    sys.exit(1 if different else 0)


main()
