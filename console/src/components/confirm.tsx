// Something that cannot be taken back: first what it means, then the button.
import type { ComponentChildren } from "preact";
import { useAction } from "../loading";
import type { Asked } from "../requests";
import { FormDialog } from "./dialog";

export interface Question {
  title: string;
  /** What happens then. */
  about: ComponentChildren;
  /** The verb of it, for the button. */
  submit: string;
  request: Asked;
  act: () => Promise<void>;
}

export const Confirm = ({ question, onClose }: { question: Question; onClose: () => void }) => {
  const { title, about, submit, request, act } = question;
  const run = useAction(async () => {
    await act();
    onClose();
  });
  return (
    <FormDialog title={title} submit={submit} danger busy={run.isRunning.value} error={run.error.value} request={() => request} onClose={onClose} onSubmit={() => void run.run()}>
      <p>{about}</p>
    </FormDialog>
  );
};
