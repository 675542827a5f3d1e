// The address after the `#`: a path and a query, so that every view has an address and the server needs one page.
import { computed, signal } from "@preact/signals";

export interface Place {
  path: string;
  query: URLSearchParams;
}

const read = (): Place => {
  const [path = "", query = ""] = location.hash.replace(/^#/, "").split("?", 2);
  return { path: path || "/", query: new URLSearchParams(query) };
};

export const place = signal(read());

addEventListener("hashchange", () => {
  place.value = read();
});

// Whoever writes a link may write anything: what is no encoding is taken as it stands, and names nothing.
export const decoded = (part: string) => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

export const segments = computed(() => place.value.path.split("/").filter(Boolean).map(decoded));

type Values = Record<string, string | number | readonly string[] | null | undefined>;

const queryOf = (values: Values, onto = new URLSearchParams()) => {
  for (const [name, value] of Object.entries(values)) {
    onto.delete(name);
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== "") onto.append(name, String(each));
    }
  }
  return onto;
};

/** The address of a view. */
export const to = (path: string, query: Values = {}) => {
  const asked = queryOf(query).toString();
  return `#${path}${asked ? `?${asked}` : ""}`;
};

export const go = (address: string) => {
  location.hash = address;
};

/** Change the query of this view (a filter, a selection) without a new entry in the history. */
export const setQuery = (values: Values) => {
  const query = queryOf(values, new URLSearchParams(place.value.query)).toString();
  history.replaceState(null, "", `#${place.value.path}${query ? `?${query}` : ""}`);
  place.value = read();
};
