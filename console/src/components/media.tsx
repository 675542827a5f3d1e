// Pictures, videos and sounds, small and large. Everything else about a task is text beside them.
import { useState } from "preact/hooks";
import type { Output, TaskSummary } from "../api";
import { seconds } from "../format";
import { type Medium, mediumOf } from "../types";
import type { Asset } from "../upload";
import { Icon, type IconName, Progress, Status } from "./basics";

const kindOf = (output: Pick<Output, "content_type">) => output.content_type.split("/", 1)[0] as Medium;
const ICONS: Record<Medium, IconName> = { image: "image", video: "play", audio: "sound" };

/** An asset as a tile; why there is none where its file was rejected. */
export const AssetThumbnail = ({ asset }: { asset: Asset }) => {
  const medium = asset.content_type.split("/", 1)[0] as Medium;
  if (asset.status !== "ready") {
    return (
      <span class={`thumbnail none ${asset.status}`}>
        <Icon name={ICONS[medium]} />
        <Status is={asset.status} />
        {asset.error && <span class="why">{asset.error.message}</span>}
      </span>
    );
  }
  return (
    <span class={`thumbnail ${medium}`}>
      {asset.thumbnail_url ? <img src={asset.thumbnail_url} alt="" loading="lazy" decoding="async" /> : <Icon name={ICONS[medium]} />}
      <span class="facts">
        {medium !== "image" && <Icon name={ICONS[medium]} />}
        {asset.duration !== null && seconds(asset.duration)}
      </span>
    </span>
  );
};

/** The first output of a task as a tile; what there is instead while it runs, or when there is none. */
export const Thumbnail = ({ task, onBroken }: { task: TaskSummary; onBroken?: () => void }) => {
  const [broken, setBroken] = useState("");
  const output = task.outputs[0];
  const medium = mediumOf(task.type);
  if (!output) {
    const isOpen = task.status === "pending" || task.status === "processing";
    return (
      <span class={`thumbnail none ${task.status}`}>
        <Icon name={ICONS[medium]} />
        <Status is={task.status} />
        {isOpen && <Progress value={task.progress} label="Progress" />}
        {task.error && <span class="why">{task.error.message}</span>}
      </span>
    );
  }
  const source = output.thumbnail_url ?? (kindOf(output) === "image" ? output.url : null);
  return (
    <span class={`thumbnail ${medium} ${task.type}`}>
      {source && source !== broken ? (
        <img
          src={source}
          alt=""
          loading="lazy"
          decoding="async"
          onError={() => {
            setBroken(source);
            onBroken?.();
          }}
        />
      ) : (
        <Icon name={ICONS[medium]} />
      )}
      <span class="facts">
        {medium !== "image" && <Icon name={ICONS[medium]} />}
        {output.duration !== null && seconds(output.duration)}
        {task.outputs.length > 1 && <span>{task.outputs.length} files</span>}
        {task.outputs.some((each) => each.flagged) && <span>flagged</span>}
      </span>
    </span>
  );
};

/** An output, or the file of an asset, as large as there is room. */
export const Large = ({ output, alt }: { output: Pick<Output, "content_type" | "url" | "thumbnail_url" | "width" | "height">; alt: string }) => {
  switch (kindOf(output)) {
    case "video":
      return (
        <video class="large" controls loop playsInline src={output.url} poster={output.thumbnail_url ?? undefined}>
          {alt}
        </video>
      );
    case "audio":
      return (
        <figure class="large audio">
          {output.thumbnail_url && <img src={output.thumbnail_url} alt="" />}
          <audio controls src={output.url}>
            {alt}
          </audio>
        </figure>
      );
    default:
      return (
        <img
          class="large"
          src={output.url}
          alt={alt}
          {...(output.width && output.height ? { width: output.width, height: output.height } : {})}
        />
      );
  }
};
