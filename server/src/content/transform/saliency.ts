/**
 * How much each spot of a picture stands out from its background.
 * Owns: minimum barrier distance, contrast against the borders, the preference for the middle.
 * Does not own: the outline of the subject, the decision whether there is one.
 */
import { clamp, createField, type Field, fieldOf, gaussianBlur, mapField } from "./fields.ts";
import type { LabFields } from "./picture.ts";

/** Raster scans of the barrier distance: more change next to nothing. */
const SCANS = 4;
const COLOUR_WEIGHT = 1.3;
const BARRIER_SHARE = 0.72;
/** Keeps a border of one flat colour from making everything else infinitely different. */
const LEAST_VARIANCE = 0.0012;
/** The subject's usual middle, share of the height: a little below the picture's. */
const MIDDLE = 0.54;

/** 0..1, high on what differs from the top and side borders; the bottom is left open for portraits. */
export function saliencyOf(lab: LabFields): Field {
  const channels = [lab.light, lab.greenRed, lab.blueYellow].map((channel) => gaussianBlur(channel, 1));
  const [light, greenRed, blueYellow] = channels as [Field, Field, Field];
  const { width, height } = light;
  const margin = Math.round(Math.min(width, height) * 0.02) + 1;
  const seeds = borderSeeds(width, height, margin);
  const lightBarrier = barrierDistance(light, seeds);
  const redBarrier = barrierDistance(greenRed, seeds);
  const blueBarrier = barrierDistance(blueYellow, seeds);
  const barrier = mapField(
    lightBarrier,
    (value, i) => value + COLOUR_WEIGHT * (redBarrier.data[i]! + blueBarrier.data[i]!),
  );
  const strong = Float32Array.from(barrier.data).sort()[Math.floor(barrier.data.length * 0.97)] || 1;
  const contrast = borderContrast([light, greenRed, blueYellow], margin);
  return fieldOf(width, height, (x, y, i) => {
    const across = (x / width - 0.5) / 0.5;
    const down = (y / height - MIDDLE) / MIDDLE;
    const central = Math.exp(-(across * across * 1.1 + down * down * 0.7));
    const different =
      clamp(barrier.data[i]! / strong) * BARRIER_SHARE + clamp(contrast.data[i]! / 6) * (1 - BARRIER_SHARE);
    return different * (0.45 + 0.55 * central);
  });
}

function borderSeeds(width: number, height: number, margin: number): Field {
  return fieldOf(width, height, (x, y) => {
    const atSide = (x < margin || x >= width - margin) && y < height * 0.96;
    return y < margin || atSide ? 1 : 0;
  });
}

/** For each sample the least range of values on a way to a seed (fast raster-scan approximation). */
function barrierDistance(channel: Field, seeds: Field): Field {
  const { width, height } = channel;
  const distance = mapField(seeds, (seed) => (seed ? 0 : 1e9));
  const path: Path = {
    values: channel.data,
    distance: distance.data,
    highest: channel.data.slice(),
    lowest: channel.data.slice(),
  };
  const last = width * height - 1;
  for (let scan = 0; scan < SCANS; scan++) {
    // Odd scans run backwards: the same neighbours, mirrored.
    const isForward = scan % 2 === 0;
    const step = isForward ? 1 : -1;
    for (let n = 0; n <= last; n++) {
      const i = isForward ? n : last - n;
      const x = i % width;
      if (isForward ? x > 0 : x < width - 1) relax(path, i, i - step);
      if (n >= width) relax(path, i, i - step * width);
    }
  }
  return distance;
}

interface Path {
  values: Float32Array;
  distance: Float32Array;
  highest: Float32Array;
  lowest: Float32Array;
}

/** Goes to `i` by way of its neighbour where that is the lower barrier. */
function relax({ values, distance, highest, lowest }: Path, i: number, neighbour: number): void {
  const high = Math.max(highest[neighbour]!, values[i]!);
  const low = Math.min(lowest[neighbour]!, values[i]!);
  if (high - low >= distance[i]!) return;
  distance[i] = high - low;
  highest[i] = high;
  lowest[i] = low;
}

/** Distance from the colours of the nearest-looking border strip, in its standard deviations. */
function borderContrast(channels: readonly Field[], margin: number): Field {
  const { width, height } = channels[0]!;
  const strip = margin * 2;
  const sides: Box[] = [
    { left: 0, top: 0, right: width, bottom: Math.min(strip, height) },
    { left: 0, top: 0, right: Math.min(strip, width), bottom: height },
    { left: Math.max(0, width - strip), top: 0, right: width, bottom: height },
  ];
  const least = createField(width, height, 1e9);
  for (const side of sides) {
    const statistics = channels.map((channel) => momentsIn(channel, side));
    for (let i = 0; i < least.data.length; i++) {
      let sum = 0;
      for (let c = 0; c < channels.length; c++) {
        const { mean, variance } = statistics[c]!;
        sum += (channels[c]!.data[i]! - mean) ** 2 / variance;
      }
      least.data[i] = Math.min(least.data[i]!, Math.sqrt(sum));
    }
  }
  return least;
}

/** `right` and `bottom` exclusive. */
interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

function momentsIn(channel: Field, box: Box): { mean: number; variance: number } {
  let sum = 0;
  let squares = 0;
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) {
      const value = channel.data[y * channel.width + x]!;
      sum += value;
      squares += value * value;
    }
  }
  const count = (box.right - box.left) * (box.bottom - box.top);
  const mean = sum / count;
  return { mean, variance: Math.max(0, squares / count - mean * mean) + LEAST_VARIANCE };
}
