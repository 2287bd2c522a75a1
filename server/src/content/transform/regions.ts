/**
 * Connected regions of a mask (4-neighbours).
 * Owns: labelling, boxes, filling of enclosed holes. Does not own: what a region means.
 */
import { type Field, mapField } from "./fields.ts";

export interface Region {
  readonly id: number;
  /** Samples. */
  area: number;
  left: number;
  top: number;
  /** Inclusive. */
  right: number;
  bottom: number;
}

export interface Regions {
  /** The region of each sample; -1 outside the mask. */
  readonly labels: Int32Array;
  readonly list: readonly Region[];
}

/** Regions of the samples above 0.5, in reading order of their first sample. */
export function findRegions({ width, height, data }: Field): Regions {
  const labels = new Int32Array(width * height).fill(-1);
  const stack = new Int32Array(width * height);
  const list: Region[] = [];
  for (let start = 0; start < labels.length; start++) {
    if (data[start]! <= 0.5 || labels[start]! >= 0) continue;
    const region = { id: list.length, area: 0, left: width, top: height, right: 0, bottom: 0 };
    let waiting = 0;
    const visit = (i: number): void => {
      if (data[i]! <= 0.5 || labels[i]! >= 0) return;
      labels[i] = region.id;
      stack[waiting++] = i;
    };
    visit(start);
    while (waiting > 0) {
      const i = stack[--waiting]!;
      const x = i % width;
      const y = (i - x) / width;
      include(region, x, y);
      if (x > 0) visit(i - 1);
      if (x < width - 1) visit(i + 1);
      if (y > 0) visit(i - width);
      if (y < height - 1) visit(i + width);
    }
    list.push(region);
  }
  return { labels, list };
}

function include(region: Region, x: number, y: number): void {
  region.area++;
  region.left = Math.min(region.left, x);
  region.right = Math.max(region.right, x);
  region.top = Math.min(region.top, y);
  region.bottom = Math.max(region.bottom, y);
}

/** The mask of the regions that `keep` accepts, as 0 and 1. */
export function maskOf(field: Field, regions: Regions, keep: (region: Region) => boolean): Field {
  const kept = regions.list.map(keep);
  return mapField(field, (_, i) => (regions.labels[i]! >= 0 && kept[regions.labels[i]!] ? 1 : 0));
}

/** Adds to a mask the holes in it that touch no edge and have fewer than `maxArea` samples. */
export function fillEnclosed(mask: Field, maxArea: number): Field {
  const rest = mapField(mask, (value) => (value > 0.5 ? 0 : 1));
  const regions = findRegions(rest);
  const holes = maskOf(
    rest,
    regions,
    ({ area, left, top, right, bottom }) =>
      area < maxArea && left > 0 && top > 0 && right < mask.width - 1 && bottom < mask.height - 1,
  );
  return mapField(mask, (value, i) => Math.max(value, holes.data[i]!));
}
