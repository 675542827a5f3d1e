// A grid of tiles of which only those in view exist, so that it scrolls the same with fifty and with fifty thousand.
// One stop for Tab; arrows, Home, End and page keys move within, Enter opens, the space bar selects, Shift selects a run.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

interface GridProps<T> {
  label: string;
  items: readonly T[];
  keyOf: (item: T) => string;
  render: (item: T) => ComponentChildren;
  hrefOf: (item: T) => string;
  hasMore: boolean;
  onMore: () => void;
  selected?: ReadonlySet<string> | undefined;
  onSelect?: ((keys: ReadonlySet<string>) => void) | undefined;
  /** Told of a key on an item that means nothing here; true when it meant something. */
  onKey?: (item: T, key: string) => boolean;
  /** The narrowest that a tile may be, and how high its text is, in pixels. */
  tile?: number;
  caption?: number;
  /** Told which items are in view, and the place of the first, to look after those that still change. */
  onVisible?: (items: readonly T[], first: number) => void;
}

const GAP = 12;
const AROUND = 2; // rows that exist above and below what is in view

export function Grid<T>(props: GridProps<T>) {
  const { label, items, keyOf, render, hrefOf, hasMore, onMore, selected, onSelect, onKey, onVisible } = props;
  const { tile = 200, caption = 44 } = props;
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [view, setView] = useState({ from: 0, to: 6 });
  const [active, setActive] = useState(0);
  const anchor = useRef(0);
  const wantsFocus = useRef(false);

  const columns = Math.max(width < 420 ? 2 : 1, Math.floor((width + GAP) / (tile + GAP)));
  const side = (width - GAP * (columns - 1)) / columns;
  const height = side + caption + GAP;
  const rows = Math.ceil(items.length / columns);

  useLayoutEffect(() => {
    const box = element.current;
    if (!box) return undefined;
    const observer = new ResizeObserver(() => setWidth(box.clientWidth));
    setWidth(box.clientWidth);
    observer.observe(box);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    let frame = 0;
    const look = () => {
      frame = 0;
      const top = element.current?.getBoundingClientRect().top ?? 0;
      const from = Math.max(0, Math.floor(-top / height) - AROUND);
      const to = Math.ceil((innerHeight - top) / height) + AROUND;
      setView((now) => (now.from === from && now.to === to ? now : { from, to }));
    };
    const soon = () => {
      frame ||= requestAnimationFrame(look);
    };
    look();
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", soon);
      removeEventListener("resize", soon);
    };
  }, [height]);

  const isNearTheEnd = hasMore && view.to >= rows - 2;
  useEffect(() => {
    if (isNearTheEnd) onMore();
  }, [isNearTheEnd, items.length]);

  const first = view.from * columns;
  const shown = items.slice(first, view.to * columns);
  useEffect(() => onVisible?.(shown, first), [items, first, view.to, columns]);

  useEffect(() => {
    if (!wantsFocus.current) return;
    wantsFocus.current = false;
    element.current?.querySelector<HTMLElement>(`[data-index="${active}"]`)?.focus({ preventScroll: true });
  }, [active, view]);

  const moveTo = (index: number) => {
    const next = Math.max(0, Math.min(items.length - 1, index));
    const top = (element.current?.getBoundingClientRect().top ?? 0) + scrollY + Math.floor(next / columns) * height;
    const margin = 80; // what is fixed at the top of the window
    if (top < scrollY + margin) scrollTo({ top: top - margin });
    else if (top + height > scrollY + innerHeight) scrollTo({ top: top + height - innerHeight + GAP });
    wantsFocus.current = true;
    setActive(next);
    setView((now) => ({ ...now }));
    return next;
  };

  const toggle = (index: number) => {
    const item = items[index];
    if (!item || !onSelect) return;
    anchor.current = index;
    const keys = new Set(selected);
    if (!keys.delete(keyOf(item))) keys.add(keyOf(item));
    onSelect(keys);
  };
  const selectRun = (to: number) => {
    const [low, high] = anchor.current < to ? [anchor.current, to] : [to, anchor.current];
    onSelect?.(new Set([...(selected ?? []), ...items.slice(low, high + 1).map(keyOf)]));
  };

  const keys: Record<string, number> = {
    ArrowLeft: active - 1,
    ArrowRight: active + 1,
    ArrowUp: active - columns,
    ArrowDown: active + columns,
    Home: active - (active % columns),
    End: active - (active % columns) + columns - 1,
    PageUp: active - columns * 3,
    PageDown: active + columns * 3,
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if ((event.target as HTMLElement).dataset.index === undefined) return;
    const item = items[active];
    const target = keys[event.key];
    if (target !== undefined) {
      if (event.key.startsWith("Arrow") && (target < 0 || target >= items.length)) return;
      const next = moveTo(target);
      if (event.shiftKey) selectRun(next);
      else anchor.current = next;
    } else if (event.key === " ") {
      if (onSelect) toggle(active);
      else if (item) location.hash = hrefOf(item);
    }
    else if (event.key === "a" && (event.ctrlKey || event.metaKey) && onSelect) onSelect(new Set(items.map(keyOf)));
    else if (event.key === "Escape" && selected?.size) onSelect?.(new Set());
    else if (event.ctrlKey || event.metaKey || event.altKey || !item || !onKey?.(item, event.key)) return;
    event.preventDefault();
  };

  const rowsShown = Array.from({ length: Math.ceil(shown.length / columns) }, (_, row) => row);
  return (
    <div
      ref={element}
      class="grid"
      role="grid"
      aria-label={label}
      aria-rowcount={hasMore ? -1 : rows}
      aria-colcount={columns}
      aria-multiselectable={onSelect ? true : undefined}
      style={{ height: `${rows * height}px` }}
      onKeyDown={onKeyDown}
    >
      {rowsShown.map((row) => (
        <div
          key={view.from + row}
          role="row"
          aria-rowindex={view.from + row + 1}
          style={{ transform: `translateY(${(view.from + row) * height}px)`, gap: `${GAP}px` }}
        >
          {shown.slice(row * columns, (row + 1) * columns).map((item, column) => {
            const index = first + row * columns + column;
            const key = keyOf(item);
            const isSelected = selected?.has(key) ?? false;
            return (
              <div
                key={key}
                role="gridcell"
                class="tile"
                style={{ width: `${side}px` }}
                aria-selected={onSelect ? isSelected : undefined}
              >
                <a
                  href={hrefOf(item)}
                  data-index={index}
                  tabIndex={index === active ? 0 : -1}
                  draggable={false}
                  onFocus={() => setActive(index)}
                  onClick={(event) => {
                    if (!onSelect || event.ctrlKey || event.metaKey) return;
                    if (event.shiftKey) selectRun(index);
                    else if (selected?.size) toggle(index);
                    else return;
                    event.preventDefault();
                  }}
                >
                  {render(item)}
                </a>
                {onSelect && (
                  <span
                    class="pick"
                    aria-hidden="true"
                    onClick={(event) => {
                      event.stopPropagation();
                      if (event.shiftKey) selectRun(index);
                      else toggle(index);
                    }}
                  />
                )}
              </div>
            );
          })}
        </div>
      ))}
    </div>
  );
}
