"""bench/gpus.toml, and what its sizes decide: occupancy, and buffers of a ring.

Usage: gpus_test.py REPOSITORY
"""
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(ROOT / "bench"))

from sass import disassembly, gpus, launches, ring  # noqa: E402
from sass.errors import UsageError  # noqa: E402


class Table(unittest.TestCase):
    def setUp(self):
        self.gpus = gpus.Gpus(ROOT / "bench/gpus.toml")

    def test_named_gpus(self):
        for name, architecture in {"rtx-3050-6gb": 86, "rtx-3050-8gb": 86, "rtx-3060": 86, "rtx-4090": 89,
                                   "jetson-agx-orin-64gb": 87, "a100-sxm-80gb": 80, "h100-sxm": 90, "sm_86": 86}.items():
            self.assertEqual(self.gpus.architecture(name), architecture)
        with self.assertRaisesRegex(UsageError, "unknown GPU 'rtx-9999'.*rtx-3050-8gb"):
            self.gpus.architecture("rtx-9999")

    def test_rates_give_the_published_peaks(self):
        for name, rate, tflops in (("a100-sxm-80gb", "tensor_tf32", 156), ("a100-sxm-80gb", "tensor_bf16", 312),
                                   ("a100-sxm-80gb", "fp32", 19.5), ("h100-sxm", "tensor_tf32", 494.7),
                                   ("h100-sxm", "tensor_bf16", 989.4), ("h100-sxm", "fp32", 67), ("rtx-4090", "fp32", 82.6),
                                   ("rtx-4090", "tensor_bf16", 165.2), ("rtx-4090", "tensor_tf32", 82.6),
                                   ("jetson-agx-orin-64gb", "fp32", 5.3), ("rtx-3060", "fp32", 12.7)):
            gpu = self.gpus.gpus[name]
            clock = gpu.get("tensor_clock_mhz", gpu["clock_mhz"]) if rate.startswith("tensor") else gpu["clock_mhz"]
            peak = self.gpus.limit(gpu["compute_capability"], rate) * gpu["sms"]["value"] * clock["value"] * 2e-6
            self.assertLess(abs(peak / tflops - 1), 0.01, (name, rate, peak))

    def test_figures_have_sources(self):
        broken = (ROOT / "bench/gpus.toml").read_text().replace('source = "ad102"', 'source = "hearsay"')
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "gpus.toml"
            path.write_text(broken)
            with self.assertRaisesRegex(UsageError, "no source"):
                gpus.Gpus(path)

    def test_occupancy(self):
        kernel = disassembly.Kernel("k", 86, registers=80, shared=8704)
        self.assertEqual(gpus.occupancy(self.gpus, 86, kernel, 256), 0.5)
        self.assertEqual(gpus.occupancy(self.gpus, 90, kernel, 256), 0.375)
        self.assertEqual(gpus.occupancy(self.gpus, 86, kernel, 256, 40 * 1024), 256 * 2 / 1536)
        self.assertIsNone(gpus.occupancy(self.gpus, 86, kernel, None))

    def test_rings_of_buffers(self):
        # Of 100 and of 228 KiB: a linear layer's buffers in bf16, a convolution's beside its slabs with 5 taps and with 1.
        for multiprocessor, arguments, stages in ((100, (16640,), 3), (228, (16640,), 4), (100, (14848,), 2), (228, (14848,), 4),
                                                  (100, (4352, 25344, 6), 4), (100, (4352, 24576, 2), 2), (100, (60000,), 2)):
            self.assertEqual(ring.ring_stages(1024 * multiprocessor, *arguments), stages, arguments)
        path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "launches.toml"
        path.write_text('[op.kernels.two]\nblocks = 1\nring = {stage = "4 * n", fixed = 8}\n')
        kernel = mock.Mock(short="two", architecture=86, max_threads=32)
        table = launches.Launches(path, self.gpus)
        self.assertEqual(table.bind("op", kernel, {"n": 4160})[3], 8 + 3 * 16640)
        with self.assertRaisesRegex(UsageError, "no table of GPUs"):
            launches.Launches(path).bind("op", kernel, {"n": 4160})
        path.write_text(path.read_text().replace("fixed", "least"))
        with self.assertRaisesRegex(UsageError, "ring has 'least' .known: fixed, most, stage"):
            launches.Launches(path).bind("op", kernel, {"n": 1})


if __name__ == "__main__":
    unittest.main()
