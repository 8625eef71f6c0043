// J and F over the frames of a sequence, of two runs laid over each other.

/** The runs that have values per frame, as options; the best of an initialisation first. */
function runOptions() {
  return valuedRows(state.place).map((place) => {
    const row = state.section.rows[place];
    return [place, `${row.run} (${row.init || "start not stated"}, ${scoreText(row.scores[0])})`];
  });
}

function sequencesOf(place) {
  return Object.keys(block(`values-${state.place}`)?.rows[place] ?? {}).sort();
}

/** Mean over the objects, or the value of one of them; null where none counts. */
function at(values, measure, frame) {
  const objects = state.object === "" ? values.objects.keys() : [values.objects.indexOf(Number(state.object))];
  const found = [...objects].map((i) => values.value(measure, i, frame)).filter((v) => v !== null);
  return found.length ? found.reduce((sum, v) => sum + v, 0) / found.length : null;
}

const LABELS = ["J", "F"];
const CURVE_HEIGHT = 150;

function curve(measure, pair, width, cursor) {
  const { frames } = pair[0][1];
  const left = 34;
  const x = scale(0, Math.max(1, frames.length - 1), left, width - 10);
  const y = scale(0, 100, CURVE_HEIGHT - 22, 10);
  const lines = pair.map(([key, values]) => {
    let path = "";
    let open = false;
    frames.forEach((_, i) => {
      const v = at(values, measure, i);
      if (v !== null) path += `${open ? "L" : "M"}${x(i).toFixed(1)},${y(v).toFixed(1)}`;
      open = v !== null;
    });
    return svg("path", { d: path, class: `line ${key}` });
  });
  const marks = [0, 50, 100].map((tick) => [
    svg("line", { class: "grid", x1: left, x2: width - 10, y1: y(tick), y2: y(tick) }),
    svg("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, String(tick))]).flat();
  const every = Math.max(1, Math.ceil(frames.length / (width / 70)));
  const below = frames.filter((_, i) => i % every === 0).map((name, i) =>
    svg("text", { x: x(i * every), y: CURVE_HEIGHT - 5, "text-anchor": "middle" }, name));
  const line = svg("line", { class: "cursor", x1: x(cursor), x2: x(cursor), y1: 6, y2: CURVE_HEIGHT - 22 });
  const move = (event) => {
    const box = plot.getBoundingClientRect();
    const share = ((event.clientX - box.left) / box.width * width - left) / (width - 10 - left);
    setFrame(frames[Math.round(Math.min(Math.max(share, 0), 1) * (frames.length - 1))]);
  };
  const plot = svg("svg", {
    class: "plot", viewBox: `0 0 ${width} ${CURVE_HEIGHT}`, role: "img",
    "aria-label": `${LABELS[measure]} per frame on ${state.sequence}; the slider below reads the values out`,
    onpointerdown: move, onpointermove: (event) => { if (event.buttons) move(event); },
  }, marks, below, svg("text", { x: 12, y: y(25) + 4, class: "label" }, LABELS[measure]), lines, line);
  return { plot, moveTo: (i) => { for (const end of ["x1", "x2"]) line.setAttribute(end, x(i)); } };
}

/** Set the frame by its name; curves, readout and viewer follow. */
function setFrame(name) {
  state.frame = name;
  state.onframe.forEach((follow) => follow(name));
}

function readout(pair, name) {
  const i = pair[0][1].frames.indexOf(name);
  const items = pair.map(([key, values]) => {
    const row = state.section.rows[state[key]];
    const figures = LABELS.map((label, measure) => `${label} ${i < 0 ? "not scored" : percent(at(values, measure, i))}`);
    return el("span", null, el("b", { class: key }, `${key.toUpperCase()} ${row.run}`), `: ${figures.join(", ")}`);
  });
  return items;
}

function curveControls(redraw) {
  const options = runOptions();
  const names = sequencesOf(state.a);
  const objects = valuesOf(state.place, state.a, state.sequence).objects;
  const set = (key, read = (v) => v) => (value) => { state[key] = read(value); redraw(); };
  return el("div", { class: "controls" },
    choice("Sequence", names.map((name) => [name, name]), state.sequence, set("sequence"), { id: "sequence" }),
    choice("A (solid)", options, state.a, set("a", Number), { id: "run-a" }),
    choice("B (dashed)", [["", "nobody"], ...options], state.b ?? "", set("b", (v) => (v === "" ? null : Number(v))), { id: "run-b" }),
    objects.length > 1
      ? choice("Object", [["", `mean of ${objects.length}`], ...objects.map((id) => [id, String(id)])], state.object, set("object"))
      : null);
}

function drawCurves() {
  const runs = valuedRows(state.place);
  state.onframe = [];
  if (!runs.length) {
    const text = state.section.runs
      ? "The values per frame of these runs did not fit the page; make it with a larger --budget."
      : "Only published means are known here. Score a run on this board to see it frame by frame.";
    $("curves").replaceChildren(el("p", { class: "note" }, text));
    $("viewer").replaceChildren();
    return;
  }
  if (!runs.includes(state.a)) state.a = runs[0];
  if (state.b !== null && !runs.includes(state.b)) state.b = runs.find((run) => run !== state.a) ?? null;
  const names = sequencesOf(state.a);
  if (!names.includes(state.sequence)) [state.sequence, state.object] = [names[0], ""];
  const first = valuesOf(state.place, state.a, state.sequence);
  if (!first.objects.includes(Number(state.object))) state.object = "";
  const second = state.b === null ? null : valuesOf(state.place, state.b, state.sequence);
  const pair = [["a", first], ...(second ? [["b", second]] : [])];
  const clip = clipOf(state.section, state.sequence);
  const frames = clip?.names ?? first.frames;
  if (!frames.includes(state.frame)) state.frame = first.frames[0];

  const width = Math.max(280, $("curves").clientWidth);
  const place = (name) => Math.max(0, first.frames.indexOf(name));
  const plots = [0, 1].map((measure) => curve(measure, pair, width, place(state.frame)));
  const values = el("p", { class: "readout", role: "status" });
  const follow = (name) => {
    for (const plot of plots) plot.moveTo(place(name));
    values.replaceChildren(...readout(pair, name));
  };
  state.onframe.push(follow);
  $("curves").replaceChildren(curveControls(drawCurves), ...plots.map(({ plot }) => plot), scrubber(frames), values);
  drawViewer(clip);
  setFrame(state.frame);
}

/** The slider over the frames, with a button that plays them. */
function scrubber(frames) {
  const input = el("input", {
    type: "range", id: "scrub", min: 0, max: frames.length - 1, value: frames.indexOf(state.frame),
    oninput: () => setFrame(frames[input.value]),
  });
  const output = el("output", { for: "scrub" });
  state.onframe.push((name) => {
    const i = frames.indexOf(name);
    input.value = i;
    input.setAttribute("aria-valuetext", `frame ${name}`);
    output.textContent = `${name} (${i + 1}/${frames.length})`;
  });
  const play = el("button", { type: "button", "aria-pressed": "false", onclick: () => toggle() }, "Play");
  const toggle = (on = state.timer === null) => {
    clearInterval(state.timer);
    state.timer = on ? setInterval(() => {
      if (!play.isConnected) return toggle(false);
      setFrame(frames[(frames.indexOf(state.frame) + 1) % frames.length]);
    }, 100) : null;
    play.textContent = on ? "Pause" : "Play";
    play.setAttribute("aria-pressed", String(on));
  };
  return el("div", { class: "scrub" }, play, el("label", null, "Frame", input), output);
}

/** Show a row as A or B, where it is looked at frame by frame. */
function chooseRun(key, place) {
  if (key === "a" && state.b === place) state.b = state.a;
  if (key === "b" && state.a === place) state.a = state.b ?? state.a;
  state[key] = place;
  if (!$("maps").childElementCount) drawMaps(); // or it would push away what is scrolled to
  drawCurves();
  $("curves-title").scrollIntoView({ block: "start" });
  $("sequence")?.focus({ preventScroll: true });
}
