// The latest work of a client or a campaign as four small pictures, asked for when it comes into view.
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { type TaskSummary, api, ok } from "../api";
import { Icon } from "./basics";

const SHOWN = 4;
const known = new Map<string, readonly TaskSummary[]>();

const load = async (below: { client_id: string } | { campaign_id: string }) => {
  const query = { ...below, status: ["succeeded" as const], page_size: SHOWN };
  return ok(await api.GET("/api/v3/tasks", { params: { query } })).items;
};

export const Mosaic = ({ of }: { of: { client_id: string } | { campaign_id: string } }) => {
  const key = JSON.stringify(of);
  const element = useRef<HTMLSpanElement>(null);
  const tasks = useSignal(known.get(key));
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => {
      if (!entry?.isIntersecting) return;
      observer.disconnect();
      load(of).then(
        (found) => {
          known.set(key, found);
          tasks.value = found;
        },
        () => undefined, // the page itself says when the server is not there
      );
    });
    if (element.current) observer.observe(element.current);
    return () => observer.disconnect();
  }, [key]);
  const sources = (tasks.value ?? []).map((task) => task.outputs[0]?.thumbnail_url ?? null);
  return (
    <span ref={element} class={`mosaic of-${sources.length}`}>
      {tasks.value && sources.length === 0 && <span class="dim">Nothing yet</span>}
      {sources.map((source, index) =>
        source ? <img key={source} src={source} alt="" loading="lazy" decoding="async" /> : <Icon key={index} name="image" />,
      )}
    </span>
  );
};
