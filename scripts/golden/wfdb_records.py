"""Golden values for the WFDB readers, from the Python packages wfdb (4.3.1) and soundfile.

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


def stored_samples(path, header):
    if header.fmt[0] != "61":
        return wfdb.rdrecord(path, physical=False, smooth_frames=False).e_d_signal
    # wfdb stumbles over the type of big-endian samples, unless they are physical.
    physical = wfdb.rdrecord(path, smooth_frames=False).e_p_signal
    return [np.round(np.nan_to_num(p * g + b, nan=-32768)) for p, g, b in zip(physical, header.adc_gain, header.baseline)]


def summary(path):
    header = wfdb.rdheader(path)
    digital = stored_samples(path, header)
    # The means of frames are taken here, because wfdb's own smoothing truncates them to whole ADC steps.
    physical = wfdb.rdrecord(path, smooth_frames=False)
    leads = []
    for i in range(header.n_sig):
        stored = np.asarray(digital[i], np.int64)
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
    names += write_rare_formats(folder, rng)
    return names


def rare_bytes(fmt, signal):
    """Frames (n, 3) as a signal file, by signal(5); wfdb itself writes these formats only in part."""
    flat = signal.reshape(-1)
    if fmt == "8":
        return np.diff(signal, axis=0, prepend=signal[:1]).astype("<i1").tobytes()
    if fmt == "61":
        return flat.astype(">i2").tobytes()
    if fmt == "160":
        return (flat + 32768).astype("<u2").tobytes()
    words = bytearray()
    for i in range(0, len(flat), 3):
        a, b, c = (int(v) & 1023 for v in list(flat[i:i + 3]) + [0] * (3 - len(flat[i:i + 3])))
        if fmt == "310":
            words += (a << 1 | (c & 31) << 11).to_bytes(2, "little") + (b << 1 | (c >> 5) << 11).to_bytes(2, "little")
        else:
            words += (a | b << 10 | c << 20).to_bytes(4, "little")
    return bytes(words)


def write_rare_formats(folder, rng):
    """Formats 8, 61, 160, 310 and 311 byte by byte; FLAC by soundfile."""
    import soundfile
    names = []
    for fmt, bits in (("8", 7), ("61", 16), ("160", 16), ("310", 10), ("311", 10), ("508", 8), ("516", 16),
                      ("524", 24)):
        low, high = -2 ** (bits - 1), 2 ** (bits - 1) - 1
        signal = rng.integers(low + 1, high, size=(37, 3), endpoint=True)
        if fmt != "8":
            signal[5] = low  # invalid
        name = "format" + fmt
        if fmt.startswith("5"):
            subtype = {"508": "PCM_S8", "516": "PCM_16", "524": "PCM_24"}[fmt]
            shifted = (signal << (16 - bits)).astype("int16") if bits < 24 else (signal << 8).astype("int32")
            soundfile.write(os.path.join(folder, name + ".flac"), shifted, 250, subtype=subtype, format="FLAC")
        else:
            with open(os.path.join(folder, name + ".dat"), "wb") as f:
                f.write(rare_bytes(fmt, signal))
        with open(os.path.join(folder, name + ".hea"), "w") as f:
            f.write(f"{name} 3 250 37\n")
            file = name + (".flac" if fmt.startswith("5") else ".dat")
            for i, lead in enumerate(("I", "II", "V1")):
                f.write(f"{file} {fmt} 200({i})/mV {bits} 0 {signal[0, i]} {signal[:, i].sum() % 65536} 0 {lead}\n")
        names.append(name)
    return names


def write_segments(folder):
    """Records of several segments, of fixed and of variable layout, and what wfdb reads of them."""
    rng = np.random.default_rng(2)

    def segment(name, leads, frames, gains):
        signal = rng.integers(-2000, 2000, size=(frames, len(leads)))
        wfdb.wrsamp(name, fs=125, units=["mV"] * len(leads), sig_name=leads, d_signal=signal, fmt=["16"] * len(leads),
                    adc_gain=gains, baseline=[0] * len(leads), write_dir=folder)

    segment("seg_1", ["I", "V2"], 20, [200.0, 200.0])
    segment("seg_2", ["I", "V2"], 15, [200.0, 200.0])
    segment("seg_3", ["V2"], 10, [100.0])
    segment("seg_4", ["V2", "I", "ABP"], 12, [50.0, 100.0, 10.0])
    with open(os.path.join(folder, "fixed.hea"), "w") as f:
        f.write("fixed/3 2 125 40\nseg_1 20\n~ 5\nseg_2 15\n# age: 70\n")
    with open(os.path.join(folder, "variable_layout.hea"), "w") as f:
        f.write("variable_layout 3 125 0\n~ 0 200/mV 16 0 0 0 0 I\n~ 0 200/mV 16 0 0 0 0 V2\n"
                "~ 0 10/mmHg 16 0 0 0 0 ABP\n")
    with open(os.path.join(folder, "variable.hea"), "w") as f:
        f.write("variable/5 3 125 49\nvariable_layout 0\nseg_1 20\nseg_3 10\n~ 7\nseg_4 12\n")
    golden = {}
    # A gap in a fixed layout is more than wfdb reads: of it the parts around the gap.
    first, last = (wfdb.rdrecord(os.path.join(folder, n)).p_signal[:, :2] for n in ("seg_1", "seg_2"))
    golden["fixed"] = np.vstack([first, np.full((5, 2), np.nan), last])
    variable = wfdb.rdrecord(os.path.join(folder, "variable"), m2s=True)
    golden["variable"] = variable.p_signal[:, [variable.sig_name.index(n) for n in ("I", "V2")]]
    return {name: [clean(column) for column in values.T] for name, values in golden.items()}


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
              "made": {n: summary(os.path.join(made, n)) for n in names}, "segments": write_segments(made)}
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
