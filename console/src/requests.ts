// Every request of the console, for the engineer beside the producer: what was sent, what came back, and the same as curl.
import { signal } from "@preact/signals";

export interface Sent {
  method: string;
  path: string;
  body?: string;
  headers: Record<string, string>;
  /** 0 while it runs, and for what was never answered. */
  status: number;
  requestId: string;
  milliseconds: number;
  at: Date;
}

const KEPT = 100;

export const requests = signal<readonly Sent[]>([]);

export const note = (sent: Sent) => {
  requests.value = [sent, ...requests.value.slice(0, KEPT - 1)];
};

export interface Asked {
  method?: string;
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A path with a query, in which a list is a parameter that is given several times. */
export const withQuery = (path: string, query: object) => {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((each) => [name, String(each)]));
  return `${path}?${new URLSearchParams(pairs)}`;
};

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** A request as a line for a shell. The token is a variable, so that the line can be shown to others. */
export const curl = (asked: Asked, withToken: boolean) => {
  const method = asked.method ?? "GET";
  const parts = ["curl -s"];
  if (method !== "GET" && !(method === "POST" && asked.body !== undefined)) parts.push(`-X ${method}`);
  parts.push(quoted(location.origin + asked.path));
  if (withToken) parts.push('-H "authorization: Bearer $TOKEN"');
  for (const [name, value] of Object.entries(asked.headers ?? {})) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (asked.body !== undefined) {
    parts.push("-H 'content-type: application/json'");
    parts.push(`-d ${quoted(typeof asked.body === "string" ? asked.body : JSON.stringify(asked.body))}`);
  }
  return parts.join(" ");
};
