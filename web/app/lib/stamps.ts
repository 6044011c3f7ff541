/** Times as logs and people write them, for who pastes one: with a month's name, with slashes, with a zone after a blank. */

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const CLOCK = "(?<clock>\\d{1,2}:\\d{2}(?::\\d{2}(?:[.,]\\d+)?)?)";
const ZONE = "(?:\\s*(?<zone>z|utc|gmt|[+-]\\d{2}:?\\d{2})(?:\\s+utc)?)?";

/** `29/Jan/2023:08:40:00 +0000`, `Sun, 29 Jan 2023 08:40:00 GMT`, `Jan 29 08:40:00.123`, `Jan 29 2023`, `Sun Jan 29 08:40:00 2023`, `2023/01/29 08:40`, `2023-01-29 08:40:00,123 UTC`. */
const FORMS = [
  `(?<day>\\d{1,2})[ /-](?<name>[a-z]{3,9})[ /-](?<year>\\d{4})(?:[ :t]+${CLOCK}${ZONE})?`,
  `(?<name>[a-z]{3,9})\\s+(?<day>\\d{1,2})(?:,?\\s+(?<year>\\d{4}))?(?:,?\\s+${CLOCK}${ZONE})?`,
  `(?<name>[a-z]{3,9})\\s+(?<day>\\d{1,2})\\s+${CLOCK}${ZONE}\\s+(?<year>\\d{4})`,
  `(?<year>\\d{4})[-/](?<month>\\d{1,2})[-/](?<day>\\d{1,2})(?:[ t]+${CLOCK}${ZONE})?`,
].map((form) => new RegExp(`^${form}$`));
const WEEKDAY = /^(?:sun|mon|tue|wed|thu|fri|sat)[a-z]*,?\s+/;

/** Milliseconds; null where it is no such time. What names no zone is in `zone`, what names no year is the last such day. */
export function parseStamp(text: string, nowMs: number, zone: "local" | "utc"): number | null {
  const stamp = text.trim().toLowerCase().replace(/^\[(.*)\]$/, "$1").replace(WEEKDAY, "");
  const found = FORMS.map((form) => form.exec(stamp)?.groups).find((groups) => groups !== undefined);
  if (!found) return null;
  const month = found["month"] ? Number(found["month"]) - 1 : MONTHS.indexOf((found["name"] ?? "").slice(0, 3));
  const day = Number(found["day"]);
  if (month < 0 || month > 11 || day < 1 || day > 31) return null;
  const [hours = 0, minutes = 0, seconds = 0] = (found["clock"] ?? "").replace(",", ".").split(":").map(Number);
  if (hours > 24 || minutes > 59 || seconds >= 61) return null;
  const offset = offsetOf(found["zone"]);
  const at = (year: number): number => {
    const ms = Math.floor((seconds % 1) * 1e3 + 1e-6);
    if (offset === null && zone === "local") return new Date(year, month, day, hours, minutes, seconds, ms).getTime();
    return Date.UTC(year, month, day, hours, minutes, seconds, ms) - (offset ?? 0);
  };
  if (found["year"]) return isDay(Number(found["year"]), month, day) ? at(Number(found["year"])) : null;
  const year = new Date(nowMs).getFullYear();
  const last = at(year) <= nowMs ? year : year - 1;
  return isDay(last, month, day) ? at(last) : null;
}

const isDay = (year: number, month: number, day: number): boolean => new Date(Date.UTC(year, month, day)).getUTCMonth() === month;

/** Milliseconds that the zone is ahead of UTC; null where none is named. */
function offsetOf(zone: string | undefined): number | null {
  if (zone === undefined) return null;
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  return sign === undefined ? 0 : (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 6e4;
}
