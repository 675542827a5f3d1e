// A dialog of the browser's own kind: focus stays inside, Escape closes it, and what is behind is inert.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Refused } from "../api";
import type { Asked } from "../requests";
import { Button, CopyCurl, Trouble } from "./basics";

interface DialogProps {
  title: string;
  onClose: () => void;
  /** A panel at the side instead of a box in the middle. */
  side?: boolean;
  /** Whether something typed would be lost: a click beside it closes it otherwise. */
  isForm?: boolean;
  children: ComponentChildren;
}

export const Dialog = ({ title, onClose, side = false, isForm = false, children }: DialogProps) => {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      class={side ? "side" : ""}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => {
        if (event.target === element.current && !isForm) onClose();
      }}
    >
      <div class="inside">
        <header>
          <h2 id={heading}>{title}</h2>
          <Button kind="quiet" icon="close" aria-label="Close" onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
};

interface FormProps extends DialogProps {
  /** What the button says: the verb of what happens. */
  submit: string;
  /** What leaves it as it is. */
  cancel?: string;
  /** Whether there is something to send. */
  isReady?: boolean;
  danger?: boolean;
  busy: boolean;
  error: Refused | undefined;
  request: () => Asked;
  onSubmit: () => void;
}

/** A dialog that sends something, shows why it was refused, and has the request behind it. */
export const FormDialog = ({ submit, cancel = "Cancel", isReady = true, danger, busy, error, request, onSubmit, children, ...dialog }: FormProps) => (
  <Dialog {...dialog} isForm={!danger}>
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady) onSubmit();
      }}
    >
      {children}
      <Trouble refused={error} />
      <footer>
        <CopyCurl of={request} />
        <span class="gap" />
        <Button onClick={dialog.onClose}>{cancel}</Button>
        <Button type="submit" kind={danger ? "danger" : "primary"} busy={busy} aria-disabled={busy || !isReady}>
          {submit}
        </Button>
      </footer>
    </form>
  </Dialog>
);
