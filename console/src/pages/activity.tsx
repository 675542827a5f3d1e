import { Empty } from "../components/basics";
import { Page } from "../components/page";

export const Activity = () => (
  <Page title="Activity">
    <Empty title="Not here yet" />
  </Page>
);
