// The shell: who is signed in, where things are, and the page of the address.
import { useSignal } from "@preact/signals";
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { refusal } from "./api";
import { Button, Empty, Loading, Trouble } from "./components/basics";
import { Dialog } from "./components/dialog";
import { Notices } from "./components/notices";
import { Page } from "./components/page";
import { RequestsPanel } from "./components/requests-panel";
import { useLoaded } from "./loading";
import { Activity } from "./pages/activity";
import { Asset } from "./pages/asset";
import { AllAssets } from "./pages/assets";
import { Campaign } from "./pages/campaign";
import { Client } from "./pages/client";
import { Clients } from "./pages/clients";
import { Compare } from "./pages/compare";
import { Exports } from "./pages/exports";
import { Generate } from "./pages/generate";
import { Imports } from "./pages/imports";
import { Overview } from "./pages/overview";
import { Reports } from "./pages/reports";
import { Shared } from "./pages/shared";
import { SignIn } from "./pages/sign-in";
import { Task } from "./pages/task";
import { AllWork } from "./pages/work";
import { place, segments, to } from "./router";
import { loadSession, me } from "./session";
import { settings } from "./settings";
import { finishSignIn, signOut, token } from "./sign-in";
import { type Theme, theme } from "./theme";

const SECTIONS = [
  ["", "Overview", Overview],
  ["clients", "Clients", Clients],
  ["work", "Work", AllWork],
  ["assets", "Assets", AllAssets],
  ["generate", "Generate", Generate],
  ["reports", "Reports", Reports],
  ["imports", "Imports", Imports],
  ["exports", "Exports", Exports],
  ["activity", "Activity", Activity],
  ["shared", "Sharing", Shared],
] as const;

const ONE = { clients: Client, campaigns: Campaign, tasks: Task, assets: Asset } as const;
const SECTION_OF: Record<string, string> = { campaigns: "clients", tasks: "work", compare: "work" };

const Here = () => {
  const [kind = "", id] = segments.value;
  const One = ONE[kind as keyof typeof ONE];
  if (id && One) return <One key={id} id={id} />;
  const Section = id ? undefined : kind === "compare" ? Compare : SECTIONS.find(([name]) => name === kind)?.[2];
  if (Section) return <Section />;
  return (
    <Page title="Nothing here">
      <Empty title="There is no such page">
        <a href={to("/")}>To the overview</a>
      </Empty>
    </Page>
  );
};

const Sections = () => {
  const [kind = ""] = segments.value;
  const here = SECTION_OF[kind] ?? kind;
  return (
    <nav aria-label="Sections">
      {SECTIONS.map(([name, title]) => (
        <a key={name} href={to(`/${name}`)} aria-current={name === here ? "page" : undefined}>
          {title}
        </a>
      ))}
    </nav>
  );
};

const THEMES: readonly (readonly [Theme, string])[] = [
  ["system", "System"],
  ["light", "Light"],
  ["dark", "Dark"],
];

const Foot = ({ onRequests }: { onRequests: () => void }) => (
  <div class="foot">
    <Button kind="quiet" icon="code" onClick={onRequests}>
      Requests
    </Button>
    <a class="button quiet" href="/docs">
      API documentation
    </a>
    <label class="choice">
      <span>Theme</span>
      <select value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
        {THEMES.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </label>
    {me.value && (
      <p class="who">
        <span>{me.value.name ?? `User ${me.value.user_id}`}</span>
        <span class="dim">
          {me.value.role ?? "no role"} · user {me.value.user_id}
        </span>
      </p>
    )}
    {settings.signIn !== "none" && (
      <Button kind="quiet" onClick={signOut}>
        Sign out
      </Button>
    )}
  </div>
);

const Shell = () => {
  const main = useRef<HTMLElement>(null);
  const panel = useSignal<"menu" | "requests" | null>(null);
  const path = place.value.path;
  const isFirst = useRef(true);
  useEffect(() => {
    panel.value = null;
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    scrollTo({ top: 0 });
    main.current?.focus({ preventScroll: true });
  }, [path]);
  const close = () => (panel.value = null);
  return (
    <>
      <a class="skip" href="#content" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        To the content
      </a>
      <header class="bar">
        <Button kind="quiet" icon="menu" aria-label="Menu" onClick={() => (panel.value = "menu")} />
        <a class="brand" href={to("/")}>
          Atelier
        </a>
      </header>
      <aside>
        <a class="brand" href={to("/")}>
          Atelier
        </a>
        <Sections />
        <Foot onRequests={() => (panel.value = "requests")} />
      </aside>
      <main ref={main} id="content" tabIndex={-1}>
        <Here />
      </main>
      {panel.value === "menu" && (
        <Dialog title="Menu" side onClose={close}>
          <Sections />
          <Foot onRequests={() => (panel.value = "requests")} />
        </Dialog>
      )}
      {panel.value === "requests" && <RequestsPanel onClose={close} />}
    </>
  );
};

/** The session first, because every page asks what its reader may do. */
const Session = () => {
  const session = useLoaded(token.value, async () => {
    await loadSession();
    return true;
  });
  if (session.data.value) return <Shell />;
  return (
    <main class="sign-in">
      <h1>Atelier</h1>
      {session.error.value ? <Trouble refused={session.error.value} again={session.reload} /> : <Loading />}
    </main>
  );
};

const App = () => (
  <>
    {settings.signIn === "none" || token.value ? <Session /> : <SignIn />}
    <Notices />
  </>
);

const start = async () => {
  let failed: unknown;
  await finishSignIn().catch((error: unknown) => (failed = error));
  render(failed ? <Trouble refused={refusal(failed)} /> : <App />, document.body);
};

void start();
