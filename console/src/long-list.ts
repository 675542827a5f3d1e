// A list of any length of which only the pages around what is in view are kept. Of those that were passed the ids stay, so
// that nothing moves, and the cursors, by which they are asked for again when they come back into view.
import { useRef } from "preact/hooks";
import { type TaskSummary, refusal } from "./api";
import { type Listed, type Page, useListed } from "./loading";

/** What is left of an item that was dropped, or that has been deleted since. */
export interface Passed {
  id: string;
}

export const isWhole = (task: TaskSummary | Passed): task is TaskSummary => "status" in task;

/** How many pages are kept before and after the one in view. */
const AROUND = 10;

interface Span {
  cursor: string | undefined;
  from: number;
  to: number;
  isWhole: boolean;
}

interface LongList<T> extends Listed<T | Passed> {
  /** To be called with what is in view, whenever that changes. */
  see: (from: number, to: number) => void;
}

/** As useListed. Whatever `isKept` names is never dropped. */
export function useLongList<T extends Passed>(
  key: string,
  load: (cursor: string | undefined) => Promise<Page<T>>,
  isKept: (id: string) => boolean,
): LongList<T> {
  const spans = useRef<readonly Span[]>([]);
  const turn = useRef(0);
  const list = useListed<T | Passed>(key, async (cursor) => {
    const mine = cursor ? turn.current : ++turn.current;
    const known = spans.current;
    if (!cursor) spans.current = []; // what is still on screen may be of another key: nothing of it is asked for again
    const page = await load(cursor).catch((failed: unknown) => {
      if (mine === turn.current) spans.current = known;
      throw failed;
    });
    if (mine === turn.current) {
      const before = cursor ? spans.current : [];
      const from = before.at(-1)?.to ?? 0;
      spans.current = [...before, { cursor, from, to: from + page.items.length, isWhole: true }];
    }
    return page;
  });
  const put = ({ from, to }: Span, change: (item: T | Passed) => T | Passed) => {
    list.items.value = list.items.value.map((each, index) => (index >= from && index < to ? change(each) : each));
  };
  const fill = async (span: Span) => {
    const mine = turn.current;
    span.isWhole = true;
    try {
      const found = new Map((await load(span.cursor)).items.map((each) => [each.id, each]));
      if (mine === turn.current) put(span, (each) => found.get(each.id) ?? each);
    } catch (failed) {
      span.isWhole = false;
      if (mine === turn.current) list.error.value = refusal(failed);
    }
  };
  const see = (from: number, to: number) => {
    const here = spans.current.findIndex((span) => from < span.to);
    spans.current.forEach((span, index) => {
      if (!span.isWhole && span.from < to && from < span.to) void fill(span);
      if (!span.isWhole || Math.abs(index - here) <= AROUND) return;
      span.isWhole = false;
      put(span, (each) => (isKept(each.id) ? each : { id: each.id }));
    });
  };
  return { ...list, see };
}
