/** Gives a file to the browser's downloads. */
export function saveFile(parts: BlobPart[], name: string, type: string): void {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The click has begun to read it; by the next task it may go.
  setTimeout(() => URL.revokeObjectURL(url), 0);
}
