// What the server says about itself, in the page that it serves.

export interface Settings {
  /** How people sign in: not at all, at an OpenID provider, or by pasting a token. */
  signIn: "none" | "openid" | "token";
  issuer: string;
  clientId: string;
}

const told = document.querySelector<HTMLMetaElement>('meta[name="atelier"]');

export const settings: Settings = JSON.parse(told?.content ?? "{}") as Settings;
