/** A period before, and from where on it has data. */
export interface Baseline {
  baseline_start_unix_nano: string | null;
  baseline_data_start_unix_nano: string | null;
  since_unix_nano: string | null;
}

/** So much of the period before must lie after the first data. */
const LEAST_SHARE = 0.1;

/** Whether enough is known of the time before to call something new: what came in its last moments alone tells of hardly anything. */
export function isAged({ baseline_start_unix_nano: start, baseline_data_start_unix_nano: data, since_unix_nano: since }: Baseline): boolean {
  if (data === null || since === null) return false;
  // Open at its beginning, it is as long as there is data.
  if (start === null) return true;
  const [from, known, to] = [BigInt(start), BigInt(data), BigInt(since)];
  return Number(to - known) >= Number(to - from) * LEAST_SHARE;
}
