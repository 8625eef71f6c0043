// Overlay, ground truth and difference side by side, frame by frame.

// The palette of DAVIS: three bits of the index per channel, the highest first.
function paletteColour(index) {
  const colour = [0, 0, 0];
  for (let level = 0; level < 3; level++) {
    for (let channel = 0; channel < 3; channel++) {
      colour[channel] |= ((index >> (3 * level + channel)) & 1) << (7 - level);
    }
  }
  return index < 22 ? colour.map((v) => (v === 192 ? 191 : v)) : [index, index, index];
}

// As `vostool show` has them; told apart in every form of colour blindness (Okabe and Ito 2008).
const EXTRA = [230, 159, 0];
const MISSED = [86, 180, 233];
const OTHER_ID = [240, 228, 66];
const AGREES = [255, 255, 255];

const unpacked = new WeakMap(); // clip -> name -> promise of its label maps

function labelsOf(clip, name) {
  if (!unpacked.has(clip)) unpacked.set(clip, new Map());
  const known = unpacked.get(clip);
  if (!known.has(name)) {
    const [width, height] = clip.size;
    const packed = name === null ? clip.truth : clip.masks[name];
    known.set(name, unpackLabels(packed, width * height * clip.names.length));
  }
  return known.get(name);
}

const pictures = new WeakMap(); // clip -> promises of its pictures

function pictureOf(clip, i) {
  if (!pictures.has(clip)) pictures.set(clip, []);
  const known = pictures.get(clip);
  known[i] ??= new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => resolve(null); // the folder beside the page is not there
    image.src = clip.images[i];
  });
  return known[i];
}

/** Colours of an overlay: objects tinted, their edges opaque. */
function overlayPixels(labels, width, height) {
  const pixels = new ImageData(width, height);
  labels.forEach((id, i) => {
    if (!id) return;
    const x = i % width;
    const edge = (x > 0 && labels[i - 1] !== id) || (x < width - 1 && labels[i + 1] !== id)
      || (i >= width && labels[i - width] !== id) || (i + width < labels.length && labels[i + width] !== id);
    pixels.data.set([...paletteColour(id), edge ? 255 : 115], 4 * i);
  });
  return pixels;
}

/** Colours of a difference between what a run says and the ground truth. */
function differencePixels(labels, truth, width, height) {
  const pixels = new ImageData(width, height);
  labels.forEach((id, i) => {
    const right = truth[i];
    if (!id && !right) return;
    const colour = id === right ? AGREES : !right ? EXTRA : !id ? MISSED : OTHER_ID;
    pixels.data.set([...colour, id === right ? 70 : 215], 4 * i);
  });
  return pixels;
}

/** Draw a frame with coloured pixels over it; `dim` makes the frame grey and dark. */
async function drawView(canvas, picture, pixels, dim) {
  const context = canvas.getContext("2d");
  context.filter = dim ? "grayscale(1) brightness(.55)" : "none";
  context.fillStyle = "#777";
  context.fillRect(0, 0, canvas.width, canvas.height);
  if (picture) context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  context.filter = "none";
  const layer = new OffscreenCanvas(canvas.width, canvas.height);
  layer.getContext("2d").putImageData(pixels, 0, 0);
  context.drawImage(layer, 0, 0);
}

function view(clip, title) {
  const [width, height] = clip.size;
  const canvas = el("canvas", { width, height, role: "img", "aria-label": title });
  return { canvas, figure: el("figure", null, el("figcaption", null, title), canvas) };
}

/** One row of views of a run; returns its element and what draws a frame. */
function runViews(clip, run, letter) {
  const [width, height] = clip.size;
  const views = [`${letter} ${run}`, "ground truth", `${letter} against ground truth`].map((title) => view(clip, title));
  const draw = async (i) => {
    const [mine, truth, picture] = await Promise.all([labelsOf(clip, run), labelsOf(clip, null), pictureOf(clip, i)]);
    if (clip.names[i] !== state.frame) return; // somebody went on meanwhile
    const slice = (labels) => labels.subarray(i * width * height, (i + 1) * width * height);
    drawView(views[0].canvas, picture, overlayPixels(slice(mine), width, height), false);
    drawView(views[1].canvas, picture, overlayPixels(slice(truth), width, height), false);
    drawView(views[2].canvas, picture, differencePixels(slice(mine), slice(truth), width, height), true);
  };
  return { element: el("div", { class: "views" }, views.map(({ figure }) => figure)), draw };
}

function viewerLegend() {
  const item = (colour, text) => {
    const swatch = el("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.background = `rgb(${colour.join(" ")})`;
    return el("li", null, swatch, text);
  };
  return el("ul", { class: "legend", "aria-label": "Colours of the difference" },
    item(EXTRA, "the run alone: false alarm"), item(MISSED, "the ground truth alone: missed"),
    item(OTHER_ID, "another object"), item([180, 180, 180], "both agree: brighter"));
}

function drawViewer(clip) {
  const { frames, notes, mostRuns } = DATA.about;
  if (!clip) {
    const text = frames === "none"
      ? "This page was made without pictures (--frames none)."
      : ["No pictures of this sequence: its frames are not on the machine that made the page, or did not fit.", ...notes].join(" ");
    $("viewer").replaceChildren(el("p", { class: "note" }, text));
    return;
  }
  const letters = [["A", state.a], ["B", state.b]].filter(([, place]) => place !== null);
  const rows = letters.map(([letter, place]) => {
    const { run } = state.section.rows[place];
    if (!Object.hasOwn(clip.masks, run)) {
      const text = `The masks of ${letter}, ${run}, are not in this page: it has those of at most ${mostRuns} runs, `
        + "the best, as far as they were on the machine that made it.";
      return { element: el("p", { class: "note" }, text) };
    }
    return runViews(clip, run, letter);
  });
  state.onframe.push((name) => {
    const i = clip.names.indexOf(name);
    for (const row of rows) if (i >= 0) row.draw?.(i);
  });
  $("viewer").replaceChildren(...rows.map(({ element }) => element), viewerLegend());
}
