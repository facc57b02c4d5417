#!/usr/bin/env python3
"""Writes the tables of docs/delineation-constants.md from dsp/delineation/{r_peak_constants,constants}.h.

Usage: delineation_constants.py [--check]

With --check nothing is written; exit status 1 where the table is not that of the headers, or an entry of a header lacks
a unit in its name, a meaning, or a source.
"""
import itertools
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = [ROOT / "dsp/delineation" / name for name in ("r_peak_constants.h", "constants.h")]
DOCUMENT = ROOT / "docs/delineation-constants.md"
BEGIN, END = "<!-- constants: begin -->", "<!-- constants: end -->"
SOURCES = ["Paper", "Physiology", "Noise", "Geometry", "Numerics", "Tuned", "Judgment"]
UNITS = {"s": "s", "hz": "Hz", "fraction": "1", "ratio": "1", "weight": "1", "correlation": "1", "quantile": "1",
         "backgrounds": "backgrounds", "sigmas": "σ", "order": "count", "blocks": "count", "passes": "count",
         "samples": "samples", "leads": "leads", "beats": "beats", "parts": "count", "rounds": "count", "stimuli": "count"}
ENTRY = re.compile(r"^(?:double|int|std::size_t|Eigen::Index|PerWave|PerPAndT) (\w+) = (.+);$")
COLUMN = re.compile(r"\.(p|qrs|t) = ([^,}]+)")


def rows_of(header):
    """Yields the title of each struct, then a tuple for each of its entries."""
    comment, struct = [], None
    for number, line in enumerate(header.read_text().splitlines(), 1):
        line, where = line.strip(), f"{header.name}:{number}"
        if line.startswith("//"):
            comment.append(line[2:].strip())
            continue
        opened = re.match(r"^struct (\w+Constants) {$", line)
        entry = ENTRY.match(line)
        if opened:
            struct = opened.group(1)
            yield ("title", " ".join(comment), struct)
        elif struct and line == "};":
            struct = None
        elif struct:
            if not entry:
                raise ValueError(f"{where}: '{line}' is no entry of the form 'type name = value;'")
            yield ("entry",) + parsed(entry, " ".join(comment), where)
        comment = []


def parsed(entry, comment, where):
    name, value = entry.groups()
    unit = UNITS.get(name.rsplit("_", 1)[-1])
    if unit is None:
        raise ValueError(f"{where}: the name {name} does not end in a unit ({', '.join(UNITS)})")
    at = [m.start() for m in re.finditer(r"(?:%s): " % "|".join(SOURCES), comment)]
    meaning, source = (comment[:at[0]].strip(), comment[at[0]:].strip()) if at else (comment, "")
    if not (meaning.endswith(".") and source.endswith(".")):
        raise ValueError(f"{where}: the comment of {name} must be a sentence and a source "
                         f"({', '.join(SOURCES)}: ...), each with a full stop")
    columns = {key: text.strip() for key, text in COLUMN.findall(value)} or {"all": value}
    return name, columns, unit, meaning, source


def section(title, struct, entries):
    """A struct as a table, with a column for each wave that has values of its own."""
    waves = [key for key in ("p", "qrs", "t") if any(key in columns for _, columns, *_ in entries)] or ["all"]
    heads = {"p": "P", "qrs": "QRS", "t": "T", "all": "value"}
    text = [f"**`k{struct.removesuffix('Constants')}`**: {title}", "",
            "| constant | " + " | ".join(heads[wave] for wave in waves) + " | unit | meaning | source |",
            "|---|" + "--:|" * len(waves) + "---|---|---|"]
    for name, columns, unit, meaning, source in entries:
        cells = " | ".join(columns.get(wave) or columns["all"] for wave in waves)
        text.append(f"| `{name}` | {cells} | {unit} | {meaning} | {source} |")
    return "\n".join(text)


def tables():
    structs = []
    for kind, *fields in itertools.chain.from_iterable(rows_of(header) for header in HEADERS):
        if kind == "title":
            structs.append((*fields, []))
        else:
            structs[-1][2].append(fields)
    return "\n\n".join(section(*struct) for struct in structs if not struct[1].startswith("Per"))


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        text = tables()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    document = DOCUMENT.read_text()
    before, rest = document.split(BEGIN)
    wanted = f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}"
    if wanted == document:
        return 0
    if sys.argv[1:] == ["--check"]:
        print(f"the table in {DOCUMENT.name} is not that of the headers: run scripts/ci/delineation_constants.py",
              file=sys.stderr)
        return 1
    DOCUMENT.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
