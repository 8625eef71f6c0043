/* The page: what the server says is shown, and what people do is sent to it. */

import { act, picture, state } from "./api.js";
import { Stage } from "./stage.js";

const $ = (id) => document.getElementById(id);
let now = null; // the last answer of the server
let frame = 0;
let target = null; // id of the object that the next box is for; null for a new one
let playing = false;
let shown = "";
let offered = "";

const stage = new Stage($("stage"), { onBox: (box) => tell(() => drawn(box)), onStep: step, onPlay: play });

async function tell(work) {
  try {
    $("error").textContent = "";
    await work();
  } catch (error) {
    $("error").textContent = error.message;
  }
}

async function drawn(box) {
  const answer = await act("draw", { frame, id: target, box });
  target = null;
  take(answer);
}

function color(object) {
  return `rgb(${object.color.join(" ")})`;
}

function label(object) {
  return object.name || `Object ${object.id}`;
}

function take(answer) {
  const before = now;
  now = answer;
  if (!before) {
    document.title = `${now.name} - vostool track`;
    $("name").textContent = now.name;
    stage.size = [now.width, now.height];
    fill($("style"), now.styles, now.styles[0]);
  }
  const names = now.trackers.join();
  if (names !== offered) {
    const chosen = $("tracker").value || now.tracker;
    offered = names;
    $("tracker").replaceChildren();
    fill($("tracker"), now.trackers, chosen);
  }
  if (now.length) $("slider").max = now.length - 1;
  if ((now.running || before?.running) && !playing && now.position > before.position && now.position === now.valid - 1) {
    frame = now.position; // watch it work
  }
  const changes = JSON.stringify([now.objects.map((o) => o.id), now.boxes, now.running]);
  if (changes !== shown) {
    shown = changes;
    objects();
  }
  buttons();
  status();
  downloads(before);
  view();
}

function fill(select, values, chosen) {
  for (const value of values) select.add(new Option(value, value, false, value === chosen));
}

/* The picture of a frame changes when its masks do. */
function version() {
  return `${now.revision}.${frame < now.valid ? 1 : 0}`;
}

let viewing = "";
async function view() {
  const wanted = `${frame} ${$("style").value} ${version()}`;
  $("slider").value = frame;
  marks();
  if (wanted === viewing) return;
  viewing = wanted;
  try {
    const found = await picture(frame, $("style").value, version());
    if (viewing !== wanted) return;
    stage.show(found.image);
    const last = now.length ? now.length - 1 : "?";
    $("where").textContent = `${frame} of ${last}, ${found.time.toFixed(2)} s`;
    $("stage").setAttribute("aria-label", `Frame ${frame} of ${last}`);
  } catch (error) {
    if (viewing !== wanted) return;
    viewing = "";
    $("error").textContent = error.message;
  }
}

function marks() {
  const here = now.boxes.filter((each) => each.frame === frame);
  stage.boxes = here.map((each) => {
    const object = now.objects.find((other) => other.id === each.id);
    return { box: each.box, color: color(object), label: frame < now.valid ? "" : label(object) };
  });
  const object = now.objects.find((each) => each.id === target);
  stage.color = object ? color(object) : "#ffffff";
  $("target").textContent = object
    ? `The next box corrects ${label(object)} from the frame that is shown on.`
    : "The next box is a new object, from the frame that is shown on.";
  stage.draw();
}

function button(text, onClick, name = "") {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "small";
  made.textContent = text;
  if (name) made.setAttribute("aria-label", name);
  made.disabled = now.running;
  made.addEventListener("click", onClick);
  return made;
}

function row(...children) {
  const made = document.createElement("div");
  made.className = "row";
  made.append(...children);
  return made;
}

function objects() {
  const focused = document.activeElement?.dataset?.key;
  $("objects").replaceChildren(...now.objects.map(item));
  if (focused) document.querySelector(`[data-key="${focused}"]`)?.focus();
}

function item(object) {
  const swatch = document.createElement("canvas");
  swatch.width = swatch.height = 1;
  swatch.setAttribute("aria-hidden", "true");
  const pen = swatch.getContext("2d");
  pen.fillStyle = color(object);
  pen.fillRect(0, 0, 1, 1);
  const name = document.createElement("input");
  name.value = object.name;
  name.placeholder = `Object ${object.id}`;
  name.maxLength = 40;
  name.setAttribute("aria-label", `Name of object ${object.id}`);
  name.dataset.key = `name${object.id}`;
  name.addEventListener("change", () => tell(async () => take(await act("rename", { id: object.id, name: name.value }))));
  const correct = button("Correct", () => {
    target = target === object.id ? null : object.id;
    objects();
    marks();
    buttons();
    if (target !== null) $("stage").focus();
  }, `Correct object ${object.id}`);
  correct.dataset.key = `correct${object.id}`;
  correct.setAttribute("aria-pressed", String(target === object.id));
  const remove = button("Remove", () => tell(async () => {
    if (target === object.id) target = null;
    take(await act("erase", { id: object.id }));
    $("another").focus();
  }), `Remove object ${object.id}`);
  const given = now.boxes.filter((each) => each.id === object.id).sort((a, b) => a.frame - b.frame);
  const jumps = given.map((each) => {
    const jump = button(`Frame ${each.frame}`, () => go(each.frame), `Object ${object.id}: go to frame ${each.frame}`);
    jump.disabled = false;
    return jump;
  });
  const made = document.createElement("li");
  made.append(row(swatch, name), row(correct, remove, ...jumps));
  return made;
}

function buttons() {
  stage.enabled = !now.running;
  $("start").disabled = now.running || !now.objects.length;
  $("stop").disabled = !now.running;
  $("tracker").disabled = now.running;
  $("another").disabled = now.running;
  $("another").setAttribute("aria-pressed", String(target === null));
}

function status() {
  const all = now.length || Math.max(now.valid, 1);
  $("progress").max = all;
  $("progress").value = now.running ? now.position + 1 : now.valid;
  const speed = now.speed ? `, ${now.speed.toFixed(1)} frames/s` : "";
  const left = now.speed && now.length ? (now.length - now.position - 1) / now.speed : 0;
  let text = now.objects.length ? "" : "No object yet.";
  if (now.running && now.position < 0) text = "Starting the tracker.";
  else if (now.running && now.position < now.valid - 1) text = `Catching up: ${now.position + 1} of ${now.valid}${speed}`;
  else if (now.running) text = `${now.position + 1} of ${all}${speed}, ${left.toFixed(0)} s left`;
  else if (now.valid) text = `${now.valid} of ${all} frames have masks${speed}`;
  if ($("status").textContent !== text) $("status").textContent = text;
  if (now.error) $("error").textContent = now.error;
  else if (now.notes.length) $("error").textContent = now.notes.join(" ");
}

let fetching = null;
function downloads(before) {
  const render = now.render;
  for (const each of $("downloads").children) {
    const ready = each.dataset.kind === "prompts" ? now.objects.length : now.valid;
    each.disabled = now.running || !ready || Boolean(render.running);
  }
  if (!render.kind) return;
  if (render.running) {
    $("written").textContent = `Writing ${render.name}: ${render.done} frames`;
  } else if (fetching === render.kind && before) {
    fetching = null;
    $("written").textContent = render.error || `${render.name} is written.`;
    if (render.error) return;
    const link = document.createElement("a");
    link.href = `download/${render.kind}`;
    link.download = render.name;
    document.body.append(link);
    link.click();
    link.remove();
  }
}

function go(to) {
  const last = now.length ? now.length - 1 : Infinity;
  frame = Math.min(Math.max(to, 0), last);
  view();
}

function step(by) {
  pause();
  go(frame + by);
}

function pause() {
  playing = false;
  $("play").textContent = "Play";
}

async function play() {
  if (playing) return pause();
  playing = true;
  $("play").textContent = "Pause";
  if (now.length && frame >= now.length - 1) go(0);
  const begin = performance.now();
  const from = frame;
  while (playing && (!now.length || frame < now.length - 1)) {
    for (let ahead = 1; ahead < 5; ahead += 1) {
      const next = frame + ahead;
      if (!now.length || next < now.length) {
        picture(next, $("style").value, `${now.revision}.${next < now.valid ? 1 : 0}`).catch(() => {});
      }
    }
    go(frame + 1);
    await view();
    const due = begin + ((frame - from) * 1000) / now.fps;
    await new Promise((done) => setTimeout(done, Math.max(4, due - performance.now())));
  }
  pause();
}

async function watch() {
  try {
    take(await state());
  } catch {
    $("status").textContent = "The server has ended. Start vostool track again.";
    return;
  }
  setTimeout(watch, now.running || now.render.running ? 150 : 1000);
}

$("first").addEventListener("click", () => { pause(); go(0); });
$("previous").addEventListener("click", () => step(-1));
$("next").addEventListener("click", () => step(1));
$("play").addEventListener("click", play);
$("slider").addEventListener("input", () => { pause(); go(Number($("slider").value)); });
$("style").addEventListener("change", view);
$("another").addEventListener("click", () => { target = null; objects(); marks(); buttons(); $("stage").focus(); });
$("start").addEventListener("click", () => tell(async () => {
  pause();
  take(await act("start", { tracker: $("tracker").value }));
  setTimeout(quick, 50);
}));
$("stop").addEventListener("click", () => tell(async () => take(await act("stop"))));
for (const each of $("downloads").children) {
  each.addEventListener("click", () => tell(async () => {
    fetching = each.dataset.kind;
    take(await act("render", { kind: each.dataset.kind, style: $("style").value }));
    setTimeout(quick, 50);
  }));
}

/* Ask at once after something was begun, not only when the slow watch comes round. */
async function quick() {
  try {
    take(await state());
    if (now.running || now.render.running) setTimeout(quick, 150);
  } catch {
    /* the watch says it */
  }
}

watch();
