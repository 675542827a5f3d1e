import { Empty } from "../components/basics";
import { Page } from "../components/page";

export const Shared = () => (
  <Page title="Shared with me">
    <Empty title="Not here yet" />
  </Page>
);
