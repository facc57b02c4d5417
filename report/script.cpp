#include "report/page.h"

namespace cardiograd::report {

// The page says everything without it; it adds read-outs under the pointer and zoom on the ECGs.
std::string_view script() {
  return R"js(
(function () {
  'use strict';
  var tip = document.getElementById('tip');

  function show(text, x, y) {
    if (tip.textContent !== text) tip.textContent = text;
    tip.hidden = false;
    var box = tip.getBoundingClientRect();
    var left = Math.min(Math.max(4, x + 14), document.documentElement.clientWidth - box.width - 4);
    var top = y - box.height - 12;
    tip.style.left = Math.max(4, left) + 'px';
    tip.style.top = (top > 4 ? top : y + 18) + 'px';
  }
  function hide() { tip.hidden = true; }

  document.addEventListener('pointerover', function (event) {
    var shape = event.target.closest ? event.target.closest('[data-tip]') : null;
    if (shape) show(shape.getAttribute('data-tip'), event.clientX, event.clientY);
  });
  document.addEventListener('pointerout', function (event) {
    if (event.target.closest && event.target.closest('[data-tip]')) hide();
  });
  document.addEventListener('keydown', function (event) { if (event.key === 'Escape') hide(); });

  // Curves: "x y text;x y text" in the drawing's own units.
  Array.prototype.forEach.call(document.querySelectorAll('[data-read]'), function (reader) {
    var svg = reader.ownerSVGElement;
    var points = reader.getAttribute('data-read').split(';').filter(Boolean).map(function (part) {
      var words = part.split(' ');
      return { x: +words[0], y: +words[1], text: words.slice(2).join(' ') };
    });
    if (!points.length) return;
    var current = -1;
    svg.setAttribute('tabindex', '0');

    function select(index, x, y) {
      current = index;
      var point = points[index];
      reader.setAttribute('cx', point.x);
      reader.setAttribute('cy', point.y);
      reader.classList.add('on');
      var box = svg.getBoundingClientRect();
      var scale = box.width / svg.viewBox.baseVal.width;
      show(point.text, x === undefined ? box.left + point.x * scale : x, y === undefined ? box.top + point.y * scale : y);
    }
    function clear() { reader.classList.remove('on'); hide(); }

    svg.addEventListener('pointermove', function (event) {
      if (event.target.closest('[data-tip]')) { reader.classList.remove('on'); return; }
      var box = svg.getBoundingClientRect();
      var scale = svg.viewBox.baseVal.width / box.width;
      var x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
      var best = 0, nearest = Infinity;
      points.forEach(function (point, index) {
        var distance = (point.x - x) * (point.x - x) + (point.y - y) * (point.y - y);
        if (distance < nearest) { nearest = distance; best = index; }
      });
      select(best, event.clientX, event.clientY);
    });
    svg.addEventListener('pointerleave', clear);
    svg.addEventListener('blur', clear);
    svg.addEventListener('keydown', function (event) {
      var step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      select(Math.min(points.length - 1, Math.max(0, current + step)));
    });
  });

  // ECGs: the drawing is widened inside its box, which then scrolls.
  Array.prototype.forEach.call(document.querySelectorAll('.zoom'), function (buttons) {
    buttons.hidden = false;
    var box = buttons.nextElementSibling;
    var svg = box.querySelector('svg');
    var zoom = 1;
    buttons.addEventListener('click', function (event) {
      var factor = event.target.getAttribute('data-zoom');
      if (factor === null) return;
      var middle = (box.scrollLeft + box.clientWidth / 2) / box.scrollWidth;
      zoom = +factor === 0 ? 1 : Math.min(8, Math.max(1, zoom * factor));
      svg.style.width = zoom === 1 && +factor !== 0 ? '' : 100 * zoom + '%';
      svg.style.minWidth = +factor === 0 ? '0' : '';
      box.scrollLeft = middle * box.scrollWidth - box.clientWidth / 2;
    });
  });

  window.addEventListener('beforeprint', function () {
    Array.prototype.forEach.call(document.querySelectorAll('details'), function (one) { one.open = true; });
  });
}());
)js";
}

}  // namespace cardiograd::report
