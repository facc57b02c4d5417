"""Golden values for the WFDB readers, from the Python package wfdb (4.3.1).

Usage: wfdb_records.py CARDIOGRAD_DATA tests/data/golden
Writes wfdb_records.json (a summary of some real records, and of small ones that it makes beside it in wfdb/, one per
format) and wfdb_annotations.json.
"""
import json
import os
import sys

import numpy as np
import wfdb

REAL = [
    "mitdb/111", "qtdb/sel123", "qtdb/sel14046", "qtdb/sele0116", "ludb/data/10", "challenge2021/A0004",
    "challenge2021/JS00006", "challenge2021/S0006", "challenge2021/Q0002", "ptbxl_raw/records500/00000/00001_hr",
    "ptbxl_raw/records100/00000/00001_lr", "ptbxl_filtered/records100/00000/00009_lr",
]
ANNOTATIONS = [
    ("mitdb/111", "atr"), ("mitdb/208", "atr"), ("qtdb/sel123", "q1c"), ("qtdb/sel123", "q2c"), ("qtdb/sel123", "pu"),
    ("qtdb/sel34", "q1c"), ("ludb/data/10", "i"), ("ludb/data/10", "v6"),
]


def clean(values):
    """JSON has no NaN: null stands for it."""
    return [None if np.isnan(v) else float(v) for v in values]


def summary(path):
    header = wfdb.rdheader(path)
    digital = wfdb.rdrecord(path, physical=False, smooth_frames=False)
    # The means of frames are taken here, because wfdb's own smoothing truncates them to whole ADC steps.
    physical = wfdb.rdrecord(path, smooth_frames=False)
    leads = []
    for i in range(header.n_sig):
        stored = np.asarray(digital.e_d_signal[i], np.int64)
        values = physical.e_p_signal[i].reshape(-1, header.samps_per_frame[i]).mean(axis=1)
        leads.append({
            "name": header.sig_name[i], "gain": header.adc_gain[i], "baseline": header.baseline[i],
            "unit": header.units[i], "format": int(header.fmt[i]), "values": len(stored), "sum": int(stored.sum()),
            "sum_of_squares": int((stored * stored).sum()), "first": stored[:5].tolist(), "last": stored[-5:].tolist(),
            "physical_first": clean(values[:5]), "physical_last": clean(values[-5:]),
            "physical_sum": float(np.nansum(values)), "invalid": int(np.isnan(values).sum()),
        })
    return {"rate": header.fs, "samples": header.sig_len, "comments": header.comments, "leads": leads}


def write_made(folder):
    """Small records of odd length, one per format, with extremes and one invalid sample in each lead."""
    os.makedirs(folder, exist_ok=True)
    names = []
    rng = np.random.default_rng(1)
    for fmt, bits in (("16", 16), ("24", 24), ("32", 32), ("80", 8), ("212", 12)):
        low, high = -2 ** (bits - 1), 2 ** (bits - 1) - 1
        signal = rng.integers(low + 1, high, size=(37, 3), endpoint=True)
        signal[0], signal[1], signal[2, :] = high, low + 1, [0, -1, 1]
        for i in range(3):
            signal[5 + 7 * i, i] = low  # invalid
        name = "format" + fmt
        wfdb.wrsamp(name, fs=250, units=["mV", "uV", "z"], sig_name=["I", "lead two", "V1"], d_signal=signal,
                    fmt=[fmt] * 3, adc_gain=[200.0, 1000.0, 12.5], baseline=[0, 17, -5], write_dir=folder,
                    comments=["made for tests", "age: 61"])
        names.append(name)
    # Several samples per frame and two files; and a skew. Not both: with both, wfdb marks too few samples as invalid.
    for name, widths, skew in (("frames", (1, 4, 2), (0, 0, 0)), ("skewed", (1, 1, 1), (0, 3, 1))):
        frames = 23
        e_d_signal = [rng.integers(-2000, 2000, size=frames * n).astype("int64") for n in widths]
        record = wfdb.Record(
            record_name=name, n_sig=3, fs=100, sig_len=frames, fmt=["212", "212", "16"], samps_per_frame=list(widths),
            skew=list(skew), byte_offset=[None] * 3, adc_gain=[100.0] * 3, baseline=[0, 10, 0], units=["mV"] * 3,
            sig_name=["a", "b", "c"], file_name=[name + "_a.dat", name + "_a.dat", name + "_b.dat"],
            adc_res=[12, 12, 16], adc_zero=[0] * 3, block_size=[0] * 3, e_d_signal=e_d_signal)
        record.init_value = [int(s[0]) for s in e_d_signal]
        record.checksum = [int(s.sum() % 65536) for s in e_d_signal]
        record.wrsamp(expanded=True, write_dir=folder)
        names.append(name)
    return names


def annotation_summary(path, extension):
    a = wfdb.rdann(path, extension)
    note = [s.rstrip("\x00") for s in a.aux_note]
    from wfdb.io.annotation import ann_label_table
    codes = dict(zip(ann_label_table["symbol"], ann_label_table["label_store"]))
    return {
        "path": path, "extension": extension, "count": len(a.sample), "sample_sum": int(a.sample.sum()),
        "first": a.sample[:8].tolist(), "last": a.sample[-3:].tolist(), "symbols": "".join(a.symbol[:60]),
        "code_sum": int(sum(codes[s] for s in a.symbol)), "subtype_sum": int(a.subtype.astype(int).sum()),
        "channel_sum": int(a.chan.astype(int).sum()), "number_sum": int(a.num.astype(int).sum()),
        "aux": [[i, s] for i, s in enumerate(note) if s][:20], "aux_count": sum(1 for s in note if s),
    }


def main():
    data, out = sys.argv[1:]
    made = os.path.join(out, "wfdb")
    names = write_made(made)
    golden = {"real": {p: summary(os.path.join(data, p)) for p in REAL},
              "made": {n: summary(os.path.join(made, n)) for n in names}}
    with open(os.path.join(out, "wfdb_records.json"), "w") as f:
        json.dump(golden, f, indent=0)
    annotations = []
    for path, extension in ANNOTATIONS:
        entry = annotation_summary(os.path.join(data, path), extension)
        entry["path"] = path
        annotations.append(entry)
    with open(os.path.join(out, "wfdb_annotations.json"), "w") as f:
        json.dump(annotations, f, indent=0)


main()
