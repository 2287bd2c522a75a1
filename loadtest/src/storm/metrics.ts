/** Reads one number from a process' /metrics. Owns: finding the line. Does not own: what the metric means. */

/** Value of a gauge without labels. Throws where there is none. */
export async function gaugeOf(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1];
  if (value === undefined) throw new Error(`${url}/metrics has no ${name}`);
  return Number(value);
}
