#!/usr/bin/env python3
"""NeuroKit2 against apps/features: records per second on the same records, in one run, and how far they agree.

Usage: neurokit_features.py FEATURES PTBXL_FOLDER [--records N] [--threads N] [--500hz]

Takes N records spread over the folder's table. `features --data` computes its 29 columns from all twelve leads.
NeuroKit2 does, for each record, what comes nearest: ecg_clean, ecg_peaks and hrv_time of lead II; ecg_delineate ("dwt")
for P, QRS and T boundaries; sample and approximate entropy of the P waves at 500 Hz and multiscale permutation entropy
of the T waves at 250 Hz; the Welch spectrum. Once with lead II only and once with cleaning, peaks and delineation of all twelve leads.
Both sides run with the same number of threads (NeuroKit2: processes), read the files themselves, and the seconds are
wall-clock, program start included for features and imports excluded for NeuroKit2. Needs neurokit2 and wfdb.
"""
import argparse
import csv
import multiprocessing
import os
import statistics
import subprocess
import tempfile
import time
import warnings

import neurokit2
import numpy as np
import wfdb

LEAD_II = 1


def delineate(signal, rate):
    clean = neurokit2.ecg_clean(signal, sampling_rate=rate)
    _, peaks = neurokit2.ecg_peaks(clean, sampling_rate=rate)
    _, waves = neurokit2.ecg_delineate(clean, peaks["ECG_R_Peaks"], sampling_rate=rate, method="dwt")
    return clean, peaks["ECG_R_Peaks"], waves


def segments(clean, rate, onsets, ends, wanted):
    """The waves at `wanted` Hz."""
    for onset, end in zip(onsets, ends):
        if np.isfinite(onset) and np.isfinite(end) and end - onset > 0.04 * rate:
            yield np.interp(np.arange(onset, end, rate / wanted), np.arange(len(clean)), clean)


def one_record(job):
    """Mean RR in ms, or None where NeuroKit2 fails."""
    path, leads = job
    record = wfdb.rdrecord(path)
    rate = int(record.fs)
    try:
        clean, peaks, waves = delineate(record.p_signal[:, LEAD_II], rate)
        for lead in range(leads):
            if lead != LEAD_II:
                delineate(record.p_signal[:, lead], rate)
        rr = neurokit2.hrv_time(peaks, sampling_rate=rate)["HRV_MeanNN"].iloc[0]
        for segment in segments(clean, rate, waves["ECG_P_Onsets"], waves["ECG_P_Offsets"], 500):
            neurokit2.entropy_sample(segment)
            neurokit2.entropy_approximate(segment)
        for segment in segments(clean, rate, waves["ECG_T_Onsets"], waves["ECG_T_Offsets"], 250):
            neurokit2.entropy_multiscale(segment, method="MSPEn", scale=3)
        neurokit2.signal_psd(clean, sampling_rate=rate, method="welch")
        return float(rr)
    except Exception:  # Whatever it trips over: the record counts as failed.
        return None


def quiet():
    warnings.filterwarnings("ignore")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"


def subset(folder, column, count, target):
    """A folder with PTB-XL's layout that has `count` of the records. Returns their paths by ecg_id."""
    with open(os.path.join(folder, "ptbxl_database.csv"), newline="") as f:
        reader = csv.DictReader(f)
        names = reader.fieldnames
        rows = [row for row in reader if row[column]]
    rows = [rows[i * len(rows) // count] for i in range(min(count, len(rows)))]
    with open(os.path.join(target, "ptbxl_database.csv"), "w", newline="") as f:
        writer = csv.DictWriter(f, names)
        writer.writeheader()
        writer.writerows(rows)
    for name in os.listdir(folder):
        if name != "ptbxl_database.csv":
            os.symlink(os.path.join(os.path.abspath(folder), name), os.path.join(target, name))
    return {row["ecg_id"]: os.path.join(folder, row[column]) for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("features")
    parser.add_argument("folder")
    parser.add_argument("--records", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--500hz", dest="high_rate", action="store_true")
    options = parser.parse_args()
    column = "filename_hr" if options.high_rate else "filename_lr"
    with tempfile.TemporaryDirectory() as target, multiprocessing.Pool(options.threads, quiet) as pool:
        paths = subset(options.folder, column, options.records, target)
        command = [options.features, "--data", target, "--out", os.path.join(target, "out.csv"),
                   "--threads", str(options.threads)] + (["--500hz"] if options.high_rate else [])
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - start)
        ours = len(paths) / min(seconds)
        with open(os.path.join(target, "out.csv"), newline="") as f:
            mean_rr = {row["ecg_id"]: row["rr_mean_ms"] for row in csv.DictReader(f)}
        print(f"neurokit2 {neurokit2.__version__}, {len(paths)} records at {500 if options.high_rate else 100} Hz, "
              f"{options.threads} threads")
        print(f"features, 29 columns of 12 leads: {ours:.0f} records/s (best of 5 runs)")
        pool.map(one_record, [(next(iter(paths.values())), 1)] * options.threads)  # Imports and caches.
        for leads in (1, 12):
            start = time.perf_counter()
            theirs = pool.map(one_record, [(path, leads) for path in paths.values()], chunksize=1)
            rate = len(paths) / (time.perf_counter() - start)
            failed = sum(value is None for value in theirs)
            print(f"NeuroKit2, {'lead II' if leads == 1 else '12 leads'}: {rate:.2f} records/s, {failed} failed; "
                  f"features is {ours / rate:.0f} times as fast")
        apart = [abs(value - float(mean_rr[name])) for name, value in zip(paths, theirs)
                 if value is not None and mean_rr[name]]
        print(f"mean RR of both on {len(apart)} records: median difference {statistics.median(apart):.1f} ms, "
              f"{sum(d > 10 for d in apart)} differ by more than 10 ms")


if __name__ == "__main__":
    main()
