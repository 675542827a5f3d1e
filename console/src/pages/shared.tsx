import { useSignal } from "@preact/signals";
import { type Schema, type Whole, api, newKey, ok } from "../api";
import { Button, CopyCurl, Field, Time, Trouble } from "../components/basics";
import { Confirm } from "../components/confirm";
import { say } from "../components/notices";
import { Page } from "../components/page";
import { Sharing } from "../components/sharing";
import { date } from "../format";
import { useAction } from "../loading";
import { go, place, setQuery, to } from "../router";
import { loadSession, mayManage, me, received } from "../session";

type Received = Whole<Schema["ReceivedShare"]>;

export const Shared = () => {
  const user = me.value;
  return (
    <Page title="Sharing">
      <Accept />
      <section class="panel" aria-label="Shared with me">
        <div class="row">
          <h2>Shared with me</h2>
          <span class="gap" />
          <CopyCurl of={() => ({ path: "/api/v3/shares" })} />
        </div>
        {received.value.length === 0 ? (
          <p class="dim">Nothing yet. Your user number is {user?.user_id}: who has it can share with you.</p>
        ) : (
          <ul class="lines">
            {(received.value as readonly Received[]).map((share) => (
              <Row key={share.id} share={share} />
            ))}
          </ul>
        )}
      </section>
      {user && mayManage({ user_id: user.user_id }) ? (
        <>
          <h2 class="section">My whole account</h2>
          <Sharing scope={{ kind: "account" }} />
        </>
      ) : (
        <p class="dim">Sharing your whole account takes the role admin.</p>
      )}
    </Page>
  );
};

const hrefOf = ({ resource }: Received) =>
  resource.type === "account" ? to("/clients", { owner: resource.user_id }) : to(`/${resource.type}s/${resource.id}`);

const Row = ({ share }: { share: Received }) => {
  const { resource } = share;
  const isLeaving = useSignal(false);
  const user_id = String(me.value?.user_id);
  const path = resource.type === "account" ? `/api/v3/account/shares/${user_id}?owner=${resource.user_id}` : `/api/v3/${resource.type}s/${resource.id}/shares/${user_id}`;
  const leave = async () => {
    if (resource.type === "client") {
      ok(await api.DELETE("/api/v3/clients/{client_id}/shares/{user_id}", { params: { path: { client_id: resource.id, user_id } } }));
    } else if (resource.type === "campaign") {
      ok(await api.DELETE("/api/v3/campaigns/{campaign_id}/shares/{user_id}", { params: { path: { campaign_id: resource.id, user_id } } }));
    } else {
      const query = { owner: resource.user_id };
      ok(await api.DELETE("/api/v3/account/shares/{user_id}", { params: { path: { user_id }, query } }));
    }
    await loadSession();
    say("You have left it.");
  };
  return (
    <li>
      <a href={hrefOf(share)}>{resource.name ?? `Account ${resource.user_id}`}</a>
      <span class="badge">
        {resource.type} · {share.role}
      </span>
      <span class="dim">
        by user {share.shared_by}, <Time at={share.created_at} />
        {share.expires_at && `, until ${date(share.expires_at)}`}
      </span>
      <span class="gap" />
      <Button onClick={() => (isLeaving.value = true)}>Leave</Button>
      {isLeaving.value && (
        <Confirm
          question={{
            title: `Leave ${resource.name ?? `account ${resource.user_id}`}?`,
            about: `You see nothing of it any more, until user ${share.shared_by} shares it with you again. What you made there stays there.`,
            submit: "Leave",
            request: { method: "DELETE", path },
            act: leave,
          }}
          onClose={() => (isLeaving.value = false)}
        />
      )}
    </li>
  );
};

/** Whoever follows the link of an invitation comes here with its token. */
const Accept = () => {
  const token = useSignal(place.value.query.get("token") ?? "");
  const key = useSignal(newKey());
  const accept = useAction(async () => {
    const header = { "idempotency-key": key.value };
    const body = { token: token.value.trim() };
    const share = ok(await api.POST("/api/v3/invitations/accept", { params: { header }, body })) as Received;
    await loadSession();
    setQuery({ token: "" });
    say(`${share.resource.name ?? "The account"} is shared with you.`);
    go(hrefOf(share));
  });
  return (
    <form
      class="panel accept"
      onSubmit={(event) => {
        event.preventDefault();
        void accept.run();
      }}
    >
      <Field label="Invitation" hint="The token of the link that was sent to you.">
        {(id, about) => (
          <input id={id} aria-describedby={about} required autocomplete="off" value={token.value} onInput={(event) => (token.value = event.currentTarget.value)} />
        )}
      </Field>
      <Button type="submit" kind={token.value ? "primary" : "plain"} busy={accept.isRunning.value}>
        Accept
      </Button>
      <Trouble refused={accept.error.value} />
    </form>
  );
};
