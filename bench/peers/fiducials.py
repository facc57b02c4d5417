#!/usr/bin/env python3
"""Wave boundaries and R peaks of apps/features beside openecg, NeuroKit2 and XQRS, with their speed, in one run.

Usage: fiducials.py FEATURES [--ludb DIR] [--mitdb DIR] [--repeats N]

Boundaries, LUDB, lead II: each of the six boundaries of P, QRS and T matches the nearest reference boundary that no other has matched,
within Martinez's tolerances (P 50, QRS 40, T onset 50, T end 100 ms). Counted from the first to the last annotated QRS complex.
`features` is run on lead II alone, as the others are, and on all twelve leads.
R peaks, MIT-BIH and LUDB: first lead alone (MIT-BIH) or lead II (LUDB); matched within 150 ms. Beats of MIT-BIH are the codes that WFDB calls
beats, LUDB's are the N marks of lead II, from the first to the last one.
Speed: records per second of one thread on lead II of LUDB, read beforehand, imports and models loaded beforehand; `features`
includes its start and reads the files itself.
Peers that are not installed are left out and named. openecg's weights were trained on a part of LUDB.
Needs numpy, scipy, wfdb; openecg[deploy] and neurokit2 for these.
"""
import argparse
import collections
import csv
import os
import pathlib
import subprocess
import tempfile
import time
import warnings

import numpy as np
import scipy.signal
import wfdb
import wfdb.processing

TOLERANCES = {("p", 0): 0.05, ("p", 1): 0.05, ("qrs", 0): 0.04, ("qrs", 1): 0.04, ("t", 0): 0.05, ("t", 1): 0.10}
R_TOLERANCE = 0.15
WAVES = ("p", "qrs", "t")
BEATS = set("NLRaVFJASEj/Qenfr" + "B")


def reference_waves(path):
    """{wave: [(onset, offset)]} of an LUDB annotation file, in samples, and the peaks of QRS."""
    file = wfdb.rdann(str(path.with_suffix("")), path.suffix[1:])
    waves, peaks, onset, wave = collections.defaultdict(list), [], None, None
    for sample, symbol in zip(file.sample, file.symbol):
        if symbol == "(":
            onset, wave = sample, None
        elif symbol == ")":
            if wave:
                waves[wave].append((onset, sample))
            onset, wave = None, None
        else:
            wave = {"p": "p", "t": "t"}.get(symbol, "qrs")
            if wave == "qrs":
                peaks.append(sample)
    return waves, peaks


def matches(reference, found, tolerance):
    """One-to-one, the closest pairs first."""
    pairs = sorted((abs(a - b), i, j) for i, a in enumerate(reference) for j, b in enumerate(found) if abs(a - b) <= tolerance)
    left, right = set(), set()
    for _, i, j in pairs:
        if i not in left and j not in right:
            left.add(i)
            right.add(j)
    return len(left)


class Counts:
    def __init__(self):
        self.hit = self.reference = self.found = 0

    def add(self, reference, found, tolerance):
        self.hit += matches(reference, found, tolerance)
        self.reference += len(reference)
        self.found += len(found)

    def f1(self):
        return 2 * self.hit / max(1, self.reference + self.found)


def score_boundaries(records, found):
    """`found`: {record: {wave: [(onset s, offset s)]}}. F1 per boundary."""
    counts = {key: Counts() for key in TOLERANCES}
    for name, (rate, _, waves, _) in records.items():
        # Of some complexes only one boundary is annotated.
        first = next(a if a is not None else b for a, b in waves["qrs"]) / rate
        last = next(b if b is not None else a for a, b in reversed(waves["qrs"])) / rate
        for (wave, side), tolerance in TOLERANCES.items():
            def inside(times, margin=0.0):
                return [t for t in times if t is not None and np.isfinite(t) and first - margin <= t <= last + margin]
            reference = inside([pair[side] / rate for pair in waves[wave] if pair[side] is not None])
            mine = inside([pair[side] for pair in found.get(name, {}).get(wave, [])], tolerance)
            # What lies just outside counts only if it is needed.
            kept = [t for t in mine if first <= t <= last or any(abs(t - r) <= tolerance for r in reference)]
            counts[wave, side].add(reference, kept, tolerance)
    return {key: count.f1() for key, count in counts.items()}


def run_features(program, paths, threads=1):
    """{record: rows of the table}, and the seconds."""
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, "table.csv")
        start = time.perf_counter()
        subprocess.run([program, "--threads", str(threads), "--fiducials", table, *map(str, paths)], check=True,
                       stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        rows = collections.defaultdict(list)
        with open(table, newline="") as file:
            for row in csv.DictReader(file):
                rows[os.path.basename(row["record"])].append(row)
        return rows, seconds


def waves_of_rows(rows, lead):
    found = collections.defaultdict(list)
    for row in rows:
        if row["lead"].lower() != lead.lower():
            continue
        for wave in WAVES:
            cells = [row[f"{wave}_{end}_s"] for end in ("onset", "offset")]
            if all(cells):
                found[wave].append(tuple(map(float, cells)))
    return found


def write_lead(folder, name, signal, rate, lead):
    """A WFDB record of one lead; returns its path."""
    wfdb.wrsamp(name, fs=rate, units=["mV"], sig_name=[lead], p_signal=np.nan_to_num(signal)[:, None], fmt=["16"],
                write_dir=str(folder))
    return pathlib.Path(folder) / name


class NeuroKit:
    def __init__(self):
        import neurokit2
        self.package, self.name = neurokit2, f"NeuroKit2 {neurokit2.__version__}"

    def peaks(self, signal, rate):
        clean = self.package.ecg_clean(signal, sampling_rate=rate)
        return clean, self.package.ecg_peaks(clean, sampling_rate=rate)[1]["ECG_R_Peaks"]

    def waves(self, signal, rate):
        clean, peaks = self.peaks(signal, rate)
        info = self.package.ecg_delineate(clean, peaks, sampling_rate=rate, method="dwt")[1]
        names = {"p": ("ECG_P_Onsets", "ECG_P_Offsets"), "qrs": ("ECG_R_Onsets", "ECG_R_Offsets"), "t": ("ECG_T_Onsets", "ECG_T_Offsets")}
        return {wave: [(a / rate, b / rate) for a, b in zip(info[first], info[last])] for wave, (first, last) in names.items()}


class OpenEcg:
    def __init__(self):
        import importlib.metadata
        from openecg.deploy import Inference
        self.model, self.name = Inference(num_threads=1), f"openecg {importlib.metadata.version('openecg')}"

    def waves(self, signal, rate):
        at_250 = scipy.signal.resample_poly(signal, 250, int(rate))
        found = collections.defaultdict(list)
        for window, boundaries in enumerate(self.model.predict(at_250)):
            for b in boundaries:
                found[b.name.lower()].append((b.start / 250 + 10 * window, b.end / 250 + 10 * window))
        return found


def installed(*classes):
    peers = []
    for kind in classes:
        try:
            peers.append(kind())
        except ImportError as error:
            print(f"left out: {kind.__name__}: {error}")
    return peers


def read_ludb(folder):
    records = {}
    for header in sorted(pathlib.Path(folder).glob("*.hea"), key=lambda path: int(path.stem)):
        record = wfdb.rdrecord(str(header.with_suffix("")))
        lead = [name.lower() for name in record.sig_name].index("ii")
        waves, peaks = reference_waves(header.with_suffix(".ii"))
        if waves["qrs"]:
            records[header.stem] = (float(record.fs), record.p_signal[:, lead], waves, peaks)
    return records


def failing(call, *arguments):
    """Nothing where a peer trips over a record."""
    try:
        return call(*arguments)
    except Exception:
        return {}


def boundaries(program, folder, peers, repeats):
    records = read_ludb(folder)
    table = []
    rows, _ = run_features(program, [pathlib.Path(folder) / name for name in records])
    table.append(("features, lead II of twelve", score_boundaries(records, {n: waves_of_rows(rows[n], "ii") for n in records}), None))
    with tempfile.TemporaryDirectory() as alone:
        paths = [write_lead(alone, name, signal, rate, "II") for name, (rate, signal, _, _) in records.items()]
        runs = [run_features(program, paths) for _ in range(repeats)]
        rows = runs[0][0]
        table.append(("features, lead II alone", score_boundaries(records, {n: waves_of_rows(rows[n], "II") for n in records}),
                      len(records) / min(seconds for _, seconds in runs)))
    for peer in peers:
        failing(peer.waves, next(iter(records.values()))[1], 500)  # Caches.
        start = time.perf_counter()
        found = {name: failing(peer.waves, signal, int(rate)) for name, (rate, signal, _, _) in records.items()}
        seconds = time.perf_counter() - start
        table.append((peer.name, score_boundaries(records, found), len(records) / seconds))
    print(f"\nF1 of wave boundaries, LUDB lead II, {len(records)} records\n")
    print("| | P onset | P end | QRS onset | QRS end | T onset | T end | mean | records/s |\n|---|" + "--:|" * 8)
    for name, scores, speed in table:
        cells = [f"{scores[key]:.3f}" for key in TOLERANCES] + [f"{np.mean(list(scores.values())):.3f}"]
        print(f"| {name} | " + " | ".join(cells) + f" | {'' if speed is None else f'{speed:.3g}'} |")
    return records


def r_peak_methods(program, peers):
    def features(signals):
        with tempfile.TemporaryDirectory() as folder:
            paths = [write_lead(folder, name, signal, rate, "ECG") for name, (rate, signal) in signals.items()]
            rows, _ = run_features(program, paths)
        return {name: [float(row["r_peak_s"]) for row in rows[name] if row["lead"] == "all"] for name in signals}

    def one_by_one(call):
        return lambda signals: {name: [p / rate for p in failing(call, signal, rate)] for name, (rate, signal) in signals.items()}

    def xqrs(signal, rate):
        detector = wfdb.processing.XQRS(sig=np.nan_to_num(signal), fs=int(rate))
        detector.detect(verbose=False)
        return detector.qrs_inds

    methods = [("features", features), ("XQRS (wfdb)", one_by_one(xqrs))]
    methods += [(peer.name, one_by_one(lambda s, r, peer=peer: peer.peaks(s, int(r))[1])) for peer in peers if hasattr(peer, "peaks")]
    return methods


def r_peaks(methods, title, signals, reference):
    print(f"\nR peaks, {title}\n\n| | beats | sensitivity | PPV | F1 | records/s |\n|---|--:|--:|--:|--:|--:|")
    for name, method in methods:
        start = time.perf_counter()
        found = method(signals)
        seconds = time.perf_counter() - start
        counts = Counts()
        for record, times in reference.items():
            first, last = times[0] - R_TOLERANCE, times[-1] + R_TOLERANCE
            counts.add(times, [t for t in found[record] if first <= t <= last], R_TOLERANCE)
        print(f"| {name} | {counts.reference} | {100 * counts.hit / counts.reference:.2f} % | "
              f"{100 * counts.hit / max(1, counts.found):.2f} % | {counts.f1():.4f} | {len(signals) / seconds:.3g} |")


def read_mitdb(folder):
    signals, reference = {}, {}
    for header in sorted(pathlib.Path(folder).glob("*.hea")):
        record = wfdb.rdrecord(str(header.with_suffix("")))
        file = wfdb.rdann(str(header.with_suffix("")), "atr")
        signals[header.stem] = (float(record.fs), record.p_signal[:, 0])
        reference[header.stem] = [s / record.fs for s, symbol in zip(file.sample, file.symbol) if symbol in BEATS]
    return signals, reference


def main():
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("features")
    parser.add_argument("--ludb")
    parser.add_argument("--mitdb")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    program = os.path.abspath(options.features)
    peers = installed(OpenEcg, NeuroKit)
    if options.ludb:
        records = boundaries(program, options.ludb, peers, options.repeats)
        r_peaks(r_peak_methods(program, peers), "LUDB lead II", {n: (rate, signal) for n, (rate, signal, _, _) in records.items()},
                {n: [p / rate for p in peaks] for n, (rate, _, _, peaks) in records.items()})
    if options.mitdb:
        r_peaks(r_peak_methods(program, peers), "MIT-BIH, first lead", *read_mitdb(options.mitdb))


if __name__ == "__main__":
    main()
