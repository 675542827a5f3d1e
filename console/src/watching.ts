// Something that goes on at the server: asked for again, less and less often, until it has ended.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Refused, refusal } from "./api";

const FIRST = 1000;
const LONGEST = 10_000;

/** `known` is what a list has said; `load` answers undefined when nothing has changed. Nobody asks while nobody looks at the page. */
export function useWatched<T>(known: T, load: () => Promise<T | undefined>, isOpen: (data: T) => boolean) {
  const data = useSignal(known);
  const error = useSignal<Refused | undefined>(undefined);
  const latest = useRef({ load, isOpen });
  latest.current = { load, isOpen };
  const ask = useRef<() => void>(() => undefined);
  useEffect(() => {
    let isOver = false;
    let pause = FIRST;
    let timer = 0;
    const look = async () => {
      clearTimeout(timer);
      try {
        const found = document.hidden ? undefined : await latest.current.load();
        if (isOver) return;
        pause = Math.min(pause * (found === undefined ? 1.5 : 1.2), LONGEST);
        if (found !== undefined) data.value = found;
        error.value = undefined;
      } catch (failed) {
        if (isOver) return;
        error.value = refusal(failed);
        pause = LONGEST;
      }
      again();
    };
    const again = () => {
      if (latest.current.isOpen(data.value)) timer = setTimeout(look, pause);
    };
    data.value = known;
    ask.current = () => void look();
    again();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [known]);
  return { data, error, reload: () => ask.current() };
}
