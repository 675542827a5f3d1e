// Deleting a client or a campaign: first the numbers of what goes with it and of what stays.
import { api, ok } from "../api";
import { plural } from "../format";
import { useAction, useLoaded } from "../loading";
import { Loading, Trouble } from "./basics";
import { FormDialog } from "./dialog";

type Kind = "client" | "campaign";

interface RemovalProps {
  kind: Kind;
  id: string;
  name: string;
  onClose: () => void;
  onDone: () => void;
}

const sums = async (kind: Kind, id: string) => {
  const below = { [`${kind}_id`]: id, page_size: 1 };
  const open = { ...below, status: ["pending" as const, "processing" as const] };
  const [tasks, running, campaigns, assets] = await Promise.all([
    api.GET("/api/v3/tasks", { params: { query: below } }),
    api.GET("/api/v3/tasks", { params: { query: open } }),
    kind === "client" ? api.GET("/api/v3/campaigns", { params: { query: below } }) : undefined,
    kind === "client" ? api.GET("/api/v3/assets", { params: { query: below } }) : undefined,
  ]);
  return { tasks: ok(tasks).total, running: ok(running).total, campaigns: campaigns ? ok(campaigns).total : 0, assets: assets ? ok(assets).total : 0 };
};

export const Removal = ({ kind, id, name, onClose, onDone }: RemovalProps) => {
  const { data, error, reload } = useLoaded(`${kind} ${id}`, () => sums(kind, id));
  const remove = useAction(async () => {
    ok(
      kind === "client"
        ? await api.DELETE("/api/v3/clients/{client_id}", { params: { path: { client_id: id } } })
        : await api.DELETE("/api/v3/campaigns/{campaign_id}", { params: { path: { campaign_id: id } } }),
    );
    onDone();
  });
  const found = data.value;
  return (
    <FormDialog
      title={`Delete ${name}?`}
      submit={`Delete ${kind}`}
      danger
      busy={remove.isRunning.value || !found}
      error={remove.error.value}
      request={() => ({ method: "DELETE", path: `/api/v3/${kind}s/${id}` })}
      onClose={onClose}
      onSubmit={() => found && void remove.run()}
    >
      <Trouble refused={error.value} again={reload} />
      {!found && !error.value && <Loading rows={1} />}
      {found && (
        <>
          <p>
            {kind === "client" && `${plural(found.campaigns, "campaign")}, ${plural(found.assets, "asset")} with ${found.assets === 1 ? "its" : "their"} files, `}
            {kind === "client" ? "and all shares, invitations and budgets, go with it." : "Its shares, invitations and budget go with it."}
          </p>
          <p>
            {plural(found.tasks, "task")} {found.tasks === 1 ? "stays" : "stay"}, without {kind === "client" ? "client and campaign" : "campaign"}
            {found.running > 0 && `; ${plural(found.running, "of them is", "of them are")} still running`}. What was spent stays in reports, under this name. This cannot be
            undone.
          </p>
        </>
      )}
    </FormDialog>
  );
};
