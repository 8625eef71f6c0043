// Axes and colours.

/** Map a range onto another, linear or by logarithm. */
function scale(low, high, from, to, log = false) {
  const f = log ? Math.log10 : (x) => x;
  const span = f(high) - f(low) || 1;
  return (value) => from + ((f(value) - f(low)) / span) * (to - from);
}

/** Round numbers between two ends, about `count` of them. */
function ticks(low, high, count = 5) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  const found = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + 1e-9; tick += step) {
    found.push(Math.round(tick * 1e6) / 1e6);
  }
  return found;
}

/** 1, 10, 100, ... between two ends; 2 and 5 too where these are few. */
function logTicks(low, high) {
  const found = [];
  const factors = high / low > 300 ? [1] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    for (const factor of factors) {
      const tick = factor * 10 ** power;
      if (tick >= low && tick <= high) found.push(tick);
    }
  }
  return found;
}

const short = (value) =>
  value >= 1000 ? `${value / 1000}k` : String(Math.round(value * 1000) / 1000);

// Cividis (Nunez et al. 2018) in nine steps: it reads alike in every form of colour blindness.
const SCORE_COLOURS = [
  [0, 32, 77], [25, 52, 107], [65, 77, 108], [96, 100, 110], [124, 123, 120],
  [155, 148, 118], [188, 174, 108], [221, 203, 84], [255, 234, 70],
];
// What an attribute costs: blue where scores rise with it, orange where they fall.
const COST_COLOURS = [[33, 102, 172], [146, 197, 222], [244, 244, 244], [244, 165, 96], [178, 80, 10]];

function colourAt(colours, share) {
  const at = Math.min(Math.max(share, 0), 1) * (colours.length - 1);
  const low = Math.min(Math.floor(at), colours.length - 2);
  return colours[low].map((from, i) => Math.round(from + (at - low) * (colours[low + 1][i] - from)));
}

function luminance(colour) {
  const [r, g, b] = colour.map((c) => (c <= 10 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Colour a cell, with the ink that is read best on it. */
function paint(cell, colour) {
  cell.style.background = `rgb(${colour.join(" ")})`;
  cell.style.color = luminance(colour) > 0.18 ? "#000" : "#fff";
}
