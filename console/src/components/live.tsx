// Looks after the tasks in view that are still running: a question each, with its entity tag, less and less often, and
// none while nobody looks at the page.
import { useEffect, useRef } from "preact/hooks";
import { type Task, type TaskSummary, api } from "../api";

const FIRST = 1000;
const LONGEST = 15_000;
const AT_ONCE = 4;

export const isOpen = (task: Pick<TaskSummary, "status">) => task.status === "pending" || task.status === "processing";

interface LiveProps {
  tasks: readonly TaskSummary[];
  onChange: (task: Task) => void;
}

export const Live = ({ tasks, onChange }: LiveProps) => {
  const tags = useRef(new Map<string, string>());
  const latest = useRef(onChange);
  latest.current = onChange;
  const open = tasks.filter(isOpen).map((each) => each.id);
  const key = open.join();
  useEffect(() => {
    if (!key) return undefined;
    let isOver = false;
    let pause = FIRST;
    let timer = 0;

    const look = async (id: string) => {
      const tag = tags.current.get(id);
      const answer = await api.GET("/api/v3/tasks/{task_id}", {
        params: { path: { task_id: id } },
        headers: tag ? { "if-none-match": tag } : {},
      });
      tags.current.set(id, answer.response.headers.get("etag") ?? "");
      if (answer.data && !isOver) {
        pause = FIRST;
        latest.current(answer.data as Task);
      }
    };
    const round = async () => {
      const waiting = key.split(",");
      const ask = async () => {
        for (let id = waiting.shift(); id && !isOver; id = waiting.shift()) await look(id);
      };
      pause = Math.min(pause * 1.5, LONGEST);
      if (!document.hidden) await Promise.all(Array.from({ length: AT_ONCE }, ask)).catch(() => (pause = LONGEST));
      if (!isOver) timer = setTimeout(round, pause);
    };
    timer = setTimeout(round, FIRST);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [key]);
  return null;
};
