// The fields of the form that follow what the chosen models take.
import type { Refused } from "../../api";
import { Field, faultOf } from "../../components/basics";
import { money } from "../../format";
import { type Model, type Param, change, chosen, draft, keyOf, mode, offered, params, ratios, takes } from "./draft";

const UNITS: Record<string, string> = { "1000_characters": "1,000 characters" };

const priceOf = ({ price }: Model) => (price ? `${money(price.amount, price.currency)} per ${UNITS[price.per] ?? price.per}` : "no price known");
const byProvider = () => {
  const found = new Map<string, Model[]>();
  for (const each of offered.value) found.set(each.provider, [...(found.get(each.provider) ?? []), each]);
  return found;
};

const setOption = (name: string, value: string) => {
  const other = name === "size" ? "aspect_ratio" : name === "aspect_ratio" ? "size" : "";
  change({ options: { ...draft.value.options, [name]: value, ...(other && value ? { [other]: "" } : {}) } });
};

export const ModelChoice = ({ error }: { error: Refused | undefined }) => {
  const [model] = chosen.value;
  return (
    <Field label="Model" error={faultOf(error, "model") ?? faultOf(error, "provider")} hint={model && <About model={model} />}>
      {(id, about) => (
        <select
          id={id}
          aria-describedby={about}
          value={model ? keyOf(model) : ""}
          onChange={(event) => change({ model: event.currentTarget.value, params: {} })}
        >
          {[...byProvider()].map(([provider, of]) => (
            <optgroup key={provider} label={provider}>
              {of.map((each) => (
                <option key={each.id} value={keyOf(each)}>
                  {each.id}
                  {each.lifecycle === "deprecated" ? " (deprecated)" : ""}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      )}
    </Field>
  );
};

const About = ({ model }: { model: Model }) => (
  <>
    {priceOf(model)}
    {model.served_by !== model.provider && ` · no credentials for ${model.provider}: ${model.served_by} serves it`}
    {model.lifecycle === "deprecated" && ` · deprecated${model.replacement ? `, use ${model.replacement}` : ""}`}
  </>
);

/** Several models for a matrix. */
export const ModelChoices = ({ error }: { error: Refused | undefined }) => {
  const fault = faultOf(error, "models") ?? faultOf(error, "provider");
  const picked = chosen.value.map(keyOf);
  return (
    <fieldset class={fault ? "field wrong" : "field"}>
      <legend>Models</legend>
      <div class="checks models" tabIndex={0} role="group" aria-label="Models to choose from">
        {offered.value.map((each) => (
          <label key={keyOf(each)} class="check">
            <input
              type="checkbox"
              checked={picked.includes(keyOf(each))}
              onChange={({ currentTarget }) => {
                const others = picked.filter((key) => key !== keyOf(each));
                change({ models: currentTarget.checked ? [...others, keyOf(each)] : others, params: {} });
              }}
            />
            <span>
              {each.id}{" "}
              <span class="dim">
                {each.provider}, {priceOf(each)}
              </span>
            </span>
          </label>
        ))}
      </div>
      {fault && <p class="about">{fault}</p>}
    </fieldset>
  );
};

export const RatioChoices = ({ error }: { error: Refused | undefined }) => {
  if (!takes.value.has("aspect_ratio")) return null;
  const fault = faultOf(error, "aspect_ratios");
  return (
    <fieldset class={fault ? "field wrong" : "field"}>
      <legend>Aspect ratios</legend>
      <div class="checks">
        {ratios.value.map((ratio) => (
          <label key={ratio} class="check">
            <input
              type="checkbox"
              checked={draft.value.ratios.includes(ratio)}
              onChange={({ currentTarget }) => {
                const others = draft.value.ratios.filter((each) => each !== ratio);
                change({ ratios: currentTarget.checked ? [...others, ratio] : others });
              }}
            />
            {ratio}
          </label>
        ))}
      </div>
      <p class="about">{fault ?? "None: the models' own default."}</p>
    </fieldset>
  );
};

interface TextProps {
  name: string;
  label: string;
  hint?: string;
  placeholder?: string;
  error: Refused | undefined;
  type?: "text" | "number" | "url";
  min?: number | undefined;
  max?: number | undefined;
  step?: number | "any";
}

// The types of elements know each kind by itself only.
const kind = (type: "text" | "number" | "url") => ({ type: type as "text" });

const Option = ({ name, label, hint, error, type = "text", ...rest }: TextProps) => (
  <Field label={label} hint={hint} error={faultOf(error, name)}>
    {(id, about) => (
      <input
        id={id}
        aria-describedby={about}
        {...kind(type)}
        value={draft.value.options[name] ?? ""}
        onInput={(event) => setOption(name, event.currentTarget.value)}
        {...rest}
      />
    )}
  </Field>
);

interface ListProps {
  name: string;
  label: string;
  empty: string;
  values: readonly (readonly [string, string])[];
  error: Refused | undefined;
}

const List = ({ name, label, empty, values, error }: ListProps) => (
  <Field label={label} error={faultOf(error, name)}>
    {(id, about) => (
      <select id={id} aria-describedby={about} value={draft.value.options[name] ?? ""} onChange={(event) => setOption(name, event.currentTarget.value)}>
        <option value="">{empty}</option>
        {values.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    )}
  </Field>
);

const Duration = ({ error }: { error: Refused | undefined }) => {
  const limits = chosen.value.length === 1 ? chosen.value[0]?.limits.duration : null;
  if (limits?.only.length) {
    const values = limits.only.map((each) => [String(each), `${each} s`] as const);
    return <List name="duration" label="Duration" empty={`${limits.default} s, the default`} values={values} error={error} />;
  }
  return (
    <Option
      name="duration"
      label="Duration"
      type="number"
      step="any"
      min={limits?.shortest}
      max={limits?.longest}
      placeholder={limits ? String(limits.default) : ""}
      hint={limits ? `Seconds, ${limits.shortest} to ${limits.longest}.` : "Seconds."}
      error={error}
    />
  );
};

const Voice = ({ error }: { error: Refused | undefined }) => {
  const limits = chosen.value.length === 1 ? chosen.value[0]?.limits : undefined;
  const languages = Object.entries(limits?.voices_by_language ?? {});
  if (!limits?.voices.length) return <Option name="voice" label="Voice" hint="A name or id that the provider knows." error={error} />;
  if (!languages.length) {
    return <List name="voice" label="Voice" empty="The default" values={limits.voices.map((each) => [each, each])} error={error} />;
  }
  return (
    <Field label="Voice" error={faultOf(error, "voice")}>
      {(id, about) => (
        <select id={id} aria-describedby={about} value={draft.value.options.voice ?? ""} onChange={(event) => setOption("voice", event.currentTarget.value)}>
          <option value="">The default</option>
          {languages.map(([language, voices]) => (
            <optgroup key={language} label={languageOf(language)}>
              {voices.map((voice) => (
                <option key={voice} value={voice}>
                  {voice}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      )}
    </Field>
  );
};

const languages = new Intl.DisplayNames(navigator.languages, { type: "language" });
const languageOf = (code: string) => {
  try {
    return languages.of(code) ?? code;
  } catch {
    return code;
  }
};

const FACTORS = ["2", "4"].map((each) => [each, each] as const);

/** The common options, in the order in which people think of them. */
export const Options = ({ error }: { error: Refused | undefined }) => {
  const has = (name: string) => takes.value.has(name);
  const most = Math.min(...chosen.value.map((each) => each.limits.num_outputs));
  return (
    <>
      <div class="pairs">
        {has("aspect_ratio") && mode.value !== "matrix" && (
          <List name="aspect_ratio" label="Aspect ratio" empty="The default" values={ratios.value.map((each) => [each, each])} error={error} />
        )}
        {has("duration") && <Duration error={error} />}
        {has("voice") && <Voice error={error} />}
        {has("upscale_factor") && (
          <List name="upscale_factor" label="Times as large" empty="The default" values={FACTORS} error={error} />
        )}
        {has("num_outputs") && most > 1 && (
          <List
            name="num_outputs"
            label="Outputs"
            empty="1"
            values={Array.from({ length: most - 1 }, (_, index) => [String(index + 2), String(index + 2)])}
            error={error}
          />
        )}
        {has("seed") && <Option name="seed" label="Seed" type="number" placeholder="random" min={0} error={error} />}
      </div>
      {has("negative_prompt") && <Option name="negative_prompt" label="Negative prompt" error={error} />}
      <details class="further" open={hasFault(error)}>
        <summary>More options</summary>
        <div class="pairs">
          {has("size") && <Option name="size" label="Size" placeholder="1024x768" hint="Instead of an aspect ratio." error={error} />}
          {params.value.map((each) => (
            <ParamField key={each.name} param={each} error={error} />
          ))}
          <Option name="max_cost" label="At most" type="number" step="any" min={0} hint="US dollars for each task. Needed by a budget that blocks, for a model without a price." error={error} />
          <Option name="webhook_url" label="Webhook" type="url" placeholder="https://" hint="Told when a task has ended." error={error} />
        </div>
      </details>
    </>
  );
};

const hasFault = (error: Refused | undefined) =>
  error?.problem.errors?.some(({ pointer }) => pointer?.startsWith("/params") || ["/size", "/max_cost", "/webhook_url"].includes(pointer ?? "")) ?? false;

const ParamField = ({ param, error }: { param: Param; error: Refused | undefined }) => {
  const { name, type, choices, minimum, maximum } = param;
  const value = draft.value.params[name] ?? "";
  const set = (text: string) => change({ params: { ...draft.value.params, [name]: text } });
  const known = param.default === null || param.default === undefined ? "" : String(param.default);
  const fixed = type === "boolean" ? [true, false].filter((each) => !choices.length || choices.includes(each)) : choices;
  const fault = faultOf(error, `params/${name}`);
  if (fixed.length === 1 && String(fixed[0]) === known) return null; // there is nothing to choose
  if (fixed.length) {
    return (
      <Field label={words(name)} error={fault}>
        {(id, about) => (
          <select id={id} aria-describedby={about} value={value} onChange={(event) => set(event.currentTarget.value)}>
            <option value="">{known ? `${asWord(known)}, the default` : "The default"}</option>
            {fixed.map(String).filter((each) => each !== known).map((each) => (
              <option key={each} value={each}>
                {asWord(each)}
              </option>
            ))}
          </select>
        )}
      </Field>
    );
  }
  const isNumber = type === "integer" || type === "number";
  const bounds = [minimum, maximum].every((each) => each !== null && each !== undefined) ? `${minimum} to ${maximum}.` : undefined;
  return (
    <Field label={words(name)} error={fault} hint={type === "array" ? "Several with commas." : bounds}>
      {(id, about) => (
        <input
          id={id}
          aria-describedby={about}
          {...kind(isNumber ? "number" : "text")}
          step={type === "number" ? "any" : undefined}
          min={minimum ?? undefined}
          max={maximum ?? undefined}
          maxLength={param.max_length ?? undefined}
          placeholder={known}
          value={value}
          onInput={(event) => set(event.currentTarget.value)}
        />
      )}
    </Field>
  );
};

const asWord = (value: string) => (value === "true" ? "Yes" : value === "false" ? "No" : value);

/** `num_inference_steps` and `SampleRate` as words. */
const words = (name: string) => {
  const text = name.replaceAll("_", " ").replace(/(\p{Ll})(\p{Lu})/gu, (_, end: string, next: string) => `${end} ${next.toLowerCase()}`);
  return text.charAt(0).toUpperCase() + text.slice(1);
};
