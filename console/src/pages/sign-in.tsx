import { useSignal } from "@preact/signals";
import { Button, Field, Trouble } from "../components/basics";
import { useAction } from "../loading";
import { settings } from "../settings";
import { reason, signIn, token } from "../sign-in";

export const SignIn = () => {
  const leave = useAction(signIn);
  const pasted = useSignal("");
  return (
    <main class="sign-in">
      <h1>Atelier</h1>
      {reason.value && <p role="alert">{reason.value}</p>}
      {settings.signIn === "openid" ? (
        <>
          <p class="dim">You sign in at your provider, and come back here.</p>
          <Button kind="primary" busy={leave.isRunning.value} onClick={() => void leave.run()}>
            Sign in
          </Button>
          <Trouble refused={leave.error.value} />
        </>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            reason.value = "";
            token.value = pasted.value.trim();
          }}
        >
          <Field label="Token" hint="This deployment names no sign-in page. Paste a token of its identity provider; it is kept until you leave this page.">
            {(id, about) => (
              <input id={id} aria-describedby={about} type="password" autocomplete="off" required value={pasted.value} onInput={(event) => (pasted.value = event.currentTarget.value)} />
            )}
          </Field>
          <Button type="submit" kind="primary">
            Continue
          </Button>
        </form>
      )}
    </main>
  );
};
