// The API as openapi.json describes it: a change there that this code does not follow is an error of `tsc`.
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";
import { type Sent, note } from "./requests";
import { token, tokenWasRefused } from "./sign-in";

export type Schema = components["schemas"];

/** An answer as it is: the document calls a field with a default optional, and answers have every field. */
export type Whole<T> = T extends readonly (infer E)[]
  ? Whole<E>[]
  : T extends object
    ? { [K in keyof T]-?: Whole<Exclude<T[K], undefined>> }
    : T;

export type Problem = Schema["Problem"];
export type Client = Whole<Schema["Client"]>;
export type Campaign = Whole<Schema["Campaign"]>;
export type Task = Whole<Schema["Task"]>;
export type TaskSummary = Whole<Schema["TaskSummary"]>;
export type Output = Whole<Schema["Output"]>;
export type Budget = Whole<Schema["Budget"]>;
export type Role = Schema["Role"];
export type TaskStatus = Schema["TaskStatus"];
export type TaskType = Schema["TaskType"];

/** A request that was refused or not answered, with the problem's own words. */
export class Refused extends Error {
  constructor(
    readonly problem: Problem,
    readonly sent?: Sent,
  ) {
    super(problem.detail);
  }
}

const LOGGED_HEADERS = ["idempotency-key", "if-match", "if-none-match"];
const running = new WeakMap<Request, { sent: Sent; began: number }>();
const answered = new WeakMap<Response, Sent>();

const watch: Middleware = {
  async onRequest({ request }) {
    if (token.value) request.headers.set("authorization", `Bearer ${token.value}`);
    const { pathname, search } = new URL(request.url);
    const body = request.method === "GET" ? "" : await request.clone().text();
    const sent: Sent = {
      method: request.method,
      path: pathname + search,
      headers: Object.fromEntries(LOGGED_HEADERS.flatMap((name) => {
        const value = request.headers.get(name);
        return value === null ? [] : [[name, value]];
      })),
      status: 0,
      requestId: "",
      milliseconds: 0,
      at: new Date(),
      ...(body ? { body } : {}),
    };
    running.set(request, { sent, began: performance.now() });
    return request;
  },
  onResponse({ request, response }) {
    const known = running.get(request);
    if (known) answered.set(response, logged(known, response));
    if (response.status === 401) tokenWasRefused();
    return undefined;
  },
  onError({ request, error }) {
    if (error instanceof DOMException && error.name === "AbortError") return undefined;
    const known = running.get(request);
    return new Refused(unanswered(request), known && logged(known));
  },
};

const logged = ({ sent, began }: { sent: Sent; began: number }, response?: Response) => {
  const whole = {
    ...sent,
    status: response?.status ?? 0,
    requestId: response?.headers.get("x-request-id") ?? "",
    milliseconds: performance.now() - began,
  };
  note(whole);
  return whole;
};

const unanswered = (request: Request): Problem => ({
  type: "about:blank",
  title: "No answer",
  status: 0,
  detail: "The server could not be reached. Check the connection and try again.",
  instance: new URL(request.url).pathname,
  request_id: "",
});

export const api = createClient<paths>({ baseUrl: "" });
api.use(watch);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer. Throws Refused. */
export const ok = <T>({ data, error, response }: Answer<T>): Whole<T> => {
  if (response.ok) return data as Whole<T>;
  throw new Refused(problemOf(error, response), answered.get(response));
};

// What the gateway answers by itself has `message` alone (docs of HTTP APIs).
const problemOf = (error: unknown, response: Response): Problem => {
  const known = typeof error === "object" && error !== null ? (error as Partial<Problem> & { message?: string }) : {};
  return {
    type: known.type ?? "about:blank",
    title: known.title ?? `${response.status} ${response.statusText}`.trim(),
    status: known.status ?? response.status,
    detail: known.detail ?? known.message ?? "The server gave no reason.",
    instance: known.instance ?? new URL(response.url).pathname,
    request_id: known.request_id ?? response.headers.get("x-request-id") ?? response.headers.get("apigw-requestid") ?? "",
    ...(known.errors ? { errors: known.errors } : {}),
    ...(known.budget ? { budget: known.budget } : {}),
  };
};

export const refusal = (error: unknown): Refused =>
  error instanceof Refused
    ? error
    : new Refused({
        type: "about:blank",
        title: "The console failed",
        status: 0,
        detail: error instanceof Error ? error.message : String(error),
        instance: location.hash,
        request_id: "",
      });

/** A key for a POST that may be sent again: one for each time that somebody means it. */
export const newKey = () => crypto.randomUUID();
