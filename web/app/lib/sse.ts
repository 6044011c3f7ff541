/** One server-sent event. */
export interface ServerEvent {
  event: string;
  id: string | null;
  data: string;
}

/**
 * Reads server-sent events from text that comes in pieces. The browser's own `EventSource` cannot send a token,
 * and gives no way to say that the tab has seen enough for now.
 */
export class EventReader {
  private rest = "";

  /** The events that are whole with this piece. Comments (signs of life) are none. */
  feed(piece: string): ServerEvent[] {
    const blocks = (this.rest + piece).split("\n\n");
    this.rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => readEvent(block) ?? []);
  }
}

function readEvent(block: string): ServerEvent | null {
  let event = "message";
  let id: string | null = null;
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, "");
    const field = line.slice(0, colon);
    if (field === "event") event = value;
    else if (field === "id") id = value;
    else if (field === "data") data.push(value);
  }
  return data.length === 0 ? null : { event, id, data: data.join("\n") };
}
