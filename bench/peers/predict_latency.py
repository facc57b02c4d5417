"""Times predict per record against PyTorch with the same model on the same records, in turns, in one run, one thread.

Usage: predict_latency.py --model best.safetensors [--rounds 3] [--build build/cpu] RECORD...
with a Python environment with PyTorch, SciPy and safetensors; records are WFDB in format 16, twelve leads, of the model's length.
The PyTorch program reads the record, resamples and filters it with SciPy and runs the network; the hand-crafted features
it takes from predict, free of charge. Both sets of probabilities must agree.
"""
import argparse
import json
import pathlib
import statistics
import struct
import subprocess
import time

import numpy as np
import safetensors.torch
import scipy.signal
import torch

from hc_cnn_tn_torch import HcCnnTn

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEADS = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]
STEPS = ("read", "prepare", "network")


def description(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        return json.loads(json.loads(file.read(size))["__metadata__"]["cardiograd"])


def read_record(path):
    lines = open(path + ".hea").read().split("\n")
    _, leads, rate = lines[0].split()[:3]
    signals = [line.split() for line in lines[1:1 + int(leads)]]
    samples = np.fromfile(pathlib.Path(path).parent / signals[0][0], "<i2").reshape(-1, int(leads))
    gains = np.array([float(s[2].split("(")[0].split("/")[0]) for s in signals])
    order = [[s[-1].upper() for s in signals].index(lead) for lead in LEADS]
    return (samples / gains)[:, order], float(rate)


def resampled(signal, rate, wanted):
    """With a second of odd reflection at either end, so that the ends do not pull towards zero."""
    mean = signal.mean(0)
    longer = np.pad(signal - mean, ((rate, rate), (0, 0)), mode="reflect", reflect_type="odd")
    return scipy.signal.resample_poly(longer, wanted, rate)[wanted:-wanted] + mean


class Peer:
    def __init__(self, path):
        self.model = model = description(path)
        sizes = model["architecture"]
        self.net = HcCnnTn(sizes["classes"], sizes["features"], channels=sizes["channels"], kernels=sizes["kernels"],
                           layers=sizes["encoder_layers"], heads=sizes["heads"], ff=sizes["feed_forward"],
                           positions=sizes.get("positions", True), pool=sizes.get("pool", "mean"))
        self.net.load_state_dict(safetensors.torch.load_file(path), strict=False)
        self.net.eval()
        self.scored = model["unit"] == "z"
        high = 40 if self.scored else 45
        filtered = self.scored or model["filter"] == "butterworth"
        self.sos = scipy.signal.butter(4, [0.5, high], "bandpass", fs=model["rate_hz"], output="sos") if filtered else None
        self.mean, self.sd = np.array(model["signal_mean"]), np.array(model["signal_sd"])

    def features(self, values):
        model, row, flags = self.model, [], []
        for i, name in enumerate(model["features"]):
            missing = values[name] is None
            value = model["feature_median"][i] if missing else values[name]
            row.append(np.clip((value - model["feature_mean"][i]) / (model["feature_sd"][i] + 1e-8), -5, 5))
            flags.append(float(missing))
        row += flags if model["feature_missing_flags"] else []
        return torch.tensor(np.array([row]), dtype=torch.float32)

    def predict(self, record, values):
        clock = [time.perf_counter()]
        signal, rate = read_record(record)
        clock.append(time.perf_counter())
        if rate != self.model["rate_hz"]:
            signal = resampled(signal, int(rate), int(self.model["rate_hz"]))
        if self.sos is not None:
            signal = scipy.signal.sosfiltfilt(self.sos, signal, axis=0)
        if self.scored:
            signal = (signal - signal.mean(0)) / signal.std(0)
        signal = torch.tensor(((signal - self.mean) / self.sd).T[None], dtype=torch.float32)
        features = self.features(values)
        clock.append(time.perf_counter())
        with torch.inference_mode():
            probabilities = torch.sigmoid(self.net(signal, features))[0].tolist()
        clock.append(time.perf_counter())
        return probabilities, {step: 1e3 * (clock[i + 1] - clock[i]) for i, step in enumerate(STEPS)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="+", metavar="RECORD")
    parser.add_argument("--model", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    peer = Peer(arguments.model)
    command = [arguments.build / "apps/predict", "--model", arguments.model, "--json", "--threads", "1", "--any-quality",
               *arguments.records]
    ours, theirs, worst = [], [], 0.0
    for _ in range(arguments.rounds):
        lines = [json.loads(line) for line in
                 subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()]
        ours += [line["milliseconds"] for line in lines]
        for line in lines:
            probabilities, times = peer.predict(line["record"], line["features"])
            theirs.append(times)
            worst = max([worst] + [abs(c["probability"] - p) for c, p in zip(line["classes"], probabilities)])
    print(f"{len(arguments.records)} records, {arguments.rounds} rounds, one thread, batch 1; median ms per record")
    print(f"{'':10}{'cardiograd':>12}{'PyTorch':>10}{'ratio':>8}")
    for step in STEPS:
        mine, other = (statistics.median(t[step] for t in times) for times in (ours, theirs))
        print(f"{step:10}{mine:12.2f}{other:10.2f}{other / mine:8.2f}")
    mine, other = (statistics.median(sum(t[s] for s in STEPS) for t in times) for times in (ours, theirs))
    slowest = sorted(sum(t[s] for s in STEPS) for t in ours)[int(0.95 * len(ours))]
    print(f"{'all':10}{mine:12.2f}{other:10.2f}{other / mine:8.2f}   95 % of cardiograd's within {slowest:.2f} ms")
    print(f"largest difference of a probability: {worst:.2g}")


if __name__ == "__main__":
    main()
