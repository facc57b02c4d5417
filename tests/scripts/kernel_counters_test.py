"""bench/kernel_counters.py: which kernels ask for more than they need, and that each has a reason.

Usage: kernel_counters_test.py REPOSITORY
"""
import pathlib
import sys
import tomllib
import unittest
from unittest import mock

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(ROOT / "bench"))

import kernel_counters as counters  # noqa: E402
from costs.step import reduced_fields  # noqa: E402


def entry(variant="shipped", shape="N1", **changes):
    """A kernel that loads two words of 32 lanes from device memory and one from shared memory; each byte once."""
    device = {"memory": "device", "access": "load", "requests": 2, "bytes_per_lane": 4, "bytes": 256, "sectors": 8, "min_sectors": 8}
    shared = {"memory": "shared", "access": "load", "requests": 1, "bytes_per_lane": 4, "bytes": 128, "wavefronts": 1, "min_wavefronts": 1}
    for name, value in changes.items():
        (device if name in device else shared)[name] = value
    kernel = {"kernel": "k<Precision::kBf16, 32>", "accesses": [device, shared],
              "footprint": [{"buffer": "x", "read_sectors": 6, "written_sectors": 2}]}
    return {"op": "op", "variant": variant, "shape": shape, "kernels": [kernel]}


class Deviations(unittest.TestCase):
    KERNEL = "k<(Precision)2, 32>"

    def found(self, *entries, by_memory=frozenset({("op", KERNEL)})):
        return {name: value for (_, _, name), value in counters.deviations(entries, by_memory).items()}

    def test_within_the_limits(self):
        self.assertEqual(counters.ratios(entry()["kernels"][0]), {"sectors": 1.0, "wavefronts": 1.0, "bytes": 1.0})
        self.assertEqual(self.found(entry(), entry(sectors=8.8, bytes=384)), {})

    def test_beyond_each(self):
        self.assertEqual(self.found(entry(sectors=9)), {"sectors": (1.125, "N1")})
        self.assertEqual(self.found(entry(wavefronts=2)), {"wavefronts": (2.0, "N1")})
        self.assertEqual(self.found(entry(bytes=512)), {"bytes": (2.0, "N1")})
        self.assertEqual(self.found(entry(sectors=float("nan"))).keys(), {"sectors"})

    def test_the_worst_shape_of_shipped_kernels_is_told(self):
        self.assertEqual(self.found(entry(wavefronts=3), entry(wavefronts=4, shape="N2"), entry("naive", wavefronts=9)),
                         {"wavefronts": (4.0, "N2")})

    def test_bytes_only_of_kernels_that_memory_limits(self):
        self.assertEqual(self.found(entry(bytes=512), by_memory=frozenset()), {})
        kernel = {"kernel": "k", "launches": 1, "blocks": 200, "threads": 128, "l2_sectors": 0, "dram_bytes": 1e9,
                  "machine": {"86": {"warp_instructions": [1, 1, 1], "fp32": 0, "fp64": 0, "sfu": 0, "tf32_products": 0,
                                     "bf16_products": 0, "shared_wavefronts": 0}}}
        table = counters.Gpus(ROOT / "bench/gpus.toml")
        for dram, expected in ((1e9, {("op", "k")}), (1, set())):
            costs = {"operations": [{"op": "op", "kernels": [{**kernel, "dram_bytes": dram}]}]}
            self.assertEqual(counters.limited_by_memory(costs, table), expected)

    def test_reasons(self):
        found = counters.deviations([entry(wavefronts=2)], set())
        with self.assertRaisesRegex(SystemExit, r"op: k<.Precision.2, 32>: 2.00 wavefronts of shared memory .* no reason"):
            counters.deviation_section(found, {"k": {"sectors": "because"}})
        for key in ("k", self.KERNEL, f"op: {self.KERNEL}"):
            self.assertIn("| 2.00 wavefronts of shared memory | N1 | because |",
                          counters.deviation_section(found, {key: {"wavefronts": "because"}}))

    def test_committed_reasons_are_of_limits(self):
        for key, reasons in tomllib.loads((ROOT / "bench/counter_deviations.toml").read_text()).items():
            self.assertTrue(reasons and set(reasons) <= set(counters.LIMITS), key)

    def test_rounded_products_are_counted_once_for_each_shape(self):
        rows = [{"op": "op", "fields": {"rows": n}, "shape": shape} for n, shape in ((1, "N1"), (2, "N2 bf16"), (3, "N3 tf32"), (4, "N4 bf16"))]
        with mock.patch.object(counters.step, "count_all", lambda root, calls: [
                {"op": op, "shape": shape.replace("N4", "N2"), "rows": fields["rows"]} for op, fields, shape in calls]):
            found = counters.count_rounded({"operations": rows})
        self.assertEqual([(entry["shape"], entry["rows"]) for entry in found], [("N2 bf16", 4), ("N3 tf32", 3)])

    def test_samples_of_an_lstm_are_few(self):
        self.assertEqual(reduced_fields("lstm_backward", {"batch": 128, "time": 250, "width": 256}),
                         {"batch": 16, "time": 4, "width": 256})


if __name__ == "__main__":
    unittest.main()
