// A word about what has just happened, with a way back where there is one.
import { signal } from "@preact/signals";
import { Button } from "./basics";

interface Notice {
  id: number;
  text: string;
  kind: "done" | "error";
  undo?: () => void;
}

const shown = signal<readonly Notice[]>([]);
let last = 0;
const SECONDS = 6;

const drop = (id: number) => {
  shown.value = shown.value.filter((each) => each.id !== id);
};

export const say = (text: string, kind: Notice["kind"] = "done", undo?: () => void) => {
  const id = ++last;
  shown.value = [...shown.value.slice(-2), { id, text, kind, ...(undo ? { undo } : {}) }];
  setTimeout(() => drop(id), (undo ? 2 : 1) * SECONDS * 1000);
};

export const Notices = () => (
  <div class="notices" role="status">
    {shown.value.map(({ id, text, kind, undo }) => (
      <p key={id} class={kind}>
        {text}
        {undo && (
          <Button
            kind="quiet"
            onClick={() => {
              drop(id);
              undo();
            }}
          >
            Undo
          </Button>
        )}
        <Button kind="quiet" icon="close" aria-label="Dismiss" onClick={() => drop(id)} />
      </p>
    ))}
  </div>
);
