/**
 * Single-channel fields of numbers over a picture's grid, and the filters the transformer is made of.
 * Owns: the Field type, arithmetic, blurs, resampling, the guided filter. Does not own: distances, regions, colours.
 */

/** Row-major samples, `width * height` of them. */
export interface Field {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

export function clamp(value: number, low = 0, high = 1): number {
  return value < low ? low : Math.min(value, high);
}

/** 0 at `from`, 1 at `to`, without a kink at either; `from` may be the larger one. */
export function smoothstep(from: number, to: number, value: number): number {
  const t = clamp((value - from) / (to - from));
  return t * t * (3 - 2 * t);
}

export function createField(width: number, height: number, fill = 0): Field {
  const data = new Float32Array(width * height);
  return { width, height, data: fill === 0 ? data : data.fill(fill) };
}

/** A new field with `fn` of every sample. */
export function mapField(field: Field, fn: (value: number, index: number) => number): Field {
  const { width, height, data } = field;
  const out = createField(width, height);
  for (let i = 0; i < data.length; i++) out.data[i] = fn(data[i]!, i);
  return out;
}

/** A new field computed from the coordinates of each sample. */
export function fieldOf(
  width: number,
  height: number,
  fn: (x: number, y: number, index: number) => number,
): Field {
  const out = createField(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) out.data[y * width + x] = fn(x, y, y * width + x);
  }
  return out;
}

export function maxOf(field: Field): number {
  let max = Number.NEGATIVE_INFINITY;
  for (const value of field.data) if (value > max) max = value;
  return max;
}

/** Mean over a square window of `2 * radius + 1`; beyond the edge the edge's sample repeats. */
export function boxBlur(field: Field, radius: number): Field {
  return radius < 1 ? mapField(field, (value) => value) : blurColumns(blurRows(field, radius), radius);
}

function blurRows({ width, height, data }: Field, radius: number): Field {
  const out = createField(width, height);
  const scale = 1 / (2 * radius + 1);
  const last = width - 1;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let sum = 0;
    for (let k = -radius; k <= radius; k++) sum += data[row + clamp(k, 0, last)]!;
    for (let x = 0; x < width; x++) {
      out.data[row + x] = sum * scale;
      sum += data[row + Math.min(x + radius + 1, last)]! - data[row + Math.max(x - radius, 0)]!;
    }
  }
  return out;
}

/** Goes row by row with one running sum a column: the memory is read in order. */
function blurColumns({ width, height, data }: Field, radius: number): Field {
  const out = createField(width, height);
  const sums = new Float64Array(width);
  const scale = 1 / (2 * radius + 1);
  const last = height - 1;
  for (let k = -radius; k <= radius; k++) {
    const row = clamp(k, 0, last) * width;
    for (let x = 0; x < width; x++) sums[x] = sums[x]! + data[row + x]!;
  }
  for (let y = 0; y < height; y++) {
    const enter = Math.min(y + radius + 1, last) * width;
    const leave = Math.max(y - radius, 0) * width;
    for (let x = 0; x < width; x++) {
      out.data[y * width + x] = sums[x]! * scale;
      sums[x] = sums[x]! + data[enter + x]! - data[leave + x]!;
    }
  }
  return out;
}

/** Three box blurs: a Gaussian of about `sigma` samples, at the least the smallest box. */
export function gaussianBlur(field: Field, sigma: number): Field {
  const radius = Math.max(1, Math.round(sigma * 1.2));
  return boxBlur(boxBlur(boxBlur(field, radius), radius), radius);
}

/** Bilinear. Where it shrinks by more than half, blur before. */
export function resizeField(field: Field, width: number, height: number): Field {
  const { data } = field;
  const out = createField(width, height);
  const columns = Array.from({ length: width }, (_, x) => sourceOf(x, width, field.width));
  for (let y = 0; y < height; y++) {
    const row = sourceOf(y, height, field.height);
    const top = row.first * field.width;
    const bottom = row.second * field.width;
    for (let x = 0; x < width; x++) {
      const column = columns[x]!;
      const upper = mix(data[top + column.first]!, data[top + column.second]!, column.part);
      const lower = mix(data[bottom + column.first]!, data[bottom + column.second]!, column.part);
      out.data[y * width + x] = mix(upper, lower, row.part);
    }
  }
  return out;
}

function sourceOf(index: number, size: number, sourceSize: number) {
  const at = clamp(((index + 0.5) * sourceSize) / size - 0.5, 0, sourceSize - 1);
  const first = Math.floor(at);
  return { first, second: Math.min(sourceSize - 1, first + 1), part: at - first };
}

export function mix(a: number, b: number, part: number): number {
  return a + (b - a) * part;
}

/** Edge-preserving smoothing of `field` along the edges of `guide`, both 0..1 and of one size. */
export function guidedFilter(guide: Field, field: Field, radius: number, epsilon: number): Field {
  const blur = (values: Field): Field => boxBlur(values, radius);
  const meanGuide = blur(guide).data;
  const meanField = blur(field).data;
  const meanProduct = blur(mapField(guide, (value, i) => value * field.data[i]!)).data;
  const meanSquare = blur(mapField(guide, (value) => value * value)).data;
  const slope = mapField(guide, (_, i) => {
    const variance = meanSquare[i]! - meanGuide[i]! ** 2;
    return (meanProduct[i]! - meanGuide[i]! * meanField[i]!) / (variance + epsilon);
  });
  const offset = mapField(slope, (value, i) => meanField[i]! - value * meanGuide[i]!);
  const meanSlope = blur(slope).data;
  const meanOffset = blur(offset).data;
  return mapField(guide, (value, i) => meanSlope[i]! * value + meanOffset[i]!);
}
