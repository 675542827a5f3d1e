// What somebody is about to ask for. It outlives the page, so that nobody types a prompt twice; texts as they were typed,
// made into a request here.
import { computed, signal } from "@preact/signals";
import { type Schema, type Task, type TaskSummary, type TaskType, type Whole, api, ok } from "../../api";
import type { Choosable } from "../../components/picker";
import { place } from "../../router";
import { me } from "../../session";
import type { Input } from "./inputs";

export type Model = Whole<Schema["OfferedModel"]>;
export type Param = Whole<Schema["ParamInfo"]>;
export type Mode = "one" | "several" | "matrix";

/** What a model takes in one role of `inputs`. */
export type InputInfo = Whole<Schema["InputInfo"]>;

const RATIOS = ["1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9", "9:21", "4:5", "5:4"];

export const MOST_ITEMS = 100;
export const MOST_TASKS = 500;

export interface Draft {
  type: TaskType;
  /** The account of what has no client: somebody else's, of whose whole account one is an editor; empty for one's own. */
  account: string;
  client: Choosable | null;
  campaign: Choosable | null;
  prompt: string;
  /** One prompt a line. */
  prompts: string;
  /** The values of each placeholder, one a line. */
  values: Readonly<Record<string, string>>;
  model: string;
  models: readonly string[];
  ratios: readonly string[];
  options: Readonly<Record<string, string>>;
  params: Readonly<Record<string, string>>;
  applies: boolean;
  inputs: readonly Input[];
}

const EMPTY: Draft = {
  type: "image",
  account: "",
  client: null,
  campaign: null,
  prompt: "",
  prompts: "",
  values: {},
  model: "",
  models: [],
  ratios: [],
  options: {},
  params: {},
  applies: true,
  inputs: [],
};

export const draft = signal<Draft>(EMPTY);
/** Those need a picture, and no prompt. */
export const needsPrompt = computed(() => !["upscale", "remove_background"].includes(draft.value.type));
/** As the address says. */
export const mode = computed((): Mode => {
  if (!needsPrompt.value) return "one";
  const asked = place.value.query.get("mode");
  return asked === "several" || asked === "matrix" ? asked : "one";
});
export const models = signal<readonly Model[]>([]);
let asking: Promise<readonly Model[]> | undefined;

/** The models, asked for once. Throws Refused. */
export const loadModels = async () => {
  asking ??= api.GET("/api/v3/models").then((answer) => ok(answer).items);
  try {
    models.value = await asking;
  } catch (refused) {
    asking = undefined;
    throw refused;
  }
  return models.value;
};

/** What was started from it since the console was opened, newest first. */
export const started = signal<readonly TaskSummary[]>([]);

let whose = 0;
/** Begin anew for somebody else. */
export const belongsTo = (user: number) => {
  if (user === whose) return;
  whose = user;
  draft.value = EMPTY;
  started.value = [];
};

export const change = (part: Partial<Draft>) => {
  draft.value = { ...draft.value, ...part };
};

export const keyOf = (model: Model) => `${model.provider} ${model.id}`;

/** The models that can be asked for, those of configured providers first. */
export const offeredFor = (type: TaskType) => {
  const usable = models.value.filter((each) => each.type === type && each.lifecycle !== "retired" && each.served_by !== null);
  return usable.sort((one, other) => Number(other.configured) - Number(one.configured));
};
export const offered = computed(() => offeredFor(draft.value.type));

/** The models of the request: the chosen ones, else the default that the API would take. */
export const chosen = computed((): readonly Model[] => {
  const { model, models: several } = draft.value;
  const wanted = mode.value === "matrix" ? several : [model];
  const found = offered.value.filter((each) => wanted.includes(keyOf(each)));
  if (found.length) return found;
  const byDefault = offered.value.find((each) => each.default) ?? offered.value[0];
  return byDefault ? [byDefault] : [];
});

/** What all of the chosen models take. */
export const takes = computed(() => {
  const [first, ...others] = chosen.value;
  return new Set(first?.takes.filter((name) => others.every((each) => each.takes.includes(name))) ?? []);
});

/** What all of the chosen models take as inputs. */
export const inputs = computed((): readonly InputInfo[] => {
  const [first, ...others] = chosen.value.map((each) => each.inputs);
  return (first ?? []).flatMap((info) => {
    const same = others.flatMap((each) => each.filter(({ role }) => role === info.role));
    if (same.length < others.length) return [];
    const [least, most] = [Math.max(info.least, ...same.map((each) => each.least)), Math.min(info.most, ...same.map((each) => each.most))];
    return [{ ...info, least, most }];
  });
});

const given = computed(() => draft.value.inputs.filter((each) => inputs.value.some(({ role }) => role === each.role)));
/** Whether there is less in a role than the models need. */
export const isWithoutSource = computed(() => inputs.value.some(({ role, least }) => given.value.filter((each) => each.role === role).length < least));

/** Whether a prompt is taken at all. */
export const takesPrompt = computed(() => chosen.value.every((each) => each.limits.prompt_characters > 0));

export const params = computed(() => (chosen.value.length === 1 ? (chosen.value[0]?.params ?? []) : []));

export const ratios = computed(() => {
  const limited = chosen.value.map((each) => each.limits.aspect_ratios).filter((each) => each.length);
  return RATIOS.filter((ratio) => limited.every((each) => each.includes(ratio)));
});

const PIECES = /\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]{0,63})\}/g;

/** The names in braces of a prompt, each once. */
export const placeholders = (prompt: string) => [
  ...new Set([...prompt.matchAll(PIECES)].flatMap((piece) => (piece[1] ? [piece[1]] : []))),
];

export const lines = (text: string) => text.split("\n").map((each) => each.trim()).filter(Boolean);
const distinct = (text: string) => [...new Set(lines(text))];

/** How many tasks come of it. */
export const tasks = computed(() => {
  const { prompt, prompts, values, ratios: picked } = draft.value;
  if (isWithoutSource.value) return 0;
  if (mode.value === "one") return prompt.trim() || !needsPrompt.value ? 1 : 0;
  if (mode.value === "several") return lines(prompts).length;
  const axes = placeholders(prompt).map((name) => distinct(values[name] ?? "").length);
  const product = [...axes, Math.max(1, chosen.value.length), Math.max(1, picked.length)].reduce((all, each) => all * each, 1);
  return prompt.trim() ? product : 0;
});

const NUMBERS = ["num_outputs", "seed", "duration", "upscale_factor", "max_cost"];
const numbers = (text: string): string | number => (Number.isNaN(Number(text)) ? text : Number(text));

const valueOf = (param: Param, text: string): unknown => {
  switch (param.type) {
    case "boolean":
      return text === "true";
    case "integer":
    case "number":
      return numbers(text);
    case "array":
      return text.split(",").map((each) => each.trim()).filter(Boolean);
    default:
      return text;
  }
};

/** What every task of the request has in common. */
const shared = (): Record<string, unknown> => {
  const now = draft.value;
  const taken = [...takes.value, "max_cost", "webhook_url"].filter((name) => now.options[name]?.trim());
  const options = taken
    .filter((name) => name !== "aspect_ratio" || mode.value !== "matrix")
    .map((name) => [name, NUMBERS.includes(name) ? numbers(now.options[name] ?? "") : now.options[name]?.trim()]);
  const set = params.value.filter((each) => now.params[each.name]);
  return {
    ...(now.campaign ? { campaign_id: now.campaign.id } : now.client ? { client_id: now.client.id } : now.account ? { user_id: Number(now.account) } : {}),
    ...Object.fromEntries(options),
    ...(set.length ? { params: Object.fromEntries(set.map((each) => [each.name, valueOf(each, now.params[each.name] ?? "")])) } : {}),
    ...(given.value.length ? { inputs: given.value.map(({ role, source }) => ({ role, ...source })) } : {}),
    ...(now.applies ? {} : { apply_brand_guidelines: false }),
  };
};

export interface Wanted {
  path: string;
  body: Record<string, unknown>;
}

/** The request, as it is sent; `dry` as its estimate is asked for. */
export const wanted = (dry: boolean): Wanted => {
  const now = draft.value;
  const [first] = chosen.value;
  const one = first ? { provider: first.provider, model: first.id } : {};
  const prompt = takesPrompt.value && (needsPrompt.value || now.prompt.trim()) ? { prompt: now.prompt } : {};
  const only = dry ? { dry_run: true } : {};
  switch (mode.value) {
    case "one":
      return { path: `/api/v3/generate/${now.type.replaceAll("_", "-")}${dry ? "/estimate" : ""}`, body: { ...prompt, ...one, ...shared() } };
    case "several": {
      const items = lines(now.prompts).map((prompt) => ({ type: now.type, prompt, ...one, ...shared() }));
      return { path: "/api/v3/generate/batch", body: { items, ...only } };
    }
    case "matrix": {
      const providers = new Set(chosen.value.map((each) => each.provider));
      const names = placeholders(now.prompt);
      return {
        path: "/api/v3/generate/matrix",
        body: {
          type: now.type,
          prompt: now.prompt,
          ...(names.length ? { variables: Object.fromEntries(names.map((name) => [name, distinct(now.values[name] ?? "")])) } : {}),
          ...(first ? { models: [...new Set(chosen.value.map((each) => each.id))] } : {}),
          ...(first && providers.size === 1 ? { provider: first.provider } : {}),
          ...(takes.value.has("aspect_ratio") && now.ratios.length ? { aspect_ratios: now.ratios } : {}),
          ...shared(),
          ...only,
        },
      };
    }
  }
};

const OPTIONS = ["num_outputs", "seed", "negative_prompt", "aspect_ratio", "size", "duration", "voice", "upscale_factor"];

interface Placed {
  user_id: number;
  client_id: string | null;
  campaign_id?: string | null;
}

/** Where a task or an asset is. */
const placeOf = ({ user_id, client_id, campaign_id }: Placed): Pick<Draft, "account" | "client" | "campaign"> => ({
  account: client_id || user_id === me.value?.user_id ? "" : String(user_id),
  client: client_id ? { id: client_id, name: "", user_id } : null,
  campaign: campaign_id ? { id: campaign_id, name: "", user_id } : null,
});

/** Something from an asset or from what a task made, with a model that takes it. */
export const from = (source: Placed, input: Input, type: TaskType): Partial<Draft> => {
  const able = offeredFor(type).filter((each) => each.inputs.some(({ role }) => role === input.role));
  const model = able.find((each) => each.configured && each.default) ?? able[0];
  return { ...placeOf(source), type, prompt: "", model: model ? keyOf(model) : "", models: [], options: {}, params: {}, inputs: [input] };
};

/** The same as a task was asked for. */
export const again = (task: Task, inputs: readonly Input[]): Partial<Draft> => {
  const text = (value: unknown) => (Array.isArray(value) ? value.join(", ") : String(value));
  const given = Object.entries(task.params as Record<string, unknown>).filter(
    ([name, value]) => value !== null && !(name === "num_outputs" && value === 1), // the default
  );
  return {
    type: task.type,
    prompt: task.prompt,
    model: `${task.provider} ${task.model}`,
    ...placeOf(task),
    options: Object.fromEntries(given.filter(([name]) => OPTIONS.includes(name)).map(([name, value]) => [name, text(value)])),
    params: Object.fromEntries(given.filter(([name]) => !OPTIONS.includes(name)).map(([name, value]) => [name, text(value)])),
    inputs,
  };
};
