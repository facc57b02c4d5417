"""The report as text: tables for the terminal and for docs/kernel-costs.md."""
from .errors import UsageError

BEGIN = "<!-- sass_report begin -->"
END = "<!-- sass_report end -->"


def percent(value):
    return "-" if value is None else f"{value:.0%}"


def short_number(value):
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:.0f}"


def widths(accesses, what):
    """'4: 12, 16: 2': bytes per lane and how many."""
    found = accesses.get(what)
    return ", ".join(f"{size}: {number}" for size, number in sorted(found.items())) if found else "-"


def table(head, rows):
    sizes = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    return [" ".join(str(cell).ljust(size) for cell, size in zip(row, sizes)).rstrip() for row in [head, *rows]]


def spills(entry):
    return entry["stack_bytes"] if entry["spill_bytes"] is None else entry["spill_bytes"]


def launch_line(launch):
    head = f"{launch['shape']}: {launch['blocks']} blocks of {launch['threads']}"
    if launch["unknown"]:
        return f"{head}: instructions unknown: no iterations of loop {', '.join(launch['unknown'])}"
    low, high = launch["warp_instructions"]
    return f"{head}: {short_number(low)} to {short_number(high)} warp instructions, {short_number(launch['ffma'][1])} FFMA, " \
           f"{short_number(launch['hmma'][1])} HMMA"


def kernel_text(entry, loops=True):
    """One kernel: its resources, its loops, its launches and what was found."""
    shared = f"{entry['shared_bytes']} + {entry['dynamic_shared_bytes']}" if entry["dynamic_shared_bytes"] else \
        f"{entry['shared_bytes']}"
    lines = [f"{entry['operation'] or 'cubin'}: {entry['kernel']} on sm_{entry['architecture']}",
             f"  {entry['registers']} registers, {spills(entry)} bytes spilled, {shared} bytes shared, "
             f"{entry['threads'] or 'unknown'} threads, occupancy {percent(entry['occupancy'])}, "
             f"{entry['instructions']} instructions"]
    if entry["calls"]:
        lines.append(f"  calls: {', '.join(entry['calls'])}")
    if loops and entry["loops"]:
        rows = [[loop["name"] + (" *" if loop["name"] == entry["main_loop"] else ""),
                 f"{loop['file']}:{loop['line']}" if loop["file"] else "-", loop["instructions"],
                 percent(loop["ffma_fraction"]), percent(loop["hmma_fraction"]),
                 widths(loop["accesses"], "global load"), widths(loop["accesses"], "global store"),
                 widths(loop["accesses"], "shared load"), widths(loop["accesses"], "shared store"), loop["mufu"],
                 loop["divisions_64_bit"], loop["divisions_32_bit"]] for loop in entry["loops"]]
        head = ["loop", "source", "instr", "FFMA", "HMMA", "LDG", "STG", "LDS", "STS", "MUFU", "div64", "div32"]
        lines += ["  " + line for line in table(head, rows)]
    if one := entry["issue_per_product"]:
        lines.append(f"  loop {one['loop']}: {span(one['instructions'], '.0f')} instructions for {one['hmma']} HMMA of {one['clocks']:.0f} "
                     f"clocks: {span(one['ratio'], '.2f')}")
    lines += ["  " + launch_line(launch) for launch in entry["launches"]]
    lines += [f"  found: {finding_text(finding)}" for finding in entry["findings"]]
    return "\n".join(lines)


def finding_text(finding):
    place = f"{finding['file']}:{finding['line']}" if finding["line"] else "no source line"
    return f"{place}: {finding['kind']}: {finding['detail']}"


def annotated_text(lines):
    def cell(number):
        return str(number) if number else ""
    out = [f"{'own':>6}{'all':>6}{'math':>6}{'mem':>5}  line"]
    for number, (text, own, inlined, arithmetic, memory) in enumerate(lines, 1):
        out.append(f"{cell(own):>6}{cell(inlined):>6}{cell(arithmetic):>6}{cell(memory):>5}  {number:4} {text}".rstrip())
    return "\n".join(out)


def markdown(entries, nvcc):
    """The SASS part of docs/kernel-costs.md."""
    architectures = sorted({entry["architecture"] for entry in entries})
    lines = [f"Written by `bench/sass_report --write` from the machine code of nvcc {nvcc} for "
             f"{' and '.join(f'sm_{a}' for a in architectures)}. Main loop: the one with most of the arithmetic, with the loops "
             "inside it; its instructions",
             "are those of one iteration of the machine code, without the ways that only rare operands take. Spills are bytes. "
             "Widths: bytes per lane and", "how many accesses of the kernel have it.", ""]
    for architecture in architectures:
        lines += [f"### sm_{architecture}", "",
                  "| folder | kernel | registers | spills | occupancy | main loop | instructions | FFMA | HMMA | LDG | STG | MUFU | "
                  "64-bit divisions in loops | scalar, uncoalesced accesses |",
                  "|---|---|--:|--:|--:|---|--:|--:|--:|---|---|--:|--:|--:|"]
        for entry in sorted(entries, key=lambda e: (e["operation"], e["kernel"])):
            if entry["architecture"] == architecture:
                lines.append(markdown_row(entry))
        lines += ["", *markdown_launches(entries, architecture), ""]
    lines += markdown_products(entries, architectures)
    return "\n".join(lines).rstrip() + "\n"


def markdown_row(entry):
    main = next((loop for loop in entry["loops"] if loop["name"] == entry["main_loop"]), None)
    place = f"{main['file'].split('/')[-1]}:{main['line']}" if main and main["file"] else "-"
    held = entry["held"]
    return (f"| {entry['operation']} | `{entry['kernel']}` | {entry['registers']} | {spills(entry)} | "
            f"{percent(entry['occupancy'])} | {place} | {main['instructions'] if main else '-'} | "
            f"{percent(main['ffma_fraction'] if main else None)} | {percent(main['hmma_fraction'] if main else None)} | "
            f"{widths(entry['accesses'], 'global load')} | {widths(entry['accesses'], 'global store')} | "
            f"{entry['mix'].get('mufu', 0)} | {held['64-bit divisions in loops']} | "
            f"{held['scalar accesses']}, {held['uncoalesced accesses']} |")


def markdown_launches(entries, architecture):
    lines = ["| folder | kernel | shape | blocks | warp instructions | FFMA | HMMA |", "|---|---|---|--:|--:|--:|--:|"]
    for entry in sorted(entries, key=lambda e: (e["operation"], e["kernel"])):
        for launch in entry["launches"] if entry["architecture"] == architecture else []:
            known = not launch["unknown"]
            count = " to ".join(short_number(n) for n in launch["warp_instructions"]) if known else "unknown"
            lines.append(f"| {entry['operation']} | `{entry['kernel']}` | {launch['shape']} | {launch['blocks']} | {count} | "
                         f"{short_number(launch['ffma'][1]) if known else '-'} | "
                         f"{short_number(launch['hmma'][1]) if known else '-'} |")
    return lines if len(lines) > 2 else []


def markdown_products(entries, architectures):
    """Of each loop with HMMA: instructions against the time of its products."""
    rows = {}
    for entry in entries:
        if entry["issue_per_product"]:
            rows.setdefault((entry["operation"], entry["kernel"]), {})[entry["architecture"]] = entry["issue_per_product"]
    head = "".join(f" sm_{a}: instructions | clocks | ratio |" for a in architectures)
    lines = ["### Issue against products", "", f"| folder | kernel | HMMA |{head}", "|---|---|--:|" + "--:|" * 3 * len(architectures)]
    for (operation, kernel), found in sorted(rows.items()):
        cells = [f"| {operation} | `{kernel}` | {max(one['hmma'] for one in found.values())} |"]
        for architecture in architectures:
            one = found.get(architecture)
            cells.append(f" {span(one['instructions'], '.0f')} | {one['clocks']:.0f} | {span(one['ratio'], '.2f')} |" if one else " - | - | - |")
        lines.append("".join(cells))
    return [*lines, ""] if rows else []


def span(ends, form):
    low, high = (format(end, form) for end in ends)
    return low if low == high else f"{low} to {high}"


def write_between_marks(path, text):
    """Replaces what stands between the two marks of a document."""
    write_between(path, BEGIN, END, text)


def write_between(path, begin, end, text):
    try:
        old = path.read_text()
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    if old.count(begin) != 1 or old.count(end) != 1 or old.index(begin) > old.index(end):
        raise UsageError(f"{path}: expected the lines '{begin}' and '{end}', once each")
    before, rest = old.split(begin)
    path.write_text(f"{before}{begin}\n{text}{end}{rest.split(end)[1]}")
