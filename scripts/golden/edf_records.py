"""Golden EDF files and values, written and read back by pyedflib (0.1.42), which wraps EDFlib.

Usage: edf_records.py tests/data/golden/edf
Writes plus.edf (EDF+C: three leads in uV, a slower respiration channel, annotations, a patient), plain.edf (EDF: two
leads in mV) and values.json with what pyedflib reads from them.
"""
import datetime
import json
import os
import sys

import numpy as np
import pyedflib

RATE, SECONDS = 128, 3


def channel(label, unit, limit, rate=RATE):
    return {"label": label, "dimension": unit, "sample_frequency": rate, "physical_max": limit, "physical_min": -limit,
            "digital_max": 32767, "digital_min": -32768, "transducer": "", "prefilter": ""}


def write(path, channels, signals, kind, plus):
    writer = pyedflib.EdfWriter(path, len(channels), file_type=kind)
    writer.setSignalHeaders(channels)
    writer.setStartdatetime(datetime.datetime(2020, 3, 1, 12, 0, 0))
    if plus:
        writer.setPatientCode("X1")
        writer.setSex(0)
        writer.setBirthdate(datetime.date(1951, 5, 2))
    writer.writeSamples(signals)
    if plus:
        writer.writeAnnotation(0.5, -1, "beat")
        writer.writeAnnotation(1.5, 0.2, "noise")
    writer.close()


def values(path):
    reader = pyedflib.EdfReader(path)
    leads = [{"label": reader.getLabel(i), "unit": reader.getPhysicalDimension(i), "rate": reader.getSampleFrequency(i),
              "values": [float(v) for v in reader.readSignal(i)]} for i in range(reader.signals_in_file)]
    reader.close()
    return leads


def main(folder):
    os.makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(5)
    t = np.arange(RATE * SECONDS) / RATE
    leads = [600 * np.sin(2 * np.pi * f * t) + rng.normal(0, 30, len(t)) for f in (1.0, 2.5, 7.0)]
    breath = np.sin(2 * np.pi * 0.3 * np.arange(16 * SECONDS) / 16)
    write(f"{folder}/plus.edf", [channel("ECG II", "uV", 3000), channel("Resp", "mV", 2, 16), channel("ECG I", "uV", 3000),
                                 channel("ECG V1", "uV", 2500)], [leads[0], breath, leads[1], leads[2]],
          pyedflib.FILETYPE_EDFPLUS, True)
    write(f"{folder}/plain.edf", [channel("I", "mV", 5), channel("aVR", "mV", 5)], [leads[0] / 1000, leads[1] / 1000],
          pyedflib.FILETYPE_EDF, False)
    golden = {name: values(f"{folder}/{name}.edf") for name in ("plus", "plain")}
    with open(f"{folder}/values.json", "w") as file:
        json.dump(golden, file)
        file.write("\n")


main(*sys.argv[1:])
