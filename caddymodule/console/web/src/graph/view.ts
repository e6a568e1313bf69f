// Which part of the graph is seen. Panning and zooming set one transform, and render nothing again.
import type { Point } from "../flow/document";
import type { Bounds } from "./layout";

export const minZoom = 0.05;
export const maxZoom = 2.5;

export class View {
  /** Where the graph's origin is on the screen, from the corner of the frame. */
  private x = 0;
  private y = 0;
  private k = 1;
  private bounds: Bounds = { x: 0, y: 0, width: 0, height: 0 };
  private pending = false;
  private moving: ReturnType<typeof setTimeout> | undefined;
  private touched = false;

  /** zoomed is called with the zoom after it has changed. */
  constructor(
    private readonly frame: HTMLElement,
    private readonly canvas: SVGSVGElement,
    private readonly zoomed: (k: number) => void,
  ) {}

  get zoom(): number {
    return this.k;
  }

  /** The graph's coordinates of a point of the window. */
  toGraph(p: { clientX: number; clientY: number }): Point {
    const box = this.frame.getBoundingClientRect();
    return { x: (p.clientX - box.left - this.x) / this.k, y: (p.clientY - box.top - this.y) / this.k };
  }

  /** Notes what is drawn. What is seen stays where it is. */
  draw(bounds: Bounds): void {
    this.bounds = bounds;
    this.apply();
  }

  pan(dx: number, dy: number): void {
    this.touched = true;
    this.x += dx;
    this.y += dy;
    this.keep();
    this.later();
  }

  /** Zooms by a factor, around a point of the window or the middle. */
  zoomBy(factor: number, around?: { clientX: number; clientY: number }): void {
    this.touched = true;
    const box = this.frame.getBoundingClientRect();
    const cx = around ? around.clientX - box.left : box.width / 2;
    const cy = around ? around.clientY - box.top : box.height / 2;
    const k = Math.min(maxZoom, Math.max(minZoom, this.k * factor));
    this.x = cx - ((cx - this.x) * k) / this.k;
    this.y = cy - ((cy - this.y) * k) / this.k;
    this.k = k;
    this.keep();
    this.later();
    this.zoomed(k);
  }

  /** Shows the whole graph. */
  fit(): void {
    this.show(Math.max(minZoom, this.whole()));
    this.touched = false;
  }

  /** Shows the whole graph if it can be read then, else its beginning, unless somebody has moved it. */
  begin(start: Point | undefined): void {
    if (this.touched) return;
    this.show(Math.max(0.55, this.whole()), start);
  }

  private whole(): number {
    const { clientWidth: w, clientHeight: h } = this.frame;
    return Math.min(1, w / Math.max(1, this.bounds.width), h / Math.max(1, this.bounds.height));
  }

  private show(k: number, start?: Point): void {
    const { clientWidth: w, clientHeight: h } = this.frame;
    const b = this.bounds;
    this.k = k;
    this.x = b.width * k <= w ? (w - b.width * k) / 2 - b.x * k : 24 - (start?.x ?? b.x) * k;
    this.y =
      b.height * k <= h
        ? (h - b.height * k) / 2 - b.y * k
        : start
          ? h / 2 - start.y * k
          : (h - b.height * k) / 2 - b.y * k;
    this.apply();
    this.zoomed(k);
  }

  /** Moves as little as needed for a box to be seen. */
  reveal(box: Bounds): void {
    const margin = 32;
    const { clientWidth: w, clientHeight: h } = this.frame;
    if (this.sees(this.bounds)) return;
    const move = (from: number, size: number, room: number): number => {
      const start = from - margin;
      const end = from + size + margin;
      if (end - start > room || start < 0) return -start;
      return end > room ? room - end : 0;
    };
    const dx = move(this.x + box.x * this.k, box.width * this.k, w);
    const dy = move(this.y + box.y * this.k, box.height * this.k, h);
    if (dx || dy) this.pan(dx, dy);
  }

  private sees(box: Bounds): boolean {
    const { clientWidth: w, clientHeight: h } = this.frame;
    const x = this.x + box.x * this.k;
    const y = this.y + box.y * this.k;
    return x >= -1 && y >= -1 && x + box.width * this.k <= w + 1 && y + box.height * this.k <= h + 1;
  }

  /** Keeps a part of the graph in the frame: nobody gets lost. */
  private keep(): void {
    const { clientWidth: w, clientHeight: h } = this.frame;
    const b = this.bounds;
    const edge = 80;
    this.x = Math.min(w - edge - b.x * this.k, Math.max(edge - (b.x + b.width) * this.k, this.x));
    this.y = Math.min(h - edge - b.y * this.k, Math.max(edge - (b.y + b.height) * this.k, this.y));
  }

  private later(): void {
    // While it moves it is a layer of its own; afterwards it is drawn sharply at its new size.
    if (this.moving === undefined) this.canvas.style.willChange = "transform";
    clearTimeout(this.moving);
    this.moving = setTimeout(() => {
      this.moving = undefined;
      this.canvas.style.willChange = "";
    }, 250);
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.apply();
    });
  }

  private apply(): void {
    const b = this.bounds;
    const [x, y] = [this.x + b.x * this.k, this.y + b.y * this.k];
    this.canvas.style.transform = `translate(${x}px, ${y}px) scale(${this.k})`;
  }
}
