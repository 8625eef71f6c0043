// Heat maps: scores of every sequence, scores with every attribute and what it costs.

const MOST_COLUMNS = 60; // of a map; the hardest sequences of a larger dataset
const heat = { kind: "sequences", measure: 0, rows: "", all: false };

/** Columns of the map: {key, label, title, value(row)}; value is in percent or null. */
function heatColumns(section) {
  if (heat.kind === "sequences") {
    return section.sequences.map((name, i) => ({
      key: name, label: name, title: name, value: (row) => row.sequences[i]?.[heat.measure] ?? null,
    }));
  }
  const from = heat.kind === "attributes" ? 0 : 3;
  return section.attributes.map(([code, name, count]) => ({
    key: code, label: `${code} ${name}`, title: `${code}, ${name}: ${count} sequences`,
    value: (row) => row.attributes[code]?.[from + heat.measure] ?? null,
  }));
}

/** Whether the measure of the map counts faults. */
const lowerIsBetter = () => state.section.lower.includes(state.section.measures[heat.measure]);

/** How good a value is, from 0 to 1; faults against the most of any row. */
function goodness(value) {
  const { rows, digits } = state.section;
  if (!lowerIsBetter()) return value / (digits === 1 ? 100 : 1);
  const most = Math.max(...rows.flatMap((row) => row.sequences.map((values) => values?.[heat.measure] ?? 0)));
  return most ? 1 - value / most : 1;
}

/** Of more columns than fit, those with the lowest mean. */
function hardest(columns, rows) {
  if (heat.all || columns.length <= MOST_COLUMNS) return columns;
  const sign = lowerIsBetter() ? -1 : 1;
  const mean = ({ value }) => {
    const values = rows.map(value).filter((v) => v !== null);
    return values.reduce((sum, v) => sum + v, 0) / (values.length || 1);
  };
  return [...columns].sort((p, q) => sign * (mean(p) - mean(q))).slice(0, MOST_COLUMNS);
}

function heatCell(row, column) {
  const value = column.value(row);
  if (value === null) return el("td", null, el("span", { class: "hidden" }, "none"));
  const costs = heat.kind === "costs";
  const place = state.section.rows.indexOf(row);
  const pick = heat.kind === "sequences" && valuedRows(state.place).includes(place);
  const cell = el("td", {
    class: pick ? "pick" : null,
    onclick: pick ? () => { state.sequence = column.key; chooseRun("a", place); } : null,
  }, el("span", null, scoreText(value)));
  paint(cell, costs ? colourAt(COST_COLOURS, 0.5 + value / 60) : colourAt(SCORE_COLOURS, goodness(value)));
  return cell;
}

function heatTable() {
  const { section } = state;
  const all = heatColumns(section);
  const rows = section.rows.filter((row) => all.some((column) => column.value(row) !== null))
    .filter((row) => !heat.rows || row.own === (heat.rows === "run"));
  const columns = hardest(all, rows);
  const kind = { sequences: "sequence", attributes: "attribute", costs: "attribute" }[heat.kind];
  const head = el("tr", null, el("th", { class: "name", scope: "col" }, el("span", null, `method \\ ${kind}`)),
    columns.map((column) => el("th", { class: "turned", scope: "col", title: column.title }, el("span", null, column.label))));
  const bodies = Object.entries(INITS).flatMap(([init, { title }]) => {
    const group = rows.filter((row) => row.init === init);
    if (!group.length) return [];
    return [el("tbody", null,
      el("tr", { class: "group" }, el("th", { scope: "rowgroup", colspan: columns.length + 1 }, el("span", null, title))),
      group.map((row) => el("tr", { class: row.own ? "own" : null },
        el("th", { scope: "row", class: "name" }, el("button", { type: "button", class: "link", ...provenance(row) }, row.run)),
        columns.map((column) => heatCell(row, column)))))];
  });
  const table = el("table", null,
    el("caption", { class: "hidden" }, `${section.measures[heat.measure]} by ${kind}${section.digits === 1 ? ", in percent" : ""}`), el("thead", null, head), bodies);
  return { table, shown: columns.length, all: all.length };
}

function heatLegend() {
  if (heat.kind === "costs") {
    return "What an attribute costs: the mean over sequences without it minus the mean over those with it. "
      + "Orange: it costs; blue: scores are higher with it.";
  }
  if (state.section.boxes) return "Of each sequence; dark is bad, yellow is good. Blank where no frame counts.";
  const what = heat.kind === "sequences" ? "Mean over the objects of each sequence" : "Mean over the sequences with each attribute";
  return `${what}, in percent; dark is low, yellow is high.`
    + (heat.kind === "sequences" ? " Press a cell of a run to see it frame by frame." : "");
}

function drawMaps() {
  const { section } = state;
  const kinds = [["sequences", "by sequence"], ["attributes", "by attribute"], ["costs", "what attributes cost"]]
    .filter(([kind]) => (kind === "sequences" ? section.sequences.length : section.attributes.length));
  if (!kinds.length) {
    $("maps").replaceChildren(el("p", { class: "note" }, "Nobody has published numbers of single sequences for this board. Score a run on it to see them."));
    return;
  }
  if (!kinds.some(([kind]) => kind === heat.kind)) heat.kind = kinds[0][0];
  if (heat.measure >= section.measures.length) heat.measure = 0;
  const holder = el("div", { class: "scroll tall heat", tabindex: "0", role: "region", "aria-label": "Heat map, scrolls sideways" });
  const legend = el("p", { class: "hint" });
  const more = el("button", { type: "button", class: "quiet", onclick: () => { heat.all = true; redraw(); } });
  const redraw = () => {
    const { table, shown, all } = heatTable();
    holder.replaceChildren(table);
    legend.textContent = heatLegend();
    more.textContent = `The ${shown} hardest are shown; show all ${all}`;
    more.hidden = shown === all;
  };
  const set = (key, read = (v) => v) => (value) => { heat[key] = read(value); redraw(); };
  $("maps").replaceChildren(
    tabs("What the columns are", kinds, heat.kind, set("kind")),
    el("div", { class: "controls" },
      choice("Measure", section.measures.map((name, i) => [i, name]), heat.measure, set("measure", Number)),
      choice("Rows", [["", "runs and published"], ["run", "runs"], ["published", "published"]], heat.rows, set("rows"))),
    holder, more, legend);
  redraw();
}
