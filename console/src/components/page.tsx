// The frame of a page: where it is, what it is called, what can be done here, and its views.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { to } from "../router";

interface PageProps {
  title: string;
  /** Where this is below, outermost first. */
  above?: readonly (readonly [string, string])[];
  note?: ComponentChildren;
  actions?: ComponentChildren;
  views?: readonly (readonly [string, string, boolean])[];
  children: ComponentChildren;
}

export const Page = ({ title, above = [], note, actions, views, children }: PageProps) => {
  useEffect(() => {
    document.title = `${title} · Atelier`;
  }, [title]);
  // On a narrow screen the views scroll sideways: the one that is shown has to be among those in sight.
  const nav = useRef<HTMLElement>(null);
  const here = views?.find(([, , isHere]) => isHere)?.[0];
  useEffect(() => {
    const current = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (nav.current && current) nav.current.scrollLeft = current.offsetLeft - nav.current.offsetLeft - 40;
  }, [here]);
  return (
    <>
      <header class="page">
        {above.length > 0 && (
          <nav aria-label="Where this is">
            {above.map(([name, path]) => (
              <a key={path} href={to(path)}>
                {name}
              </a>
            ))}
          </nav>
        )}
        <div class="row">
          <h1>{title}</h1>
          {note}
          {actions && <div class="actions">{actions}</div>}
        </div>
        {views && (
          <nav ref={nav} class="views" aria-label="Views">
            {views.map(([name, address, isHere]) => (
              <a key={name} href={address} aria-current={isHere ? "page" : undefined}>
                {name}
              </a>
            ))}
          </nav>
        )}
      </header>
      {children}
    </>
  );
};
