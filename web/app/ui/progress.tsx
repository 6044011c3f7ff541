import type { JSX } from "preact";
import { useProgress } from "../api/use-progress";
import { progressText } from "../lib/progress";

interface Props {
  /** The route that is asked, and the text of the question if it has one. */
  kind: string;
  query: string;
  running: boolean;
  /** Stops it, where that can be done. */
  onCancel?: () => void;
}

/** What takes longer than a moment says how far it is. */
export function RunningNote({ kind, query, running, onCancel }: Props): JSX.Element | null {
  const progress = useProgress(kind, query, running);
  if (!progress) return null;
  return (
    <p class="running-note">
      <span role="status">
        {progress.share !== null && <Share share={progress.share} />}
        {progressText(progress)}
      </span>
      {onCancel && (
        <button type="button" class="button button-small" onClick={onCancel}>
          Cancel
        </button>
      )}
    </p>
  );
}

/** The share as a bar; it stands in words beside it. */
export function Share({ share }: { share: number }): JSX.Element {
  return (
    <i class="share" aria-hidden="true">
      <i style={{ width: `${share * 100}%` }} />
    </i>
  );
}
