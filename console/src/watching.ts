// Something that goes on at the server: asked for again, less and less often, until it has ended.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Refused, refusal } from "./api";

const FIRST = 1000;
const LONGEST = 10_000;

/** `load` answers undefined when nothing has changed. Nobody asks while nobody looks at the page. */
export function useWatched<T>(key: string, load: () => Promise<T | undefined>, isOpen: (data: T) => boolean) {
  const data = useSignal<T | undefined>(undefined);
  const error = useSignal<Refused | undefined>(undefined);
  const again = useSignal(0);
  const latest = useRef({ load, isOpen });
  latest.current = { load, isOpen };
  useEffect(() => {
    let isOver = false;
    let pause = FIRST;
    let timer = 0;
    const look = async () => {
      try {
        const found = document.hidden && data.value ? undefined : await latest.current.load();
        if (isOver) return;
        pause = found === undefined ? Math.min(pause * 1.5, LONGEST) : Math.min(pause * 1.2, LONGEST);
        if (found !== undefined) data.value = found;
        error.value = undefined;
      } catch (failed) {
        if (isOver) return;
        error.value = refusal(failed);
        if (!data.value) return; // it is gone, or was never there: whoever reads this asks again
        pause = LONGEST;
      }
      if (data.value && latest.current.isOpen(data.value)) timer = setTimeout(look, pause);
    };
    void look();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [key, again.value]);
  return { data, error, reload: () => void again.value++ };
}
