import type { ExceptionPage, FailurePage } from "../api/groups";

/** The page with nothing said of what is new, as if there were no time before. */
export function withoutNews<T extends ExceptionPage | FailurePage>(page: T): T {
  const plain = <G extends { new: boolean | null }>(groups: readonly G[]): G[] => groups.map((group) => ({ ...group, new: null }));
  return { ...page, new_count: null, ...("failures" in page ? { failures: plain(page.failures) } : { exceptions: plain(page.exceptions) }) };
}
