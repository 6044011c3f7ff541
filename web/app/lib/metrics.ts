/** Prometheus text, as far as our own /metrics writes it. */
export interface Sample {
  labels: Record<string, string>;
  value: number;
}

export type Metrics = Map<string, Sample[]>;

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;

export function parseMetrics(text: string): Metrics {
  const metrics: Metrics = new Map();
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    const match = LINE.exec(line);
    if (!match) continue;
    const [, name = "", labelText = "", number = ""] = match;
    const labels: Record<string, string> = {};
    for (const label of labelText.matchAll(LABEL)) labels[label[1] ?? ""] = (label[2] ?? "").replace(/\\n/g, "\n").replace(/\\(.)/g, "$1");
    const value = number === "+Inf" ? Number.POSITIVE_INFINITY : Number(number);
    const list = metrics.get(name);
    if (list) list.push({ labels, value });
    else metrics.set(name, [{ labels, value }]);
  }
  return metrics;
}

/** The sum over all labels, or over those that match. `null` when there is no such metric. */
export function total(metrics: Metrics, name: string, where: Record<string, string> = {}): number | null {
  const samples = metrics.get(name)?.filter((sample) => Object.entries(where).every(([key, value]) => sample.labels[key] === value));
  return samples && samples.length > 0 ? samples.reduce((sum, sample) => sum + sample.value, 0) : null;
}

/** A counter's sum by one label, the largest first. */
export function byLabel(metrics: Metrics, name: string, label: string): { name: string; value: number }[] {
  const sums = new Map<string, number>();
  for (const sample of metrics.get(name) ?? []) {
    const key = sample.labels[label] ?? "";
    sums.set(key, (sums.get(key) ?? 0) + sample.value);
  }
  return [...sums].map(([key, value]) => ({ name: key, value })).sort((a, b) => b.value - a.value);
}

/** A histogram's quantile, by straight lines between the bounds of its buckets. `null` when nothing was counted. */
export function quantile(metrics: Metrics, name: string, share: number): number | null {
  const sums = new Map<number, number>();
  for (const sample of metrics.get(`${name}_bucket`) ?? []) {
    const bound = sample.labels["le"] === "+Inf" ? Number.POSITIVE_INFINITY : Number(sample.labels["le"]);
    sums.set(bound, (sums.get(bound) ?? 0) + sample.value);
  }
  const buckets = [...sums].sort((a, b) => a[0] - b[0]);
  const count = buckets.at(-1)?.[1] ?? 0;
  if (count === 0) return null;
  let below = 0;
  let from = 0;
  for (const [bound, value] of buckets) {
    if (value >= share * count) return Number.isFinite(bound) ? from + (bound - from) * ((share * count - below) / Math.max(1, value - below)) : from;
    below = value;
    from = bound;
  }
  return from;
}
