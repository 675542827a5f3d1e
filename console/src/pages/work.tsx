import { Button, Choice, Empty } from "../components/basics";
import { Page } from "../components/page";
import { Work } from "../components/work";
import { go, place, setQuery, to } from "../router";
import { mayCreate } from "../session";

const WHERE = [
  ["", "Any"],
  ["none", "None"],
] as const;

export const AllWork = () => {
  const within = place.value.query.get("within") ?? "";
  const generate = mayCreate.value && (
    <Button kind="primary" icon="plus" onClick={() => go(to("/generate"))}>
      Generate
    </Button>
  );
  return (
    <Page
      title="Work"
      actions={generate}
    >
      <Work
        within={within ? { client_id: "none" } : {}}
        where={<Choice label="Client" value={within} options={WHERE} onChoose={(value) => setQuery({ within: value })} />}
        empty={
          <Empty title="Nothing here yet">
            <p>What you generate appears here, newest first.</p>
            {generate}
          </Empty>
        }
      />
    </Page>
  );
};
