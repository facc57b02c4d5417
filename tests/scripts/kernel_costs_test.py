"""bench/kernel_costs: what it makes of machine code and counts, by hand; and that worse counters fail.

Usage: kernel_costs_test.py REPOSITORY
"""
import argparse
import contextlib
import copy
import importlib.machinery
import importlib.util
import io
import json
import pathlib
import sys
import tempfile
import unittest
from collections import Counter
from unittest import mock

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(ROOT / "bench"))

from costs import document, limits, step, table, way  # noqa: E402
from sass import disassembly, flow, launches, mix  # noqa: E402
from sass.errors import ReportError, UsageError  # noqa: E402

# Three instructions; a loop (2 + an inner loop of 5 that does two iterations at once + 1 + a part of 3 that a branch passes
# by + 3); one instruction.
CODE = """
	.target	sm_86
	.section	.text.two,"ax",@progbits
        .other          two,@"STO_CUDA_ENTRY STV_DEFAULT"
two:
.text.two:
	//## File "/repository/two.cu", line 1
        /*0000*/                   MOV R1, c[0x0][0x28] ;
        /*0010*/                   MOV R2, RZ ;
        /*0020*/                   MOV R3, RZ ;
.L_x_0:
	//## File "/repository/two.cu", line 2
        /*0030*/                   ISETP.GE.AND P1, PT, R2, 0x5, PT ;
        /*0040*/                   MOV R4, RZ ;
.L_x_1:
	//## File "/repository/two.cu", line 4
        /*0050*/                   FFMA R5, R5, R5, R5 ;
        /*0060*/                   FFMA R6, R6, R6, R6 ;
        /*0070*/                   IADD3 R4, R4, 0x2, RZ ;
        /*0080*/                   ISETP.GE.AND P0, PT, R4, c[0x0][0x160], PT ;
        /*0090*/              @!P0 BRA `(.L_x_1) ;
        /*00a0*/               @P1 BRA `(.L_x_2) ;
	//## File "/repository/simt/intrinsics.h", line 9 inlined at "/repository/two.cu", line 5
	//## File "/repository/two.cu", line 5
        /*00b0*/                   MUFU.RCP R7, R7 ;
        /*00c0*/                   LDG.E.128 R8, [R12.64] ;
        /*00d0*/                   STS.64 [R7], R8 ;
.L_x_2:
	//## File "/repository/two.cu", line 2
        /*00e0*/                   IADD3 R2, R2, 0x1, RZ ;
        /*00f0*/                   ISETP.GE.AND P0, PT, R2, c[0x0][0x164], PT ;
        /*0100*/              @!P0 BRA `(.L_x_0) ;
        /*0110*/                   EXIT ;
.L_x_3:
        /*0120*/                   BRA `(.L_x_3);
"""
# A loop of lines 2 and 3, or one of lines 4 and 5 behind an instruction of the line that is filled in.
FORK = """
	.target	sm_86
	.section	.text.fork,"ax",@progbits
        .other          fork,@"STO_CUDA_ENTRY STV_DEFAULT"
fork:
.text.fork:
	//## File "/repository/fork.cu", line 1
        /*0000*/                   MOV R1, c[0x0][0x28] ;
        /*0010*/               @P2 BRA `(.L_x_2) ;
.L_x_1:
	//## File "/repository/fork.cu", line 3
        /*0020*/                   FFMA R5, R5, R5, R5 ;
	//## File "/repository/fork.cu", line 2
        /*0030*/                   IADD3 R4, R4, 0x1, RZ ;
        /*0040*/                   ISETP.GE.AND P0, PT, R4, c[0x0][0x160], PT ;
        /*0050*/              @!P0 BRA `(.L_x_1) ;
        /*0060*/                   EXIT ;
.L_x_2:
	//## File "/repository/fork.cu", line %d
        /*0070*/                   MOV R4, RZ ;
.L_x_3:
	//## File "/repository/fork.cu", line 5
        /*0080*/                   FADD R5, R5, R5 ;
	//## File "/repository/fork.cu", line 4
        /*0090*/                   IADD3 R4, R4, 0x1, RZ ;
        /*00a0*/                   ISETP.GE.AND P0, PT, R4, c[0x0][0x160], PT ;
        /*00b0*/              @!P0 BRA `(.L_x_3) ;
        /*00c0*/                   EXIT ;
.L_x_4:
        /*00d0*/                   BRA `(.L_x_4);
"""
SOURCE = "a\nfor (int i = 0; i < rows; ++i)\nb\nfor (int j = 0; j < columns; ++j)\nif (i < 5) s[j] = 1 / x[i];\n"
TABLE = """
[op]
names = {records = "batch"}
[op.kernels.two]
blocks = "2 * records"
threads = 96
loops = {"for (int i = 0" = "3", "for (int j = 0" = "10"}
"""
WARPS = 6  # where it was counted: 2 blocks of 3
# Of the three rounds of each warp one and a half take the part in line 5.
ACCESSES = [
    {"file": "two.cu", "line": 5, "access": "load", "memory": "device", "bytes_per_lane": 16, "requests": 9, "lanes": 288,
     "bytes": 4608, "sectors": 144, "min_sectors": 144},
    {"file": "two.cu", "line": 5, "access": "store", "memory": "shared", "bytes_per_lane": 8, "requests": 9, "lanes": 288,
     "bytes": 2304, "wavefronts": 36, "min_wavefronts": 18}]
KERNEL = {"kernel": "two", "launches": 1, "blocks": 2, "threads": 192, "accesses": ACCESSES,
          "visits": [{"file": "two.cu", "line": 5, "visits": 9}, {"file": "two.cu", "line": 4, "visits": 180}],
          "block_read_sectors": 8, "block_written_sectors": 2,
          "footprint": [{"buffer": "x", "read_sectors": 4, "written_sectors": 0},
                        {"buffer": "", "read_sectors": 0, "written_sectors": 2}]}
COUNTED = {"op": "op_forward", "shape": "N1", "fields": {"batch": 1}, "buffers": [{"name": "x", "bytes": 128}],
           "variant": "shipped", "kernels": [KERNEL]}
CALL = step.Call("op_forward", "N64", {"batch": 64}, {"x": 64 * 128}, 1)


def flow_of(code):
    kernel = disassembly.parse_disassembly(code, "/repository")[0]
    kernel.short = kernel.demangled = kernel.name
    return flow.Flow(kernel)


class Rows(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "two.cu").write_text(SOURCE)

    def row(self, text=TABLE, counted=COUNTED, call=CALL):
        path = self.folder / "launches.toml"
        path.write_text(text)
        flows = {("op", "two"): {86: flow_of(CODE)}}
        return table.Table(launches.Launches(path), flows, launches.SourceLines(self.folder)).row("op", call, counted)

    def test_counts_of_a_launch(self):
        [kernel] = self.row()["kernels"]
        self.assertEqual((kernel["kernel"], kernel["launches"], kernel["blocks"], kernel["threads"]), ("two", 1, 128, 96))
        # 384 warps; each 4 + 3 rounds of 2 + 5 * 5 + 1 + 3, and half of the rounds 3 more.
        self.assertEqual(kernel["machine"], {"86": {
            "warp_instructions": [384 * 97, 384 * 203 // 2, 384 * 106], "fp32": 384 * 30, "fp64": 0, "sfu": 576,
            "tf32_products": 0, "bf16_products": 0, "shared_wavefronts": 576 * 4}})
        # x grows 64 times; working memory with the blocks, 64 times, too. 32 bytes each.
        self.assertEqual(kernel["dram_bytes"], (64 * 4 + 64 * 2) * 32)
        self.assertEqual(kernel["l2_sectors"], 64 * 10)

    def test_without_visits_the_shorter_way_is_taken(self):
        counted = copy.deepcopy(COUNTED)
        counted["kernels"][0].update(visits=[], accesses=[])
        [kernel] = self.row(counted=counted)["kernels"]
        low, found, _ = kernel["machine"]["86"]["warp_instructions"]
        self.assertEqual(found, low)

    def test_what_is_missing_is_said(self):
        row = self.row("[op]\n")
        self.assertEqual(row["unknown"], ["two: no entry under [op.kernels] in bench/launches.toml"])
        self.assertNotIn("kernels", row)
        row = self.row(TABLE.replace('"for (int j = 0" = "10"', '"while" = "1"'))
        self.assertEqual(row["unknown"], ["two on sm_86: no iterations of loop L1.1 (two.cu:4)"])

    def test_entries_of_blocks_of_different_work(self):
        [kernel] = self.row(TABLE + 'working = "2"\n')["kernels"]
        self.assertEqual(kernel["dram_bytes"], (64 * 4 + 2) * 32)
        with self.assertRaisesRegex(UsageError, "parts: no loop's statement has the text 'while'"):
            self.row(TABLE + 'parts = {while = "1"}\n')

    def test_entries_of_earlier_variants_and_of_shared_products(self):
        for place in ("op/ladder", "gemm"):
            text = TABLE.replace("[op]", f'["{place}"]').replace("[op.", f'["{place}".')
            self.assertEqual(self.row(text), self.row())

    def test_entries_are_held_against_the_launch(self):
        for wrong in (TABLE.replace("2 * records", "records"), TABLE.replace("96", "64")):
            with self.assertRaisesRegex(ReportError, "two at N1: .* but the host launched 2 of 96"):
                self.row(wrong)

    def test_kernels_of_other_folders(self):
        rows = table.Table(None, {("op/ladder", "two"): "ladder", ("other", "two"): "other", ("other", "one"): "one"}, None)
        self.assertEqual(rows.places("op", "two"), "ladder")
        self.assertEqual(rows.places("other", "two"), "other")
        self.assertEqual(rows.places("op", "one"), "one")
        with self.assertRaisesRegex(ReportError, "the machine code has no such kernel"):
            rows.places("op", "three")

    def test_counts_of_objects_from_another_folder_are_refused(self):
        def entries(*files):
            return [{"kernels": [{"visits": [{"file": file, "line": 1, "visits": 1} for file in files]}]}]
        step.expect_own_folder(ROOT, "counting", entries("kernels/add/add.cu", "/usr/include/c++/12/tuple"))
        with self.assertRaisesRegex(ReportError, "counted at /other/kernels/add/add.cu, expected files below"):
            step.expect_own_folder(ROOT, "counting", entries("simt/simt.h", "/other/kernels/add/add.cu"))

    def test_libraries(self):
        text = TABLE.replace("[op]", '[op]\nlibrary = {name = "cuBLASLt", operations = ["op_forward"]}')
        self.assertEqual(self.row(text)["library"], "cuBLASLt")
        self.assertNotIn("library", self.row(text.replace('"op_forward"', '"op_backward"')))

    def test_wavefronts_are_no_more_than_the_host_counted(self):
        loads, full = {"shared store 8": 3, "shared load 4": 2}, {"shared store 8": 30, "shared load 4": 20}
        small, counts = Counter(loads), Counter(full)
        # Stores of 8 bytes took 4 wavefronts each: 14 of a warp. The host counted 36 of 6 warps: 6, of which the compiler makes 14.
        self.assertAlmostEqual(table.wavefronts_of_warp(counts, small, KERNEL), 140 * 6 / 14)
        # Where it joins accesses, those of the machine code stand.
        small, counts = Counter({"shared store 8": 1}), Counter({"shared store 8": 10})
        self.assertEqual(table.wavefronts_of_warp(counts, small, KERNEL), 40)

    def test_working_memory_grows_with_the_blocks_that_write_it(self):
        reader = {"footprint": [{"buffer": "", "read_sectors": 2, "written_sectors": 0}]}
        writer = {"footprint": [{"buffer": "", "read_sectors": 0, "written_sectors": 2}]}
        self.assertEqual(table.scratch_ratio([writer, reader], [16, 1]), 16)
        self.assertEqual(table.scratch_ratio([reader], [5]), 1)


class Ways(unittest.TestCase):
    def test_shares(self):
        one = flow_of(CODE)
        trips, at_once = dict(zip(one.loops, (3, 5))), dict(zip(one.loops, (1, 2)))
        self.assertEqual(way.shares_of_lines(one, trips, KERNEL, at_once), {("two.cu", 5): 0.5, ("two.cu", 4): 1.0})
        # A line that moved less than its copies could: as often as its bytes say.
        fewer = copy.deepcopy(KERNEL)
        fewer["accesses"][0]["requests"] = fewer["accesses"][1]["requests"] = 3
        self.assertEqual(way.shares_of_lines(one, trips, fewer, at_once)["two.cu", 5], 1 / 6)

    def test_a_line_of_an_unrolled_loop_is_entered_once_for_each_iteration_of_the_source(self):
        one = flow_of(CODE)
        trips, rare = dict(zip(one.loops, (3, 5))), copy.deepcopy(KERNEL)
        rare["visits"][1]["visits"] = 36  # of 6 warps; 3 * 5 times the loop's code, 3 * 10 times its body
        for factor, share in ((1, 0.4), (2, 0.2)):
            found = way.shares_of_lines(one, trips, rare, dict(zip(one.loops, (1, factor))))
            self.assertAlmostEqual(found["two.cu", 4], share)

    def test_split(self):
        def shortest(at):
            return {"a": 1, "b": 2}.get(at, 3)
        self.assertEqual(way.split(1.0, ["a"], {}, shortest), [("a", 1.0)])
        self.assertEqual(way.split(1.0, ["a", "b"], {}, shortest), [("a", 1.0)])
        self.assertEqual(way.split(1.0, ["a", "b"], {"b": 0.25}, shortest), [("b", 0.25), ("a", 0.75)])
        self.assertEqual(way.split(0.5, ["a", "b"], {"a": 0.75, "b": 0.25}, shortest), [("a", 1 / 3), ("b", 1 / 6)])

    def test_blocks_of_different_work(self):
        fork = flow_of(FORK % 4)
        one, two = fork.loops
        shares = {("fork.cu", 3): 0.25, ("fork.cu", 5): 0.75}
        counts = way.expected(fork, {one: 16, two: 8}, shares)
        self.assertEqual((counts["ffma"], counts["float"]), (4, 6))
        counts = way.expected(fork, {one: 16, two: 8}, shares, {one: (0.25, 0.5), two: (0.75, 0.5)})
        self.assertEqual((counts["ffma"], counts["float"]), (8, 4))

    def test_a_loops_statement_is_no_share_of_the_way_around_it(self):
        fork = flow_of(FORK % 2)
        trips = dict(zip(fork.loops, (16, 0)))
        shares = {("fork.cu", 2): 1 / 16, ("fork.cu", 3): 1.0, ("fork.cu", 5): 0.0}
        self.assertEqual(way.expected(fork, trips, shares)["ffma"], 16)

    def test_tensor_products(self):
        for opcode, made in {"HMMA.1688.F32.TF32": ("tf32", 16 * 8 * 8), "HMMA.1684.F32.TF32": ("tf32", 16 * 8 * 4),
                             "HMMA.16816.F32.BF16": ("bf16", 16 * 8 * 16), "HMMA.16816.F32": ("bf16", 16 * 8 * 16),
                             "HGMMA.64x128x8.F32.TF32": ("tf32", 64 * 128 * 8), "HMMA.F32": None}.items():
            self.assertEqual(mix.products(disassembly.Instruction(0, "", opcode, [], [])), made, opcode)


class Limits(unittest.TestCase):
    def setUp(self):
        self.path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "limits.json"
        limits.write(self.path, limits.found_in([COUNTED]))

    def compare(self, **changes):
        counted = copy.deepcopy(COUNTED)
        for row, (name, value) in zip(counted["kernels"][0]["accesses"], changes.items()):
            row[name] = value
        return limits.compare(self.path, limits.found_in([counted]))

    def test_values(self):
        self.assertEqual(json.loads(self.path.read_text()), {"op_forward: two": {"sectors": 1.0, "wavefronts": 2.0}})

    def test_equal_and_better_pass(self):
        self.assertEqual(self.compare(), [])
        self.assertEqual(self.compare(sectors=144, wavefronts=18), [])

    def test_worse_fails_with_both(self):
        [fault] = self.compare(sectors=288)
        self.assertIn("op_forward: two: sectors for each one needed: committed 1.0, found 2.0", fault)
        [fault] = self.compare(sectors=144, wavefronts=54)
        self.assertIn("wavefronts for each one needed: committed 2.0, found 3.0", fault)
        self.assertEqual(len(self.compare(sectors=float("nan"))), 1)

    def test_new_gone_and_absent(self):
        other = copy.deepcopy(COUNTED)
        other["kernels"][0]["kernel"] = "new"
        self.assertEqual(len(limits.compare(self.path, limits.found_in([other]))), 2)
        with self.assertRaisesRegex(UsageError, "no such file"):
            limits.compare(self.path.with_name("absent.json"), {})

    def test_committed_costs(self):
        rows = [{"op": "a", "shape": "1", "kernels": [{"blocks": 100}]}]
        near = [{"op": "a", "shape": "1", "kernels": [{"blocks": 101}]}]
        self.assertEqual(limits.differences(rows, near), [])
        self.assertEqual(len(limits.differences(rows, [{**rows[0], "kernels": [{"blocks": 110}]}])), 1)
        self.assertEqual(len(limits.differences(rows, [])), 1)
        self.assertEqual(len(limits.differences([], rows)), 1)


class Program(unittest.TestCase):
    """The program itself, with planted counts in place of simt_counters'."""

    def setUp(self):
        loader = importlib.machinery.SourceFileLoader("kernel_costs", str(ROOT / "bench/kernel_costs"))
        spec = importlib.util.spec_from_loader("kernel_costs", loader)
        self.program = importlib.util.module_from_spec(spec)
        loader.exec_module(self.program)
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def counters(self, sectors, write=None, check=None):
        costs = self.folder / "costs.json"
        costs.write_text(json.dumps({"operations": [{"op": "op_forward", "shape": "N64", "fields": {"batch": 64}}]}))
        counted = copy.deepcopy(COUNTED)
        counted["kernels"][0]["accesses"][0]["sectors"] = sectors
        options = argparse.Namespace(out=costs, write_counter_limits=write, check_counters=check)
        with mock.patch.object(step, "count", lambda root, op, fields, shape: counted), \
                contextlib.redirect_stdout(io.StringIO()) as out:
            return self.program.counters(options), out.getvalue()

    def test_a_planted_worse_counter_fails(self):
        path = self.folder / "limits.json"
        self.assertEqual(self.counters(144, write=path)[0], 0)
        self.assertEqual(self.counters(144, check=path)[0], 0)
        status, text = self.counters(1152, check=path)  # 32 sectors for each lane's word
        self.assertEqual(status, 1)
        self.assertIn("committed 1.0, found 8.0", text)

    def test_committed_files_are_of_the_same_kernels(self):
        costs = json.loads((ROOT / "bench/kernel_costs.json").read_text())
        held = json.loads((ROOT / "bench/counter_limits.json").read_text())
        kernels = {f"{row['op']}: {kernel['kernel']}" for row in costs["operations"] for kernel in row.get("kernels", ())}
        self.assertEqual(kernels, set(held))
        text = (ROOT / "docs/kernel-predictions.md").read_text()
        for row in costs["operations"]:
            self.assertIn(f"| {row['op']} | {row['shape']} |", text)
        self.assertIn(document.BEGIN, text)

    def test_counts_are_of_the_same_kind_of_shape(self):
        with mock.patch.object(step, "stamp", lambda *_: "0"), mock.patch.object(step, "folder_of", lambda *_: "op"):
            kept = self.folder / "build/costs/op.0.json"
            kept.parent.mkdir(parents=True)
            kept.write_text(json.dumps([{"shape": "N1 T7", "kernels": []},
                                        {"shape": "N1 T7 tf32", "kernels": [{"kernel": "k<cardiograd::Precision::kTf32, 32>"}]}]))
            self.assertEqual(step.count(self.folder, "op", {"batch": 1}, "N64 T7 tf32"),
                             {"shape": "N1 T7 tf32", "kernels": [{"kernel": "k<(Precision)1, 32>"}]})
            with self.assertRaisesRegex(ReportError, "none of its kind .it has N1 T7, N1 T7 tf32"):
                step.count(self.folder, "op", {"batch": 1}, "N64 T7 bf16")

    def test_reduced_shapes(self):
        self.assertEqual(step.reduced_fields("conv1d_forward", {"batch": 64, "time": 10}), {"batch": 1, "time": 10})
        self.assertEqual(step.reduced_fields("linear_forward", {"rows": 64}), {"rows": 64})
        self.assertEqual(step.reduced_fields("concat_forward", {"rows": 64}), {"rows": 64})
        self.assertEqual(step.folder_of(ROOT, "relu_forward"), "activation")
        with self.assertRaisesRegex(ReportError, "names the operation none_forward"):
            step.folder_of(ROOT, "none_forward")


if __name__ == "__main__":
    unittest.main()
