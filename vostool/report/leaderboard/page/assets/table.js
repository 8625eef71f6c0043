// The ranking: sorted within each initialisation, filtered by everything.

const filters = { text: "", init: "", kind: "", trained: "", fps: "", device: "" };
const order = { column: "rank", down: false };

/** The columns: key, heading, what it sorts by, and how a cell is filled. */
function columnsOf(section) {
  const text = (key, heading, long = false) =>
    ({ key, heading, value: (row) => row[key] || null, show: (row) => row[key], long });
  const scores = section.scores.map((heading, i) => ({
    key: `score${i}`, heading, number: true, value: (row) => row.scores[i], show: (row) => scoreText(row.scores[i]),
    high: !section.lower.includes(heading),
  }));
  const interval = {
    key: "interval", heading: "95 %", number: true, high: true, value: (row) => row.interval?.[0] ?? null,
    show: (row) => (row.interval ? row.interval.map(percent).join("..") : ""),
  };
  return [
    { key: "rank", heading: "#", number: true, value: (row) => Number(row.rank) || null, show: (row) => row.rank },
    { key: "run", heading: "method", name: true, value: (row) => row.run.toLowerCase() },
    text("init", "init"), scores[0], ...(section.boxes ? [] : [interval]), ...scores.slice(1),
    { key: "fps", heading: "fps", number: true, high: true, value: (row) => Number(row.fps) || null, show: (row) => row.fps },
    { key: "fpsRank", heading: "# fps", number: true, value: (row) => Number(row.fpsRank) || null, show: (row) => row.fpsRank },
    text("fpsProtocol", "fps protocol"), text("device", "device", true), text("precision", "precision"),
    text("trained", "trained on", true),
    { key: "protocol", heading: "protocol", value: () => section.protocol, show: () => section.protocol },
    text("source", "source", true),
  ];
}

const matches = {
  text: (row, wanted) => [row.run, row.source, row.trained, row.device].join(" ").toLowerCase().includes(wanted.toLowerCase()),
  init: (row, wanted) => row.init === wanted,
  kind: (row, wanted) => row.own === (wanted === "run"),
  trained: (row, wanted) => row.trained === wanted,
  fps: (row, wanted) => row.fpsProtocol === wanted,
  device: (row, wanted) => row.device === wanted,
};

const filtered = (section) =>
  section.rows.filter((row) => Object.entries(filters).every(([key, wanted]) => !wanted || matches[key](row, wanted)));

function compare(column, down) {
  const sign = down ? -1 : 1;
  return (p, q) => {
    const [a, b] = [column.value(p), column.value(q)];
    if (a === null || b === null) return (a === null) - (b === null); // what is blank comes last
    return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
  };
}

function filterControls(section, redraw) {
  const set = (key) => (value) => { filters[key] = value; redraw(); };
  const among = (key, label, all, get, name = (v) => v) => {
    const found = [...new Set(section.rows.map(get).filter(Boolean))].sort();
    if (!found.includes(filters[key])) filters[key] = "";
    return found.length ? choice(label, [["", all], ...found.map((v) => [v, name(v)])], filters[key], set(key)) : null;
  };
  const search = el("input", { type: "search", value: filters.text, placeholder: "name, source, device", oninput: (e) => set("text")(e.target.value) });
  return el("div", { class: "controls", role: "search", "aria-label": "Filter the ranking" },
    el("label", null, "Search", search),
    among("init", "Init", "mask, box or none", (row) => row.init),
    choice("Rows", [["", "runs and published"], ["run", "runs"], ["published", "published"]], filters.kind, set("kind")),
    among("trained", "Trained on", "anything", (row) => row.trained),
    among("fps", "Fps protocol", "any", (row) => row.fpsProtocol),
    among("device", "Device", "any", (row) => row.device));
}

/** Mark the best and the second best of one initialisation, as the LaTeX tables do. */
function marksOf(rows, columns) {
  const marks = new Map();
  for (const column of columns.filter(({ key }) => key.startsWith("score"))) {
    const values = [...new Set(rows.map(column.value).filter((v) => v !== null))];
    values.sort((a, b) => (column.high ? b - a : a - b));
    if (values.length > 1) marks.set(column.key, values.slice(0, 2));
  }
  return (column, row) => ["best", "second"][marks.get(column.key)?.indexOf(column.value(row)) ?? -1] ?? "";
}

function rankingRow(row, columns, mark) {
  const cells = columns.map((column) => {
    if (column.name) {
      return el("th", { scope: "row", class: "name" },
        el("button", { type: "button", class: "link", ...provenance(row) }, row.run));
    }
    const text = column.show(row);
    const names = [column.number ? "num" : "", column.long ? "text" : "", mark(column, row)];
    return el("td", { class: names.filter(Boolean).join(" ") || null, title: column.long && text ? text : null }, text);
  });
  return el("tr", { class: row.own ? "own" : null }, cells);
}

function rankingBody(section, columns) {
  const column = columns.find(({ key }) => key === order.column) ?? columns[0];
  const chosen = filtered(section);
  return Object.entries(INITS).flatMap(([init, { title, hint }]) => {
    const all = section.rows.filter((row) => row.init === init);
    const rows = chosen.filter((row) => row.init === init).sort(compare(column, order.down));
    if (!rows.length) return [];
    const mark = marksOf(all, columns);
    const heading = el("tr", { class: "group" },
      el("th", { colspan: columns.length, scope: "rowgroup" },
        el("span", null, `${title} `, el("small", null, `${hint}; ${rows.length} of ${all.length}`))));
    return [el("tbody", { "data-init": init }, heading, rows.map((row) => rankingRow(row, columns, mark)))];
  });
}

function rankingHead(columns, sortBy) {
  return el("thead", null, el("tr", null, columns.map((column) => {
    const sorted = order.column === column.key ? (order.down ? "descending" : "ascending") : null;
    const arrow = sorted ? el("span", { "aria-hidden": "true" }, order.down ? " ↓" : " ↑") : null;
    return el("th", { scope: "col", class: column.name ? "name" : column.number ? "num" : null, "aria-sort": sorted },
      el("button", { type: "button", "data-column": column.key, onclick: () => sortBy(column) }, column.heading, arrow));
  })));
}

function drawTable() {
  const { section } = state;
  const columns = columnsOf(section);
  const table = el("table", null, el("caption", { class: "hidden" }, section.title));
  const count = el("p", { class: "count", role: "status" });
  const redraw = () => {
    const bodies = rankingBody(section, columns);
    table.replaceChildren(table.caption, rankingHead(columns, sortBy), ...bodies);
    const shown = bodies.reduce((sum, body) => sum + body.rows.length - 1, 0);
    count.textContent = `${shown} of ${section.rows.length} methods`
      + (shown ? "" : ": nothing matches, clear a filter");
  };
  const sortBy = (column) => {
    order.down = order.column === column.key ? !order.down : Boolean(column.high);
    order.column = column.key;
    redraw();
    table.querySelector(`[data-column="${column.key}"]`).focus({ preventScroll: true });
  };
  redraw();
  $("table").replaceChildren(
    filterControls(section, redraw),
    el("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": "Ranking, scrolls sideways" }, table),
    count,
    el("p", { class: "hint" }, "Tinted rows are runs made here; the others are cited. Point at a method, or go to it "
      + "with Tab, to see where its numbers come from; press it for everything. A heading sorts within each "
      + "initialisation. Bold is the best of an initialisation, underlined the second best"
      + `${section.lower.length ? `; of ${section.boxes ? section.lower.join(", ") : "decays"} the lowest` : ""}.`));
}
