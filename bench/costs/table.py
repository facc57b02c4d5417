"""Joins the machine code's instructions per launch with what was counted on the host: bench/kernel_costs.json.

Per kernel launch and architecture: warp instructions (on the shortest way, on the way that the counts tell (way.py), on the
longest), those on the fp32, fp64 and special-function units, multiply-adds of tensor cores, wavefronts of shared memory; and,
whatever the architecture, sectors that leave the multiprocessors and bytes that come from or go to DRAM.
"""
import dataclasses

from sass import launches as launch_tables
from sass.errors import ReportError

from . import way

SECTOR = 32
FP32 = ("ffma", "float")
WAVEFRONTS = {4: 1, 8: 2, 16: 4}
SIDES = {"load": ("load", "cp.async load"), "store": ("store", "cp.async store")}


@dataclasses.dataclass
class Requests:
    """Requests of one memory and direction: {bytes per lane: [requests, cost]}, cost being sectors or wavefronts."""
    by_width: dict

    def cost(self, width, least):
        """Of one request of a width: as counted; where none of it was counted, as much worse than the least as others."""
        if width in self.by_width and self.by_width[width][0]:
            requests, cost = self.by_width[width]
            return cost / requests
        worse = max((cost / (requests * least(other)) for other, (requests, cost) in self.by_width.items() if requests),
                    default=1.0)
        return least(width) * worse


def least_wavefronts(width):
    return WAVEFRONTS.get(width, 1)


def counted_requests(kernel, memory, side):
    found = {}
    for row in kernel["accesses"]:
        if row["memory"] == memory and row["access"] in SIDES[side]:
            into = found.setdefault(row["bytes_per_lane"], [0, 0])
            into[0] += row["requests"]
            into[1] += row["sectors" if memory == "device" else "wavefronts"]
    return Requests(found)


def shared_wavefronts(counts, kernel):
    """Of one warp that does what was counted in the machine code, with the wavefronts that such accesses took on the host."""
    total = 0.0
    for side in SIDES:
        requests = counted_requests(kernel, "shared", side)
        for width in (1, 2, 4, 8, 16):
            number = counts[f"shared {side} {width}"]
            total += number * requests.cost(width, least_wavefronts) if number else 0.0
    # cp.async writes shared memory, too.
    for width in (4, 8, 16):
        number = counts[f"global to shared {width}"]
        total += number * least_wavefronts(width) if number else 0.0
    return total


def wavefronts_of_warp(counts, small, kernel):
    """`counts` at the full shape, `small` where the host counted. The machine code has fewer wavefronts than the host where the
    compiler joins accesses, and more where it issues some that no lane makes or the way through it is not known well: the
    fewer of both."""
    made = shared_wavefronts(small, kernel)
    host = sum(row["wavefronts"] for row in kernel["accesses"] if row["memory"] == "shared" and row["access"] != "atomic") / \
        (kernel["threads"] / 32)
    return shared_wavefronts(counts, kernel) * (min(1.0, host / made) if made else 0.0)


def counts_of_warp(flow, trips, kernel, parts=None):
    """(counts of one warp at the full shape on the way that the host tells, those of the shortest and the longest way). Of
    blocks that do different work no way is that of all: then the three are one."""
    counts = counts_at("full", flow, trips, kernel, parts)
    if parts:
        return counts, (counts, counts)
    ends = launch_tables.ways_at(flow, trips["full"])
    return (counts if counts["all"] >= ends[0]["all"] else ends[0]), ends  # Shares that contradict each other: the bound stands.


def counts_at(size, flow, trips, kernel, parts=None):
    """Counts of one warp on the way that the host tells, at the full shape or where it was counted ("small")."""
    return way.expected(flow, trips[size], way.shares_of_lines(flow, trips["small"], kernel, trips["at once"]), parts)


def machine_counts(counts, ends, kernel, warps, small):
    """What a launch asks of the units of a multiprocessor. `ends`: the shortest and the longest way. `small`: the counts where
    the host counted."""
    def launch(number):
        return round(number * warps)
    return {
        "warp_instructions": [launch(number) for number in (ends[0]["all"], counts["all"], ends[1]["all"])],
        "fp32": launch(sum(counts[name] for name in FP32)),
        "fp64": launch(counts["double"]),
        "sfu": launch(counts["mufu"]),
        "tf32_products": launch(counts["tf32 products"]),
        "bf16_products": launch(counts["bf16 products"]),
        "shared_wavefronts": launch(wavefronts_of_warp(counts, small, kernel)),
    }


def memory_counts(counted, kernel, buffers, block_ratio, working_ratio, scratch_ratio):
    """Sectors that leave the multiprocessors and bytes of DRAM of one launch at the full shape. A buffer is touched to the
    same fraction as where it was counted; what is no buffer of the operation is working memory, written block by block."""
    small = {buffer["name"]: buffer["bytes"] for buffer in counted["buffers"]}
    read = written = 0.0
    for region in kernel["footprint"]:
        name = region["buffer"]
        if name:
            scale = buffers[name] / small[name]
            read += region["read_sectors"] * scale
            written += region["written_sectors"] * scale
        else:
            read += region["read_sectors"] * scratch_ratio
            written += region["written_sectors"] * working_ratio
    launches = kernel["launches"]
    block = (kernel["block_read_sectors"] + kernel["block_written_sectors"]) * block_ratio
    return {"l2_sectors": round(max(block, read + written) / launches), "dram_bytes": round((read + written) * SECTOR / launches)}


class Table:
    """Everything that rows are made of. `flows`: {(folder, kernel): {architecture: Flow}}."""

    def __init__(self, launches, flows, source):
        self.launches, self.flows, self.source = launches, flows, source

    def places(self, folder, name):
        """The machine code of a kernel: in the operation's folder, below it, or, of a header's kernel, anywhere."""
        for fits in (lambda f: f == folder, lambda f: f.startswith(folder + "/"), lambda f: True):
            for (place, kernel), flows in self.flows.items():
                if kernel == name and fits(place):
                    return flows
        raise ReportError(f"{folder}: the host launched {name}, the machine code has no such kernel")

    def names(self, folder, fields, op):
        """Names of the expressions: the fields of the shape, and those that [FOLDER.names] and [FOLDER.names_of.OP] make of
        them."""
        where = f"{self.launches.path}: [{folder}.names]"
        entry = self.launches.operations.get(folder, {})
        own = {**entry.get("names", {}), **entry.get("names_of", {}).get(op, {})}
        return {**fields, **{name: launch_tables.evaluate(text, fields, where) for name, text in own.items()}}

    def entry_folder(self, folder, name):
        """Whose table has the entry of a kernel: the operation's own, that of its earlier variants, or that of the products
        that operations share; None without one."""
        for place in (folder, f"{folder}/ladder", "gemm"):
            if name in self.launches.operations.get(place, {}).get("kernels", {}):
                return place
        return None

    def row(self, folder, call, counted):
        """One operation at one shape: its kernels, or why there is no prediction."""
        unknown, kernels, geometry = [], [], []
        for kernel in counted["kernels"]:
            if self.entry_folder(folder, kernel["kernel"]) is None:
                unknown.append(f"{kernel['kernel']}: no entry under [{folder}.kernels] in bench/launches.toml")
        if not unknown:
            geometry = [self.geometry(folder, call, counted, kernel) for kernel in counted["kernels"]]
            scratch = scratch_ratio(counted["kernels"], [working for _, _, working in geometry])
            for kernel, (blocks, threads, working) in zip(counted["kernels"], geometry):
                made, missing = self.kernel(folder, call, counted, kernel, blocks, threads, (working, scratch))
                unknown += missing
                kernels.append(made)
        row = {"op": call.op, "shape": call.shape, "fields": call.fields}
        library = self.launches.operations.get(folder, {}).get("library", {})
        if call.op in library.get("operations", []):
            row["library"] = library["name"]
        return {**row, "unknown": unknown} if unknown else {**row, "kernels": kernels}

    def geometry(self, folder, call, counted, kernel):
        """(blocks of all launches, threads of a block, how many times the blocks that write working memory) at the full shape;
        the entry is held against what the host launched."""
        any_flow = next(iter(self.places(folder, kernel["kernel"]).values()))
        launches = kernel["launches"]
        folder = self.entry_folder(folder, kernel["kernel"])
        names, blocks, threads, _ = self.launches.bind(folder, any_flow.kernel, self.names(folder, counted["fields"], call.op))
        small = self.launches.working_blocks(folder, any_flow.kernel, names)
        if blocks * launches != kernel["blocks"] or threads * kernel["blocks"] != kernel["threads"]:
            raise ReportError(f"{self.launches.path}: [{folder}] {kernel['kernel']} at {counted['shape']}: {blocks} blocks of "
                              f"{threads}, but the host launched {kernel['blocks'] // launches} of "
                              f"{kernel['threads'] // kernel['blocks']}")
        names, blocks, threads, _ = self.launches.bind(folder, any_flow.kernel, self.names(folder, call.fields, call.op))
        return blocks * launches, threads, self.launches.working_blocks(folder, any_flow.kernel, names) / small

    def trips(self, folder, call, counted, flow):
        """({"small": iterations of each loop where it was counted, "full": at the full shape, "at once": how many of the source
        one does}, [what is unknown])."""
        trips, unknown = {}, []
        folder = self.entry_folder(folder, flow.kernel.short)
        for size, names in self.sizes(folder, call, counted, flow).items():
            trips[size], trips["at once"], unknown = launch_tables.trips_at(flow, self.launches, folder, names, self.source)
        return trips, unknown

    def sizes(self, folder, call, counted, flow):
        """{"small": names with their values where the kernel was counted, "full": at the full shape}."""
        return {size: self.launches.bind(folder, flow.kernel, self.names(folder, fields, call.op))[0]
                for size, fields in (("small", counted["fields"]), ("full", call.fields))}

    def parts(self, folder, call, counted, flow):
        """What way.expected takes."""
        folder = self.entry_folder(folder, flow.kernel.short)
        small, full = (self.launches.parts(folder, flow, names, self.source)
                       for names in self.sizes(folder, call, counted, flow).values())
        return {loop: (small[loop], full[loop]) for loop in small}

    def kernel(self, folder, call, counted, kernel, blocks, threads, memory_ratios):
        missing, machine = [], {}
        warps = blocks // kernel["launches"] * -(-threads // 32)
        for architecture, flow in self.places(folder, kernel["kernel"]).items():
            trips, unknown = self.trips(folder, call, counted, flow)
            if unknown:
                missing += [f"{kernel['kernel']} on sm_{architecture}: no iterations of loop {loop}" for loop in unknown]
                continue
            parts = self.parts(folder, call, counted, flow)
            counts, ends = counts_of_warp(flow, trips, kernel, parts)
            small = counts_at("small", flow, trips, kernel, {loop: (part, part) for loop, (part, _) in parts.items()})
            machine[str(architecture)] = machine_counts(counts, ends, kernel, warps, small)
        memory = memory_counts(counted, kernel, call.buffers, blocks / kernel["blocks"], *memory_ratios)
        return {"kernel": kernel["kernel"], "launches": kernel["launches"], "blocks": blocks // kernel["launches"],
                "threads": threads, **memory, "machine": machine}, missing


def scratch_ratio(kernels, block_ratios):
    """How much more working memory the operation writes at the full shape: each block writes its own part."""
    small = full = 0
    for kernel, ratio in zip(kernels, block_ratios):
        written = sum(region["written_sectors"] for region in kernel["footprint"] if not region["buffer"])
        small += written
        full += written * ratio
    return full / small if small else 1.0
