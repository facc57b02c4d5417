"""bench/ladders: the law that its times follow, its counters by hand, its pages; and that a changed count fails.

Usage: ladders_test.py REPOSITORY
"""
import argparse
import copy
import importlib.machinery
import importlib.util
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(ROOT / "bench"))

from costs import document, ladder, predict  # noqa: E402
from sass.errors import UsageError  # noqa: E402
from sass.gpus import Gpus  # noqa: E402

GPUS = Gpus(ROOT / "bench/gpus.toml")
MACHINE = {"warp_instructions": [100, 200, 300], "fp32": 100, "fp64": 0, "sfu": 0, "tf32_products": 0, "bf16_products": 0,
           "shared_wavefronts": 0}
KERNEL = {"kernel": "one", "launches": 2, "blocks": 40, "threads": 64, "l2_sectors": 0, "dram_bytes": 64,
          "machine": {"86": MACHINE, "90": MACHINE}, "counters": {"device": [5000, 32.0, 4.0]}, "ffma": 50, "mma": 0,
          "registers": 40, "shared_bytes": 0, "occupancy": 0.5}
ROW = {"ladder": "steps", "variant": "first", "op": "op_forward", "shape": "N64", "kernels": [KERNEL]}
PAGE = """# Steps
<!-- ladder steps begin -->
<!-- ladder steps end -->
<!-- ladder steps first begin -->
old
<!-- ladder steps first end -->
"""
TABLE = """
[steps]
page = "steps.md"
op = "op_forward"
shape = "N64"
variants = [{name = "first"}, {name = "last", variant = "shipped", precision = "tf32", op = "other_forward"}]
"""


class Law(unittest.TestCase):
    def test_is_that_of_profile(self):
        """docs/kernel-predictions.md has been written from what the C++ program `profile` predicts."""
        text = (ROOT / "docs/kernel-predictions.md").read_text()
        compared = 0
        for row in json.loads((ROOT / "bench/kernel_costs.json").read_text())["operations"]:
            for kernel in row.get("kernels", ()):
                cells = []
                for gpu in document.SHOWN:
                    seconds, limiter = predict.of_launches(kernel, GPUS, gpu)
                    cells.append(f"{document.microseconds(seconds)} | {limiter}")
                line = f"| `{kernel['kernel']}` | {' | '.join(cells)} |"
                self.assertTrue(any(one.startswith(f"| {row['op']} | {row['shape']} |") and one.endswith(line)
                                    for one in text.splitlines()), f"{row['op']} at {row['shape']}: {line}")
                compared += 1
        self.assertGreater(compared, 20)

    def test_terms_by_hand(self):
        rate = {"sms": 20, "clock_mhz": 1000, "issue": 4, "fp32": 128, "shared_bytes": 128, "dram_gb_per_s": 64}
        found = predict.terms(KERNEL, 86, rate)  # 2 blocks on each multiprocessor, which is a twentieth of the work
        self.assertAlmostEqual(found["issue"], 200 / 20 / 4 / 1e9)
        self.assertAlmostEqual(found["fp32 units"], 100 / 20 * 32 / 128 / 1e9)
        self.assertAlmostEqual(found["DRAM"], 1e-9)
        self.assertEqual(found["tensor cores"], 0)

    def test_one_warp_issues_one_instruction_per_clock(self):
        rate = {"sms": 20, "clock_mhz": 1000, "issue": 4, "fp32": 128, "shared_bytes": 128, "dram_gb_per_s": 64}
        self.assertAlmostEqual(predict.terms({**KERNEL, "blocks": 1, "threads": 32}, 86, rate)["issue"], 200 / 1e9)


class Counters(unittest.TestCase):
    def test_by_hand(self):
        counted = {"launches": 2, "accesses": [
            {"memory": "device", "requests": 10, "sectors": 320, "min_sectors": 40},
            {"memory": "device", "requests": 30, "sectors": 120, "min_sectors": 120},
            {"memory": "shared", "access": "atomic", "requests": 7},
            {"memory": "shared", "requests": 4, "wavefronts": 8, "min_wavefronts": 4}]}
        self.assertEqual(ladder.counters_of(counted, 64), {"device": [1280, 11.0, 4.0], "shared": [128, 2.0, 1.0]})
        self.assertEqual(ladder.counters_of({"launches": 1, "accesses": []}, 64), {})


class Tables(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.path = self.folder / "ladders.toml"
        self.path.write_text(TABLE)

    def test_variants(self):
        first, last = ladder.read_ladders(self.path)
        self.assertEqual((first.variant, first.op, first.precision), ("first", "op_forward", ""))
        self.assertEqual((last.variant, last.op, last.shape, last.precision), ("shipped", "other_forward", "N64", "tf32"))

    def test_wrong_tables(self):
        for wrong, said in ((TABLE.replace('op = "op_forward"\n', ""), "expected op, page"),
                            (TABLE.replace("precision", "mode"), "has 'mode'"), ("[steps", "ladders.toml: ")):
            self.path.write_text(wrong)
            with self.assertRaisesRegex(UsageError, said):
                ladder.read_ladders(self.path)
        with self.assertRaisesRegex(UsageError, "no such file"):
            ladder.read_ladders(self.folder / "absent.toml")

    def test_page(self):
        self.path.write_text(TABLE.replace(', {name = "last", variant = "shipped", precision = "tf32", op = "other_forward"}', ""))
        [(page, blocks)] = ladder.blocks_of([ROW], ladder.read_ladders(self.path), GPUS).items()
        text = ladder.fill(PAGE, blocks, page)
        self.assertNotIn("old", text)
        # Two launches of 200 instructions, of 50 FFMA, of 5,000 requests of 32 sectors of 32 bytes.
        self.assertRegex(text, r"\| `first` \| 2 \| 400 \| 100 \| - \| 10\.2 MB \| [\d.e-]+ \| \w+ \| [\d.e-]+ \| \w+ \|")
        self.assertIn("| `one` × 2 | 40 × 64 | 40 | - | 50% | 200 | 5.0 k | 32 (4) | - | - |", text)
        self.assertEqual(ladder.fill(text, blocks, page), text)

    def test_marks(self):
        blocks = {"steps": "a\n", "steps first": "b\n"}
        for wrong, said in ((PAGE.replace("<!-- ladder steps end -->", ""), "expected the lines"), (PAGE + PAGE, "once each"),
                            (PAGE + "<!-- ladder gone begin -->\n", "has nothing for the mark")):
            with self.assertRaisesRegex(UsageError, said):
                ladder.fill(wrong, blocks, "steps.md")

    def test_costs_must_be_there(self):
        with self.assertRaisesRegex(UsageError, "no costs of last of the ladder steps"):
            ladder.blocks_of([ROW], ladder.read_ladders(self.path), GPUS)


class Program(unittest.TestCase):
    """The program itself, with planted counts."""

    def setUp(self):
        loader = importlib.machinery.SourceFileLoader("ladders", str(ROOT / "bench/ladders"))
        self.program = importlib.util.module_from_spec(importlib.util.spec_from_loader("ladders", loader))
        loader.exec_module(self.program)
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "steps.md").write_text(PAGE)
        self.program.COSTS = self.folder / "costs.json"
        self.program.ROOT = self.folder
        self.variants = [ladder.Variant("steps", "steps.md", "first", "op_forward", "N64", "first", "")]

    def costs(self, row, check=False):
        options = argparse.Namespace(ladder=[], no_build=True, check=check)
        tools = mock.Mock(**{"nvcc_version.return_value": "1.0"})
        with mock.patch.object(self.program, "make_rows", lambda *_: [row]), mock.patch.object(self.program, "Tools", lambda _: tools):
            return self.program.costs(options, self.variants, GPUS)

    def test_written_and_checked(self):
        self.assertEqual(self.costs(ROW), [])
        self.assertEqual(self.costs(ROW, check=True), [])
        self.assertEqual(self.program.pages(self.variants, GPUS, False), [])

    def test_a_planted_change_fails(self):
        self.costs(ROW)
        worse = copy.deepcopy(ROW)
        worse["kernels"][0]["counters"]["device"][1] = 4.0
        [fault] = self.costs(worse, check=True)
        self.assertIn("first of the ladder steps: its costs are not those committed", fault)
        page = self.folder / "steps.md"
        page.write_text(page.read_text().replace("32 (4)", "4 (4)"))
        [fault] = self.program.pages(self.variants, GPUS, False)
        self.assertIn("steps.md: its tables are not those of costs.json", fault)

    def test_what_is_missing_is_said_and_nothing_written(self):
        faults = self.costs({"ladder": "steps", "variant": "first", "op": "op_forward", "shape": "N64", "unknown": ["one: no entry"]})
        self.assertEqual(faults, ["first of the ladder steps: one: no entry"])
        self.assertFalse(self.program.COSTS.exists())


class Committed(unittest.TestCase):
    def test_every_variant_of_every_ladder_has_costs(self):
        rows = json.loads((ROOT / "bench/ladder_costs.json").read_text())["rows"]
        self.assertEqual([(row["ladder"], row["variant"]) for row in rows],
                         [(one.ladder, one.name) for one in ladder.read_ladders(ROOT / "bench/ladders.toml")])


if __name__ == "__main__":
    unittest.main()
