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

interface PartialProps {
  kind: string;
  query: string;
  /** How many rows stand below, in words, and which are missing. */
  shown: string;
  rest: string;
}

/** Over rows that are the first ones, while the others are looked for. They are cancelled where the search is. */
export function PartialNote({ kind, query, shown, rest }: PartialProps): JSX.Element {
  const progress = useProgress(kind, query, true);
  return (
    <p class="running-note" role="status">
      <span>
        The first {shown}; {rest} are still looked for
        {progress && ` · ${progressText(progress)}`}
      </span>
      {progress && progress.share !== null && <Share share={progress.share} />}
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
