#!/usr/bin/env python3
"""Does what docs/add-an-operation.md says, in a copy of the tree, and runs the tests of the operation that it adds.

    scripts/ci/add_an_operation.py [--preset cpu|simt] [--jobs N] [--launcher ccache] [--keep FOLDER]

Copies the files that git tracks, writes the page's code blocks, configures, builds the tests of
kernels and engine and runs those of the new operation: on the CPU, in the preset simt the GPU's version too. Fails if a
block does not fit, if a test fails or did not run, or if the operation touches more than MAX_FILES files. --keep leaves the copy in FOLDER, which must not exist; without it a temporary one is used.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "add-an-operation.md"
MAX_FILES = 6  # without the test of the differentiable function
BLOCK = re.compile(r"^```cpp (\S+)\n(.*?)^```$", re.M | re.S)


def fail(message):
    sys.exit(f"add_an_operation: {message}")


def copy_tree(to):
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():  # Not a file that was deleted and is not committed yet.
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def apply_page(tree):
    """Returns the paths of new files and the names of the kernels."""
    new, kernels = [], []
    for name, text in BLOCK.findall(PAGE.read_text()):
        path = tree / name
        if path.exists():
            fail(f"{name} exists already")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        new.append(name)
        kernels += re.findall(r'kName = "(\w+)";', text)
    if not kernels:
        fail(f"{PAGE} adds no kernel")
    return new, kernels


def check_format(tree, names):
    if shutil.which("clang-format") is None:
        print("clang-format is missing: the format of the blocks is not checked")
        return
    subprocess.run(["clang-format", "--dry-run", "-Werror", *names], cwd=tree, check=True)


def run_tests(program, pattern, expected):
    """Runs the tests that match and checks that each of `expected` is among those that passed."""
    result = subprocess.run([program, f"--gtest_filter={pattern}"], capture_output=True, text=True)
    passed = set(re.findall(r"^\[       OK \] (\S+)", result.stdout, re.M))
    missing = [name for name in expected if name not in passed]
    if result.returncode != 0 or missing:
        print(result.stdout, result.stderr)
        fail(f"{program.name}: exit status {result.returncode}" + (f", did not pass: {missing}" if missing else ""))
    print(f"{program.name}: {len(passed)} tests of the new operation passed")


def build_and_test(tree, options, new, kernels):
    environment = {**os.environ, "CCACHE_BASEDIR": str(tree)}
    configure = ["cmake", "--preset", options.preset, "-DCARDIOGRAD_BENCH=OFF", "-DCARDIOGRAD_PRECOMPILE=TESTS"]
    if options.launcher:
        configure.append(f"-DCMAKE_CXX_COMPILER_LAUNCHER={options.launcher}")
    build = ["cmake", "--build", "--preset", options.preset, "-j", str(options.jobs), "--target", "kernels_tests",
             "engine_tests"]
    for command in (configure, build):
        result = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
        if result.returncode != 0:
            print(result.stdout[-6000:], result.stderr[-6000:])
            fail(f"{' '.join(command)}: exit status {result.returncode}")

    expected = []
    for kernel in kernels:
        expected += [f"Kernels/EveryOp.AgreesWithTheDoubleReference/{kernel}",
                     f"Kernels/EveryOp.WritesTheSameBitsOnAnyNumberOfThreads/{kernel}",
                     f"Flop/{kernel}.AgreesWithTheOperationsOfTheReference"]
        if "backward" in kernel:
            expected.append(f"Kernels/EveryOp.GradientAgreesWithCentralDifferences/{kernel}")
        if options.preset == "simt":
            expected.append(f"Kernels/EveryCudaOp.AgreesWithTheDoubleReferenceInEveryOrder/{kernel}")
    tests = tree / "build" / options.preset / "tests"
    run_tests(tests / "kernels_tests", ":".join(f"*/{kernel}*" for kernel in kernels), expected)
    chain = [f"{suite}.{test}" for name in new if name.startswith("tests/engine/")
             for suite, test in re.findall(r"^TEST\((\w+), (\w+)\)", (tree / name).read_text(), re.M)]
    run_tests(tests / "engine_tests", ":".join(chain), chain)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=["cpu", "simt"], default="cpu")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--launcher", help="of the compiler, such as ccache")
    parser.add_argument("--keep", type=pathlib.Path, metavar="FOLDER", help="where the copy goes and stays")
    options = parser.parse_args()
    if options.keep and options.keep.exists():
        parser.error(f"{options.keep} exists")
    with tempfile.TemporaryDirectory(prefix="add_an_operation.") as temporary:
        tree = options.keep.resolve() if options.keep else pathlib.Path(temporary)
        copy_tree(tree)
        new, kernels = apply_page(tree)
        files = [name for name in new if not name.startswith("tests/")]
        print(f"{', '.join(kernels)}: {len(files)} files, {len(new) - len(files)} test: {' '.join(new)}")
        if len(files) > MAX_FILES:
            fail(f"{len(files)} files, at most {MAX_FILES} are allowed")
        if not any("backward" in kernel for kernel in kernels):
            fail("no kernel of the page computes a gradient")
        check_format(tree, new)
        build_and_test(tree, options, new, kernels)


if __name__ == "__main__":
    main()
