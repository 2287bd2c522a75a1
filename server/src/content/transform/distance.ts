/**
 * Exact Euclidean distances on a grid (Felzenszwalb and Huttenlocher), and the morphology made from them.
 * Owns: signed distance, growing and shrinking of masks. Does not own: which mask is worth measuring.
 */
import { createField, type Field, mapField } from "./fields.ts";

const FAR = 1e20;

/** Distance in samples to the mask's outline (the mask is where `field > threshold`): positive within. */
export function signedDistance(field: Field, threshold = 0.5): Field {
  const { width, height } = field;
  const furthest = width + height;
  const toMask = distanceTo(field, (value) => value > threshold);
  const toRest = distanceTo(field, (value) => value <= threshold);
  return mapField(field, (value, i) =>
    value > threshold
      ? Math.min(furthest, toRest.data[i]! - 0.5)
      : -Math.min(furthest, toMask.data[i]! - 0.5),
  );
}

/** The mask with `by` samples added all round (negative: taken away), as 0 and 1. */
export function grow(mask: Field, by: number): Field {
  const distance = signedDistance(mask);
  return mapField(distance, (value) => (value > -by ? 1 : 0));
}

function distanceTo(field: Field, isTarget: (value: number) => boolean): Field {
  const { width, height, data } = field;
  const squared = new Float64Array(width * height);
  for (let i = 0; i < squared.length; i++) squared[i] = isTarget(data[i]!) ? 0 : FAR;
  const line = createLine(Math.max(width, height));
  for (let x = 0; x < width; x++) transformLine(squared, x, width, height, line);
  for (let y = 0; y < height; y++) transformLine(squared, y * width, 1, width, line);
  const out = createField(width, height);
  for (let i = 0; i < squared.length; i++) out.data[i] = Math.sqrt(squared[i]!);
  return out;
}

interface Line {
  values: Float64Array;
  /** Where the parabolas of the lower envelope stand. */
  apex: Int32Array;
  /** Where each of them begins to be the lowest. */
  from: Float64Array;
}

function createLine(length: number): Line {
  return {
    values: new Float64Array(length),
    apex: new Int32Array(length),
    from: new Float64Array(length + 1),
  };
}

/** One row or column of `squared` in place: the lower envelope of a parabola on every sample. */
function transformLine(squared: Float64Array, start: number, step: number, length: number, line: Line): void {
  const { values, apex, from } = line;
  for (let q = 0; q < length; q++) values[q] = squared[start + q * step]!;
  let top = 0;
  apex[0] = 0;
  from[0] = -FAR;
  from[1] = FAR;
  for (let q = 1; q < length; q++) {
    let meet = meeting(values, apex[top]!, q);
    while (top > 0 && meet <= from[top]!) meet = meeting(values, apex[--top]!, q);
    top++;
    apex[top] = q;
    from[top] = meet;
    from[top + 1] = FAR;
  }
  top = 0;
  for (let q = 0; q < length; q++) {
    while (from[top + 1]! < q) top++;
    const p = apex[top]!;
    squared[start + q * step] = (q - p) ** 2 + values[p]!;
  }
}

/** Where the parabola on `q` falls below the one on `p`; p < q. */
function meeting(values: Float64Array, p: number, q: number): number {
  return (values[q]! + q * q - (values[p]! + p * p)) / (2 * (q - p));
}
