/* The frame and the boxes on it: drawn with mouse, pen or finger, or with the keyboard. */

const LEAST = 4; // pixels of the video that a box must have on each side

export class Stage {
  constructor(element, { onBox, onStep, onPlay }) {
    this.element = element;
    [this.picture, this.layer] = element.querySelectorAll("canvas");
    this.size = [1, 1]; // width and height of the video
    this.draft = null; // x, y, w, h in pixels of the video
    this.boxes = []; // { box, color, label }
    this.color = "#fff";
    this.enabled = true;
    this.onBox = onBox;
    element.addEventListener("pointerdown", (event) => this.begin(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", (event) => this.end(event));
    element.addEventListener("pointercancel", () => this.drop());
    element.addEventListener("keydown", (event) => this.key(event, onStep, onPlay));
    new ResizeObserver(() => this.draw()).observe(element);
  }

  show(image) {
    const canvas = this.picture;
    if (canvas.width !== image.width || canvas.height !== image.height) {
      canvas.width = image.width;
      canvas.height = image.height;
      this.draw();
    }
    canvas.getContext("2d").drawImage(image, 0, 0);
  }

  /* Where the video is on the element, which may be wider than it: left, top, scale. */
  place() {
    const [width, height] = this.size;
    const there = this.element.getBoundingClientRect();
    const scale = Math.min(there.width / width, there.height / height);
    return [(there.width - width * scale) / 2, (there.height - height * scale) / 2, scale];
  }

  point(event) {
    const there = this.element.getBoundingClientRect();
    const [left, top, scale] = this.place();
    const x = (event.clientX - there.left - left) / scale;
    const y = (event.clientY - there.top - top) / scale;
    return [Math.min(Math.max(x, 0), this.size[0]), Math.min(Math.max(y, 0), this.size[1])];
  }

  begin(event) {
    if (!this.enabled || (event.pointerType === "mouse" && event.button !== 0)) return;
    this.element.focus({ preventScroll: true });
    this.element.setPointerCapture(event.pointerId);
    this.start = this.point(event);
    event.preventDefault();
  }

  move(event) {
    if (!this.start) return;
    const [x, y] = this.point(event);
    const [a, b] = this.start;
    this.draft = [Math.min(a, x), Math.min(b, y), Math.abs(x - a), Math.abs(y - b)];
    this.draw();
  }

  end(event) {
    if (!this.start) return;
    this.move(event);
    this.start = null;
    this.keep();
  }

  keep() {
    const box = this.draft;
    this.drop();
    if (box && box[2] >= LEAST && box[3] >= LEAST) this.onBox(box.map((side) => Math.round(side * 10) / 10));
  }

  drop() {
    this.start = null;
    this.draft = null;
    this.draw();
  }

  key(event, onStep, onPlay) {
    const [width, height] = this.size;
    const step = Math.max(1, Math.round(Math.min(width, height) / 100));
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const [dx, dy] = arrows[event.key] || [];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "b" || event.key === "B") {
      if (!this.enabled) return;
      this.draft = [width * 0.4, height * 0.4, width * 0.2, height * 0.2].map(Math.round);
    } else if (this.draft && dx !== undefined) {
      let [x, y, w, h] = this.draft;
      if (event.shiftKey) [w, h] = [w + dx * step, h + dy * step];
      else [x, y] = [x + dx * step, y + dy * step];
      w = Math.min(Math.max(w, LEAST), width);
      h = Math.min(Math.max(h, LEAST), height);
      this.draft = [Math.min(Math.max(x, 0), width - w), Math.min(Math.max(y, 0), height - h), w, h];
    } else if (this.draft && event.key === "Enter") {
      this.keep();
    } else if (this.draft && event.key === "Escape") {
      this.drop();
    } else if (dx) {
      onStep(dx);
    } else if (event.key === " ") {
      onPlay();
    } else {
      return;
    }
    event.preventDefault();
    this.draw();
  }

  draw() {
    const there = this.element.getBoundingClientRect();
    const sharp = window.devicePixelRatio || 1;
    this.layer.width = Math.max(1, Math.round(there.width * sharp));
    this.layer.height = Math.max(1, Math.round(there.height * sharp));
    const pen = this.layer.getContext("2d");
    const [left, top, scale] = this.place();
    pen.scale(sharp, sharp);
    const all = this.boxes.map((each) => ({ ...each, dash: [6, 4] }));
    if (this.draft) all.push({ box: this.draft, color: this.color, label: "", dash: [] });
    for (const { box, color, label, dash } of all) {
      const [x, y, w, h] = box.map((side) => side * scale);
      for (const [ink, line] of [["#101014", 4], [color, 2]]) {
        pen.strokeStyle = ink;
        pen.lineWidth = line;
        pen.setLineDash(ink === color ? dash : []);
        pen.strokeRect(left + x, top + y, w, h);
      }
      if (label) {
        pen.font = "600 13px system-ui, sans-serif";
        const wide = pen.measureText(label).width + 10;
        pen.fillStyle = color;
        pen.fillRect(left + x, Math.max(0, top + y - 20), wide, 19);
        pen.fillStyle = "#101014";
        pen.fillText(label, left + x + 5, Math.max(0, top + y - 20) + 14);
      }
    }
  }
}
