// With whom something is shared, and who is invited.
import { useSignal } from "@preact/signals";
import { type Schema, type Whole, api, newKey, ok } from "../api";
import { date } from "../format";
import { useAction, useListed } from "../loading";
import { to } from "../router";
import { type Scope, pathOf } from "../scope";
import { Button, CopyCurl, Field, Loading, Time, Trouble, faultOf } from "./basics";
import { Confirm, type Question } from "./confirm";
import { FormDialog } from "./dialog";
import { say } from "./notices";

type Share = Whole<Schema["Share"]>;
type Invitation = Whole<Schema["Invitation"]>;

/** The same requests at three places, each typed by the document. */
const routes = (scope: Scope) => {
  if (scope.kind === "client") {
    const path = { client_id: scope.id };
    return {
      shares: (cursor?: string) => api.GET("/api/v3/clients/{client_id}/shares", { params: { path, query: { page_size: 100, cursor } } }),
      share: (user_id: string, body: Schema["NewShare"]) => api.PUT("/api/v3/clients/{client_id}/shares/{user_id}", { params: { path: { ...path, user_id } }, body }),
      end: (user_id: string) => api.DELETE("/api/v3/clients/{client_id}/shares/{user_id}", { params: { path: { ...path, user_id } } }),
      invitations: (cursor?: string) => api.GET("/api/v3/clients/{client_id}/invitations", { params: { path, query: { page_size: 100, cursor } } }),
      invite: (body: Schema["NewInvitation"], key: string) => api.POST("/api/v3/clients/{client_id}/invitations", { params: { path, header: { "idempotency-key": key } }, body }),
      withdraw: (invitation_id: string) => api.DELETE("/api/v3/clients/{client_id}/invitations/{invitation_id}", { params: { path: { ...path, invitation_id } } }),
    };
  }
  if (scope.kind === "campaign") {
    const path = { campaign_id: scope.id };
    return {
      shares: (cursor?: string) => api.GET("/api/v3/campaigns/{campaign_id}/shares", { params: { path, query: { page_size: 100, cursor } } }),
      share: (user_id: string, body: Schema["NewShare"]) => api.PUT("/api/v3/campaigns/{campaign_id}/shares/{user_id}", { params: { path: { ...path, user_id } }, body }),
      end: (user_id: string) => api.DELETE("/api/v3/campaigns/{campaign_id}/shares/{user_id}", { params: { path: { ...path, user_id } } }),
      invitations: (cursor?: string) => api.GET("/api/v3/campaigns/{campaign_id}/invitations", { params: { path, query: { page_size: 100, cursor } } }),
      invite: (body: Schema["NewInvitation"], key: string) => api.POST("/api/v3/campaigns/{campaign_id}/invitations", { params: { path, header: { "idempotency-key": key } }, body }),
      withdraw: (invitation_id: string) => api.DELETE("/api/v3/campaigns/{campaign_id}/invitations/{invitation_id}", { params: { path: { ...path, invitation_id } } }),
    };
  }
  return {
    shares: (cursor?: string) => api.GET("/api/v3/account/shares", { params: { query: { page_size: 100, cursor } } }),
    share: (user_id: string, body: Schema["NewShare"]) => api.PUT("/api/v3/account/shares/{user_id}", { params: { path: { user_id } }, body }),
    end: (user_id: string) => api.DELETE("/api/v3/account/shares/{user_id}", { params: { path: { user_id } } }),
    invitations: (cursor?: string) => api.GET("/api/v3/account/invitations", { params: { query: { page_size: 100, cursor } } }),
    invite: (body: Schema["NewInvitation"], key: string) => api.POST("/api/v3/account/invitations", { params: { header: { "idempotency-key": key } }, body }),
    withdraw: (invitation_id: string) => api.DELETE("/api/v3/account/invitations/{invitation_id}", { params: { path: { invitation_id } } }),
  };
};

export const Sharing = ({ scope }: { scope: Scope }) => {
  const at = routes(scope);
  const path = pathOf(scope);
  const shares = useListed<Share>(`${path} shares`, async (cursor) => ok(await at.shares(cursor)));
  const invitations = useListed<Invitation>(`${path} invitations`, async (cursor) => ok(await at.invitations(cursor)));
  const dialog = useSignal<"share" | "invite" | null>(null);
  const question = useSignal<Question | null>(null);
  const close = () => (dialog.value = null);
  const reload = () => {
    shares.reload();
    invitations.reload();
  };
  const ending = (share: Share): Question => ({
    title: `End sharing with user ${share.shared_with}?`,
    about: "They lose access with their next request. What they made for you stays yours. You can share with them again.",
    submit: "End the share",
    request: { method: "DELETE", path: `${path}/shares/${share.shared_with}` },
    act: async () => {
      ok(await at.end(String(share.shared_with)));
      say("The share has ended.");
      reload();
    },
  });
  const withdrawal = (invitation: Invitation): Question => ({
    title: `Withdraw the invitation of ${invitation.email ?? "whoever has the link"}?`,
    about: "Its link stops working, and no other has the same. You can invite them again, with a new link.",
    submit: "Withdraw",
    request: { method: "DELETE", path: `${path}/invitations/${invitation.id}` },
    act: async () => {
      ok(await at.withdraw(invitation.id));
      say("The invitation is withdrawn.");
      reload();
    },
  });
  return (
    <>
      <section class="panel" aria-label="Shares">
        <div class="row">
          <h2>Shared with</h2>
          <span class="gap" />
          <CopyCurl of={() => ({ path: `${path}/shares` })} />
          <Button onClick={() => (dialog.value = "share")}>Share with a user</Button>
          <Button kind="primary" onClick={() => (dialog.value = "invite")}>
            Invite
          </Button>
        </div>
        <Trouble refused={shares.error.value} again={reload} />
        {shares.total.value === undefined && !shares.error.value && <Loading rows={1} />}
        {shares.total.value === 0 && <p class="dim">Nobody else sees this.</p>}
        {shares.items.value.length > 0 && (
          <ul class="lines">
            {shares.items.value.map((share) => (
              <li key={share.id}>
                <b>User {share.shared_with}</b>
                <span class="badge">{share.role}</span>
                <span class="dim">
                  since <Time at={share.created_at} />
                  {share.expires_at && `, until ${date(share.expires_at)}`}
                </span>
                <span class="gap" />
                <Button onClick={() => (question.value = ending(share))}>End</Button>
              </li>
            ))}
          </ul>
        )}
      </section>
      <section class="panel" aria-label="Invitations">
        <h2>Invited</h2>
        <Trouble refused={invitations.error.value} />
        {invitations.total.value === 0 && <p class="dim">No invitation is open.</p>}
        <ul class="lines">
          {invitations.items.value.map((invitation) => (
            <li key={invitation.id}>
              <b>{invitation.email ?? "Whoever has the link"}</b>
              <span class="badge">{invitation.role}</span>
              <span class="dim">can be accepted until {date(invitation.expires_at)}</span>
              <span class="gap" />
              <Button onClick={() => (question.value = withdrawal(invitation))}>Withdraw</Button>
            </li>
          ))}
        </ul>
      </section>
      {question.value && <Confirm question={question.value} onClose={() => (question.value = null)} />}
      {dialog.value === "share" && <ShareForm scope={scope} onClose={close} onDone={reload} />}
      {dialog.value === "invite" && <InviteForm scope={scope} onClose={close} onDone={reload} />}
    </>
  );
};

interface FormProps {
  scope: Scope;
  onClose: () => void;
  onDone: () => void;
}

const RoleField = ({ scope, role, error }: { scope: Scope; role: { value: Schema["NewShare"]["role"] }; error: string | undefined }) => (
  <Field label="Role" error={error} hint="A viewer looks, an editor also changes and generates.">
    {(id, about) => (
      <select id={id} aria-describedby={about} value={role.value} onChange={(event) => (role.value = event.currentTarget.value as Schema["NewShare"]["role"])}>
        <option value="viewer">viewer</option>
        <option value="editor">editor</option>
        {scope.kind === "account" && <option value="admin">admin</option>}
      </select>
    )}
  </Field>
);

const untilOf = (day: string) => (day ? new Date(`${day}T23:59:59`).toISOString() : null);

const ShareForm = ({ scope, onClose, onDone }: FormProps) => {
  const user = useSignal("");
  const role = useSignal<Schema["NewShare"]["role"]>("viewer");
  const until = useSignal("");
  const body = () => ({ role: role.value, expires_at: untilOf(until.value) });
  const save = useAction(async () => {
    ok(await routes(scope).share(user.value, body()));
    say(`Shared with user ${user.value}.`);
    onDone();
    onClose();
  });
  const error = save.error.value;
  return (
    <FormDialog
      title="Share with a user"
      submit="Share"
      busy={save.isRunning.value}
      error={error}
      request={() => ({ method: "PUT", path: `${pathOf(scope)}/shares/${user.value}`, body: body() })}
      onClose={onClose}
      onSubmit={() => void save.run()}
    >
      <Field label="User number" hint="At the foot of their own console. Invite those whose number you do not know.">
        {(id, about) => (
          <input id={id} aria-describedby={about} inputMode="numeric" pattern="[0-9]+" required value={user.value} onInput={(event) => (user.value = event.currentTarget.value)} autofocus />
        )}
      </Field>
      <RoleField scope={scope} role={role} error={faultOf(error, "role")} />
      <Field label="Until" hint="Empty: until you end it." error={faultOf(error, "expires_at")}>
        {(id, about) => <input id={id} aria-describedby={about} type="date" value={until.value} onInput={(event) => (until.value = event.currentTarget.value)} />}
      </Field>
    </FormDialog>
  );
};

const InviteForm = ({ scope, onClose, onDone }: FormProps) => {
  const email = useSignal("");
  const role = useSignal<Schema["NewShare"]["role"]>("viewer");
  const link = useSignal("");
  const key = useSignal(newKey());
  const body = () => ({ role: role.value, email: email.value || null });
  const save = useAction(async () => {
    const made = ok(await routes(scope).invite(body(), key.value));
    link.value = `${location.origin}/console/${to("/shared", { token: made.token })}`;
    onDone();
  });
  const error = save.error.value;
  if (link.value) {
    return (
      <FormDialog
        title="Invitation"
        submit="Copy the link"
        cancel="Close"
        busy={false}
        error={undefined}
        request={() => ({ path: `${pathOf(scope)}/invitations` })}
        onClose={onClose}
        onSubmit={() => void navigator.clipboard.writeText(link.value).then(() => say("Copied."))}
      >
        <p>Send this link. It is shown once: nobody can read it again, you included.</p>
        <Field label="Link">{(id) => <input id={id} readOnly value={link.value} onFocus={(event) => event.currentTarget.select()} />}</Field>
      </FormDialog>
    );
  }
  return (
    <FormDialog
      title="Invite"
      submit="Make a link"
      busy={save.isRunning.value}
      error={error}
      request={() => ({ method: "POST", path: `${pathOf(scope)}/invitations`, body: body() })}
      onClose={onClose}
      onSubmit={() => void save.run()}
    >
      <RoleField scope={scope} role={role} error={faultOf(error, "role")} />
      <Field label="Email address" hint="Only who has this verified address may accept. Empty: whoever has the link, once, within 7 days." error={faultOf(error, "email")}>
        {(id, about) => <input id={id} aria-describedby={about} type="email" value={email.value} onInput={(event) => (email.value = event.currentTarget.value)} />}
      </Field>
    </FormDialog>
  );
};
