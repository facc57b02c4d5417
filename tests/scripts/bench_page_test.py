"""bench/bench_page and scripts/readme_tables.py on results made here.

Usage: bench_page_test.py REPOSITORY
"""
import html.parser
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(ROOT / "bench"))

from page import charts  # noqa: E402

CONTEXT = {"date": "2026-01-02", "commit": "0123456789ab", "device": "cpu", "cpu": "A <fast> CPU", "gpu": "", "driver": "",
           "clocks": "", "precision": "fp32", "command": "kernel --op all", "roof_gflops": 200.0, "roof_gbs": 20.0}
VOID = {"meta", "link", "br", "img"}


def row(op, seconds, opponent="", variant=None):
    variant = variant or ("" if opponent else "shipped")
    return {"op": op, "shape": "64x64", "workload": True, "variant": variant, "opponent": opponent, "device": "cpu",
            "precision": "fp32", "temperature": "hot", "path": "tile", "seconds": seconds, "flop": 1e9, "bytes": 1e7,
            "percent_of_roof": 50.0}


def figures(seconds):
    return [{"name": "train step", "batch": 64, "seconds": seconds, "fastest": seconds, "repeats": 3},
            {"name": "inference", "batch": 1, "seconds": seconds / 50, "fastest": seconds / 50, "repeats": 3}]


TIMELINE = [{"kernel": "conv1d_forward", "layer": "cnn.0", "start": 0.0, "seconds": 0.1},
            {"kernel": "conv1d_backward_weight", "layer": "cnn.0", "start": 0.1, "seconds": 0.2},
            {"kernel": "accumulate_forward", "layer": "", "start": 0.3, "seconds": 0.1},
            {"kernel": "adam_forward", "layer": "adam", "start": 0.4, "seconds": 0.1}]
STEP = {"figures": figures(0.5), "device": "cpu", "precision": "fp32", "commit": "0123456789ab", "timeline": TIMELINE}
TWIN = [{"program": "PyTorch 9.9", "mode": "fp32 eager", "precision": "fp32", "figures": figures(0.7)}]
KERNELS = [row("relu_forward", 2e-3), row("relu_forward", 4e-3, opponent="oneDNN"), row("relu_forward", 9e-3, variant="naive"),
           row("add_forward", 9e-3), row("add_forward", 3e-3, opponent="Eigen"), row("add_forward", 4e-3, opponent="oneDNN")]


class Structure(html.parser.HTMLParser):
    """Fails where elements do not close in order; collects text, and places that a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.fetched = [], [], []

    def handle_starttag(self, tag, attrs):
        self.fetched += [value for name, value in attrs if name in ("src", "href") and not (value or "").startswith("data:")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if tag in ("tr", "td", "th") and self.open[-1] != tag:
            raise AssertionError(f"</{tag}> inside {self.open[-3:]}")
        if self.open.pop() != tag:
            raise AssertionError(f"</{tag}> closes something else")

    def handle_data(self, data):
        self.text.append(data)


class BenchPage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name) / "mine"
        self.folder.mkdir()

    def write(self, name, content):
        (self.folder / name).write_text(json.dumps(content))

    def write_all(self):
        self.write("kernels.json", {"context": CONTEXT, "benchmarks": KERNELS})
        self.write("step_fp32.json", STEP)
        self.write("twin.json", TWIN)
        self.write("profile.json", {})

    def run_script(self, script, *arguments):
        return subprocess.run([sys.executable, ROOT / script, *map(str, arguments)], capture_output=True, text=True)

    def page(self):
        done = self.run_script("bench/bench_page", self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return (self.folder / "bench.html").read_text()

    def refused(self, *words):
        done = self.run_script("bench/bench_page", self.folder)
        self.assertEqual(done.returncode, 1, done.stdout)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertFalse((self.folder / "bench.html").exists())

    def test_page_is_whole_and_fetches_nothing(self):
        self.write_all()
        structure = Structure()
        structure.feed(self.page())
        self.assertEqual(structure.open, [])
        self.assertEqual(structure.fetched, [])
        text = " ".join(structure.text)
        for words in ("Benchmarks on A <fast> CPU", "train step, batch 64", "500 ms", "PyTorch 9.9 fp32 eager", "700 ms",
                      "200 GFLOP/s and 20 GB/s", "naive", "4 kernels in 500 ms"):
            self.assertIn(words, text)

    def test_the_worst_loss_comes_first(self):
        self.write_all()
        page = self.page()
        self.assertIn("1 of 2 kernels are slower", page)
        self.assertIn("3.00 times the best", page)
        self.assertIn("2.00 times as fast as the best", page)
        self.assertLess(page.index("3.00 times the best"), page.index("2.00 times as fast"))

    def test_kernels_after_the_first_gradient_are_backward(self):
        self.write_all()
        page = self.page()
        for kernel, phase in (("conv1d_forward", "forward"), ("accumulate_forward", "backward"), ("adam_forward", "optimizer")):
            self.assertRegex(page, f'<span class="{phase}" [^>]*title="{kernel} ')

    def test_numbers_of_crowded_dots_do_not_overlap(self):
        dots = [(300 + 4 * (i % 5), 200 + 4 * (i // 5), str(i + 1)) for i in range(25)]
        centers = charts.place_labels(dots, 5, (78, 14, 720, 396))
        boxes = [(x - charts.LABEL_WIDTH * len(text) / 2, y - charts.LABEL_HEIGHT / 2, x + charts.LABEL_WIDTH * len(text) / 2,
                  y + charts.LABEL_HEIGHT / 2) for (x, y), (_, _, text) in zip(centers, dots)]
        for i, box in enumerate(boxes):
            self.assertFalse([j for j in range(i) if charts.overlaps(box, boxes[j])], f"number {i + 1}")
            self.assertFalse([j for j, (x, y, _) in enumerate(dots) if charts.overlaps(box, (x - 5, y - 5, x + 5, y + 5))])
            self.assertTrue(78 <= box[0] and box[2] <= 720 and 14 <= box[1] and box[3] <= 396)

    def test_what_was_not_measured_is_named(self):
        self.write("step_fp32.json", STEP)
        self.assertIn("Not measured in this run: kernels.json, twin.json, profile.json", self.page())

    def test_a_kernel_without_a_time_is_left_out(self):
        failed = dict(row("gelu_forward", None), note="differs from the reference")
        self.write("kernels.json", {"context": CONTEXT, "benchmarks": [*KERNELS, failed]})
        self.assertNotIn("gelu_forward", self.page())

    def test_bad_files_are_refused_by_name_and_field(self):
        self.refused("neither step.json nor kernels.json")
        self.write("kernels.json", {"context": CONTEXT, "benchmarks": [row("relu_forward", float("nan"))]})
        self.refused("benchmarks[0].seconds", "nan")
        self.write("kernels.json", {"context": CONTEXT, "benchmarks": [{"op": "relu_forward"}]})
        self.refused("kernels.json: benchmarks[0]", "'shape' is missing")
        (self.folder / "kernels.json").write_text("{")
        self.refused("kernels.json", "not a JSON file")

    def readme(self, text):
        path = self.folder.parent / "README.md"
        path.write_text(text)
        return path

    def test_readme_tables_stand_between_their_marks(self):
        self.write_all()
        path = self.readme("before\n<!-- benchmarks mine begin -->\nold\n<!-- benchmarks mine end -->\nafter\n")
        self.assertEqual(self.run_script("scripts/readme_tables.py", self.folder, "--readme", path, "--check").returncode, 1)
        self.assertEqual(self.run_script("scripts/readme_tables.py", self.folder, "--readme", path).returncode, 0)
        text = path.read_text()
        self.assertTrue(text.startswith("before\n") and text.endswith("-->\nafter\n"))
        self.assertNotIn("old", text)
        self.assertIn("| cardiograd fp32 | 500 ms | 10 ms |", text)
        self.assertIn("| add_forward 64x64 fp32 | 9 ms | Eigen 3 ms | 3.00 |", text)
        self.assertEqual(self.run_script("scripts/readme_tables.py", self.folder, "--readme", path, "--check").returncode, 0)

    def test_a_readme_without_marks_stays_as_it_is(self):
        self.write_all()
        path = self.readme("no marks\n")
        done = self.run_script("scripts/readme_tables.py", self.folder, "--readme", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("<!-- benchmarks mine begin -->", done.stderr)
        self.assertEqual(path.read_text(), "no marks\n")


if __name__ == "__main__":
    unittest.main()
