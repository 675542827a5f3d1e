import { Empty } from "../components/basics";
import { Page } from "../components/page";

export const Imports = () => (
  <Page title="Imports">
    <Empty title="Not here yet" />
  </Page>
);
