// Who is asking. Tokens live in this module's memory and nowhere else: a reload asks the provider again, which knows its
// people by its own cookie. OpenID Connect by authorization code with PKCE (RFC 7636), without a secret.
import { signal } from "@preact/signals";
import { settings } from "./settings";

export const token = signal("");
/** Why somebody has to sign in, when it is not the first time. */
export const reason = signal("");

interface Provider {
  authorization_endpoint: string;
  token_endpoint: string;
  end_session_endpoint?: string;
}

interface Leaving {
  state: string;
  verifier: string;
  hash: string;
}

const LEAVING = "atelier-sign-in";
const callback = () => `${location.origin}/console/`;

const text = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const random = () => text(crypto.getRandomValues(new Uint8Array(32)));
const challenge = async (verifier: string) =>
  text(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));

const discover = async (): Promise<Provider> => {
  const answer = await fetch(`${settings.issuer}/.well-known/openid-configuration`);
  if (!answer.ok) throw new Error(`The sign-in provider answered ${answer.status}.`);
  return (await answer.json()) as Provider;
};

/** Leave for the provider's page; it sends people back here, to the view that they asked for. */
export const signIn = async () => {
  const provider = await discover();
  const leaving: Leaving = { state: random(), verifier: random(), hash: location.hash };
  sessionStorage.setItem(LEAVING, JSON.stringify(leaving));
  const asked = new URLSearchParams({
    response_type: "code",
    client_id: settings.clientId,
    redirect_uri: callback(),
    scope: "openid email profile",
    state: leaving.state,
    code_challenge: await challenge(leaving.verifier),
    code_challenge_method: "S256",
  });
  location.assign(`${provider.authorization_endpoint}?${asked}`);
};

/** After the provider has sent somebody back: exchange the code for a token. Nothing on any other load. */
export const finishSignIn = async () => {
  const told = new URLSearchParams(location.search);
  const kept = sessionStorage.getItem(LEAVING);
  if (!told.has("state") || !kept) return;
  sessionStorage.removeItem(LEAVING);
  const leaving = JSON.parse(kept) as Leaving;
  history.replaceState(null, "", `/console/${leaving.hash}`);
  dispatchEvent(new HashChangeEvent("hashchange"));
  const code = told.get("code");
  if (told.get("state") !== leaving.state || !code) {
    reason.value = told.get("error_description") ?? "Signing in was not finished.";
    return;
  }
  const { token_endpoint } = await discover();
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: settings.clientId,
    redirect_uri: callback(),
    code,
    code_verifier: leaving.verifier,
  });
  const answer = await fetch(token_endpoint, { method: "POST", body });
  // The ID token: it has name and address, and its audience is the client, which the API has to accept.
  const { id_token, error } = (await answer.json()) as { id_token?: string; error?: string };
  if (id_token) token.value = id_token;
  else reason.value = error ?? "The provider gave no ID token.";
};

export const tokenWasRefused = () => {
  if (settings.signIn === "none" || !token.value) return;
  reason.value = "Your session has ended.";
  token.value = "";
};

/** Forget the token, and with it everything that was loaded. */
export const signOut = () => location.reload();
