"""The page: the step, the kernels on the roofline, each against its opponents, the step's timeline, the ladders."""
import pathlib

from . import charts
from .charts import escape
from .results import SHIPPED, duration, figure_of

STYLE = (pathlib.Path(__file__).parent / "style.css").read_text(encoding="utf-8")


def step_batch(results):
    """The largest batch that the training step was timed with."""
    return max((f["batch"] for step in results.steps for f in step["figures"] if f["name"] == "train step"), default=0)


def step_section(results):
    batch = step_batch(results)
    if not batch:
        return ""
    figures = [("train step", batch), ("inference", 1), ("inference", batch)]
    parts = ["<h2>Training step and inference</h2>",
             "<p>Median of the repeats of a whole step: forward, loss, backward, optimizer. Shorter is better.</p>"]
    for name, size in figures:
        rows = [(f"cardiograd {step['precision']}", figure_of(step, name, size), "ours") for step in results.steps]
        rows += [(f"{twin['program']} {twin['mode']}", figure_of(twin, name, size), "") for twin in results.twins]
        rows = [(label, seconds, duration(seconds), kind) for label, seconds, kind in rows if seconds]
        parts.append(f"<h3>{escape(name)}, batch {size}</h3>{charts.bars(rows)}")
    return "\n".join(parts)


def roofline_section(results):
    rows = [row for row in results.workloads() if row["flop"] > 0 and row["bytes"] > 0]
    roof_gflops, roof_gbs = results.context.get("roof_gflops"), results.context.get("roof_gbs")
    if not rows or not roof_gflops or not roof_gbs:
        return ""
    points = [(number, f"{row['op']} {row['shape']}", row["flop"] / row["bytes"], row["flop"] / row["seconds"] / 1e9)
              for number, row in enumerate(rows, 1)]
    lines = ["<h2>Every kernel of the step on the roofline</h2>",
             f"<p>The line is what this machine was measured to do: {roof_gflops:.0f} GFLOP/s and {roof_gbs:.0f} GB/s. "
             "The numbers are those of the table.</p>", charts.roofline(points, roof_gflops, roof_gbs),
             '<div class="wide"><table><tr><th>number</th><th>kernel and shape</th><th>precision</th><th>time</th><th>GFLOP/s</th>'
             '<th>GB/s</th><th>of the roof</th><th>path</th></tr>']
    for (number, name, _, gflops), row in zip(points, rows):
        roof = row.get("percent_of_roof")
        lines.append(f'<tr><td>{number}</td><td>{escape(name)}</td><td>{escape(row["precision"])}</td>'
                     f'<td>{duration(row["seconds"])}</td><td>{gflops:.3g}</td><td>{row["bytes"] / row["seconds"] / 1e9:.3g}</td>'
                     f'<td>{"-" if roof is None else f"{roof:.0f} %"}</td><td>{escape(row.get("path") or "-")}</td></tr>')
    return "\n".join(lines + ["</table></div>"])


def ratio_of(results, row):
    """Time of ours over that of the best opponent; None without one."""
    others = results.opponents_of(row)
    return row["seconds"] / others[0]["seconds"] if others else None


def opponents_section(results):
    rows = [(ratio_of(results, row), row) for row in results.workloads()]
    rows = sorted(((ratio, row) for ratio, row in rows if ratio is not None), key=lambda pair: -pair[0])
    if not rows:
        return ""
    lost = sum(ratio > 1 for ratio, _ in rows)
    parts = ["<h2>Each kernel against its opponents</h2>",
             f"<p>Where we lose comes first: {lost} of {len(rows)} kernels are slower than their best opponent.</p>"]
    for ratio, row in rows:
        bars = [("cardiograd", row["seconds"], duration(row["seconds"]), "ours")]
        bars += [(o["opponent"], o["seconds"], duration(o["seconds"]), "") for o in results.opponents_of(row)]
        verdict = f'<span class="lost">{ratio:.2f} times the best' if ratio > 1 else f'<span class="won">{1 / ratio:.2f} times as fast as the best'
        parts.append(f'<h3>{escape(row["op"])} {escape(row["shape"])} {escape(row["precision"])}: {verdict}</span></h3>{charts.bars(bars)}')
    return "\n".join(parts)


def timeline_section(results):
    for step in results.steps:
        if step.get("timeline"):
            total = max(entry["start"] + entry["seconds"] for entry in step["timeline"])
            return (f"<h2>One step in time</h2><p>{len(step['timeline'])} kernels in {duration(total)} ({escape(step['precision'])}, "
                    '<span class="key forward"></span> forward, <span class="key backward"></span> backward, <span class="key optimizer"></span> optimizer). '
                    "The host waits before each kernel, so the sum is longer than a step.</p>"
                    + charts.timeline(step["timeline"]))
    return ""


def ladder_section(results):
    parts = []
    for row in results.workloads():
        ladder = results.variants_of(row)
        if len(ladder) < 2:
            continue
        bars = [(entry["variant"], entry["seconds"], duration(entry["seconds"]), "ours" if entry["variant"] == SHIPPED else "")
                for entry in ladder]
        parts.append(f'<h3>{escape(row["op"])} {escape(row["shape"])}</h3>{charts.bars(bars)}')
    if not parts:
        return ""
    return "<h2>Ladders</h2><p>The variants of a kernel, from the first idea to what is shipped (docs/ladders.md).</p>" + "\n".join(parts)


def context_section(results):
    known = dict(results.context)
    if not known and results.steps:
        known = {key: results.steps[0].get(key) for key in ("device", "commit", "threads", "instruction_set")}
    items = "".join(f"<tr><td>{escape(key)}</td><td>{escape(value)}</td></tr>" for key, value in known.items()
                    if value not in (None, ""))
    absent = f"<p>Not measured in this run: {escape(', '.join(results.missing))}.</p>" if results.missing else ""
    return f'<h2>Machine and command</h2><div class="wide"><table>{items}</table></div>{absent}'


def where(results):
    context = results.context
    if context.get("gpu"):
        return context["gpu"]
    return context.get("cpu") or (results.steps[0]["device"] if results.steps else "unknown machine")


def render(results):
    date = results.context.get("date", "")
    sections = [step_section, roofline_section, opponents_section, timeline_section, ladder_section, context_section]
    body = "\n".join(section(results) for section in sections)
    return ("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, "
            "initial-scale=1\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
            f"'unsafe-inline'; img-src data:\"><link rel=\"icon\" href=\"data:,\"><title>Benchmarks on {escape(where(results))}</title>"
            f"<style>{STYLE}</style></head><body>\n<h1>Benchmarks on {escape(where(results))}</h1>\n"
            f"<p class=\"quiet\">{escape(date)} · commit {escape(results.context.get('commit', '') or 'unknown')}</p>\n{body}\n</body></html>\n")
