import { Assets } from "../components/assets";
import { Choice } from "../components/basics";
import { Page } from "../components/page";
import { place, setQuery } from "../router";
import { mayCreate } from "../session";

const WHERE = [
  ["", "Everywhere"],
  ["none", "Without a client"],
] as const;

export const AllAssets = () => {
  const within = place.value.query.get("within") ?? "";
  return (
    <Page title="Assets" note={<Choice label="Shown" value={within} options={WHERE} onChoose={(value) => setQuery({ within: value })} />}>
      <Assets {...(within ? { client: "none" } : {})} mayAdd={mayCreate.value} />
    </Page>
  );
};
