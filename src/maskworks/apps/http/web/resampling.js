/**
 * Resizing as the Python package does it, value for value, so that a browser's matte is Python's.
 *
 * `shrink` is maskworks.models.families.resampling.shrink: groups of rows averaged first, then a
 * triangle filter in fixed point with 22 bits, along one side after the other, rounded to whole grey
 * levels in between, as Pillow does it for 8 bits. `enlarge` is the function of that name there.
 */

const BITS = 22;
const GAP = 2;

/** For each of `size` new positions: the first old one, and the weights of those from there on. */
function filterOf(from, low, high, size) {
  const scale = (high - low) / size;
  const wide = Math.max(1, scale);
  const taps = [];
  for (let at = 0; at < size; at++) {
    const centre = low + (at + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - wide + 0.5));
    const last = Math.min(from, Math.trunc(centre + wide + 0.5));
    const weights = new Float64Array(last - first);
    let sum = 0;
    for (let k = 0; k < weights.length; k++) {
      weights[k] = Math.max(0, 1 - Math.abs((k + first - centre + 0.5) / wide));
      sum += weights[k];
    }
    if (sum) for (let k = 0; k < weights.length; k++) weights[k] /= sum;
    taps.push({ first, weights });
  }
  return taps;
}

const fixed = (taps) =>
  taps.map(({ first, weights }) => ({
    first,
    weights: Int32Array.from(weights, (w) => Math.trunc(w < 0 ? w * (1 << BITS) - 0.5 : w * (1 << BITS) + 0.5)),
  }));

/** Mean of `group` rows each; a shorter last group repeats its last row. Four values a pixel. */
function averageRows(data, width, height, group) {
  const rows = Math.ceil(height / group), line = width * 4;
  const out = new Uint8ClampedArray(rows * line);
  const shift = Math.log2(group);
  for (let row = 0; row < rows; row++) {
    for (let x = 0; x < line; x++) {
      let sum = group >> 1;
      for (let k = 0; k < group; k++) sum += data[Math.min(height - 1, row * group + k) * line + x];
      out[row * line + x] = sum >> shift;
    }
  }
  return out;
}

/**
 * Resize RGBA pixels to `width` x `height`; alpha comes along and is not used.
 * @param {ImageData} image
 * @returns {Uint8ClampedArray} RGBA, height * width * 4
 */
export function shrink(image, width, height) {
  let { data } = image;
  const columns = image.width;
  let rows = image.height;
  if (columns === width && rows === height) return data;
  let group = 1;
  while (group < 64 && rows / (group * 2) >= GAP * height && rows >= group * 2) group *= 2;
  const covered = rows / group;
  if (group > 1) {
    data = averageRows(data, columns, rows, group);
    rows = Math.ceil(rows / group);
  }
  const high = Math.min(covered, rows);
  const across = columns === width ? null : fixed(filterOf(columns, 0, columns, width));
  const down = rows === height && high === height ? null : fixed(filterOf(rows, 0, high, height));
  if (across && down && rowsFirst(columns, rows, width, height)) return alongX(alongY(data, columns, down), columns, across);
  const middle = across ? alongX(data, columns, across) : data;
  return down ? alongY(middle, width, down) : middle;
}

/**
 * Whether Pillow 13 filters rows before columns: where that is less work. Found from its answers, as
 * the rounding in between tells the two apart; a tap along y counts as much as 2.17 along x.
 */
function rowsFirst(columns, rows, width, height) {
  const taps = (old, size) => 2 * Math.max(1, old / size);
  const more = 2.17 * height * taps(rows, height) * (columns - width);
  return height < rows && more < width * taps(columns, width) * (rows - height);
}

const HALF = 1 << (BITS - 1);

/** Filter RGBA pixels of `columns` a row along x. */
function alongX(data, columns, taps) {
  const width = taps.length, rows = data.length / 4 / columns;
  const out = new Uint8ClampedArray(rows * width * 4);
  for (let row = 0; row < rows; row++) {
    for (let x = 0; x < width; x++) {
      const { first, weights } = taps[x];
      for (let c = 0; c < 3; c++) {
        let sum = HALF;
        for (let k = 0; k < weights.length; k++) sum += data[(row * columns + first + k) * 4 + c] * weights[k];
        out[(row * width + x) * 4 + c] = sum >> BITS;
      }
    }
  }
  return out;
}

/** Filter RGBA pixels of `columns` a row along y. */
function alongY(data, columns, taps) {
  const out = new Uint8ClampedArray(taps.length * columns * 4);
  taps.forEach(({ first, weights }, row) => {
    for (let x = 0; x < columns; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = HALF;
        for (let k = 0; k < weights.length; k++) sum += data[((first + k) * columns + x) * 4 + c] * weights[k];
        out[(row * columns + x) * 4 + c] = sum >> BITS;
      }
    }
  });
  return out;
}

/** For each new position the old one before it, and the share of the one after. */
function neighbours(size, old) {
  const before = new Int32Array(size), share = new Float32Array(size);
  for (let at = 0; at < size; at++) {
    const centre = Math.min(old - 1, Math.max(0, (at + 0.5) * (old / size) - 0.5));
    before[at] = Math.max(0, Math.min(Math.trunc(centre), old - 2));
    share[at] = centre - before[at];
  }
  return { before, share };
}

/** A map by the triangle filter, for a side that becomes smaller. */
function filtered(map, w, h, width, height) {
  const across = filterOf(w, 0, w, width), down = filterOf(h, 0, h, height);
  const middle = new Float32Array(h * width), out = new Float32Array(height * width);
  let low = Infinity, high = -Infinity;
  for (const value of map) { low = Math.min(low, value); high = Math.max(high, value); }
  const mix = (values, start, step, weights) => {
    let sum = 0;
    for (let k = 0; k < weights.length; k++) sum += values[start + k * step] * weights[k];
    return sum;
  };
  for (let row = 0; row < h; row++)
    for (let x = 0; x < width; x++) middle[row * width + x] = mix(map, row * w + across[x].first, 1, across[x].weights);
  for (let row = 0; row < height; row++)
    for (let x = 0; x < width; x++) {
      const value = mix(middle, down[row].first * width + x, width, down[row].weights);
      out[row * width + x] = Math.min(high, Math.max(low, value));
    }
  return out;
}

/**
 * Resize a map of `w` x `h` values bilinearly, pixel centres aligned, the edge repeated.
 * @returns {Float32Array} height * width
 */
export function enlarge(map, w, h, width, height) {
  if (w === width && h === height) return map;
  if (w > width || h > height) return filtered(map, w, h, width, height);
  const across = neighbours(width, w), down = neighbours(height, h);
  const wide = new Float32Array(h * width);
  for (let row = 0; row < h; row++)
    for (let x = 0; x < width; x++) {
      const left = row * w + across.before[x], share = across.share[x];
      wide[row * width + x] = map[left] * (1 - share) + map[left + (w > 1)] * share;
    }
  const out = new Float32Array(height * width);
  for (let row = 0; row < height; row++) {
    const above = down.before[row] * width, below = above + (h > 1 ? width : 0), share = down.share[row];
    for (let x = 0; x < width; x++) out[row * width + x] = wide[above + x] * (1 - share) + wide[below + x] * share;
  }
  return out;
}
