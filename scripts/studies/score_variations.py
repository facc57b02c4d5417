#!/usr/bin/env python3
"""Scores fiducial points under harder conditions: one lead only, 100 Hz, noise.

Usage: score_variations.py SCORER FEATURES [--mitdb DIR] [--ludb DIR] [--qtdb DIR] [--only NAME,...]

SCORER is a Python program that is called as `SCORER BINARY --mitdb DIR ...` and calls BINARY as `BINARY --fiducials
OUT.csv RECORD...`. It is run once for each variation with a BINARY that changes the records first (copies in a
temporary folder) and then runs FEATURES on them, so that the annotations stay as they are. Needs numpy, scipy, wfdb.

Variations:
  as-is        the records themselves
  first-lead   MIT-BIH and QTDB: the first signal only. LUDB: each lead as a record of its own, so that its boundaries
               are found without the others; R peaks are those of the first lead
  100hz        all leads, polyphase resampling to 100 Hz
  snrN         Gaussian noise of 0.5 to 40 Hz (the band of the ECG itself: no filter can take it away) N dB below what
               the lead has in that band: snr12, snr6
  cutN         without the first N times 1.5 s: other beats are looked at together. cut1 ... cut7; not part of the default
"""
import argparse
import csv
import fractions
import os
import re
import subprocess
import sys
import tempfile
import zlib

import numpy as np
import scipy.signal
import wfdb

VARIATIONS = ["as-is", "first-lead", "100hz", "snr12", "snr6"]
CUT_S = 1.5


def write_record(folder, name, signal, rate, leads):
    """A WFDB record in format 16; the scale is chosen so that the steps are fine."""
    centerd = np.nan_to_num(signal - np.nanmedian(signal, axis=0))
    gains = np.round(30000.0 / np.maximum(np.abs(centerd).max(axis=0), 1e-6), 3)
    samples = np.round(centerd * gains).astype("<i2")
    samples.tofile(os.path.join(folder, name + ".dat"))
    sums = samples.sum(axis=0, dtype=np.int64).astype(np.int16)
    lines = [f"{name} {len(leads)} {rate:g} {len(signal)}"]
    lines += [f"{name}.dat 16 {gain}/mV 16 0 {first} {checksum} 0 {lead}"
              for gain, first, checksum, lead in zip(gains, samples[0], sums, leads)]
    with open(os.path.join(folder, name + ".hea"), "w") as f:
        f.write("\n".join(lines) + "\n")
    return os.path.join(folder, name)


def with_noise(signal, rate, snr_db, seed):
    band = scipy.signal.butter(2, [0.5, 40.0], "bandpass", fs=rate, output="sos")
    random = np.random.default_rng(seed)
    noise = scipy.signal.sosfiltfilt(band, random.standard_normal(signal.shape), axis=0)
    clean = scipy.signal.sosfiltfilt(band, np.nan_to_num(signal - np.nanmedian(signal, axis=0)), axis=0)
    scale = clean.std(axis=0) / noise.std(axis=0) * 10.0 ** (-snr_db / 20.0)
    return signal + noise * scale


def cut_s(variation):
    return CUT_S * int(variation[3:]) if variation.startswith("cut") else 0.0


def changed(record, variation, folder):
    """Paths of the changed copies; the first one stands for the record."""
    source = wfdb.rdrecord(record)
    signal, rate, leads, name = source.p_signal, float(source.fs), source.sig_name, os.path.basename(record)
    if variation == "first-lead":
        alone = range(len(leads)) if len(leads) == 12 else [0]
        return [write_record(folder, f"{name}_{l}", signal[:, [l]], rate, [leads[l]]) for l in alone]
    if variation == "100hz":
        ratio = fractions.Fraction(100.0 / rate).limit_denominator(1000)
        filled = np.nan_to_num(signal - np.nanmedian(signal, axis=0))
        low = scipy.signal.resample_poly(filled, ratio.numerator, ratio.denominator, axis=0, padtype="line")
        return [write_record(folder, name, low, 100.0, leads)]
    if variation.startswith("cut"):
        return [write_record(folder, name, signal[round(cut_s(variation) * rate):], rate, leads)]
    noisy = with_noise(signal, rate, float(variation.removeprefix("snr")), zlib.crc32(name.encode()))
    return [write_record(folder, name, noisy, rate, leads)]


def as_features(variation, features, arguments):
    """Stands in for the features program: `--fiducials OUT.csv RECORD...`."""
    out, records = arguments[1], arguments[2:]
    with tempfile.TemporaryDirectory() as folder:
        copies = {}  # Name of a copy: name of the record, whether it is the record's first.
        paths = []
        for record in records:
            for index, path in enumerate(changed(record, variation, folder)):
                copies[os.path.basename(path)] = (os.path.basename(record), index == 0)
                paths.append(path)
        table = os.path.join(folder, "all.csv")
        subprocess.run([features, "--fiducials", table, *paths], check=True)
        with open(table, newline="") as given, open(out, "w", newline="") as taken:
            rows = csv.DictReader(given)
            writer = csv.DictWriter(taken, rows.fieldnames)
            writer.writeheader()
            for row in rows:
                for column in filter(lambda name: name.endswith("_s") and row[name], row):
                    row[column] = f"{float(row[column]) + cut_s(variation):.4f}"
                row["record"], first = copies[os.path.basename(row["record"])]
                if first or row["lead"] != "all":
                    writer.writerow(row)


def main():
    if len(sys.argv) > 3 and sys.argv[1] == "--as-features":
        return as_features(sys.argv[2], sys.argv[3], sys.argv[4:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scorer")
    parser.add_argument("features")
    for name in ("mitdb", "ludb", "qtdb"):
        parser.add_argument("--" + name)
    parser.add_argument("--only", default=",".join(VARIATIONS))
    options = parser.parse_args()
    databases = [a for name in ("mitdb", "ludb", "qtdb") if getattr(options, name)
                 for a in ("--" + name, getattr(options, name))]
    features = os.path.abspath(options.features)
    with tempfile.TemporaryDirectory() as folder:
        for variation in options.only.split(","):
            if variation not in VARIATIONS and not re.fullmatch("snr[0-9]+|cut[0-9]", variation):
                parser.error(f"no variation '{variation}', expected some of {', '.join(VARIATIONS)}, snrN, cutN")
            binary = features
            if variation != "as-is":
                binary = os.path.join(folder, variation)
                with open(binary, "w") as f:
                    f.write(f'#!/bin/sh\nexec "{sys.executable}" "{os.path.abspath(__file__)}" --as-features '
                            f'{variation} "{features}" "$@"\n')
                os.chmod(binary, 0o755)
            print(f"== {variation}", flush=True)
            subprocess.run([sys.executable, options.scorer, binary, *databases])


if __name__ == "__main__":
    main()
