"use strict";
/* Zoom and hover for the Gantt charts.  Everything is there without this script. */
(function () {
	var data = JSON.parse(document.getElementById("data").textContent);
	var tip = document.getElementById("tip");
	var charts = [], from = 0, to = data.span;
	var why = ["", ", then preempted", ", slice over", ", then yielded", ", then slept",
		", then over"];

	document.documentElement.classList.add("js");

	function time(us) {
		if (us >= 1e6) return +(us / 1e6).toPrecision(5) + " s";
		if (us >= 1e3) return +(us / 1e3).toPrecision(5) + " ms";
		return us + " \u00b5s";
	}

	/* Intervals by row, as [from, to, colour, why, task]. */
	function unpack(run) {
		var rows = run.rows.map(function () { return { run: [], wait: [] }; });
		var ofCpu = {}, ofTask = {}, s = run.spans, at = 0;
		run.rows.forEach(function (r, i) { (r[0] ? ofTask : ofCpu)[r[1]] = i; });
		for (var i = 0; i < s.length; i += 5) {
			at += s[i + 2];
			var item = [at, at + s[i + 3], run.tasks[s[i]][1], s[i + 4], s[i]];
			if (s[i + 1] >= 0 && s[i + 1] in ofCpu) rows[ofCpu[s[i + 1]]].run.push(item);
			if (s[i] in ofTask)
				rows[ofTask[s[i]]][s[i + 1] >= 0 ? "run" : "wait"].push(item);
		}
		return rows;
	}

	function bars(out, items, row, waits) {
		var y = row[2] + (waits ? row[3] * .3 : 0), h = row[3] * (waits ? .4 : 1);
		var scale = data.width / (to - from), column = -1, share = {};
		function bar(colour, x, w, y, h) {
			var k = (waits ? "w" : "r") + colour;
			(out[k] = out[k] || []).push("M" + (data.left + x).toFixed(2) + " " + y.toFixed(1) +
				"h" + w.toFixed(2) + "v" + h.toFixed(1) + "h-" + w.toFixed(2) + "z");
		}
		function flush() {
			var at = row[2] + row[3];
			for (var c in share) {
				var part = Math.min(1, share[c]) * row[3];
				bar(c, column, 1, at - part, part);
				at -= part;
			}
			share = {};
		}
		function add(x, colour, part) {
			if (x != column) flush();
			column = x;
			share[colour] = (share[colour] || 0) + part;
		}
		for (var i = 0; i < items.length; i++) {
			var s = items[i];
			if (s[1] <= from || s[0] >= to) continue;
			var x = (Math.max(s[0], from) - from) * scale, end = (Math.min(s[1], to) - from) * scale;
			var first = Math.ceil(x), last = Math.floor(end), low = Math.floor(x);
			if (last <= first) {
				if (end <= low + 1) { add(low, s[2], end - x); continue; }
				add(low, s[2], low + 1 - x);
				add(low + 1, s[2], end - (low + 1));
				continue;
			}
			if (x < first) add(first - 1, s[2], first - x);
			bar(s[2], first, last - first, y, h);
			if (end > last) add(last, s[2], end - last);
		}
		flush();
	}

	function axis(height) {
		var step = 1, span = to - from, text = "";
		while (span / step > 10) {
			if (span / (2 * step) <= 10) { step *= 2; break; }
			if (span / (5 * step) <= 10) { step *= 5; break; }
			step *= 10;
		}
		for (var at = Math.ceil(from / step) * step; at <= to; at += step) {
			var x = (data.left + (at - from) * data.width / span).toFixed(1);
			text += "<path d='M" + x + " 0V" + (height - 18) + "'/><text x='" + x + "' y='" +
				(height - 4) + "'>" + time(at) + "</text>";
		}
		return "<g class=axis>" + text + "</g>";
	}

	function draw(chart) {
		if (from <= 0 && to >= data.span) {
			chart.body.innerHTML = chart.whole;
		} else {
			var out = {}, text = axis(chart.run.height);
			chart.run.rows.forEach(function (row, i) {
				bars(out, chart.rows[i].wait, row, true);
				bars(out, chart.rows[i].run, row, false);
			});
			for (var k in out)
				text += "<path class='c" + k.slice(1) + (k[0] == "w" ? " w" : "") + "' d='" +
					out[k].join("") + "'/>";
			if (chart.run.cut && to > chart.run.cut)
				text += "<text x='" + (data.left + 8) + "' y='16'>only up to " +
					time(chart.run.cut) + " in detail</text>";
			chart.body.innerHTML = text;
		}
		if (chart.over) {
			var whole = from <= 0 && to >= data.span;
			chart.over.setAttribute("x", data.left + from * data.width / data.span);
			chart.over.setAttribute("width", whole ? 0 : (to - from) * data.width / data.span);
		}
	}

	var pending = false;
	function redraw() {
		if (pending) return;
		pending = true;
		requestAnimationFrame(function () { pending = false; charts.forEach(draw); });
	}

	function zoom(factor, centre) {
		var span = Math.min(data.span, Math.max(20, (to - from) * factor));
		var left = centre - (centre - from) * span / (to - from);
		from = Math.max(0, Math.min(data.span - span, left));
		to = from + span;
		redraw();
	}

	/* Where the pointer is: time, and y in the SVG's own units. */
	function place(svg, event) {
		var box = svg.getBoundingClientRect();
		var scale = (data.left + data.width + data.right) / box.width;
		var x = (event.clientX - box.left) * scale;
		return { us: from + (x - data.left) * (to - from) / data.width,
			y: (event.clientY - box.top) * scale, inside: x >= data.left };
	}

	function find(items, us) {
		var lo = 0, hi = items.length;
		while (lo < hi) {
			var mid = (lo + hi) >> 1;
			if (items[mid][1] <= us) lo = mid + 1; else hi = mid;
		}
		return lo < items.length && items[lo][0] <= us ? items[lo] : null;
	}

	function describe(chart, p) {
		for (var i = 0; i < chart.run.rows.length; i++) {
			var row = chart.run.rows[i];
			if (p.y < row[2] || p.y > row[2] + row[3]) continue;
			var s = find(chart.rows[i].run, p.us), verb = " runs ";
			if (!s) { s = find(chart.rows[i].wait, p.us); verb = " waits "; }
			if (!s) return "at " + time(Math.round(p.us)) + (row[0] ? ": asleep" : ": idle");
			return chart.run.tasks[s[4]][0] + verb + time(s[1] - s[0]) + "\nfrom " +
				time(s[0]) + (verb == " runs " ? why[s[3]] || "" : "");
		}
		return "";
	}

	document.querySelectorAll("svg.gantt").forEach(function (svg) {
		var n = +svg.dataset.run, run = data.runs[n];
		var chart = { run: run, rows: unpack(run), body: svg.querySelector(".body") };
		var share = document.querySelector("svg.share[data-run='" + n + "']"), drag = null;
		chart.whole = chart.body.innerHTML.replace(/<title>[^]*?<\/title>/g, "");
		chart.body.innerHTML = chart.whole;
		if (share) {
			chart.over = document.createElementNS("http://www.w3.org/2000/svg", "rect");
			chart.over.setAttribute("class", "window");
			chart.over.setAttribute("y", 0);
			chart.over.setAttribute("height", 80);
			chart.over.setAttribute("width", 0);
			share.appendChild(chart.over);
		}
		charts.push(chart);
		svg.addEventListener("wheel", function (e) {
			var p = place(svg, e);
			if (!p.inside) return;
			e.preventDefault();
			zoom(e.deltaY < 0 ? 0.8 : 1.25, p.us);
		}, { passive: false });
		svg.addEventListener("mousedown", function (e) { drag = place(svg, e).us; e.preventDefault(); });
		window.addEventListener("mouseup", function () { drag = null; });
		svg.addEventListener("mousemove", function (e) {
			var p = place(svg, e), text;
			if (drag !== null) {
				var span = to - from;
				from = Math.max(0, Math.min(data.span - span, from + drag - p.us));
				to = from + span;
				redraw();
				return;
			}
			text = p.inside ? describe(chart, p) : "";
			tip.hidden = !text;
			tip.textContent = text;
			tip.style.left = Math.min(e.clientX + 14, innerWidth - 240) + "px";
			tip.style.top = e.clientY + 16 + "px";
		});
		svg.addEventListener("mouseleave", function () { tip.hidden = true; });
		svg.addEventListener("dblclick", function () { from = 0; to = data.span; redraw(); });
	});
	document.getElementById("in").onclick = function () { zoom(0.5, (from + to) / 2); };
	document.getElementById("out").onclick = function () { zoom(2, (from + to) / 2); };
	document.getElementById("all").onclick = function () { from = 0; to = data.span; redraw(); };
	/* #zoom=FROM,TO in microseconds: a link to a place in the charts. */
	var m = /#zoom=(\d+),(\d+)/.exec(location.hash);
	if (m && +m[2] > +m[1]) { from = +m[1]; to = Math.min(data.span, +m[2]); redraw(); }
})();
