// Keys of a whole page: not while somebody types or plays something, and not behind a dialog.
import { useEffect, useRef } from "preact/hooks";

/** `onKey` answers whether the key meant something. */
export const useKeys = (onKey: (key: string) => boolean) => {
  const latest = useRef(onKey);
  latest.current = onKey;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if ((event.target as HTMLElement).closest("input:not([type='range']), textarea, select, dialog, video, audio")) return;
      if (latest.current(event.key)) event.preventDefault();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
};

/** 1 to 5 rate, 0 takes the rating away; undefined for every other key. */
export const ratingOf = (key: string) => (/^[0-5]$/.test(key) ? Number(key) || null : undefined);
