// What can be done with the tasks that are selected.
import type { TaskSummary } from "../api";
import { plural } from "../format";
import type { Listed } from "../loading";
import { Button } from "./basics";

interface SelectionProps {
  tasks: readonly TaskSummary[];
  list: Listed<TaskSummary>;
  onClear: () => void;
}

export const Selection = ({ tasks, onClear }: SelectionProps) => {
  if (!tasks.length) return null;
  return (
    <div class="selection" role="toolbar" aria-label="Selected tasks">
      <b>{plural(tasks.length, "task")} selected</b>
      <span class="gap" />
      <Button kind="quiet" icon="close" onClick={onClear}>
        Clear
      </Button>
    </div>
  );
};
