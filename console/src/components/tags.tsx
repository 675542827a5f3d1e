import { useSignal } from "@preact/signals";
import { to } from "../router";
import { Button } from "./basics";

/** Tags of a task, each leading to all work that has it; with `onChange`, to add to and take from. */
export const TagEditor = ({ tags, onChange }: { tags: readonly string[]; onChange?: (tags: string[]) => void }) => {
  const text = useSignal("");
  const add = () => {
    const tag = text.value.trim();
    text.value = "";
    if (tag && !tags.includes(tag)) onChange?.([...tags, tag]);
  };
  return (
    <div class="tags">
      {tags.map((tag) => (
        <span key={tag} class="tag">
          <a href={to("/work", { tag })}>{tag}</a>
          {onChange && <Button kind="quiet" icon="close" aria-label={`Remove the tag ${tag}`} onClick={() => onChange(tags.filter((each) => each !== tag))} />}
        </span>
      ))}
      {onChange && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            add();
          }}
        >
          <input aria-label="Add a tag" placeholder="Add a tag" maxLength={64} value={text.value} onInput={(event) => (text.value = event.currentTarget.value)} onBlur={add} />
        </form>
      )}
    </div>
  );
};
