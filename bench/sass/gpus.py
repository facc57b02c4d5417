"""The table of named GPUs (bench/gpus.toml) and the occupancy that their limits leave."""
import tomllib

from .errors import UsageError, unknown


class Gpus:
    def __init__(self, path):
        table = tomllib.loads(path.read_text())
        self.sources = table["sources"]
        self.capabilities = {int(name): figures for name, figures in table["compute_capability"].items()}
        self.gpus = table["gpu"]
        for where, figures in [*self.capabilities.items(), *self.gpus.items()]:
            for name, figure in figures.items():
                if isinstance(figure, dict) and figure.get("source") not in self.sources:
                    raise UsageError(f"{path}: {where}: {name} has no source that [sources] names")

    def architecture(self, name):
        """The compute capability of a GPU of the table, or of "sm_86" itself."""
        if name.startswith("sm_") and name[3:].isdigit() and int(name[3:]) in self.capabilities:
            return int(name[3:])
        if name not in self.gpus:
            raise unknown("GPU", name, [*self.gpus, *(f"sm_{number}" for number in self.capabilities)])
        return self.gpus[name]["compute_capability"]

    def limit(self, architecture, name):
        return self.capabilities[architecture][name]["value"]


def occupancy(gpus, architecture, kernel, threads, dynamic_shared=0):
    """Fraction of a multiprocessor's threads that can be resident; None where threads or registers are not known."""
    if not threads or kernel.registers is None or architecture not in gpus.capabilities:
        return None
    warps = -(-threads // 32)
    registers = -(-max(1, kernel.registers) * 32 // 256) * 256 * warps  # given out in 256s per warp
    shared = -(-(kernel.shared + dynamic_shared + 1024) // 128) * 128  # 1 KiB per block is the system's
    blocks = min(gpus.limit(architecture, "blocks"), gpus.limit(architecture, "threads") // (32 * warps),
                 gpus.limit(architecture, "registers") // registers,
                 gpus.limit(architecture, "shared_kib") * 1024 // shared)
    return blocks * warps * 32 / gpus.limit(architecture, "threads")
