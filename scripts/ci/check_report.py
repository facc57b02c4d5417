#!/usr/bin/env python3
"""Opens a report.html in headless Chromium and fails unless it is whole: well-formed, self-contained, every figure
drawn, nothing wider than a desktop (1280 px) or a phone (390 px), texts with enough contrast in the light and the dark
scheme, read-outs and zoom at work, and a silent console.

Usage: check_report.py REPORT.html [--chromium PROGRAM] [--screenshots FOLDER] [--sections ID,...]

Needs Chromium (Debian package chromium) and Python's standard library only. With --screenshots it leaves a picture of the
whole page for each width and scheme. --sections: of another page than the report, as `explain` and `compare` write them.
"""
import argparse
import functools
import html
import http.server
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree as ElementTree

WIDTHS = (1280, 390)
SECTIONS = ('summary', 'results', 'intervals', 'roc', 'precision-recall', 'confusion', 'calibration', 'subgroups',
            'mistakes', 'explanations', 'importance', 'training', 'classes', 'configuration')

# The report lies in a frame as wide as the screen to be tried; media queries in it see that width.
HARNESS = '''<!DOCTYPE html><meta charset="utf-8"><link rel="icon" href="data:,">
<style>body{margin:0}iframe{border:0;display:block}</style>
<iframe id="f" src="report.html" width="%d" height="900"></iframe><pre id="result">not run</pre>
<script>
document.getElementById('f').addEventListener('load', function () {
  var frame = this, view = frame.contentWindow, page = frame.contentDocument, root = page.documentElement;
  var wrong = [];
  function expect(truth, what) { if (!truth) wrong.push(what); }
  function all(selector, within) { return Array.from((within || page).querySelectorAll(selector)); }
  function name(e) { return e.tagName + (e.id ? '#' + e.id : '') + ' "' + (e.textContent || '').slice(0, 40) + '"'; }
  function luminance(rgb) {
    var c = rgb.map(function (v) { v /= 255; return v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); });
    return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];
  }
  function color(text) { return text.match(/[\\d.]+/g).slice(0, 3).map(Number); }
  function contrast(a, b) {
    var x = luminance(color(a)), y = luminance(color(b));
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  }
  function background(e) {
    for (; e; e = e.parentElement) {
      var value = view.getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$/.test(value)) return value;
    }
    return 'rgb(255, 255, 255)';
  }
  try {
    %s.forEach(function (id) {
      var section = page.getElementById(id);
      expect(section, 'no section ' + id);
      if (section) expect(section.textContent.length > 60, 'section ' + id + ' is empty');
    });
    all('details').forEach(function (d) { d.open = true; });
    expect(root.scrollWidth <= root.clientWidth, 'the page is ' + root.scrollWidth + ' px wide, the screen ' + root.clientWidth);
    all('body *').forEach(function (e) {
      if (e.closest('.scroll, svg, .skip') && !e.matches('.scroll')) return;
      expect(e.getBoundingClientRect().right <= root.clientWidth + 0.5, name(e) + ' leaves the screen');
    });
    var figures = all('svg');
    figures.forEach(function (svg) {
      var box = svg.getBoundingClientRect(), drawn = svg.getBBox();
      expect(box.width > 20 && box.height > 10, name(svg) + ' has no size');
      expect(drawn.width > 0 || svg.matches('.bar'), name(svg) + ' is blank');
      all('path, rect, circle', svg).forEach(function (shape) {
        expect(!/NaN|inf/.test(shape.outerHTML), name(svg) + ' holds a shape without a place');
      });
      all('text', svg).forEach(function (text) {
        var t = text.getBoundingClientRect();
        expect(t.left >= box.left - 1.5 && t.right <= box.right + 1.5 && t.top >= box.top - 1.5 &&
               t.bottom <= box.bottom + 1.5, name(text) + ' leaves figure ' + svg.id + ' of ' + (svg.closest('section') || {}).id);
      });
      if (svg.getAttribute('aria-hidden') === 'true') return;
      (svg.getAttribute('aria-labelledby') || 'none').split(' ').forEach(function (id) {
        var label = page.getElementById(id);
        expect(label && svg.contains(label) && label.textContent, name(svg) + ' has no label ' + id);
      });
    });
    expect(figures.length >= %d, 'only ' + figures.length + ' figures, expected %d');
    var ids = all('[id]').map(function (e) { return e.id; });
    ids.forEach(function (id, i) { expect(ids.indexOf(id) === i, 'id ' + id + ' twice'); });
    all('table').forEach(function (t) { expect(t.caption && t.caption.textContent, 'a table without caption'); });
    all('th').forEach(function (h) { expect(h.scope, name(h) + ' has no scope'); });
    all('nav a').forEach(function (a) {
      expect(page.getElementById(a.getAttribute('href').slice(1)), name(a) + ' leads nowhere');
    });
    var level = 1;
    all('h1, h2, h3').forEach(function (h) {
      var now = +h.tagName[1];
      expect(now <= level + 1, name(h) + ' skips a level');
      level = now;
    });
    all('p, td, th, figcaption, caption, li, summary, a, .tick, .axis-text, .heading').forEach(function (e) {
      if (!e.textContent.trim()) return;
      var style = view.getComputedStyle(e);
      var ratio = contrast(e.closest('svg') ? style.fill : style.color, background(e.closest('svg') || e));
      expect(ratio >= 4.5, name(e) + ' has contrast ' + ratio.toFixed(2));
    });

    var tip = page.getElementById('tip');
    all('[data-read]').forEach(function (reader) {
      var svg = reader.ownerSVGElement;
      if (!reader.getAttribute('data-read')) return;
      expect(svg.getAttribute('tabindex') === '0', name(svg) + ' cannot be focused');
      svg.dispatchEvent(new view.KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true, cancelable: true }));
      expect(!tip.hidden && tip.textContent, name(svg) + ' is not read out by the arrow keys');
      svg.dispatchEvent(new view.FocusEvent('blur'));
      expect(tip.hidden, name(svg) + ' keeps its read-out');
      var box = svg.getBoundingClientRect();
      svg.dispatchEvent(new view.PointerEvent('pointermove', { clientX: box.left + box.width / 2,
                                                               clientY: box.top + box.height / 2, bubbles: true }));
      expect(!tip.hidden, name(svg) + ' is not read out under the pointer');
      svg.dispatchEvent(new view.PointerEvent('pointerleave'));
    });
    all('[data-tip]').slice(0, 50).forEach(function (shape) {
      shape.dispatchEvent(new view.PointerEvent('pointerover', { clientX: 5, clientY: 5, bubbles: true }));
      expect(tip.textContent === shape.getAttribute('data-tip'), name(shape) + ' has no read-out');
      shape.dispatchEvent(new view.PointerEvent('pointerout', { bubbles: true }));
    });
    all('.zoom').forEach(function (zoom) {
      var svg = zoom.nextElementSibling.querySelector('svg'), before = svg.getBoundingClientRect().width;
      expect(zoom.getBoundingClientRect().height > 0, 'zoom buttons are hidden');
      zoom.querySelector('[data-zoom="1.5"]').click();
      zoom.querySelector('[data-zoom="1.5"]').click();
      zoom.querySelector('[data-zoom="1.5"]').click();
      expect(svg.getBoundingClientRect().width > before, name(svg) + ' does not grow');
      expect(root.scrollWidth <= root.clientWidth, 'an enlarged ECG widens the page');
      zoom.querySelector('[data-zoom="0"]').click();
      expect(svg.getBoundingClientRect().width <= root.clientWidth, name(svg) + ' does not fit the page again');
    });
  } catch (error) { wrong.push('the check itself failed: ' + error.stack); }
  document.getElementById('result').textContent = JSON.stringify({ figures: figures ? figures.length : 0, wrong: wrong });
});
</script>'''


class Folder(http.server.SimpleHTTPRequestHandler):
    asked = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        Folder.asked.append(self.path)
        super().do_GET()


def check_text(path, fail):
    text = path.read_text(encoding='utf-8')
    try:
        for element in ElementTree.fromstring(text.replace('<!DOCTYPE html>\n', '')).iter():
            for name in ('src', 'srcset'):
                if name in element.attrib:
                    fail(f'may load something: {element.tag} {name}')
    except ElementTree.ParseError as error:
        fail(f'not well-formed: {error}')
    for found in re.findall(r'https?:|@import|url\((?!#)', text):
        fail(f'may load something: {found!r}')
    for href in re.findall(r'href="([^"]*)"', text):
        if not href.startswith('#') and href != 'data:,':
            fail(f'leads elsewhere: {href!r}')


def browse(program, address, dark, *options):
    with tempfile.TemporaryDirectory() as profile:
        command = [program, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking',
                   '--disable-component-update', '--no-first-run', '--hide-scrollbars', f'--user-data-dir={profile}',
                   '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', '--enable-logging=stderr',
                   f'--blink-settings=preferredColorScheme={0 if dark else 1}', '--virtual-time-budget=20000', *options,
                   address]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('report', type=pathlib.Path)
    parser.add_argument('--chromium', default=shutil.which('chromium') or shutil.which('chromium-browser'))
    parser.add_argument('--screenshots', type=pathlib.Path)
    parser.add_argument('--sections', default=','.join(SECTIONS))
    parser.add_argument('--figures', type=int, default=5, help='at least so many must be there')
    arguments = parser.parse_args()
    if not arguments.chromium:
        sys.exit('check_report.py: no Chromium (Debian package chromium), name it by --chromium')
    wrong = []
    check_text(arguments.report, wrong.append)

    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        shutil.copy(arguments.report, root / 'report.html')
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Folder, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f'http://127.0.0.1:{server.server_port}/'
        for width in WIDTHS:
            (root / f'{width}.html').write_text(HARNESS % (width, json.dumps(arguments.sections.split(',')), arguments.figures, arguments.figures), encoding='utf-8')
            for dark in (False, True):
                where = f'{width} px, {"dark" if dark else "light"}'
                done = browse(arguments.chromium, f'{address}{width}.html', dark, '--window-size=1400,1000', '--dump-dom')
                found = re.search(r'<pre id="result">(\{.*?\})</pre>', done.stdout, re.DOTALL)
                if not found:
                    wrong.append(f'{where}: the page was not judged: {done.stderr[-500:]}')
                    continue
                result = json.loads(html.unescape(found.group(1)))
                wrong += [f'{where}: {one}' for one in result['wrong']]
                wrong += [f'{where}: console: {line}' for line in done.stderr.splitlines() if ':CONSOLE' in line]
                print(f'{where}: {result["figures"]} figures, {len(result["wrong"])} faults')
                if arguments.screenshots:
                    arguments.screenshots.mkdir(parents=True, exist_ok=True)
                    (root / 'shot.html').write_text(
                        f'<style>body{{margin:0}}</style><iframe src="report.html" width="{width}" height="16000" '
                        'style="border:0;display:block"></iframe>')
                    picture = arguments.screenshots / f'report-{width}-{"dark" if dark else "light"}.png'
                    browse(arguments.chromium, f'{address}shot.html', dark, f'--screenshot={picture.resolve()}',
                           f'--window-size={max(width, 500)},16000')
        server.shutdown()
        strange = {path for path in Folder.asked if not re.fullmatch(r'/(report|shot|\d+)\.html', path)}
        strange.discard('/favicon.ico')  # of shot.html
        wrong += [f'the page asked for {path}' for path in sorted(strange)]

    for one in wrong:
        print(f'FAULT {one}')
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()
