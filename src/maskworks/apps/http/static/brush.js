// Strokes as the server draws them: the same numbers, on the smaller matte that is shown.

export class Drawing {
  constructor() { this.reset([]); }

  reset(strokes) {
    this.strokes = strokes;
    this.undone = [];
  }

  add(stroke) {
    this.strokes.push(stroke);
    this.undone = [];
  }

  undo() {
    const last = this.strokes.pop();
    if (last) this.undone.push(last);
    return Boolean(last);
  }

  redo() {
    const again = this.undone.pop();
    if (again) this.strokes.push(again);
    return Boolean(again);
  }

  get hasClicks() { return this.strokes.some(isClick); }
}

export const isClick = stroke => stroke.kind === "foreground" || stroke.kind === "background";

// Paint a stroke given in pixels of the whole photo into alpha (width x height), `whole` to one.
export function paint(alpha, [width, height], stroke, whole) {
  const radius = stroke.size / 2 / whole, points = stroke.points.map(([x, y]) => [x / whole, y / whole]);
  const reach = radius + 1;
  const xs = points.map(p => p[0]), ys = points.map(p => p[1]);
  const left = Math.max(0, Math.floor(Math.min(...xs) - reach)), right = Math.min(width, Math.ceil(Math.max(...xs) + reach));
  const top = Math.max(0, Math.floor(Math.min(...ys) - reach)), bottom = Math.min(height, Math.ceil(Math.max(...ys) + reach));
  const fall = Math.max(1 / whole, radius * stroke.soft), hard = stroke.soft === 0 ? 1 : 0;
  for (let n = 0; n < points.length; n++) {
    const [ax, ay] = points[Math.max(0, n - 1)], [bx, by] = points[n];
    const x0 = Math.max(left, Math.floor(Math.min(ax, bx) - reach)), x1 = Math.min(right, Math.ceil(Math.max(ax, bx) + reach));
    const y0 = Math.max(top, Math.floor(Math.min(ay, by) - reach)), y1 = Math.min(bottom, Math.ceil(Math.max(ay, by) + reach));
    const dx = bx - ax, dy = by - ay, long = dx * dx + dy * dy;
    for (let y = y0; y < y1; y++) {
      for (let x = x0; x < x1; x++) {
        const t = long ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / long)) : 0;
        const away = Math.hypot(x - ax - t * dx, y - ay - t * dy);
        const value = Math.min(1, Math.max(0, (radius - away) / fall + hard)), i = y * width + x;
        alpha[i] = stroke.kind === "add" ? Math.max(alpha[i], value) : Math.min(alpha[i], 1 - value);
      }
    }
  }
}
