// Building elements. Text is only ever set as text, so no name of a run can become markup.

const $ = (id) => document.getElementById(id);

function make(namespace, tag, properties, children) {
  const element = namespace ? document.createElementNS(namespace, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** An HTML element: attributes, listeners as `onclick`, and children, of which strings are text. */
const el = (tag, properties, ...children) => make(null, tag, properties, children);

/** An SVG element. */
const svg = (tag, properties, ...children) =>
  make("http://www.w3.org/2000/svg", tag, properties, children);

/** A score of the board that is shown: percent, or those of VOT with three digits. */
const scoreText = (value) => (value === null || value === undefined ? "" : value.toFixed(state.section.digits));

const percent = (value) => (value === null || value === undefined ? "" : value.toFixed(1));

/** A labelled choice; options are [value, text]. Calls `change` with the value. */
function choice(label, options, chosen, change, properties = {}) {
  const select = el("select", { ...properties, onchange: () => change(select.value) });
  for (const [value, text] of options) {
    select.append(el("option", { value, selected: String(value) === String(chosen) }, text));
  }
  return el("label", null, label, select);
}

/** Buttons of which one is pressed. */
function tabs(label, options, chosen, change) {
  const buttons = options.map(([value, text]) =>
    el("button", {
      type: "button",
      "aria-pressed": String(value === chosen),
      onclick: () => {
        for (const button of buttons) button.setAttribute("aria-pressed", "false");
        buttons[options.findIndex(([each]) => each === value)].setAttribute("aria-pressed", "true");
        change(value);
      },
    }, text));
  return el("div", { class: "controls tabs", role: "group", "aria-label": label }, buttons);
}

/** Run a task when an element comes near the screen, once. */
function whenSeen(element, task) {
  const watch = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    task();
  }, { rootMargin: "400px" });
  watch.observe(element);
}
