"""The ladders of docs/ladders.md (bench/ladders.toml): what their variants cost, as rows of bench/ladder_costs.json and as tables."""
import dataclasses
import json
import re
import tomllib

from sass import gpus as gpu_tables
from sass.errors import UsageError, unknown

from . import predict, step, table

SHOWN = {"rtx-3050-8gb": "RTX 3050", "h100-sxm": "H100"}
COUNTED_FOR = 86  # whose instructions, registers and occupancy the tables show
TABLE_KEYS = {"page", "op", "shape", "variants"}
VARIANT_KEYS = {"name", "variant", "precision", "op", "shape"}
MEMORIES = {"device": "sectors", "shared": "wavefronts"}


@dataclasses.dataclass
class Variant:
    ladder: str
    page: str
    name: str
    op: str
    shape: str
    variant: str
    precision: str


def read_ladders(path):
    """[Variant], in the order of the file."""
    try:
        ladders = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: {error}") from None
    found = []
    for ladder, entry in ladders.items():
        if set(entry) != TABLE_KEYS:
            raise UsageError(f"{path}: [{ladder}] has {', '.join(sorted(entry))}, expected {', '.join(sorted(TABLE_KEYS))}")
        for one in entry["variants"]:
            if unexpected := set(one) - VARIANT_KEYS:
                raise UsageError(f"{path}: [{ladder}] a variant has '{min(unexpected)}' (known: {', '.join(sorted(VARIANT_KEYS))})")
            found.append(Variant(ladder, entry["page"], one["name"], one.get("op", entry["op"]), one.get("shape", entry["shape"]),
                                 one.get("variant", one["name"]), one.get("precision", "")))
    return found


def call_of(root, variant, folder):
    """The variant's operation at its shape, as a step.Call."""
    path = folder / f"{variant.op}.json"
    if not path.is_file():
        step.run([root / step.BUILD / "bench/simt_counters", "--op", variant.op, "--list", "--json", path], root,
                 f"listing the shapes of {variant.op}")
    shapes = {entry["shape"]: entry for entry in json.loads(path.read_text())}
    if variant.shape not in shapes:
        raise unknown(f"shape of {variant.op}", variant.shape, list(shapes))
    entry = shapes[variant.shape]
    shape = f"{variant.shape} {variant.precision}".rstrip()
    return step.Call(variant.op, shape, entry["fields"], {buffer["name"]: buffer["bytes"] for buffer in entry["buffers"]}, 1)


def count(root, variant, call):
    """simt_counters' entry of the variant at the reduced shape."""
    fields = step.reduced_fields(variant.op, call.fields)
    if variant.precision:
        fields["precision"] = variant.precision
    return step.count(root, variant.op, fields, call.shape, variant.variant)


def counters_of(kernel, growth):
    """{memory: [requests of one launch at the full shape, sectors or wavefronts of a request, as many as its bytes would fill]}"""
    found = {}
    for memory, unit in MEMORIES.items():
        rows = [row for row in kernel["accesses"] if row["memory"] == memory and unit in row]
        if requests := sum(row["requests"] for row in rows):
            found[memory] = [round(requests * growth / kernel["launches"]),
                             *(round(sum(row[key] for row in rows) / requests, 2) for key in (unit, f"min_{unit}"))]
    return found


def details(rows, gpus, folder, call, counted, kernel, made):
    """What the tables show of a kernel beside its costs: counters, FFMA and tensor-core instructions, registers, shared memory."""
    flow = rows.places(folder, kernel["kernel"])[COUNTED_FOR]
    trips, _ = rows.trips(folder, call, counted, flow)
    counts, _ = table.counts_of_warp(flow, trips, kernel)
    small = table.counts_of_warp(flow, {**trips, "full": trips["small"]}, kernel)[0]
    block_warps = -(-made["threads"] // 32)
    warps, warps_counted = made["blocks"] * block_warps, kernel["blocks"] / kernel["launches"] * block_warps
    home = rows.entry_folder(folder, kernel["kernel"])
    *_, dynamic = rows.launches.bind(home, flow.kernel, rows.names(home, call.fields, call.op))
    growth = warps / warps_counted * (counts["memory"] / small["memory"] if small["memory"] else 1)
    return {"counters": counters_of(kernel, growth),
            "ffma": round(counts["ffma"] * warps), "mma": round(counts["hmma"] * warps),
            "registers": flow.kernel.registers, "shared_bytes": flow.kernel.shared + dynamic,
            "occupancy": gpu_tables.occupancy(gpus, COUNTED_FOR, flow.kernel, made["threads"], dynamic)}


def row_of(rows, gpus, root, variant, call, counted):
    """One row of bench/ladder_costs.json; "unknown" says why there are no kernels."""
    folder = step.folder_of(root, variant.op)
    made = rows.row(folder, call, counted)
    row = {"ladder": variant.ladder, "variant": variant.name, "op": variant.op, "shape": call.shape}
    if "unknown" in made:
        return {**row, "unknown": made["unknown"]}
    kernels = [{**kernel, **details(rows, gpus, folder, call, counted, one, kernel)}
               for one, kernel in zip(counted["kernels"], made["kernels"])]
    return {**row, "kernels": kernels}


def millions(number):
    for digits, limit in ((0, 1e8), (1, 1e7), (2, 1e6)):
        if number >= limit:
            return f"{number / 1e6:,.{digits}f} M"
    return f"{number:.0f}" if number < 1e3 else f"{number / 1e3:.1f} k" if number < 1e4 else f"{number / 1e3:.0f} k"


def milliseconds(seconds):
    return f"{1e3 * seconds:.2g}" if seconds < 1e-3 else f"{1e3 * seconds:.1f}"


def time_cells(row, gpus):
    for name in SHOWN:
        found = [predict.of_launches(kernel, gpus, name) for kernel in row["kernels"]]
        yield from (milliseconds(sum(seconds for seconds, _ in found)), max(found)[1])


def overview(rows, gpus):
    """One line for each variant of a ladder."""
    gpu_heads = " | ".join(f"{title}, ms | limited by" for title in SHOWN.values())
    lines = [f"| variant | launches | instructions | FFMA | mma | bytes asked of device memory | {gpu_heads} |",
             "|---|--:|--:|--:|--:|--:|" + "--:|---|" * len(SHOWN)]
    for row in rows:
        def total(value):
            return sum(kernel["launches"] * value(kernel) for kernel in row["kernels"])  # noqa: B023
        asked = total(lambda kernel: (lambda c: c[0] * c[1] * predict.SECTOR)(kernel["counters"].get("device", (0, 0, 0))))
        ffma, mma = total(lambda kernel: kernel["ffma"]), total(lambda kernel: kernel["mma"])
        instructions = total(lambda kernel: kernel["machine"][str(COUNTED_FOR)]["warp_instructions"][1])
        lines.append(f"| `{row['variant']}` | {total(lambda kernel: 1)} | {millions(instructions)} | {millions(ffma) if ffma else '-'} | "
                     f"{millions(mma) if mma else '-'} | {size(asked)} | {' | '.join(time_cells(row, gpus))} |")
    return "\n".join(lines) + "\n"


def size(number):
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= limit:
            return f"{number / limit:.3g} {unit}"
    return f"{number:.0f} bytes"


def counter_cells(kernel, memory):
    if memory not in kernel["counters"]:
        return "- | -"
    requests, cost, least = kernel["counters"][memory]
    return f"{millions(requests)} | {cost:g} ({least:g})"


def readable(kernel):
    """A kernel's name with words for precisions."""
    return re.sub(r"\(Precision\)(\d)", lambda found: f"k{step.PRECISIONS[int(found[1])].capitalize()}", kernel)


def kernel_lines(row):
    """One line for each kernel of a variant."""
    lines = ["| kernel | blocks × threads | registers | shared memory | occupancy | instructions | device requests | sectors each | "
             "shared requests | wavefronts each |", "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for kernel in row["kernels"]:
        shared = f"{kernel['shared_bytes'] / 1024:.1f} KiB" if kernel["shared_bytes"] else "-"
        times = f" × {kernel['launches']}" if kernel["launches"] > 1 else ""
        lines.append(f"| `{readable(kernel['kernel'])}`{times} | {kernel['blocks']:,} × {kernel['threads']} | {kernel['registers']} | {shared} | "
                     f"{kernel['occupancy']:.0%} | {millions(kernel['machine'][str(COUNTED_FOR)]['warp_instructions'][1])} | "
                     f"{counter_cells(kernel, 'device')} | {counter_cells(kernel, 'shared')} |")
    return "\n".join(lines) + "\n"


def mark(name, end):
    return f"<!-- ladder {name} {end} -->"


def blocks_of(rows, variants, gpus):
    """{page: {what the marks name: text between them}}"""
    by_key = {(row["ladder"], row["variant"]): row for row in rows}
    pages = {}
    for variant in variants:
        row = by_key.get((variant.ladder, variant.name))
        if row is None or "kernels" not in row:
            raise UsageError(f"no costs of {variant.name} of the ladder {variant.ladder}; write them with bench/ladders")
        blocks = pages.setdefault(variant.page, {})
        blocks[f"{variant.ladder} {variant.name}"] = kernel_lines(row)
        blocks[variant.ladder] = overview([by_key[one.ladder, one.name] for one in variants if one.ladder == variant.ladder
                                           and (one.ladder, one.name) in by_key], gpus)
    return pages


def fill(text, blocks, where):
    """The page with the blocks between their marks. Each must be there once, and no other."""
    for name, block in blocks.items():
        begin, end = mark(name, "begin"), mark(name, "end")
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
            raise UsageError(f"{where}: expected the lines '{begin}' and '{end}', once each")
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{block}{end}{rest.split(end)[1]}"
    for name in re.findall(r"<!-- ladder (.*) begin -->", text):
        if name not in blocks:
            raise UsageError(f"{where}: bench/ladders.toml has nothing for the mark '{mark(name, 'begin')}'")
    return text
