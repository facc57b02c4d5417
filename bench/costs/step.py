"""The kernels of a training step, from `profile`, and what each of them asks of memory, from `simt_counters`."""
import concurrent.futures
import dataclasses
import hashlib
import json
import pathlib
import re
import subprocess
import tomllib

from sass.errors import ReportError

BUILD = "build/simt-watch"
PRECISIONS = ("fp32", "tf32", "bf16")  # of the factors of products
COUNTED_WITH = ("simt", "kernels/common", "kernels/gemm", "bench/simt_counters.cpp", "kernels/kernel_spec.h",
                "kernels/op_table.h", "kernels/shape_text.h")


# What is made smaller for counting, by the begin of the operation's name; the first that fits. Sizes that decide the pattern
# of accesses (channels, widths, taps, time) stay.
REDUCED = (
    ("attention", "batch=1"), ("conv1d", "batch=1"), ("max_pool", "batch=1"), ("mean_time", "batch=1"),
    ("gather_batch", "batch=4,records=4"), ("altered_signals", "batch=4,records=8,places=8"),
    ("batch_norm_pool", "batch=4"), ("batch_norm", "rows=4000"),
    ("layer_norm", "rows=125"), ("residual_layer_norm_mean", "batch=1"),
    ("residual_layer_norm", "rows=125"), ("linear", "rows=640"),
    ("add_", "count=64000,period=32000"), ("accumulate", "count=64000"), ("adam", "count=64000"), ("dropout", "count=64000"),
    ("lstm", "batch=16,time=4"), ("long_conv1d", "batch=2,channels=64"), ("channel_dropout", "batch=1"), ("gate", "batch=1"),
    ("weight_average", "count=64000"),
    ("relu", "count=64000"), ("gelu", "count=64000"), ("squared_norm", "count=64000"), ("scale", "count=64000"),
)


@dataclasses.dataclass
class Call:
    """Equal calls of one operation in the step."""
    op: str
    shape: str
    fields: dict
    buffers: dict  # bytes by name
    calls: int


def pairs(text):
    return {name: int(value) for name, value in (item.split("=") for item in text.split(",")) if value}


def reduced_fields(op, fields):
    """The fields with those made smaller that counting may reduce."""
    text = next((reduced for begin, reduced in REDUCED if op.startswith(begin)), "")
    small = pairs(text) if text else {}
    return {name: min(value, small.get(name, value)) for name, value in fields.items()}


def run(command, root, what):
    try:
        result = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=root)
    except OSError as error:
        raise ReportError(f"{what}: {command[0]} does not run: {error}") from None
    if result.returncode != 0:
        raise ReportError(f"{what}: {pathlib.Path(command[0]).name} failed:\n{result.stderr or result.stdout}")
    return result


def build(root, programs):
    """Programs of the preset simt-watch, brought up to date."""
    if not (root / BUILD / "CMakeCache.txt").is_file():
        run(["cmake", "--preset", "simt-watch"], root, "configuring the preset simt-watch")
    run(["cmake", "--build", BUILD, "-j", "2", "--target", *programs], root, "building the preset simt-watch")


def known_gpus(root, precision):
    """The GPUs whose rate for such products is published."""
    known = tomllib.loads((root / "bench/gpus.toml").read_text())
    return [name for name, gpu in known["gpu"].items() if precision == "fp32" or
            f"tensor_{precision}" in known["compute_capability"][str(gpu["compute_capability"])]]


def profile(root, program, folder, arguments=()):
    """What `profile` writes of a training step at batch 64."""
    path = folder / "profile.json"
    run([program or root / BUILD / "apps/profile", *arguments, "--json", path], root, "listing the kernels of a step")
    return json.loads(path.read_text())


def calls_of_step(root, program, folder):
    """The distinct calls of the step: those in fp32, then those that tf32 and bf16 have in place of some of them."""
    calls = {}
    for precision in PRECISIONS:
        for entry in profile(root, program, folder, ["--precision", precision])["kernels"]:
            calls.setdefault((entry["op"], entry["shape"]),
                             Call(entry["op"], entry["shape"], entry["fields"], entry["buffers"], entry["calls"]))
    return list(calls.values())


def folder_of(root, op):
    """The folder below kernels/ whose *_spec.h names the operation."""
    for path in sorted(root.glob("kernels/**/*_spec.h")):
        if f'"{op}"' in path.read_text():
            return str(path.parent.relative_to(root / "kernels"))
    raise ReportError(f"no kernels/**/*_spec.h names the operation {op}")


def stamp(root, folder, arguments):
    """What counts depend on: the device code, what runs it, and the arguments."""
    digest = hashlib.sha256(" ".join(arguments).encode())
    for place in (*COUNTED_WITH, f"kernels/{folder}"):
        path = root / place
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(f"\0{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:24]


def kind_of(shape):
    """What shapes of one kind have in common: "N T C->" and words as "relu" or "tf"."""
    return re.sub(r"\d", "", shape)


def machine_name(kernel):
    """A kernel's name on the host as it is read in machine code, where enumerators are numbers."""
    return re.sub(r"(?:\w+::)*Precision::k(\w+)", lambda match: f"(Precision){PRECISIONS.index(match[1].lower())}", kernel)


def expect_own_folder(root, what, entries):
    """Refuses counts of objects that a compiler cache has brought from another folder: their lines are not found here, and
    every branch would look as if nobody took it."""
    for entry in entries:
        for kernel in entry["kernels"]:
            for visit in kernel.get("visits", []):
                if re.match(r"/.*/(kernels|simt)/", visit["file"]):
                    raise ReportError(f"{what}: counted at {visit['file']}, expected files below {root}: a compiler cache that "
                                      f"leaves folders out has brought objects of another one; build {BUILD} anew without it")


def count(root, op, fields, shape, variant="shipped"):
    """simt_counters' entry of an operation at the fields (of them "precision", else that of the shape), for shapes of this kind;
    kept in build/costs until something changes that it depends on."""
    words = [word for word in PRECISIONS if word in shape.split()]
    fields = {**fields, **({"precision": words[0]} if words else {})}
    arguments = ["--op", op, "--shape", ",".join(f"{name}={value}" for name, value in fields.items()), "--variant", variant]
    kept = root / "build/costs" / f"{op}.{stamp(root, folder_of(root, op), arguments)}.json"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        written = kept.with_suffix(".tmp")
        run([root / BUILD / "bench/simt_counters", *arguments, "--json", written], root, f"counting {op}")
        expect_own_folder(root, f"counting {op}", json.loads(written.read_text()))
        written.rename(kept)
    entries = json.loads(kept.read_text())
    for entry in entries:
        if kind_of(entry["shape"]) == kind_of(shape):
            return {**entry, "kernels": [{**kernel, "kernel": machine_name(kernel["kernel"])} for kernel in entry["kernels"]]}
    raise ReportError(f"{op}: the step has the shape '{shape}', the operation's workload has none of its kind (it has "
                      f"{', '.join(entry['shape'] for entry in entries)})")


def count_all(root, calls):
    """Of each (operation, fields of its shape, shape) what is counted at the reduced shape, two programs at a time."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda call: count(root, call[0], reduced_fields(call[0], call[1]), call[2]), calls))
