"""The law of model/prediction.cpp for tables that are written without a build of it: how long a launch takes at least.

tests/scripts/kernel_costs_test.py holds it against what `profile` has written of every kernel of the step.
"""
import math

LIMITS = ("issue", "fp32 units", "fp64 units", "special units", "tensor cores", "shared memory", "L2", "DRAM")
WARP, SECTOR, WAVEFRONT = 32, 32, 128  # lanes, bytes, bytes


def rates(gpus, name):
    """{rate or size: number} of a GPU of bench/gpus.toml (sass.gpus.Gpus)."""
    gpu = gpus.gpus[name]
    return {key: figure["value"] for table in (gpus.capabilities[gpu["compute_capability"]], gpu)
            for key, figure in table.items() if isinstance(figure, dict)}


def over(work, rate):
    return work / rate if rate else 0.0


def terms(kernel, architecture, rate):
    """Seconds of one launch by limit; 0 where nothing is asked, or no rate is published."""
    counts = kernel["machine"][str(architecture)]
    clock = 1e6 * rate["clock_mhz"]
    busiest = math.ceil(kernel["blocks"] / rate["sms"])
    share = busiest / kernel["blocks"]
    issue = min(rate["issue"], busiest * math.ceil(kernel["threads"] / WARP))  # A scheduler without a warp issues nothing.
    return dict(zip(LIMITS, (
        over(counts["warp_instructions"][1] * share, issue) / clock,
        over(counts["fp32"] * share * WARP, rate["fp32"]) / clock,
        over(counts["fp64"] * share * WARP, rate.get("fp64")) / clock,
        over(counts["sfu"] * share * WARP, rate.get("sfu")) / clock,
        (over(counts["tf32_products"] * share, rate.get("tensor_tf32")) +
         over(counts["bf16_products"] * share, rate.get("tensor_bf16"))) / (1e6 * rate.get("tensor_clock_mhz", rate["clock_mhz"])),
        over(counts["shared_wavefronts"] * share * WAVEFRONT, rate["shared_bytes"]) / clock,
        over(kernel["l2_sectors"] * SECTOR, rate.get("l2_bytes_per_clock")) / clock,
        kernel["dram_bytes"] / (1e9 * rate["dram_gb_per_s"]))))


def of_launches(kernel, gpus, name):
    """(seconds of all launches of a kernel, what limits them)."""
    found = terms(kernel, gpus.architecture(name), rates(gpus, name))
    limiter = max(LIMITS, key=found.get)
    return kernel["launches"] * found[limiter], limiter
