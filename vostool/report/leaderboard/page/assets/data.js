// The data of the page. Numbers come as they are printed, so that nothing is rounded twice.

const DATA = JSON.parse(document.getElementById("data").textContent);
const NONE = 65535; // a frame that does not count for an object
const blocks = new Map();

/** Parse a block of the page once, when it is first needed; null if the page has none. */
function block(id) {
  if (!blocks.has(id)) {
    const element = document.getElementById(id);
    blocks.set(id, element && JSON.parse(element.textContent));
  }
  return blocks.get(id);
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/**
 * Values of one run on one sequence, in percent.
 * Returns {frames: [name], objects: [id], value(measure, object, frame)}, or null if there are none;
 * measure is 0 for J and 1 for F, object and frame are places, and a missing value is null.
 */
function valuesOf(place, row, sequence) {
  const values = block(`values-${place}`);
  const packed = values?.rows[row]?.[sequence];
  if (!packed) return null;
  const { objects, frames } = values.keys[sequence];
  const view = new DataView(bytesOf(packed).buffer);
  const value = (measure, object, frame) => {
    const stored = view.getUint16(2 * ((2 * object + measure) * frames.length + frame), true);
    return stored === NONE ? null : stored / 10;
  };
  return { frames, objects, value };
}

/** The runs and sequences of a section that have values per frame. */
function valuedRows(place) {
  return Object.keys(block(`values-${place}`)?.rows ?? {}).map(Number);
}

/** The clip of a sequence: pictures and packed label maps; null if the page has none. */
function clipOf(section, sequence) {
  const id = DATA.about.clips[`${section.folder}/${sequence}`];
  return id ? block(id) : null;
}

/**
 * Unpack label maps: run lengths in a zlib stream, see viewer.py.
 * Returns a promise of frames * height * width object ids.
 */
async function unpackLabels(base64, count) {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const packed = new Uint8Array(await new Response(stream).arrayBuffer());
  const runs = new DataView(packed.buffer).getUint32(0, true);
  const labels = new Uint8Array(count);
  let from = 4 + runs;
  let start = 0;
  for (let run = 0; run < runs; run++) {
    let length = 0;
    let shift = 0;
    let byte;
    do {
      byte = packed[from++];
      length += (byte & 127) * 2 ** shift;
      shift += 7;
    } while (byte > 127);
    labels.fill(packed[4 + run], start, start + length);
    start += length;
  }
  return labels;
}
