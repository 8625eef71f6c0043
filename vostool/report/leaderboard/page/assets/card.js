// Where a number comes from: a tooltip on hover and focus, a dialog on click.

const tip = $("tip");
let tipFor = null;
let tipTimer = 0;

function facts(pairs) {
  return el("dl", null, pairs.flatMap(([label, value]) => [el("dt", null, label), el("dd", null, value)]));
}

function summaryFacts(row) {
  const spread = row.interval ? ` (95 %: ${row.interval.map(percent).join("..")})` : "";
  return [
    [state.section.scores[0], `${scoreText(row.scores[0])}${spread}`],
    ["starts from", INITS[row.init]?.short ?? "not stated"],
    ...row.about,
  ];
}

function showTip(anchor, row) {
  clearTimeout(tipTimer);
  if (tipFor !== anchor) hideTip();
  tipFor = anchor;
  tip.replaceChildren(el("p", null, row.run), facts(summaryFacts(row)));
  tip.hidden = false;
  anchor.setAttribute("aria-describedby", "tip");
  placeTip();
}

/** Put the tooltip below what it is about, or above where there is no room. */
function placeTip() {
  const at = tipFor.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const below = at.bottom + 6 + height < innerHeight;
  tip.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  tip.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - height - 6)}px`;
}

function hideTip() {
  tip.hidden = true;
  tipFor?.removeAttribute("aria-describedby");
  tipFor = null;
}

const hideTipSoon = () => { tipTimer = setTimeout(hideTip, 200); };
tip.addEventListener("pointerenter", () => clearTimeout(tipTimer));
tip.addEventListener("pointerleave", hideTipSoon);
addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
// Going to a row by keyboard scrolls it into view: the tooltip goes with it.
addEventListener("scroll", (event) => { if (tipFor && event.target !== tip) placeTip(); }, { passive: true, capture: true });

/** Listeners that show where the numbers of a row come from. */
function provenance(row) {
  return {
    onpointerenter: (event) => { if (event.pointerType === "mouse") showTip(event.currentTarget, row); },
    onpointerleave: hideTipSoon,
    onfocus: (event) => { if (event.currentTarget.matches(":focus-visible")) showTip(event.currentTarget, row); },
    onblur: hideTip,
    onclick: () => openCard(row),
  };
}

/** Open everything that is known about a row. */
function openCard(row) {
  hideTip();
  const card = $("card");
  const { section } = state;
  const scores = section.scores.map((label, i) => [
    label,
    scoreText(row.scores[i]) + (row.spread[label] ? `   (95 %: ${row.spread[label]})` : ""),
  ]).filter(([, value]) => value);
  const place = section.rows.indexOf(row);
  const curves = valuedRows(state.place).includes(place);
  const look = (key) => () => { card.close(); chooseRun(key, place); };
  const parts = [
    el("div", { class: "bar" },
      el("h2", { id: "card-title" }, row.run),
      el("button", { type: "button", class: "quiet", onclick: () => card.close() }, "Close")),
    el("p", { class: "hint" }, section.title, row.rank ? `: rank ${row.rank} of those with init ${row.init || "not stated"}` : ""),
    el("h3", null, section.digits === 1 ? "Scores in percent" : "Scores"), facts(scores),
    el("h3", null, "Where they come from"),
    facts([["trained on", row.trained], ...row.about.filter(([label]) => label !== "trained on")]),
    curves ? el("div", { class: "controls" },
      el("button", { type: "button", onclick: look("a") }, "Show as A, frame by frame"),
      el("button", { type: "button", onclick: look("b") }, "Show as B")) : null,
  ];
  card.replaceChildren(...parts.filter(Boolean));
  card.showModal();
}
