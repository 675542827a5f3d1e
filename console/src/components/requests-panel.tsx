// The engineer's side of the console: each request that it made, and the same as curl.
import { count } from "../format";
import { requests } from "../requests";
import { decoded } from "../router";
import { CopyCurl, Empty } from "./basics";
import { Dialog } from "./dialog";

export const RequestsPanel = ({ onClose }: { onClose: () => void }) => (
  <Dialog title="Requests" side onClose={onClose}>
    <p class="dim">What this page has asked the API, newest first.</p>
    {requests.value.length === 0 && <Empty title="None yet" />}
    <ol class="requests">
      {requests.value.map((each) => (
        <li key={`${each.at.getTime()} ${each.requestId}`}>
          <div class="row">
            <b>{each.method}</b>
            <code>{decoded(each.path)}</code>
          </div>
          <div class="row dim">
            <span class={each.status >= 400 || !each.status ? "bad" : ""}>{each.status || "no answer"}</span>
            <span>{count(Math.round(each.milliseconds))} ms</span>
            <code>{each.requestId}</code>
            <span class="gap" />
            <CopyCurl label="curl" of={() => ({ method: each.method, path: each.path, body: each.body, headers: each.headers })} />
          </div>
        </li>
      ))}
    </ol>
  </Dialog>
);
