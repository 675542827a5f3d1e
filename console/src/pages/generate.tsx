import { Empty } from "../components/basics";
import { Page } from "../components/page";

export const Generate = () => (
  <Page title="Generate">
    <Empty title="Not here yet" />
  </Page>
);
