const POINTS = 60;
const [WIDTH, HEIGHT] = [120, 40];

/** A line of the newest values, from 0 up to a little above the highest. */
export class Trace {
  #values = [];
  #area;
  #line;

  /** @param {SVGSVGElement} svg with two paths, the area and the line, in a box of 120 by 40 */
  constructor(svg) {
    [this.#area, this.#line] = svg.querySelectorAll("path");
  }

  /** @param {number} value the newest; the oldest of 60 goes */
  add(value) {
    this.#values = [...this.#values, value].slice(-POINTS);
    this.#draw();
  }

  clear() {
    this.#values = [];
    this.#draw();
  }

  #draw() {
    const top = Math.max(1, ...this.#values) * 1.15;
    const first = POINTS - this.#values.length;
    const x = (index) => (((first + index) * WIDTH) / (POINTS - 1)).toFixed(2);
    const points = this.#values.map((value, index) => `${x(index)},${(HEIGHT - (value / top) * HEIGHT).toFixed(2)}`);
    const line = points.length > 1 ? `M${points.join("L")}` : "";
    this.#line.setAttribute("d", line);
    this.#area.setAttribute("d", line && `${line}V${HEIGHT}H${x(0)}Z`);
  }
}
