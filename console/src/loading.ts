// What a page loads: one thing, or a list that goes on by cursor. Whatever is loaded again stays on screen meanwhile.
import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Refused, refusal } from "./api";

export interface Loaded<T> {
  data: Signal<T | undefined>;
  error: Signal<Refused | undefined>;
  reload: () => void;
}

/** Load when the page opens and whenever `key` changes. */
export function useLoaded<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const data = useSignal<T | undefined>(undefined);
  const error = useSignal<Refused | undefined>(undefined);
  const turn = useRef(0);
  const latest = useRef(load);
  latest.current = load;
  const reload = () => {
    const mine = ++turn.current;
    latest.current().then(
      (found) => {
        if (mine !== turn.current) return;
        data.value = found;
        error.value = undefined;
      },
      (failed: unknown) => {
        if (mine === turn.current) error.value = refusal(failed);
      },
    );
  };
  useEffect(() => {
    data.value = undefined;
    error.value = undefined;
    reload();
    return () => {
      turn.current++;
    };
  }, [key]);
  return { data, error, reload };
}

export interface Page<T> {
  items: readonly T[];
  total?: number;
  next_cursor: string | null;
}

export interface Listed<T> {
  items: Signal<readonly T[]>;
  /** Undefined until the first page is there. */
  total: Signal<number | undefined>;
  hasMore: Signal<boolean>;
  isLoading: Signal<boolean>;
  error: Signal<Refused | undefined>;
  more: () => void;
  reload: () => void;
}

/**
 * A list whose pages are added as they are asked for. `key` names filters and order: another one begins again, and what was
 * found before stays on screen until its first page is there.
 */
export function useListed<T>(key: string, load: (cursor: string | undefined) => Promise<Page<T>>): Listed<T> {
  const items = useSignal<readonly T[]>([]);
  const total = useSignal<number | undefined>(undefined);
  const hasMore = useSignal(false);
  const isLoading = useSignal(false);
  const error = useSignal<Refused | undefined>(undefined);
  const cursor = useRef<string | undefined>(undefined);
  const turn = useRef(0);
  /** Whether what is on screen is of another `key`. */
  const isOther = useRef(false);
  const latest = useRef(load);
  latest.current = load;

  const fetchPage = (from: string | undefined) => {
    const mine = from === undefined ? ++turn.current : turn.current;
    isLoading.value = true;
    latest.current(from).then(
      (page) => {
        if (mine !== turn.current) return;
        cursor.current = page.next_cursor ?? undefined;
        isOther.current = false;
        items.value = from === undefined ? page.items : [...items.value, ...page.items];
        total.value = page.total ?? items.value.length;
        hasMore.value = page.next_cursor !== null;
        error.value = undefined;
        isLoading.value = false;
      },
      (failed: unknown) => {
        if (mine !== turn.current) return;
        if (isOther.current) {
          items.value = [];
          total.value = undefined;
        }
        error.value = refusal(failed);
        isLoading.value = false;
      },
    );
  };
  const more = () => {
    if (!isLoading.value && !error.value && cursor.current) fetchPage(cursor.current);
  };
  const reload = () => {
    error.value = undefined;
    fetchPage(undefined);
  };
  useEffect(() => {
    isOther.current = true;
    hasMore.value = false;
    error.value = undefined;
    cursor.current = undefined;
    fetchPage(undefined);
    return () => {
      turn.current++;
    };
  }, [key]);
  return { items, total, hasMore, isLoading, error, more, reload };
}

/** Something that a person starts: a form that is sent, a button that is pressed. */
export function useAction<A extends unknown[]>(act: (...args: A) => Promise<void>) {
  const isRunning = useSignal(false);
  const error = useSignal<Refused | undefined>(undefined);
  const run = async (...args: A) => {
    if (isRunning.value) return;
    isRunning.value = true;
    error.value = undefined;
    try {
      await act(...args);
    } catch (failed) {
      error.value = refusal(failed);
    } finally {
      isRunning.value = false;
    }
  };
  return { run, isRunning, error };
}

/** A text that settles before it is used, so that a search asks once and not for each key. */
export function useSettled(value: Signal<string>, then: (value: string) => void, milliseconds = 250) {
  const first = useRef(true);
  useSignalEffect(() => {
    const text = value.value;
    if (first.current) {
      first.current = false;
      return undefined;
    }
    const timer = setTimeout(() => then(text), milliseconds);
    return () => clearTimeout(timer);
  });
}
