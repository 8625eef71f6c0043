// The state of the page, and what draws it anew.

const INITS = {
  mask: { title: "Mask-initialised", short: "the mask of each object", hint: "given the mask of each object where it first appears", dash: null },
  box: { title: "Box-initialised", short: "the box of each object", hint: "given only a box, never a mask", dash: "6 4" },
  none: { title: "Without initialisation", short: "nothing", hint: "given nothing: they find the objects themselves", dash: "2 3" },
  "": { title: "Start not stated", short: "not stated", hint: "nobody says what they were given", dash: "1 5" },
};

const state = {
  place: 0, // of the section
  section: DATA.sections[0],
  a: null, // rows that are looked at frame by frame
  b: null,
  sequence: "",
  object: "",
  frame: "",
  timer: null, // of the player
  onframe: [], // what follows the frame
};

function draw() {
  const { section } = state;
  $("rules").textContent = [`Protocol ${section.protocol}: ${section.rules}`, section.note].join(" ").trim();
  drawPareto();
  drawTable();
  $("maps").replaceChildren();
  $("curves").replaceChildren();
  $("viewer").replaceChildren();
  $("curves").parentElement.hidden = section.boxes; // which have no J and F
  whenSeen($("maps").parentElement, drawMaps);
  whenSeen($("curves").parentElement, drawCurves);
}

function chooseSection(place) {
  clearInterval(state.timer);
  const runs = DATA.sections[place].rows.map((row, i) => [row, i]).filter(([row]) => row.own).map(([, i]) => i);
  Object.assign(state, {
    place, section: DATA.sections[place], a: runs[0] ?? null, b: runs[1] ?? null, sequence: "", frame: "", timer: null,
  });
  draw();
}

function sectionOptions() {
  return DATA.sections.map((section, i) => {
    const cited = section.rows.length - section.runs;
    const parts = [section.runs ? `${section.runs} runs` : "", cited ? `${cited} published` : ""];
    return [i, `${section.title}: ${parts.filter(Boolean).join(", ")}`];
  });
}

const THEMES = [["automatic", "light dark"], ["light", "light"], ["dark", "dark"]];

function setTheme(place) {
  const [name, scheme] = THEMES[place];
  document.documentElement.style.colorScheme = scheme;
  $("theme").textContent = `Theme: ${name}`;
  $("theme").onclick = () => setTheme((place + 1) % THEMES.length);
}

function start() {
  for (const [value, text] of sectionOptions()) $("section").append(el("option", { value }, text));
  $("section").addEventListener("change", (event) => chooseSection(Number(event.target.value)));
  setTheme(0);
  const { made, by, notes, clips } = DATA.about;
  const licence = Object.keys(clips).length ? "Pictures are the datasets' own, under their licences." : "";
  $("made").textContent = [`Made ${made} by ${by}.`, "Published numbers name their sources.", licence, ...notes].filter(Boolean).join(" ");
  chooseSection(0);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return; // a phone's bars come and go
    width = innerWidth;
    drawPareto();
    if ($("curves").childElementCount) drawCurves();
  });
}

start();
