// The frame of a page: where it is, what it is called, what can be done here, and its views.
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
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
          <span class="gap" />
          {actions}
        </div>
        {views && (
          <nav class="views" aria-label="Views">
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
