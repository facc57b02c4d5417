"""bench/sass_report: its reading of stored disassembly, and kernels with planted faults where nvcc is there.

Usage: sass_report_test.py REPOSITORY
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(ROOT / "bench"))

from sass import disassembly, findings, flow, gpus, held, launches, mix, render, report, strides, tensor, tools  # noqa: E402
from sass.errors import ReportError, UsageError  # noqa: E402

STORED = ROOT / "tests/scripts/sass"
CLEAN = ["coalesced", "vector", "division32", "roomy"]

# Three instructions, a loop whose body has two ways (1 or 3 instructions) and an inner loop that does two iterations at once.
TWO_LOOPS = """
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
	//## File "/repository/inner.h", line 3 inlined at "/repository/two.cu", line 4
	//## File "/repository/two.cu", line 4
        /*0050*/                   FFMA R5, R5, R5, R5 ;
        /*0060*/                   FFMA R6, R6, R6, R6 ;
	//## File "/repository/two.cu", line 4
        /*0070*/                   IADD3 R4, R4, 0x2, RZ ;
        /*0080*/                   ISETP.GE.AND P0, PT, R4, c[0x0][0x160], PT ;
        /*0090*/              @!P0 BRA `(.L_x_1) ;
        /*00a0*/               @P1 BRA `(.L_x_2) ;
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
TWO_SOURCE = "a\nfor (int i = 0; i < rows; ++i)\nb\nfor (int j = 0; j < columns; ++j)\n"


def flows_of(text, root="/repository"):
    kernels = disassembly.parse_disassembly(text, root)
    for kernel in kernels:
        kernel.short = kernel.demangled = kernel.name
        kernel.registers, kernel.stack, kernel.shared = 40, 0, 0
    return {kernel.name: flow.Flow(kernel) for kernel in kernels}


def stored(architecture):
    flows = flows_of((STORED / f"planted_sm_{architecture}.txt").read_text())
    names = disassembly.demangle(list(flows))
    return {name.split("(")[0]: one for name, one in zip(names, flows.values())}


def planted_line(file, kind):
    marked = [n for n, line in enumerate((STORED / file).read_text().splitlines(), 1) if f"// planted: {kind}" in line]
    assert len(marked) == 1, (file, kind)
    return marked[0]


class Reading(unittest.TestCase):
    def test_two_loops(self):
        one = flows_of(TWO_LOOPS)["two"]
        self.assertTrue(one.kernel.entry)
        self.assertEqual(one.kernel.architecture, 86)
        self.assertEqual([(loop.name, one.position(loop)[0]) for loop in one.loops],
                         [("L1", ("two.cu", 2)), ("L1.1", ("two.cu", 4))])
        outer, inner = (mix.count_blocks(one.all_blocks(loop)) for loop in one.loops)
        self.assertEqual((outer["all"], outer["ffma"], outer["mufu"], outer["global load 16"], outer["shared store 8"]),
                         (14, 2, 1, 1, 1))
        self.assertEqual((inner["all"], inner["ffma"], inner["memory"]), (5, 2, 0))
        self.assertEqual(mix.count_blocks(one.all_blocks(None))["all"], 18)  # without what is never reached
        self.assertEqual(mix.main_loop(one).name, "L1.1")
        inlined = one.kernel.instructions[5]
        self.assertEqual(inlined.positions, [("inner.h", 3), ("two.cu", 4)])

    def test_other_texts_are_refused(self):
        for text in ("", "hello", "\t.target\tsm_86\n"):
            with self.assertRaises(ReportError):
                disassembly.parse_disassembly(text, "/repository")

    def test_a_warp_that_parted_is_cold(self):
        text = TWO_LOOPS.replace("@P1 BRA `(.L_x_2)", "BRA.DIV ~URZ, `(.L_x_4)").replace(
            ".L_x_3:\n", ".L_x_4:\n        /*0112*/                   MOV R9, R9 ;\n"
            "        /*0114*/                   BRA `(.L_x_2) ;\n.L_x_3:\n")
        self.assertEqual(mix.count_blocks(flows_of(text)["two"].all_blocks(None))["all"], 18)

    def test_widths(self):
        for opcode, size in {"LDG.E": 4, "LDG.E.128.CONSTANT": 16, "LDG.E.U16": 2, "LDS.U.64": 8, "STG.E.U8": 1,
                             "LDGSTS.E.BYPASS.LTC128B.128": 16, "LDGSTS.E.LTC128B": 4, "LDSM.16.M88.4": 16, "LDSM.16.MT88": 4,
                             "LDG.E.LTC128B.64": 8}.items():
            self.assertEqual(mix.width(disassembly.Instruction(0, "", opcode, [], [])), size, opcode)

    def test_kinds(self):
        for text, kind in {"HMMA.1688.F32.TF32 R4, R8, R12, R4": "hmma", "HFMA2.MMA R4, -RZ, RZ, 0, 0": "move",
                           "HFMA2.MMA R4, R5, R6, R7": "half", "IMAD.MOV.U32 R1, RZ, RZ, R2": "move",
                           "IMAD.WIDE R2, R3, R4, R6": "integer", "FFMA.FTZ R1, R2, R3, R4": "ffma", "FADD R1, R2, R3": "float",
                           "UIADD3 UR4, UR4, 0x1, URZ": "integer", "SHFL.BFLY PT, R3, R2, 0x1, 0x1f": "shuffle",
                           "BAR.SYNC 0x0": "barrier", "LDSM.16.M88.4 R4, [R2]": "memory", "MUFU.EX2 R1, R2": "mufu"}.items():
            opcode, operands = text.split(" ", 1)
            instruction = disassembly.Instruction(0, "", opcode, disassembly.split_operands(operands), [])
            self.assertEqual(mix.kind(instruction), kind, text)

    def test_names(self):
        self.assertEqual(disassembly.short_name("void a::tile_kernel<a::b::Forward>(a::b::Forward)"), "tile_kernel<Forward>")
        self.assertEqual(disassembly.short_name("void a::partials<(int)2, a::Load>(long, a::Load)"), "partials<2, Load>")
        self.assertEqual(disassembly.short_name("a::(anonymous namespace)::probe()"), "probe")


class Stored(unittest.TestCase):
    """The disassembly of tests/scripts/sass/planted.cu: nothing is compiled."""

    def check(self, architecture):
        flows = stored(architecture)
        self.assertEqual(len(flows), 8)
        for name, kind in (("uncoalesced", findings.KINDS[3]), ("scalar", findings.KINDS[2]), ("division64", findings.KINDS[0])):
            found = findings.find_all(flows[name])
            self.assertEqual([(f.kind, f.position) for f in found],
                             [(kind, ("tests/scripts/sass/planted.cu", planted_line("planted.cu", kind)))], name)
        for name in ("coalesced", "vector", "division32"):
            self.assertEqual(findings.find_all(flows[name]), [], name)

    def test_faults_are_found_on_their_lines(self):
        for architecture in (86, 90):
            with self.subTest(architecture=architecture):
                self.check(architecture)

    def test_tensor_products(self):
        for architecture in (86, 90):
            one = stored(architecture)["tensor"]
            summary = findings.summary(one)
            self.assertEqual(summary["HMMA"], 1)
            self.assertEqual((summary["HMMA fraction"], summary["FFMA fraction"]), (0.25, 0.0))

    def test_division_routines_are_not_counted(self):
        one = stored(86)["division64"]
        cold = [i.opcode for block in one.blocks if block.cold for i in block.instructions]
        self.assertEqual(cold, ["MOV", "CALL.REL.NOINC", "BRA"])
        loop = report.describe_loop(one, one.loops[0])
        self.assertEqual((loop["divisions_64_bit"], loop["divisions_32_bit"], loop["instructions"]), (1, 0, 27))
        plain = stored(86)["division32"]
        self.assertEqual(report.describe_loop(plain, plain.loops[0])["divisions_64_bit"], 0)

    def test_unrolling_is_read_from_the_counter(self):
        for architecture in (86, 90):
            one = stored(architecture)["nested"]
            self.assertEqual([loop.name for loop in one.loops], ["L1", "L1.1"])
            self.assertEqual([launches.unrolled_by(one, loop, 1) for loop in one.loops], [1, 4])

    def test_stride_of_masked_threads(self):
        registers = strides.Registers(R1=(1, 0))
        for text, value in {"LOP3.LUT R2, R1, 0x1f, RZ, 0xc0, !PT": (1, 0), "LOP3.LUT R2, R1, 0x3, RZ, 0xc0, !PT": (None, None),
                            "SHF.R.U32.HI R2, RZ, 0x5, R1": (0, None), "IMAD R2, R1, 0x10, c[0x0][0x160]": (16, None),
                            "IMAD R2, R1, c[0x0][0x160], RZ": (strides.RUN_TIME, None),
                            "LEA R2, P0, R1, c[0x0][0x160], 0x2": (4, None), "HFMA2.MMA R2, -RZ, RZ, 0, 0": (0, 0),
                            "IADD3 R2, -R1, R1, RZ": (0, 0), "LDG.E R2, [R1.64]": (None, None)}.items():
            opcode, operands = text.split(" ", 1)
            instruction = disassembly.Instruction(0, "", opcode, disassembly.split_operands(operands), [])
            self.assertEqual(strides.evaluate(instruction, registers), value, text)


class Launches(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "two.cu").write_text(TWO_SOURCE)

    def launch(self, table):
        path = self.folder / "launches.toml"
        path.write_text(table)
        one = flows_of(TWO_LOOPS)["two"]
        return launches.instructions_per_launch(one, "op", launches.Launches(path), launches.SourceLines(self.folder))

    def test_instructions_per_launch(self):
        table = """
            [loops]
            "for (int i = 0; i < rows" = "rows"
            [op]
            shapes = [{name = "3 x 10", rows = 3, columns = 10}]
            [op.kernels.two]
            blocks = "2 * rows"
            threads = 96
            loops = {"for (int j = 0" = "columns"}
            """
        [found] = self.launch(table)
        # 3 before, 1 behind; 3 iterations of 2 + 5 * 5 + 1 + 3, and 3 more on the long way; 6 blocks of 3 warps.
        self.assertEqual(found["warp_instructions"], [(4 + 3 * 31) * 18, (4 + 3 * 34) * 18])
        self.assertEqual(found["ffma"], [3 * 10 * 18] * 2)
        self.assertEqual(found["unknown"], [])

    def test_unknown_iterations_are_said(self):
        [found] = self.launch("""
            [op]
            shapes = [{name = "one", rows = 3}]
            [op.kernels.two]
            blocks = 1
            threads = 32
            loops = {"for (int i = 0" = "rows"}
            """)
        self.assertEqual(found["unknown"], ["L1.1 (two.cu:4)"])
        self.assertNotIn("warp_instructions", found)
        self.assertIn("unknown: no iterations of loop L1.1 (two.cu:4)", render.launch_line(found))

    def test_what_a_for_statement_adds(self):
        lines = launches.SourceLines(pathlib.Path("/nowhere"))
        for text, step in (("for (int i = 0; i < n; ++i) {", 1), ("for (int i = n; i > 0; i--) {", -1),
                           ("for (int i = 0; i < n; i += 4) {", 4), ("for (int i = n; i > 0; i -= 16) {", -16),
                           ("for (int i = n; i > 0; i -= kDepth) {", launches.DOWN), ("for (int i = 0; i < n; i += kStep) {", None),
                           ("while (true) {", None)):
            self.assertEqual(lines.increment(text), step, text)

    def test_a_loop_that_counts_down_is_not_taken_for_an_unrolled_one(self):
        with mock.patch.object(launches.counters, "step", lambda flow, loop: (-16, 0)):
            for step, factor in ((-16, 1), (-4, 4), (launches.DOWN, None), (16, 16), (1, 16)):
                self.assertEqual(launches.unrolled_by(None, None, step), factor, step)

    def test_an_unrolled_loop_and_its_rest(self):
        with mock.patch.object(launches, "unroll_factors", lambda flow, siblings, increment: dict(zip(siblings, (4, 1)))):
            one = flows_of(TWO_LOOPS)["two"]
            one.loops[1].parent = None  # as if the two stood side by side on one line
            one.position = lambda loop: [("two.cu", 2)]
            trips, at_once, missing = launches.trip_counts(one, lambda text: {"trips": "n"}, {"n": 11},
                                                           launches.SourceLines(self.folder), "")
        self.assertEqual((list(trips.values()), list(at_once.values()), missing), ([2, 3], [4, 1], []))

    def test_a_step_that_only_the_entry_knows(self):
        one = flows_of(TWO_LOOPS)["two"]
        (self.folder / "two.cu").write_text(TWO_SOURCE.replace("++j", "j += kUnknown"))

        def counted(entry):
            return launches.trip_counts(one, lambda text: entry if "j" in text else {"trips": 1}, {"n": 11, "by": 1},
                                        launches.SourceLines(self.folder), "")
        self.assertEqual(counted({"trips": "n"})[2], ["L1.1 (two.cu:4: how far it is unrolled cannot be told)"])
        trips, at_once, missing = counted({"trips": "n", "step": "by"})  # The code adds two.
        self.assertEqual((trips[one.loops[1]], at_once[one.loops[1]], missing), (5, 2, []))

    def test_expressions(self):
        self.assertEqual(launches.evaluate("ceil_div(a, 4) * min(a, 3) - 7 // 2", {"a": 9}, "t"), 6)
        for bad in ("b", "a.real", "__import__('os')", "a +", "a ** 2", "1 / 0"):
            with self.assertRaises(UsageError, msg=bad):
                launches.evaluate(bad, {"a": 1}, "t")

    def test_the_repository_table_is_of_known_operations(self):
        launches.check_operations(launches.Launches(ROOT / "bench/launches.toml"), report.operations_of(ROOT))
        with self.assertRaisesRegex(UsageError, "unknown operation .* 'gemm' .known: conv1d"):
            launches.check_operations(launches.Launches(ROOT / "bench/launches.toml"), ["conv1d"])


class Products(unittest.TestCase):
    """Issue against the time of a loop's products."""
    CODE = TWO_LOOPS.replace("FFMA R5, R5, R5, R5", "HMMA.16816.F32.BF16 R4, R8, R12, R4").replace(
        "FFMA R6, R6, R6, R6", "HMMA.1688.F32.TF32 R4, R8, R12, R4")

    def setUp(self):
        self.gpus = gpus.Gpus(ROOT / "bench/gpus.toml")

    def test_of_the_loop_that_has_them(self):
        found = tensor.issue_per_product(flows_of(self.CODE)["two"], self.gpus)
        # 2,048 multiply-adds at 64 per scheduler and clock, 1,024 at 32; five instructions.
        self.assertEqual(found, {"loop": "L1.1", "hmma": 2, "clocks": 64, "instructions": [5, 5], "ratio": [0.08, 0.08]})

    def test_both_ways_and_loops_inside(self):
        outer = TWO_LOOPS.replace("MOV R4, RZ ;\n.L_x_1", "HMMA.16816.F32.BF16 R4, R8, R12, R4 ;\n.L_x_1").replace("sm_86", "sm_90")
        one = flows_of(outer)["two"]
        for trips, inner in (({}, 1), ({one.loops[1]: 3}, 3)):
            found = tensor.issue_per_product(one, self.gpus, trips)
            self.assertEqual((found["loop"], found["clocks"], found["instructions"]), ("L1", 4, [6 + 5 * inner, 9 + 5 * inner]))
        self.assertEqual(found["ratio"], [5.25, 6.0])

    def test_without_products_or_rates(self):
        self.assertIsNone(tensor.issue_per_product(flows_of(TWO_LOOPS)["two"], self.gpus))
        self.assertIsNone(tensor.issue_per_product(flows_of(self.CODE.replace("sm_86", "sm_87"))["two"], self.gpus))

    def test_table(self):
        one = {"loop": "L1", "hmma": 2, "clocks": 64, "instructions": [5, 9], "ratio": [0.08, 0.14]}
        lines = render.markdown_products([{"operation": "op", "kernel": "k", "architecture": 86, "issue_per_product": one}], [86, 90])
        self.assertIn("| op | `k` | 2 | 5 to 9 | 64 | 0.08 to 0.14 | - | - | - |", lines)
        self.assertEqual(render.markdown_products([{"issue_per_product": None}], [86]), [])


class Held(unittest.TestCase):
    GOOD = {"64-bit divisions in loops": 0, "spilled bytes": 0, "scalar accesses": 1, "uncoalesced accesses": 0,
            "16-byte fraction": 0.5, "HMMA": 8, "FFMA fraction": 0.1, "HMMA fraction": 0.4, "issue per product": 0.9}

    def compare(self, whole=True, name="k", nvcc="13.0.88", unknown=(), **changes):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "limits.json"
            entry = {"operation": "op", "kernel": "k", "architecture": 86, "held": self.GOOD,
                     "launches": [{"unknown": []}, {"unknown": list(unknown)}]}
            held.write(path, [entry], "13.0.88")
            changed = {**self.GOOD, **{key.replace("_", " "): value for key, value in changes.items()}}
            return held.compare(path, [{**entry, "kernel": name, "held": changed}], nvcc, whole)

    def test_equal_and_better_pass(self):
        self.assertEqual(self.compare(), [])
        self.assertEqual(self.compare(scalar_accesses=0, HMMA_fraction=0.5, FFMA_fraction=0.0, HMMA=3), [])

    def test_each_worse_value_fails_with_both(self):
        for name, value in (("64-bit divisions in loops", 1), ("spilled bytes", 4), ("scalar accesses", 2),
                            ("uncoalesced accesses", 1), ("16-byte fraction", 0.25), ("HMMA", 0), ("FFMA fraction", 0.05),
                            ("HMMA fraction", 0.3), ("HMMA fraction", None), ("HMMA fraction", float("nan")), ("issue per product", 0.93),
                            ("issue per product", None), ("issue per product", float("nan"))):
            changed = {name.replace(" ", "_"): value}
            faults = self.compare(**changed)
            self.assertIn(f"op: k on sm_86: {name}: committed {self.GOOD[name]}, found {value}", faults, name)

    def test_loop_without_iterations_fails(self):
        self.assertEqual(self.compare(unknown=["L1 (a.cu:3)"]),
                         ["op: k on sm_86: no iterations of loop L1 (a.cu:3) in bench/launches.toml"])

    def test_new_gone_and_other_compilers(self):
        self.assertEqual(len(self.compare(name="other")), 2)
        self.assertEqual(len(self.compare(name="other", whole=False)), 1)
        with self.assertRaisesRegex(ReportError, "nvcc 13.0.88, this is nvcc 14"):
            self.compare(nvcc="14")


class Program(unittest.TestCase):
    def run_program(self, *arguments):
        return subprocess.run([sys.executable, ROOT / "bench/sass_report", *arguments], capture_output=True, text=True)

    def test_bad_input_lists_what_is_known(self):
        for arguments, expected in ((["convolution"], "unknown operation 'convolution' (known: activation, "),
                                    (["conv1d", "--gpu", "gtx"], "unknown GPU 'gtx' (known: a100-sxm-80gb, "),
                                    (["--launches", "absent.toml"], "absent.toml: no such file"),
                                    (["conv1d", "--write-limits", "x.json"], "name no operation"),
                                    (["--cubin", "x", "--gpu", "sm_86"], "--cubin goes with")):
            result = self.run_program(*arguments)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertTrue(result.stderr.startswith("sass_report: ") and expected in result.stderr, result.stderr)
            self.assertEqual(len(result.stderr.splitlines()), 1)

    def test_unknown_kernel(self):
        one = flows_of(TWO_LOOPS)["two"].kernel
        self.assertEqual(report.choose_kernels([("op", one)], ["two"]), [("op", one)])
        with self.assertRaisesRegex(UsageError, r"unknown kernel 'three' \(known: two\)"):
            report.choose_kernels([("op", one)], ["three"])

    def test_missing_tools(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(tools, "TOOLKIT", folder), \
                mock.patch.dict("os.environ", {"PATH": folder, "NVCC": "", "NVDISASM": "", "CUOBJDUMP": ""}):
            for name in ("nvdisasm", "cuobjdump"):
                with self.assertRaisesRegex(ReportError, f"{name} is missing; install it: scripts/install_sass_tools.sh"):
                    tools.Tools(pathlib.Path(folder)).find(name)
            with self.assertRaisesRegex(ReportError, "nvcc is missing; install the CUDA toolkit"):
                tools.Tools(pathlib.Path(folder)).find("nvcc")
        self.assertTrue((ROOT / tools.INSTALL).is_file())

    def test_marks(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "d.md"
            path.write_text(f"a\n{render.BEGIN}\nold\n{render.END}\nb\n")
            render.write_between_marks(path, "new\n")
            self.assertEqual(path.read_text(), f"a\n{render.BEGIN}\nnew\n{render.END}\nb\n")
            path.write_text("a\n")
            with self.assertRaises(UsageError):
                render.write_between_marks(path, "new\n")


def missing_tool():
    for name in ("nvcc", "nvdisasm", "cuobjdump"):
        try:
            tools.Tools(ROOT).find(name)
        except ReportError as error:
            return str(error)
    return None


@unittest.skipIf(missing_tool(), f"nothing compiled: {missing_tool()}")
class Compiled(unittest.TestCase):
    """The planted kernels, compiled here."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def report(self, source, architecture, *arguments):
        cubin = self.folder / "planted.cubin"
        subprocess.run([tools.Tools(ROOT).find("nvcc"), "-std=c++20", "-O3", "-lineinfo", "-cubin", f"-arch=sm_{architecture}",
                        STORED / source, "-o", cubin], check=True, capture_output=True, cwd=ROOT)
        return subprocess.run([sys.executable, ROOT / "bench/sass_report", "--cubin", cubin, "--json",
                               self.folder / "report.json", *arguments], capture_output=True, text=True)

    def found(self):
        entries = json.loads((self.folder / "report.json").read_text())["kernels"]
        return {entry["kernel"]: {(f["kind"], f["line"]) for f in entry["findings"]} for entry in entries}

    def test_planted_faults_and_clean_twins(self):
        for architecture in (86, 90):
            self.assertEqual(self.report("planted.cu", architecture, "--findings").returncode, 1)
            found = self.found()
            for name, kind in (("uncoalesced", findings.KINDS[3]), ("scalar", findings.KINDS[2]),
                               ("division64", findings.KINDS[0])):
                self.assertEqual(found[name], {(kind, planted_line("planted.cu", kind))})
            for name in ("coalesced", "vector", "division32"):
                self.assertEqual(found[name], set())

    def test_spill(self):
        for architecture in (86, 90):
            result = self.report("planted_spill.cu", architecture, "--findings")
            self.assertEqual(result.returncode, 1)
            found = self.found()
            self.assertIn(("spill", planted_line("planted_spill.cu", "spill")), found["spilling"])
            self.assertEqual({kind for kind, _ in found["roomy"]}, set())
            clean = self.report("planted_spill.cu", architecture, "--findings", "--kernel", "roomy")
            self.assertEqual((clean.returncode, clean.stdout), (0, "nothing found\n"))

    def test_annotation(self):
        result = self.report("planted.cu", 86, "--kernel", "division64", "--annotate", STORED / "planted.cu")
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = {line[23:].strip().split(" ", 1)[0]: line for line in result.stdout.splitlines()[1:]}
        self.assertEqual(len(lines), len((STORED / "planted.cu").read_text().splitlines()))
        self.assertGreater(int(lines["28"].split()[0]), 0)
        self.assertEqual(lines["6"][:23].strip(), "")

    def test_cache(self):
        root = self.folder / "tree"
        (root / "kernels/op").mkdir(parents=True)
        source = root / "kernels/op/op.cu"
        (root / "kernels/op/op.h").write_text("#define VALUE 1.0F\n")
        source.write_text('#include "kernels/op/op.h"\n__global__ void k(float* y) { y[threadIdx.x] = VALUE; }\n')
        one = tools.Tools(root)
        with mock.patch.object(one, "find", tools.Tools(ROOT).find):
            cubin, _ = one.compile(source.relative_to(root), 86)
            first = cubin.stat().st_mtime_ns
            self.assertEqual(one.compile(source.relative_to(root), 86)[0].stat().st_mtime_ns, first)
            (root / "kernels/op/op.h").write_text("#define VALUE 2.0F\n")
            self.assertGreater(one.compile(source.relative_to(root), 86)[0].stat().st_mtime_ns, first)
            [kernel] = one.disassemble(*one.compile(source.relative_to(root), 86))
        self.assertEqual((kernel.short, kernel.spill_bytes, kernel.stack), ("k", 0, 0))
        self.assertGreater(kernel.registers, 0)


if __name__ == "__main__":
    unittest.main()
