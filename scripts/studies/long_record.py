#!/usr/bin/env python3
"""A long WFDB record of real beats: a shorter record again and again, for measuring time and memory.

Usage: long_record.py RECORD HOURS OUT [--rate HZ]
    RECORD  a record that the Python package wfdb reads, for example mitdb/100
    OUT     path of the new record, without extension: OUT.hea and OUT.dat in format 16
    --rate  resample to this rate first
Then: /usr/bin/time -v features OUT
"""
import argparse
import pathlib

import numpy as np
import scipy.signal
import wfdb


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record")
    parser.add_argument("hours", type=float)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--rate", type=int)
    options = parser.parse_args()
    record = wfdb.rdrecord(options.record)
    signal, rate = record.p_signal, int(record.fs)
    if options.rate and options.rate != rate:
        signal = scipy.signal.resample_poly(signal, options.rate, rate, axis=0)
        rate = options.rate
    steps = np.clip(np.nan_to_num(signal) * 1000, -32767, 32767).round().astype("<i2")
    samples, leads = int(options.hours * 3600 * rate), steps.shape[1]
    name = options.out.name
    with open(options.out.with_name(name + ".dat"), "wb") as file:
        for first in range(0, samples, len(steps)):
            steps[: samples - first].tofile(file)
    lines = [f"{name} {leads} {rate} {samples}"]
    lines += [f"{name}.dat 16 1000/mV 16 0 0 0 0 {lead}" for lead in record.sig_name]
    options.out.with_name(name + ".hea").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
