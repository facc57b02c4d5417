#include "report/page.h"

namespace cardiograd::report {

// Colors of series and classes are Okabe and Ito's, which color-blind readers can tell apart; in the dark scheme they
// are lightened. Every other color is a variable with a light, a dark and a printed value.
std::string_view style_sheet() {
  return R"css(
:root {
  --page: #ffffff; --text: #1c2126; --quiet: #59636e; --rule: #d5dbe1; --box: #f4f6f8; --link: #0b5cad;
  --good: #0072b2; --bad: #c04a00; --warn-edge: #c77c00; --warn: #fff6e3;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b9579a; --c4: #b07d00; --c5: #3b9fd6; --c6: #7a6cc9; --c7: #6b7580;
  --paper: #fffafa; --minor: #f8d9d9; --major: #e9a5a5; --trace: #16181b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14181c; --text: #e4e8ec; --quiet: #a3adb8; --rule: #38414a; --box: #1e242a; --link: #7db8f0;
    --good: #56a8e0; --bad: #f0884a; --warn-edge: #c79a3a; --warn: #2b2517;
    --c0: #56a8e0; --c1: #f0884a; --c2: #3cc79c; --c3: #dd8dc3; --c4: #dcae3c; --c5: #8cc8ee; --c6: #a99df0; --c7: #a3adb8;
    --paper: #1d1617; --minor: #392523; --major: #693e3b; --trace: #f1ecec;
  }
}
@media print {
  :root {
    --page: #ffffff; --text: #000000; --quiet: #444444; --rule: #bbbbbb; --box: #ffffff; --link: #000000;
    --good: #0072b2; --bad: #c04a00; --warn-edge: #777777; --warn: #ffffff;
    --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b9579a; --c4: #b07d00; --c5: #3b9fd6; --c6: #7a6cc9; --c7: #6b7580;
    --paper: #ffffff; --minor: #f8d9d9; --major: #e9a5a5; --trace: #000000;
  }
}
* { box-sizing: border-box; }
html { background: var(--page); color: var(--text); font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif;
       -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; }
header { margin-top: .5rem; }
.brand { margin: 0; color: var(--quiet); font-size: .85rem; letter-spacing: .04em; }
h1 { margin: .1rem 0 .3rem; font-size: 1.7rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 0 0 .6rem; padding-top: 1.1rem; border-top: 1px solid var(--rule); font-size: 1.3rem; line-height: 1.3; }
h3 { margin: 1.2rem 0 .3rem; font-size: 1.05rem; }
section { margin-top: 2rem; scroll-margin-top: .5rem; }
p { margin: .5rem 0; max-width: 46rem; overflow-wrap: anywhere; }
a { color: var(--link); }
a:focus-visible, button:focus-visible, summary:focus-visible, .scroll:focus-visible, svg:focus-visible {
  outline: 3px solid var(--good); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -999px; }
.skip:focus { position: static; }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1rem; margin: 1rem 0 0; padding: 0; list-style: none;
         font-size: .9rem; }
nav li, h2, h3 { overflow-wrap: anywhere; }
.note, figcaption, footer { color: var(--quiet); font-size: .88rem; }
figcaption { max-width: 46rem; margin-top: .5rem; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--rule); }
.verdict { font-size: 1.15rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .7rem; margin: 1rem 0;
         padding: 0; list-style: none; }
.tiles li { padding: .7rem .9rem; border-radius: 8px; background: var(--box); }
.tiles strong { display: block; font-size: 1.7rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tiles .what { display: block; }
.tiles .note { display: block; font-size: .8rem; }
.note-box { max-width: 46rem; margin: 1rem 0; padding: .4rem 1rem; border-left: 4px solid var(--warn-edge);
            background: var(--warn); }
.note-box ul { margin: .3rem 0; padding-left: 1.2rem; }
.gap { padding: .6rem .8rem; border: 1px dashed var(--quiet); border-radius: 6px; color: var(--quiet); }
.scroll { max-width: 100%; margin: .8rem 0; overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
caption { padding-bottom: .4rem; text-align: left; color: var(--quiet); }
caption span { position: sticky; left: 0; display: inline-block; max-width: min(46rem, calc(100vw - 2.2rem)); }
th, td { padding: .28rem .7rem .28rem 0; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
th { font-weight: 600; }
thead th { vertical-align: bottom; color: var(--quiet); white-space: normal; }
th:first-child { position: sticky; left: 0; background: var(--page); text-align: left; }
tr.apart th, tr.apart td { border-top: 2px solid var(--quiet); }
#results td:nth-child(4), #results td:nth-child(6), #results td:nth-child(8), #results td:nth-child(10) {
  color: var(--quiet); font-style: italic; }
.drawing { padding-top: 0; padding-bottom: 0; }
#configuration th, #configuration td { text-align: left; vertical-align: top; white-space: normal; }
#configuration td { overflow-wrap: anywhere; min-width: 9rem; }
pre { margin: 0; padding: .8rem; background: var(--box); font: .82rem/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
details { margin: .6rem 0; }
summary { cursor: pointer; color: var(--link); }
figure { margin: 1rem 0 0; }
svg { display: block; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 12.4rem), 1fr)); gap: .9rem; }
.panels .gap { margin: 0; align-self: start; font-size: .88rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
.chart { width: 100%; height: auto; }
.wide { max-width: 36rem; } .co-confusion { max-width: 36rem; }
.panel { max-width: 20rem; }
.sunburst { max-width: 34rem; margin: 0 auto; }
.bar { width: 15.6rem; height: auto; }
.grid { stroke: var(--rule); stroke-width: 1; fill: none; }
.axis { stroke: var(--quiet); stroke-width: 1.2; fill: none; }
.tick, .axis-text { fill: var(--quiet); font-size: 11.5px; }
.heading { fill: var(--text); font-size: 13px; font-weight: 600; white-space: pre; }
.curve { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
.thin { stroke-width: 1.2; stroke-opacity: .5; }
.reference { stroke: var(--quiet); stroke-width: 1.2; stroke-dasharray: 4 4; fill: none; }
.whisker { stroke: var(--c0); stroke-width: 1.8; fill: none; }
.operating { fill: var(--page); stroke: var(--bad); stroke-width: 3; }
.reader { fill: none; stroke: var(--text); stroke-width: 2; visibility: hidden; pointer-events: none; }
.reader.on { visibility: visible; }
.curve.s0 { stroke: var(--c0); } .curve.s1 { stroke: var(--c1); } .curve.s2 { stroke: var(--c2); }
.curve.s3 { stroke: var(--c3); } .curve.s4 { stroke: var(--c4); } .curve.s5 { stroke: var(--c5); }
.curve.s6 { stroke: var(--c6); } .curve.s7 { stroke: var(--c7); }
.dot.s0 { fill: var(--c0); } .dot.s1 { fill: var(--c1); } .dot.s2 { fill: var(--c2); } .dot.s3 { fill: var(--c3); }
.dot.s4 { fill: var(--c4); } .dot.s5 { fill: var(--c5); } .dot.s6 { fill: var(--c6); } .dot.s7 { fill: var(--c7); }
.see-through { fill-opacity: .65; }
.cell { stroke: var(--rule); stroke-width: 1; }
.right { fill: var(--good); } .wrong { fill: var(--bad); }
.cell.shade0 { fill-opacity: .07; } .cell.shade1 { fill-opacity: .2; } .cell.shade2 { fill-opacity: .35; }
.cell.shade3 { fill-opacity: .5; } .cell.shade4 { fill-opacity: .65; }
.cell-count { font-size: 18px; font-weight: 600; fill: var(--text); }
.cell-fraction { font-size: 12px; fill: var(--text); }
.sector { stroke: var(--page); stroke-width: 1.5; }
.outer-even { fill-opacity: .72; } .outer-odd { fill-opacity: .5; }
.c0 { fill: var(--c0); } .c1 { fill: var(--c1); } .c2 { fill: var(--c2); } .c3 { fill: var(--c3); }
.c4 { fill: var(--c4); } .c5 { fill: var(--c5); } .c6 { fill: var(--c6); } .c7 { fill: var(--c7); }
.sector-name { font-size: 12px; font-weight: 600; fill: var(--text); pointer-events: none; paint-order: stroke;
               stroke: var(--page); stroke-width: 2.5px; stroke-linejoin: round; }
.sector-total { font-size: 22px; font-weight: 600; fill: var(--text); }
.mistake { margin-top: 1.6rem; break-inside: avoid; }
.strip { border: 1px solid var(--rule); }
.ecg { width: 100%; min-width: 44rem; height: auto; }
.zoom { margin: .3rem 0; }
button { min-width: 2.75rem; min-height: 2.2rem; margin-right: .4rem; border: 1px solid var(--quiet); border-radius: 6px;
         background: var(--box); color: var(--text); font: inherit; cursor: pointer; }
#tip { position: fixed; z-index: 2; max-width: min(20rem, 90vw); padding: .3rem .6rem; border-radius: 6px;
       background: var(--text); color: var(--page); font-size: .82rem; pointer-events: none; }
#tip[hidden] { display: none; }
@media (max-width: 30rem) {
  body { padding: .8rem; }
  h1 { font-size: 1.4rem; }
  .panels { grid-template-columns: repeat(auto-fill, minmax(min(100%, 9.8rem), 1fr)); gap: .5rem; }
}
@media print {
  html { font-size: 11px; }
  body { max-width: none; padding: 0; }
  nav, .skip, .zoom, #tip { display: none; }
  .scroll { overflow: visible; }
  th, td { white-space: normal; overflow-wrap: anywhere; padding-right: .4rem; }
  .ecg { width: 85% !important; min-width: 0 !important; }
  figure, tr, .tiles, .note-box, h2, h3 { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .cell, .sector, .dot, .ecg-paper, [class^="ecg-above"], [class^="ecg-below"], [class^="ecg-time"], .ecg-bar { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
)css";
}

}  // namespace cardiograd::report
