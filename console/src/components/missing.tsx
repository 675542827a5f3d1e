// In the place of an import or export that is not loaded yet, or cannot be.
import type { Refused } from "../api";
import { Button, Loading, Trouble } from "./basics";

interface MissingProps {
  refused: Refused | undefined;
  again: () => void;
  drop: () => void;
}

export const Missing = ({ refused, again, drop }: MissingProps) => (
  <article class="panel">
    {refused ? (
      <>
        <Trouble refused={refused} again={again} />
        <Button onClick={drop}>Remove from this list</Button>
      </>
    ) : (
      <Loading rows={1} />
    )}
  </article>
);
