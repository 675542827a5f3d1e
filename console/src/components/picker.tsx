// A client or a campaign to choose by its name: a search whose results can be walked through by keys (ARIA's combobox).
import { useEffect, useId, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { type Refused, api, ok, refusal } from "../api";
import { remember } from "../names";
import { Button } from "./basics";

export interface Choosable {
  id: string;
  name: string;
  user_id?: number;
  client_id?: string;
  note?: string;
}

interface PickerProps {
  label: string;
  value: Choosable | null;
  onPick: (picked: Choosable | null) => void;
  find: (text: string, signal: AbortSignal) => Promise<readonly Choosable[]>;
  /** What an empty field means. */
  placeholder?: string;
  hint?: preact.ComponentChildren;
  error?: string | undefined;
  /** Changes when other results are to be had. */
  of?: string;
  /** Label and control beside each other, as in a bar of filters. */
  inline?: boolean;
}

const SETTLED = 200;

export const Picker = ({ label, value, onPick, find, placeholder = "", hint, error, of = "", inline = false }: PickerProps) => {
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const text = useSignal<string | null>(null);
  const found = useSignal<readonly Choosable[] | undefined>(undefined);
  const failed = useSignal<Refused | undefined>(undefined);
  const active = useSignal(-1);
  const isOpen = text.value !== null;

  useEffect(() => {
    if (text.value === null) return undefined;
    const stop = new AbortController();
    const timer = setTimeout(
      () =>
        find(text.value?.trim() ?? "", stop.signal).then(
          (results) => {
            found.value = results;
            failed.value = undefined;
            active.value = results.length ? 0 : -1;
          },
          (reason: unknown) => {
            if (!stop.signal.aborted) failed.value = refusal(reason);
          },
        ),
      found.value ? SETTLED : 0,
    );
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text.value, of]);

  const close = () => {
    text.value = null;
    found.value = undefined;
    active.value = -1;
  };
  const pick = (picked: Choosable | null) => {
    onPick(picked);
    close();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const results = found.value ?? [];
    if (event.key === "Escape" && isOpen) close();
    else if (event.key === "ArrowDown") {
      if (isOpen) active.value = Math.min(active.value + 1, results.length - 1);
      else text.value = "";
    } else if (event.key === "ArrowUp" && isOpen) active.value = Math.max(active.value - 1, 0);
    else if (event.key === "Enter" && isOpen) {
      const chosen = results[active.value];
      if (chosen) pick(chosen);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const about = hint || error ? `${id}-about` : undefined;
  return (
    <div
      ref={box}
      class={`${inline ? "choice" : "field"} picker${error ? " wrong" : ""}`}
      onFocusOut={(event) => {
        if (!box.current?.contains(event.relatedTarget as Node | null)) close();
      }}
    >
      <label for={id}>{label}</label>
      <span class="picked">
        <input
          id={id}
          role="combobox"
          autocomplete="off"
          aria-expanded={isOpen}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-describedby={about}
          aria-activedescendant={isOpen && active.value >= 0 ? `${id}-${active.value}` : undefined}
          placeholder={placeholder}
          value={text.value ?? value?.name ?? ""}
          onClick={() => (text.value ??= "")}
          onInput={(event) => (text.value = event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        {value && <Button kind="quiet" icon="close" aria-label={`${label}: choose none`} onClick={() => pick(null)} />}
        <ul id={`${id}-list`} role="listbox" aria-label={label} hidden={!isOpen}>
          {isOpen && found.value?.map((each, index) => (
            <li
              key={each.id}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === active.value}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => pick(each)}
            >
              <span>{each.name}</span>
              {each.note && <span class="dim">{each.note}</span>}
            </li>
          ))}
          {isOpen && found.value?.length === 0 && (
            <li role="option" aria-selected="false" aria-disabled="true" class="dim">
              Nothing has such a name
            </li>
          )}
          {isOpen && failed.value && (
            <li role="option" aria-selected="false" aria-disabled="true" class="bad">
              {failed.value.message}
            </li>
          )}
        </ul>
      </span>
      {about && (
        <p class="about" id={about}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
};

const SHOWN = 20;

/** Clients by name; the last changed ones without a text. `fits` leaves out what cannot be chosen. */
export const findClients =
  (fits: (client: Choosable) => boolean = () => true) =>
  async (search: string, signal: AbortSignal): Promise<readonly Choosable[]> => {
    const query = search ? { search, sort_by: "name" as const, page_size: SHOWN } : { sort_by: "updated_at" as const, page_size: SHOWN };
    const { items } = ok(await api.GET("/api/v3/clients", { params: { query }, signal }));
    for (const each of items) remember(each.id, each);
    return items.filter(fits);
  };

/** Campaigns by name, of one client or of all. */
export const findCampaigns =
  (client: string | undefined, fits: (campaign: Choosable) => boolean = () => true) =>
  async (search: string, signal: AbortSignal): Promise<readonly Choosable[]> => {
    const order = search ? { search, sort_by: "name" as const } : { sort_by: "updated_at" as const };
    const query = { ...order, page_size: SHOWN, ...(client ? { client_id: client } : {}) };
    const { items } = ok(await api.GET("/api/v3/campaigns", { params: { query }, signal }));
    for (const each of items) remember(each.id, each);
    return items.filter(fits).map((each) => ({ ...each, note: each.status }));
  };
