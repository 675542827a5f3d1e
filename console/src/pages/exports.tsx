import { Empty } from "../components/basics";
import { Page } from "../components/page";

export const Exports = () => (
  <Page title="Exports">
    <Empty title="Not here yet" />
  </Page>
);
