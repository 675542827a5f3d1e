import { Empty } from "../components/basics";
import { Page } from "../components/page";

export const Overview = () => (
  <Page title="Overview">
    <Empty title="Not here yet" />
  </Page>
);
