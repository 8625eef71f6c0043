// Accuracy against speed: the first thing seen.

const MARGIN = { left: 64, right: 18, top: 14, bottom: 42 };

/** What makes speeds comparable; published ones are nobody's equals. */
const timing = (row) =>
  row.own ? [row.fpsProtocol, row.device, row.precision].filter(Boolean).join(", ") : "";

/** Rows that no other row with the same start and timing beats in both, the slowest first. */
function front(rows) {
  const byspeed = [...rows].sort((p, q) => Number(q.fps) - Number(p.fps) || q.scores[0] - p.scores[0]);
  let best = -Infinity;
  return byspeed.filter((row) => row.scores[0] > best && ((best = row.scores[0]), true)).reverse();
}

function shape(init, x, y, r, className) {
  if (init === "box") return svg("rect", { x: x - r, y: y - r, width: 2 * r, height: 2 * r, class: className });
  if (init === "mask") return svg("circle", { cx: x, cy: y, r: r * 1.1, class: className });
  const points = [[x, y - 1.3 * r], [x + 1.2 * r, y + r], [x - 1.2 * r, y + r]];
  return svg("polygon", { points: points.map((p) => p.join(",")).join(" "), class: className });
}

/** Write names beside marks, as far as they do not run into each other. */
function placeLabels(marks, width, top) {
  const taken = marks.map(({ x, y }) => [x - 6, y - 6, x + 6, y + 6]);
  const labels = [];
  for (const { row, x, y } of marks) {
    const long = 6.9 * row.run.length;
    const spots = [[x + 9, y + 4], [x - 9 - long, y + 4], [x - long / 2, y - 10], [x - long / 2, y + 19]];
    for (const [left, base] of spots) {
      const box = [left, base - 11, left + long, base + 3];
      const outside = box[0] < MARGIN.left || box[2] > width - 4 || box[1] < top;
      const hits = taken.some((b) => box[0] < b[2] && box[2] > b[0] && box[1] < b[3] && box[3] > b[1]);
      if (outside || hits) continue;
      taken.push(box);
      labels.push(svg("text", { x: left, y: base, class: "label", "aria-hidden": "true" }, row.run));
      break;
    }
  }
  return labels;
}

/** One tab stop for all marks; arrow keys go from one to the next. */
function roving(marks) {
  marks.forEach((mark, index) => {
    mark.setAttribute("tabindex", index === 0 ? "0" : "-1");
    mark.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); mark.dispatchEvent(new MouseEvent("click")); }
      if (!step) return;
      event.preventDefault();
      const next = marks[(index + step + marks.length) % marks.length];
      mark.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  });
}

function drawPareto() {
  const { section } = state;
  const scored = section.rows.filter((row) => row.scores[0] !== null);
  const timed = scored.filter((row) => Number(row.fps) > 0).sort((p, q) => Number(p.fps) - Number(q.fps));
  const untimed = scored.filter((row) => !(Number(row.fps) > 0));
  const lead = section.scores[0];
  if (!timed.length) {
    $("pareto").replaceChildren(el("p", { class: "note" },
      `Nobody on this board states a speed, so there is nothing to plot ${lead} against.`));
    return;
  }
  const width = Math.max(300, $("pareto").clientWidth);
  const height = Math.round(Math.min(460, Math.max(300, width * 0.45)));
  const speeds = timed.map((row) => Number(row.fps));
  const values = scored.flatMap((row) => [row.scores[0], ...(row.own && row.interval ? row.interval : [])]);
  const full = section.digits === 1 ? 100 : 1;
  const [low, high] = [Math.max(0, Math.min(...values) - full * 0.03), Math.min(full, Math.max(...values) + full * 0.03)];
  const [slow, fast] = [Math.min(...speeds) / 1.5, Math.max(...speeds) * 1.5];
  const x = scale(slow, fast, MARGIN.left, width - MARGIN.right, true);
  const y = scale(low, high, height - MARGIN.bottom, MARGIN.top);
  const groups = [...new Set(timed.filter((row) => row.own).map(timing))].sort();
  const colour = (row) => (row.own ? `g${groups.indexOf(timing(row)) % 5}` : "published");

  const base = [
    ...ticks(low, high).map((tick) => [
      svg("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(tick), y2: y(tick) }),
      y(tick) < MARGIN.top + 14 ? null // the name of the axis stands there
        : svg("text", { x: MARGIN.left - 22, y: y(tick) + 4, "text-anchor": "end" }, String(tick))]),
    ...logTicks(slow, fast).map((tick) => [
      svg("line", { class: "grid", x1: x(tick), x2: x(tick), y1: MARGIN.top, y2: height - MARGIN.bottom }),
      svg("text", { x: x(tick), y: height - MARGIN.bottom + 16, "text-anchor": "middle" }, short(tick))]),
    svg("text", { x: width - MARGIN.right, y: height - 6, "text-anchor": "end" }, "frames per second →"),
    svg("text", { x: 12, y: MARGIN.top + 4, "text-anchor": "start" }, `${lead} ↑`),
  ].flat().filter(Boolean);

  const fronts = [];
  for (const init of Object.keys(INITS)) {
    for (const group of groups) {
      const members = front(timed.filter((row) => row.own && row.init === init && timing(row) === group));
      if (members.length < 2) continue;
      const path = members.map((row, i) => `${i ? "L" : "M"}${x(Number(row.fps))},${y(row.scores[0])}`).join("");
      fronts.push(svg("path", { d: path, class: `front g${groups.indexOf(group) % 5}`, "stroke-dasharray": INITS[init].dash }));
    }
  }
  const rug = untimed.map((row) =>
    svg("line", { class: "rug", x1: MARGIN.left - 16, x2: MARGIN.left - 4, y1: y(row.scores[0]), y2: y(row.scores[0]) },
      svg("title", null, `${row.run}: ${scoreText(row.scores[0])}, no fps stated`)));

  const places = timed.map((row) => ({ row, x: x(Number(row.fps)), y: y(row.scores[0]) }));
  const marks = places.map(({ row, x: cx, y: cy }) => {
    const whisker = row.own && row.interval
      ? svg("line", { class: `whisker ${colour(row)}`, x1: cx, x2: cx, y1: y(row.interval[0]), y2: y(row.interval[1]) })
      : null;
    const about = `${row.run}, ${INITS[row.init]?.title ?? "start not stated"}: ${lead} ${scoreText(row.scores[0])}, `
      + `${row.fps} fps, ${row.own ? timing(row) : "as published"}`;
    return svg("g", { class: "mark", role: "button", "aria-label": about, ...provenance(row) },
      whisker, svg("circle", { class: "halo", cx, cy, r: 12 }), shape(row.init, cx, cy, 5, colour(row)));
  });
  roving(marks);
  const labelled = [...places].sort((p, q) => q.row.own - p.row.own || q.row.scores[0] - p.row.scores[0]);
  const plot = svg("svg", {
    class: "plot", viewBox: `0 0 ${width} ${height}`, role: "group",
    "aria-label": `${lead} against frames per second of ${timed.length} methods. The table below has the same numbers.`,
  }, base, rug, fronts, marks, placeLabels(labelled, width, MARGIN.top));
  $("pareto").replaceChildren(el("figure", null, plot, paretoLegend(groups, timed, untimed)));
}

function paretoLegend(groups, timed, untimed) {
  const icon = (init, className) => svg("svg", { width: 16, height: 16, "aria-hidden": "true" }, shape(init, 8, 8, 4.5, className));
  const inits = Object.keys(INITS).filter((init) => timed.some((row) => row.init === init));
  const published = timed.filter((row) => !row.own).length;
  return el("figcaption", null,
    el("ul", { class: "legend" },
      inits.map((init) => el("li", null, icon(init, "published"), ` ${INITS[init].title}`)),
      groups.map((group, i) => el("li", null, icon("mask", `g${i % 5}`), ` ${group}`)),
      published ? el("li", null, icon("mask", "published"), ` ${published} as published, timed by others`) : null,
      untimed.length ? el("li", null, `Dashes at the left edge: ${untimed.length} without a stated fps`) : null),
    el("p", { class: "hint" }, `Filled marks are runs${state.section.boxes ? "" : ", with their 95 % interval"}; lines are Pareto fronts, each among `
      + `runs that start alike and were timed alike. Tab to the plot, then use the arrow keys; Enter opens a method.`));
}
