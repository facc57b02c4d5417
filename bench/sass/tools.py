"""The compiler and the disassemblers, and the cubins that they give, kept below build/sass."""
import hashlib
import os
import pathlib
import pickle
import re
import shutil
import subprocess

from . import disassembly
from .errors import ReportError

TOOLKIT = "/usr/local/cuda/bin"  # where it lies unless PATH says otherwise
INSTALL = "scripts/install_sass_tools.sh"
FLAGS = ["-std=c++20", "-O3", "-lineinfo", "-cubin", "-Xptxas", "-v"]  # -O3: the preset cuda's Release


class Tools:
    """Finds the programs: an environment variable of the name in capitals, PATH, build/sass/tools, the toolkit's folder."""

    def __init__(self, root):
        self.root = root
        self.version = None

    def find(self, name):
        if given := os.environ.get(name.upper()):
            return given
        places = [str(path.parent) for path in self.root.glob(f"build/sass/tools/lib/python*/site-packages/nvidia/*/bin/{name}")]
        found = shutil.which(name) or shutil.which(name, path=os.pathsep.join([*places, TOOLKIT]))
        if found is None:
            hint = "install the CUDA toolkit (nvcc 12.4 or later)" if name == "nvcc" else f"install it: {INSTALL}"
            raise ReportError(f"{name} is missing; {hint}")
        return found

    def run(self, command, what):
        try:
            result = subprocess.run(command, capture_output=True, text=True, cwd=self.root)
        except OSError as error:
            raise ReportError(f"{what}: {command[0]} does not run: {error}") from None
        if result.returncode != 0:
            raise ReportError(f"{what}: {pathlib.Path(command[0]).name} failed:\n{result.stderr or result.stdout}")
        return result

    def nvcc_version(self):
        if self.version is None:
            text = self.run([self.find("nvcc"), "--version"], "asking for nvcc's version").stdout
            match = re.search(r"V(\d[\d.]+)", text)
            self.version = match[1] if match else text.strip()
        return self.version

    def compile(self, source, architecture):
        """(cubin, ptxas's report) of a source, from the cache where neither it nor what it includes has changed."""
        command = [self.find("nvcc"), *FLAGS, f"-arch=sm_{architecture}", "-I", "."]
        name = re.sub(r"\W", "_", str(source))
        folder = self.root / "build/sass"
        cubin, report, stamp = (folder / f"{name}.sm_{architecture}.{ending}" for ending in ("cubin", "ptxas", "stamp"))
        depends = folder / f"{name}.sm_{architecture}.d"
        if cubin.is_file() and stamp.is_file() and stamp.read_text() == self.stamp(command, depends):
            return cubin, report.read_text()
        folder.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        result = self.run([*command, "-MD", "-MF", str(depends), str(source), "-o", str(cubin)],
                          f"compiling {source} for sm_{architecture}")
        report.write_text(result.stdout + result.stderr)
        stamp.write_text(self.stamp(command, depends))
        return cubin, report.read_text()

    def stamp(self, command, depends):
        """What a cubin depends on: the compiler, the options and every file of the repository that went into it."""
        digest = hashlib.sha256("\0".join([self.nvcc_version(), *command]).encode())
        files = depends.read_text().replace("\\\n", " ").split(":", 1)[1].split() if depends.is_file() else []
        for file in sorted(set(files)):
            path = self.root / file
            if path.resolve().is_relative_to(self.root):
                digest.update(path.read_bytes() if path.is_file() else b"absent")
        return digest.hexdigest()

    def kernels_of(self, source, architecture):
        """The kernels of a source; read anew only where its cubin or the code that reads it has changed."""
        cubin, ptxas_report = self.compile(source, architecture)
        digest = hashlib.sha256(cubin.read_bytes())
        for path in (disassembly.__file__, __file__):
            digest.update(pathlib.Path(path).read_bytes())
        kept = cubin.with_suffix(".kernels")
        try:
            found, kernels = pickle.loads(kept.read_bytes())
            if found == digest.hexdigest():
                return kernels
        except (OSError, pickle.UnpicklingError, EOFError, ValueError):
            pass  # Not there, or not whole.
        kernels = self.disassemble(cubin, ptxas_report)
        written = kept.with_suffix(f".{os.getpid()}")
        written.write_bytes(pickle.dumps((digest.hexdigest(), kernels)))
        written.rename(kept)
        return kernels

    def disassemble(self, cubin, ptxas_report=None):
        """The kernels of a cubin, with their resources."""
        text = self.run([self.find("nvdisasm"), "-gi", "-c", str(cubin)], f"disassembling {cubin}").stdout
        if "\n.text." not in text:
            return []  # A file without kernels.
        kernels = disassembly.parse_disassembly(text, self.root)
        cuobjdump = self.find("cuobjdump")
        disassembly.add_resources(kernels, self.run([cuobjdump, "-res-usage", str(cubin)], f"reading {cubin}").stdout)
        disassembly.add_launch_bounds(kernels, self.run([cuobjdump, "-elf", str(cubin)], f"reading {cubin}").stdout)
        if ptxas_report is not None:
            disassembly.add_ptxas_report(kernels, ptxas_report)
        disassembly.add_names(kernels)
        return kernels
